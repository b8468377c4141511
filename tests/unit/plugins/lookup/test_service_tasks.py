# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup finds task files of roles, also of those beside the playbook."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from tests.harness.playbook import run_in_folder

if TYPE_CHECKING:
    from pathlib import Path

QUERIES = {
    "default": "'hello', 'elk.swarm.kibana'",
    "first": "'elk.swarm.logstash', 'hello', files=['update.yml', 'main.yml']",
    "optional": "'hello', 'elk.swarm.kibana', files=['report.yml']",
    "no_role": "'helo'",
}


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_roles_with_a_file_are_found(tmp_path: Path) -> None:
    write(tmp_path / "roles" / "hello" / "tasks" / "main.yml", [])
    # What is no file of tasks does not count.
    (tmp_path / "roles" / "hello" / "tasks" / "report.yml").mkdir()
    tasks: list[dict[str, Any]] = []
    for name, query in QUERIES.items():
        content = f"{{{{ query('elk.swarm.service_tasks', {query}) | to_json }}}}"
        copy = {"content": content, "dest": str(tmp_path / f"{name}.json"), "mode": "0600"}
        task = {"name": name, "ansible.builtin.copy": copy}
        if name == "no_role":
            error = {
                "that": "'Role helo was not found. Tried were ' in ansible_failed_result.msg",
                "quiet": True,
            }
            check = {"name": "Check the error", "ansible.builtin.assert": error}
            task = {"name": "Name the role", "block": [task], "rescue": [check]}
        tasks.append(task)
    write(tmp_path / "play.yml", [{"hosts": "all", "gather_facts": False, "tasks": tasks}])
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    write(tmp_path / "hosts.yml", {"all": {"vars": local, "hosts": {"m1": {}}}})
    run_in_folder(tmp_path, "hosts.yml")
    found = {
        name: [
            (one["role"], one["tasks_from"])
            for one in json.loads((tmp_path / f"{name}.json").read_text())
        ]
        for name in ("default", "first", "optional")
    }
    assert not (tmp_path / "no_role.json").exists()
    assert found == {
        "default": [("hello", "main.yml"), ("elk.swarm.kibana", "main.yml")],
        "first": [("elk.swarm.logstash", "update.yml"), ("hello", "main.yml")],
        "optional": [("elk.swarm.kibana", "report.yml")],
    }
