# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks on the controller run as the user who started the run, whatever the inventory says.

ansible_become in the inventory beats the keyword become, and only a variable of the task beats it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from repo import ROOT
from tests.harness.playbook import run_in_folder
from tests.unit.expressions import Loader, sources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNPRIVILEGED = {"become": False, "vars": {"ansible_become": False}}


def delegated(value: Any) -> Iterator[dict[str, Any]]:
    """Everything that is delegated to the controller: tasks, blocks and what an include applies."""
    if isinstance(value, dict):
        if value.get("delegate_to") == "localhost":
            yield value
        for part in value.values():
            yield from delegated(part)
    elif isinstance(value, list):
        for part in value:
            yield from delegated(part)


def test_every_task_on_the_controller_is_unprivileged() -> None:
    found = [
        (name, task)
        for name in sources("roles", "playbooks")
        if name.endswith(".yml")
        for task in delegated(list(yaml.load_all((ROOT / name).read_text(), Loader)))
    ]
    assert len(found) >= 30
    wrong = [
        f"{name}: {task.get('name')}"
        for name, task in found
        if task.get("become") is not False
        or (task.get("vars") or {}).get("ansible_become") is not False
    ]
    assert wrong == []


def test_a_variable_of_the_task_beats_the_inventory(tmp_path: Path) -> None:
    """With a sudo that always fails, as for a user who may not use it."""
    task = {"ansible.builtin.command": {"argv": ["true"]}, "delegate_to": "localhost"}
    play = {
        "hosts": "m1",
        "gather_facts": False,
        "become": True,
        "tasks": [
            {**task, "name": "With the variable", **UNPRIVILEGED},
            {**task, "name": "Without it", "become": False, "register": "asked"}
            | {"ignore_errors": True},
            {
                "name": "Sudo was asked for without it",
                "ansible.builtin.assert": {"that": "asked is failed"},
            },
        ],
    }
    common = {
        "ansible_connection": "local",
        "ansible_become": True,
        "ansible_become_exe": "/bin/false",
        "ansible_become_user": "nobody",
        "ansible_python_interpreter": sys.executable,
    }
    (tmp_path / "hosts.yml").write_text(
        yaml.safe_dump({"all": {"vars": common, "hosts": {"m1": {}}}})
    )
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
    run_in_folder(tmp_path, "hosts.yml")


@pytest.mark.parametrize(
    ("given", "address", "place", "words"),
    [
        # Nothing listens on this port, and the machine says so: it is reached.
        ("auto", "127.0.0.1", "localhost", ""),
        ("auto", "host.invalid", "m1", "checked from m1, not from the controller (host.invalid: "),
        ("controller", "host.invalid", "localhost", ""),
        ("manager", "127.0.0.1", "m1", "(elk_probe_from is manager)"),
    ],
)
def test_ports_are_checked_from_where_the_hosts_are_reached(
    tmp_path: Path, given: str, address: str, place: str, words: str
) -> None:
    """On the controller without sudo, whatever the inventory says; on a host as it says."""
    role = {"name": "elk.swarm.elk", "tasks_from": "choose_probe_host.yml"}
    ca_file = "/etc/elk/pki/ca.crt" if place == "m1" else "/s/ca.crt"
    play = {
        "hosts": "m1",
        "gather_facts": False,
        "become": True,
        "tasks": [
            {
                "ansible.builtin.import_role": role,
                "vars": {"elk_probe_ports": [1]},
            },
            {
                "name": "Run as the checks do",
                "ansible.builtin.command": {"argv": ["true"]},
                "delegate_to": "{{ elk_probe_host }}",
                "vars": {"ansible_become": "{{ elk_probe_become | bool }}"},
                "register": "ran",
                "ignore_errors": True,
            },
            {
                "name": "Compare",
                "ansible.builtin.assert": {
                    "that": [
                        f"elk_probe_host == '{place}'",
                        f"(ran is failed) == {place == 'm1'}",
                        f"elk_probe_ca_file == '{ca_file}'",
                        f"elk_probe_dir == '{'/etc/elk' if place == 'm1' else '/s'}'",
                    ]
                },
            },
        ],
    }
    common = {
        "ansible_connection": "local",
        "ansible_become": True,
        "ansible_become_exe": "/bin/false",
        "ansible_become_user": "nobody",
        "ansible_python_interpreter": sys.executable,
        "elk_address": address,
        "elk_local_dir": "/s",
        "elk_probe_from": given,
    }
    managers = {"swarm_managers": {"hosts": {"m1": {}}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": common}, **managers}))
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
    output = " ".join(run_in_folder(tmp_path, "hosts.yml").split())
    assert words in output
    assert ("not from the controller" in output) == (place == "m1")
