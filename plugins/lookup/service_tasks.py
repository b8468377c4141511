# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: service_tasks
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Which roles of services have a task file
description:
  - Looks which of these files each role has in its folder C(tasks). Playbooks loop over the answer
    and include the file. C(docs/services.md) explains what each file is for.
  - A role without any of the files is left out.
options:
  _terms:
    description: Names of roles, as for P(elk.swarm.services#lookup).
    type: list
    elements: str
    required: true
  files:
    description: Names of task files. The first one that a role has counts.
    type: list
    elements: str
    default: [main.yml]
seealso:
  - plugin: elk.swarm.services
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Verify each service
  ansible.builtin.include_role:
    name: "{{ elk_service.role }}"
    tasks_from: "{{ elk_service.tasks_from }}"
  loop: "{{ query('elk.swarm.service_tasks', *elk_service_roles, files=['verify.yml']) }}"
  loop_control:
    loop_var: elk_service
    label: "{{ elk_service.role }}"
"""

RETURN = r"""
_raw:
  description: The roles that have one of the files, in the order of the roles.
  type: list
  elements: dict
  contains:
    role:
      description: Name of the role.
      type: str
      sample: elk.swarm.logstash
    tasks_from:
      description: The file.
      type: str
      sample: verify.yml
"""

import os
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.elk.swarm.plugins.module_utils.controller.role_folders import (
    RoleNotFoundError,
    find,
    role_tasks,
    search_path,
)


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, str]]:
        self.set_options(var_options=variables, direct=kwargs)
        files = self.get_option("files")
        search = search_path(variables or {}, constants.DEFAULT_ROLES_PATH)
        try:
            folders = {str(role): find(str(role), search) for role in terms}
        except RoleNotFoundError as error:
            raise AnsibleError(str(error)) from error
        there = {
            role: [file for file in files if os.path.isfile(os.path.join(folder, "tasks", file))]
            for role, folder in folders.items()
        }
        return role_tasks(there, files)
