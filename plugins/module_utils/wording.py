# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How lists and ages are told to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLD = 10
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def some(names: Sequence[object], most: int = TOLD, between: str = ", ") -> str:
    """The first of them, and how many there are beside.

    >>> some(["a", "b"]), some(["a", "b", "c"], most=1)
    ('a, b', 'a and 2 more')
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return between.join(str(name) for name in names[:most]) + more


def age_text(seconds: int | None) -> str:
    """An age in the largest unit of which there is at least one.

    >>> age_text(7300), age_text(0), age_text(None)
    ('2 h', '0 s', '-')
    """
    if seconds is None:
        return "-"
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return "0 s"
