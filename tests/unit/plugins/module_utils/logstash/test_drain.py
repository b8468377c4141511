# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a queue is empty, and when a stop can empty it."""

from __future__ import annotations

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.logstash.drain import (
    Look,
    can_drain,
    compare,
    is_drained,
)
from ansible_collections.elk.swarm.plugins.module_utils.logstash.flow import Flow


def counts(taken: int, sent: int, pending: int = 0) -> Flow:
    return Flow(taken=taken, sent=sent, pending=pending)


@pytest.mark.parametrize(
    ("before", "now", "seconds", "drained"),
    [
        (counts(9, 9), counts(9, 9), 6.0, True),
        # The count of the queue may be older than the second look.
        (counts(9, 9), counts(9, 9), 5.9, False),
        (counts(9, 9), counts(12, 9), 6.0, False),
        (counts(9, 8, 1), counts(9, 9), 6.0, False),
        (counts(9, 9), counts(9, 9, 3), 6.0, False),
    ],
)
def test_zero_is_believed_twice_while_nothing_arrives(
    before: Flow, now: Flow, seconds: float, drained: bool
) -> None:
    assert is_drained(Look(0, before), Look(seconds, now)) is drained


@pytest.mark.parametrize(
    ("sent", "arrived", "unread", "fits"),
    [
        # No event leaves the queue, for example because Elasticsearch is down.
        (0, 0, 1, False),
        # Events arrive, none leaves, and the count of the queue is still 0.
        (0, 20, 0, False),
        # 100 events per second, for half of 60 seconds.
        (1000, 1000, 2000, True),
        (1000, 1000, 2001, False),
        (1000, 0, 3000, True),
    ],
)
def test_the_rate_decides_whether_a_stop_can_drain(
    sent: int, arrived: int, unread: int, fits: bool
) -> None:
    before = counts(5000, 1000, unread)
    now = counts(5000 + arrived, 1000 + sent, unread)
    assert can_drain(Look(0, before), Look(10, now), 60) is fits


def test_a_queue_that_is_empty_can_be_drained() -> None:
    now = counts(5, 5)
    assert can_drain(Look(0, now), Look(6, now), 60)
    assert not can_drain(Look(0, now), Look(5, now), 60)


def test_looks_are_compared_with_the_latest_that_is_old_enough() -> None:
    looks = [Look(float(second), Flow(taken=second)) for second in (0, 1, 2, 8)]
    found: list[tuple[float, float]] = []

    def decide(before: Look, now: Look) -> bool:
        found.append((before.moment, now.moment))
        return True

    assert compare(looks[:3], decide) is None
    assert compare(looks, decide) is True
    assert found == [(2.0, 8.0)]
