# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where shards are, and a node that gets rid of its own, slowly, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fake_elasticsearch import (
    FOREVER,
    Answer,
    FakeCluster,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

PLACEMENT = "elasticsearch_placement"
SHARDS = "/_cat/shards"


def on(node: str, state: str = "STARTED", name: str = "logs") -> dict[str, str]:
    return {"index": name, "shard": "0", "prirep": "p", "state": state, "node": node, "store": "7"}


@pytest.fixture
def told(cluster: FakeCluster) -> FakeCluster:
    """A cluster that tells the rest of what is asked for."""
    room = [{"node": "w1", "shards": "1", "disk.avail": "50", "disk.total": "90"}]
    copies = {"logs": {"settings": {"index": {"number_of_replicas": "1"}}}}
    voting = {"last_committed_config": ["bTE="], "voting_config_exclusions": []}
    cluster.script("GET", "/_cat/allocation", Answer(body=room), times=FOREVER)
    cluster.script("GET", "/_all/_settings", Answer(body=copies), times=FOREVER)
    cluster.script(
        "GET",
        "/_cluster/state/metadata",
        Answer(body={"metadata": {"cluster_coordination": voting}}),
        times=FOREVER,
    )
    cluster.settings["persistent"]["cluster.routing.allocation.disk.watermark.low"] = "80%"
    return cluster


def test_one_look_tells_nodes_room_copies_and_votes(told: FakeCluster, run: Run) -> None:
    told.script("GET", SHARDS, Answer(body=[on("w1"), on("m1")]))
    found = run(PLACEMENT)["placement"]
    node = next(one for one in found["nodes"] if one["name"] == "w1")
    assert (node["shards"], node["bytes"], node["free"], node["total"]) == (1, 7, 50, 90)
    assert (found["formed"], found["status"], found["copies"]) == (True, "green", {"logs": 2})
    assert found["voting"] == ["bTE="]
    # What somebody has set, and what holds besides.
    assert found["watermarks"] == {"low": "80%", "high": "90%", "high.max_headroom": "150GB"}
    assert told.changes() == []


def test_a_node_is_waited_for_until_its_last_shard_has_gone(told: FakeCluster, run: Run) -> None:
    moving = on("w1 -> 10.0.0.7 abc m1", "RELOCATING")
    told.script("GET", SHARDS, Answer(body=[moving, on("m1")]), Answer(body=[on("m1")]), times=9)
    result = run(PLACEMENT, empty="w1", stall_timeout=1)
    assert not result.failed
    assert 0.9 < result["seconds"] < 5


def test_what_cannot_go_is_told_with_the_reason(told: FakeCluster, run: Run) -> None:
    told.script("GET", SHARDS, Answer(body=[on("w1")]), times=FOREVER)
    decided = {"decision": "NO", "explanation": "a copy of this shard is already on this node"}
    why = {"node_allocation_decisions": [{"node_name": "m1", "deciders": [decided]}]}
    told.script("POST", "/_cluster/allocation/explain", Answer(body=why))
    result = run(PLACEMENT, empty="w1", stall_timeout=0.5)
    assert result.failed
    assert result.msg == (
        "w1 still has 1 shard(s): logs shard 0 stays. "
        "m1: a copy of this shard is already on this node"
    )


def test_what_moves_and_takes_too_long_is_told_as_such(told: FakeCluster, run: Run) -> None:
    told.script("GET", SHARDS, Answer(body=[on("w1", "RELOCATING")]), times=FOREVER)
    result = run(PLACEMENT, empty="w1", stall_timeout=0.5, wait_timeout=2)
    assert result.msg == "w1 still has 1 shard(s): they still move after 2 s"


def test_without_a_cluster_it_says_so(cluster: FakeCluster, run: Run) -> None:
    for node in cluster.nodes:
        node.stop()
    found = run(PLACEMENT, doubt_timeout=0)["placement"]
    assert not found["formed"]
    assert "connection refused" in found["problem"]
