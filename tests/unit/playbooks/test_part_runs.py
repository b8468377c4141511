# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs with the tags of one part, or on some of the hosts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from repo import ROOT
from tests.harness.playbook import run_in_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_tags_of_another_part_need_no_facts_and_make_no_secret(tmp_path: Path) -> None:
    """Ansible checks the specs of roles with every tag, also where it gathers no facts."""
    plays = yaml.safe_load((ROOT / "playbooks" / "hosts.yml").read_text())
    (tmp_path / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
    inventory = {
        "all": {
            "vars": {
                "ansible_connection": "local",
                "ansible_become": False,
                "ansible_python_interpreter": sys.executable,
                "elk_local_dir": str(tmp_path / "secrets"),
            }
        },
        "swarm_managers": {"hosts": {"m1": {"ansible_host": "10.60.0.11"}}},
        "swarm_workers": {"hosts": {"w1": {"ansible_host": "10.60.0.12"}}},
    }
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
    # No task has this tag, so only the checks of the specs run.
    output = run_in_folder(tmp_path, "hosts.yml", ANSIBLE_RUN_TAGS="no-such-part")
    assert "Validating arguments against arg spec" in output
    assert not (tmp_path / "secrets").exists()


@pytest.mark.parametrize("name", ["stack", "verify"])
def test_the_services_need_all_hosts(name: str) -> None:
    (play,) = yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text())
    first = (play.get("pre_tasks") or play["tasks"])[0]
    assert "leaves out" in first["ansible.builtin.assert"]["fail_msg"]
    assert first["tags"] == ["always"]
