# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rolling_plan
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Which Elasticsearch nodes restart, in which order, and what forbids it
description:
  - Compares the variables with the labels of the swarm's nodes and with the result of
    M(elk.swarm.elasticsearch_roll_info).
positional: _input
options:
  _input:
    description: Name of each node, by host of the inventory.
    type: dict
    required: true
  configs:
    description: Desired hash of the node's files, by host.
    type: dict
    required: true
  roles:
    description: Desired roles of the node, by host.
    type: dict
    required: true
  generation:
    description: The desired generation of the service.
    type: str
    required: true
  version:
    description: The desired version.
    type: str
    required: true
  labels:
    description: Labels of the swarm's nodes, by name, as M(elk.swarm.node_labels) returns them.
    type: dict
    required: true
  cluster:
    description: Result of M(elk.swarm.elasticsearch_roll_info).
    type: dict
    required: true
  restart:
    description:
      - Name of a restart that every node needs once, even if nothing differs. An interrupted
        restart continues under the name that its nodes have in their labels.
    type: str
    default: ""
  back:
    description: Whether this is a rollback, which never starts a version that no node runs.
    type: bool
    default: false
  accept_downtime:
    description: Whether the cluster may be without a master during the restarts.
    type: bool
    default: false
  snapshot_max_age:
    description:
      - How old the last successful snapshot may be before an upgrade to a version that no node runs
        yet, such as V(1d). Empty requires no snapshot.
    type: str
    default: ""
  known:
    description: Names of all nodes in the inventory.
    type: list
    elements: str
    default: []
  never_formed:
    description:
      - Whether every host of the inventory was asked and none has ever been part of a cluster. Then
        labels only show what an earlier run tried, and nodes start as if for the first time.
    type: bool
    default: false
  work:
    description:
      - What the run does on a host while its node is stopped, by host, with C(reasons), a list of
        texts, and C(moves_data), which is true if the data of the node moves to other storage.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show which nodes would restart
  ansible.builtin.debug:
    msg: >-
      {{ {'w1': 'w1'} | elk.swarm.rolling_plan(
           configs={'w1': '0123456789ab'}, roles={'w1': ['data']},
           generation='89abcdef', version='9.2.4', labels=swarm.nodes, cluster=found) }}
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:moves) lists the nodes that restart, in order, each with the reasons, with all of
      this in one line (C(summary)), and whether its data moves to other storage (C(moves_data)) and
      an interrupted run has moved its shards away already (C(emptied)).
    - RV(ignore:next) is the host of the first of them.
    - RV(ignore:refusals) lists what forbids all of the restarts.
    - RV(ignore:notes) lists what the operator should know before the restarts.
    - RV(ignore:present) lists the nodes that are in the cluster, RV(ignore:placed) those that were
      started before.
    - RV(ignore:start_again) lists the nodes that an earlier run tried to start with other values,
      for a cluster that never formed.
    - RV(ignore:waited_for) lists the nodes that are not in the cluster and that nothing starts.
    - RV(ignore:restart) is the name of the restart in progress.
    - RV(ignore:marked) is true if a rolling restart was interrupted while it limited allocation.
    - RV(ignore:give_back) is the node whose move of data is finished or abandoned, and whose
      exclusion from allocation is still set; empty if there is none.
    - RV(ignore:moving) is the node of the interrupted move of data; empty if there is none.
    - RV(ignore:unfinished) is true if an interrupted run has left something to remove, even if no
      node restarts.
  type: dict
  sample:
    moves:
      - host: w1
        name: w1
        tier: data
        elected: false
        missing: false
        reasons: ["configuration fedcba987654 becomes 0123456789ab"]
        summary: "w1 (data): configuration fedcba987654 becomes 0123456789ab"
        before: 89abcdef
        after: 89abcdef
        version: 9.2.4
        moves_data: false
        emptied: false
    next: w1
    refusals: []
    notes: []
    start_again: []
    waited_for: []
    present: [w1]
    placed: [w1]
    restart: ""
    marked: false
    give_back: ""
    moving: ""
    unfinished: false
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
    never_formed: bool = False,
    work: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Plan the remaining node restarts."""
    # Imported here, because Ansible loads all filters of the collection when it needs one of them.
    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.roll_plan import plan
    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.roll_state import (
        Cluster,
        Desired,
        nodes_of,
    )

    members = list(cluster.get("nodes") or ())
    found = Cluster(
        formed=bool(cluster.get("formed")),
        never_formed=never_formed,
        status=str(cluster.get("status") or ""),
        names=[str(node.get("name")) for node in members],
        versions=[str(node.get("version") or "") for node in members],
        problem="; ".join(map(str, cluster.get("missing") or ())),
        facts=cluster,
    )
    desired = Desired(
        version=version,
        restart=restart,
        back=back,
        accept_downtime=accept_downtime,
        snapshot_max_age=snapshot_max_age,
        known=list(known),
    )
    nodes = nodes_of(hosts, configs, roles, generation, labels, cluster, work or {})
    return plan(nodes, found, desired)


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"rolling_plan": rolling_plan}
