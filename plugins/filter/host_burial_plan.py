# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: host_burial_plan
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: What is left to do about a host that is dead, and what forbids it
description:
  - Works out from the swarm and the cluster which node is struck off the list and whose vote is
    taken, so that another host can take its place.
positional: members, cluster, new
options:
  _input:
    description: Name of the dead host in the swarm.
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
    description: Hosts of the inventory that are in no swarm yet.
    type: list
    elements: str
    required: true
  asked:
    description: The new host that is meant to take its place, empty when it was not named.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show what would be done
  ansible.builtin.debug:
    msg: "{{ 'w3' | elk.swarm.host_burial_plan(swarm.members, found.placement, ['w4']) }}"
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:ids) are the ids of its nodes in the swarm, RV(ignore:managers) those of them that
      are managers, RV(ignore:voters) the ids in the cluster whose votes are lost.
    - RV(ignore:addresses) are those at which the swarm knew it.
    - RV(ignore:clear) tells whether votes are excluded, or will be, and are to be allowed again.
    - RV(ignore:done) tells that the swarm has no such node any more.
    - RV(ignore:refusals) says what forbids to do anything.
  type: dict
  sample:
    ids: [nbp2pdbcp1i5jf0tu5wi2q1kf]
    managers: []
    voters: [5KrzAWXvSkWjPzYcnHxRcA]
    addresses: [192.0.2.23]
    clear: true
    done: false
    refusals: []
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def host_burial_plan(
    name: str,
    members: Sequence[Mapping[str, Any]],
    cluster: Mapping[str, Any],
    new: Sequence[str],
    asked: str = "",
) -> dict[str, Any]:
    """Plan what becomes of a dead host."""
    # Not before it is called: whoever uses any filter of the collection loads all of them.
    from ansible_collections.elk.swarm.plugins.module_utils import membership

    return membership.plan_burial(
        name, membership.Swarm(nodes=members), membership.Cluster.from_dict(cluster), new, asked
    )


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"host_burial_plan": host_burial_plan}
