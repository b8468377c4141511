# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts begin, go on with and give up a service whose tasks belong to hosts.

Swarm takes away whichever task it likes. So a host that is to give up its task loses its label
first, and only then the number of tasks is lowered. Everything that the plan needs can be seen in
Swarm and on the hosts, so that a run which was killed is planned again from where it got to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Place:
    """A host, and what there is of the service on it."""

    host: str
    labelled: bool = False
    # Also while it is stopping: Swarm says that such a task has ended, its host knows better.
    running: bool = False


@dataclass(frozen=True)
class Plan:
    """What to do, in this order: label and start ``join``, then end ``leave``."""

    stay: list[str] = field(default_factory=list)
    join: list[str] = field(default_factory=list)
    leave: list[str] = field(default_factory=list)
    # Number of tasks once those that join run, and before any of those that leave has ended.
    between: int = 0
    # Whether the first of the two steps is needed at all.
    grow: bool = True

    def as_dict(self) -> dict[str, Any]:
        return {
            "stay": self.stay,
            "join": self.join,
            "leave": self.leave,
            "between": self.between,
            "grow": self.grow,
        }


def plan_places(places: Sequence[Place], wanted: Sequence[str]) -> Plan:
    """Plan from what is to the hosts that are ``wanted``.

    >>> here = Place("a", labelled=True, running=True)
    >>> plan_places([here, Place("b")], ["a", "b"]).join
    ['b']
    """
    stay = [p.host for p in places if p.host in wanted and p.labelled and p.running]
    join = [p.host for p in places if p.host in wanted and p.host not in stay]
    leave = [p.host for p in places if p.host not in wanted and (p.labelled or p.running)]
    # A host that has lost its label gets no new task, so none is asked for it any more.
    held = [p.host for p in places if p.host in leave and p.labelled]
    return Plan(
        stay=stay,
        join=join,
        leave=leave,
        between=len(wanted) + len(held),
        # Without anybody to wait for, one change of the service at the end is enough.
        grow=bool(join) or not leave,
    )


def newest_leave(
    hosts: Mapping[str, str], tasks: Sequence[Mapping[str, Any]], wanted: int
) -> list[str]:
    """Hosts that give up their task when there are more than ``wanted``, by age of the tasks.

    ``hosts`` maps inventory names to names of nodes, and ``tasks`` are those of
    :func:`convergence.summary`, newest first. What has been there longest is what people know.
    """
    names = {node: host for host, node in hosts.items()}
    running = [
        str(task["node"])
        for task in tasks
        if task.get("state") == "running" and task.get("desired_state") == "running"
    ]
    surplus = max(0, len(running) - wanted)
    return [names[node] for node in running[:surplus] if node in names]
