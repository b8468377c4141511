# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: reachability
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Whether the controller reaches hosts directly
description:
  - Connects from the controller to all addresses and ports at once. Behind a bastion, ssh reaches
    the hosts and the controller does not.
  - A refused connection is an answer as well. The host is there then, and only its service is not.
options:
  _terms:
    description: The addresses of the hosts.
    type: list
    elements: str
    required: true
  ports:
    description: The ports to try on each of them.
    type: list
    elements: int
    required: true
  timeout:
    description: Seconds to wait for the first answer.
    type: float
    default: 3
"""

EXAMPLES = r"""
- name: Show whether the controller reaches the hosts
  ansible.builtin.debug:
    msg: "{{ lookup('elk.swarm.reachability', '192.0.2.10', '192.0.2.11', ports=[514, 9200]) }}"
"""

RETURN = r"""
_raw:
  description:
    - One dictionary. RV(ignore:reached) says whether any host answers, and RV(ignore:problem) why
      the first one does not if none does.
  type: list
  elements: dict
"""

from typing import Any

from ansible.plugins.lookup import LookupBase

from ansible_collections.elk.swarm.plugins.module_utils.controller.reachability import reachability


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        endpoints = [(str(term), int(port)) for port in self.get_option("ports") for term in terms]
        found = reachability(endpoints, self.get_option("timeout"))
        return [{"reached": found.reached, "problem": found.problem}]
