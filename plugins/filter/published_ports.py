# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: published_ports
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: The ports that services publish on a host
description:
  - Lists the ports of services that a host answers, for M(elk.swarm.firewall_rules). With the
    routing mesh, each host of the swarm answers.
positional: host
options:
  _input:
    description: Services, as P(elk.swarm.services#lookup) returns them.
    type: list
    elements: dict
    required: true
  host:
    description: Name of the host in the inventory.
    type: str
    required: true
  networks:
    description: Networks and addresses that may reach all of the ports.
    type: list
    elements: str
    default: []
seealso:
  - plugin: elk.swarm.services
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Show which networks may reach Kibana
  ansible.builtin.debug:
    msg: >-
      {{ (query('elk.swarm.services', 'elk.swarm.kibana')
          | elk.swarm.published_ports(inventory_hostname))[0].networks }}
"""

RETURN = r"""
_value:
  description: The ports, in the order of their names.
  type: list
  elements: dict
  sample:
    - name: kibana
      port: 5601
      protocols: [tcp]
      networks: [10.0.0.0/8]
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def published_ports(
    services: Iterable[Mapping[str, Any]], host: str, networks: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """The ports that services publish on a host, with further networks for each."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
        Service,
        published_on,
    )

    further = list(networks)
    return [
        {
            "name": port.name,
            "port": port.port,
            "protocols": list(port.protocols),
            "networks": [*port.networks, *further],
        }
        for port in published_on(map(Service.from_dict, services), host)
    ]


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"published_ports": published_ports}
