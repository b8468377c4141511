# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes move, in which order, what forbids it, and who may do it."""

from __future__ import annotations

import base64
import json
import os
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
    LEAVE,
    MARK,
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


class Stage:
    """A green cluster that runs what is asked for, until a test says otherwise."""

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
        self.told: dict[str, Any] = {}
        self.master = "m1"

    def old(self, *names: str, version: str = "9.1.0") -> Stage:
        for name in names or self.roles:
            self.labels[name][GENERATION] = "old"
            self.nodes[name]["version"] = version
        return self

    def plan(self, version: str = "9.2.4", **asked: Any) -> dict[str, Any]:
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
                "missing": ["it said so"],
                "settings": self.settings,
                **self.told,
            },
            **{"known": list(self.roles), **asked},
        )

    def moves(self, **asked: Any) -> list[str]:
        return [str(move["host"]) for move in self.plan(**asked)["moves"]]

    def refusal(self, version: str = "9.2.4", **asked: Any) -> str:
        return " ".join(self.plan(version, **asked)["refusals"])


def test_without_a_change_no_node_moves_and_nothing_is_refused() -> None:
    stage = Stage()
    stage.status, stage.settings = "red", {ENABLE: "none"}
    found = stage.plan("1.0.0")
    assert (found["moves"], found["next"], found["refusals"]) == ([], "", [])


def test_tier_by_tier_and_the_elected_master_last() -> None:
    stage = Stage(**ROLES).old()
    stage.master = "m2"
    assert stage.moves() == ["f1", "c1", "w1", "h1", "d1", "i1", "m1", "m3", "m2"]


def test_what_a_node_is_now_decides_its_place() -> None:
    stage = Stage(**ROLES).old()
    stage.nodes["m1"]["roles"] = ["data_frozen"]
    stage.master = "m2"
    assert stage.moves()[:2] == ["m1", "f1"]


def test_one_changed_file_moves_one_node() -> None:
    stage = Stage()
    stage.labels["m2"][CONFIG] = "other"
    (move,) = stage.plan()["moves"]
    assert (move["host"], move["reasons"]) == ("m2", ["configuration other becomes files"])


def test_a_node_in_the_middle_of_its_turn_is_first() -> None:
    stage = Stage().old("m1", "w1")
    stage.labels["m1"][GENERATION] = HOLD
    del stage.nodes["m1"]
    found = stage.plan()
    assert [move["host"] for move in found["moves"]] == ["m1", "w1"]
    assert found["moves"][0]["missing"]
    assert found["present"] == ["m2", "w1"]
    assert not found["refusals"]


def test_the_only_missing_node_may_be_moved_while_the_cluster_is_red() -> None:
    stage = Stage().old("w1")
    del stage.nodes["w1"]
    stage.status = "red"
    assert stage.moves() == ["w1"]
    assert not stage.refusal()


def test_a_missing_node_that_has_no_part_in_it_stops_everything() -> None:
    stage = Stage().old("w1")
    del stage.nodes["m2"]
    assert "m2 is not in the cluster" in stage.refusal()


def test_a_host_that_never_ran_a_node_is_not_moved() -> None:
    stage = Stage(m1=ALL, m2=ALL, w1=ALL, w2=["data"])
    stage.labels["w2"] = {}
    del stage.nodes["w2"]
    assert stage.moves() == []


def test_a_restart_moves_every_node_and_goes_on_where_it_was_broken_off() -> None:
    stage = Stage()
    assert stage.moves(restart="noon") == ["m2", "w1", "m1"]
    stage.labels["m2"][RESTARTED] = "morning"
    found = stage.plan(restart="noon")
    assert found["restart"] == "morning"
    assert [move["host"] for move in found["moves"]] == ["w1", "m1"]
    # Whoever asks for no restart is not made to finish one.
    assert stage.moves() == []


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("9.1.0", "9.2.4", ""),
        ("9.2.4", "9.2.4", ""),
        ("8.19.5", "9.1.5", ""),
        ("8.18.2", "9.0.2", ""),
        ("7.17.29", "8.19.5", ""),
        ("9.2.4", "9.1.0", "no node is ever downgraded"),
        ("9.2.4", "8.19.5", "no node is ever downgraded"),
        ("8.18.2", "9.1.0", "Go to the last 8.19 first"),
        ("8.17.0", "9.0.0", "Go to the last 8.19 first"),
        ("7.16.0", "8.0.0", "Go to the last 7.17 first"),
        ("7.17.29", "9.2.4", "a major version cannot be left out"),
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
        ("9.1.0", "9.3.0-SNAPSHOT", "no released version"),
    ],
)
def test_which_version_leads_to_which(before: str, after: str, says: str) -> None:
    found = path_problem(before, after)
    assert says in found if says else found == ""


