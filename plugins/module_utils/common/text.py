# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts for operators: short lists, single lines, and the order of names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_NAMES = 10
LONGEST_ERROR = 200


def some(names: Sequence[object], most: int = MOST_NAMES, between: str = ", ") -> str:
    """The first names, and the number of the others.

    >>> some(["a", "b"]), some(["a", "b", "c"], most=1)
    ('a, b', 'a and 2 more')
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return between.join(str(name) for name in names[:most]) + more


def natural(name: str) -> list[tuple[int, int, str]]:
    """A sort key that puts w2 before w10."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part.lower())
        for part in re.split(r"(\d+)", name)
        if part
    ]


def one_line(text: str, longest: int = LONGEST_ERROR) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 1].rstrip() + "…"
