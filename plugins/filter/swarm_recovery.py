# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: swarm_recovery
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Which manager carries on alone when a swarm has lost its majority
description:
  - Takes what M(elk.swarm.swarm_member_info) found on the hosts that are left.
  - As long as one manager reaches a majority, nothing is to be forced.
positional: hostvars, managers
options:
  _input:
    description: Names of the hosts that are left, as they stand in the inventory.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variables of all hosts, usually the magic variable C(hostvars).
    type: dict
    required: true
  managers:
    description: Names of all managers, also of those that are lost.
    type: list
    elements: str
    required: true
  lost:
    description: Names of the hosts that are said to be lost.
    type: list
    elements: str
    required: true
  variable:
    description: Host variable in which the result of M(elk.swarm.swarm_member_info) is registered.
    type: str
    default: swarm_found
  answer:
    description: Host variable with the result of a task that tries to reach a lost host.
    type: str
    default: swarm_lost_answer
"""

EXAMPLES = r"""
- name: Show who would carry on
  ansible.builtin.debug:
    msg: >-
      {{ ['m2', 'w1'] | elk.swarm.swarm_recovery(hostvars, groups['swarm_managers'], lost=['m1']) }}
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:survivor) is the manager that is asked from now on.
    - RV(ignore:force) tells whether it has to be made the only one.
    - RV(ignore:errors) lists the reasons to refuse.
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
    variable: str = "swarm_found",
    answer: str = "swarm_lost_answer",
) -> dict[str, Any]:
    """Plan the recovery from what was found on the hosts."""
    # Not before it is called: whoever uses any filter of the collection loads all of them.
    from ansible_collections.elk.swarm.plugins.module_utils.swarm.membership_plan import hosts_of
    from ansible_collections.elk.swarm.plugins.module_utils.swarm.quorum_recovery import (
        plan_recovery,
    )

    left, in_charge = list(hosts), set(managers)
    found = host_values(left, hostvars, [variable], default={})
    gone = [name for name in lost if name in in_charge]
    answers = host_values(gone, hostvars, [answer], default={"unreachable": True})
    return plan_recovery(
        hosts_of(dict(zip(left, found, strict=True)), in_charge),
        {
            name: not result.get("unreachable", False)
            for name, result in zip(gone, answers, strict=True)
        },
    ).as_dict()


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Give the filter by its name."""
        return {"swarm_recovery": swarm_recovery}
