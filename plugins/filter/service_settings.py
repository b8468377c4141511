# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: service_settings
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: What may differ between the hosts of a service
description:
  - Takes from the descriptions of services what a host may set for itself, for the role
    P(elk.swarm.preflight#role).
  - The result contains no credentials.
positional: node
options:
  _input:
    description: Services, as P(elk.swarm.services#lookup) returns them.
    type: list
    elements: dict
    required: true
  node:
    description: Name of the host in the swarm.
    type: str
    required: true
seealso:
  - plugin: elk.swarm.services
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Show the memory limit of each service on this host
  ansible.builtin.debug:
    msg: >-
      {{ (query('elk.swarm.services', *elk_service_roles, fields=['memory', 'ports', 'data'],
                secrets=true, unchecked=true)
          | elk.swarm.service_settings(elk_node_name)).memory }}
  vars:
    elk_service_roles: [elk.swarm.kibana]
    elk_node_name: m1
"""

RETURN = r"""
_value:
  description:
    - The memory limits by the name of the service, the networks by that of the port, and by that of
      the data where it is, as P(elk.swarm.service_storage#filter) describes it.
  type: dict
  sample:
    memory: {logstash: 1g}
    networks: {syslog: [10.0.0.0/8]}
    storage: {logstash: {kind: bind}}
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def service_settings(services: Iterable[Mapping[str, Any]], node: str) -> dict[str, Any]:
    """Return what a host may set for itself."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.platform.storage_plan import plan

    found = list(services)
    return {
        "memory": {service["name"]: service["memory"] for service in found},
        "networks": {port["name"]: port["networks"] for one in found for port in one["ports"]},
        "storage": {
            data["name"]: plan(data["name"], data["storage"], node).summary()
            for service in found
            for data in service["data"]
        },
    }


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"service_settings": service_settings}
