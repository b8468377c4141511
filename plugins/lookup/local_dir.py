# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: local_dir
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Where the controller keeps the secrets of a platform
description:
  - Without a term, the folder C(credentials) beside the inventory file. Where the inventory is a
    folder, Ansible reads every file in it, so the secrets are beside it then, in
    C(NAME-credentials).
  - A folder that a first run has made before stays in use.
  - It is one folder for all hosts, that of the first manager.
options:
  _terms:
    description: A folder. The inventory that reads the files in it is given, empty for none.
    type: list
    elements: path
    default: []
  better:
    description: Give a folder that no inventory reads instead.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show where the secrets are
  ansible.builtin.debug:
    msg: "{{ lookup('elk.swarm.local_dir') }}"

- name: Refuse a folder whose files would be read as inventory
  ansible.builtin.assert:
    that: lookup('elk.swarm.local_dir', '/secure/elk') == ''
"""

RETURN = r"""
_raw:
  description: A folder without a term, else one inventory for each term.
  type: list
  elements: str
"""

import os
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.elk.swarm.plugins.module_utils.controller.local_dir import (
    Inventory,
    better,
    default,
)

# Templates ask many times for what stays the same in a run.
_FOLDERS: dict[tuple[str, tuple[str, ...]], str] = {}


def inventory_dir(variables: Any, sources: tuple[str, ...]) -> str:
    """The folder of the inventory file that names the first manager."""
    managers = (variables.get("groups") or {}).get("swarm_managers") or []
    known = (str(managers[0]) if managers else "", sources)
    if known not in _FOLDERS:
        hosts = variables.get("hostvars") or {}
        found = hosts[managers[0]] if managers and managers[0] in hosts else variables
        _FOLDERS[known] = str(found.get("inventory_dir") or variables.get("inventory_dir") or "")
    return _FOLDERS[known]


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        found = variables or {}
        sources = tuple(str(path) for path in found.get("ansible_inventory_sources") or ())
        inventory = Inventory(
            sources=sources,
            ignored_patterns=tuple(map(str, constants.INVENTORY_IGNORE_PATTERNS)),
            ignored_endings=tuple(map(str, constants.INVENTORY_IGNORE_EXTS)),
        )
        if terms and not self.get_option("better"):
            return [inventory.reader_of(os.path.expanduser(str(term))) for term in terms]
        folder = inventory_dir(found, sources) or os.path.expanduser(str(terms[0]) if terms else "")
        if not folder:
            raise AnsibleError(
                "elk_local_dir is not set, and the inventory is no file or folder beside which the "
                "secrets could be kept. Set elk_local_dir to an absolute path on the controller."
            )
        return [
            better(folder, inventory) if self.get_option("better") else default(folder, inventory)
        ]
