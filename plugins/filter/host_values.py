# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: host_values
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: One variable of many hosts
description:
  - For each host of a list, takes the first of the named host variables that is defined.
  - C(hostvars) does not contain role defaults. This filter gives a task that reads the variables
    of other hosts one place for the fallback.
positional: hostvars, names
options:
  _input:
    description: Names of hosts in the inventory.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variables of all hosts, usually the magic variable C(hostvars).
    type: dict
    required: true
  names:
    description:
      - Variables to look for. The first one that a host defines counts.
      - A dot selects a key inside a variable, as in V(ansible_facts.nodename).
    type: list
    elements: str
    required: true
  default:
    description: Value for a host without any of the variables. When left out, the host's name.
    type: raw
  by_host:
    description: Whether the result is a dictionary with the names of the hosts as keys.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show the addresses of all managers
  ansible.builtin.debug:
    msg: >-
      {{ groups['swarm_managers']
         | elk.swarm.host_values(hostvars, ['elk_address', 'ansible_host']) }}

- name: Show the Elasticsearch roles of all hosts
  ansible.builtin.debug:
    msg: >-
      {{ groups['all']
         | elk.swarm.host_values(hostvars, ['elasticsearch_node_roles'], default=['master']) }}

- name: Show the address of each manager
  ansible.builtin.debug:
    msg: >-
      {{ groups['swarm_managers']
         | elk.swarm.host_values(hostvars, ['elk_address', 'ansible_host'], by_host=true) }}
"""

RETURN = r"""
_value:
  description:
    - One value for each host, in the order of the hosts. With O(by_host=true), a dictionary of
      these values.
  type: raw
  sample: [10.20.0.11, 10.20.0.12]
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

_HOST_NAME = object()
_MISSING = object()


def host_values(
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    names: Iterable[str],
    default: Any = _HOST_NAME,
    by_host: bool = False,
) -> list[Any] | dict[str, Any]:
    """For each host the first defined variable of ``names``, else ``default``, else its name."""
    hosts, names = list(hosts), list(names)
    values: list[Any] = []
    for host in hosts:
        variables = hostvars[host]
        fallback = host if default is _HOST_NAME else default
        found = (_look_up(variables, name.split(".")) for name in names)
        values.append(next((value for value in found if value is not _MISSING), fallback))
    return dict(zip(hosts, values, strict=True)) if by_host else values


def _look_up(value: Any, path: list[str]) -> Any:
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return _MISSING
        value = value[key]
    return value


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"host_values": host_values}
