# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes restart, in which order, what blocks it, and who has the lock."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.filter.rolling_plan import rolling_plan
from ansible_collections.elk.swarm.plugins.module_utils.common.label_names import (
    CONFIG,
    GENERATION,
    HOLD,
    RESTARTED,
)
from ansible_collections.elk.swarm.plugins.module_utils.controller.run_id import (
    controller_run,
    head_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import ConflictError
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import (
    ENABLE,
    EXCLUDE_NAME,
    LEAVE,
    MARK,
    MOVE,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.versions import path_problem
from ansible_collections.elk.swarm.plugins.modules.run_lock import Lock

ALL = ["master", "data"]
ROLES: dict[str, list[str]] = {
    "m1": ["master"],
    "m2": ["master"],
    "m3": ["master"],
    "f1": ["data_frozen"],
    "c1": ["data_cold"],
    "w1": ["data_warm"],
    "h1": ["data_hot", "data_content"],
    "d1": ["data"],
    "i1": ["ingest"],
}


class State:
    """A green cluster that runs the desired version, until a test changes it."""

    def __init__(self, **roles: list[str]) -> None:
        self.roles = roles or {"m1": ALL, "m2": ALL, "w1": ALL}
        self.labels = {name: {GENERATION: "new", CONFIG: "files"} for name in self.roles}
        self.nodes = {
            name: {"name": name, "id": f"id-{name}", "version": "9.2.4", "roles": roles}
            for name, roles in self.roles.items()
        }
        self.status = "green"
        self.formed = True
        self.settings: dict[str, Any] = {}
        self.facts: dict[str, Any] = {}
        self.master = "m1"

    def old(self, *names: str, version: str = "9.1.0") -> State:
        for name in names or self.roles:
            self.labels[name][GENERATION] = "old"
            self.nodes[name]["version"] = version
        return self

    def plan(self, version: str = "9.2.4", **options: Any) -> dict[str, Any]:
        nodes = [{**one, "master": one["name"] == self.master} for one in self.nodes.values()]
        return rolling_plan(
            {name: name for name in self.roles},
            configs=dict.fromkeys(self.roles, "files"),
            roles=self.roles,
            generation="new",
            version=version,
            labels=self.labels,
            cluster={
                "formed": self.formed,
                "status": self.status,
                "nodes": nodes,
                "missing": ["no master"],
                "settings": self.settings,
                **self.facts,
            },
            **{"known": list(self.roles), **options},
        )

    def moves(self, **options: Any) -> list[str]:
        return [str(move["host"]) for move in self.plan(**options)["moves"]]

    def blockers(self, version: str = "9.2.4", **options: Any) -> str:
        return " ".join(self.plan(version, **options)["refusals"])


def test_without_a_change_no_node_restarts_and_nothing_blocks() -> None:
    state = State()
    state.status, state.settings = "red", {ENABLE: "none"}
    found = state.plan("1.0.0")
    assert (found["moves"], found["next"], found["refusals"]) == ([], "", [])


def test_one_tier_after_the_other_and_the_elected_master_last() -> None:
    state = State(**ROLES).old()
    state.master = "m2"
    assert state.moves() == ["f1", "c1", "w1", "h1", "d1", "i1", "m1", "m3", "m2"]


def test_the_current_roles_decide_the_order() -> None:
    state = State(**ROLES).old()
    state.nodes["m1"]["roles"] = ["data_frozen"]
    state.master = "m2"
    assert state.moves()[:2] == ["m1", "f1"]


def test_one_changed_file_restarts_one_node() -> None:
    state = State()
    state.labels["m2"][CONFIG] = "other"
    (move,) = state.plan()["moves"]
    assert (move["host"], move["reasons"]) == ("m2", ["configuration other becomes files"])


def test_the_summary_of_a_restart_is_one_line() -> None:
    state = State()
    state.labels["m2"][CONFIG] = "other"
    state.master = "m2"
    (move,) = state.plan()["moves"]
    assert move["summary"] == "m2 (master, elected): configuration other becomes files"
    state = State(m1=ALL, w1=["data"]).old("w1")
    state.labels["w1"][CONFIG] = "x"
    del state.nodes["w1"]
    (move,) = state.plan()["moves"]
    assert move["summary"] == (
        "w1 (data, not in the cluster): generation old becomes new, configuration x becomes files"
    )


def test_a_node_whose_restart_was_interrupted_is_first() -> None:
    state = State().old("m1", "w1")
    state.labels["m1"][GENERATION] = HOLD
    del state.nodes["m1"]
    found = state.plan()
    assert [move["host"] for move in found["moves"]] == ["m1", "w1"]
    assert found["moves"][0]["missing"]
    assert found["present"] == ["m2", "w1"]
    assert not found["refusals"]


def test_a_missing_node_may_restart_while_the_cluster_is_red() -> None:
    state = State().old("w1")
    del state.nodes["w1"]
    state.status = "red"
    assert state.moves() == ["w1"]
    assert not state.blockers()


def test_a_missing_node_that_this_run_does_not_restart_blocks() -> None:
    state = State().old("w1")
    del state.nodes["m2"]
    assert "m2 is not in the cluster" in state.blockers()


def test_a_node_that_was_never_started_does_not_restart() -> None:
    state = State(m1=ALL, m2=ALL, w1=ALL, w2=["data"])
    state.labels["w2"] = {}
    del state.nodes["w2"]
    assert state.moves() == []


def test_a_restart_includes_every_node_and_continues_after_an_interruption() -> None:
    state = State()
    assert state.moves(restart="noon") == ["m2", "w1", "m1"]
    state.labels["m2"][RESTARTED] = "morning"
    found = state.plan(restart="noon")
    assert found["restart"] == "morning"
    assert [move["host"] for move in found["moves"]] == ["w1", "m1"]
    # A run without a requested restart does not finish an interrupted one.
    assert state.moves() == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("9.1.0", "9.2.4", ""),
        ("9.2.4", "9.2.4", ""),
        ("8.19.5", "9.1.5", ""),
        ("8.18.2", "9.0.2", ""),
        ("7.17.29", "8.19.5", ""),
        ("9.2.4", "9.1.0", "no node can be downgraded"),
        ("9.2.4", "8.19.5", "no node can be downgraded"),
        ("8.18.2", "9.1.0", "Go to the last 8.19 first"),
        ("8.17.0", "9.0.0", "Go to the last 8.19 first"),
        ("7.16.0", "8.0.0", "Go to the last 7.17 first"),
        ("7.17.29", "9.2.4", "a major version cannot be skipped"),
        ("9.0.4", "9.1.0", "released before it"),
        ("9.0.5", "9.1.2", ""),
        ("9.0.8", "9.1.4", "Choose 9.1.5 or a later one"),
        ("9.0.8", "9.2.0", ""),
        ("9.1.6", "9.2.0", ""),
        ("9.1.10", "9.2.3", "Choose 9.2.4 or a later one"),
        ("8.19.21", "9.1.0", "released before it"),
        ("8.19.10", "9.2.4", ""),
        ("8.19.15", "9.3.3", "Choose 9.3.4 or a later one"),
        ("9.2.8", "9.3.2", "Choose 9.3.3 or a later one"),
        ("9.1.0", "9.3.0-SNAPSHOT", "not a released version"),
    ],
)
def test_which_upgrades_are_possible(before: str, after: str, expected: str) -> None:
    found = path_problem(before, after)
    assert expected in found if expected else found == ""


