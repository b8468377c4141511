# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: kept_secrets
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: All values of a secret on the controller, also during its rotation
description:
  - Returns the content of a file, and of the files with the suffixes C(.next) and C(.former) that
    M(elk.swarm.secret_rotation) keeps next to it during a rotation.
  - Creates no file, and skips files that do not exist.
options:
  _terms:
    description: Absolute paths of the files.
    type: list
    elements: path
    required: true
"""

EXAMPLES = r"""
- name: Show how many values the password has
  ansible.builtin.debug:
    msg: "{{ query('elk.swarm.kept_secrets', '/secure/elk/elastic_password') | length }}"
"""

RETURN = r"""
_raw:
  description: One text for each file that exists.
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.elk.swarm.plugins.module_utils.controller.local_secret import SecretError
from ansible_collections.elk.swarm.plugins.module_utils.platform.controller_files import (
    stored_values,
)


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return [value for term in terms for value in stored_values(Path(term).expanduser())]
        except SecretError as error:
            raise AnsibleError(str(error)) from error
