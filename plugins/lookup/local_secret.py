# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: local_secret
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: A random text that is made once and kept in a file on the controller
description:
  - Gives the content of a file. Where there is none it is made, readable for its owner only, with
    letters and digits from the system's source of randomness.
  - The file is either not there or whole, also when the run is killed at that moment, and any
    number of processes may ask at once. P(ansible.builtin.password#lookup) can leave an empty file
    then, which is an empty password for the next run, or a lock that somebody has to remove.
  - In check mode no file is made, nor with O(make=false). What is not there yet is another random
    text each time.
options:
  _terms:
    description: Absolute paths of the files.
    type: list
    elements: path
    required: true
  length:
    description: How many characters a new text has.
    type: int
    default: 32
  make:
    description:
      - Whether a file may be made. While it is not known yet whether a platform exists that has
        another secret, none may.
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
  description: One text a file.
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
