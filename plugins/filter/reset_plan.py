# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: reset_plan
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: The order in which hosts leave their swarm
description:
  - Takes the result of M(elk.swarm.swarm_member_info) from each host and decides which hosts leave,
    through which manager, and which manager is last.
  - Returns what forbids it as a list of sentences, each with the host and the fix.
positional: hostvars
options:
  _input:
    description: Names of all hosts of the platform.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variables of all hosts, usually the magic variable C(hostvars).
    type: dict
    required: true
  variable:
    description: Host variable in which the result of M(elk.swarm.swarm_member_info) is registered.
    type: str
    default: __reset_found
"""

EXAMPLES = r"""
- name: Look at every host
  elk.swarm.swarm_member_info:
  register: __reset_found

- name: Show which hosts would leave
  ansible.builtin.debug:
    msg: "{{ groups['all'] | elk.swarm.reset_plan(hostvars) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:source) is the manager that leaves last, empty when no host is in a swarm.
    - RV(ignore:workers) and RV(ignore:managers) give the node ids of the others by host.
    - RV(ignore:errors) lists what forbids the plan.
  type: dict
  sample:
    source: m1
    workers: {w1: nbp2pdbcp1i5jf0tu5wi2q1kf}
    managers: {}
    errors: []
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def reset_plan(
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    variable: str = "__reset_found",
) -> dict[str, Any]:
    """Put the hosts in the order in which they leave their swarm."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.platform.reset_plan import plan_leaving
    from ansible_collections.elk.swarm.plugins.module_utils.swarm.membership_plan import Member

    return plan_leaving(
        {name: Member.from_dict(hostvars[name][variable]["member"]) for name in hosts}
    ).as_dict()


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"reset_plan": reset_plan}