def test_a_downgrade_is_blocked_even_if_only_one_node_has_the_newer_version() -> None:
    state = State().old("m1", "w1")
    state.labels["m2"][GENERATION] = "newer"
    found = state.blockers("9.1.0")
    assert "9.2.4 cannot become 9.1.0" in found
    assert "m2 runs 9.2.4" in found


def test_a_rollback_after_a_version_that_never_joined() -> None:
    state = State().old(version="9.1.0")
    for name in ("m1", "m2"):
        state.labels[name][GENERATION] = "new"
    state.labels["w1"][GENERATION] = "failed"
    del state.nodes["w1"]
    assert state.moves(version="9.1.0", back=True) == ["w1"]
    assert not state.blockers("9.1.0", back=True)
    assert "A rollback cannot go to 9.2.4" in state.blockers("9.2.4", back=True)


def test_a_red_cluster_blocks() -> None:
    state = State().old()
    state.status = "red"
    assert "The cluster is red" in state.blockers()


def test_settings_of_somebody_else_block_and_those_of_a_rolling_restart_do_not() -> None:
    state = State().old()
    state.settings = {ENABLE: "primaries"}
    assert "no rolling restart has set it" in state.blockers()
    state.settings[MARK] = "elk"
    assert not state.blockers()
    assert state.plan()["marked"]
    state.settings = {"cluster.routing.allocation.exclude._name": "w1"}
    assert "exclude._name is w1" in state.blockers()
    state.settings[LEAVE] = "w1"
    assert state.blockers() == (
        "The removal of w1 was interrupted. Finish it first: "
        "playbooks/remove_host.yml -e remove_host=w1"
    )


