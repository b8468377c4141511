# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a replicated service with data runs: the role hello on three hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from repo import ROOT
from tests.unit.roles.recording import Run, run

if TYPE_CHECKING:
    from pathlib import Path

ROLES = ROOT / "tests" / "fixtures" / "roles"
MODULES = ["node_labels", "service", "service_info"]
GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "swarm_managers": {"m1": {}, "m2": {}},
    "swarm_workers": {"w1": {}},
    "hello": {"w1": {}, "m1": {}, "m2": {}},
}
EVERYWHERE = dict.fromkeys(("m1", "m2", "w1"))


def task(node: str) -> dict[str, str]:
    return {"node": node, "state": "running", "desired_state": "running"}


def played(folder: Path, tasks_from: str, *running: str, **variables: Any) -> Run:
    """Run a file of the role while these hosts run a task."""
    (folder / "roles").symlink_to(ROLES)
    local_dir = folder / "local"
    local_dir.mkdir()
    for name in ("hello_password", "secret_hash_key"):
        (local_dir / name).write_text("a" * 48)
        (local_dir / name).chmod(0o600)
    nodename = {"nodename": "{{ inventory_hostname }}", "cacheable": True}
    named = {"name": "hello", "tasks_from": tasks_from}
    exists = {"exists": True, "tasks": [task(node) for node in running]}
    return run(
        folder,
        [
            {"name": "Know the nodes", "ansible.builtin.set_fact": nodename},
            {"name": "Call hello", "ansible.builtin.include_role": named},
        ],
        groups=GROUPS,
        modules=MODULES,
        answers={"service_info": [({}, exists)]},
        variables={"elk_local_dir": str(local_dir), "hello_image": "python:3", **variables},
    )


def labels(found: Run) -> list[dict[str, Any]]:
    assert found.code == 0, found.output
    return [one.arguments["labels"]["elk.hello"] for one in found.of("node_labels")]


@pytest.mark.parametrize(
    ("replicas", "running", "labelled"),
    [
        (2, [], ["w1", "m1"]),
        # The newest task is that of w1, and its data is what counts.
        (1, ["w1", "m1"], ["w1"]),
        (0, ["w1"], []),
    ],
)
def test_the_first_hosts_run_it(
    tmp_path: Path, replicas: int, running: list[str], labelled: list[str]
) -> None:
    found = played(tmp_path, "main.yml", *running, hello_replicas=replicas)
    assert labels(found) == [{**EVERYWHERE, **dict.fromkeys(labelled, "true")}]
    [service] = [one.arguments for one in found.of("service")]
    assert service["replicas"] == replicas
    assert service["placement"]["replicas_max_per_node"] == 1
    assert service["command"][:2] == ["python3", "/hello/hello.py"]
    assert service["mounts"] == [{"type": "bind", "source": "/srv/elk/hello", "target": "/data"}]
    program = (ROLES / "hello" / "files" / "hello.py").read_text()
    assert service["configs"][0]["data"] == program
    assert "password = aaaaaaaa" in service["secrets"][1]["data"]


def test_scaling_compares_places_and_reports(tmp_path: Path) -> None:
    found = played(tmp_path, "scale.yml", "m2", "w1", hello_replicas=1)
    assert labels(found) == [{**EVERYWHERE, "w1": "true"}]
    deployed = [(one.check, one.arguments["replicas"]) for one in found.of("service")]
    assert deployed == [(True, -1), (False, 1)]


def test_an_update_keeps_hosts_and_number_of_tasks(tmp_path: Path) -> None:
    found = played(tmp_path, "update.yml", "w1")
    assert labels(found) == []
    assert [one.arguments["replicas"] for one in found.of("service")] == [-1]


def test_a_short_password_is_refused(tmp_path: Path) -> None:
    found = played(tmp_path, "main.yml", hello_password="short")
    assert found.code != 0
    assert "hello_password: has less than 12 characters" in " ".join(found.output.split())
    assert found.calls == []
