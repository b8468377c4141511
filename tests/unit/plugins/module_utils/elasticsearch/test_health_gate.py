# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate's verdict: what is missing, and when waiting cannot help."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.health_gate import (
    LOGIN_GRACE,
    Desired,
    Observation,
    View,
    add_versions,
    is_stranded,
    judge,
    nodes_of,
    unsafe_to_guess,
)

GREEN = {"status": "green"}


def view(node: str, uuid: str = "one") -> View:
    return View(f"https://{node}:9200", None, None, True, node, "elk", uuid, "9.2.4")


def down(node: str, cause: str = "connection refused") -> View:
    return View(f"https://{node}:9200", cause=cause)


def refused(node: str, status: int = 401) -> View:
    return View(f"https://{node}:9200", cause="refused", http_status=status, listens=True)


def seen(*views: View, health: dict[str, Any] | None = None, joined: str = "") -> Observation:
    nodes = [{"name": name} for name in (joined or " ".join(v.node for v in views)).split()]
    return Observation(views, health or GREEN, nodes)


def test_all_conditions_are_met() -> None:
    verdict = judge(seen(view("m1"), view("m2")), Desired(nodes=["m2", "m1"], cluster_uuid="one"))
    assert verdict.passed
    assert verdict.sentence() == ""


def test_status() -> None:
    for status, desired, passed in (
        ("green", "green", True),
        ("yellow", "green", False),
        ("yellow", "yellow", True),
        ("green", "yellow", True),
        ("red", "yellow", False),
        ("red", "red", True),
    ):
        verdict = judge(seen(view("m1"), health={"status": status}), Desired(status=desired))
        assert verdict.passed is passed
        assert not verdict.hopeless


def test_all_missing_conditions_are_reported_together() -> None:
    health = {
        "status": "red",
        "unassigned_shards": 5,
        "unassigned_primary_shards": 2,
        "initializing_shards": 3,
        "number_of_in_flight_fetch": 1,
    }
    found = seen(view("m1"), down("w1"), health=health, joined="m1")
    sentence = judge(found, Desired(nodes=["m1", "w1", "w2"])).sentence()
    assert "not joined: w1, w2 (1 joined: m1); https://w1:9200: connection refused" in sentence
    assert "red, not green: 5 shards unassigned, 2 of them primaries" in sentence
    assert "3 initialising, 1 being fetched" in sentence


def test_more_nodes_than_expected_are_accepted() -> None:
    assert judge(seen(view("m1"), view("m2")), Desired(nodes=["m1"])).passed


def test_split() -> None:
    verdict = judge(seen(view("m1"), view("m2", "two"), view("w1")), Desired(status="red"))
    assert verdict.hopeless
    assert "one (m1, w1) and two (m2)" in verdict.sentence()


def test_a_node_that_is_joining_is_not_a_split() -> None:
    verdict = judge(seen(view("m1"), view("m2", "_na_"), joined="m1"), Desired(nodes=["m2"]))
    assert not verdict.hopeless
    assert "not joined: m2" in verdict.sentence()


def test_other_cluster() -> None:
    verdict = judge(seen(view("m1")), Desired(cluster_uuid="before"))
    assert verdict.hopeless
    assert "the cluster is one, not before" in verdict.sentence()


def test_not_formed() -> None:
    found = Observation([view("m1", "_na_"), down("m2")])
    verdict = judge(found, Desired(cluster_uuid="one"))
    assert not verdict.hopeless
    assert "m1 found no master" in verdict.sentence()
    assert "https://m2:9200: connection refused" in verdict.sentence()
    assert (found.formed, found.cluster_uuid, found.reachable) == (
        False,
        None,
        ["https://m1:9200"],
    )


def test_a_refused_login_is_hopeless_only_after_the_grace_time() -> None:
    found = Observation([refused("m1"), down("m2")])
    assert not judge(found, Desired(), LOGIN_GRACE - 1).hopeless
    assert judge(found, Desired(), LOGIN_GRACE).hopeless
    waiting = Observation([refused("m1"), view("m2", "_na_")])
    assert not judge(waiting, Desired(), LOGIN_GRACE).hopeless


def test_health_that_could_not_be_read() -> None:
    found = Observation([view("m1")], problem="no master")
    assert judge(found, Desired()).missing == ["no master"]


def test_urls_that_may_belong_to_a_formed_cluster() -> None:
    assert unsafe_to_guess(Observation([down("m1"), view("m2", "_na_")])) == {}
    assert unsafe_to_guess(Observation([refused("m1", 503)])) == {}
    assert list(unsafe_to_guess(Observation([refused("m1"), down("m2")]))) == ["https://m1:9200"]
    assert unsafe_to_guess(Observation([refused("m1"), view("m2")])) == {}


def test_nodes_of_a_state() -> None:
    state = {
        "master_node": "id2",
        "nodes": {
            "id2": {"name": "m2", "roles": ["master", "data"], "version": "9.2.4"},
            "id1": {"name": "m1", "roles": []},
        },
    }
    nodes = nodes_of(state)
    assert [(node["name"], node["id"], node["master"]) for node in nodes] == [
        ("m1", "id1", False),
        ("m2", "id2", True),
    ]
    assert nodes[1]["roles"] == ["data", "master"]
    versions = [node["version"] for node in add_versions(nodes, [view("m1")])]
    assert versions == ["9.2.4", "9.2.4"]


def decisions(*deciders: str) -> dict[str, Any]:
    return {
        "node_allocation_decisions": [
            {"deciders": [{"decider": decider, "decision": "NO"}]} for decider in deciders
        ]
    }


def test_a_cluster_passes_when_only_stranded_replicas_are_unassigned() -> None:
    assert is_stranded(decisions("same_shard", "node_version"))
    assert not is_stranded(decisions("same_shard", "node_version", "disk_threshold"))
    assert not is_stranded(decisions("same_shard"))
    assert not is_stranded({})
    yellow = {"status": "yellow", "unassigned_shards": 2}
    for stranded, passed in ((2, True), (1, False), (0, False)):
        found = replace(seen(view("m1"), health=yellow), stranded=stranded)
        assert judge(found, Desired()).passed is passed
    red = replace(seen(view("m1"), health={**yellow, "status": "red"}), stranded=2)
    assert not judge(red, Desired()).passed
