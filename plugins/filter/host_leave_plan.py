# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: host_leave_plan
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: What is left to do until a host is out of the platform, and what forbids it
description:
  - Works every step out from what the swarm, the cluster and the host are now, so that a run which
    was killed is gone on with by the next.
positional: node, swarm_id
options:
  _input:
    description: Name of the host in the inventory.
    type: str
    required: true
  node:
    description: Its name in the swarm and in the cluster.
    type: str
    required: true
  swarm_id:
    description: Its id in the swarm as it says itself, empty when it is in none.
    type: str
    default: ""
  members:
    description: The nodes of the swarm, as M(elk.swarm.node_labels) tells them.
    type: list
    elements: dict
    required: true
  cluster:
    description: What M(elk.swarm.elasticsearch_placement) has found.
    type: dict
    required: true
  places:
    description:
      - Services whose tasks belong to hosts, each with C(name), C(variable), the C(hosts) that may
        run it without this one, its C(replicas), whether a host runs a C(single) one at most, and
        whether it may run C(here).
    type: list
    elements: dict
    default: []
  accept_even_managers:
    description: Whether an even number of managers may be left.
    type: bool
    default: false
  ids:
    description: By host of the inventory, the id in the swarm that it says it has.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what would be done
  ansible.builtin.debug:
    msg: >-
      {{ 'w3' | elk.swarm.host_leave_plan('w3', members=swarm.members, cluster=found.placement) }}
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:steps) are those that are left, in order, and RV(ignore:told) says them in words.
    - RV(ignore:refusals) says what forbids to take any.
    - RV(ignore:resumed) tells whether a removal of this host was broken off.
    - RV(ignore:ids) are the ids of its nodes in the swarm.
    - RV(ignore:shards) is the number of shards that it holds.
  type: dict
  sample:
    steps: [drain, vote, stop, leave, expel, clear]
    told: [its shards go to the other nodes]
    refusals: []
    resumed: false
    ids: [nbp2pdbcp1i5jf0tu5wi2q1kf]
    shards: 12
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def host_leave_plan(
    host: str,
    node: str,
    swarm_id: str = "",
    members: Sequence[Mapping[str, Any]] = (),
    cluster: Mapping[str, Any] | None = None,
    places: Sequence[Mapping[str, Any]] = (),
    accept_even_managers: bool = False,
    ids: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Plan the way of one host out of the platform."""
    # Not before it is called: whoever uses any filter of the collection loads all of them.
    from ansible_collections.elk.swarm.plugins.module_utils.platform import host_plan

    return host_plan.plan_leave(
        host_plan.Leaving(host=host, node=node, id=swarm_id or ""),
        host_plan.Swarm(nodes=members, accept_even_managers=accept_even_managers),
        host_plan.Cluster.from_dict(cluster or {}),
        [host_plan.Place(**{**place, "replicas": int(place["replicas"])}) for place in places],
        ids,
    )


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"host_leave_plan": host_leave_plan}
