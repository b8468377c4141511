# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a node may go under maintenance, and whether it has fully returned afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.swarm import node_maintenance as plan


def node(name: str, *, manager: bool = False, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "ID": f"id-{name}",
        "Description": {"Hostname": name},
        "Spec": {
            "Role": "manager" if manager else "worker",
            "Availability": more.pop("availability", "active"),
        },
        "Status": {"State": more.pop("state", "ready")},
    }
    if manager:
        made["ManagerStatus"] = {
            "Reachability": more.pop("reachability", "reachable"),
            "Leader": more.pop("leader", False),
        }
    assert not more
    return made


def service(name: str, mode: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"ID": f"s-{name}", "Spec": {"Name": name, "Mode": mode}, **more}


def task(service_name: str, node_name: str, number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "ID": more.pop("id", f"{service_name}.{node_name}.{number}"),
        "ServiceID": f"s-{service_name}",
        "NodeID": f"id-{node_name}",
        "Slot": more.pop("slot", None),
        "DesiredState": more.pop("desired", "running"),
        "Status": {"State": more.pop("state", "running"), "Err": more.pop("error", "")},
        "CreatedAt": f"2026-01-01T00:00:{number:02}Z",
    }


GLOBAL = service("search", {"Global": {}})
SHIPPER = service("shipper", {"Replicated": {"Replicas": 2}})
NODES = (
    node("m1", manager=True, leader=True),
    node("m2", manager=True),
    node("w1"),
)
TASKS = (
    task("search", "m1"),
    task("search", "m2"),
    task("search", "w1"),
    task("shipper", "m2", slot=1),
    task("shipper", "w1", slot=2),
)


def swarm(nodes: Any = NODES, tasks: Any = TASKS, services: Any = (GLOBAL, SHIPPER)) -> plan.Swarm:
    return plan.Swarm(nodes, services, tasks)


def before(name: str = "w1") -> plan.NodeBefore:
    found = plan.remember(swarm(), f"id-{name}")
    assert found is not None
    return found


def after(*tasks: dict[str, Any], nodes: Any = NODES, services: Any = (GLOBAL, SHIPPER)) -> Any:
    kept = [one for one in TASKS if one["NodeID"] != "id-w1"]
    return swarm(nodes, [*kept, *tasks], services)


def test_in_a_healthy_swarm_any_node_may_go_under_maintenance() -> None:
    for one in NODES:
        assert plan.maintenance_blockers(swarm(), one["ID"]) == []


def test_the_tasks_of_a_node_are_remembered_and_can_be_read_from_a_dictionary() -> None:
    found = before()
    assert [(one.service, one.mode, one.running) for one in found.tasks] == [
        ("search", "global", 3),
        ("shipper", "replicated", 2),
    ]
    assert found.as_dict()["services"] == ["search", "shipper"]
    assert plan.NodeBefore.from_dict(found.as_dict()) == found
    assert plan.remember(swarm(), "id-w9") is None


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (node("w2", state="down"), ["w2 is down", "docker node rm id-w2", "systemctl status"]),
        (node("w2", state="unknown"), ["w2 is unknown"]),
        (
            node("m3", manager=True, reachability="unreachable"),
            ["m3 is a manager that the others do not reach", "2377"],
        ),
    ],
)
def test_an_unhealthy_node_blocks_the_maintenance_of_others(
    other: dict[str, Any], words: list[str]
) -> None:
    for node_id in ("id-m1", "id-w1"):
        first, *_services = plan.maintenance_blockers(swarm((*NODES, other)), node_id)
        for word in words:
            assert word in first


def test_an_unhealthy_node_may_be_restarted() -> None:
    nodes = (NODES[0], NODES[1], node("w1", state="down"))
    assert plan.maintenance_blockers(swarm(nodes), "id-w1") == []


def test_an_unknown_node_is_a_blocker() -> None:
    assert "not in the swarm's list" in plan.maintenance_blockers(swarm(), "id-w9")[0]


def test_a_service_that_lacks_a_task_elsewhere_is_a_blocker() -> None:
    tasks = [
        *(one for one in TASKS if one["ID"] != "search.m2.1"),
        task("search", "m2", 2, state="failed", desired="shutdown", error="no such image"),
    ]
    reasons = plan.maintenance_blockers(swarm(tasks=tasks), "id-w1")
    assert len(reasons) == 1
    assert "search runs 1 of 2 tasks elsewhere" in reasons[0]
    assert "m2: no such image" in reasons[0]
    assert "docker service ps --no-trunc search" in reasons[0]
    # The node without the task may be restarted.
    assert plan.maintenance_blockers(swarm(tasks=tasks), "id-m2") == []


