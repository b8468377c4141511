# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: host_replace_plan
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: What is left to do about a host that is lost, and what forbids it
description:
  - Works out from the swarm and the cluster which node is struck off the list and whose vote is
    taken, so that another host can take its place. One that shows any sign of life is refused.
positional: members, cluster, new
options:
  _input:
    description: Name of the lost host in the swarm.
    type: str
    required: true
  members:
    description: The nodes of the swarm, as M(elk.swarm.node_labels) tells them.
    type: list
    elements: dict
    required: true
  cluster:
    description: What M(elk.swarm.elasticsearch_placement) has found.
    type: dict
    required: true
  new:
    description: Hosts of the inventory that are not in the platform yet.
    type: list
    elements: str
    required: true
  asked:
    description: The new host that is meant to take its place, empty when it was not named.
    type: str
    default: ""
  ids:
    description: By host of the inventory, the id in the swarm that its own Docker tells.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what would be done
  ansible.builtin.debug:
    msg: "{{ 'w3' | elk.swarm.host_replace_plan(swarm.members, found.placement, ['w4']) }}"
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:steps) are those that are left, RV(ignore:told) the same for people; none when the
      swarm has no such node any more.
    - RV(ignore:refusals) says what forbids to take any.
    - RV(ignore:ids) are the ids of its nodes in the swarm, RV(ignore:voters) the ids in the cluster
      whose votes are lost.
    - RV(ignore:addresses) are those at which the swarm knew it.
    - RV(ignore:marked) tells that a removal of it was broken off.
    - RV(ignore:also) names other nodes that the swarm misses.
  type: dict
  sample:
    steps: [vote, clear, expel]
    told:
      - its vote for the elected master is taken
      - what kept shards and votes off it is taken back
      - it is struck off the swarm's list
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
    """Plan what becomes of a lost host."""
    # Not before it is called: whoever uses any filter of the collection loads all of them.
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
