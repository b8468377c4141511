# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each row of the table "What an attacker gets" names tests that exist."""

from __future__ import annotations

import ast
import re

from repo import ROOT

PAGE = ROOT / "docs" / "security.md"
HEADING = "## What an attacker gets"
NAMED = re.compile(r"\]\(([^)]+\.py)\)((?:,? ?`\w+`)+)")


def attacks(text: str) -> list[list[str]]:
    """Rows of the table, each as its cells."""
    section = text.split(HEADING, 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def functions_of(path: str) -> set[str]:
    tree = ast.parse((PAGE.parent / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def missing(row: list[str]) -> list[str]:
    """Tests that a row names and that do not exist, or the row if it names no test."""
    named = [
        (path, name)
        for path, names in NAMED.findall(row[2])
        for name in re.findall(r"`(\w+)`", names)
    ]
    if not named:
        return [f"{row[0]}: names no test"]
    return [f"{path}: {name}" for path, name in named if name not in functions_of(path)]


def test_each_row_names_tests_that_exist() -> None:
    rows = attacks(PAGE.read_text())
    assert len(rows) > 9
    assert [problem for row in rows for problem in missing(row)] == []


def test_a_row_without_a_test_is_reported() -> None:
    assert missing(["Logstash", "nothing", ""]) == ["Logstash: names no test"]
    path = "../tests/scenarios/shared/test_thief.py"
    gone = f"[a]({path}) `test_the_group_docker_is_root`, `test_gone`"
    assert missing(["x", "y", gone]) == [f"{path}: test_gone"]
