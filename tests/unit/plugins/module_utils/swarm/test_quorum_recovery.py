# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manager from which the swarm is rebuilt, and the blockers that forbid it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.filter.swarm_recovery import swarm_recovery
from ansible_collections.elk.swarm.plugins.module_utils.swarm.membership_plan import (
    Host,
    Member,
    init_body,
    recovery_blocker,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.quorum_recovery import (
    Recovery,
    plan_recovery,
)

STUCK = Member(state="active", node_id="n2", manager=True, error="The swarm does not have a leader")
RESTARTED = Member(state="pending", node_id="n3")
SOUND = Member(state="active", node_id="n2", manager=True, cluster_id="c", nodes={"n2": "manager"})
WORKER = Member(state="active", node_id="n9")


def manager(name: str, found: Member | None = STUCK) -> Host:
    return Host(name, "manager", found)


def test_the_remaining_manager_is_chosen() -> None:
    hosts = [manager("m2"), Host("w1", "worker", WORKER)]
    assert plan_recovery(hosts, {"m1": False}) == Recovery("m2", force=True)


def test_a_manager_that_was_not_restarted_is_preferred() -> None:
    assert plan_recovery([manager("m3", RESTARTED), manager("m2")], {}).survivor == "m2"


def test_nothing_is_forced_while_there_is_a_majority() -> None:
    hosts = [manager("m2"), manager("m3", SOUND)]
    assert plan_recovery(hosts, {"m1": True}) == Recovery("m3", force=False)


def test_a_host_that_answers_is_not_lost() -> None:
    plan = plan_recovery([manager("m2")], {"m1": True, "m3": False})
    [error] = plan.blockers
    assert error.startswith("m1 answers")
    assert "systemctl start docker" in error
    assert not plan.force


def test_a_recovery_needs_a_manager() -> None:
    [error] = plan_recovery([Host("w1", "worker", WORKER)], {"m1": False}).blockers
    assert "swarm_lost names every manager" in error


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (None, "did not look"),
        (Member(state="inactive"), "in no swarm"),
        (Member(state="error", error="no disk"), "no disk"),
        (Member(state="locked"), "locked"),
        (WORKER, "is a worker"),
    ],
)
def test_a_manager_that_cannot_rebuild_the_swarm(found: Member | None, word: str) -> None:
    [error] = plan_recovery([manager("m2", found)], {"m1": False}).blockers
    assert error.startswith("m2: ")
    assert word in error


def test_a_majority_needs_no_recovery() -> None:
    assert recovery_blocker(SOUND) == ""


@pytest.mark.parametrize(("action", "forced"), [("init", False), ("recover", True)])
def test_only_a_recovery_forces_a_new_cluster(action: str, forced: bool) -> None:
    params = {
        "action": action,
        "listen_port": 2377,
        "data_path_port": 4789,
        "availability": "active",
        "default_address_pools": [],
    }
    addresses = {"advertise_address": "10.0.0.2", "data_path_address": "10.0.0.2"}
    assert init_body(params, addresses)["ForceNewCluster"] is forced


def test_the_filter_reads_the_registered_results() -> None:
    hostvars: dict[str, dict[str, Any]] = {
        "m1": {"swarm_lost_answer": {"ping": "pong"}},
        "m2": {"__swarm_found": {"member": STUCK.as_dict()}},
        "w1": {"__swarm_found": {"member": WORKER.as_dict()}},
    }
    plan = swarm_recovery(["m2", "w1"], hostvars, ["m1", "m2"], lost=["m1", "w2"])
    assert plan["errors"][0].startswith("m1 answers")
    hostvars["m1"] = {"swarm_lost_answer": {"unreachable": True}}
    plan = swarm_recovery(["m2", "w1"], hostvars, ["m1", "m2"], lost=["m1"])
    assert plan == {"survivor": "m2", "force": True, "errors": []}
    assert swarm_recovery(["w1"], hostvars, ["m1"], lost=["m1"])["errors"]
