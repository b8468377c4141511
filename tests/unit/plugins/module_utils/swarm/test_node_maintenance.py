# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""May a node go away, and is everything back afterwards?"""

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


def test_a_sound_swarm_spares_any_node() -> None:
    for one in NODES:
        assert plan.not_spared(swarm(), one["ID"]) == []


def test_what_runs_on_a_node_is_remembered_and_survives_the_way_through_a_play() -> None:
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
def test_while_another_node_is_not_well_none_is_spared(
    other: dict[str, Any], words: list[str]
) -> None:
    for spared in ("id-m1", "id-w1"):
        first, *_services = plan.not_spared(swarm((*NODES, other)), spared)
        for word in words:
            assert word in first


def test_a_node_that_is_not_well_itself_may_be_mended() -> None:
    nodes = (NODES[0], NODES[1], node("w1", state="down"))
    assert plan.not_spared(swarm(nodes), "id-w1") == []


def test_an_unknown_node_is_not_spared() -> None:
    assert "not in the swarm's list" in plan.not_spared(swarm(), "id-w9")[0]


def test_a_service_that_lacks_a_task_elsewhere_keeps_the_node() -> None:
    tasks = [
        *(one for one in TASKS if one["ID"] != "search.m2.1"),
        task("search", "m2", 2, state="failed", desired="shutdown", error="no such image"),
    ]
    reasons = plan.not_spared(swarm(tasks=tasks), "id-w1")
    assert len(reasons) == 1
    assert "search runs 1 of 2 tasks elsewhere" in reasons[0]
    assert "m2: no such image" in reasons[0]
    assert "docker service ps --no-trunc search" in reasons[0]
    # The one without is the one to be mended.
    assert plan.not_spared(swarm(tasks=tasks), "id-m2") == []


def test_a_service_without_a_task_on_the_node_does_not_matter() -> None:
    broken = service("other", {"Replicated": {"Replicas": 1}})
    tasks = [*TASKS, task("other", "m1", state="failed")]
    assert plan.not_spared(swarm(tasks=tasks, services=(GLOBAL, SHIPPER, broken)), "id-w1") == []


def test_a_service_that_is_being_updated_keeps_the_node() -> None:
    updated = service("search", {"Global": {}}, UpdateStatus={"State": "updating"})
    reasons = plan.not_spared(swarm(services=(updated, SHIPPER)), "id-w1")
    assert "search is being updated" in reasons[0]


def test_a_job_is_neither_remembered_nor_waited_for() -> None:
    job = service("job", {"ReplicatedJob": {"TotalCompletions": 5}})
    tasks = [*TASKS, task("job", "w1", slot=1)]
    everything = swarm(tasks=tasks, services=(GLOBAL, SHIPPER, job))
    assert plan.not_spared(everything, "id-w1") == []
    found = plan.remember(everything, "id-w1")
    assert found is not None
    assert "job" not in found.as_dict()["services"]


def test_workers_go_first_and_the_leader_last() -> None:
    given = [plan.remember(swarm(), one["ID"]) for one in NODES]
    assert [one.name for one in plan.order(one for one in given if one)] == ["w1", "m2", "m1"]


def test_tasks_that_only_look_as_if_they_ran_are_not_believed() -> None:
    # The managers have not heard yet that the daemon was away.
    missing = plan.not_back(swarm(), before(), survivors=[])
    assert missing == [
        "search does not run on w1 yet",
        "shipper runs 1 of 2 tasks",
    ]


def test_tasks_that_have_run_on_are_believed() -> None:
    survivors = [one.id for one in before().tasks]
    assert plan.not_back(swarm(), before(), survivors) == []


def test_everything_is_back_with_new_tasks() -> None:
    now = after(task("search", "w1", 2), task("shipper", "w1", 2, slot=2))
    assert plan.not_back(now, before(), survivors=[]) == []
    assert plan.counted(now, before()) == {
        *("search.m1.1", "search.m2.1", "search.w1.2", "shipper.m2.1", "shipper.w1.2"),
    }


def test_a_replicated_task_may_have_gone_to_another_node_a_global_one_may_not() -> None:
    moved = after(task("search", "m1", 2), task("shipper", "m1", 2, slot=2))
    assert plan.not_back(moved, before(), survivors=[]) == ["search does not run on w1 yet"]


def test_what_keeps_a_task_from_coming_back_is_told() -> None:
    now = after(
        task("search", "w1", 2, state="starting"),
        task("shipper", "w1", 2, slot=2, state="rejected", error="address already in use"),
    )
    missing = plan.not_back(now, before(), survivors=[])
    assert missing[0] == "search does not run on w1 yet (w1: is starting)"
    assert missing[1].startswith("shipper runs 1 of 2 tasks (w1: address already in use; free the")


def test_a_node_that_is_down_or_drained_is_not_back() -> None:
    tasks = (task("search", "w1", 2), task("shipper", "w1", 2, slot=2))
    down = after(*tasks, nodes=(NODES[0], NODES[1], node("w1", state="down")))
    assert "the managers see w1 as down" in plan.not_back(down, before(), [])
    drained = after(*tasks, nodes=(NODES[0], NODES[1], node("w1", availability="drain")))
    assert "w1 is drain and was active" in plan.not_back(drained, before(), [])
    gone = after(*tasks, nodes=NODES[:2])
    assert plan.not_back(gone, before(), []) == ["w1 is not in the swarm's list of nodes any more"]


def test_a_manager_is_back_when_the_others_reach_it() -> None:
    nodes = (NODES[0], node("m2", manager=True, reachability="unreachable"), NODES[2])
    survivors = [one.id for one in before("m2").tasks]
    missing = plan.not_back(swarm(nodes), before("m2"), survivors)
    assert missing == ["the other managers do not reach m2 yet"]


def test_a_service_that_was_removed_or_scaled_meanwhile_is_not_waited_for() -> None:
    fewer = service("shipper", {"Replicated": {"Replicas": 1}})
    now = after(task("search", "w1", 2), services=(GLOBAL, fewer))
    assert plan.not_back(now, before(), []) == []
    assert plan.not_back(after(task("search", "w1", 2), services=(GLOBAL,)), before(), []) == []
