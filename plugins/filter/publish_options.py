# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: publish_options
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: The ports of a service, as the module service publishes them
description:
  - Turns the ports that a service describes into the option O(ignore:publish) of
    M(elk.swarm.service), with an entry for each protocol.
positional: targets
options:
  _input:
    description: The ports of a service, as P(elk.swarm.services#lookup) returns them.
    type: list
    elements: dict
    required: true
  targets:
    description: The port in the container, by the name of the port. Left out, it is the same port.
    type: dict
    default: {}
seealso:
  - plugin: elk.swarm.services
    plugin_type: lookup
  - module: elk.swarm.service
"""

EXAMPLES = r"""
- name: Show how Kibana is published
  ansible.builtin.debug:
    msg: >-
      {{ lookup('elk.swarm.services', 'elk.swarm.kibana').ports
         | elk.swarm.publish_options({'kibana': 5601}) }}
"""

RETURN = r"""
_value:
  description: The option.
  type: list
  elements: dict
  sample:
    - published_port: 443
      target_port: 5601
      protocol: tcp
      mode: ingress
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def publish_options(
    ports: Iterable[Mapping[str, Any]], targets: Mapping[str, int] | None = None
) -> list[dict[str, Any]]:
    """The ports with an entry for each protocol."""
    return [
        {
            "published_port": port["port"],
            "target_port": (targets or {}).get(port["name"], port["port"]),
            "protocol": protocol,
            "mode": port["publish"],
        }
        for port in ports
        for protocol in port["protocols"]
    ]


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"publish_options": publish_options}