def test_a_service_without_a_task_on_the_node_does_not_matter() -> None:
    broken = service("other", {"Replicated": {"Replicas": 1}})
    tasks = [*TASKS, task("other", "m1", state="failed")]
    assert (
        plan.maintenance_blockers(swarm(tasks=tasks, services=(GLOBAL, SHIPPER, broken)), "id-w1")
        == []
    )


def test_a_service_that_is_being_updated_is_a_blocker() -> None:
    updated = service("search", {"Global": {}}, UpdateStatus={"State": "updating"})
    reasons = plan.maintenance_blockers(swarm(services=(updated, SHIPPER)), "id-w1")
    assert "search is being updated" in reasons[0]


def test_a_job_is_neither_remembered_nor_waited_for() -> None:
    job = service("job", {"ReplicatedJob": {"TotalCompletions": 5}})
    tasks = [*TASKS, task("job", "w1", slot=1)]
    everything = swarm(tasks=tasks, services=(GLOBAL, SHIPPER, job))
    assert plan.maintenance_blockers(everything, "id-w1") == []
    found = plan.remember(everything, "id-w1")
    assert found is not None
    assert "job" not in found.as_dict()["services"]


def test_workers_restart_first_and_the_leader_last() -> None:
    given = [plan.remember(swarm(), one["ID"]) for one in NODES]
    assert [one.name for one in plan.order(one for one in given if one)] == ["w1", "m2", "m1"]


def test_old_tasks_do_not_count_after_a_restart() -> None:
    # The managers do not know yet that the daemon was restarted.
    missing = plan.missing_after(swarm(), before(), survivors=[])
    assert missing == [
        "search does not run on w1 yet",
        "shipper runs 1 of 2 tasks",
    ]


def test_tasks_that_ran_without_a_break_count() -> None:
    survivors = [one.id for one in before().tasks]
    assert plan.missing_after(swarm(), before(), survivors) == []


def test_nothing_is_missing_with_new_tasks() -> None:
    now = after(task("search", "w1", 2), task("shipper", "w1", 2, slot=2))
    assert plan.missing_after(now, before(), survivors=[]) == []
    assert plan.running_task_ids(now, before()) == {
        *("search.m1.1", "search.m2.1", "search.w1.2", "shipper.m2.1", "shipper.w1.2"),
    }


def test_a_replicated_task_may_move_to_another_node_a_global_one_may_not() -> None:
    moved = after(task("search", "m1", 2), task("shipper", "m1", 2, slot=2))
    assert plan.missing_after(moved, before(), survivors=[]) == ["search does not run on w1 yet"]


def test_the_error_of_a_missing_task_is_reported() -> None:
    now = after(
        task("search", "w1", 2, state="starting"),
        task("shipper", "w1", 2, slot=2, state="rejected", error="address already in use"),
    )
    missing = plan.missing_after(now, before(), survivors=[])
    assert missing[0] == "search does not run on w1 yet (w1: is starting)"
    assert missing[1].startswith("shipper runs 1 of 2 tasks (w1: address already in use; free the")


def test_a_node_that_is_down_or_drained_is_missing() -> None:
    tasks = (task("search", "w1", 2), task("shipper", "w1", 2, slot=2))
    down = after(*tasks, nodes=(NODES[0], NODES[1], node("w1", state="down")))
    assert "the managers see w1 as down" in plan.missing_after(down, before(), [])
    drained = after(*tasks, nodes=(NODES[0], NODES[1], node("w1", availability="drain")))
    assert "w1 is drain and was active" in plan.missing_after(drained, before(), [])
    removed = after(*tasks, nodes=NODES[:2])
    assert plan.missing_after(removed, before(), []) == [
        "w1 is not in the swarm's list of nodes any more"
    ]


def test_a_manager_is_back_when_the_others_reach_it() -> None:
    nodes = (NODES[0], node("m2", manager=True, reachability="unreachable"), NODES[2])
    survivors = [one.id for one in before("m2").tasks]
    missing = plan.missing_after(swarm(nodes), before("m2"), survivors)
    assert missing == ["the other managers do not reach m2 yet"]


def test_a_service_that_was_removed_or_scaled_meanwhile_is_not_waited_for() -> None:
    fewer = service("shipper", {"Replicated": {"Replicas": 1}})
    now = after(task("search", "w1", 2), services=(GLOBAL, fewer))
    assert plan.missing_after(now, before(), []) == []
    assert (
        plan.missing_after(after(task("search", "w1", 2), services=(GLOBAL,)), before(), []) == []
    )
