# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: scale_plan
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Which hosts start, keep and stop a service
description:
  - Takes the result of M(elk.swarm.logstash_queue) from each host and that of
    M(elk.swarm.service_info), and decides which hosts get a task, keep it or lose it.
positional: hostvars, wanted, service
options:
  _input:
    description: Names of all hosts in the inventory.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variables of all hosts, usually the magic variable C(hostvars).
    type: dict
    required: true
  wanted:
    description: Names of the hosts that should run a task.
    type: list
    elements: str
    required: true
  service:
    description: Result of M(elk.swarm.service_info).
    type: dict
    required: true
  variable:
    description: Host variable in which the result of M(elk.swarm.logstash_queue) is registered.
    type: str
    default: __logstash_seen
"""

EXAMPLES = r"""
- name: Look at every host
  elk.swarm.logstash_queue:
    service: logshipper
    path: /srv/elk/logstash
  register: __logstash_seen

- name: Look at the service
  elk.swarm.service_info:
    name: logshipper
  register: logstash_service

- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ groups['all'] | elk.swarm.scale_plan(hostvars, ['w1', 'w2'], logstash_service) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:stay), RV(ignore:join) and RV(ignore:leave) list hosts.
    - RV(ignore:between) is the number of tasks while the new tasks run and the old ones still run.
    - RV(ignore:grow) is true if the service changes before any host leaves.
  type: dict
  sample:
    stay: [w1, w2]
    join: []
    leave: [w3]
    between: 3
    grow: false
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.elk.swarm.plugins.filter.host_values import host_values


def scale_plan(
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    wanted: Iterable[str],
    service: Mapping[str, Any],
    variable: str = "__logstash_seen",
) -> dict[str, Any]:
    """Plan which hosts run a service, from what was found on them."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.swarm.scale_plan import (
        Place,
        plan_places,
    )

    hosts = list(hosts)
    labelled = set(service.get("nodes") or ())
    found = host_values(hosts, hostvars, [variable], default={})
    places = [
        Place(
            host=host,
            labelled=seen.get("node") in labelled,
            running=bool(seen.get("containers")),
        )
        for host, seen in zip(hosts, found, strict=True)
    ]
    return plan_places(places, list(wanted)).as_dict()


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"scale_plan": scale_plan}
