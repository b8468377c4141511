# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles conditions of the pipeline language to Python functions."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from .event import Event
from .grok import to_python
from .lang import Condition, Regex, Selector

Test = Callable[[Event], bool]

_ORDER = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}


def _operand(value: Any) -> Callable[[Event], Any]:
    if isinstance(value, Selector):
        reference = value.reference
        return lambda event: event.get(reference)
    if isinstance(value, list):
        parts = [_operand(one) for one in value]
        return lambda event: [part(event) for part in parts]
    if isinstance(value, Regex):
        return lambda _event: value.pattern
    return lambda _event: value


def _truthy(value: Any) -> bool:
    """Whether a value counts as true: None, false and an empty string do not, 0 does."""
    return value is not None and value is not False and value not in ("", "false")


def _in(needle: Any, heap: Any) -> bool:
    if needle is None or heap is None:
        return False
    if isinstance(heap, list):
        return needle in heap
    if isinstance(heap, str) and isinstance(needle, str):
        return needle in heap
    return bool(heap == needle)


def _ordered(left: Any, right: Any, compare: Callable[[Any, Any], bool]) -> bool:
    try:
        return left is not None and right is not None and compare(left, right)
    except TypeError:
        return False


def compile_condition(condition: Condition) -> Test:
    name, operands = condition.operator, condition.operands
    if name in ("and", "or"):
        tests = [compile_condition(one) for one in operands]
        if name == "and":
            return lambda event: all(test(event) for test in tests)
        return lambda event: any(test(event) for test in tests)
    if name == "not":
        inner = compile_condition(operands[0])
        return lambda event: not inner(event)
    left = _operand(operands[0])
    if name == "truthy":
        return lambda event: _truthy(left(event))
    if name in ("=~", "!~"):
        # Unlike in grok, the dot in a condition does not match a line end.
        pattern = re.compile(to_python(operands[1].pattern), re.MULTILINE)
        expected = name == "=~"

        def matches(event: Event) -> bool:
            value = left(event)
            return (isinstance(value, str) and pattern.search(value) is not None) is expected

        return matches
    right = _operand(operands[1])
    if name == "in":
        return lambda event: _in(left(event), right(event))
    if name == "==":
        return lambda event: bool(left(event) == right(event))
    if name == "!=":
        return lambda event: bool(left(event) != right(event))
    compare = _ORDER[name]
    return lambda event: _ordered(left(event), right(event), compare)