def test_fewer_than_three_masters_need_accept_downtime() -> None:
    state = State(m1=ALL, m2=ALL).old()
    assert "elasticsearch_accept_downtime" in state.blockers()
    assert not state.blockers(accept_downtime=True)


def test_without_an_answer_no_node_restarts_unless_downtime_is_accepted() -> None:
    state = State(m1=ALL).old()
    state.formed, state.nodes = False, {}
    assert "No cluster answers" in state.blockers()
    assert not state.blockers(accept_downtime=True)


@pytest.mark.parametrize("label", [GENERATION, CONFIG])
def test_a_mistake_in_the_first_run_can_be_corrected(label: str) -> None:
    """Labels stand before the service does, so without a cluster they do not mean that it ran."""
    state = State(m1=ALL, w1=["data"])
    state.formed, state.nodes = False, {}
    for labels in state.labels.values():
        labels[label] = "mistake"
    found = state.plan(never_formed=True)
    assert (found["moves"], found["next"], found["refusals"]) == ([], "", [])
    assert sorted(found["start_again"]) == ["m1", "w1"]
    # The same run again has nothing to start again.
    again = State(m1=ALL, w1=["data"])
    again.formed, again.nodes = False, {}
    assert again.plan(never_formed=True)["start_again"] == []


def test_no_first_start_when_a_cluster_answers_or_may_exist() -> None:
    state = State().old()
    assert len(state.moves(never_formed=True)) == 3
    assert state.plan(never_formed=True)["start_again"] == []
    state.formed, state.nodes = False, {}
    assert "No cluster answers" in state.blockers()
    assert state.plan()["start_again"] == []
    assert "No cluster answers" in state.blockers(never_formed=True, back=True)


def test_a_node_that_never_joined_starts_without_accepted_downtime() -> None:
    """A wrong setting of one host: the others have formed a cluster, and lose nothing."""
    state = State(m1=ALL, w1=["data"])
    state.labels["w1"][CONFIG] = "mistake"
    del state.nodes["w1"]
    found = state.plan()
    assert [move["host"] for move in found["moves"]] == ["w1"]
    assert found["refusals"] == []


def test_a_node_outside_the_inventory_blocks_another_version() -> None:
    state = State().old()
    assert "w1 is in the cluster and not in the inventory" in state.blockers(known=["m1", "m2"])


def test_an_unknown_node_list_blocks() -> None:
    """Otherwise every node would count as missing and restart without a check of the others."""
    state = State().old()
    state.nodes, state.status = {}, ""
    assert "it is unknown which nodes the cluster has (no master)" in state.blockers()


def test_a_missing_node_that_does_not_restart_is_named_before_the_wait() -> None:
    """This happens when a run is repeated after a failed restart."""
    state = State()
    assert (state.plan()["waited_for"], state.plan()["notes"]) == ([], [])
    del state.nodes["w1"]
    found = state.plan()
    assert (found["moves"], found["refusals"], found["waited_for"]) == ([], [], ["w1"])
    (note,) = found["notes"]
    assert "w1 is not in the cluster" in note
    assert "docker logs" in note
    assert "playbooks/rollback.yml" in note
    # It blocks the restart of other nodes.
    state.old("m2")
    assert state.plan()["notes"] == []
    assert "w1 is not in the cluster" in state.blockers()
    # A node with the label HOLD restarts, so the run does not just wait for it.
    state = State()
    state.labels["w1"][GENERATION] = HOLD
    del state.nodes["w1"]
    assert (state.moves(), state.plan()["waited_for"]) == (["w1"], [])
    # Without a node list no node is known to be missing.
    state = State()
    state.nodes = {}
    assert state.plan()["waited_for"] == []


