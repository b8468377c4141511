# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The indices, and what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.elk.swarm.plugins.module_utils.common.tables import Cell, Column, Table
from ansible_collections.elk.swarm.plugins.module_utils.common.text import natural
from ansible_collections.elk.swarm.plugins.module_utils.common.units import count, size
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import BAD, OK, WARN
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import Card, worst

if TYPE_CHECKING:
    from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import View


def indices_section(view: View) -> None:
    columns = [
        Column("Index"),
        Column("Health"),
        Column("Documents", numeric=True),
        Column("Size", numeric=True),
        Column("Primaries", numeric=True),
        Column("Replicas", numeric=True),
    ]
    indices = (view.search or {}).get("indices")
    if indices is None:
        view.tables.append(Table("Indices", columns, (), "Not known."))
        view.cards.append(Card("Documents", "not known", "", BAD))
        return
    # Broken indices first, then the logs, then the indices of Elasticsearch itself.
    order = {"red": 0, "yellow": 1}
    indices = sorted(
        indices,
        key=lambda one: (
            order.get(one["health"], 2),
            one["name"].startswith("."),
            natural(one["name"]),
        ),
    )
    rows = []
    for one in indices:
        level = {"green": OK, "yellow": WARN, "red": BAD}.get(one["health"], "")
        health = one["health"] or "-"
        if one["status"] == "close":
            health, level = "closed", WARN
        rows.append(
            [
                Cell(one["name"]),
                Cell(health, level),
                Cell(count(one["docs"])),
                Cell(size(one["bytes"])),
                Cell(count(one["primaries"])),
                Cell(count(one["replicas"])),
            ]
        )
    note = "" if rows else "There is no index yet."
    view.tables.append(Table("Indices", columns, rows, note))
    mine = [one for one in indices if not one["name"].startswith(".")]
    documents = sum(one["docs"] or 0 for one in mine)
    stored = sum(one["bytes"] or 0 for one in mine)
    word = "index" if len(mine) == 1 else "indices"
    view.cards.append(
        Card(
            "Documents",
            count(documents),
            f"{len(mine)} {word}, {size(stored)}",
            worst(row[1].level for row in rows),
        )
    )
