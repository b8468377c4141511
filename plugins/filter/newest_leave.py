# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: newest_leave
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Hosts that give up their task, the youngest first
description:
  - When more tasks run than are wanted, names the hosts of those that were started last.
  - For services whose tasks belong to no host, but are known by the host's name.
positional: tasks, wanted
options:
  _input:
    description: Names of hosts in the inventory, each with the name of its node.
    type: dict
    required: true
  tasks:
    description: Tasks as M(elk.swarm.service_info) returns them, newest first.
    type: list
    elements: dict
    required: true
  wanted:
    description: Number of tasks that stay.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Look at the service
  elk.swarm.service_info:
    name: kibana
  register: kibana_running

- name: Show which hosts give up their task when one is to stay
  ansible.builtin.debug:
    msg: "{{ {'m1': 'm1.example', 'm2': 'm2'} | elk.swarm.newest_leave(kibana_running.tasks, 1) }}"
"""

RETURN = r"""
_value:
  description: Names of hosts in the inventory.
  type: list
  elements: str
  sample: [m2]
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def newest_leave(
    hosts: Mapping[str, str], tasks: Sequence[Mapping[str, Any]], wanted: int
) -> list[str]:
    """Name the hosts whose tasks were started last, as many as are too many."""
    # Not before it is called: whoever uses any filter of the collection loads all of them, in every
    # process that Ansible starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.swarm import scale_plan

    return scale_plan.newest_leave(hosts, tasks, wanted)


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"newest_leave": newest_leave}