def test_voting_exclusions_block() -> None:
    state = State().old("w1")
    state.facts = {"voting_exclusions": ["m2"]}
    assert "m2 is excluded from voting" in state.blockers()
    assert "DELETE _cluster/voting_config_exclusions" in state.blockers()


def test_full_disks_and_read_only_indices_block() -> None:
    state = State().old()
    state.facts["full_disks"] = [{"node": "w1", "free": 2**30, "total": 2**34, "needed": 2**31}]
    assert "w1 has 1.0 GiB free of 16.0 GiB, and the high watermark requires 2.0 GiB" in (
        state.blockers()
    )
    state.facts = {"flooded_indices": [f"i{number:02}" for number in range(12)]}
    assert "i09 and 2 more is read-only since a disk was full" in state.blockers()
    # A missing node that starts again only adds space.
    state.facts["full_disks"] = [{"node": "m2", "free": 1, "total": 2, "needed": 2}]
    del state.nodes["w1"]
    assert not state.blockers()


def test_the_disk_of_a_node_that_only_caches_snapshots_may_be_full() -> None:
    for roles, blocks in ((["data_frozen"], False), (["data_frozen", "data_cold"], True)):
        state = State(**{**ROLES, "f1": roles}).old()
        state.facts["full_disks"] = [{"node": "f1", "free": 1, "total": 100, "needed": 10}]
        assert bool(state.blockers()) is blocks


def repository(age: int | None, problem: str = "", name: str = "backup") -> dict[str, Any]:
    snapshot = "" if age is None else "nightly"
    return {"repository": name, "snapshot": snapshot, "age": age, "problem": problem}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([repository(3600)], ""),
        ([repository(None, name="a"), repository(86400)], ""),
        ([repository(180000)], "backup has nightly, 2 d old"),
        ([repository(None)], "backup has no successful snapshot"),
        ([repository(None, "it is gone")], "backup cannot be read (it is gone)"),
        ([], ""),
        (None, ""),
    ],
)
def test_a_new_version_needs_a_snapshot(known: list[dict[str, Any]] | None, expected: str) -> None:
    state = State().old()
    state.facts = {"repositories": known}
    found = state.blockers(snapshot_max_age="1d")
    assert expected in found if expected else not found
    if expected:
        assert "PUT _snapshot/backup/before-9.2.4" in found
        assert "elasticsearch_snapshot_max_age" in found
    assert not state.blockers(snapshot_max_age="")
    notes = state.plan(snapshot_max_age="1d")["notes"]
    assert bool(notes) == (known == [])


def test_an_invalid_age() -> None:
    state = State().old()
    state.facts = {"repositories": [repository(1)]}
    assert "'one day', which is not an age: use one like 1d" in state.blockers(
        snapshot_max_age="one day"
    )


def test_what_the_next_major_version_does_not_support_blocks() -> None:
    state = State().old(version="8.19.10")
    state.facts = {"incompatible": ["index_settings of old: too old"]}
    assert "9.2.4 does not support what this cluster uses: index_settings of old: too old" in (
        state.blockers()
    )
    state.facts = {"incompatible": None, "incompatible_unknown": "no handler"}
    assert not state.blockers()
    assert "no _migration/deprecations (no handler)" in state.plan()["notes"][0]


# -- work while a node is stopped, and moves of data ----------------------------------------------

MOVES = {"reasons": ["its data moves from bind to volume"], "moves_data": True}
AWAY = {EXCLUDE_NAME: "w1", MOVE: "w1"}
HELD = {ENABLE: "primaries", MARK: "elk"}


def test_work_restarts_a_node_whose_labels_do_not_differ() -> None:
    work = {"w1": {"reasons": ["plugin disk:1 becomes disk:2"], "moves_data": False}, "m1": {}}
    (move,) = State().plan(work=work)["moves"]
    assert (move["host"], move["reasons"]) == ("w1", ["plugin disk:1 becomes disk:2"])
    assert not move["moves_data"]


@dataclass(frozen=True)
class Killed:
    """What a run leaves that was killed while the data of w1 moved, before that of m2 and m1."""

    generation: str
    settings: dict[str, str]
    # Whether w1 is in the cluster, and whether its storage is still the former one.
    present: bool
    moves: bool
    # What the next run does: the node that it restarts first, and the one that gets shards again.
    first: str
    give_back: str


