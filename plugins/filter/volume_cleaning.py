# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: volume_cleaning
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Which of the named volumes may be removed
description:
  - Compares a list of volumes with the result of M(elk.swarm.volume_info) from each host.
  - If one volume is in use, or if its use is unknown, none of them may be removed.
positional: found
options:
  _input:
    description: The volumes to remove, each as C(host/volume).
    type: list
    elements: str
    required: true
  found:
    description:
      - The result of M(elk.swarm.volume_info) by host, also where the module failed.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Read all volumes
  elk.swarm.volume_info:
  register: found

- name: Show what would be removed
  ansible.builtin.debug:
    msg: "{{ ['w1/scratch'] | elk.swarm.volume_cleaning({'w1': found}) }}"
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:remove) lists the volumes to remove by host, as M(elk.swarm.volume) takes them. It
      is empty if there is an error.
    - RV(ignore:gone) lists the volumes that no longer exist.
    - RV(ignore:errors) lists what forbids the removal.
  type: dict
  sample:
    remove: {w1: [{volume_name: scratch}]}
    gone: []
    errors: []
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def volume_cleaning(named: Sequence[str], found: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """List what to remove, what no longer exists, and what forbids the removal."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_audit import plan_cleaning

    return plan_cleaning(named, found).as_dict()


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"volume_cleaning": volume_cleaning}
