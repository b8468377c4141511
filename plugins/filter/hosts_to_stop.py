# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: hosts_to_stop
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Hosts that lose their task, the newest first
description:
  - When too many tasks run, names the hosts whose tasks were started last.
  - For services whose tasks are not bound to a host, but have the name of the host.
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
    description: Number of tasks to keep.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Look at the service
  elk.swarm.service_info:
    name: kibana
  register: kibana_running

- name: Show which hosts lose their task when one task remains
  ansible.builtin.debug:
    msg: "{{ {'m1': 'm1.example', 'm2': 'm2'} | elk.swarm.hosts_to_stop(kibana_running.tasks, 1) }}"
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


def hosts_to_stop(
    hosts: Mapping[str, str], tasks: Sequence[Mapping[str, Any]], wanted: int
) -> list[str]:
    """Name the hosts of the surplus tasks: those that were started last."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.swarm import scale_plan

    return scale_plan.hosts_to_stop(hosts, tasks, wanted)


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"hosts_to_stop": hosts_to_stop}
