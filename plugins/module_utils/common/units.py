# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers from the response of an API, and their form for people."""

from __future__ import annotations

from typing import Any


def number(value: Any) -> float | None:
    """A number from the response of an API, which may be text or None."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def size(value: Any) -> str:
    """Bytes as people read them."""
    amount = number(value)
    if amount is None:
        return "-"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("unreachable")


def count(value: Any) -> str:
    amount = number(value)
    return "-" if amount is None else f"{amount:,.0f}"


def percent(used: Any, whole: Any) -> float | None:
    part, total = number(used), number(whole)
    return None if part is None or not total else 100 * part / total


_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def age_text(seconds: int | None) -> str:
    """An age in the largest unit that fits at least once.

    >>> age_text(7300), age_text(0), age_text(None)
    ('2 h', '0 s', '-')
    """
    if seconds is None:
        return "-"
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return "0 s"
