# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What forbids a roll. Each check looks at one thing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.elk.swarm.plugins.module_utils.common.text import some
from ansible_collections.elk.swarm.plugins.module_utils.common.units import age_text, size
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.roll_state import (
    Asked,
    Cluster,
    Node,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import (
    ENABLE,
    EXCLUDE,
    LEAVE,
    MARK,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.versions import (
    parse,
    path_problem,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

SAFE_MASTERS = 3

_AGE = re.compile(r"^(\d+)([dhms])$")

_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def age_of(text: str) -> int | None:
    """Seconds of an age as Elasticsearch writes it; nothing for what is none.

    >>> age_of("1d"), age_of("one day")
    (86400, None)
    """
    found = _AGE.match(text)
    return int(found[1]) * _SECONDS[found[2]] if found else None


def refusals(
    nodes: Sequence[Node], moves: Sequence[Node], cluster: Cluster, asked: Asked
) -> list[str]:
    """Everything that forbids to move any node, a sentence or two each."""
    if not moves:
        return []
    placed = [node for node in nodes if node.placed]
    masters = [node for node in placed if "master" in node.roles]
    found = []
    if len(masters) < SAFE_MASTERS and len(placed) == len(nodes) and not asked.accept_downtime:
        found.append(
            f"Only {len(masters)} node(s) may become master. While one of them restarts nobody is "
            "elected, and the cluster answers nothing for about a minute. Say "
            "elasticsearch_accept_downtime: true if that may be, or have three of them"
        )
    if not cluster.formed:
        if not (asked.accept_downtime and all(node in moves for node in placed)):
            found.append(
                "No cluster answers, so nobody can tell whether a node can be spared. Mend that "
                "first: docker service ps --no-trunc of the service, and docker logs on the hosts"
            )
        return found
    if not cluster.names:
        found.append(
            "A node answers, and nobody tells which nodes the cluster has "
            f"({cluster.problem or 'no reason was given'}). Look at the log of the elected master, "
            "and run this again"
        )
        return found
    found += _health(placed, moves, cluster)
    found += _leftovers(cluster)
    found += _disks(nodes, moves, cluster)
    found += _versions(moves, cluster, asked)
    found += _snapshots(cluster, asked)
    found += _deprecations(cluster, asked)
    return found


def _health(placed: Sequence[Node], moves: Sequence[Node], cluster: Cluster) -> list[str]:
    away = [node.name for node in placed if node.missing and node not in moves]
    found = []
    if away:
        found.append(
            f"{', '.join(away)} is not in the cluster, and nothing of it is to change. Bring it "
            "back first (docker service ps --no-trunc, docker logs on that host): with another "
            "node away shards could be lost"
        )
    elif cluster.status == "red" and not any(node.missing for node in moves):
        found.append(
            "The cluster is red: a primary shard has no node. GET _cluster/allocation/explain "
            "tells why. No node is moved before that is mended"
        )
    return found


def _leftovers(cluster: Cluster) -> list[str]:
    found = []
    enabled = str(cluster.settings.get(ENABLE) or "all")
    if enabled != "all" and not cluster.settings.get(MARK):
        found.append(
            f"{ENABLE} is {enabled}, and no roll has set it: somebody keeps shards where they are. "
            "Ask who, and set it to null"
        )
    excluded = {
        key: value for key, value in cluster.settings.items() if key.startswith(EXCLUDE) and value
    }
    leaves = cluster.settings.get(LEAVE)
    if leaves:
        found.append(
            f"The removal of {leaves} was broken off. Finish it first: "
            f"playbooks/remove_host.yml -e remove_host={leaves}"
        )
        return found
    found += [
        f"{key} is {value}: somebody takes shards off nodes. Let that end, and set it to null"
        for key, value in sorted(excluded.items())
    ]
    voteless = list(cluster.told.get("voting_exclusions") or ())
    if voteless:
        found.append(
            f"The vote of {', '.join(voteless)} was taken away, so fewer masters than it seems may "
            "be lost. If nobody is taking that node out of the cluster just now, clear it with "
            "DELETE _cluster/voting_config_exclusions?wait_for_removal=false"
        )
    return found


def _disks(nodes: Sequence[Node], moves: Sequence[Node], cluster: Cluster) -> list[str]:
    """A full disk takes no copy of what the node has that is away. One that is away is a gain."""
    if any(node.missing for node in moves):
        return []
    # Their disk is a cache, which is meant to be full.
    caches = {node.name for node in nodes if node.only_frozen}
    found = [
        f"{disk['node']} has {size(disk['free'])} free of {size(disk['total'])}, and the high "
        f"watermark asks for {size(disk['needed'])}: Elasticsearch takes shards off it. Make room "
        "there, or move indices to other nodes"
        for disk in cluster.told.get("full_disks") or ()
        if disk["node"] not in caches
    ]
    closed = list(cluster.told.get("flooded_indices") or ())
    if closed:
        found.append(
            f"{some(closed)} is read-only since a disk was full "
            "(index.blocks.read_only_allow_delete). Make room: Elasticsearch opens it again by "
            "itself. Where it was set by hand, PUT it back to null in the index's _settings"
        )
    return found


def _versions(moves: Sequence[Node], cluster: Cluster, asked: Asked) -> list[str]:
    present = sorted(set(filter(None, cluster.versions)), key=lambda text: parse(text) or (0, 0, 0))
    found = []
    for version in present:
        problem = path_problem(version, asked.version)
        if problem:
            runs = [node.name for node in moves if node.version == version]
            found.append(f"{problem}. {', '.join(runs) or 'A node'} runs {version}")
    if asked.back and not found and asked.version not in present:
        found.append(
            f"A way back does not lead to {asked.version}, which no node runs "
            f"({', '.join(present)}). For a newer version there is playbooks/upgrade.yml"
        )
    strangers = sorted(set(cluster.names) - set(asked.known)) if asked.known else []
    if strangers and any(version != asked.version for version in present):
        found.append(
            f"{', '.join(strangers)} is in the cluster and not in the inventory, and would keep "
            "its version. Put it into the inventory, or take it out of the cluster"
        )
    return found


def _snapshots(cluster: Cluster, asked: Asked) -> list[str]:
    """Without one there is no way back from a new version."""
    known = cluster.told.get("repositories")
    if not known or not asked.snapshot_max_age:
        return []
    most = age_of(asked.snapshot_max_age)
    if most is None:
        problem = (
            f"elasticsearch_snapshot_max_age is {asked.snapshot_max_age!r}, which is no age: write "
            "one like 1d or 12h, or nothing where no snapshot is to be asked for"
        )
        return [problem]
    if any(one["age"] is not None and one["age"] <= most for one in known):
        return []
    states = []
    for one in known:
        if one["problem"]:
            state = f"cannot be read ({one['problem']})"
        elif one["age"] is None:
            state = "has none that succeeded with the global state"
        else:
            state = f"has {one['snapshot']}, {age_text(one['age'])} old"
        states.append(f"{one['repository']} {state}")
    name = known[0]["repository"]
    problem = (
        f"There is no snapshot from before {asked.version} that is at most "
        f"{asked.snapshot_max_age} old (elasticsearch_snapshot_max_age): {'; '.join(states)}. Take "
        f"one, because no other way leads back: PUT _snapshot/{name}/before-{asked.version}"
        "?wait_for_completion=true"
    )
    return [problem]


def _deprecations(cluster: Cluster, asked: Asked) -> list[str]:
    stops = list(cluster.told.get("incompatible") or ())
    if not stops:
        return []
    problem = (
        f"{asked.version} does not work with what this cluster has: {some(stops, between='; ')}. "
        "GET _migration/deprecations tells what to do with each"
    )
    return [problem]
