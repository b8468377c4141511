# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New hosts, the removal of a host and its blockers, and the replacement of a lost host."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.filter.host_leave_plan import host_leave_plan
from ansible_collections.elk.swarm.plugins.filter.host_replace_plan import host_replace_plan
from ansible_collections.elk.swarm.plugins.filter.new_hosts import new_hosts
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import (
    ENABLE,
    EXCLUDE_NAME,
    LEAVE,
    MARK,
    MOVE,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.shards import (
    copies_of,
    why_not_moved,
    with_room,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.host_plan import (
    STEPS,
    room_on,
)

GIB = 1 << 30
ALL = ["data", "ingest", "master"]


class Stage:
    """A healthy platform of two managers and two workers, which a test may change."""

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
        self.service: dict[str, Any] = {
            "name": "logstash",
            "role": "elk.swarm.logstash",
            "title": "Logstash",
            "kind": "replicated",
            "group": "shippers",
            "hosts": ["m1", "m2", "w2"],
            "replicas": 2,
            "data": [{"name": "logstash"}],
        }
        self.groups = {"shippers": ["m1", "m2", "w2"]}

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
            services=[self.service],
            groups=self.groups,
            hosts=list(self.members),
            accept_even_managers=self.accept_even_managers,
            ids=ids,
        )

    def blockers(self, node: str = "w2") -> str:
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

    def replace_blockers(self, *arguments: Any, **options: Any) -> str:
        return " | ".join(self.replace(*arguments, **options)["refusals"])

    def die(self, name: str) -> None:
        self.members[name]["state"] = "down"
        self.nodes.pop(name)


@pytest.fixture
def stage() -> Stage:
    return Stage()


# -- steps ----------------------------------------------------------------------------------------


def test_a_worker_takes_all_steps_but_demote(stage: Stage) -> None:
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


def test_steps_that_a_killed_run_has_done_are_not_planned_again(stage: Stage) -> None:
    stage.settings = {LEAVE: "w2", EXCLUDE_NAME: "w2"}
    assert stage.plan()["resumed"]
    assert stage.plan()["refusals"] == []
    del stage.nodes["w2"]
    stage.members["w2"]["labels"] = {}
    assert stage.plan()["steps"] == ["leave", "expel", "clear"]
    # It has left, and the swarm still lists it.
    stage.members["w2"]["state"] = "down"
    assert stage.plan(swarm_id="")["steps"] == ["expel", "clear"]
    del stage.members["w2"]
    assert stage.plan(swarm_id="")["steps"] == ["clear"]
    stage.settings = {}
    assert stage.plan(swarm_id="")["steps"] == []


def test_a_voting_exclusion_that_remains_is_cleared(stage: Stage) -> None:
    del stage.nodes["w2"], stage.members["w2"]
    stage.excluded = [{"id": "es-w2", "name": "w2"}]
    assert stage.plan(swarm_id="")["steps"] == ["clear"]


def test_nothing_blocks_once_the_host_is_out(stage: Stage) -> None:
    del stage.nodes["w2"], stage.members["w2"]
    stage.formed = False
    assert stage.plan(swarm_id="")["refusals"] == []


def test_a_node_that_has_lost_its_label_still_stops(stage: Stage) -> None:
    stage.members["w2"]["labels"] = {}
    assert "stop" in stage.plan()["steps"]


def test_a_new_host_of_the_same_name_is_not_taken_for_the_one_that_has_left(stage: Stage) -> None:
    assert stage.plan(swarm_id="another")["ids"] == []


# -- blockers -------------------------------------------------------------------------------------


def test_a_host_that_reports_the_id_of_another_node_is_a_blocker(stage: Stage) -> None:
    (blocker,) = stage.plan("w2", swarm_id="swarm-m2")["refusals"]
    assert "w2 is called w2 and reports the swarm node id swarm-m2" in blocker
    assert "which belongs to m2" in blocker
    # It may claim the name of the other host as well.
    (blocker,) = stage.plan("m2", ids={"m2": "swarm-m2", "w2": "swarm-m2"})["refusals"]
    assert "m2 and w2 both report the swarm node id swarm-m2" in blocker
    assert stage.plan("w2", ids={"m2": "swarm-m2", "w2": "swarm-w2"})["refusals"] == []


@pytest.mark.parametrize("status", ["yellow", "red"])
def test_a_cluster_that_is_not_green_is_a_blocker(stage: Stage, status: str) -> None:
    stage.status = status
    assert f"The cluster is {status}" in stage.blockers()


def test_without_a_cluster_no_host_is_removed(stage: Stage) -> None:
    stage.formed = False
    assert stage.blockers() == (
        "No cluster answers, so it is not known what would be lost. No node answered."
    )


def test_no_index_may_have_more_copies_than_the_remaining_nodes(stage: Stage) -> None:
    stage.copies = {"logs": 3, "wide": 4}
    assert "3 node(s) for data would be left, and wide has 4 copies" in stage.blockers()
    stage.copies = {"logs": 3}
    assert stage.blockers() == ""


def test_only_nodes_of_the_same_tier_count(stage: Stage) -> None:
    for name in ("m1", "m2", "w1"):
        stage.nodes[name]["roles"] = ["master", "data_cold"]
    stage.nodes["w2"]["roles"] = ["data_hot", "master"]
    assert "w2 is the last node for data (data_hot)" in stage.blockers()
    stage.nodes["w1"]["roles"] = ["data", "master"]
    stage.copies = {"logs": 1}
    assert stage.blockers() == ""


def test_the_disks_of_the_others_must_hold_the_shards(stage: Stage) -> None:
    for name in ("m1", "m2", "w1"):
        stage.nodes[name]["free"] = 16 * GIB
    # 6 GiB above the high watermark on each.
    stage.nodes["w2"] |= {"bytes": 18 * GIB, "largest": 6 * GIB}
    assert stage.blockers() == ""
    stage.nodes["w2"]["bytes"] += 1
    assert "18432 MiB of room below the high watermark" in stage.blockers()
    stage.nodes["w2"] |= {"bytes": 7 * GIB, "largest": 7 * GIB}
    assert "the largest of 7168 MiB" in stage.blockers()


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
    assert "w2 is the last node that may become master" in stage.blockers()


def test_a_node_that_is_absent_must_come_back_first(stage: Stage) -> None:
    del stage.nodes["w1"]
    assert "w1 is not in the cluster" in stage.blockers()


def test_settings_of_others_are_blockers(stage: Stage) -> None:
    stage.settings = {EXCLUDE_NAME: "w1"}
    assert f"{EXCLUDE_NAME} is w1: somebody takes shards off nodes" in stage.blockers()
    stage.settings = {EXCLUDE_NAME: "w1", LEAVE: "w1"}
    assert "-e remove_host=w1" in stage.blockers()
    stage.settings = {ENABLE: "primaries"}
    assert f"{ENABLE} is primaries, and no rolling restart has set it" in stage.blockers()
    stage.settings[MARK] = "elk"
    assert "playbooks/site.yml, which finishes it" in stage.blockers()
    stage.settings = {}
    stage.excluded = [{"id": "es-m2", "name": "m2"}]
    assert "m2 is excluded from voting" in stage.blockers()


@pytest.mark.parametrize("node", ["w1", "w2"])
def test_an_interrupted_move_of_data_blocks_a_removal(stage: Stage, node: str) -> None:
    stage.settings = {EXCLUDE_NAME: node, MOVE: node}
    assert stage.blockers() == (
        f"The move of the data of {node} was interrupted. Finish it first: "
        "playbooks/move_storage.yml; or set elasticsearch_storage back and run playbooks/site.yml"
    )


def test_an_exclusion_by_another_attribute_blocks_a_removal(stage: Stage) -> None:
    """Nodes that take no shard do not count as room for the shards that leave."""
    stage.settings = {"cluster.routing.allocation.exclude._ip": "192.0.2.1"}
    assert "exclude._ip is 192.0.2.1: somebody takes shards off nodes" in stage.blockers()


def test_the_remaining_managers_must_have_a_majority(stage: Stage) -> None:
    stage.members["m2"]["role"] = "worker"
    assert "m1 is the last manager" in stage.blockers("m1")
    stage.members["m2"] |= {"role": "manager", "reachability": "unreachable"}
    assert "Of the 1 managers that would be left only 0 can be reached" in stage.blockers("m1")


def test_an_even_number_of_managers_must_be_accepted(stage: Stage) -> None:
    stage.members["w1"] |= {"role": "manager", "reachability": "reachable"}
    assert stage.blockers("m2") == ""
    stage.accept_even_managers = False
    assert "swarm_accept_even_managers" in stage.blockers("m2")
    assert stage.blockers("w2") == ""


def test_a_service_keeps_enough_hosts(stage: Stage) -> None:
    stage.service["hosts"] = ["m1", "w2"]
    assert stage.blockers() == (
        "Logstash should run 2 task(s), and without w2 1 host(s) may run it. Add a host to the "
        "group shippers, or lower logstash_replicas"
    )
    stage.service["data"] = []
    assert stage.blockers() == ""
    stage.service |= {"hosts": [], "replicas": 0}
    assert "without w2 0 host(s) may run it" in stage.blockers()
    stage.groups = {"shippers": ["m1"]}
    assert stage.blockers() == ""
    # Without the group every host may run it.
    stage.groups = {}
    assert "without w2 0 host(s) may run it" in stage.blockers()
    stage.service["kind"] = "per_host"
    assert stage.blockers() == ""


# -- a lost host ----------------------------------------------------------------------------------


def test_a_lost_worker_is_removed_and_excluded_from_voting(stage: Stage) -> None:
    stage.die("w2")
    plan = stage.replace()
    assert plan["refusals"] == []
    # The node list last: while the node is listed, a killed run can be continued.
    assert plan["steps"] == ["vote", "clear", "expel"]
    assert (plan["ids"], plan["voters"]) == (["swarm-w2"], ["es-w2"])
    assert (plan["addresses"], plan["also"]) == (["192.0.2.4"], [])
    assert len(plan["told"]) == 3


def test_a_lost_manager_is_demoted_before_it_is_removed(stage: Stage) -> None:
    stage.die("m2")
    stage.members["m2"]["reachability"] = "unreachable"
    assert stage.replace("m2")["steps"] == ["vote", "clear", "demote", "expel"]


def test_a_manager_lost_before_a_quorum_recovery_is_not_demoted(stage: Stage) -> None:
    stage.die("m2")
    stage.members["m2"]["reachability"] = ""
    assert stage.replace("m2")["steps"] == ["vote", "clear", "expel"]


def test_a_node_without_a_vote_is_only_removed(stage: Stage) -> None:
    stage.die("w1")
    assert stage.replace("w1")["steps"] == ["expel"]


def test_a_host_that_is_alive_is_not_replaced(stage: Stage) -> None:
    assert "The swarm sees w2 as ready" in stage.replace_blockers()
    stage.members["w2"]["state"] = "unknown"
    assert "The swarm sees w2 as unknown" in stage.replace_blockers()
    stage.members["w2"]["state"] = "down"
    assert "w2 is in the cluster of Elasticsearch" in stage.replace_blockers()
    stage.die("w2")
    assert "its Docker reports the swarm node id swarm-w2" in stage.replace_blockers(
        ids={"w2": "swarm-w2"}
    )


def test_without_a_cluster_no_host_is_replaced(stage: Stage) -> None:
    stage.die("w2")
    stage.formed = False
    assert "No cluster answers" in stage.replace_blockers()


def test_settings_of_others_are_not_reset(stage: Stage) -> None:
    stage.die("w2")
    stage.excluded = [{"id": "es-m2", "name": "m2"}]
    stage.settings = {EXCLUDE_NAME: "w2"}
    blockers = stage.replace_blockers()
    assert "m2 is excluded from voting" in blockers
    assert "somebody takes shards off nodes" in blockers
    stage.settings = {EXCLUDE_NAME: "w1", LEAVE: "w1"}
    assert "The removal of w1 was interrupted" in stage.replace_blockers()


def test_the_exclusions_of_a_host_that_died_during_its_removal_are_cleared(stage: Stage) -> None:
    stage.die("w2")
    stage.settings = {EXCLUDE_NAME: "w2", LEAVE: "w2"}
    stage.excluded = [{"id": "es-w2", "name": "w2"}]
    plan = stage.replace()
    assert (plan["refusals"], plan["marked"]) == ([], True)
    assert "clear" in plan["steps"]


def test_a_host_that_died_while_its_data_moved_is_replaced(stage: Stage) -> None:
    stage.die("w2")
    stage.settings = {EXCLUDE_NAME: "w2", MOVE: "w2"}
    assert stage.replace()["refusals"] == []


def test_another_host_must_take_its_place(stage: Stage) -> None:
    stage.die("w2")
    assert "No host of the inventory is new" in stage.replace_blockers(new=())
    assert "replace_with is w9" in stage.replace_blockers(asked="w9")
    assert stage.replace_blockers(asked="w3") == ""
    # A host that add_host.yml or site.yml has added before.
    assert stage.replace_blockers(new=(), asked="w1") == ""
    stage.members["again"] = {**Stage().members["w2"], "id": "swarm-again"}
    assert stage.replace_blockers(new=()) == ""


def test_an_interrupted_replacement_is_continued(stage: Stage) -> None:
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
    # The new host has the same name and is joining.
    stage.members["new"] = {**Stage().members["w2"], "id": "swarm-new"}
    assert stage.replace_blockers(new=("w2",)) == ""
    assert "it is in the platform already" in stage.replace_blockers(new=())


def test_other_nodes_that_are_down_are_listed(stage: Stage) -> None:
    stage.die("w2")
    stage.die("w1")
    assert stage.replace()["also"] == ["w1"]


# -- new hosts ------------------------------------------------------------------------------------


def test_new_hosts_are_not_in_the_platform_or_only_in_part(stage: Stage) -> None:
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


# -- facts of the cluster -------------------------------------------------------------------------


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


def test_a_relocating_shard_counts_for_its_source_node() -> None:
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


def test_each_cause_that_keeps_a_shard_is_listed_once() -> None:
    decided = [
        {"node_name": name, "deciders": [{"decision": "NO", "explanation": "a copy is here"}]}
        for name in ("m1", "m2")
    ]
    assert why_not_moved({"node_allocation_decisions": decided}) == "m1: a copy is here"
    assert why_not_moved({}) == "no node gave a reason"
