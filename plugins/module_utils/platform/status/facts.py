# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the report takes from the responses of Swarm and Elasticsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.common.nested import dig
from ansible_collections.elk.swarm.plugins.module_utils.common.text import natural, one_line
from ansible_collections.elk.swarm.plugins.module_utils.common.units import number
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_convergence import (
    error_of,
    node_name,
    required_tasks,
    running,
    state_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_facts import mode_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def swarm_nodes(nodes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the report shows of each node."""
    return [
        {
            "id": str(node.get("ID") or ""),
            "hostname": node_name(node),
            "role": str(dig(node, ("Spec", "Role")) or ""),
            "availability": str(dig(node, ("Spec", "Availability")) or ""),
            "state": str(dig(node, ("Status", "State")) or "unknown"),
            "message": str(dig(node, ("Status", "Message")) or ""),
            "address": str(dig(node, ("Status", "Addr")) or ""),
            "leader": bool(dig(node, ("ManagerStatus", "Leader"))),
            "engine": str(dig(node, ("Description", "Engine", "EngineVersion")) or ""),
            "labels": dict(dig(node, ("Spec", "Labels")) or {}),
        }
        for node in nodes
    ]


def swarm_services(
    services: Iterable[Mapping[str, Any]],
    tasks: Sequence[Mapping[str, Any]],
    nodes: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """What the report shows of each service; never its environment and secrets."""
    names = {str(node.get("ID")): node_name(node) for node in nodes}
    found = []
    for service in services:
        spec = service.get("Spec") or {}
        own = [task for task in tasks if task.get("ServiceID") == service.get("ID")]
        desired = required_tasks(service, nodes)
        up = [task for task in own if running(task)]
        image = str(dig(spec, ("TaskTemplate", "ContainerSpec", "Image")) or "")
        found.append(
            {
                "name": str(spec.get("Name") or ""),
                "stack": str(dig(spec, ("Labels", label_names.STACK)) or ""),
                "generation": str(dig(spec, ("Labels", label_names.SERVICE_GENERATION)) or ""),
                "mode": mode_of(spec),
                "image": image.split("@", 1)[0],
                "desired": desired,
                "running": len(up),
                "nodes": sorted({names.get(str(task.get("NodeID")), "") for task in up}),
                "error": last_error(own, names) if len(up) != desired else "",
            }
        )
    return sorted(found, key=lambda item: natural(item["name"]))


def last_error(tasks: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """The error of the newest task that has one, with its node."""
    for task in sorted(tasks, key=lambda item: str(item.get("CreatedAt") or ""), reverse=True):
        text = error_of(task)
        if text:
            where = names.get(str(task.get("NodeID")), "")
            return one_line(f"{where}: {text}" if where else f"{state_of(task)}: {text}")
    return ""


def elasticsearch_nodes(
    nodes: Iterable[Mapping[str, Any]], stats: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Merge the cluster's list of nodes with their statistics."""
    by_id = stats.get("nodes") or {}
    return [
        {
            "name": str(node.get("name") or ""),
            "version": str(node.get("version") or ""),
            "roles": list(node.get("roles") or ()),
            "master": bool(node.get("master")),
            "heap_percent": number(
                dig(by_id.get(node.get("id")) or {}, ("jvm", "mem", "heap_used_percent"))
            ),
            "heap_max": number(
                dig(by_id.get(node.get("id")) or {}, ("jvm", "mem", "heap_max_in_bytes"))
            ),
            "disk_total": number(
                dig(by_id.get(node.get("id")) or {}, ("fs", "total", "total_in_bytes"))
            ),
            "disk_available": number(
                dig(by_id.get(node.get("id")) or {}, ("fs", "total", "available_in_bytes"))
            ),
        }
        for node in nodes
    ]


def elasticsearch_indices(rows: Any) -> list[dict[str, Any]]:
    """The response of _cat/indices, under our own names."""
    return [
        {
            "name": str(row.get("index") or ""),
            "health": str(row.get("health") or ""),
            "status": str(row.get("status") or ""),
            "docs": number(row.get("docs.count")),
            "bytes": number(row.get("store.size")),
            "primaries": number(row.get("pri")),
            "replicas": number(row.get("rep")),
        }
        for row in rows or ()
        if isinstance(row, dict)
    ]


def write_index_of(answer: Mapping[str, Any], alias: str) -> str:
    """The write index of an alias; empty if there is none.

    >>> write_index_of({"a": {"aliases": {"x": {}}}}, "x")
    'a'
    """
    marks = {
        index: ((about.get("aliases") or {}).get(alias) or {}).get("is_write_index")
        for index, about in answer.items()
    }
    chosen = [index for index, mark in marks.items() if mark]
    if not chosen and len(marks) == 1:
        # A single index needs no is_write_index, unless that is false.
        chosen = [index for index, mark in marks.items() if mark is not False]
    return chosen[0] if chosen else ""
