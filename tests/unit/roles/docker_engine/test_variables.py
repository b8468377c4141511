# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role docker_engine does on a host, which its variables decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from repo import ROOT
from tests.unit.roles.evaluation import Case, evaluate

if TYPE_CHECKING:
    from pathlib import Path

ROLE = ROOT / "roles" / "docker_engine"
HELD = ["docker-ce", "docker-ce-cli", "containerd.io"]


def look(*missing: str, held: bool = True, manager: bool = False) -> dict[str, Any]:
    """What the survey of a host with version 28.5.1 finds."""
    names = [name for name in [*HELD, "ca-certificates", "iptables"] if name not in missing]
    packages = {
        name: {"version": "5:28.5.1-1~debian.13~trixie", "held": held and name in HELD}
        for name in names
    }
    return {"survey": {"packages": packages, "docker": {"swarm": {"manager": manager}}}}


# Expression, its value, and the variables that it depends on.
CASES: list[tuple[str, Any, dict[str, Any]]] = [
    ("__docker_engine_incomplete", False, {"docker_engine_version": ""}),
    ("__docker_engine_incomplete", False, {"docker_engine_version": "28.5.1"}),
    ("__docker_engine_incomplete", False, {"docker_engine_version": "28.*"}),
    ("__docker_engine_incomplete", False, {"docker_engine_version": "5:28.5.*"}),
    ("__docker_engine_incomplete", True, {"docker_engine_version": "28.4.*"}),
    ("__docker_engine_incomplete", True, {"__docker_engine_look": look("iptables")}),
    ("__docker_engine_packages.replaces", False, {"__docker_engine_look": look("iptables")}),
    ("__docker_engine_packages.replaces", True, {"__docker_engine_look": look("containerd.io")}),
    ("__docker_engine_packages.older", False, {"docker_engine_version": "28.*"}),
    ("__docker_engine_packages.older", True, {"docker_engine_version": "28.4.0"}),
    # Before the look at the host.
    (
        "__docker_engine_packages.specs",
        [
            "docker-ce=5:28.*",
            "docker-ce-cli=5:28.*",
            "containerd.io",
            "ca-certificates",
            "iptables",
        ],
        {"docker_engine_version": "28.*", "__docker_engine_look": {}},
    ),
    ("__docker_engine_hold_wrong", [], {}),
    ("__docker_engine_hold_wrong", HELD, {"docker_engine_hold": False}),
    ("__docker_engine_hold_wrong", HELD, {"__docker_engine_look": look(held=False)}),
    # apt takes the hold off what it changes.
    ("__docker_engine_hold_wrong", HELD, {"__docker_engine_installed": {"changed": True}}),
    ("__docker_engine_hold_wrong", [], {"ansible_facts": {"os_family": "RedHat"}}),
    (
        "__docker_engine_defaults",
        {"log-driver": "local", "log-opts": {"max-size": "20m", "max-file": "5"}},
        {"docker_engine_log_max_size": "20m", "docker_engine_log_max_files": 5},
    ),
    (
        "__docker_engine_defaults",
        {"log-driver": "journald", "registry-mirrors": ["https://mirror"]},
        {
            "docker_engine_log_driver": "journald",
            "docker_engine_registry_mirrors": ["https://mirror"],
        },
    ),
    # Not this host, and not the one that is no manager. Nobody has looked at m3.
    ("__docker_engine_witness", "m3", {}),
    ("__docker_engine_witness", "m1", {"groups": {"swarm_managers": ["m1", "m2"]}}),
    ("__docker_engine_witness", "m1", {"groups": {}}),
]


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("docker_engine")
    common = {
        "docker_engine_source": "docker_ce",
        "__docker_engine_look": look(),
        "ansible_facts": {
            "os_family": "Debian",
            "distribution": "Debian",
            "distribution_major_version": "13",
        },
    }
    cases = [
        Case(str(number), expression, {**common, **variables})
        for number, (expression, _value, variables) in enumerate(CASES)
    ]
    looks = {
        "m1": {"__docker_engine_look": look(manager=True)},
        "m2": {"__docker_engine_look": look(manager=False)},
        "m3": {},
    }
    return evaluate(
        folder,
        cases,
        groups={"swarm_managers": {"hosts": looks}},
        local_dir=folder,
        vars_files=[ROLE / "defaults" / "main.yml", ROLE / "vars" / "main.yml"],
    )["m1"]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_the_variables(values: dict[str, Any], number: int) -> None:
    assert values[str(number)] == CASES[number][1], CASES[number]
