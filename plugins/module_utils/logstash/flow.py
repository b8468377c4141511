# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running Logstash holds, from the event counts of its monitoring API.

``queue.events_count`` alone is not enough. It counts only events that no worker has read, and
Logstash refreshes it every 5 s: while Elasticsearch refuses everything it can be 0. The workers
hold what the filters have received and the pipeline has not sent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Seconds between two looks of which the second has a newer count of the queue.
SETTLED = 6.0
# An attacker in the container can send any answer.
MOST = 1 << 63


@dataclass(frozen=True)
class Flow:
    """Counts of all pipelines together, since the start of the process."""

    taken: int = 0
    sent: int = 0
    # Events that wait or that the workers hold.
    pending: int = 0
    # Bytes of the queue on the disk, and the most that it may have.
    bytes: int = 0
    max_bytes: int = 0
    # Answers of Elasticsearch after which Logstash sends a document or a request again.
    refused: int = 0
    failed: int = 0
    # Documents that Elasticsearch has refused for good, and what is kept of them on the disk.
    dead: int = 0
    dead_bytes: int = 0
    dead_dropped: int = 0

    @classmethod
    def of(cls, stats: Any) -> Flow | None:
        """None while no pipeline runs, and for an answer that Logstash never gives.

        The API answers before the pipelines start, when their queues may hold events.
        """
        if not isinstance(stats, dict) or not isinstance(stats.get("pipelines"), dict):
            return None
        try:
            # A pipeline that did not start is null.
            flows = [_of_pipeline(one) for one in stats["pipelines"].values() if one]
        except (AttributeError, OverflowError, TypeError, ValueError):
            return None
        if not flows:
            return None
        return cls(**{name: sum(flow[name] for flow in flows) for name in asdict(cls())})

    def as_dict(self) -> dict[str, int]:
        values = asdict(self)
        return {
            "in": values.pop("taken"),
            "out": values.pop("sent"),
            "queued": values.pop("pending"),
            **values,
        }


def _number(value: Any) -> int:
    number = int(value or 0)
    if not 0 <= number < MOST:
        raise ValueError(number)
    return number


def _sum(plugins: Iterable[Mapping[str, Any]], group: str, name: str) -> int:
    return sum(_number((one.get(group) or {}).get(name)) for one in plugins)


def _of_pipeline(pipeline: Mapping[str, Any]) -> dict[str, int]:
    events = pipeline.get("events") or {}
    queue = pipeline.get("queue") or {}
    plugins = pipeline.get("plugins") or {}
    dead = pipeline.get("dead_letter_queue") or {}
    filters, outputs = plugins.get("filters") or [], plugins.get("outputs") or []
    taken, sent = _number(events.get("in")), _number(events.get("out"))
    pending = _number(queue.get("events_count"))
    if queue.get("type") == "memory" or not filters:
        # A queue in memory has no count, and nothing is replayed from it.
        pending = max(pending, taken - sent)
    else:
        # The first filter receives every event. The API does not promise the order of filters.
        pending += max(_sum([one], "events", "in") for one in filters) - sent
    return {
        "taken": taken,
        "sent": sent,
        # The counts of one answer are not of the same moment.
        "pending": max(0, pending),
        "bytes": _number(queue.get("queue_size_in_bytes")),
        "max_bytes": _number(queue.get("max_queue_size_in_bytes")),
        "refused": _sum(outputs, "documents", "retryable_failures"),
        "failed": _sum(outputs, "bulk_requests", "failures"),
        "dead": _sum(outputs, "documents", "dlq_routed"),
        "dead_bytes": _number(dead.get("queue_size_in_bytes")),
        "dead_dropped": _number(dead.get("dropped_events")),
    }
