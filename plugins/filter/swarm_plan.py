# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: swarm_plan
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: What each host has to do until all are in one swarm
description:
  - Takes the result of M(elk.swarm.swarm_member_info) from each host and decides, for all hosts at
    once, which one starts the swarm, which ones join and through which manager.
  - Plans a new swarm only when it has the result of every manager of the inventory and none is in a
    swarm, so that a run against a few hosts cannot split the platform in two.
  - Returns what forbids a change as a list of sentences, each with the host and the fix.
positional: hostvars, managers
options:
  _input:
    description: Names of all hosts in the inventory that belong in the swarm.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variables of all hosts, usually the magic variable C(hostvars).
    type: dict
    required: true
  managers:
    description: Names of the hosts that become managers; the others become workers.
    type: list
    elements: str
    required: true
  accept_even_managers:
    description: Whether an even number of managers is accepted.
    type: bool
    default: false
  variable:
    description: Host variable in which the result of M(elk.swarm.swarm_member_info) is registered.
    type: str
    default: __swarm_found
  labels:
    description: Host variable with the labels of the host. Reserved labels are refused.
    type: str
    default: swarm_labels
"""

EXAMPLES = r"""
- name: Look at every host
  elk.swarm.swarm_member_info:
  register: __swarm_found

- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ groups['all'] | elk.swarm.swarm_plan(hostvars, groups['swarm_managers']) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:steps) gives V(init), V(join) or V(nothing) for each host with a result.
    - RV(ignore:pending) lists the hosts whose step is not V(nothing).
    - RV(ignore:source) is the manager through which the others join.
    - RV(ignore:cluster_id) is the id of the existing swarm, empty when there is none.
    - RV(ignore:errors) lists what forbids the plan.
  type: dict
  sample:
    steps: {m1: init, w1: join}
    pending: [m1, w1]
    source: m1
    cluster_id: ""
    errors: []
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.elk.swarm.plugins.filter.host_values import host_values


def swarm_plan(
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    managers: Iterable[str],
    accept_even_managers: bool = False,
    variable: str = "__swarm_found",
    labels: str = "swarm_labels",
) -> dict[str, Any]:
    """Plan how all hosts get into one swarm, from what was found on them."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.swarm.membership_plan import (
        WORKER,
        hosts_of,
        plan_swarm,
    )
    from ansible_collections.elk.swarm.plugins.module_utils.swarm.nodes import Desired, label_errors

    hosts = list(hosts)
    found = host_values(hosts, hostvars, [variable], default=None)
    plan = plan_swarm(
        hosts_of(dict(zip(hosts, found, strict=True)), managers),
        accept_even_managers=accept_even_managers,
    ).as_dict()
    # Checked before the swarm exists, not after.
    plan["errors"] += label_errors(
        [
            Desired(name=name, role=WORKER, labels=hostvars[name][labels])
            for name in hosts
            if labels in hostvars[name] and isinstance(hostvars[name][labels], Mapping)
        ]
    )
    return plan


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"swarm_plan": swarm_plan}