def test_a_downgrade_is_refused_also_when_one_node_only_has_the_newer_version() -> None:
    stage = Stage().old("m1", "w1")
    stage.labels["m2"][GENERATION] = "newer"
    found = stage.refusal("9.1.0")
    assert "9.2.4 cannot become 9.1.0" in found
    assert "m2 runs 9.2.4" in found


def test_a_way_back_after_a_version_that_never_joined() -> None:
    stage = Stage().old(version="9.1.0")
    for name in ("m1", "m2"):
        stage.labels[name][GENERATION] = "new"
    stage.labels["w1"][GENERATION] = "failed"
    del stage.nodes["w1"]
    assert stage.moves(version="9.1.0", back=True) == ["w1"]
    assert not stage.refusal("9.1.0", back=True)
    assert "does not lead to 9.2.4" in stage.refusal("9.2.4", back=True)


def test_a_red_cluster_loses_no_node() -> None:
    stage = Stage().old()
    stage.status = "red"
    assert "The cluster is red" in stage.refusal()


def test_settings_that_somebody_left_are_refused_and_those_of_a_roll_are_not() -> None:
    stage = Stage().old()
    stage.settings = {ENABLE: "primaries"}
    assert "no roll has set it" in stage.refusal()
    stage.settings[MARK] = "elk"
    assert not stage.refusal()
    assert stage.plan()["marked"]
    stage.settings = {"cluster.routing.allocation.exclude._name": "w1"}
    assert "exclude._name is w1" in stage.refusal()
    stage.settings[LEAVE] = "w1"
    assert stage.refusal() == (
        "The removal of w1 was broken off. Finish it first: "
        "playbooks/remove_host.yml -e remove_host=w1"
    )


def test_fewer_than_three_masters_need_a_word() -> None:
    stage = Stage(m1=ALL, m2=ALL).old()
    assert "elasticsearch_accept_downtime" in stage.refusal()
    assert not stage.refusal(accept_downtime=True)


def test_without_an_answer_nothing_moves_unless_downtime_is_accepted() -> None:
    stage = Stage(m1=ALL).old()
    stage.formed, stage.nodes = False, {}
    assert "No cluster answers" in stage.refusal()
    assert not stage.refusal(accept_downtime=True)


def test_a_node_that_the_inventory_does_not_know_forbids_another_version() -> None:
    stage = Stage().old()
    assert "w1 is in the cluster and not in the inventory" in stage.refusal(known=["m1", "m2"])


def test_a_cluster_that_does_not_tell_its_nodes_loses_none() -> None:
    """Otherwise each would count as missing, and be stopped without a look at the others."""
    stage = Stage().old()
    stage.nodes, stage.status = {}, ""
    assert "nobody tells which nodes the cluster has (it said so)" in stage.refusal()


def test_a_node_that_is_away_and_has_no_turn_is_named_before_it_is_waited_for() -> None:
    """So it is after a failed turn, when the same is asked for once more."""
    stage = Stage()
    assert (stage.plan()["waited_for"], stage.plan()["notes"]) == ([], [])
    del stage.nodes["w1"]
    found = stage.plan()
    assert (found["moves"], found["refusals"], found["waited_for"]) == ([], [], ["w1"])
    (note,) = found["notes"]
    assert "w1 is not in the cluster" in note
    assert "docker logs" in note
    assert "playbooks/rollback.yml" in note
    # Where others are to move it is refused.
    stage.old("m2")
    assert stage.plan()["notes"] == []
    assert "w1 is not in the cluster" in stage.refusal()
    # One that is held has its turn, and is waited for by nobody.
    stage = Stage()
    stage.labels["w1"][GENERATION] = HOLD
    del stage.nodes["w1"]
    assert (stage.moves(), stage.plan()["waited_for"]) == (["w1"], [])
    # Nobody is known to be missing before a cluster has formed, or while it does not tell.
    stage = Stage()
    stage.nodes = {}
    assert stage.plan()["waited_for"] == []


