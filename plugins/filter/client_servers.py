# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: client_servers
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: The servers with TLS that clients of the platform use
description:
  - Lists the ports with TLS that services publish, for the option O(ignore:servers) of
    M(elk.swarm.status_controller).
positional: addresses
options:
  _input:
    description: Services, as P(elk.swarm.services#lookup) returns them.
    type: list
    elements: dict
    required: true
  addresses:
    description: The addresses of all hosts of these services, by the name of the host.
    type: dict
    required: true
seealso:
  - plugin: elk.swarm.services
    plugin_type: lookup
  - module: elk.swarm.status_controller
"""

EXAMPLES = r"""
- name: Show on which port clients use Kibana
  ansible.builtin.debug:
    msg: "{{ (services | elk.swarm.client_servers({'m1': '192.0.2.10'}))[0].port }}"
  vars:
    services: "{{ query('elk.swarm.services', 'elk.swarm.kibana') }}"
"""

RETURN = r"""
_value:
  description: The servers.
  type: list
  elements: dict
  sample:
    - service: kibana
      port: 5601
      addresses: {m1: 192.0.2.10}
      names: [kibana]
      path: /api/status
      required: true
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def client_servers(
    services: Iterable[Mapping[str, Any]], addresses: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The servers with TLS that clients of the platform use."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.platform.services import Service
    from ansible_collections.elk.swarm.plugins.module_utils.platform.status import servers

    return servers.client_servers(map(Service.from_dict, services), addresses)


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"client_servers": client_servers}
