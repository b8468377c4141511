# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a node may go under maintenance, and whether it has fully returned afterwards.

Nothing here calls a daemon: the functions take the Engine's lists of nodes, services and tasks, and
return reasons.

For some seconds after a restart of its daemon, the managers still report the node as ready and its
old tasks as running. So after a restart only two kinds of tasks count on the node: those that its
own daemon reports as running without a break, and new ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.elk.swarm.plugins.module_utils.common.nested import dig
from ansible_collections.elk.swarm.plugins.module_utils.docker.error_causes import cause_of
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_convergence import (
    error_of,
    node_name,
    node_up,
    required_tasks,
    running,
    state_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_facts import mode_of

CONTINUOUS = ("global", "replicated")
REACHABLE = "reachable"


@dataclass(frozen=True)
class TaskBefore:
    """A task that ran on the node."""

    id: str
    service_id: str
    service: str
    mode: str
    # Number of the service's running tasks on all nodes.
    running: int


@dataclass(frozen=True)
class NodeBefore:
    """A node before its restart."""

    id: str
    name: str
    manager: bool
    leader: bool
    availability: str
    tasks: tuple[TaskBefore, ...]

    def as_dict(self) -> dict[str, Any]:
        """The return value of the module."""
        data = asdict(self)
        data["tasks"] = [asdict(task) for task in self.tasks]
        data["services"] = sorted({task.service for task in self.tasks})
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NodeBefore:
        """Read the result of :meth:`as_dict`."""
        return cls(
            id=str(data["id"]),
            name=str(data["name"]),
            manager=bool(data["manager"]),
            leader=bool(data["leader"]),
            availability=str(data["availability"]),
            tasks=tuple(
                TaskBefore(
                    id=str(task["id"]),
                    service_id=str(task["service_id"]),
                    service=str(task["service"]),
                    mode=str(task["mode"]),
                    running=int(task["running"]),
                )
                for task in data["tasks"]
            ),
        )


@dataclass(frozen=True)
class Swarm:
    """The swarm as one of its managers reports it at one moment."""

    nodes: Sequence[Mapping[str, Any]]
    services: Sequence[Mapping[str, Any]]
    tasks: Sequence[Mapping[str, Any]]

    def node(self, node_id: str) -> Mapping[str, Any] | None:
        return next((node for node in self.nodes if node.get("ID") == node_id), None)

    def running_tasks(self, service_id: str) -> list[Mapping[str, Any]]:
        """The service's running tasks on nodes that are up, as the managers report them."""
        up = {node.get("ID") for node in self.nodes if node_up(node)}
        return [
            task
            for task in self.tasks
            if task.get("ServiceID") == service_id and running(task) and task.get("NodeID") in up
        ]


def remember(swarm: Swarm, node_id: str) -> NodeBefore | None:
    """The node and the tasks that must run again after its restart; None for an unknown node."""
    node = swarm.node(node_id)
    if node is None:
        return None
    by_id = {str(service["ID"]): service for service in swarm.services}
    tasks = []
    for task in swarm.tasks:
        service = by_id.get(str(task.get("ServiceID")))
        if service is None or task.get("NodeID") != node_id or not running(task):
            continue
        mode = mode_of(service.get("Spec") or {})
        if mode in CONTINUOUS:
            tasks.append(
                TaskBefore(
                    id=str(task["ID"]),
                    service_id=str(service["ID"]),
                    service=str(dig(service, ("Spec", "Name")) or service["ID"]),
                    mode=mode,
                    running=len(swarm.running_tasks(str(service["ID"]))),
                )
            )
    return NodeBefore(
        id=node_id,
        name=node_name(node),
        manager=dig(node, ("Spec", "Role")) == "manager",
        leader=bool(dig(node, ("ManagerStatus", "Leader"))),
        availability=str(dig(node, ("Spec", "Availability")) or ""),
        tasks=tuple(sorted(tasks, key=lambda task: (task.service, task.id))),
    )


def maintenance_blockers(swarm: Swarm, node_id: str) -> list[str]:
    """Why the node must not go under maintenance now, with what to do; empty if it may."""
    node = swarm.node(node_id)
    if node is None:
        unknown = (
            f"node {node_id} is not in the swarm's list of nodes. Look at 'docker node ls' on a "
            "manager and at 'docker info' on the host"
        )
        return [unknown]
    blockers = [text for other in swarm.nodes if other is not node and (text := _fault(other))]
    here = {str(task.get("ServiceID")) for task in swarm.tasks if _runs_on(task, node_id)}
    for service in swarm.services:
        if str(service.get("ID")) in here:
            blockers += _service_blockers(service, swarm, node_id)
    return blockers


def _runs_on(task: Mapping[str, Any], node_id: str) -> bool:
    return task.get("NodeID") == node_id and running(task)


def _fault(node: Mapping[str, Any]) -> str:
    name, state = node_name(node), str(dig(node, ("Status", "State")) or "unknown")
    if not node_up(node):
        message = str(dig(node, ("Status", "Message")) or "")
        return (
            f"{name} is {state}{f' ({message})' if message else ''}, and no second node may be"
            f" missing. Look at 'systemctl status docker' on {name}; if it is lost for good, run"
            f" 'docker node rm {node.get('ID')}' on a manager"
        )
    reachability = dig(node, ("ManagerStatus", "Reachability"))
    if dig(node, ("Spec", "Role")) == "manager" and reachability != REACHABLE:
        return (
            f"{name} is a manager that the others do not reach ({reachability or 'no status'}),"
            f" and no second node may be missing. Look at 'journalctl -u docker' on {name} and at"
            " port 2377 between the managers"
        )
    return ""


def _service_blockers(service: Mapping[str, Any], swarm: Swarm, node_id: str) -> list[str]:
    """What is wrong with a service that has a task on the node."""
    spec = service.get("Spec") or {}
    if mode_of(spec) not in CONTINUOUS:
        return []
    name = str(spec.get("Name") or service.get("ID"))
    update = str(dig(service, ("UpdateStatus", "State")) or "")
    if update in ("updating", "rollback_started"):
        updating = (
            f"service {name} is being updated. Wait until 'docker service ps {name}' shows the end"
            " of the update"
        )
        return [updating]
    # Only the other nodes count: a fault of this node may be the reason for its restart.
    others = [node for node in swarm.nodes if node.get("ID") != node_id]
    elsewhere = sum(task["NodeID"] != node_id for task in swarm.running_tasks(str(service["ID"])))
    if mode_of(spec) == "global":
        required = required_tasks(service, others)
    else:
        here = [task for task in swarm.tasks if _runs_on(task, node_id)]
        own = sum(task.get("ServiceID") == service["ID"] for task in here)
        required = required_tasks(service, swarm.nodes) - own
    if elsewhere >= required:
        return []
    missing = (
        f"service {name} runs {elsewhere} of {required} tasks elsewhere{_errors(service, swarm)},"
        f" and no further task may be missing. Look at 'docker service ps --no-trunc {name}' on a"
        " manager; repair the service, or scale it to the number of tasks that can run"
    )
    return [missing]


def missing_after(swarm: Swarm, before: NodeBefore, survivors: Collection[str]) -> list[str]:
    """What is still missing after the node's restart; empty when all is as before.

    ``survivors`` are the tasks that ran without a break, as the node's own daemon reports.
    """
    node = swarm.node(before.id)
    if node is None:
        return [f"{before.name} is not in the swarm's list of nodes any more"]
    missing = []
    state = str(dig(node, ("Status", "State")) or "unknown")
    if not node_up(node):
        missing.append(f"the managers see {before.name} as {state}")
    availability = str(dig(node, ("Spec", "Availability")) or "")
    if availability != before.availability:
        missing.append(f"{before.name} is {availability} and was {before.availability}")
    if before.manager and dig(node, ("ManagerStatus", "Reachability")) != REACHABLE:
        missing.append(f"the other managers do not reach {before.name} yet")
    ended = {task.id for task in before.tasks} - set(survivors)
    by_id = {str(service["ID"]): service for service in swarm.services}
    for task in {task.service_id: task for task in before.tasks}.values():
        service = by_id.get(task.service_id)
        if service is None:
            # The service was removed during the restart.
            continue
        alive = [
            one for one in swarm.running_tasks(task.service_id) if str(one.get("ID")) not in ended
        ]
        if mode_of(service.get("Spec") or {}) == "global":
            if not any(one.get("NodeID") == before.id for one in alive):
                missing.append(
                    f"{task.service} does not run on {before.name} yet"
                    f"{_errors(service, swarm, before.id)}"
                )
        elif len(alive) < min(task.running, required_tasks(service, swarm.nodes)):
            missing.append(
                f"{task.service} runs {len(alive)} of {task.running} tasks{_errors(service, swarm)}"
            )
    return missing


def running_task_ids(swarm: Swarm, before: NodeBefore) -> frozenset[str]:
    """The running tasks of all services that had a task on the node."""
    services = {task.service_id for task in before.tasks}
    return frozenset(str(task["ID"]) for one in services for task in swarm.running_tasks(one))


def _errors(service: Mapping[str, Any], swarm: Swarm, node_id: str = "") -> str:
    """The newest error of each slot or node where the service lacks a task, as text."""
    newest: dict[tuple[Any, Any], Mapping[str, Any]] = {}
    for task in sorted(swarm.tasks, key=lambda one: str(one.get("CreatedAt") or "")):
        if task.get("ServiceID") == service.get("ID") and node_id in ("", task.get("NodeID")):
            newest[task.get("Slot") or 0, task.get("NodeID") if not task.get("Slot") else ""] = task
    found = []
    for task in newest.values():
        if running(task):
            continue
        error = error_of(task)
        cause = cause_of(error)
        remedy = f"; {cause.remedy}" if cause else ""
        text = error + remedy if error else f"is {state_of(task)}"
        node = swarm.node(str(task.get("NodeID"))) or {}
        found.append(f"{node_name(node)}: {text}" if node else text)
    return f" ({'; '.join(sorted(found))})" if found else ""


def order(nodes: Iterable[NodeBefore]) -> list[NodeBefore]:
    """Nodes in the order of their restarts: workers, then managers, the leader last.

    When the leader stops, the managers elect a new one. With the leader last, they do so only once.
    """
    return sorted(nodes, key=lambda node: (node.manager, node.leader))
