# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts begin and which give up, also where a run was killed half-way."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.filter.newest_leave import FilterModule as NewestLeave
from ansible_collections.elk.swarm.plugins.filter.scale_plan import FilterModule as ScalePlan
from ansible_collections.elk.swarm.plugins.module_utils.swarm.scale_plan import (
    Place,
    Plan,
    newest_leave,
    plan_places,
)

HERE: dict[str, Any] = {"labelled": True, "running": True}


def places(**hosts: dict[str, Any]) -> list[Place]:
    return [Place(host, **state) for host, state in hosts.items()]


@pytest.mark.parametrize(
    ("now", "wanted", "plan"),
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
            id="another host: it begins before the old one ends",
        ),
        pytest.param(
            places(a={"labelled": True}, b=HERE, c=HERE),
            ["a", "b"],
            Plan(stay=["b"], join=["a"], leave=["c"], between=3),
            id="one that is to stay is down: it has to come up before another goes",
        ),
        pytest.param(
            places(a=HERE, b=HERE),
            [],
            Plan(leave=["a", "b"], between=2, grow=False),
            id="to nothing",
        ),
    ],
)
def test_plan(now: list[Place], wanted: list[str], plan: Plan) -> None:
    assert plan_places(now, wanted) == plan


def test_the_filter_reads_what_the_modules_return() -> None:
    hostvars = {
        "a": {"logstash_seen": {"node": "a.example", "containers": ["1"]}},
        "b": {"logstash_seen": {"node": "b.example", "containers": []}},
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
    ("tasks", "wanted", "leave"),
    [
        ([task("c.example"), task("a.example")], 1, ["c"]),
        ([task("a.example"), task("c.example"), task("b.example")], 1, ["a", "c"]),
        ([task("a.example")], 2, []),
        ([], 1, []),
        # What has ended counts for nothing, nor does what is ending.
        ([task("b.example", "failed", "shutdown"), task("a.example")], 1, []),
        ([task("b.example", "running", "shutdown"), task("a.example")], 1, []),
        # A node that is no host of the inventory has no label of ours.
        ([task("x.example"), task("a.example")], 1, []),
    ],
)
def test_the_youngest_tasks_go(tasks: list[dict[str, str]], wanted: int, leave: list[str]) -> None:
    assert newest_leave(NODES, tasks, wanted) == leave
    assert NewestLeave().filters()["newest_leave"](NODES, tasks, wanted) == leave
