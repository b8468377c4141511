# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Can the swarm spare a node for a while, and has it got the node back afterwards?

Nothing here talks to a daemon: lists of nodes, services and tasks go in as the Engine gives them,
reasons come out.

After its daemon was restarted a node looks ready and its old tasks look running for some seconds,
because nobody has told the managers otherwise yet. So what is believed of a node afterwards is only
what its own daemon says runs there, and tasks that are new.
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
    # Tasks of the service that ran, on all nodes.
    running: int


@dataclass(frozen=True)
class NodeBefore:
    """A node before its turn."""

    id: str
    name: str
    manager: bool
    leader: bool
    availability: str
    tasks: tuple[TaskBefore, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give plain data, as a module returns it."""
        data = asdict(self)
        data["tasks"] = [asdict(task) for task in self.tasks]
        data["services"] = sorted({task.service for task in self.tasks})
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NodeBefore:
        """Take back what :meth:`as_dict` gave."""
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
    """The swarm as one of its managers sees it at one moment."""

    nodes: Sequence[Mapping[str, Any]]
    services: Sequence[Mapping[str, Any]]
    tasks: Sequence[Mapping[str, Any]]

    def node(self, node_id: str) -> Mapping[str, Any] | None:
        return next((node for node in self.nodes if node.get("ID") == node_id), None)

    def running_tasks(self, service_id: str) -> list[Mapping[str, Any]]:
        """Tasks of a service that run on nodes that are up, so far as the managers know."""
        up = {node.get("ID") for node in self.nodes if node_up(node)}
        return [
            task
            for task in self.tasks
            if task.get("ServiceID") == service_id and running(task) and task.get("NodeID") in up
        ]


def remember(swarm: Swarm, node_id: str) -> NodeBefore | None:
    """What has to be there again after the node's turn; None when the swarm does not know it."""
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


def not_spared(swarm: Swarm, node_id: str) -> list[str]:
    """Why the node must not go away now, each reason with what to do; empty when it may."""
    node = swarm.node(node_id)
    if node is None:
        unknown = (
            f"node {node_id} is not in the swarm's list of nodes. Look at 'docker node ls' on a "
            "manager and at 'docker info' on the host"
        )
        return [unknown]
    reasons = [text for other in swarm.nodes if other is not node and (text := _unsound(other))]
    here = {str(task.get("ServiceID")) for task in swarm.tasks if _is_here(task, node_id)}
    for service in swarm.services:
        if str(service.get("ID")) in here:
            reasons += _short_of(service, swarm, node_id)
    return reasons


def _is_here(task: Mapping[str, Any], node_id: str) -> bool:
    return task.get("NodeID") == node_id and running(task)


def _unsound(node: Mapping[str, Any]) -> str:
    name, state = node_name(node), str(dig(node, ("Status", "State")) or "unknown")
    if not node_up(node):
        said = str(dig(node, ("Status", "Message")) or "")
        return (
            f"{name} is {state}{f' ({said})' if said else ''}, and one more may not be missing. "
            f"Look at 'systemctl status docker' on {name}; if it is gone for good, run"
            f" 'docker node rm {node.get('ID')}' on a manager"
        )
    reachability = dig(node, ("ManagerStatus", "Reachability"))
    if dig(node, ("Spec", "Role")) == "manager" and reachability != REACHABLE:
        return (
            f"{name} is a manager that the others do not reach ({reachability or 'no status'}),"
            f" and one more may not be missing. Look at 'journalctl -u docker' on {name} and at"
            " port 2377 between the managers"
        )
    return ""


def _short_of(service: Mapping[str, Any], swarm: Swarm, node_id: str) -> list[str]:
    """What is wrong with a service that the node has a task of."""
    spec = service.get("Spec") or {}
    if mode_of(spec) not in CONTINUOUS:
        return []
    name = str(spec.get("Name") or service.get("ID"))
    update = str(dig(service, ("UpdateStatus", "State")) or "")
    if update in ("updating", "rollback_started"):
        return [
            f"service {name} is being updated. Wait until 'docker service ps {name}' shows its end"
        ]
    # Only the others count. The node itself may be the one that is not well, and to restart its
    # daemon the remedy.
    others = [node for node in swarm.nodes if node.get("ID") != node_id]
    have = sum(task["NodeID"] != node_id for task in swarm.running_tasks(str(service["ID"])))
    if mode_of(spec) == "global":
        required = required_tasks(service, others)
    else:
        here = [task for task in swarm.tasks if _is_here(task, node_id)]
        own = sum(task.get("ServiceID") == service["ID"] for task in here)
        required = required_tasks(service, swarm.nodes) - own
    if have >= required:
        return []
    short = (
        f"service {name} runs {have} of {required} tasks elsewhere{_errors(service, swarm)}, and"
        f" one more may not be missing. Look at 'docker service ps --no-trunc {name}' on a manager;"
        " mend the service, or scale it to what can run"
    )
    return [short]


def not_back(swarm: Swarm, before: NodeBefore, survivors: Collection[str]) -> list[str]:
    """What the swarm has not got back yet; empty when all is as before.

    ``survivors`` are the tasks that the node's own daemon says have run all the time.
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
            # Somebody has removed it meanwhile.
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


def counted(swarm: Swarm, before: NodeBefore) -> frozenset[str]:
    """The running tasks of all services that had one on the node."""
    services = {task.service_id for task in before.tasks}
    return frozenset(str(task["ID"]) for one in services for task in swarm.running_tasks(one))


def _errors(service: Mapping[str, Any], swarm: Swarm, node_id: str = "") -> str:
    """The last error of each place where a service lacks a task, for people."""
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
        words = error + (f"; {cause.mend}" if cause else "") if error else f"is {state_of(task)}"
        node = swarm.node(str(task.get("NodeID"))) or {}
        found.append(f"{node_name(node)}: {words}" if node else words)
    return f" ({'; '.join(sorted(found))})" if found else ""


def order(nodes: Iterable[NodeBefore]) -> list[NodeBefore]:
    """Nodes in the order of their turns: workers, then managers, the leader of the managers last.

    While the leader is away the others elect another one, which costs them a moment. With the
    leader last that happens once.
    """
    return sorted(nodes, key=lambda node: (node.manager, node.leader))
