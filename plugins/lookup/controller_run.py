# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: controller_run
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: The id of this Ansible run, and the ids of all runs on this controller
description:
  - For M(elk.swarm.run_lock), which takes over a lock only if its run was killed.
options:
  _terms:
    description: Not used.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show the id of this run
  ansible.builtin.debug:
    msg: "{{ lookup('elk.swarm.controller_run').run }}"
"""

RETURN = r"""
_raw:
  description:
    - One dictionary. RV(ignore:who) is user and controller, RV(ignore:run) the id of this run.
    - RV(ignore:living) lists the ids of all processes of Ansible on this controller, and
      RV(ignore:sees) is true if the kernel showed them.
  type: list
  elements: dict
"""

from typing import Any

from ansible.plugins.lookup import LookupBase

from ansible_collections.elk.swarm.plugins.module_utils.controller.run_id import controller_run


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        return [controller_run() for _run in terms or [""]]
