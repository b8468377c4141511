# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a service of kind per_host."""

from __future__ import annotations

from typing import Any

from ansible_collections.elk.swarm.plugins.filter.per_host_plan import per_host_plan

NODES = {"m1": "m1", "w1.example": "w1", "w2": "w2"}


def present(name: str, **labels: str) -> dict[str, Any]:
    return {"name": name, "service": {"Spec": {"Name": name, "Labels": labels}}}


def test_each_host_has_a_service_that_stays_there() -> None:
    found = per_host_plan("broker", NODES, ["w1.example", "m1"], [])
    label = {"elk.per_host": "broker"}
    assert found == {
        "services": [
            {
                "host": "w1.example",
                "name": "broker-w1-example",
                "constraints": ["node.hostname == w1"],
                "labels": label,
            },
            {
                "host": "m1",
                "name": "broker-m1",
                "constraints": ["node.hostname == m1"],
                "labels": label,
            },
        ],
        "former": [],
    }


def test_only_its_own_services_are_removed() -> None:
    services = [
        present("broker-m1", **{"elk.per_host": "broker"}),
        present("broker-w2", **{"elk.per_host": "broker"}),
        # Other services whose names begin like it.
        present("broker-exporter"),
        present("broker-tools-w2", **{"elk.per_host": "broker-tools"}),
        {"name": "bare", "service": {"Spec": {"Name": "bare", "Labels": None}}},
    ]
    assert per_host_plan("broker", NODES, ["m1"], services)["former"] == ["broker-w2"]
