# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables, and their text form for a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Cell:
    """One value of a table. The status page draws a percentage as a bar."""

    text: str
    level: str = ""
    percent: float | None = None


@dataclass(frozen=True)
class Column:
    title: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    # Shown below the rows, or instead of them if there are none.
    note: str = ""


def table_text(table: Table, longest: int = 0) -> list[str]:
    """Lines of a table in columns; at most ``longest`` rows when that is not 0."""
    lines = [table.title]
    rows = list(table.rows)
    hidden = len(rows) - longest if longest and len(rows) > longest else 0
    shown = rows[:longest] if hidden else rows
    if shown:
        cells = [[one.title.upper() for one in table.columns]]
        cells += [[cell.text for cell in row] for row in shown]
        widths = [max(len(row[at]) for row in cells) for at in range(len(table.columns))]
        for row in cells:
            parts = [
                text.rjust(width) if column.numeric else text.ljust(width)
                for text, width, column in zip(row, widths, table.columns)
            ]
            lines.append("  " + "  ".join(parts).rstrip())
    if hidden:
        lines.append(f"  and {hidden} more on the status page")
    if table.note:
        lines.append(f"  {table.note}")
    return lines
