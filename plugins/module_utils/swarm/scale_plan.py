# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that join, keep and leave a service whose tasks are bound to hosts.

When Swarm scales a service down, it chooses the task to remove. So a host that leaves loses its
label first, and the number of tasks is lowered afterwards. The plan needs only the state of Swarm
and of the hosts, so a new run continues where a killed run stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Place:
    """A host, and the state of the service on it."""

    host: str
    labelled: bool = False
    # Also true while the task stops: Swarm reports it as ended before its container has ended.
    running: bool = False


@dataclass(frozen=True)
class Plan:
    """The steps: first label and start ``join``, then stop ``leave``."""

    stay: list[str] = field(default_factory=list)
    join: list[str] = field(default_factory=list)
    leave: list[str] = field(default_factory=list)
    # Number of tasks after the first step, when all of ``join`` run and none of ``leave`` ended.
    between: int = 0
    # Whether the first step is needed.
    grow: bool = True

    def as_dict(self) -> dict[str, Any]:
        return {
            "stay": self.stay,
            "join": self.join,
            "leave": self.leave,
            "between": self.between,
            "grow": self.grow,
        }


def plan_places(places: Sequence[Place], desired: Sequence[str]) -> Plan:
    """Plan the steps from the present places to the ``desired`` hosts.

    >>> here = Place("a", labelled=True, running=True)
    >>> plan_places([here, Place("b")], ["a", "b"]).join
    ['b']
    """
    stay = [p.host for p in places if p.host in desired and p.labelled and p.running]
    join = [p.host for p in places if p.host in desired and p.host not in stay]
    leave = [p.host for p in places if p.host not in desired and (p.labelled or p.running)]
    # A host without its label gets no new task, so it does not count.
    leaving_with_label = [p.host for p in places if p.host in leave and p.labelled]
    return Plan(
        stay=stay,
        join=join,
        leave=leave,
        between=len(desired) + len(leaving_with_label),
        # If hosts only leave, the second step alone is enough.
        grow=bool(join) or not leave,
    )


def hosts_to_stop(
    hosts: Mapping[str, str], tasks: Sequence[Mapping[str, Any]], desired: int
) -> list[str]:
    """The hosts that leave when more than ``desired`` tasks run: those of the newest tasks.

    ``hosts`` maps inventory names to names of nodes, and ``tasks`` is the result of
    :func:`service_convergence.summary`, newest first. The oldest tasks stay: users know them.
    """
    names = {node: host for host, node in hosts.items()}
    running = [
        str(task["node"])
        for task in tasks
        if task.get("state") == "running" and task.get("desired_state") == "running"
    ]
    surplus = max(0, len(running) - desired)
    return [names[node] for node in running[:surplus] if node in names]