@pytest.mark.parametrize(
    "killed",
    [
        pytest.param(Killed("old", {}, True, True, "m2", ""), id="before anything"),
        pytest.param(Killed("old", AWAY, True, True, "w1", ""), id="shards leave"),
        pytest.param(Killed("old", AWAY | HELD, True, True, "w1", ""), id="allocation held"),
        pytest.param(Killed(HOLD, AWAY | HELD, True, True, "w1", ""), id="the node stops"),
        pytest.param(Killed(HOLD, AWAY | HELD, False, True, "w1", ""), id="the node has stopped"),
        pytest.param(Killed(HOLD, AWAY | HELD, False, False, "w1", ""), id="new storage"),
        pytest.param(Killed("new", AWAY | HELD, True, False, "m2", "w1"), id="back"),
        pytest.param(Killed("new", AWAY, True, False, "m2", "w1"), id="allocation free"),
        pytest.param(Killed("new", {}, True, False, "m2", ""), id="its shards may come back"),
    ],
)
def test_a_move_of_data_continues_wherever_it_was_killed(killed: Killed) -> None:
    state = State().old(version="9.2.4")
    state.labels["w1"][GENERATION] = killed.generation
    state.settings = dict(killed.settings)
    if not killed.present:
        del state.nodes["w1"]
    work = {host: MOVES for host in state.roles if host != "w1" or killed.moves}
    found = state.plan(work=work)
    assert found["refusals"] == []
    assert (found["next"], found["give_back"]) == (killed.first, killed.give_back)
    assert found["marked"] is (MARK in killed.settings)
    assert found["unfinished"] is bool(found["marked"] or killed.give_back)
    of_w1 = [move["moves_data"] for move in found["moves"] if move["host"] == "w1"]
    assert of_w1 == ([] if killed.generation == "new" else [killed.moves])


def test_a_killed_move_of_the_last_node_leaves_work_although_no_node_restarts() -> None:
    state = State()
    state.settings = dict(AWAY)
    found = state.plan()
    assert (found["moves"], found["give_back"], found["unfinished"]) == ([], "w1", True)
    state.settings = {}
    assert not state.plan()["unfinished"]


def test_a_run_with_the_former_storage_reverses_an_interrupted_move() -> None:
    """The variables are back, so no data moves. A stopped node first starts where its data was."""
    state = State()
    state.settings = dict(AWAY)
    assert (state.plan()["next"], state.plan()["give_back"]) == ("", "w1")
    state.labels["w1"][GENERATION] = HOLD
    del state.nodes["w1"]
    found = state.plan()
    assert (found["next"], found["give_back"], found["refusals"]) == ("w1", "", [])
    assert found["moving"] == "w1"


@pytest.mark.parametrize(
    ("generation", "settings", "present"),
    [
        ("old", AWAY, False),
        (HOLD, {}, False),
        # It still stops, and will have left before its shards have.
        (HOLD, {}, True),
        (HOLD, {EXCLUDE_NAME: "m1", MOVE: "m1"}, False),
    ],
)
def test_data_does_not_move_off_a_node_that_does_not_run_and_was_not_emptied(
    generation: str, settings: dict[str, str], present: bool
) -> None:
    state = State().old("w1", version="9.2.4")
    state.labels["w1"][GENERATION] = generation
    state.settings = settings
    if not present:
        del state.nodes["w1"]
    assert "w1 does not run, so its data cannot move" in state.blockers(work={"w1": MOVES})
    assert state.blockers() == ""


def test_a_node_that_still_stops_comes_before_the_others() -> None:
    state = State(**ROLES).old(version="9.2.4")
    state.labels["m1"][GENERATION] = HOLD
    assert state.moves()[0] == "m1"
    del state.nodes["i1"]
    assert state.moves()[:2] == ["i1", "m1"]


def test_an_exclusion_of_another_node_than_the_mark_says_blocks() -> None:
    state = State().old()
    state.settings = {EXCLUDE_NAME: "m2", MOVE: "w1"}
    assert "exclude._name is m2: somebody takes shards off nodes" in state.blockers()


