# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: volume_cleaning
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Which of the volumes that somebody names may be removed
description:
  - Holds a list of volumes against what M(elk.swarm.volume_info) told of each host.
  - One that something refers to, or of which that is not known, keeps all of them.
positional: found
options:
  _input:
    description: The volumes that are to go, each as C(host/volume).
    type: list
    elements: str
    required: true
  found:
    description:
      - What M(elk.swarm.volume_info) has answered for each host, by its name, also where it failed.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Read all volumes
  elk.swarm.volume_info:
  register: found

- name: Show what would go
  ansible.builtin.debug:
    msg: "{{ ['w1/scratch'] | elk.swarm.volume_cleaning({'w1': found}) }}"
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:remove) gives the volumes that go by host, as M(elk.swarm.volume) takes them, none
      if there is an error.
    - RV(ignore:gone) are those that are not there any more.
    - RV(ignore:errors) lists the reasons to refuse.
  type: dict
  sample:
    remove: {w1: [{volume_name: scratch}]}
    gone: []
    errors: []
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def volume_cleaning(named: Sequence[str], found: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Say what goes, what is gone, and what speaks against it."""
    # Not before it is called: whoever uses any filter of the collection loads all of them, in every
    # process that Ansible starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_audit import plan_cleaning

    return plan_cleaning(named, found).as_dict()


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"volume_cleaning": volume_cleaning}
