# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the cluster: the names that this collection writes, and answers as flat keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ENABLE = "cluster.routing.allocation.enable"
EXCLUDE = "cluster.routing.allocation.exclude."
# Says that it was a roll that set ENABLE: both are set and taken back in one request.
MARK = "cluster.metadata.elk_roll"
# Says which host is about to leave, and that this is why its shards are excluded.
LEAVE = "cluster.metadata.elk_leave"


def scalar(value: Any) -> str:
    """One spelling for what JSON and YAML write differently: 1, "1", 1.0; true, "true"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted keys, texts as values. An empty group vanishes, as it does in Elasticsearch."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        dotted = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, dict):
            flat.update(flatten(value, dotted))
        elif value is None:
            flat[dotted] = None
        elif isinstance(value, (list, tuple)):
            flat[dotted] = [scalar(item) for item in value]
        else:
            flat[dotted] = scalar(value)
    return flat


def in_force(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that somebody has set; transient ones win."""
    return {**flatten(answer.get("persistent") or {}), **flatten(answer.get("transient") or {})}


def with_defaults(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The same, and what holds where nobody has set anything."""
    return {**flatten(answer.get("defaults") or {}), **in_force(answer)}
