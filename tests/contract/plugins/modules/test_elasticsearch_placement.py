# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The allocation of shards, and a node that loses its shards, slowly or not at all."""

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
def full_cluster(cluster: FakeCluster) -> FakeCluster:
    """A cluster that also answers the requests for disks, copies and votes."""
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


def test_nodes_disks_copies_and_votes_are_returned(full_cluster: FakeCluster, run: Run) -> None:
    full_cluster.script("GET", SHARDS, Answer(body=[on("w1"), on("m1")]))
    found = run(PLACEMENT)["placement"]
    node = next(one for one in found["nodes"] if one["name"] == "w1")
    assert (node["shards"], node["bytes"], node["free"], node["total"]) == (1, 7, 50, 90)
    assert (found["formed"], found["status"], found["copies"]) == (True, "green", {"logs": 2})
    assert found["voting"] == ["bTE="]
    # The explicit setting, and the defaults for the others.
    assert found["watermarks"] == {"low": "80%", "high": "90%", "high.max_headroom": "150GB"}
    assert found["removing"] == ""
    assert full_cluster.changes() == []


def test_the_node_of_an_interrupted_removal_is_returned(
    full_cluster: FakeCluster, run: Run
) -> None:
    full_cluster.script("GET", SHARDS, Answer(body=[]), times=FOREVER)
    full_cluster.settings["persistent"]["cluster.metadata.elk_leave"] = "w1"
    assert run(PLACEMENT)["placement"]["removing"] == "w1"


def test_wait_until_a_node_has_no_shard(full_cluster: FakeCluster, run: Run) -> None:
    moving = on("w1 -> 10.0.0.7 abc m1", "RELOCATING")
    full_cluster.script(
        "GET", SHARDS, Answer(body=[moving, on("m1")]), Answer(body=[on("m1")]), times=9
    )
    result = run(PLACEMENT, empty="w1", stall_timeout=1)
    assert not result.failed
    assert 0.9 < result["seconds"] < 5


def test_a_node_that_has_left_the_cluster_is_not_empty(full_cluster: FakeCluster, run: Run) -> None:
    """Its shards are on no node, so nothing shows that another node has them."""
    full_cluster.script("GET", SHARDS, Answer(body=[on("m1")]), times=FOREVER)
    result = run(PLACEMENT, empty="w9")
    assert result.failed
    assert result.msg.startswith("w9 is not in the cluster, so its shards have not moved.")


def test_the_error_says_why_a_shard_cannot_move(full_cluster: FakeCluster, run: Run) -> None:
    full_cluster.script("GET", SHARDS, Answer(body=[on("w1")]), times=FOREVER)
    decided = {"decision": "NO", "explanation": "a copy of this shard is already on this node"}
    why = {"node_allocation_decisions": [{"node_name": "m1", "deciders": [decided]}]}
    full_cluster.script("POST", "/_cluster/allocation/explain", Answer(body=why))
    result = run(PLACEMENT, empty="w1", stall_timeout=0.5)
    assert result.failed
    assert result.msg == (
        "w1 still has 1 shard(s): logs shard 0 does not move. "
        "m1: a copy of this shard is already on this node"
    )


def test_the_error_says_that_shards_still_move(full_cluster: FakeCluster, run: Run) -> None:
    full_cluster.script("GET", SHARDS, Answer(body=[on("w1", "RELOCATING")]), times=FOREVER)
    result = run(PLACEMENT, empty="w1", stall_timeout=0.5, wait_timeout=2)
    assert result.msg == "w1 still has 1 shard(s): they still move after 2 s"


def test_without_a_cluster_the_problem_is_returned(cluster: FakeCluster, run: Run) -> None:
    for node in cluster.nodes:
        node.stop()
    found = run(PLACEMENT, doubt_timeout=0)["placement"]
    assert not found["formed"]
    assert "connection refused" in found["problem"]
