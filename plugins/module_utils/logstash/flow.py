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
    from collections.abc import Callable, Iterable, Mapping, Sequence

# Seconds between two looks of which at least one has a new count of the queue.
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
        """None for an answer that Logstash never gives."""
        if not isinstance(stats, dict) or not isinstance(stats.get("pipelines"), dict):
            return None
        try:
            # A pipeline that did not start is null.
            flows = [_of_pipeline(one) for one in stats["pipelines"].values() if one]
        except (AttributeError, OverflowError, TypeError, ValueError):
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


def why_stuck(before: Mapping[str, int], now: Mapping[str, int]) -> str:
    """Why events do not leave the queue, from two `Flow.as_dict`, as far as Logstash counts it."""
    grown = {name: now.get(name, 0) - before.get(name, 0) for name in ("out", "refused", "failed")}
    if grown["out"] > 0:
        return "Elasticsearch takes fewer events than arrive"
    # Between two tries pass up to logstash_retry_max_interval seconds.
    if grown["refused"] > 0 or (grown["failed"] <= 0 and now.get("refused")):
        return (
            "Elasticsearch refuses the documents: the alias or the right to write is missing "
            "(403), or a disk is over the flood stage (429)"
        )
    if now.get("failed"):
        return "Elasticsearch does not answer, or refuses all requests"
    return "Elasticsearch does not take them"
