# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rolling_plan
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Which nodes of Elasticsearch move, in which order, and what forbids it
description:
  - Compares what the variables ask for with the labels of the swarm's nodes and with what
    M(elk.swarm.elasticsearch_roll_info) has found.
positional: _input
options:
  _input:
    description: Names of the nodes, by host of the inventory.
    type: dict
    required: true
  configs:
    description: Hash of the files that a node is to have, by host.
    type: dict
    required: true
  roles:
    description: Roles that a node is to have, by host.
    type: dict
    required: true
  generation:
    description: The generation of the service that all are to run.
    type: str
    required: true
  version:
    description: The version that all are to run.
    type: str
    required: true
  labels:
    description: Labels of the swarm's nodes, by name, as M(elk.swarm.node_labels) tells them.
    type: dict
    required: true
  cluster:
    description: Result of M(elk.swarm.elasticsearch_roll_info).
    type: dict
    required: true
  restart:
    description:
      - Name of a restart that every node has to have had, whether or not anything differs. One that
        was broken off is gone on with under the name that its nodes have in their labels.
    type: str
    default: ""
  back:
    description: Whether this is a way back, which never leads to a version that no node runs.
    type: bool
    default: false
  accept_downtime:
    description: Whether the cluster may be without a master for a while.
    type: bool
    default: false
  snapshot_max_age:
    description:
      - How old the last successful snapshot may be when a version comes that no node runs yet, such
        as V(1d). Empty asks for none.
    type: str
    default: ""
  known:
    description: Names of all nodes that the inventory knows.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show which nodes would move
  ansible.builtin.debug:
    msg: >-
      {{ {'w1': 'w1'} | elk.swarm.rolling_plan(
           configs={'w1': '0123456789ab'}, roles={'w1': ['data']},
           generation='89abcdef', version='9.2.4', labels=swarm.nodes, cluster=found) }}
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:moves) are the nodes that move, in their order, each with its reasons.
    - RV(ignore:next) is the host of the first of them.
    - RV(ignore:refusals) says what forbids to move any.
    - RV(ignore:notes) says what forbids nothing and is to be known before.
    - RV(ignore:present) and RV(ignore:placed) are names of nodes that are in the cluster, and that
      have been started before.
    - RV(ignore:waited_for) are names of nodes that are not in the cluster and that nothing starts.
    - RV(ignore:restart) is the name of the restart that is under way.
    - RV(ignore:marked) tells whether a roll was broken off while it held shards back.
  type: dict
  sample:
    moves:
      - host: w1
        name: w1
        tier: data
        elected: false
        missing: false
        reasons: ["configuration fedcba987654 becomes 0123456789ab"]
        before: 89abcdef
        after: 89abcdef
        version: 9.2.4
    next: w1
    refusals: []
    notes: []
    waited_for: []
    present: [w1]
    placed: [w1]
    restart: ""
    marked: false
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def rolling_plan(
    hosts: Mapping[str, str],
    configs: Mapping[str, str],
    roles: Mapping[str, Sequence[str]],
    generation: str,
    version: str,
    labels: Mapping[str, Mapping[str, str]],
    cluster: Mapping[str, Any],
    restart: str = "",
    back: bool = False,
    accept_downtime: bool = False,
    snapshot_max_age: str = "",
    known: Sequence[str] = (),
) -> dict[str, Any]:
    """Plan the moves that are left."""
    # Not before it is called: whoever uses any filter of the collection loads all of them.
    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.roll_plan import plan
    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.roll_state import (
        Asked,
        Cluster,
        nodes_of,
    )

    members = list(cluster.get("nodes") or ())
    found = Cluster(
        formed=bool(cluster.get("formed")),
        status=str(cluster.get("status") or ""),
        names=[str(node.get("name")) for node in members],
        versions=[str(node.get("version") or "") for node in members],
        problem="; ".join(map(str, cluster.get("missing") or ())),
        told=cluster,
    )
    asked = Asked(
        version=version,
        restart=restart,
        back=back,
        accept_downtime=accept_downtime,
        snapshot_max_age=snapshot_max_age,
        known=list(known),
    )
    nodes = nodes_of(hosts, configs, roles, generation, labels, cluster)
    return plan(nodes, found, asked)


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"rolling_plan": rolling_plan}
