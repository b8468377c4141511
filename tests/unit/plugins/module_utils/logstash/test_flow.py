# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running Logstash holds, with the counts that the real Logstash 9.2.4 gave."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.logstash.flow import Flow


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


@pytest.mark.parametrize("pipelines", [{}, {"syslog": None}])
def test_nothing_is_known_before_a_pipeline_runs(pipelines: dict[str, Any]) -> None:
    assert Flow.of({"pipelines": pipelines}) is None


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
