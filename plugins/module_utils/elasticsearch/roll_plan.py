# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes of Elasticsearch have to be restarted, in which order, and what forbids it.

What a node runs stands in labels of the swarm: the generation of its service and the hash of its
files. Compared with what the variables ask for, they give the nodes that move. So a run that was
killed is planned again from where it got to, and a run without a change moves none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.roll_checks import refusals
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.roll_state import (
    NAMES,
    Asked,
    Cluster,
    Node,
    order,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import MARK

if TYPE_CHECKING:
    from collections.abc import Sequence


def waited_for(nodes: Sequence[Node], moves: Sequence[Node], cluster: Cluster) -> list[Node]:
    """Nodes that are to run as they are labelled, and do not. No turn is going to start them."""
    if not cluster.formed or not cluster.names:
        return []
    return [node for node in nodes if node.placed and node.missing and node not in moves]


def notes(
    nodes: Sequence[Node], moves: Sequence[Node], cluster: Cluster, asked: Asked
) -> list[str]:
    """What forbids nothing and is to be known before nodes move."""
    found = []
    if not moves:
        found += [
            f"{node.name} is not in the cluster. It has been started as the variables ask for, so "
            "either its host is down, or it does not start like that. This run only waits for it "
            "(elasticsearch_form_timeout). On that host, docker logs of its last container tells "
            "why. Mend it, or put the variables back to what they were and run "
            "playbooks/rollback.yml"
            for node in waited_for(nodes, moves, cluster)
        ]
    if moves and cluster.told.get("repositories") == [] and asked.snapshot_max_age:
        found.append(
            "No snapshot repository is registered, so nothing brings the present version back once "
            f"a node runs {asked.version}"
        )
    unknown = str(cluster.told.get("incompatible_unknown") or "")
    if moves and unknown:
        found.append(
            f"Whether something that {asked.version} does not bear is in use is not known: this "
            f"server has no _migration/deprecations ({unknown})"
        )
    return found


def restart_of(nodes: Sequence[Node], asked: str) -> str:
    """The restart to go on with if one was broken off, otherwise the one that is asked for.

    Its labels go when a restart has come to its end. So where there is one, it has not.
    """
    begun = [
        node.labels[label_names.RESTARTED] for node in nodes if label_names.RESTARTED in node.labels
    ]
    return max(begun, default=asked) if asked else ""


def plan(nodes: Sequence[Node], cluster: Cluster, asked: Asked) -> dict[str, Any]:
    """The moves that are left, in order, and what forbids them."""
    restart = restart_of(nodes, asked.restart)
    moves = order([node for node in nodes if node.placed and node.reasons(restart)])
    return {
        "moves": [
            {
                "host": node.host,
                "name": node.name,
                "tier": NAMES[node.rank],
                "elected": node.master,
                "missing": node.missing,
                "reasons": node.reasons(restart),
                "before": node.labels.get(label_names.GENERATION, ""),
                "after": node.generation,
                "version": node.version,
            }
            for node in moves
        ],
        "next": moves[0].host if moves else "",
        "refusals": refusals(nodes, moves, cluster, asked),
        "notes": notes(nodes, moves, cluster, asked),
        "waited_for": [node.name for node in waited_for(nodes, moves, cluster)],
        # Who has to be there before a node goes: all that the cluster had, and nobody else.
        "present": [node.name for node in nodes if not node.missing],
        "placed": [node.name for node in nodes if node.placed],
        "restart": restart,
        "marked": bool(cluster.settings.get(MARK)),
    }
