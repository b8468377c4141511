# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the real Logstash hold texts as expressions, which must not run as code."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness import syslog_truth


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (r"b'<34>'+b'x'*3+b'\n'", b"<34>xxx\n"),
        ("'€'*2", "€€"),
        (r"'\\'*2+'\"'", '\\\\"'),
    ],
)
def test_texts_are_joined_and_repeated(expression: str, value: str | bytes) -> None:
    assert syslog_truth.literal(expression) == value


@pytest.mark.parametrize("expression", ["open('/etc/passwd')", "'a'*n", "1+1", "'a'-'b'", "[1]"])
def test_nothing_else_is_evaluated(expression: str) -> None:
    with pytest.raises(ValueError, match="no text"):
        syslog_truth.literal(expression)


@pytest.mark.parametrize(
    ("mapping", "value", "refused"),
    [
        ({"type": "long"}, 1 << 63, True),
        ({"type": "long"}, (1 << 63) - 1, False),
        ({"type": "keyword"}, "ö" * 16384, True),
        ({"type": "keyword"}, "x" * 32766, False),
        ({"type": "keyword", "ignore_above": 8191}, "x" * 40000, False),
        ({"type": "keyword", "index": False}, "x" * 40000, False),
        ({"type": "date"}, "1-01-01T00:00:00.000Z", True),
        ({"type": "date"}, "0001-01-01T00:00:00.000Z", False),
        ({"type": "keyword"}, ["x", "x" * 40000], True),
    ],
)
def test_refused(mapping: dict[str, Any], value: Any, refused: bool) -> None:
    mappings = {"properties": {"a": {"properties": {"b": mapping}}}}
    assert syslog_truth.refused(mappings, {"a": {"b": value}, "c": 1}) is refused
