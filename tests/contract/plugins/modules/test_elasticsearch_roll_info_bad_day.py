# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reads and changes of a roll against a cluster that misbehaves.

The calls have the options with which `roles/elasticsearch/tasks/turn.yml` makes them.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.elk.swarm.plugins.filter.rolling_plan import rolling_plan
from tests.contract.fake_elasticsearch import (
    DROP,
    FOREVER,
    Answer,
    FakeCluster,
    Request,
    error,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Run = Callable[..., Any]

GATE, ALLOCATION = "elasticsearch_gate", "elasticsearch_allocation"
ALL = ["m1", "m2", "w1"]
HELD: dict[str, Any] = {"state": "held", "mark": "elk"}
FREE: dict[str, Any] = {"state": "free"}
BUSY = error(429, "circuit_breaking_exception", "[parent] Data too large")
HALF = Answer(body={"nodes": {"x": "y" * 50}}, keep=30)
BROKEN = Answer(body={"nodes": {"x": "y" * 50}}, keep=30, lie=True)


def gate_before_stop(run: Run, **options: Any) -> Any:
    """The check before a node stops."""
    arguments = {"status": "green", "nodes": ["m1", "m2"], "wait_timeout": 0.5, **options}
    return run(GATE, stranded=True, **arguments)


def read_cluster(run: Run, **options: Any) -> Any:
    """The facts for the plan."""
    return run(GATE, wait=False, **{"doubt_timeout": 0, **options})


def plan_from(found: Any) -> dict[str, Any]:
    """The plan from these facts if every node must restart."""
    return rolling_plan(
        {name: name for name in ALL},
        configs=dict.fromkeys(ALL, "files"),
        roles={name: ["master", "data"] for name in ALL},
        generation="new",
        version="9.2.4",
        labels={name: {"elk.es": "old", "elk.es.config": "files"} for name in ALL},
        cluster=found.data,
        known=ALL,
    )


@contextmanager
def mute() -> Iterator[str]:
    """An address that accepts connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


# -- before a node stops -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("health", "words"),
    [
        ({"status": "red", "unassigned_shards": 1}, "the status is red, not green"),
        ({"status": "yellow", "unassigned_shards": 1}, "the status is yellow, not green"),
        ({"status": "green", "relocating_shards": 1}, "GET _cat/recovery?active_only=true"),
        ({"status": "green", "number_of_in_flight_fetch": 2}, "2 being fetched"),
    ],
)
def test_no_node_stops_while_the_cluster_is_not_ready(
    cluster: FakeCluster, run: Run, health: dict[str, Any], words: str
) -> None:
    cluster.health.then(**health)
    result = gate_before_stop(run)
    assert result.failed
    assert words in result.msg
    # It was checked again until the timeout.
    assert len(cluster.called("GET", "/_cluster/health")) >= 2
    assert result["seconds"] < 5
    assert cluster.changes() == []


def test_yellow_is_accepted_only_because_of_versions(cluster: FakeCluster, run: Run) -> None:
    cluster.health.then(status="yellow", unassigned_shards=1)
    row = {"index": "a", "shard": "0", "prirep": "r", "state": "UNASSIGNED"}
    cluster.script("GET", "/_cat/shards", Answer(body=[row]), times=FOREVER)
    for decider, accepted in (("node_version", True), ("disk_threshold", False)):
        decisions = [{"node_name": "m1", "deciders": [{"decider": decider, "decision": "NO"}]}]
        explained = Answer(
            body={
                "index": "a",
                "shard": 0,
                "primary": False,
                "node_allocation_decisions": decisions,
            }
        )
        cluster.script("POST", "/_cluster/allocation/explain", explained)
        assert gate_before_stop(run, wait_timeout=0).failed is not accepted


def test_nodes_that_accept_connections_and_never_answer(cluster: FakeCluster, run: Run) -> None:
    with mute() as url:
        result = gate_before_stop(run, urls=[url], timeout=0.3)
        assert result.failed
        assert "accepted the connection and gave no answer" in result.msg
        assert result["seconds"] < 5
        # A node that hangs does not delay the answers of the others.
        assert not gate_before_stop(run, urls=[url, *cluster.urls], timeout=0.3).failed


def test_a_node_that_hangs_may_belong_to_a_cluster(run: Run) -> None:
    """If nothing listens, a cluster may be formed; a node that hangs may already have one."""
    with mute() as url:
        result = read_cluster(run, urls=[url], timeout=0.3)
        assert result.failed
        assert "not certain that no cluster has formed" in result.msg


@pytest.mark.parametrize(
    "answer", [HALF, BROKEN, DROP, BUSY], ids=["half", "broken", "drop", "429"]
)
@pytest.mark.parametrize("path", ["/", "/_cluster/health", "/_cluster/state/.*"])
def test_a_check_that_fails_halfway_never_passes(
    cluster: FakeCluster, run: Run, path: str, answer: Answer
) -> None:
    cluster.script("GET", path, answer, times=FOREVER)
    result = gate_before_stop(run)
    assert result.failed
    assert "The cluster is not ready" in result.msg
    assert cluster.changes() == []


@pytest.mark.parametrize("answer", [HALF, BUSY, DROP, error(503, "no_master", "no master")])
@pytest.mark.parametrize("path", ["/_cluster/health", "/_cluster/state/.*"])
def test_nothing_is_planned_from_incomplete_facts(
    cluster: FakeCluster, run: Run, path: str, answer: Answer
) -> None:
    """An unknown node is not a missing node."""
    cluster.script("GET", path, answer, times=FOREVER)
    found = read_cluster(run)
    assert not found.failed
    plan = plan_from(found)
    assert plan["refusals"]
    assert "it is unknown which nodes the cluster has" in " ".join(plan["refusals"])


def test_a_read_during_an_election_is_repeated(cluster: FakeCluster, run: Run) -> None:
    lost = error(503, "master_not_discovered_exception", "no master")
    cluster.script("GET", "/_cluster/state/.*", lost, times=3)
    found = read_cluster(run, doubt_timeout=10)
    assert [node["name"] for node in found["nodes"]] == ALL
    assert not plan_from(found)["refusals"]


def test_requests_to_a_busy_cluster_are_repeated(cluster: FakeCluster, run: Run) -> None:
    for node in cluster.nodes:
        node.script("*", ".*", BUSY)
    assert not gate_before_stop(run, wait_timeout=10).failed
    for node in cluster.nodes:
        node.script("PUT", ".*", BUSY, times=3)
    assert run(ALLOCATION, doubt_timeout=5, **HELD).changed
    assert cluster.settings["persistent"]


def test_another_node_replaces_a_busy_one(cluster: FakeCluster, run: Run) -> None:
    cluster.node("m1").script("*", ".*", BUSY, times=FOREVER)
    assert run(ALLOCATION, doubt_timeout=0, **HELD).changed
    assert [call.node for call in cluster.called("PUT")] == ["m2"]
    assert [node["name"] for node in read_cluster(run)["nodes"]] == ALL


def test_the_error_says_that_the_cluster_is_busy(cluster: FakeCluster, run: Run) -> None:
    cluster.script("*", ".*", BUSY, times=FOREVER)
    result = run(ALLOCATION, doubt_timeout=0, **HELD)
    assert result.failed
    assert "429" in result.msg
    assert "Data too large" in result.msg
    assert not cluster.settings["persistent"]
    # The busy nodes may belong to a formed cluster.
    assert "not certain that no cluster has formed" in read_cluster(run).msg


def test_a_master_that_is_elected_between_two_reads_restarts_last(
    cluster: FakeCluster, run: Run
) -> None:
    assert [move["name"] for move in plan_from(read_cluster(run))["moves"]][-1] == "m1"
    cluster.master = "w1"
    assert [move["name"] for move in plan_from(read_cluster(run))["moves"]][-1] == "w1"
    # Without a master, all nodes are returned and none of them is the master.
    cluster.master = ""
    found = read_cluster(run)
    assert [node["master"] for node in found["nodes"]] == [False] * 3


# -- logins ------------------------------------------------------------------------------------


def test_a_refused_login_changes_nothing_and_the_error_says_where_it_is_stored(
    cluster: FakeCluster, run: Run
) -> None:
    arguments = {"password": "another-password", "login_from": "elk_elastic_password of the file"}
    for result in (
        read_cluster(run, **arguments),
        gate_before_stop(run, **arguments),
        run(ALLOCATION, doubt_timeout=0, **arguments, **HELD),
    ):
        assert result.failed
        assert "the login of user 'elastic' is not valid" in result.msg
        assert "Check elk_elastic_password of the file." in result.msg
    assert cluster.changes() == []


def test_a_password_that_changes_between_two_reads(cluster: FakeCluster, run: Run) -> None:
    assert not read_cluster(run).failed
    cluster.passwords["elastic"] = "somebody-has-changed-it"
    result = read_cluster(run)
    assert result.failed
    assert "is not valid" in result.msg


# -- after a node has started --------------------------------------------------------------------


def test_a_node_that_returns_with_other_data_is_an_error_at_once(
    cluster: FakeCluster, run: Run
) -> None:
    before = {node["name"]: node["id"] for node in read_cluster(run)["nodes"]}
    arguments = {"nodes": ALL, "status": "yellow", "settled": False, "node_ids": before}
    assert not run(GATE, **arguments).failed
    cluster.node("w1").id = "another"
    result = run(GATE, wait_timeout=30, **arguments)
    assert result.failed
    assert f"w1 has the id another now, and had {before['w1']}" in result.msg
    assert "Check what is mounted there as data" in result.msg
    assert result["seconds"] < 2
    # A node that has not joined yet has no id.
    cluster.joined = ["m1", "m2"]
    assert "not joined: w1" in run(GATE, wait_timeout=0, **arguments).msg


def test_a_cluster_with_another_uuid_is_an_error_at_once(cluster: FakeCluster, run: Run) -> None:
    uuid = read_cluster(run)["cluster_uuid"]
    cluster.uuid = "formed-anew"
    result = run(GATE, status="red", settled=False, cluster_uuid=uuid, wait_timeout=30)
    assert result.failed
    assert f"the cluster is formed-anew, not {uuid}" in result.msg
    assert result["seconds"] < 2
    assert read_cluster(run, cluster_uuid=uuid).failed


# -- allowing allocation again --------------------------------------------------------------------


@pytest.mark.parametrize("death", ["refused", "mute", "half", "drop", "503"])
def test_allocation_is_allowed_again_through_another_node(
    cluster: FakeCluster, run: Run, death: str
) -> None:
    run(ALLOCATION, **HELD)
    assert len(cluster.settings["persistent"]) == 2
    cluster.calls.clear()
    urls, first = cluster.urls, cluster.node("m1")
    answers = {"half": HALF, "drop": DROP, "503": error(503, "no_master", "no master")}
    with mute() as url:
        if death == "refused":
            first.stop()
        elif death == "mute":
            urls = [url, *urls[1:]]
        else:
            first.script("*", ".*", answers[death], times=FOREVER)
        result = run(ALLOCATION, urls=urls, timeout=0.3, **FREE)
    assert result.changed, result.msg
    assert cluster.settings["persistent"] == {}
    assert [call.node for call in cluster.called("PUT")] == ["m2"]


def test_a_change_without_a_response_is_repeated(cluster: FakeCluster, run: Run) -> None:
    """To reset a setting twice does no harm."""

    def apply_and_drop(request: Request) -> Answer:
        cluster._cluster_settings(request)
        return DROP

    run(ALLOCATION, **HELD)
    cluster.script("PUT", "/_cluster/settings", apply_and_drop)
    assert run(ALLOCATION, **FREE).changed
    assert cluster.settings["persistent"] == {}
