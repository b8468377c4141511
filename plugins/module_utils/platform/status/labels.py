# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of the hosts: what they may run, and their generation of Elasticsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.common.tables import Cell, Column, Table
from ansible_collections.elk.swarm.plugins.module_utils.common.text import natural
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import CLUSTER
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import BAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import View


def labels_section(view: View) -> None:
    cluster = view.asking(CLUSTER)
    placed = [one for one in view.services if one.labels and one not in cluster]
    generations = {
        one["generation"]: one["name"]
        for one in (view.swarm or {}).get("services") or ()
        if cluster and one["generation"] and one["stack"] == view.data.get("stack")
    }
    titles = ["Generation", "Service", "Configuration"] if cluster else []
    titles += [one.title for one in placed]
    rows = []
    for node in sorted(view.nodes, key=lambda one: natural(str(one["hostname"]))):
        labels = node["labels"]
        row = [Cell(node["hostname"])]
        if cluster:
            row += generation_cells(view, node, generations)
        for service in placed:
            may_run = all(labels.get(label) == "true" for label in service.labels)
            row.append(Cell("may run" if may_run else "-"))
        rows.append(row)
    unused = sorted(
        set(generations) - {node["labels"].get(label_names.GENERATION) for node in view.nodes}
    )
    note = "" if rows else "Not known: no manager can report it."
    if unused and rows:
        note = f"No host is labelled for generation {', '.join(unused)}."
    columns = [*map(Column, ("Host", *titles))]
    view.tables.append(Table("Labels of the hosts", columns, rows, note))


def generation_cells(
    view: View, node: Mapping[str, Any], generations: Mapping[str, str]
) -> list[Cell]:
    """The generation of Elasticsearch that a node has, its service and its configuration."""
    labels = node["labels"]
    generation = labels.get(label_names.GENERATION, "")
    service = generations.get(generation, "")
    lost = bool(generation) and not service
    if lost:
        view.note(
            BAD,
            f"{node['hostname']}: is labelled for generation {generation} of"
            " Elasticsearch, which has no service",
        )
    return [
        Cell(generation or "-"),
        Cell(service or ("none" if generation else "-"), BAD if lost else ""),
        Cell(labels.get(label_names.CONFIG) or "-"),
    ]
