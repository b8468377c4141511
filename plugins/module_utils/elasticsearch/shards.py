# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The allocation of shards, the free space of nodes, and what keeps shards off nodes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    ElasticsearchError,
    Unreachable,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.health_gate import nodes_of
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.leftovers import leftovers_of
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import (
    in_force,
    with_defaults,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.voting import exclusions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import Client

WATERMARK = "cluster.routing.allocation.disk.watermark."
POLL = 1.0
REPLICAS = "*.settings.index.number_of_replicas,*.settings.index.auto_expand_replicas"
COORDINATION = "metadata.cluster_coordination"


def number(text: Any) -> int:
    """A count or a number of bytes; a missing value counts as 0.

    >>> number("12"), number(None)
    (12, 0)
    """
    return int(float(text)) if text not in (None, "") else 0


def copies_of(settings: Mapping[str, Any]) -> dict[str, int]:
    """How many nodes each index needs, one for each copy of a shard.

    >>> copies_of({"a": {"settings": {"index": {"number_of_replicas": "2"}}}})
    {'a': 3}
    """
    found = {}
    for name, facts in settings.items():
        index = (facts.get("settings") or {}).get("index") or {}
        lowest = str(index.get("auto_expand_replicas") or "false").partition("-")[0]
        # Elasticsearch lowers auto-expanded replicas to this number when nodes are missing.
        replicas = lowest if lowest.isdigit() else index.get("number_of_replicas")
        found[name] = number(replicas) + 1
    return found


def with_room(
    nodes: Sequence[Mapping[str, Any]],
    allocation: Sequence[Mapping[str, Any]],
    shards: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """The nodes, each with its shards and the free space on its disk, in bytes."""
    disks = {str(row.get("node")): row for row in allocation}
    found = []
    for node in nodes:
        name = str(node["name"])
        # A relocating shard is listed as "from -> address id to" and is still on the first node.
        rows = [row for row in shards if str(row.get("node") or "").partition(" ")[0] == name]
        sizes = [number(row.get("store")) for row in rows]
        disk = disks.get(name, {})
        found.append(
            {
                **node,
                "shards": len(rows),
                "bytes": sum(sizes),
                "largest": max(sizes, default=0),
                "free": number(disk.get("disk.avail")),
                "total": number(disk.get("disk.total")),
            }
        )
    return found


def read(client: Client) -> dict[str, Any]:
    """Read all of it; if no cluster answers, return only that."""
    try:
        health = client.get("/_cluster/health?master_timeout=5s&timeout=1s", accept=(408,)).object()
    except Unreachable as error:
        return {"formed": False, "problem": str(error)}
    nodes = nodes_of(client.get("/_cluster/state/master_node,nodes?master_timeout=5s").object())
    allocation = client.get(
        "/_cat/allocation?format=json&bytes=b&h=node,shards,disk.avail,disk.total"
    ).body
    shards = client.get("/_cat/shards?format=json&bytes=b&h=node,store").body
    indices = client.get(f"/_all/_settings?expand_wildcards=all&filter_path={REPLICAS}").object()
    settings = client.get("/_cluster/settings?flat_settings=true&include_defaults=true").object()
    state = client.get(f"/_cluster/state/metadata?filter_path={COORDINATION}").object()
    coordination = (state.get("metadata") or {}).get("cluster_coordination") or {}
    effective = with_defaults(settings)
    return {
        "formed": True,
        "problem": "",
        "status": str(health.get("status", "red")),
        "nodes": with_room(nodes, allocation, shards),
        "copies": copies_of(indices),
        "settings": in_force(settings),
        "removing": leftovers_of(in_force(settings)).removing,
        "watermarks": {
            key[len(WATERMARK) :]: str(value)
            for key, value in effective.items()
            if key.startswith(WATERMARK)
        },
        "voting": sorted(coordination.get("last_committed_config") or []),
        "excluded": exclusions_of(state),
    }


def shards_on(client: Client, node: str) -> list[dict[str, Any]]:
    """The shards on a node."""
    rows = client.get("/_cat/shards?format=json&h=index,shard,prirep,state,node").body
    return [row for row in rows if str(row.get("node") or "").partition(" ")[0] == node]


def why_not_moved(explained: Mapping[str, Any]) -> str:
    """Why a shard does not move, from an answer of `GET _cluster/allocation/explain`."""
    explanations: dict[str, str] = {}
    for node in explained.get("node_allocation_decisions") or ():
        for decider in node.get("deciders") or ():
            if decider.get("decision") == "NO":
                explanations.setdefault(str(decider.get("explanation")), str(node.get("node_name")))
    causes = [f"{name}: {explanation}" for explanation, name in explanations.items()]
    return "; ".join(causes) or str(
        explained.get("rebalance_explanation") or "no node gave a reason"
    )


def wait_until_empty(
    client: Client,
    node: str,
    *,
    wait_timeout: float,
    stall_timeout: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[int, str]:
    """Wait until a node has no shard. Return how many remain, and why; 0 if none does.

    Large shards need hours, so `wait_timeout` is long. If no shard moves for `stall_timeout`
    seconds, none will, so the wait ends early.
    """
    start = moved = clock()
    before = -1
    while True:
        remaining = shards_on(client, node)
        if not remaining:
            return 0, ""
        now = clock()
        if len(remaining) != before or any(row.get("state") == "RELOCATING" for row in remaining):
            moved, before = now, len(remaining)
        if now - moved >= stall_timeout:
            return len(remaining), _why(client, remaining[0])
        if now - start >= wait_timeout:
            return len(remaining), f"they still move after {wait_timeout:g} s"
        sleep(POLL)


def _why(client: Client, shard: Mapping[str, Any]) -> str:
    query = {
        "index": shard.get("index"),
        "shard": number(shard.get("shard")),
        "primary": shard.get("prirep") == "p",
    }
    name = f"{query['index']} shard {query['shard']}"
    try:
        reply = client.request("POST", "/_cluster/allocation/explain", query)
    except ElasticsearchError as error:
        return f"{name} does not move, and the cluster does not explain why: {error}"
    return f"{name} does not move. {why_not_moved(reply.object())}"
