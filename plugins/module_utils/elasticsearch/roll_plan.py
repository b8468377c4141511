# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes of Elasticsearch must restart, in which order, and what forbids it.

Labels of the Swarm nodes hold what a node runs: the generation of its service and the hash of its
files. A node restarts if its labels differ from the variables. So the plan after a killed run
contains only the remaining nodes, and a run without a change restarts none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.roll_checks import blockers
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.roll_state import (
    NAMES,
    Cluster,
    Desired,
    Node,
    order,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def waited_for(nodes: Sequence[Node], to_restart: Sequence[Node], cluster: Cluster) -> list[Node]:
    """Nodes that have the right labels but do not run. This run does not restart them."""
    if not cluster.formed or not cluster.names:
        return []
    return [node for node in nodes if node.placed and node.missing and node not in to_restart]


def notes(
    nodes: Sequence[Node], to_restart: Sequence[Node], cluster: Cluster, desired: Desired
) -> list[str]:
    """What the operator must know before nodes restart, but what does not block the plan."""
    found = []
    if not to_restart:
        found += [
            f"{node.name} is not in the cluster. It has been started as the variables say, so "
            "either its host is down, or it cannot start this way. This run only waits for it "
            "(elasticsearch_form_timeout). On that host, docker logs of its last container shows "
            "why. Fix it, or set the variables back to their old values and run "
            "playbooks/rollback.yml"
            for node in waited_for(nodes, to_restart, cluster)
        ]
    if to_restart and cluster.facts.get("repositories") == [] and desired.snapshot_max_age:
        found.append(
            "No snapshot repository is registered, so there is no way back to the current version "
            f"once a node runs {desired.version}"
        )
    unknown = str(cluster.facts.get("incompatible_unknown") or "")
    if to_restart and unknown:
        found.append(
            f"It is unknown whether the cluster uses something that {desired.version} does not "
            f"support: this server has no _migration/deprecations ({unknown})"
        )
    return found


def restart_of(nodes: Sequence[Node], requested: str) -> str:
    """The name of an interrupted restart, which this run continues; otherwise the requested one.

    A restart removes its labels at its end. So a label shows that it was interrupted.
    """
    interrupted = [
        node.labels[label_names.RESTARTED] for node in nodes if label_names.RESTARTED in node.labels
    ]
    return max(interrupted, default=requested) if requested else ""


def excluded_node(nodes: Sequence[Node], to_restart: Sequence[Node], cluster: Cluster) -> str:
    """The node that gets its shards back now, because its move of data is finished or abandoned.

    A move continues while this run moves that data, and until the stopped node is back.
    """
    moving = cluster.leftovers.moving
    continued = any(
        node.name == moving and ((node.moves_data and node in to_restart) or node.on_hold)
        for node in nodes
    )
    return "" if continued else moving


def finished_restart(nodes: Sequence[Node], restart: str) -> bool:
    """Whether every node has had this restart, but the run was killed before it said so."""
    placed = [node for node in nodes if node.placed]
    return bool(restart and placed) and all(
        node.labels.get(label_names.RESTARTED) == restart for node in placed
    )


def plan(nodes: Sequence[Node], cluster: Cluster, desired: Desired) -> dict[str, Any]:
    """The nodes that must still restart, in order, and what forbids it."""
    restart = restart_of(nodes, desired.restart)
    differing = order(
        [node for node in nodes if node.placed and node.reasons(restart)],
        cluster.leftovers.moving,
    )
    # A rollback never starts what no node runs, so it does not start a first cluster.
    first_start = cluster.before_first_start and not desired.back
    to_restart = [] if first_start else differing
    give_back = excluded_node(nodes, to_restart, cluster)
    return {
        "moves": [
            {
                "host": node.host,
                "name": node.name,
                "tier": NAMES[node.rank],
                "elected": node.master,
                "missing": node.missing,
                "reasons": node.reasons(restart),
                "summary": node.summary(restart),
                "before": node.labels.get(label_names.GENERATION, ""),
                "after": node.generation,
                "version": node.version,
                "moves_data": node.moves_data,
                "emptied": node.emptied(cluster.leftovers.moving),
            }
            for node in to_restart
        ],
        "next": to_restart[0].host if to_restart else "",
        "refusals": blockers(nodes, to_restart, cluster, desired),
        "notes": notes(nodes, to_restart, cluster, desired),
        # Nodes that an earlier run tried to start for a cluster that never formed.
        "start_again": [node.name for node in differing] if first_start else [],
        "waited_for": [node.name for node in waited_for(nodes, to_restart, cluster)],
        # The nodes that must be in the cluster before another one restarts.
        "present": [node.name for node in nodes if not node.missing],
        "placed": [node.name for node in nodes if node.placed],
        "restart": restart,
        # What an interrupted run has left in the cluster, and this run removes first.
        "marked": cluster.leftovers.held,
        "give_back": give_back,
        # Whether there is something to do even if no node restarts.
        "unfinished": cluster.leftovers.held or bool(give_back) or finished_restart(nodes, restart),
        # The node whose shards move away or have moved away, in an interrupted move of data.
        "moving": cluster.leftovers.moving,
    }