def test_a_restart_that_was_killed_after_its_last_node_ends_with_the_next_one() -> None:
    """Otherwise its labels stay, and no later restart would restart a node."""
    state = State()
    for labels in state.labels.values():
        labels[RESTARTED] = "morning"
    found = state.plan(restart="noon")
    assert (found["moves"], found["restart"], found["unfinished"]) == ([], "morning", True)
    del state.labels["w1"][RESTARTED]
    assert not state.plan(restart="noon")["unfinished"]
    assert not state.plan()["unfinished"]


# -- the lock --------------------------------------------------------------------------------


class Swarm:
    """The configs of a Swarm."""

    def __init__(self) -> None:
        self.configs: dict[str, bytes] = {}
        self.others: list[bytes] = []

    def objects(self, *_query: Any) -> list[dict[str, Any]]:
        return [
            {"ID": name, "Spec": {"Name": name, "Data": base64.b64encode(data).decode()}}
            for name, data in self.configs.items()
        ]

    def create_object(self, _kind: str, name: str, data: bytes, *_labels: Any) -> str:
        if self.others:
            self.configs[name] = self.others.pop()
        if name in self.configs:
            raise ConflictError("taken")
        self.configs[name] = data
        return name

    def remove_object(self, _kind: str, object_id: str) -> None:
        del self.configs[object_id]


def lock(swarm: Swarm, run: str, who: str = "ops@desk", **more: Any) -> Lock:
    mine = {"who": who, "run": run, "living": [run], "sees": True, **more.pop("run_more", {})}
    params = {"name": "roll", "run": mine, "purpose": "a roll", "remedy": "R.", "labels": {}}
    return Lock(swarm, {**params, "force": False, **more})  # type: ignore[arg-type]


def test_one_run_has_the_lock_and_gives_it_back() -> None:
    swarm = Swarm()
    assert lock(swarm, "a").take(False) == (True, {}, "")
    assert lock(swarm, "a").take(False)[0] is False
    changed, holder, problem = lock(swarm, "b", who="eve@lap").take(False)
    assert not changed
    assert holder["who"] == "ops@desk"
    assert "ops@desk has the lock roll for a roll, since 20" in problem
    assert problem.endswith("R.")
    assert lock(swarm, "b", who="eve@lap").give_back(False)[0] is False
    assert lock(swarm, "a").give_back(False)[0] is True
    assert not swarm.configs


def test_the_lock_of_a_dead_run_of_the_same_operator_is_taken_over() -> None:
    swarm = Swarm()
    lock(swarm, "a").take(False)
    living = {"living": ["a", "b"]}
    assert lock(swarm, "b", run_more=living).take(False)[2]
    assert lock(swarm, "b", run_more={"sees": False}).take(False)[2]
    assert lock(swarm, "b").take(True)[0] is True
    assert json.loads(swarm.configs["roll"])["run"] == "a"
    assert lock(swarm, "b").take(False)[2] == ""
    assert json.loads(swarm.configs["roll"])["run"] == "b"


def test_force_takes_the_lock_and_the_slower_of_two_runs_fails() -> None:
    swarm = Swarm()
    lock(swarm, "a").take(False)
    assert lock(swarm, "b", who="eve@lap", force=True).take(False)[2] == ""
    swarm.configs.clear()
    swarm.others.append(json.dumps({"who": "eve@lap", "run": "c"}).encode())
    assert "eve@lap has the lock" in lock(swarm, "a").take(False)[2]


def test_a_run_is_identified_by_its_first_process(tmp_path: Path) -> None:
    def process(pid: int, parent: int, command: str) -> None:
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "cmdline").write_text(command)
        stat = f"{pid} (py (x) y) S {parent} " + " ".join(["0"] * 17) + f" {pid}77 0"
        (tmp_path / str(pid) / "stat").write_text(stat)

    process(10, 1, "bash")
    process(11, 10, "python ansible-playbook site.yml")
    process(12, 11, "python ansible-playbook site.yml")
    process(13, 11, "python ansible-playbook other.yml")
    assert head_of(tmp_path, 12) == 11
    assert head_of(tmp_path, 13) == 13
    found = controller_run(tmp_path, 12)
    assert found["run"].endswith("-11-1177")
    assert len(found["living"]) == 3
    assert found["run"] in found["living"]
    assert controller_run(pid=os.getpid())["who"]
