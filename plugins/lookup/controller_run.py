# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: controller_run
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Which run of Ansible this is, and which others live on this controller
description:
  - For M(elk.swarm.run_lock), which takes over the lock of a run that was killed, and of no other.
options:
  _terms:
    description: Nothing is asked for.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show which run this is
  ansible.builtin.debug:
    msg: "{{ lookup('elk.swarm.controller_run').run }}"
"""

RETURN = r"""
_raw:
  description:
    - One dictionary. RV(ignore:who) is user and controller, RV(ignore:run) the name of this run.
    - RV(ignore:living) are the names of all runs that live on this controller, and RV(ignore:sees)
      tells whether they could be seen.
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
