# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate against clusters that form late, in part, in two, or never."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import PASSWORD
from tests.contract.fake_elasticsearch import (
    FOREVER,
    Answer,
    FakeCluster,
    error,
    free_port,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import Authority

    Run = Callable[..., Any]

GATE = "elasticsearch_gate"
ALL = ["m1", "m2", "w1"]


def test_green_at_once(cluster: FakeCluster, run: Run) -> None:
    result = run(GATE, nodes=ALL)
    assert not result.failed
    assert not result.changed
    assert result["cluster_uuid"] == cluster.uuid
    assert result["status"] == "green"
    assert [node["name"] for node in result["nodes"]] == ALL
    assert [node["master"] for node in result["nodes"]] == [True, False, False]
    assert result["missing"] == []
    assert result["seconds"] < 1
    assert cluster.changes() == []


def test_yellow_then_green(cluster: FakeCluster, run: Run) -> None:
    cluster.health.then(status="yellow", unassigned_shards=2).then(status="green")
    result = run(GATE, wait_timeout=10)
    assert result["status"] == "green"
    assert len(cluster.called("GET", "/_cluster/health")) == 2
    assert result["seconds"] < 2


def test_status_yellow_accepts_yellow(cluster: FakeCluster, run: Run) -> None:
    cluster.health.then(status="yellow", unassigned_shards=2)
    assert not run(GATE, status="yellow").failed


def test_red_that_stays(cluster: FakeCluster, run: Run) -> None:
    cluster.health.then(status="red", unassigned_shards=4, unassigned_primary_shards=1)
    result = run(GATE, wait_timeout=0.5)
    assert result.failed
    assert "the status is red, not green: 4 shards unassigned, 1 of them primaries" in result.msg
    assert len(cluster.called("GET", "/_cluster/health")) >= 2


FULL = (
    "the node is above the low watermark cluster setting "
    "[cluster.routing.allocation.disk.watermark.low=85%], having less than the minimum required "
    "[37.8gb] free space, actual free: [37.1gb], actual used: [85.2%]"
)


def test_an_unassigned_shard_is_explained(cluster: FakeCluster, run: Run) -> None:
    cluster.health.then(status="yellow", unassigned_shards=1)
    deciders = {
        "m1": [{"decider": "same_shard", "decision": "NO", "explanation": "a copy is here"}],
        "w1": [{"decider": "disk_threshold", "decision": "NO", "explanation": FULL}],
        "m2": [{"decider": "disk_threshold", "decision": "NO", "explanation": FULL}],
    }
    nodes = [{"node_name": name, "deciders": entry} for name, entry in deciders.items()]
    body = {"index": "logs-1", "shard": 0, "primary": False, "node_allocation_decisions": nodes}
    cluster.script("GET", "/_cluster/allocation/explain", Answer(body=body), times=FOREVER)
    result = run(GATE, wait_timeout=0)
    assert result.failed
    assert f"logs-1 shard 0 (replica) is on no node. m2, w1: {FULL}" in result.msg
    assert "m1" not in result.msg


def test_a_refused_explanation_is_reported(cluster: FakeCluster, run: Run) -> None:
    cluster.health.then(status="yellow", unassigned_shards=1)
    path = "/_cluster/allocation/explain"
    cluster.script("GET", path, Answer(status=403, body={"error": "no"}), times=FOREVER)
    result = run(GATE, wait_timeout=0)
    assert result.failed
    assert "the status is yellow" in result.msg
    assert "_cluster/allocation/explain shows why, but it failed" in result.msg


def test_relocating_shards(cluster: FakeCluster, run: Run) -> None:
    cluster.health.then(status="green", relocating_shards=2)
    assert "2 relocating" in run(GATE, wait_timeout=0).msg
    assert not run(GATE, wait_timeout=0, settled=False).failed


def shards(*states: str) -> Answer:
    rows = [
        {"index": "logs-1", "shard": str(number), "prirep": "p", "state": state, "node": "m1"}
        for number, state in enumerate(states)
    ]
    return Answer(body=rows)


def test_shards_of_an_index(cluster: FakeCluster, run: Run) -> None:
    cluster.script("GET", "/_cat/shards/logs", shards("STARTED", "STARTED"))
    result = run(GATE, indices=["logs"], wait_timeout=0)
    assert not result.failed
    assert [shard["shard"] for shard in result["shards"]] == ["0", "1"]
    assert run(GATE)["shards"] == []


def test_a_shard_that_has_not_started(cluster: FakeCluster, run: Run) -> None:
    cluster.script("GET", "/_cat/shards/logs", shards("STARTED", "UNASSIGNED"), times=FOREVER)
    result = run(GATE, indices=["logs"], wait_timeout=0)
    assert result.failed
    assert "logs-1: shard 1 is UNASSIGNED" in result.msg
    assert run(GATE, indices=["logs"], check=True)["missing"] == ["logs-1: shard 1 is UNASSIGNED"]


def test_a_missing_index(cluster: FakeCluster, run: Run) -> None:
    cluster.script("GET", "/_cat/shards/logs", Answer(status=404, body={}), times=FOREVER)
    result = run(GATE, indices=["logs"], wait_timeout=0)
    assert result.failed
    assert "logs: there is no index or alias of this name" in result.msg


def test_missing_node_is_named(cluster: FakeCluster, run: Run) -> None:
    cluster.joined = ["m1", "m2"]
    cluster.node("w1").stop()
    result = run(GATE, nodes=ALL, wait_timeout=0)
    assert result.failed
    assert "not joined: w1 (2 joined: m1, m2)" in result.msg
    assert cluster.node("w1").url in result.msg


def test_a_dead_url_of_a_node_that_is_not_required(cluster: FakeCluster, run: Run) -> None:
    cluster.node("m1").stop()
    cluster.joined = ["m2", "w1"]
    result = run(GATE, nodes=["m2", "w1"], wait_timeout=0)
    assert not result.failed
    assert list(result["unreached"]) == [cluster.node("m1").url]


def test_two_clusters_fail_at_once_though_green(cluster: FakeCluster, run: Run) -> None:
    cluster.node("w1").cluster_uuid = "uuid-of-the-other"
    result = run(GATE, wait_timeout=30)
    assert result.failed
    assert "uuid-of-the-other (w1)" in result.msg
    assert f"{cluster.uuid} (m1, m2)" in result.msg
    assert result["seconds"] < 2


def test_another_cluster_than_expected(run: Run) -> None:
    result = run(GATE, wait_timeout=30, cluster_uuid="uuid-of-before")
    assert result.failed
    assert "not uuid-of-before" in result.msg
    assert result["seconds"] < 2


def test_cluster_that_does_not_form(cluster: FakeCluster, run: Run) -> None:
    for node in cluster.nodes:
        node.cluster_uuid = "_na_"
    result = run(GATE, wait_timeout=0)
    assert result.failed
    assert "no cluster has formed: m1, m2, w1 found no master" in result.msg


def test_health_that_never_answers(cluster: FakeCluster, run: Run) -> None:
    cluster.script("GET", "/_cluster/health", Answer(503, {"error": "no master"}), times=FOREVER)
    result = run(GATE, wait_timeout=0)
    assert result.failed
    assert "no master" in result.msg


def test_wrong_login(run: Run) -> None:
    result = run(GATE, password="another-password", wait_timeout=0)
    assert result.failed
    assert "the login of user 'elastic' is not valid" in result.msg


def test_check_mode_reads_and_never_fails(run: Run) -> None:
    result = run(GATE, check=True, urls=[f"http://127.0.0.1:{free_port()}"], nodes=ALL)
    assert not result.failed
    assert result["formed"] is False
    assert result["seconds"] < 2


# Both modules return the same facts of a single look.
LOOKS = pytest.mark.parametrize(
    ("module", "look"),
    [(GATE, {"wait": False}), ("elasticsearch_roll_info", {"version": "9.2.4"})],
)


@LOOKS
def test_look_where_nothing_listens(run: Run, module: str, look: dict[str, Any]) -> None:
    urls = [f"http://127.0.0.1:{free_port()}" for _ in range(5)]
    start = time.monotonic()
    result = run(module, **look, urls=urls)
    assert not result.failed
    assert result["formed"] is False
    assert result["cluster_uuid"] is None
    assert result["reachable"] == []
    assert set(result["unreached"]) == set(urls)
    assert time.monotonic() - start < 5


@LOOKS
def test_look_at_nodes_without_a_cluster(
    cluster: FakeCluster, run: Run, module: str, look: dict[str, Any]
) -> None:
    for node in cluster.nodes:
        node.cluster_uuid = "_na_"
    cluster.node("m2").script("GET", "/", Answer(503, {"error": "no master"}), times=FOREVER)
    result = run(module, **look)
    assert not result.failed
    assert result["formed"] is False
    assert len(result["reachable"]) == 2


@LOOKS
def test_look_at_a_cluster_half_down(
    cluster: FakeCluster, run: Run, module: str, look: dict[str, Any]
) -> None:
    cluster.health.then(status="red", unassigned_shards=9)
    cluster.node("m1").stop()
    result = run(module, **look)
    assert not result.failed
    assert result["formed"] is True
    assert result["cluster_uuid"] == cluster.uuid
    assert len(result["reachable"]) == 2


@LOOKS
def test_a_refused_login_does_not_mean_that_no_cluster_exists(
    run: Run, module: str, look: dict[str, Any]
) -> None:
    result = run(module, **look, doubt_timeout=0, password="another-password")
    assert result.failed
    assert "not certain that no cluster has formed" in result.msg


@LOOKS
def test_an_untrusted_node_does_not_mean_that_no_cluster_exists(
    authority: Authority, stranger: Authority, call: Run, module: str, look: dict[str, Any]
) -> None:
    with FakeCluster(["m1"], tls=authority.context(), password=PASSWORD) as cluster:
        arguments = {
            "urls": cluster.urls,
            "ca_path": stranger.ca,
            "username": "elastic",
            "password": PASSWORD,
            **look,
            "doubt_timeout": 0,
        }
        result = call(module, arguments)
        assert result.failed
        assert "Set ca_path to the ca.crt" in result.msg


@LOOKS
def test_a_look_repeats_a_login_that_is_refused_at_first(
    cluster: FakeCluster, run: Run, module: str, look: dict[str, Any]
) -> None:
    for node in cluster.nodes:
        node.script("GET", "/", Answer(401, {"error": "security index not open yet"}))
    result = run(module, **look, doubt_timeout=5)
    assert not result.failed
    assert result["formed"] is True


@LOOKS
def test_a_look_does_not_choose_between_two_clusters(
    cluster: FakeCluster, run: Run, module: str, look: dict[str, Any]
) -> None:
    cluster.node("w1").cluster_uuid = "another"
    result = run(module, **look)
    assert result.failed
    assert "2 clusters that will never join" in result.msg
    assert not run(module, check=True, **look).failed


@LOOKS
def test_a_look_at_a_cluster_without_health_returns_the_reason(
    cluster: FakeCluster, run: Run, module: str, look: dict[str, Any]
) -> None:
    for node in cluster.nodes:
        node.script(
            "GET", "/_cluster/.*", error(503, "master_not_discovered", "none"), times=FOREVER
        )
    result = run(module, **look, doubt_timeout=0)
    assert not result.failed
    assert (result["formed"], result["nodes"], result["status"]) == (True, [], None)
    assert "none" in result["missing"][0]
