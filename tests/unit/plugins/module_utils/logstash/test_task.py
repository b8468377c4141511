# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of a running Logstash: two looks that take no longer than necessary."""

from __future__ import annotations

from typing import Any

from ansible_collections.elk.swarm.plugins.module_utils.logstash.flow import Flow
from ansible_collections.elk.swarm.plugins.module_utils.logstash.task import LONG, watch


def flow(out: int, queued: int) -> Flow:
    return Flow(out + queued, out, queued, 1, 10)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def seen(*looks: Flow | None, longest: float = 10) -> dict[str, Any]:
    """Watch these values one after the other; the last one repeats."""
    values = list(looks)
    clock = Clock()
    return watch(
        lambda: values.pop(0) if len(values) > 1 else values[0],
        longest,
        clock=clock,
        sleep=clock.sleep,
    )


def test_an_empty_queue_needs_one_look() -> None:
    assert seen(flow(5, 0))["seconds"] == 0


def test_the_watch_ends_when_an_event_leaves() -> None:
    found = seen(flow(5, 3), flow(5, 3), flow(6, 2))
    assert (found["seconds"], found["last"]["out"]) == (1.0, 6)


def test_a_queue_that_stands_still_is_watched_for_the_whole_time() -> None:
    found = seen(flow(5, 289))
    assert (found["seconds"], found["long"]) == (10.0, False)
    assert found["first"]["out"] == found["last"]["out"]


def test_a_long_queue_is_watched_to_see_whether_it_grows() -> None:
    found = seen(flow(5, LONG), flow(9, LONG + 7))
    assert (found["seconds"], found["long"]) == (10.0, True)


def test_a_logstash_that_stops_during_the_watch() -> None:
    assert seen(flow(5, 3), None)["last"] == {}
    assert seen(None) == {"first": {}, "last": {}, "seconds": 0.0, "long": False}


def test_a_short_watch_outlasts_an_old_count_of_the_queue() -> None:
    assert seen(flow(5, 289), longest=2)["seconds"] == 6.0
