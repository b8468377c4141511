# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a running Logstash is drained, or can be by a stop, from two looks at its API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.elk.swarm.plugins.module_utils.logstash.flow import SETTLED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ansible_collections.elk.swarm.plugins.module_utils.logstash.flow import Flow


@dataclass(frozen=True)
class Look:
    """What the API said at a moment, in seconds of a monotonic clock."""

    moment: float
    flow: Flow


def is_drained(before: Look, now: Look) -> bool:
    """Whether nothing was pending twice while no event arrived."""
    return (
        now.moment - before.moment >= SETTLED
        and before.flow.taken == now.flow.taken
        and before.flow.pending == now.flow.pending == 0
    )


def can_drain(before: Look, now: Look, grace: float) -> bool:
    """Whether a stop can drain the queue, at the rate at which events leave it now.

    What has arrived in between may be missing in the count. Only half of the grace period counts,
    because the rate may change and a stop has other work.
    """
    seconds = now.moment - before.moment
    if seconds < SETTLED:
        return False
    if is_drained(before, now):
        return True
    left = now.flow.sent - before.flow.sent
    arrived = max(0, now.flow.taken - before.flow.taken)
    return left > 0 and now.flow.pending + arrived <= left / seconds * grace / 2


def compare(looks: Sequence[Look], decide: Callable[[Look, Look], bool]) -> bool | None:
    """Decide with the last look and the latest one that is old enough; None without one."""
    old = [look for look in looks if looks[-1].moment - look.moment >= SETTLED]
    return decide(old[-1], looks[-1]) if old else None
