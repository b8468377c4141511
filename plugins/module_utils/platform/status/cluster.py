# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of Elasticsearch, and the health of the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common.nested import dig
from ansible_collections.elk.swarm.plugins.module_utils.common.tables import Cell, Column, Table
from ansible_collections.elk.swarm.plugins.module_utils.common.text import natural, one_line
from ansible_collections.elk.swarm.plugins.module_utils.common.units import (
    count,
    number,
    percent,
    size,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import BAD, OK, WARN
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import Card, grade

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import View


def cluster_section(view: View) -> None:
    columns = [
        Column("Node"),
        Column("Version"),
        Column("Roles"),
        Column("Heap", numeric=True),
        Column("Disk", numeric=True),
        Column("Free", numeric=True),
    ]
    cluster = view.search or {}
    missing = no_cluster(cluster)
    if missing:
        view.note(BAD, f"Elasticsearch: {missing}")
        view.cards.append(Card("Elasticsearch", "away", "see below", BAD))
    health = cluster.get("health") or {}
    status = str(health.get("status") or "")
    rows = [node_row(view, node) for node in cluster.get("nodes") or ()]
    rows.sort(key=lambda row: natural(row[0].text))
    absent = not_joined(view, cluster) if rows else []
    for name in absent:
        cause = why_absent(view, cluster, name)
        view.note(BAD, f"{name}: its Elasticsearch has not joined the cluster{cause}")
    versions = sorted({node["version"] for node in cluster.get("nodes") or () if node["version"]})
    if len(versions) > 1:
        view.note(WARN, f"The nodes run different versions of Elasticsearch: {', '.join(versions)}")
    note = missing
    if status:
        level = {"green": OK, "yellow": WARN}.get(status, BAD)
        lost = int(number(health.get("unassigned_shards")) or 0)
        shards = "1 shard has" if lost == 1 else f"{lost} shards have"
        view.note(level, f"Elasticsearch is {status}: {shards} no node")
        note = health_note(cluster, health)
        nodes = int(number(health.get("number_of_nodes")) or 0)
        detail = f"{nodes} {'node' if nodes == 1 else 'nodes'}"
        if absent:
            detail += f", {len(absent)} missing"
        view.cards.append(Card("Elasticsearch", status, detail, BAD if absent else level))
    elif not missing:
        view.cards.append(Card("Elasticsearch", "not known", "see below", BAD))
    view.tables.append(Table("Elasticsearch nodes", columns, rows, note))


def no_cluster(cluster: Mapping[str, Any]) -> str:
    """Why the cluster is not known; empty if it is."""
    if not cluster:
        return "was not asked, because no manager could be checked"
    if cluster.get("problem"):
        return str(cluster["problem"])
    clusters = cluster.get("clusters") or {}
    if len(clusters) > 1:
        parts = [f"{uuid} ({', '.join(names)})" for uuid, names in sorted(clusters.items())]
        return f"its nodes have formed {len(clusters)} clusters: {' and '.join(parts)}"
    if not clusters:
        causes = [f"{url}: {cause}" for url, cause in (cluster.get("unreached") or {}).items()]
        return f"no node belongs to a cluster. {'; '.join(causes[:3])}".strip()
    return ""


def health_note(cluster: Mapping[str, Any], health: Mapping[str, Any]) -> str:
    text = (
        f"Cluster {cluster.get('cluster_name')} is {health.get('status')}:"
        f" {count(health.get('active_shards'))} active shards,"
        f" {count(health.get('relocating_shards'))} relocating,"
        f" {count(health.get('initializing_shards'))} initializing,"
        f" {count(health.get('unassigned_shards'))} unassigned."
    )
    return text + " The elected master is marked with *."


def not_joined(view: View, cluster: Mapping[str, Any]) -> list[str]:
    present = {node["name"] for node in cluster.get("nodes") or ()}
    expected = []
    for host in view.hosts:
        if not host.get("elasticsearch"):
            continue
        node = view.node_of(host) or {}
        name = dig(host.get("survey") or {}, ("nodename",)) or node.get("hostname")
        expected.append((str(host["name"]), str(name or host["name"])))
    return [host for host, name in expected if name not in present]


def why_absent(view: View, cluster: Mapping[str, Any], name: str) -> str:
    address = next((str(h.get("address")) for h in view.hosts if h["name"] == name), "")
    for url, cause in (cluster.get("unreached") or {}).items():
        if f"//{address}:" in url:
            return f": {one_line(str(cause))}"
    return ""


def node_row(view: View, node: Mapping[str, Any]) -> list[Cell]:
    name = node["name"]
    heap = node.get("heap_percent")
    total, free = node.get("disk_total"), node.get("disk_available")
    used = None if total is None or free is None else percent(total - free, total)
    heap_level = grade(heap, view.limits.heap_warn, view.limits.heap_bad)
    disk_level = grade(used, view.limits.disk_warn, view.limits.disk_bad)
    if heap is not None:
        view.note(heap_level, f"{name}: Elasticsearch uses {heap:.0f} % of its heap")
    if used is not None:
        view.note(disk_level, f"{name}: the disk of Elasticsearch is {used:.0f} % full")
    return [
        Cell(f"{name} *" if node.get("master") else name),
        Cell(node.get("version") or "-"),
        Cell(", ".join(node.get("roles") or ()) or "none"),
        Cell("-" if heap is None else f"{heap:.0f} %", heap_level, heap),
        Cell("-" if used is None else f"{used:.0f} %", disk_level, used),
        Cell(size(free)),
    ]
