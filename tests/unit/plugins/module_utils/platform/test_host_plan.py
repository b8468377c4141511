# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts are new, how one leaves, what forbids it, and what becomes of a lost one."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.filter.host_leave_plan import host_leave_plan
from ansible_collections.elk.swarm.plugins.filter.host_replace_plan import host_replace_plan
from ansible_collections.elk.swarm.plugins.filter.new_hosts import new_hosts
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import ENABLE, LEAVE
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.shards import (
    copies_of,
    stays,
    with_room,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.host_plan import (
    EXCLUDE_NAME,
    STEPS,
    room_on,
)

GIB = 1 << 30
ALL = ["data", "ingest", "master"]


class Stage:
    """A sound platform of two managers and two workers, until a test says otherwise."""

    def __init__(self) -> None:
        self.members = {
            name: {
                "id": f"swarm-{name}",
                "name": name,
                "role": "manager" if name.startswith("m") else "worker",
                "state": "ready",
                "address": f"192.0.2.{number}",
                "reachability": "reachable" if name.startswith("m") else "",
                "labels": {"elk.es": "gen", "elk.es.config": "files"},
            }
            for number, name in enumerate(("m1", "m2", "w1", "w2"), start=1)
        }
        self.nodes = {
            name: {
                "name": name,
                "id": f"es-{name}",
                "roles": ALL,
                "shards": 4,
                "bytes": 2 * GIB,
                "largest": GIB,
                "free": 50 * GIB,
                "total": 100 * GIB,
            }
            for name in self.members
        }
        self.copies = {"logs": 2}
        self.settings: dict[str, Any] = {}
        self.watermarks = {"low": "85%", "high": "90%"}
        self.voting = [f"es-{name}" for name in ("m1", "m2", "w2")]
        self.excluded: list[dict[str, str]] = []
        self.status = "green"
        self.formed = True
        self.accept_even_managers = True
        self.places = [
            {"name": "Logstash", "variable": "logstash_replicas", "hosts": ["m1", "m2"]}
            | {"replicas": "2", "single": True, "here": True}
        ]

    @property
    def placement(self) -> dict[str, Any]:
        if not self.formed:
            return {"formed": False, "problem": "No node answered."}
        return {
            "formed": True,
            "problem": "",
            "status": self.status,
            "nodes": list(self.nodes.values()),
            "copies": self.copies,
            "settings": self.settings,
            "watermarks": self.watermarks,
            "voting": self.voting,
            "excluded": self.excluded,
        }

    def plan(
        self,
        node: str = "w2",
        swarm_id: str | None = None,
        ids: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        return host_leave_plan(
            node,
            node,
            f"swarm-{node}" if swarm_id is None else swarm_id,
            members=list(self.members.values()),
            cluster=self.placement,
            places=self.places,
            accept_even_managers=self.accept_even_managers,
            ids=ids,
        )

    def refusal(self, node: str = "w2") -> str:
        return " | ".join(self.plan(node)["refusals"])

    def replace(
        self,
        name: str = "w2",
        new: tuple[str, ...] = ("w3",),
        asked: str = "",
        ids: dict[str, str] | None = None,
    ) -> Any:
        hosts = {host: f"swarm-{host}" for host in self.members if host != name}
        return host_replace_plan(
            name,
            list(self.members.values()),
            self.placement,
            new,
            asked,
            {**hosts, **dict.fromkeys(new, ""), **(ids or {})},
        )

    def harm(self, *arguments: Any, **options: Any) -> str:
        return " | ".join(self.replace(*arguments, **options)["refusals"])

    def die(self, name: str) -> None:
        self.members[name]["state"] = "down"
        self.nodes.pop(name)


@pytest.fixture
def stage() -> Stage:
    return Stage()


# -- steps ----------------------------------------------------------------------------------------


def test_a_worker_that_is_in_goes_all_the_way_and_is_not_demoted(stage: Stage) -> None:
    plan = stage.plan()
    assert plan["steps"] == [step for step in STEPS if step != "demote"]
    assert (plan["refusals"], plan["resumed"], plan["shards"]) == ([], False, 4)
    assert plan["ids"] == ["swarm-w2"]
    assert len(plan["told"]) == len(plan["steps"])


def test_a_manager_is_demoted_before_its_node_stops(stage: Stage) -> None:
    assert stage.plan("m2")["steps"] == list(STEPS)


def test_a_host_without_data_has_nothing_to_drain(stage: Stage) -> None:
    stage.nodes["w2"]["roles"] = ["master"]
    assert stage.plan()["steps"][0] == "vote"
    stage.nodes["w2"]["roles"] = ["ingest"]
    assert stage.plan()["steps"] == ["stop", "leave", "expel"]


def test_what_a_killed_run_has_done_is_not_planned_again(stage: Stage) -> None:
    stage.settings = {LEAVE: "w2", EXCLUDE_NAME: "w2"}
    assert stage.plan()["resumed"]
    assert stage.plan()["refusals"] == []
    del stage.nodes["w2"]
    stage.members["w2"]["labels"] = {}
    assert stage.plan()["steps"] == ["leave", "expel", "clear"]
    # It has left, and the swarm still has it on its list.
    stage.members["w2"]["state"] = "down"
    assert stage.plan(swarm_id="")["steps"] == ["expel", "clear"]
    del stage.members["w2"]
    assert stage.plan(swarm_id="")["steps"] == ["clear"]
    stage.settings = {}
    assert stage.plan(swarm_id="")["steps"] == []


def test_a_vote_that_is_still_excluded_is_given_back(stage: Stage) -> None:
    del stage.nodes["w2"], stage.members["w2"]
    stage.excluded = [{"id": "es-w2", "name": "w2"}]
    assert stage.plan(swarm_id="")["steps"] == ["clear"]


def test_nothing_is_refused_once_the_host_is_out(stage: Stage) -> None:
    del stage.nodes["w2"], stage.members["w2"]
    stage.formed = False
    assert stage.plan(swarm_id="")["refusals"] == []


def test_a_node_that_has_lost_its_label_still_stops(stage: Stage) -> None:
    stage.members["w2"]["labels"] = {}
    assert "stop" in stage.plan()["steps"]


def test_a_new_host_of_the_same_name_is_not_taken_for_the_one_that_has_left(stage: Stage) -> None:
    assert stage.plan(swarm_id="another")["ids"] == []


# -- refusals -------------------------------------------------------------------------------------


def test_a_host_that_names_another_node_is_not_believed(stage: Stage) -> None:
    (told,) = stage.plan("w2", swarm_id="swarm-m2")["refusals"]
    assert "w2 is called w2 and says that it is the node swarm-m2" in told
    assert "which is called m2" in told
    # It may claim the other one's name as well.
    (told,) = stage.plan("m2", ids={"m2": "swarm-m2", "w2": "swarm-m2"})["refusals"]
    assert "m2 and w2 both say that they are the node swarm-m2 of the swarm" in told
    assert stage.plan("w2", ids={"m2": "swarm-m2", "w2": "swarm-w2"})["refusals"] == []


@pytest.mark.parametrize("status", ["yellow", "red"])
def test_a_cluster_that_lacks_copies_is_left_alone(stage: Stage, status: str) -> None:
    stage.status = status
    assert f"The cluster is {status}" in stage.refusal()


def test_without_a_cluster_that_answers_nothing_goes(stage: Stage) -> None:
    stage.formed = False
    assert stage.refusal() == (
        "No cluster answers, so nobody can tell what would be lost. No node answered."
    )


def test_no_index_may_have_more_copies_than_nodes_are_left(stage: Stage) -> None:
    stage.copies = {"logs": 3, "wide": 4}
    assert "3 node(s) for data would be left, and wide has 4 copies" in stage.refusal()
    stage.copies = {"logs": 3}
    assert stage.refusal() == ""


def test_only_nodes_of_the_same_tier_count(stage: Stage) -> None:
    for name in ("m1", "m2", "w1"):
        stage.nodes[name]["roles"] = ["master", "data_cold"]
    stage.nodes["w2"]["roles"] = ["data_hot", "master"]
    assert "w2 is the last node for data (data_hot)" in stage.refusal()
    stage.nodes["w1"]["roles"] = ["data", "master"]
    stage.copies = {"logs": 1}
    assert stage.refusal() == ""


def test_the_disks_of_the_others_must_hold_the_shards(stage: Stage) -> None:
    for name in ("m1", "m2", "w1"):
        stage.nodes[name]["free"] = 16 * GIB
    # 6 GiB above the high watermark on each.
    stage.nodes["w2"] |= {"bytes": 18 * GIB, "largest": 6 * GIB}
    assert stage.refusal() == ""
    stage.nodes["w2"]["bytes"] += 1
    assert "18432 MiB of room below the high watermark" in stage.refusal()
    stage.nodes["w2"] |= {"bytes": 7 * GIB, "largest": 7 * GIB}
    assert "the largest of 7168 MiB" in stage.refusal()


def test_a_node_below_the_low_watermark_takes_nothing() -> None:
    disk = {"total": 100 * GIB, "free": 14 * GIB}
    assert room_on(disk, {"low": "85%", "high": "90%"}) == 0
    assert room_on(disk, {"low": "90%", "high": "95%"}) == 9 * GIB
    assert room_on(disk, {}) == 0
    assert room_on(disk, {"low": "3gb", "high": "2gb"}) == 12 * GIB
    large = {"total": 10000 * GIB, "free": 300 * GIB}
    headroom = {"low.max_headroom": "200gb", "high.max_headroom": "150gb"}
    assert room_on(large, {"low": "85%", "high": "90%", **headroom}) == 150 * GIB


def test_the_last_master_eligible_node_stays(stage: Stage) -> None:
    for name in ("m1", "m2", "w1"):
        stage.nodes[name]["roles"] = ["data"]
    assert "w2 is the last node that may become master" in stage.refusal()


def test_a_node_that_is_away_is_brought_back_first(stage: Stage) -> None:
    del stage.nodes["w1"]
    assert "w1 is not in the cluster" in stage.refusal()


def test_what_others_have_set_is_not_taken_for_ours(stage: Stage) -> None:
    stage.settings = {EXCLUDE_NAME: "w1"}
    assert f"{EXCLUDE_NAME} is w1: somebody takes shards off nodes" in stage.refusal()
    stage.settings = {EXCLUDE_NAME: "w1", LEAVE: "w1"}
    assert "-e remove_host=w1" in stage.refusal()
    stage.settings = {ENABLE: "primaries"}
    assert f"{ENABLE} is primaries" in stage.refusal()
    stage.settings = {}
    stage.excluded = [{"id": "es-m2", "name": "m2"}]
    assert "m2 may not vote" in stage.refusal()


def test_the_managers_that_are_left_must_be_able_to_go_on(stage: Stage) -> None:
    stage.members["m2"]["role"] = "worker"
    assert "m1 is the last manager" in stage.refusal("m1")
    stage.members["m2"] |= {"role": "manager", "reachability": "unreachable"}
    assert "Of the 1 managers that would be left only 0 can be reached" in stage.refusal("m1")


def test_an_even_number_of_managers_is_left_only_when_that_was_said(stage: Stage) -> None:
    stage.members["w1"] |= {"role": "manager", "reachability": "reachable"}
    assert stage.refusal("m2") == ""
    stage.accept_even_managers = False
    assert "swarm_accept_even_managers" in stage.refusal("m2")
    assert stage.refusal("w2") == ""


def test_a_service_keeps_a_host(stage: Stage) -> None:
    stage.places[0]["hosts"] = ["m1"]
    assert "Logstash is to run 2 task(s), and without w2 1 host(s) may run it" in stage.refusal()
    stage.places[0]["single"] = False
    assert stage.refusal() == ""
    stage.places[0] |= {"hosts": [], "replicas": "0"}
    assert "without w2 0 host(s) may run it" in stage.refusal()
    stage.places[0]["here"] = False
    assert stage.refusal() == ""


# -- lost -----------------------------------------------------------------------------------------


def test_a_lost_worker_is_struck_off_and_its_vote_is_taken(stage: Stage) -> None:
    stage.die("w2")
    plan = stage.replace()
    assert plan["refusals"] == []
    # The list last: it tells a run after a kill that something is left.
    assert plan["steps"] == ["vote", "clear", "expel"]
    assert (plan["ids"], plan["voters"]) == (["swarm-w2"], ["es-w2"])
    assert (plan["addresses"], plan["also"]) == (["192.0.2.4"], [])
    assert len(plan["told"]) == 3


def test_a_lost_manager_is_demoted_before_it_is_struck_off(stage: Stage) -> None:
    stage.die("m2")
    stage.members["m2"]["reachability"] = "unreachable"
    assert stage.replace("m2")["steps"] == ["vote", "clear", "demote", "expel"]


def test_a_manager_that_a_recovered_swarm_left_behind_has_no_vote_to_take(stage: Stage) -> None:
    stage.die("m2")
    stage.members["m2"]["reachability"] = ""
    assert stage.replace("m2")["steps"] == ["vote", "clear", "expel"]


def test_without_a_vote_none_is_taken(stage: Stage) -> None:
    stage.die("w1")
    assert stage.replace("w1")["steps"] == ["expel"]


def test_a_host_that_lives_is_not_replaced(stage: Stage) -> None:
    assert "The swarm sees w2 as ready" in stage.harm()
    stage.members["w2"]["state"] = "unknown"
    assert "The swarm sees w2 as unknown" in stage.harm()
    stage.members["w2"]["state"] = "down"
    assert "w2 is in the cluster of Elasticsearch" in stage.harm()
    stage.die("w2")
    assert "its Docker says that it is the node swarm-w2" in stage.harm(ids={"w2": "swarm-w2"})


def test_nobody_tells_what_is_lost_without_a_cluster(stage: Stage) -> None:
    stage.die("w2")
    stage.formed = False
    assert "No cluster answers" in stage.harm()


def test_what_somebody_else_has_set_is_not_taken_back(stage: Stage) -> None:
    stage.die("w2")
    stage.excluded = [{"id": "es-m2", "name": "m2"}]
    stage.settings = {EXCLUDE_NAME: "w2"}
    harm = stage.harm()
    assert "m2 may not vote for a master" in harm
    assert "somebody takes shards off nodes" in harm
    stage.settings = {EXCLUDE_NAME: "w1", LEAVE: "w1"}
    assert "The removal of w1 was broken off" in stage.harm()


def test_a_host_that_died_while_it_was_removed_leaves_no_exclusion(stage: Stage) -> None:
    stage.die("w2")
    stage.settings = {EXCLUDE_NAME: "w2", LEAVE: "w2"}
    stage.excluded = [{"id": "es-w2", "name": "w2"}]
    plan = stage.replace()
    assert (plan["refusals"], plan["marked"]) == ([], True)
    assert "clear" in plan["steps"]


def test_somebody_has_to_take_its_place(stage: Stage) -> None:
    stage.die("w2")
    assert "No host of the inventory is new" in stage.harm(new=())
    assert "replace_with is w9" in stage.harm(asked="w9")
    assert stage.harm(asked="w3") == ""
    # One that add_host.yml or site.yml has let in before.
    assert stage.harm(new=(), asked="w1") == ""
    stage.members["again"] = {**Stage().members["w2"], "id": "swarm-again"}
    assert stage.harm(new=()) == ""


def test_a_replacement_that_was_broken_off_is_gone_on_with(stage: Stage) -> None:
    stage.die("w2")
    stage.excluded = [{"id": "es-w2", "name": "_absent_"}]
    stage.voting.remove("es-w2")
    plan = stage.replace()
    assert (plan["refusals"], plan["steps"]) == ([], ["clear", "expel"])
    stage.excluded = []
    assert stage.replace()["steps"] == ["expel"]
    del stage.members["w2"]
    plan = stage.replace()
    assert (plan["refusals"], plan["steps"], plan["ids"]) == ([], [], [])
    # The new one has the same name, and is on its way in.
    stage.members["new"] = {**Stage().members["w2"], "id": "swarm-new"}
    assert stage.harm(new=("w2",)) == ""
    assert "it is in already" in stage.harm(new=())


def test_other_nodes_that_are_missed_are_told(stage: Stage) -> None:
    stage.die("w2")
    stage.die("w1")
    assert stage.replace()["also"] == ["w1"]


# -- new ------------------------------------------------------------------------------------------


def test_new_is_who_is_not_in_or_was_broken_off(stage: Stage) -> None:
    hosts = {name: name for name in ("m1", "m2", "w1", "w2", "w3")}
    ids = {name: f"swarm-{name}" for name in hosts}
    members = list(stage.members.values())

    def new(**more: Any) -> list[str]:
        return new_hosts(hosts, ids, members, **{"placed": list(hosts), **more})

    assert new() == ["w3"]
    assert new(leaving="w1") == ["w1", "w3"]
    stage.members["w1"]["labels"]["elk.joining"] = "true"
    assert new() == ["w1", "w3"]
    stage.members["m2"]["labels"] = {}
    assert new() == ["m2", "w1", "w3"]
    assert new(placed=["w3"]) == ["w1", "w3"]


# -- what the cluster tells -----------------------------------------------------------------------


def test_copies_are_counted_with_the_primary() -> None:
    def index(**settings: str) -> dict[str, Any]:
        return {"settings": {"index": settings}}

    assert copies_of(
        {
            "plain": index(number_of_replicas="2"),
            "kept": index(number_of_replicas="1", auto_expand_replicas="false"),
            "grows": index(number_of_replicas="3", auto_expand_replicas="0-1"),
            "wide": index(number_of_replicas="3", auto_expand_replicas="1-all"),
        }
    ) == {"plain": 3, "kept": 2, "grows": 1, "wide": 2}


def test_a_shard_lies_where_it_comes_from_until_it_has_gone() -> None:
    (node,) = with_room(
        [{"name": "w2"}],
        [{"node": "w2", "disk.avail": "5", "disk.total": "9"}, {"node": "UNASSIGNED"}],
        [
            {"node": "w2", "store": "3"},
            {"node": "w2 -> 10.0.0.7 abc m1", "store": "4"},
            {"node": "m1", "store": "8"},
            {"node": None, "store": None},
        ],
    )
    assert node == {"name": "w2", "shards": 2, "bytes": 7, "largest": 4, "free": 5, "total": 9}


def test_each_cause_to_stay_is_told_once() -> None:
    decided = [
        {"node_name": name, "deciders": [{"decision": "NO", "explanation": "a copy is here"}]}
        for name in ("m1", "m2")
    ]
    assert stays({"node_allocation_decisions": decided}) == "m1: a copy is here"
    assert stays({}) == "no node told why"
