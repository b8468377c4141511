# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a service of kind per_host."""

from __future__ import annotations

import pytest

from ansible_collections.elk.swarm.plugins.filter.per_host_plan import per_host_plan

NAMES = ["broker-m1", "broker-x-m1", "broker-w2"]
NODES = {"m1": "m1", "w1.example": "w1", "w2": "w2", "x-m1": "x-m1"}


def test_each_host_has_a_service_that_stays_there() -> None:
    found = per_host_plan("broker", "broker", NODES, ["w1.example", "m1"], [])
    label = {"elk.per_host": "broker"}
    assert found == {
        "services": [
            {
                "host": "w1.example",
                "name": "broker-w1-example",
                "constraints": ["node.hostname == w1"],
                "labels": label,
                "former": [],
            },
            {
                "host": "m1",
                "name": "broker-m1",
                "constraints": ["node.hostname == m1"],
                "labels": label,
                "former": [],
            },
        ],
        "former": [],
    }


def test_the_services_of_former_hosts_are_removed() -> None:
    names = ["broker-m1", "broker-w2"]
    assert per_host_plan("broker", "broker", NODES, ["m1"], names)["former"] == ["broker-w2"]


def test_the_services_of_a_former_name_are_removed() -> None:
    found = per_host_plan("kafka", "broker", NODES, ["m1", "x-m1"], NAMES)
    assert [(one["name"], one["former"]) for one in found["services"]] == [
        ("kafka-m1", ["broker-m1"]),
        ("kafka-x-m1", ["broker-x-m1"]),
    ]
    assert found["services"][0]["labels"] == {"elk.per_host": "broker"}
    assert found["former"] == ["broker-w2"]


def test_a_host_outside_of_the_run_is_an_error() -> None:
    with pytest.raises(ValueError, match="What the swarm calls w9 is unknown"):
        per_host_plan("broker", "broker", NODES, ["m1", "w9"], [])
