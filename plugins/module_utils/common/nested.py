# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nested values in the response of an API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def dig(tree: Any, path: Iterable[str]) -> Any:
    """The value at a path, or None where the path ends early.

    >>> dig({"a": {"b": 1}}, ("a", "b")), dig({"a": None}, ("a", "b"))
    (1, None)
    """
    for key in path:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(key)
    return tree
