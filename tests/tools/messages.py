# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of the collection: every text in its Python and task files."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from repo import ROOT, source_files

if TYPE_CHECKING:
    from collections.abc import Iterator

# Stands for the value of a template or variable in a message; the docs write … instead.
HOLE = "\0"
ABOUT = ("DOCUMENTATION", "EXAMPLES", "RETURN")
TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|(?<!\{)\{\w+\}(?!\})", re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors for links to a page, by the rules of GitHub."""
    found: set[str] = set()
    for heading in re.findall(r"(?m)^#+ +(.+?) *$", re.sub(r"(?ms)^```.*?^```", "", text)):
        plain = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        name, number = slug, 0
        while name in found:
            number += 1
            name = f"{slug}-{number}"
        found.add(name)
    return found


def prose(text: str) -> str:
    """A page without its code, in which brackets and words mean something else."""
    without_blocks = re.sub(r"(?ms)^( *)```.*?^\1```", "", text)
    return re.sub(r"`[^`\n]*`", "", without_blocks)


def flat(text: str) -> str:
    return " ".join(TEMPLATE.sub(HOLE, text).split())


def python_texts(source: str) -> Iterator[str]:
    """Every text of a Python file, with holes for values; without its documentation."""
    parts: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ABOUT:
            parts.add(id(node.value))
        elif isinstance(node, ast.Expr):
            # A docstring.
            parts.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            words = [
                value.value if isinstance(value, ast.Constant) else HOLE for value in node.values
            ]
            parts.update(id(value) for value in node.values)
            yield flat("".join(map(str, words)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in parts:
                yield flat(node.value)


def yaml_texts(value: Any) -> Iterator[str]:
    """Every text of a task file, and the texts inside its templates."""
    if isinstance(value, str):
        yield flat(value)
        for inside in TEMPLATE.findall(value):
            yield from map(flat, re.findall(r"'([^']+)'", inside))
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from yaml_texts(part)


@cache
def messages() -> tuple[tuple[str, str], ...]:
    """Every text that the collection may print, with its file."""
    found: list[tuple[str, str]] = []
    for name in source_files():
        if name.startswith("plugins/") and name.endswith(".py"):
            texts = python_texts((ROOT / name).read_text())
        elif re.match(
            r"(roles/[^/]+/(tasks|vars)|playbooks)/.*\.yml$|roles/[^/]+/meta/service.yml$", name
        ):
            texts = yaml_texts(yaml.safe_load((ROOT / name).read_text()))
        else:
            continue
        found += [(name, text) for text in texts]
    return tuple(found)
