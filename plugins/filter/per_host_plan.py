# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: per_host_plan
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: The Swarm services of a service of kind per_host
description:
  - Names the service of each host, with the constraint that keeps its task there.
  - Names the services of hosts that are no hosts of the service any more.
positional: name, nodes, hosts, present
options:
  _input:
    description: What Swarm calls the service, without a host.
    type: str
    required: true
  name:
    description:
      - Name of the service in its description. It stays when Swarm calls the service otherwise, so
        the services of the former name are found by it.
    type: str
    required: true
  nodes:
    description: By the host of the inventory, what it is called in the swarm.
    type: dict
    required: true
  hosts:
    description: The hosts of the service.
    type: list
    elements: str
    required: true
  present:
    description:
      - The names of the services in the swarm that have its label, as M(elk.swarm.service_info)
        returns them.
    type: list
    elements: str
    required: true
seealso:
  - module: elk.swarm.service_info
"""

EXAMPLES = r"""
- name: Show the service of a host
  ansible.builtin.debug:
    msg: "{{ 'broker' | elk.swarm.per_host_plan('broker', {'m1': 'm1'}, ['m1'], []) }}"
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:services) has the services to deploy, in the order of the hosts. Those in
      RV(ignore:former) of an entry are removed before it, because their name has changed.
    - RV(ignore:former) has the names of those to remove after that.
  type: dict
  sample:
    services:
      - host: m1
        name: broker-m1
        constraints: [node.hostname == m1]
        labels: {elk.per_host: broker}
        former: []
    former: [broker-w2]
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def per_host_plan(
    service: str,
    name: str,
    nodes: Mapping[str, str],
    hosts: Iterable[str],
    present: Iterable[str],
) -> dict[str, Any]:
    """Return the services to deploy and to remove."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from dataclasses import asdict

    from ansible_collections.elk.swarm.plugins.module_utils.swarm import per_host_plan as plans

    found = plans.per_host_plan(service, name, nodes, hosts, present)
    return {
        "services": [
            {**asdict(one), "constraints": list(one.constraints), "former": list(one.former)}
            for one in found.services
        ],
        "former": list(found.former),
    }


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"per_host_plan": per_host_plan}
