# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: new_hosts
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Which hosts are not in the platform yet
description:
  - A host is new when the swarm has no such node, when it should run Elasticsearch and does not, or
    when its addition or its removal was interrupted.
positional: _input
options:
  _input:
    description: Name of each node, by host of the inventory.
    type: dict
    required: true
  ids:
    description: Node id that the Docker of each host reports, by host.
    type: dict
    required: true
  members:
    description: The nodes of the swarm, as M(elk.swarm.node_labels) returns them.
    type: list
    elements: dict
    required: true
  placed:
    description: Hosts that should run Elasticsearch.
    type: list
    elements: str
    required: true
  leaving:
    description: The node whose removal was interrupted, empty when there is none.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show which hosts are new
  ansible.builtin.debug:
    msg: >-
      {{ {'w3': 'w3'} | elk.swarm.new_hosts(ids={'w3': ''}, members=swarm.members, placed=['w3']) }}
"""

RETURN = r"""
_value:
  description: Names of the hosts, in the order of the input.
  type: list
  elements: str
  sample: [w3]
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def new_hosts(
    hosts: Mapping[str, str],
    ids: Mapping[str, str],
    members: Sequence[Mapping[str, Any]],
    placed: Sequence[str],
    leaving: str = "",
) -> list[str]:
    """Find the hosts that are new."""
    # Imported here, because Ansible loads all filters of the collection when it needs one of them.
    from ansible_collections.elk.swarm.plugins.module_utils.platform import host_plan

    return host_plan.new_hosts(hosts, ids, members, placed, leaving)


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"new_hosts": new_hosts}
