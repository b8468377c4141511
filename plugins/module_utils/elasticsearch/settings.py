# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cluster settings: the names that this collection sets, and answers with flat keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ENABLE = "cluster.routing.allocation.enable"
# What a rolling restart sets ENABLE to.
PRIMARIES = "primaries"
EXCLUDE = "cluster.routing.allocation.exclude."
EXCLUDE_NAME = f"{EXCLUDE}_name"
# Shows that a rolling restart set ENABLE. One request sets both, and one request resets both.
MARK = "cluster.metadata.elk_roll"
# The host that is being removed; it explains the exclusion of that host's shards.
LEAVE = "cluster.metadata.elk_leave"
# The node whose data moves to other storage; it explains the exclusion of that node's shards.
MOVE = "cluster.metadata.elk_move"


def scalar(value: Any) -> str:
    """One text for values that JSON and YAML write differently: 1, "1", 1.0; true, "true"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted keys, with texts as values. Empty groups are dropped, as in Elasticsearch."""
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
    """The settings that were set explicitly; transient ones override persistent ones."""
    return {**flatten(answer.get("persistent") or {}), **flatten(answer.get("transient") or {})}


def with_defaults(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The same, together with the defaults."""
    return {**flatten(answer.get("defaults") or {}), **in_force(answer)}
