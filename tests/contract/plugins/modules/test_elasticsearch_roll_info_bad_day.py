# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a roll meets on a bad day: each of its looks and changes against a cluster that misbehaves.

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
LET_GO: dict[str, Any] = {"state": "free"}
BUSY = error(429, "circuit_breaking_exception", "[parent] Data too large")
HALF = Answer(body={"nodes": {"x": "y" * 50}}, keep=30)
BROKEN = Answer(body={"nodes": {"x": "y" * 50}}, keep=30, lie=True)


def spared(run: Run, **options: Any) -> Any:
    """The look before a node stops."""
    given = {"status": "green", "nodes": ["m1", "m2"], "wait_timeout": 0.5, **options}
    return run(GATE, stranded=True, **given)


def looked_at(run: Run, **options: Any) -> Any:
    """The look from which is planned."""
    return run(GATE, wait=False, **{"doubt_timeout": 0, **options})


def planned(found: Any) -> dict[str, Any]:
    """What is planned from it when every node is to move."""
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
    """An address that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


# -- before a node stops -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("health", "says"),
    [
        ({"status": "red", "unassigned_shards": 1}, "the status is red, not green"),
        ({"status": "yellow", "unassigned_shards": 1}, "the status is yellow, not green"),
        ({"status": "green", "relocating_shards": 1}, "GET _cat/recovery?active_only=true"),
        ({"status": "green", "number_of_in_flight_fetch": 2}, "2 being fetched"),
    ],
)
def test_a_cluster_that_stays_unfit_loses_no_node(
    cluster: FakeCluster, run: Run, health: dict[str, Any], says: str
) -> None:
    cluster.health.then(**health)
    result = spared(run)
    assert result.failed
    assert says in result.msg
    # It has been looked at again, until the time was over.
    assert len(cluster.called("GET", "/_cluster/health")) >= 2
    assert result["seconds"] < 5
    assert cluster.changes() == []


def test_yellow_that_is_no_matter_of_versions_is_not_borne(cluster: FakeCluster, run: Run) -> None:
    cluster.health.then(status="yellow", unassigned_shards=1)
    row = {"index": "a", "shard": "0", "prirep": "r", "state": "UNASSIGNED"}
    cluster.script("GET", "/_cat/shards", Answer(body=[row]), times=FOREVER)
    for decider, borne in (("node_version", True), ("disk_threshold", False)):
        said = [{"node_name": "m1", "deciders": [{"decider": decider, "decision": "NO"}]}]
        explained = Answer(
            body={"index": "a", "shard": 0, "primary": False, "node_allocation_decisions": said}
        )
        cluster.script("POST", "/_cluster/allocation/explain", explained)
        assert spared(run, wait_timeout=0).failed is not borne


def test_nodes_that_take_connections_and_say_nothing(cluster: FakeCluster, run: Run) -> None:
    with mute() as url:
        result = spared(run, urls=[url], timeout=0.3)
        assert result.failed
        assert "took the connection and gave no answer" in result.msg
        assert result["seconds"] < 5
        # One that hangs among others that answer holds up nothing but its own answer.
        assert not spared(run, urls=[url, *cluster.urls], timeout=0.3).failed


def test_a_node_that_hangs_is_not_taken_for_one_that_does_not_run(run: Run) -> None:
    """Where nothing listens a cluster may be formed; behind a node that hangs there may be one."""
    with mute() as url:
        result = looked_at(run, urls=[url], timeout=0.3)
        assert result.failed
        assert "not certain that no cluster has formed" in result.msg


@pytest.mark.parametrize(
    "answer", [HALF, BROKEN, DROP, BUSY], ids=["half", "broken", "drop", "429"]
)
@pytest.mark.parametrize("path", ["/", "/_cluster/health", "/_cluster/state/.*"])
def test_a_look_that_fails_in_the_middle_is_never_taken_for_a_cluster_that_is_fit(
    cluster: FakeCluster, run: Run, path: str, answer: Answer
) -> None:
    cluster.script("GET", path, answer, times=FOREVER)
    result = spared(run)
    assert result.failed
    assert "The cluster is not fit" in result.msg
    assert cluster.changes() == []


@pytest.mark.parametrize("answer", [HALF, BUSY, DROP, error(503, "no_master", "no master")])
@pytest.mark.parametrize("path", ["/_cluster/health", "/_cluster/state/.*"])
def test_nothing_is_planned_from_half_a_look(
    cluster: FakeCluster, run: Run, path: str, answer: Answer
) -> None:
    """A node that is not told of is not a node that is missing."""
    cluster.script("GET", path, answer, times=FOREVER)
    found = looked_at(run)
    assert not found.failed
    plan = planned(found)
    assert plan["refusals"]
    assert "nobody tells which nodes the cluster has" in " ".join(plan["refusals"])


def test_a_look_during_an_election_is_taken_again(cluster: FakeCluster, run: Run) -> None:
    lost = error(503, "master_not_discovered_exception", "no master")
    cluster.script("GET", "/_cluster/state/.*", lost, times=3)
    found = looked_at(run, doubt_timeout=10)
    assert [node["name"] for node in found["nodes"]] == ALL
    assert not planned(found)["refusals"]


def test_a_busy_cluster_is_asked_again_until_it_answers(cluster: FakeCluster, run: Run) -> None:
    for node in cluster.nodes:
        node.script("*", ".*", BUSY)
    assert not spared(run, wait_timeout=10).failed
    for node in cluster.nodes:
        node.script("PUT", ".*", BUSY, times=3)
    assert run(ALLOCATION, doubt_timeout=5, **HELD).changed
    assert cluster.settings["persistent"]


def test_what_one_node_is_too_busy_for_another_one_does(cluster: FakeCluster, run: Run) -> None:
    cluster.node("m1").script("*", ".*", BUSY, times=FOREVER)
    assert run(ALLOCATION, doubt_timeout=0, **HELD).changed
    assert [call.node for call in cluster.called("PUT")] == ["m2"]
    assert [node["name"] for node in looked_at(run)["nodes"]] == ALL


def test_a_cluster_that_stays_busy_is_told_as_that(cluster: FakeCluster, run: Run) -> None:
    cluster.script("*", ".*", BUSY, times=FOREVER)
    result = run(ALLOCATION, doubt_timeout=0, **HELD)
    assert result.failed
    assert "429" in result.msg
    assert "Data too large" in result.msg
    assert not cluster.settings["persistent"]
    # A whole cluster may be behind it.
    assert "not certain that no cluster has formed" in looked_at(run).msg


def test_the_master_that_is_elected_between_two_looks_is_last(
    cluster: FakeCluster, run: Run
) -> None:
    assert [move["name"] for move in planned(looked_at(run))["moves"]][-1] == "m1"
    cluster.master = "w1"
    assert [move["name"] for move in planned(looked_at(run))["moves"]][-1] == "w1"
    # While nobody is elected nobody is last, and all are there.
    cluster.master = ""
    found = looked_at(run)
    assert [node["master"] for node in found["nodes"]] == [False] * 3


# -- logins ------------------------------------------------------------------------------------


def test_a_login_that_is_refused_stops_before_anything_and_says_where_it_is_kept(
    cluster: FakeCluster, run: Run
) -> None:
    given = {"password": "another-password", "login_from": "elk_elastic_password of the file"}
    for result in (
        looked_at(run, **given),
        spared(run, **given),
        run(ALLOCATION, doubt_timeout=0, **given, **HELD),
    ):
        assert result.failed
        assert "the login of user 'elastic' is not valid" in result.msg
        assert "Check elk_elastic_password of the file." in result.msg
    assert cluster.changes() == []


def test_a_login_that_is_lost_between_two_looks(cluster: FakeCluster, run: Run) -> None:
    assert not looked_at(run).failed
    cluster.passwords["elastic"] = "somebody-has-changed-it"
    result = looked_at(run)
    assert result.failed
    assert "is not valid" in result.msg


# -- after it has started ------------------------------------------------------------------------


def test_a_node_that_comes_back_with_other_data_is_told_at_once(
    cluster: FakeCluster, run: Run
) -> None:
    before = {node["name"]: node["id"] for node in looked_at(run)["nodes"]}
    given = {"nodes": ALL, "status": "yellow", "settled": False, "node_ids": before}
    assert not run(GATE, **given).failed
    cluster.node("w1").id = "another"
    result = run(GATE, wait_timeout=30, **given)
    assert result.failed
    assert f"w1 has the id another now, and had {before['w1']}" in result.msg
    assert "Look what is mounted there as data" in result.msg
    assert result["seconds"] < 2
    # One that is still away has no id yet.
    cluster.joined = ["m1", "m2"]
    assert "not joined: w1" in run(GATE, wait_timeout=0, **given).msg


def test_a_cluster_with_another_uuid_is_told_at_once(cluster: FakeCluster, run: Run) -> None:
    uuid = looked_at(run)["cluster_uuid"]
    cluster.uuid = "formed-anew"
    result = run(GATE, status="red", settled=False, cluster_uuid=uuid, wait_timeout=30)
    assert result.failed
    assert f"the cluster is formed-anew, not {uuid}" in result.msg
    assert result["seconds"] < 2
    assert looked_at(run, cluster_uuid=uuid).failed


# -- letting shards move again ---------------------------------------------------------------------


@pytest.mark.parametrize("death", ["refused", "mute", "half", "drop", "503"])
def test_shards_are_let_go_through_a_node_that_is_left(
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
        result = run(ALLOCATION, urls=urls, timeout=0.3, **LET_GO)
    assert result.changed, result.msg
    assert cluster.settings["persistent"] == {}
    assert [call.node for call in cluster.called("PUT")] == ["m2"]


def test_a_change_of_which_no_answer_came_is_not_lost(cluster: FakeCluster, run: Run) -> None:
    """Set back twice is as good as once."""

    def done_and_gone(request: Request) -> Answer:
        cluster._cluster_settings(request)
        return DROP

    run(ALLOCATION, **HELD)
    cluster.script("PUT", "/_cluster/settings", done_and_gone)
    assert run(ALLOCATION, **LET_GO).changed
    assert cluster.settings["persistent"] == {}
