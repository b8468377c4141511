# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which manager carries on alone when a swarm has lost its majority, and what speaks against it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.swarm.membership_plan import (
    MANAGER,
    PENDING,
    Host,
    recovery_refusal,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Recovery:
    """What is to be done, or why it may not be."""

    # The manager through which everything else is asked, and whether it has to be forced.
    survivor: str = ""
    force: bool = False
    errors: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give plain data, as the filter returns it."""
        return {**asdict(self), "errors": list(self.errors)}


def plan_recovery(hosts: Sequence[Host], lost: Mapping[str, bool]) -> Recovery:
    """Plan from what the hosts that are left say of their swarm.

    :param hosts: the hosts that are left, with what was found on them.
    :param lost: names of the managers that are said to be lost -> whether each of them answers.
    """
    managers = [host for host in hosts if host.role == MANAGER]
    if not managers:
        return Recovery(
            errors=(
                (
                    "swarm_lost names every manager, and without one nothing is left of the swarm."
                    " Bring one of them back, or begin anew with reset.yml and site.yml; data"
                    " directories stay"
                ),
            )
        )
    in_charge = [host for host in managers if host.found is not None and host.found.quorum]
    if in_charge:
        return Recovery(in_charge[0].name)
    errors = [
        f"{name} answers, so it is not lost. Start Docker there (systemctl start docker): the "
        "majority is back when its managers are. If its disk is lost, take the host off the "
        "network first"
        for name, answers in sorted(lost.items())
        if answers
    ]
    fit = [host for host in managers if host.found is not None and not _unfit(host)]
    # One whose daemon has been restarted since knows the least.
    fit.sort(key=lambda host: host.found is not None and host.found.state == PENDING)
    if not fit:
        errors += [f"{host.name}: {_unfit(host)}" for host in managers]
    if errors:
        return Recovery(errors=tuple(errors))
    return Recovery(fit[0].name, force=True)


def _unfit(host: Host) -> str:
    if host.found is None:
        return "this run did not look at it"
    return recovery_refusal(host.found)
