# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: login_hint
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Where a refused password comes from, and how to log in again
description:
  - A text for the option O(elk.swarm.elasticsearch_gate#module:login_from) and the same option of
    other modules. It depends on the present files of the controller, and does not contain the
    password.
  - Mentions an interrupted rotation by M(elk.swarm.secret_rotation) if there is one.
options:
  _terms:
    description: Absolute path of the file from P(elk.swarm.local_secret#lookup).
    type: list
    elements: path
    required: true
  value:
    description: The password with which the modules log in.
    type: str
    required: true
  variable:
    description: Name of the variable that contains the password.
    type: str
    required: true
  host:
    description: A host with an Elasticsearch container.
    type: str
    required: true
  host_file:
    description: The file on that host with the password of the last run.
    type: str
    required: true
  stack:
    description: Name of the stack, which is the prefix of the service names.
    type: str
    required: true
  renewing:
    description: Whether the next password of a rotation was tried as well.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Look at the cluster
  elk.swarm.elasticsearch_roll_info:
    urls: ["https://192.0.2.10:9200"]
    username: elastic
    password: "{{ app_password }}"
    login_from: >-
      {{ lookup('elk.swarm.login_hint', '/secure/app/password', value=app_password,
                variable='app_password', host='m1', host_file='/etc/app/password', stack='app') }}
"""

RETURN = r"""
_raw:
  description: One text for each file.
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase

from ansible_collections.elk.swarm.plugins.module_utils.controller.login_hint import Place, hint


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        value, renewing = str(self.get_option("value")), bool(self.get_option("renewing"))
        names = ("variable", "host", "host_file", "stack")
        place = {name: str(self.get_option(name)) for name in names}
        return [
            hint(Place(path=Path(term).expanduser(), **place), value, renewing=renewing)
            for term in terms
        ]
