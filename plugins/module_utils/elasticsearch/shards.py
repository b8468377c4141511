# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the shards of a cluster are, how much room nodes have, and what keeps shards off them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    ElasticsearchError,
    Unreachable,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.health_gate import nodes_of
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
    """A count or a number of bytes; nothing counts as none.

    >>> number("12"), number(None)
    (12, 0)
    """
    return int(float(text)) if text not in (None, "") else 0


def copies_of(settings: Mapping[str, Any]) -> dict[str, int]:
    """How many nodes each index needs so that every copy of its shards has one.

    >>> copies_of({"a": {"settings": {"index": {"number_of_replicas": "2"}}}})
    {'a': 3}
    """
    found = {}
    for name, told in settings.items():
        index = (told.get("settings") or {}).get("index") or {}
        fewest = str(index.get("auto_expand_replicas") or "false").partition("-")[0]
        # Such an index takes as many copies as there are nodes, down to the lower number.
        replicas = fewest if fewest.isdigit() else index.get("number_of_replicas")
        found[name] = number(replicas) + 1
    return found


def with_room(
    nodes: Sequence[Mapping[str, Any]],
    allocation: Sequence[Mapping[str, Any]],
    shards: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """The nodes, each with the shards that it holds and the room on its disk, in bytes."""
    rooms = {str(row.get("node")): row for row in allocation}
    found = []
    for node in nodes:
        name = str(node["name"])
        # One that moves stands as "from -> address id to" and still lies where it comes from.
        held = [row for row in shards if str(row.get("node") or "").partition(" ")[0] == name]
        sizes = [number(row.get("store")) for row in held]
        room = rooms.get(name, {})
        found.append(
            {
                **node,
                "shards": len(held),
                "bytes": sum(sizes),
                "largest": max(sizes, default=0),
                "free": number(room.get("disk.avail")),
                "total": number(room.get("disk.total")),
            }
        )
    return found


def read(client: Client) -> dict[str, Any]:
    """All of it in one look; without a cluster that answers only that there is none."""
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
        "watermarks": {
            key[len(WATERMARK) :]: str(value)
            for key, value in effective.items()
            if key.startswith(WATERMARK)
        },
        "voting": sorted(coordination.get("last_committed_config") or []),
        "excluded": exclusions_of(state),
    }


def shards_on(client: Client, node: str) -> list[dict[str, Any]]:
    """The shards that lie on a node."""
    rows = client.get("/_cat/shards?format=json&h=index,shard,prirep,state,node").body
    return [row for row in rows if str(row.get("node") or "").partition(" ")[0] == node]


def stays(explained: Mapping[str, Any]) -> str:
    """Why a shard stays where it is, from an answer of `GET _cluster/allocation/explain`."""
    said: dict[str, str] = {}
    for node in explained.get("node_allocation_decisions") or ():
        for decider in node.get("deciders") or ():
            if decider.get("decision") == "NO":
                said.setdefault(str(decider.get("explanation")), str(node.get("node_name")))
    causes = [f"{name}: {explanation}" for explanation, name in said.items()]
    return "; ".join(causes) or str(explained.get("rebalance_explanation") or "no node told why")


def wait_until_empty(
    client: Client,
    node: str,
    *,
    wait_timeout: float,
    stall_timeout: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[int, str]:
    """Wait until a node has no shard: how many are left, and why; none when all have gone.

    Large shards take hours, and meanwhile they are on their way. What neither moves nor gets less
    will not go by itself, and is told much earlier.
    """
    start = moved = clock()
    before = -1
    while True:
        left = shards_on(client, node)
        if not left:
            return 0, ""
        now = clock()
        if len(left) != before or any(row.get("state") == "RELOCATING" for row in left):
            moved, before = now, len(left)
        if now - moved >= stall_timeout:
            return len(left), _why(client, left[0])
        if now - start >= wait_timeout:
            return len(left), f"they still move after {wait_timeout:g} s"
        sleep(POLL)


def _why(client: Client, shard: Mapping[str, Any]) -> str:
    asked = {
        "index": shard.get("index"),
        "shard": number(shard.get("shard")),
        "primary": shard.get("prirep") == "p",
    }
    name = f"{asked['index']} shard {asked['shard']}"
    try:
        reply = client.request("POST", "/_cluster/allocation/explain", asked)
    except ElasticsearchError as error:
        return f"{name} stays, and the cluster does not say why: {error}"
    return f"{name} stays. {stays(reply.object())}"
