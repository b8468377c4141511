# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How systemd starts the daemon again when it could not start at boot."""

from __future__ import annotations

import configparser

import yaml

from repo import ROOT

ROLE = ROOT / "roles" / "docker_engine"


def test_systemd_never_gives_up() -> None:
    variables = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())
    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(variables["__docker_engine_dropin_content"])
    assert parser["Unit"]["StartLimitIntervalSec"] == "0"
    assert int(parser["Service"]["RestartSec"]) > 0
    path = variables["__docker_engine_dropin"]
    assert path.startswith("/etc/systemd/system/docker.service.d/")
    assert path.endswith(".conf")


def test_a_running_daemon_is_not_restarted() -> None:
    tasks = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text())
    names = [task["name"] for task in tasks]
    write = names.index("Write how systemd starts the daemon again")
    assert "__docker_engine_dropin" in str(tasks[write]["elk.swarm.host_files"])
    # The package starts the daemon, and the file should count then.
    assert write < names.index("Change what is not as it should be")
    follow = [task for task in tasks if "__docker_engine_dropin_result" in str(task.get("when"))]
    assert [task["ansible.builtin.systemd_service"] for task in follow] == [{"daemon_reload": True}]
    readers = [
        path.name
        for path in ROLE.rglob("*.yml")
        if "__docker_engine_dropin_result " in path.read_text()
    ]
    assert readers == ["main.yml"]
