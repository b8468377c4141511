# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: host_replace_plan
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Plan the removal of a lost host that another host replaces
description:
  - Decides which node is removed from the swarm and which node gets a voting exclusion, so that
    another host can take its place. Refuses a host that shows any sign of life.
positional: members, cluster, new
options:
  _input:
    description: Name of the lost host in the swarm.
    type: str
    required: true
  members:
    description: The nodes of the swarm, as M(elk.swarm.node_labels) returns them.
    type: list
    elements: dict
    required: true
  cluster:
    description: Result of M(elk.swarm.elasticsearch_placement).
    type: dict
    required: true
  new:
    description: Hosts of the inventory that are not in the platform yet.
    type: list
    elements: str
    required: true
  asked:
    description: The new host that takes its place, empty when the user did not name one.
    type: str
    default: ""
  ids:
    description: By host of the inventory, the node id that its own Docker reports.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ 'w3' | elk.swarm.host_replace_plan(swarm.members, found.placement, ['w4']) }}"
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:steps) lists the remaining steps, and RV(ignore:told) describes them. Both are empty
      when the swarm no longer has such a node.
    - RV(ignore:refusals) lists what forbids all of the steps.
    - RV(ignore:ids) lists the ids of its nodes in the swarm, RV(ignore:voters) the ids in the
      cluster whose votes are lost.
    - RV(ignore:addresses) lists the addresses that the swarm had for it.
    - RV(ignore:marked) is true if an earlier removal of it was interrupted.
    - RV(ignore:also) lists other nodes that the swarm cannot reach.
  type: dict
  sample:
    steps: [vote, clear, expel]
    told:
      - it is excluded from voting for the master
      - the exclusions of its shards and its vote are removed
      - it is removed from the node list of the swarm
    refusals: []
    ids: [nbp2pdbcp1i5jf0tu5wi2q1kf]
    voters: [5KrzAWXvSkWjPzYcnHxRcA]
    addresses: [192.0.2.23]
    marked: false
    also: []
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def host_replace_plan(
    name: str,
    members: Sequence[Mapping[str, Any]],
    cluster: Mapping[str, Any],
    new: Sequence[str],
    asked: str = "",
    ids: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Plan the removal of a lost host."""
    # Imported here, because Ansible loads all filters of the collection when it needs one of them.
    from ansible_collections.elk.swarm.plugins.module_utils.platform import host_plan

    return host_plan.plan_replace(
        name,
        host_plan.Swarm(nodes=members),
        host_plan.Cluster.from_dict(cluster),
        new,
        asked,
        ids or {},
    )


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"host_replace_plan": host_replace_plan}
