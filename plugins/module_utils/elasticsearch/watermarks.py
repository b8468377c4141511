# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk watermarks of Elasticsearch in bytes."""

from __future__ import annotations

import re

UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_SIZE = re.compile(r"^(\d+(?:\.\d+)?)([kmgtp]?)b$")


def parse_size(text: str) -> int | None:
    """The bytes of a size in Elasticsearch's notation; None for a percentage or ratio.

    >>> parse_size("2gb"), parse_size("90%")
    (2147483648, None)
    """
    found = _SIZE.match(text.strip().lower())
    return int(float(found[1]) * 1024 ** UNITS[found[2]]) if found else None


def must_be_free(watermark: str, headroom: str, total: int) -> int:
    """The bytes that a watermark keeps free on a disk. It is a size, a percentage or a ratio.

    Raises ValueError for any other text.

    >>> must_be_free("90%", "", 1000), must_be_free("0.85", "100b", 1000)
    (100, 100)
    """
    size = parse_size(watermark)
    if size is not None:
        return size
    ratio = float(watermark[:-1]) / 100 if watermark.endswith("%") else float(watermark)
    most = parse_size(headroom)
    free = round(total * (1 - ratio))
    return min(free, most) if most is not None else free
