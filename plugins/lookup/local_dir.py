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
  - Without a term, returns the folder C(credentials) next to the inventory file. If the inventory
    is a folder, Ansible reads every file in it, so the folder is C(NAME-credentials) next to it.
  - A folder with the secrets of an earlier run stays in use.
  - All hosts use one folder, next to the inventory of the first manager.
options:
  _terms:
    description: A folder. Returns the inventory that reads the files in it, empty for none.
    type: list
    elements: path
    default: []
  better:
    description: Return a folder that no inventory reads instead.
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
  description: Without a term, a folder. Otherwise one inventory for each term.
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

# Templates evaluate this lookup often, and the result is the same during the whole run.
_FOLDERS: dict[tuple[str, tuple[str, ...]], str] = {}


def inventory_dir(variables: Any, sources: tuple[str, ...]) -> str:
    """The folder of the inventory file that names the first manager."""
    managers = (variables.get("groups") or {}).get("swarm_managers") or []
    key = (str(managers[0]) if managers else "", sources)
    if key not in _FOLDERS:
        hosts = variables.get("hostvars") or {}
        found = hosts[managers[0]] if managers and managers[0] in hosts else variables
        _FOLDERS[key] = str(found.get("inventory_dir") or variables.get("inventory_dir") or "")
    return _FOLDERS[key]


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
                "elk_local_dir is not set, and the inventory is not a file or folder, so it has no "
                "place for the secrets. Set elk_local_dir to an absolute path on the controller."
            )
        return [
            better(folder, inventory) if self.get_option("better") else default(folder, inventory)
        ]