def test_votes_that_were_taken_away_are_named() -> None:
    stage = Stage().old("w1")
    stage.told = {"voting_exclusions": ["m2"]}
    assert "The vote of m2 was taken away" in stage.refusal()
    assert "DELETE _cluster/voting_config_exclusions" in stage.refusal()


def test_full_disks_and_what_they_have_closed_stop_a_roll() -> None:
    stage = Stage().old()
    stage.told["full_disks"] = [{"node": "w1", "free": 2**30, "total": 2**34, "needed": 2**31}]
    assert "w1 has 1.0 GiB free of 16.0 GiB, and the high watermark asks for 2.0 GiB" in (
        stage.refusal()
    )
    stage.told = {"flooded_indices": [f"i{number:02}" for number in range(12)]}
    assert "i09 and 2 more is read-only since a disk was full" in stage.refusal()
    # A node that is away can only bring room.
    stage.told["full_disks"] = [{"node": "m2", "free": 1, "total": 2, "needed": 2}]
    del stage.nodes["w1"]
    assert not stage.refusal()


def test_the_disk_of_a_node_that_only_caches_snapshots_may_be_full() -> None:
    for roles, stops in ((["data_frozen"], False), (["data_frozen", "data_cold"], True)):
        stage = Stage(**{**ROLES, "f1": roles}).old()
        stage.told["full_disks"] = [{"node": "f1", "free": 1, "total": 100, "needed": 10}]
        assert bool(stage.refusal()) is stops


def repository(age: int | None, problem: str = "", name: str = "backup") -> dict[str, Any]:
    snapshot = "" if age is None else "nightly"
    return {"repository": name, "snapshot": snapshot, "age": age, "problem": problem}


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ([repository(3600)], ""),
        ([repository(None, name="a"), repository(86400)], ""),
        ([repository(180000)], "backup has nightly, 2 d old"),
        ([repository(None)], "backup has none that succeeded"),
        ([repository(None, "it is gone")], "backup cannot be read (it is gone)"),
        ([], ""),
        (None, ""),
    ],
)
def test_a_new_version_needs_a_snapshot(known: list[dict[str, Any]] | None, says: str) -> None:
    stage = Stage().old()
    stage.told = {"repositories": known}
    found = stage.refusal(snapshot_max_age="1d")
    assert says in found if says else not found
    if says:
        assert "PUT _snapshot/backup/before-9.2.4" in found
        assert "elasticsearch_snapshot_max_age" in found
    assert not stage.refusal(snapshot_max_age="")
    notes = stage.plan(snapshot_max_age="1d")["notes"]
    assert bool(notes) == (known == [])


def test_an_age_that_is_none() -> None:
    stage = Stage().old()
    stage.told = {"repositories": [repository(1)]}
    assert "'one day', which is no age: write one like 1d" in stage.refusal(
        snapshot_max_age="one day"
    )


def test_what_the_next_major_version_does_not_bear_stops_a_roll() -> None:
    stage = Stage().old(version="8.19.10")
    stage.told = {"incompatible": ["index_settings of old: too old"]}
    assert "9.2.4 does not work with what this cluster has: index_settings of old: too old" in (
        stage.refusal()
    )
    stage.told = {"incompatible": None, "incompatible_unknown": "no handler"}
    assert not stage.refusal()
    assert "no _migration/deprecations (no handler)" in stage.plan()["notes"][0]


# -- the lock --------------------------------------------------------------------------------


class Swarm:
    """Configs, as the Engine keeps them."""

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


def test_whoever_says_so_gets_the_lock_and_whoever_is_slower_does_not() -> None:
    swarm = Swarm()
    lock(swarm, "a").take(False)
    assert lock(swarm, "b", who="eve@lap", force=True).take(False)[2] == ""
    swarm.configs.clear()
    swarm.others.append(json.dumps({"who": "eve@lap", "run": "c"}).encode())
    assert "eve@lap has the lock" in lock(swarm, "a").take(False)[2]


def test_a_run_is_known_by_the_process_that_the_others_were_forked_from(tmp_path: Path) -> None:
    def process(pid: int, parent: int, words: str) -> None:
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "cmdline").write_text(words)
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
