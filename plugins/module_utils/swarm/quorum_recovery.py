# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manager from which a swarm without a majority is rebuilt, or the blockers that forbid it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.swarm.membership_plan import (
    MANAGER,
    PENDING,
    Host,
    recovery_blocker,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Recovery:
    """The recovery to run, or the blockers that forbid it."""

    # The manager of all later requests, and whether it must first rebuild the quorum (force).
    survivor: str = ""
    force: bool = False
    blockers: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The return value of the filter."""
        return {
            "survivor": self.survivor,
            "force": self.force,
            "errors": list(self.blockers),
        }


def plan_recovery(hosts: Sequence[Host], lost: Mapping[str, bool]) -> Recovery:
    """Plan from the facts of the remaining hosts.

    :param hosts: the remaining hosts with their facts.
    :param lost: names of the managers in swarm_lost -> whether each of them answers.
    """
    managers = [host for host in hosts if host.role == MANAGER]
    if not managers:
        return Recovery(
            blockers=(
                (
                    "swarm_lost names every manager, but the recovery needs one of them. Bring one"
                    " of them back, or start again with reset.yml and site.yml; data directories"
                    " stay"
                ),
            )
        )
    with_quorum = [host for host in managers if host.found is not None and host.found.quorum]
    if with_quorum:
        return Recovery(with_quorum[0].name)
    blockers = [
        f"{name} answers, so it is not lost. Start Docker there (systemctl start docker): the "
        "majority is back when enough managers run. If its disk is lost, disconnect the host from "
        "the network first"
        for name, answers in sorted(lost.items())
        if answers
    ]
    usable = [host for host in managers if host.found is not None and not _blocker(host)]
    # A manager whose daemon was restarted since then (pending) is the last choice.
    usable.sort(key=lambda host: host.found is not None and host.found.state == PENDING)
    if not usable:
        blockers += [f"{host.name}: {_blocker(host)}" for host in managers]
    if blockers:
        return Recovery(blockers=tuple(blockers))
    return Recovery(usable[0].name, force=True)


def _blocker(host: Host) -> str:
    if host.found is None:
        return "this run did not look at it"
    return recovery_blocker(host.found)
