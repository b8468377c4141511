# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel parameters that the role host_tuning sets on each host."""

from __future__ import annotations

from typing import Any

import pytest

from repo import ROOT
from tests.unit.roles.evaluation import Case, evaluate

ALWAYS = {"vm.max_map_count": 262144, "net.ipv4.tcp_retries2": 5}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "defaults": ({}, ALWAYS),
    "swappiness": ({"host_tuning_swappiness": "1"}, {**ALWAYS, "vm.swappiness": 1}),
    "no buffer": ({"elk_syslog_udp_buffer": "0"}, ALWAYS),
    "buffer": (
        {"elk_syslog_udp_buffer": "8388608"},
        {**ALWAYS, "net.core.rmem_max": 8388608},
    ),
    "host without Logstash": (
        {"elk_syslog_udp_buffer": 8388608, "elk_logstash_hosts": ["w1"]},
        ALWAYS,
    ),
}


@pytest.fixture(scope="module")
def parameters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    tmp = tmp_path_factory.mktemp("host_tuning")
    roles = [ROOT / "roles" / name for name in ("elk", "host_tuning")]
    found: dict[str, list[dict[str, Any]]] = evaluate(
        tmp,
        [Case(name, "__host_tuning_parameters", given) for name, (given, _) in CASES.items()],
        groups={
            "swarm_managers": {"hosts": {"m1": {}}},
            "swarm_workers": {"hosts": {"w1": {}}},
        },
        local_dir=tmp,
        vars_files=[role / kind / "main.yml" for role in roles for kind in ("defaults", "vars")],
    )["m1"]
    return found


@pytest.mark.parametrize("name", CASES)
def test_parameters(parameters: dict[str, list[dict[str, Any]]], name: str) -> None:
    found = {one["name"]: int(one["value"]) for one in parameters[name]}
    assert found == CASES[name][1]
    raised = [one["name"] for one in parameters[name] if one.get("minimum")]
    assert set(raised) <= {"vm.max_map_count", "net.core.rmem_max"}
