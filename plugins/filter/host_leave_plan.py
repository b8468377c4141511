# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: host_leave_plan
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Plan the removal of a host from the platform
description:
  - Lists the remaining steps and what forbids them. Derives both from the present state of the
    swarm, the cluster and the host, so that a run continues where a killed run stopped.
positional: node, swarm_id
options:
  _input:
    description: Name of the host in the inventory.
    type: str
    required: true
  node:
    description: Name of the host in the swarm and in the cluster.
    type: str
    required: true
  swarm_id:
    description: Node id that its own Docker reports, empty when it is in no swarm.
    type: str
    default: ""
  members:
    description: The nodes of the swarm, as M(elk.swarm.node_labels) returns them.
    type: list
    elements: dict
    required: true
  cluster:
    description: Result of M(elk.swarm.elasticsearch_placement).
    type: dict
    required: true
  services:
    description: The services of the platform, as P(elk.swarm.services#lookup) returns them.
    type: list
    elements: dict
    default: []
  groups:
    description: The groups of the inventory, usually the magic variable C(groups).
    type: dict
    default: {}
  hosts:
    description: All hosts of the platform. They may run a service whose group does not exist.
    type: list
    elements: str
    default: []
  accept_even_managers:
    description: Whether an even number of managers may remain.
    type: bool
    default: false
  ids:
    description: By host of the inventory, the node id that its own Docker reports.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the plan
  ansible.builtin.debug:
    msg: >-
      {{ 'w3' | elk.swarm.host_leave_plan('w3', members=swarm.members, cluster=found.placement) }}
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:steps) lists the remaining steps in order, and RV(ignore:told) describes them.
    - RV(ignore:refusals) lists what forbids all of the steps.
    - RV(ignore:resumed) is true if an earlier removal of this host was interrupted.
    - RV(ignore:ids) lists the ids of its nodes in the swarm.
    - RV(ignore:shards) is the number of shards on the host.
  type: dict
  sample:
    steps: [drain, vote, stop, leave, expel, clear]
    told: [its shards move to the other nodes]
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
    services: Sequence[Mapping[str, Any]] = (),
    groups: Mapping[str, Sequence[str]] | None = None,
    hosts: Sequence[str] = (),
    accept_even_managers: bool = False,
    ids: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Plan the removal of one host from the platform."""
    # Imported here, because Ansible loads all filters of the collection when it needs one of them.
    from ansible_collections.elk.swarm.plugins.module_utils.platform import host_plan
    from ansible_collections.elk.swarm.plugins.module_utils.platform.services import Service

    return host_plan.plan_leave(
        host_plan.RemovedHost(host=host, node=node, id=swarm_id or ""),
        host_plan.Swarm(nodes=members, accept_even_managers=accept_even_managers),
        host_plan.Cluster.from_dict(cluster or {}),
        host_plan.Inventory(
            services=[Service.from_dict(service) for service in services],
            groups=groups or {},
            hosts=hosts,
        ),
        ids,
    )


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"host_leave_plan": host_leave_plan}
