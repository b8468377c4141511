# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What blocks a rolling restart. Each check looks at one thing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.elk.swarm.plugins.module_utils.common.text import some
from ansible_collections.elk.swarm.plugins.module_utils.common.units import age_text, size
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.leftovers import (
    voting_blockers,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.roll_state import (
    Cluster,
    Desired,
    Node,
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
    """The seconds of an age in Elasticsearch's notation; None if the text is not an age.

    >>> age_of("1d"), age_of("one day")
    (86400, None)
    """
    found = _AGE.match(text)
    return int(found[1]) * _SECONDS[found[2]] if found else None


def blockers(
    nodes: Sequence[Node], to_restart: Sequence[Node], cluster: Cluster, desired: Desired
) -> list[str]:
    """Everything that forbids the restart of any node, one or two sentences each."""
    if not to_restart:
        return []
    placed = [node for node in nodes if node.placed]
    masters = [node for node in placed if "master" in node.roles]
    # A node that is not in the cluster takes no master away when it starts again.
    stops_master = not cluster.names or any(
        "master" in node.roles and not node.missing for node in to_restart
    )
    found = []
    if (
        len(masters) < SAFE_MASTERS
        and len(placed) == len(nodes)
        and stops_master
        and not desired.accept_downtime
    ):
        found.append(
            f"Only {len(masters)} node(s) may become master. While one of them restarts, there is "
            "no elected master, and the cluster does not answer for about a minute. Set "
            "elasticsearch_accept_downtime: true to accept that, or use three such nodes"
        )
    if not cluster.formed:
        if not (desired.accept_downtime and all(node in to_restart for node in placed)):
            found.append(
                "No cluster answers, so it is unknown whether a node can restart safely. Fix that "
                "first: see docker service ps --no-trunc of the service, and docker logs on the "
                "hosts"
            )
        return found
    if not cluster.names:
        found.append(
            "A node answers, but it is unknown which nodes the cluster has "
            f"({cluster.problem or 'no reason was given'}). Check the log of the elected master, "
            "and run this again"
        )
        return found
    found += _health(placed, to_restart, cluster)
    found += _leftovers(cluster)
    found += _moves(to_restart, cluster)
    found += _disks(nodes, to_restart, cluster)
    found += _versions(to_restart, cluster, desired)
    found += _snapshots(cluster, desired)
    found += _deprecations(cluster, desired)
    return found


def _health(placed: Sequence[Node], to_restart: Sequence[Node], cluster: Cluster) -> list[str]:
    missing = [node.name for node in placed if node.missing and node not in to_restart]
    found = []
    if missing:
        found.append(
            f"{', '.join(missing)} is not in the cluster, and this run does not restart it. Bring "
            "it back first (docker service ps --no-trunc, docker logs on that host): with another "
            "node away, shards could be lost"
        )
    elif cluster.status == "red" and not any(node.missing for node in to_restart):
        found.append(
            "The cluster is red: a primary shard is on no node. GET _cluster/allocation/explain "
            "shows why. No node is restarted until that is fixed"
        )
    return found


def _leftovers(cluster: Cluster) -> list[str]:
    """What a person or another run has left.

    A rolling restart finishes an interrupted one, and it finishes or reverses a move of data.
    """
    found = cluster.leftovers
    blocked = found.restriction_blockers(resumes=True) + found.removal_blockers()
    # A removal explains the exclusions.
    if found.removing:
        return blocked
    nonvoting = list(cluster.facts.get("voting_exclusions") or ())
    return blocked + found.exclusion_blockers() + voting_blockers(nonvoting)


def _moves(to_restart: Sequence[Node], cluster: Cluster) -> list[str]:
    """Data leaves a node only while the node runs."""
    found = []
    for node in to_restart:
        runs = not (node.missing or node.on_hold)
        if node.moves_data and not runs and not node.emptied(cluster.leftovers.moving):
            found.append(
                f"{node.name} does not run, so its data cannot move to the other nodes. "
                "Set elasticsearch_storage back and run playbooks/site.yml, which starts the node "
                "where its data is. Then run playbooks/move_storage.yml again"
            )
    return found


def _disks(nodes: Sequence[Node], to_restart: Sequence[Node], cluster: Cluster) -> list[str]:
    """A full disk cannot take copies of the shards of a node that is away."""
    # A missing node that starts again only adds space.
    if any(node.missing for node in to_restart):
        return []
    # The disk of a frozen node is a cache, which is normally full.
    caches = {node.name for node in nodes if node.only_frozen}
    found = [
        f"{disk['node']} has {size(disk['free'])} free of {size(disk['total'])}, and the high "
        f"watermark requires {size(disk['needed'])}: Elasticsearch moves shards off it. Free space "
        "there, or move indices to other nodes"
        for disk in cluster.facts.get("full_disks") or ()
        if disk["node"] not in caches
    ]
    blocked = list(cluster.facts.get("flooded_indices") or ())
    if blocked:
        found.append(
            f"{some(blocked)} is read-only since a disk was full "
            "(index.blocks.read_only_allow_delete). Free space: Elasticsearch then removes the "
            "block. If somebody set it by hand, PUT it back to null in the index's _settings"
        )
    return found


def _versions(to_restart: Sequence[Node], cluster: Cluster, desired: Desired) -> list[str]:
    present = sorted(set(filter(None, cluster.versions)), key=lambda text: parse(text) or (0, 0, 0))
    found = []
    for version in present:
        problem = path_problem(version, desired.version)
        if problem:
            runs = [node.name for node in to_restart if node.version == version]
            found.append(f"{problem}. {', '.join(runs) or 'A node'} runs {version}")
    if desired.back and not found and desired.version not in present:
        found.append(
            f"A rollback cannot go to {desired.version}, because no node runs it "
            f"({', '.join(present)}). For a newer version use playbooks/upgrade.yml"
        )
    unknown = sorted(set(cluster.names) - set(desired.known)) if desired.known else []
    if unknown and any(version != desired.version for version in present):
        found.append(
            f"{', '.join(unknown)} is in the cluster and not in the inventory, so it would keep "
            "its version. Add it to the inventory, or remove it from the cluster"
        )
    return found


def _snapshots(cluster: Cluster, desired: Desired) -> list[str]:
    """Without a snapshot there is no way back from a new version."""
    known = cluster.facts.get("repositories")
    if not known or not desired.snapshot_max_age:
        return []
    most = age_of(desired.snapshot_max_age)
    if most is None:
        problem = (
            f"elasticsearch_snapshot_max_age is {desired.snapshot_max_age!r}, which is not an age: "
            "use one like 1d or 12h, or leave it empty to require no snapshot"
        )
        return [problem]
    if any(one["age"] is not None and one["age"] <= most for one in known):
        return []
    states = []
    for one in known:
        if one["problem"]:
            state = f"cannot be read ({one['problem']})"
        elif one["age"] is None:
            state = "has no successful snapshot with the global state"
        else:
            state = f"has {one['snapshot']}, {age_text(one['age'])} old"
        states.append(f"{one['repository']} {state}")
    name = known[0]["repository"]
    problem = (
        f"There is no snapshot from before {desired.version} that is at most "
        f"{desired.snapshot_max_age} old (elasticsearch_snapshot_max_age): {'; '.join(states)}. "
        "Take one, because it is the only way back: "
        f"PUT _snapshot/{name}/before-{desired.version}?wait_for_completion=true"
    )
    return [problem]


def _deprecations(cluster: Cluster, desired: Desired) -> list[str]:
    incompatible = list(cluster.facts.get("incompatible") or ())
    if not incompatible:
        return []
    problem = (
        f"{desired.version} does not support what this cluster uses: "
        f"{some(incompatible, between='; ')}. GET _migration/deprecations shows what to do with "
        "each"
    )
    return [problem]
