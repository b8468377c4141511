# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bulk requests as Logstash sends them, and what the rounds of a measurement say."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

# Lines of one request, as logstash_batch_size.
BATCH = 125


def document(number: int) -> dict[str, Any]:
    """A line of 150 bytes, as the pipeline of the role makes it."""
    key = f"RSA SHA256:{number:048}"
    text = f"Accepted publickey for deploy from 10.20.30.40 port {number} ssh2: {key}"
    when = f"2026-11-29T10:{number // 60_000 % 60:02}:{number // 1000 % 60:02}.{number % 1000:03}Z"
    return {
        "@timestamp": when,
        "@version": "1",
        "message": text,
        "event": {"original": f"<38>Nov 29 10:00:00 host-{number % 50} sshd[{number}]: {text}"},
        "host": {"ip": f"10.20.30.{number % 250}", "hostname": f"host-{number % 50}"},
        "process": {"name": "sshd", "pid": number},
        "log": {
            "syslog": {
                "priority": 38,
                "facility": {"code": 4, "name": "security/authorization"},
                "severity": {"code": 6, "name": "Informational"},
            }
        },
        "service": {"type": "system"},
    }


def requests(first: int, count: int, index: str, *, ids: bool) -> list[bytes]:
    """The bodies of bulk requests.

    >>> [body.count(b"_id") for body in requests(0, 250, "x", ids=True)]
    [125, 125]
    >>> [body.count(b"_id") for body in requests(0, 250, "x", ids=False)]
    [0, 0]
    """
    bodies = []
    for start in range(first, first + count, BATCH):
        rows = []
        for number in range(start, min(start + BATCH, first + count)):
            target = {"_index": index}
            if ids:
                target["_id"] = hashlib.sha256(f"{index} {number}".encode()).hexdigest()
            rows += [json.dumps({"create": target}), json.dumps(document(number))]
        bodies.append(("\n".join(rows) + "\n").encode())
    return bodies


@dataclass(frozen=True)
class Round:
    """What Elasticsearch needed for the same lines, with and without ids."""

    with_ids: float
    without: float


def ratio_of(rounds: Sequence[Round]) -> float:
    """The median of the ratios: a round that other work disturbed counts as one.

    >>> ratio_of([Round(2, 1), Round(3, 2), Round(9, 1)])
    2.0
    """
    return median(one.with_ids / one.without for one in rounds)
