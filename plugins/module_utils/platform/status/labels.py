# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of the hosts: their generation of Elasticsearch, and what else they may run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.common.tables import Cell, Column, Table
from ansible_collections.elk.swarm.plugins.module_utils.common.text import natural
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import BAD

if TYPE_CHECKING:
    from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import View

NODE_MAY_RUN = (label_names.LOGSTASH, label_names.KIBANA)


def labels_section(view: View) -> None:
    columns = [
        *map(Column, ("Host", "Generation", "Service", "Configuration", "Logstash", "Kibana")),
    ]
    services = {
        one["generation"]: one["name"]
        for one in (view.swarm or {}).get("services") or ()
        if one["generation"] and one["stack"] == view.data.get("stack")
    }
    rows = []
    for node in sorted(view.nodes, key=lambda one: natural(str(one["hostname"]))):
        labels = node["labels"]
        generation = labels.get(label_names.GENERATION, "")
        service = services.get(generation, "")
        if generation and not service:
            view.note(
                BAD,
                f"{node['hostname']}: is labelled for generation {generation} of"
                " Elasticsearch, which has no service",
            )
        rows.append(
            [
                Cell(node["hostname"]),
                Cell(generation or "-"),
                Cell(
                    service or ("none" if generation else "-"),
                    BAD if generation and not service else "",
                ),
                Cell(labels.get(label_names.CONFIG) or "-"),
                *(
                    Cell("may run" if labels.get(label) == "true" else "-")
                    for label in NODE_MAY_RUN
                ),
            ]
        )
    unused = sorted(
        set(services) - {node["labels"].get(label_names.GENERATION) for node in view.nodes}
    )
    note = "" if rows else "Not known: no manager can report it."
    if unused and rows:
        note = f"No host is labelled for generation {', '.join(unused)}."
    view.tables.append(Table("Labels of the hosts", columns, rows, note))
