# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the tables of what the real Logstash makes of what senders send.

Long texts stand in the tables as expressions, for example ``b'x'*20000+b'\\n'``.
"""

from __future__ import annotations

import ast
import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "logstash"
ARRIVAL, SENDER = "ARRIVAL", "SENDER"


@dataclass(frozen=True)
class Case:
    """What a sender sends, and the documents that Logstash makes of it."""

    name: str
    transport: str
    sent: bytes
    documents: list[dict[str, Any]]
    # Positions of the documents that Elasticsearch refuses with the role's index template.
    refused: tuple[int, ...] = ()


def load(table: str) -> list[Case]:
    rows = [json.loads(line) for line in (FIXTURES / f"{table}.jsonl").read_text().splitlines()]
    return [
        Case(
            name=row["name"],
            transport=row["transport"],
            sent=_sent(row),
            documents=_expanded(row["documents"]),
            refused=tuple(row.get("refused_by_elasticsearch", ())),
        )
        for row in rows
    ]


def _sent(row: dict[str, Any]) -> bytes:
    if "input_base64" in row:
        return base64.b64decode(row["input_base64"])
    value = literal(row["input_python"])
    assert isinstance(value, bytes)
    return value


def _expanded(value: Any) -> Any:
    if isinstance(value, list):
        return [_expanded(one) for one in value]
    if isinstance(value, dict):
        if list(value) == ["python"]:
            return literal(value["python"])
        return {key: _expanded(one) for key, one in value.items()}
    return value


def literal(expression: str) -> str | bytes:
    """The value of texts that are joined with ``+`` and repeated with ``*``; nothing else runs."""
    value: str | bytes = _value(ast.parse(expression, mode="eval").body)
    return value


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _value(node.left) + _value(node.right)
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mult)
        and isinstance(node.right, ast.Constant)
        and isinstance(node.right.value, int)
    ):
        return _value(node.left) * node.right.value
    raise ValueError(f"no text, sum or repetition: {ast.unparse(node)}")


# Lucene's limit for one term.
_LONGEST_TERM = 32766


def refused(mappings: dict[str, Any], document: dict[str, Any]) -> bool:
    """Whether Elasticsearch refuses a document because of one of the types that Logstash fills."""
    known = mappings.get("properties", {})
    return any(_refused(known[name], value) for name, value in document.items() if name in known)


def _refused(mapping: dict[str, Any], value: Any) -> bool:
    if isinstance(value, dict):
        return refused(mapping, value)
    if isinstance(value, list):
        return any(_refused(mapping, one) for one in value)
    kind = mapping.get("type")
    if kind == "long":
        return not -(1 << 63) <= int(value) < 1 << 63
    if kind == "date" and value != ARRIVAL:
        return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", value) is None
    if kind == "keyword" and mapping.get("index", True):
        ignored = len(value) > mapping.get("ignore_above", 1 << 31)
        return not ignored and len(value.encode()) > _LONGEST_TERM
    return False
