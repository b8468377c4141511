# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: https_urls
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: The URLs of servers
description:
  - Makes a URL of each address, with IPv6 addresses in brackets.
positional: port
options:
  _input:
    description: Names and addresses of the servers.
    type: list
    elements: str
    required: true
  port:
    description: The port of the servers.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show the URLs of two servers
  ansible.builtin.debug:
    msg: "{{ ['10.20.0.11', '2001:db8::11'] | elk.swarm.https_urls(9200) }}"
"""

RETURN = r"""
_value:
  description: One URL for each address, in the same order.
  type: list
  elements: str
  sample: ["https://10.20.0.11:9200", "https://[2001:db8::11]:9200"]
"""

from collections.abc import Callable, Iterable
from typing import Any


def https_urls(addresses: Iterable[Any], port: int) -> list[str]:
    """Return the URL of each server."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.common.addresses import https_url

    return [https_url(str(address), port) for address in addresses]


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"https_urls": https_urls}
