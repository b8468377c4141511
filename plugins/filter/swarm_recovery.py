# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: swarm_recovery
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Which manager rebuilds the quorum when a swarm has lost its majority
description:
  - Takes the result of M(elk.swarm.swarm_member_info) from the remaining hosts.
  - While one manager reaches a majority, no new cluster is forced.
positional: hostvars, managers
options:
  _input:
    description: Names of the remaining hosts in the inventory.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variables of all hosts, usually the magic variable C(hostvars).
    type: dict
    required: true
  managers:
    description: Names of all managers, including the lost ones.
    type: list
    elements: str
    required: true
  lost:
    description: Names of the hosts that the user declares lost.
    type: list
    elements: str
    required: true
  variable:
    description: Host variable in which the result of M(elk.swarm.swarm_member_info) is registered.
    type: str
    default: __swarm_found
  answer:
    description: Host variable with the result of a task that tries to reach a lost host.
    type: str
    default: swarm_lost_answer
"""

EXAMPLES = r"""
- name: Show which manager would rebuild the quorum
  ansible.builtin.debug:
    msg: >-
      {{ ['m2', 'w1'] | elk.swarm.swarm_recovery(hostvars, groups['swarm_managers'], lost=['m1']) }}
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:survivor) is the manager to use from now on.
    - RV(ignore:force) is true if it must become the only manager (C(--force-new-cluster)).
    - RV(ignore:errors) lists what forbids the plan.
  type: dict
  sample:
    survivor: m2
    force: true
    errors: []
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.elk.swarm.plugins.filter.host_values import host_values


def swarm_recovery(
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    managers: Iterable[str],
    lost: Iterable[str],
    variable: str = "__swarm_found",
    answer: str = "swarm_lost_answer",
) -> dict[str, Any]:
    """Plan the recovery from what was found on the hosts."""
    # Imported here, because Ansible loads all filters of the collection when it needs one of them.
    from ansible_collections.elk.swarm.plugins.module_utils.swarm.membership_plan import hosts_of
    from ansible_collections.elk.swarm.plugins.module_utils.swarm.quorum_recovery import (
        plan_recovery,
    )

    remaining, all_managers = list(hosts), set(managers)
    found = host_values(remaining, hostvars, [variable], default={})
    lost_managers = [name for name in lost if name in all_managers]
    answers = host_values(lost_managers, hostvars, [answer], default={"unreachable": True})
    return plan_recovery(
        hosts_of(dict(zip(remaining, found, strict=True)), all_managers),
        {
            name: not result.get("unreachable", False)
            for name, result in zip(lost_managers, answers, strict=True)
        },
    ).as_dict()


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"swarm_recovery": swarm_recovery}
