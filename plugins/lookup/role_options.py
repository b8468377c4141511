# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: role_options
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: The variables of roles with their specs
description:
  - Reads C(meta/argument_specs.yml) of roles, and returns the options of their main entry in one
    dictionary, for M(ansible.builtin.validate_argument_spec).
  - Leaves out options that are marked with C(no_log), because a complaint would show the value.
  - A role without such a file has no options.
options:
  _terms:
    description:
      - Names of roles. A role of a collection has its full name, like V(elk.swarm.kibana).
      - Any other role is where P(elk.swarm.services#lookup) finds it.
    type: list
    elements: str
    required: true
  without:
    description: Names of options to leave out.
    type: list
    elements: str
    default: []
seealso:
  - plugin: elk.swarm.services
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Check the variables of two roles before they run
  ansible.builtin.validate_argument_spec:
    argument_spec: "{{ lookup('elk.swarm.role_options', 'elk.swarm.kibana', 'elk.swarm.pki') }}"
"""

RETURN = r"""
_raw:
  description: One dictionary with the options of all roles.
  type: list
  elements: dict
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.common.yaml import yaml_load
from ansible.plugins.lookup import LookupBase

from ansible_collections.elk.swarm.plugins.module_utils.controller.role_folders import (
    RoleNotFoundError,
    find,
    search_path,
)

FILE = os.path.join("meta", "argument_specs.yml")
# Files of roles, which the run does not change.
_OPTIONS: dict[str, dict[str, Any]] = {}


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        without = self.get_option("without")
        search = search_path(variables or {}, constants.DEFAULT_ROLES_PATH)
        try:
            folders = [find(str(role), search) for role in terms]
        except RoleNotFoundError as error:
            raise AnsibleError(str(error)) from error
        return [
            {
                name: option
                for folder in folders
                for name, option in options_in(os.path.join(folder, FILE)).items()
                if name not in without
            }
        ]


def options_in(file: str) -> dict[str, Any]:
    """The options in a file of specs, none if there is no such file."""
    if file not in _OPTIONS:
        text = Path(file).read_text(encoding="utf-8") if os.path.isfile(file) else ""
        # Ansible's loader notes the origin of each value, and takes ten times as long.
        _OPTIONS[file] = shown(yaml_load(text) or {})
    return _OPTIONS[file]


def shown(specs: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the main entry whose values a message may show."""
    main = (specs.get("argument_specs") or {}).get("main") or {}
    options: Mapping[str, Any] = main.get("options") or {}
    return {name: option for name, option in options.items() if "no_log" not in option}
