# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of Logstash's queue, for each service that asks for this section of the status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.logstash.stuck import why_stuck
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import (
    BAD,
    OK,
    WARN,
    Finding,
    Thresholds,
    grade,
    size,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# Each file of the dead letter queue begins with a byte, and a letter has at least 13 more.
EMPTY_DEAD_LETTERS = 13
HOME = "/usr/share/logstash"


def queue_of_host(
    host: str, seen: Mapping[str, Any], limits: Thresholds, service: str
) -> list[Finding]:
    """The queue of a host's Logstash, or the events left in it where no Logstash runs."""
    container = str(seen.get("container") or "")
    if not container:
        leftover = seen.get("left") or {}
        if leftover.get("problems"):
            return [
                Finding(
                    WARN,
                    f"{host}: no Logstash runs here, and its queue cannot be read:"
                    f" {'; '.join(leftover['problems'][:2])}",
                    "queue_left",
                    f"ls -lR {leftover.get('path', '<elk_data_dir>/logstash/queue')}   (on {host})",
                )
            ]
        if leftover.get("events"):
            return [
                Finding(
                    BAD,
                    f"{host}: {leftover['events']} events lie in the queue of a Logstash that does"
                    " not run here, so they are not sent until one does",
                    "queue_left",
                    f"docker service ps --no-trunc {service}   (on a manager)",
                )
            ]
        return []
    logs = f"docker logs --tail 50 {container[:12]}   (on {host})"
    found = []
    if seen.get("listening") is False:
        found.append(
            Finding(
                BAD,
                f"{host}: Logstash runs and does not listen for syslog yet: senders are refused",
                "logstash_input",
                logs,
            )
        )
    if not seen.get("last"):
        found.append(
            Finding(
                WARN,
                f"{host}: Logstash does not report the length of its queue",
                "logstash_queue",
                logs,
            )
        )
        return found
    return found + queue(host, seen, limits, logs) + dead_letters(host, seen, logs)


def dead_letters(host: str, seen: Mapping[str, Any], logs: str) -> list[Finding]:
    """Documents that Elasticsearch has refused for good."""
    last = seen.get("last") or {}
    dead, kept, dropped = (int(last.get(f"dead{word}") or 0) for word in ("", "_bytes", "_dropped"))
    if not dead and kept <= EMPTY_DEAD_LETTERS:
        return []
    text = f"{host}: Elasticsearch has refused {dead} lines for good since Logstash started here."
    if kept <= EMPTY_DEAD_LETTERS:
        return [Finding(WARN, f"{text} They are only in its log", "dead_letters", logs)]
    text += f" The dead letter queue has {size(kept)}"
    if dropped:
        text += f" and is full: {dropped} lines found no room"
    files = "dead_letter_queue/*/*.log*"
    container, path = str(seen.get("container"))[:12], seen.get("path")
    # The path in a volume is not known here. A terminal must not interpret what senders wrote.
    shown = (
        f"cat -v {path}/{files}"
        if path
        else f"docker exec {container} sh -c 'cat {HOME}/data/{files}' | cat -v"
    )
    return [
        Finding(BAD if dropped else WARN, text, "dead_letters", f"{shown} | less   (on {host})")
    ]


def queue(host: str, seen: Mapping[str, Any], limits: Thresholds, logs: str) -> list[Finding]:
    first, last = seen.get("first") or {}, seen.get("last") or {}
    seconds = float(seen.get("seconds") or 0)
    queued = int(last.get("queued") or 0)
    full = 100 * float(last["bytes"]) / float(last["max_bytes"]) if last.get("max_bytes") else 0.0
    filled = (
        f" Its queue is {full:.0f} % full ({size(last['bytes'])} of {size(last['max_bytes'])})."
        if last.get("max_bytes")
        else ""
    )
    stuck = queued > 0 and seconds > 0 and last.get("out") == first.get("out")
    if stuck:
        return [
            Finding(
                BAD,
                f"{host}: {queued} events wait in the queue of Logstash and none was sent within"
                f" {seconds:.0f} s: {why_stuck(first, last)}.{filled} When it is full,"
                " senders have to wait",
                "queue_stuck",
                logs,
            )
        ]
    level = grade(full, limits.queue_warn, limits.queue_bad)
    if level != OK:
        return [
            Finding(
                level,
                f"{host}: {queued} events wait in the queue of Logstash.{filled} When it is full,"
                " senders have to wait",
                "queue_full",
                logs,
            )
        ]
    grown = queued - int(first.get("queued") or 0)
    if seen.get("long") and grown > 0:
        return [
            Finding(
                WARN,
                f"{host}: the queue of Logstash grows: {grown} events more within {seconds:.0f} s,"
                f" {queued} wait.{filled} Elasticsearch takes fewer lines than arrive",
                "queue_growing",
                logs,
            )
        ]
    return []
