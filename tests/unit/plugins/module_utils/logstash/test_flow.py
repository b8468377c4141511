# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running Logstash holds, with the counts that the real Logstash 9.2.4 gave."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.logstash.flow import (
    Flow,
    Look,
    can_drain,
    compare,
    is_drained,
    why_stuck,
)


def pipeline(
    taken: int, received: int, sent: int, unread: int, **more: Any
) -> dict[str, dict[str, Any]]:
    return {
        "events": {"in": taken, "filtered": sent, "out": sent},
        "queue": {"type": "persisted", "events_count": unread},
        # In the API the first filter can stand anywhere.
        "plugins": {"filters": [{"events": {"in": 0}}, {"events": {"in": received}}]},
        **more,
    }


def flow(*numbers: int) -> Flow:
    found = Flow.of({"pipelines": {"syslog": pipeline(*numbers)}})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("numbers", "pending"),
    [
        # Measured: 120 lines while Elasticsearch takes none, 300 more, and all delivered.
        ((120, 120, 0, 0), 120),
        ((420, 245, 0, 0), 245),
        ((420, 245, 0, 175), 420),
        ((420, 420, 420, 0), 0),
        # After a replay more was sent than received.
        ((2384, 2937, 2937, 0), 0),
        ((2384, 2937, 2812, 200), 325),
        # The counts of one answer are of different moments.
        ((420, 400, 420, 0), 0),
    ],
)
def test_pending_counts_what_the_workers_hold(numbers: tuple[int, ...], pending: int) -> None:
    assert flow(*numbers).pending == pending


def test_a_queue_in_memory_has_no_count() -> None:
    one = {**pipeline(50, 20, 10, 0), "queue": {"type": "memory"}}
    found = Flow.of({"pipelines": {"syslog": one}})
    assert found is not None
    assert found.pending == 40


def test_a_pipeline_without_filters() -> None:
    one = {"events": {"in": 30, "out": 20}, "queue": {"events_count": 4}}
    found = Flow.of({"pipelines": {"syslog": one}})
    assert found is not None
    assert found.pending == 10


def test_flow_is_the_sum_of_the_pipelines_that_run() -> None:
    one = pipeline(5, 4, 3, 1)
    assert Flow.of({"pipelines": {"a": one, "b": one, "broken": None}}) == Flow(10, 6, 4)
    assert Flow.of({"pipelines": {}}) == Flow()


def test_what_elasticsearch_has_refused() -> None:
    one = pipeline(5, 5, 3, 0)
    one["queue"].update({"queue_size_in_bytes": 5, "max_queue_size_in_bytes": 50})
    one["dead_letter_queue"] = {"queue_size_in_bytes": 900, "dropped_events": 2}
    one["plugins"]["outputs"] = [
        {
            "documents": {"successes": 3, "retryable_failures": 7, "dlq_routed": 4},
            "bulk_requests": {"failures": 6},
        }
    ]
    found = Flow.of({"pipelines": {"syslog": one}})
    assert found is not None
    assert found.as_dict() == {
        "in": 5,
        "out": 3,
        "queued": 2,
        "bytes": 5,
        "max_bytes": 50,
        "refused": 7,
        "failed": 6,
        "dead": 4,
        "dead_bytes": 900,
        "dead_dropped": 2,
    }


@pytest.mark.parametrize(
    "stats",
    [
        None,
        "",
        {},
        {"pipelines": []},
        {"pipelines": {"x": "y"}},
        {"pipelines": {"x": {"queue": {"events_count": "many"}}}},
        {"pipelines": {"x": {"queue": {"events_count": [1]}}}},
        {"pipelines": {"x": {"queue": {"events_count": float("inf")}}}},
        {"pipelines": {"x": {"queue": {"queue_size_in_bytes": 10**400}}}},
        {"pipelines": {"x": {"queue": {"events_count": -1}}}},
        {"pipelines": {"x": {"plugins": {"filters": 7}}}},
        {"pipelines": {"x": {"plugins": {"filters": {"a": 1}}}}},
        {"pipelines": {"x": {"plugins": {"outputs": [{"documents": "none"}]}}}},
    ],
)
def test_answers_that_logstash_never_gives(stats: Any) -> None:
    assert Flow.of(stats) is None


@pytest.mark.parametrize(
    ("before", "now", "seconds", "drained"),
    [
        (flow(9, 9, 9, 0), flow(9, 9, 9, 0), 6.0, True),
        # The count of the queue may be older than the second look.
        (flow(9, 9, 9, 0), flow(9, 9, 9, 0), 5.9, False),
        (flow(9, 9, 9, 0), flow(12, 9, 9, 0), 6.0, False),
        (flow(9, 9, 8, 0), flow(9, 9, 9, 0), 6.0, False),
        (flow(9, 9, 9, 0), flow(9, 9, 9, 3), 6.0, False),
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
    before = flow(5000, 1000, 1000, unread)
    now = flow(5000 + arrived, 1000 + sent, 1000 + sent, unread)
    assert can_drain(Look(0, before), Look(10, now), 60) is fits


def test_a_queue_that_is_empty_can_be_drained() -> None:
    now = flow(5, 5, 5, 0)
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


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        (Flow(sent=1), Flow(sent=2, refused=9), "takes fewer events than arrive"),
        (Flow(), Flow(refused=9), "refuses the documents.*403.*429"),
        # Logstash waits before it tries again.
        (Flow(refused=9), Flow(refused=9), "refuses the documents"),
        (Flow(refused=9), Flow(refused=9, failed=1), "does not answer"),
        (Flow(failed=1), Flow(failed=1), "does not answer"),
        (Flow(), Flow(), "does not take them"),
    ],
)
def test_why_events_wait(before: Flow, now: Flow, reason: str) -> None:
    import re

    assert re.search(reason, why_stuck(before.as_dict(), now.as_dict()))
