# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host loses that has left the platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repo import ROOT
from tests.unit.roles.recording import run

if TYPE_CHECKING:
    from pathlib import Path


def test_services_outside_of_the_swarm_go_first(tmp_path: Path) -> None:
    (tmp_path / "roles").symlink_to(ROOT / "tests" / "fixtures" / "roles")
    named = {"name": "elk.swarm.membership", "tasks_from": "left.yml"}
    found = run(
        tmp_path,
        [{"name": "Clear up", "ansible.builtin.include_role": named}],
        groups={"swarm_managers": {"m1": {}}},
        modules=["firewall_rules", "platform_files"],
        answers={},
        variables={
            "elk_local_dir": str(tmp_path / "local"),
            "elk_additional_service_roles": ["hello", "ticker"],
        },
        # Their units are those of this machine.
        arguments=["--check"],
    )
    assert found.code == 0, found.output
    tasks = ["[ticker : Remove the unit of Ticker]", "Take the platform's rules out"]
    first, second = (found.output.index(task) for task in tasks)
    assert first < second
    assert "[hello : " not in found.output
    assert [one.module for one in found.calls] == ["firewall_rules", "platform_files"]
