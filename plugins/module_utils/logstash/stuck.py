# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why events do not leave the queue of Logstash."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


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
