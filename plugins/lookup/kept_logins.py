# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: kept_logins
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: The logins of services with all values that the controller keeps
description:
  - Returns the logins for M(elk.swarm.elasticsearch_secrets_info), with the values that
    P(elk.swarm.kept_secrets#lookup) finds.
  - Skips credentials that nobody logs in with.
options:
  _terms:
    description: Credentials, as P(elk.swarm.services#lookup) returns them.
    type: list
    elements: dict
    required: true
  directory:
    description: Folder of their files. A credential may have another path.
    type: path
    required: true
seealso:
  - plugin: elk.swarm.kept_secrets
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Show who logs in
  ansible.builtin.debug:
    msg: "{{ query('elk.swarm.kept_logins', *credentials, directory='/secure/elk')
             | map(attribute='name') }}"
  vars:
    credentials: "{{ lookup('elk.swarm.services', 'elk.swarm.logstash').credentials }}"
"""

RETURN = r"""
_raw:
  description: Name, user and values of each login. A token has no user.
  type: list
  elements: dict
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.elk.swarm.plugins.module_utils.controller.local_secret import SecretError
from ansible_collections.elk.swarm.plugins.module_utils.platform.controller_files import (
    stored_values,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import Credential


class LookupModule(LookupBase):
    def run(
        self, terms: list[Mapping[str, Any]], variables: Any = None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        directory = self.get_option("directory")
        try:
            return [
                {
                    "name": one.name,
                    "username": one.user or None,
                    "values": stored_values(Path(one.path(directory))),
                }
                for one in map(Credential.from_dict, terms)
                if one.user or one.token
            ]
        except SecretError as error:
            raise AnsibleError(str(error)) from error
