# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that join and leave a service, also after a killed run."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.filter.hosts_to_stop import FilterModule as NewestLeave
from ansible_collections.elk.swarm.plugins.filter.scale_plan import FilterModule as ScalePlan
from ansible_collections.elk.swarm.plugins.module_utils.swarm.scale_plan import (
    Place,
    Plan,
    hosts_to_stop,
    plan_places,
)

HERE: dict[str, Any] = {"labelled": True, "running": True}


def places(**hosts: dict[str, Any]) -> list[Place]:
    return [Place(host, **state) for host, state in hosts.items()]


@pytest.mark.parametrize(
    ("now", "desired", "plan"),
    [
        pytest.param(
            places(a={}, b={}),
            ["a"],
            Plan(join=["a"], between=1),
            id="from nothing",
        ),
        pytest.param(
            places(a=HERE, b=HERE, c={}),
            ["a", "b"],
            Plan(stay=["a", "b"], between=2),
            id="nothing to do",
        ),
        pytest.param(
            places(a=HERE, b=HERE, c={}),
            ["a", "b", "c"],
            Plan(stay=["a", "b"], join=["c"], between=3),
            id="out",
        ),
        pytest.param(
            places(a=HERE, b=HERE, c={"labelled": True}),
            ["a", "b", "c"],
            Plan(stay=["a", "b"], join=["c"], between=3),
            id="out, killed after the label",
        ),
        pytest.param(
            places(a=HERE, b=HERE, c=HERE),
            ["a", "b"],
            Plan(stay=["a", "b"], leave=["c"], between=3, grow=False),
            id="in",
        ),
        pytest.param(
            places(a=HERE, b=HERE, c={"running": True}),
            ["a", "b"],
            Plan(stay=["a", "b"], leave=["c"], between=2, grow=False),
            id="in, killed while the task stops",
        ),
        pytest.param(
            places(a=HERE, b=HERE, c={}),
            ["a", "b"],
            Plan(stay=["a", "b"], between=2),
            id="in, killed before the number is lowered",
        ),
        pytest.param(
            places(a=HERE, b=HERE, c={}),
            ["b", "c"],
            Plan(stay=["b"], join=["c"], leave=["a"], between=3),
            id="another host: it joins before the old one leaves",
        ),
        pytest.param(
            places(a={"labelled": True}, b=HERE, c=HERE),
            ["a", "b"],
            Plan(stay=["b"], join=["a"], leave=["c"], between=3),
            id="a desired host has no task: it joins before another host leaves",
        ),
        pytest.param(
            places(a=HERE, b=HERE),
            [],
            Plan(leave=["a", "b"], between=2, grow=False),
            id="to nothing",
        ),
    ],
)
def test_plan(now: list[Place], desired: list[str], plan: Plan) -> None:
    assert plan_places(now, desired) == plan


def test_the_filter_reads_the_results_of_the_modules() -> None:
    hostvars = {
        "a": {"__logstash_seen": {"node": "a.example", "containers": ["1"]}},
        "b": {"__logstash_seen": {"node": "b.example", "containers": []}},
        "c": {},
    }
    plan = ScalePlan().filters()["scale_plan"](
        ["a", "b", "c"], hostvars, ["b"], {"nodes": ["a.example"]}
    )
    assert plan == {"stay": [], "join": ["b"], "leave": ["a"], "between": 2, "grow": True}


def task(node: str, state: str = "running", desired: str = "running") -> dict[str, str]:
    return {"node": node, "state": state, "desired_state": desired}


NODES = {"a": "a.example", "b": "b.example", "c": "c.example"}


@pytest.mark.parametrize(
    ("tasks", "desired", "leave"),
    [
        ([task("c.example"), task("a.example")], 1, ["c"]),
        ([task("a.example"), task("c.example"), task("b.example")], 1, ["a", "c"]),
        ([task("a.example")], 2, []),
        ([], 1, []),
        # Tasks that have ended or are stopping do not count.
        ([task("b.example", "failed", "shutdown"), task("a.example")], 1, []),
        ([task("b.example", "running", "shutdown"), task("a.example")], 1, []),
        # A node outside the inventory is ignored.
        ([task("x.example"), task("a.example")], 1, []),
    ],
)
def test_the_newest_tasks_leave(
    tasks: list[dict[str, str]], desired: int, leave: list[str]
) -> None:
    assert hosts_to_stop(NODES, tasks, desired) == leave
    assert NewestLeave().filters()["hosts_to_stop"](NODES, tasks, desired) == leave
