# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each row of "Which file to change" in CONTRIBUTING.md leads to the word that it names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from repo import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "CONTRIBUTING.md"
HEADING = "## Which file to change"


def rows(text: str) -> list[list[str]]:
    """The rows of the tables in that section, each as its cells, without heads and rulers."""
    section = text.split(f"{HEADING}\n", 1)[1].split("\n## ", 1)[0]
    tables = re.findall(r"(?m)^\|.*\n\|[-|]+\n((?:\|.*(?:\n|\Z))+)", section)
    lines = [line for table in tables for line in table.splitlines()]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def contains(path: Path, word: str) -> bool:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return any(word.encode() in file.read_bytes() for file in files)


def faults(root: Path, row: list[str]) -> list[str]:
    """Files that a row names and that do not exist, or do not contain its word."""
    paths, words = (re.findall(r"`([^`]+)`", cell) for cell in row[1:])
    if not paths or len(words) != 1:
        return [f"{row[0]}: needs files and one word to look for"]
    found = []
    for name in paths:
        if not (root / name).exists():
            found.append(f"{row[0]}: no file {name}")
        elif not contains(root / name, words[0]):
            found.append(f"{row[0]}: {name} does not contain {words[0]}")
    return found


def test_each_row_leads_to_its_word() -> None:
    found = rows(PAGE.read_text())
    assert len(found) > 9
    assert [fault for row in found for fault in faults(ROOT, row)] == []


def test_a_row_that_leads_nowhere_is_reported(tmp_path: Path) -> None:
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles" / "main.yml").write_text("port: 1\n")
    page = f"""{HEADING}

| To change | File | Look for |
|---|---|---|
| the port | `roles/main.yml`, `roles/` | `port` |
| the days | `roles/main.yml` | `days` |
| the net | `gone.yml` | `net` |
| the name | `roles/main.yml` | |

## Another section

| a | b |
|---|---|
| not | read |
"""
    assert [faults(tmp_path, row) for row in rows(page)] == [
        [],
        ["the days: roles/main.yml does not contain days"],
        ["the net: no file gone.yml"],
        ["the name: needs files and one word to look for"],
    ]
