# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: local_secret
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: A random secret that is created once and kept in a file on the controller
description:
  - Returns the content of a file. If the file does not exist, creates it with random letters and
    digits from the system's source of randomness. Only its owner can read it.
  - The file is complete or absent, even if the run is killed while it writes, and any number of
    processes can call the lookup at the same time. P(ansible.builtin.password#lookup) can leave an
    empty file, which is an empty password for the next run, or a lock that an operator must remove.
  - Creates no file in check mode or with O(make=false). Each call then returns a different random
    text if the file does not exist.
options:
  _terms:
    description: Absolute paths of the files.
    type: list
    elements: path
    required: true
  length:
    description: Number of characters of a new secret.
    type: int
    default: 32
  make:
    description:
      - Whether the lookup may create a file. Set it to V(false) until it is known that no existing
        platform uses another secret.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Give a program its password
  ansible.builtin.copy:
    content: "{{ lookup('elk.swarm.local_secret', '/secure/app/password', length=48) }}"
    dest: /etc/app/password
    mode: "0400"
  no_log: true
"""

RETURN = r"""
_raw:
  description: One secret for each file.
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.elk.swarm.plugins.module_utils.controller.local_secret import (
    SecretError,
    keep,
)


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        length = int(self.get_option("length"))
        write = self.get_option("make") and not (variables or {}).get("ansible_check_mode", False)
        try:
            return [keep(Path(term).expanduser(), length, write=write) for term in terms]
        except SecretError as error:
            raise AnsibleError(str(error)) from error
