#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_login_info
version_added: 0.1.0
short_description: Tell which of several passwords of a user holds
description:
  - For a password that was being changed when a run was killed. The passwords are tried in their
    order, and the first that holds is named.
  - None holds while a new cluster creates its security index, and while that index recovers. So
    they are tried again for O(doubt_timeout) seconds before that is an error.
author: The elk.swarm authors (@elk-swarm)
options:
  urls:
    description: The addresses of the cluster's nodes, with scheme and port. They are tried in turn.
    type: list
    elements: str
    required: true
  ca_path:
    description:
      - File with the authority that signed the nodes' certificates, on the host where the module
        runs.
    type: path
  username:
    description: Whose passwords they are.
    type: str
    required: true
  passwords:
    description: The passwords, by a name that is returned. An empty one is left out.
    type: dict
    required: true
  login_from:
    description: Where the passwords are kept. An error names it.
    type: str
  timeout:
    description: The seconds that one answer may take before the next of O(urls) is tried.
    type: float
    default: 30
  doubt_timeout:
    description: The seconds for which it is not believed that none of them holds.
    type: float
    default: 20
attributes:
  check_mode:
    description: Can run in check mode without changing anything.
    support: full
  diff_mode:
    description: Changes nothing.
    support: N/A
  idempotent:
    description: Changes nothing.
    support: full
seealso:
  - module: elk.swarm.elasticsearch_user
"""

EXAMPLES = r"""
- name: See how far a change of the password has come
  elk.swarm.elasticsearch_login_info:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    passwords:
      former: "{{ former_password }}"
      next: "{{ next_password }}"
  register: login
  no_log: true
"""

RETURN = r"""
holds:
  description: Name of the password that holds.
  returned: success
  type: str
  sample: former
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch_client import (
    Client,
    ElasticsearchError,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch_users import (
    password_is_right,
)

PAUSE = 1.0


def first_that_holds(client: Client, username: str, passwords: dict[str, str]) -> str:
    for name, password in passwords.items():
        if password and password_is_right(client, username, password):
            return name
    return ""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "urls": {"type": "list", "elements": "str", "required": True},
            "ca_path": {"type": "path"},
            "username": {"type": "str", "required": True},
            "passwords": {"type": "dict", "required": True, "no_log": True},
            "login_from": {"type": "str"},
            "timeout": {"type": "float", "default": 30},
            "doubt_timeout": {"type": "float", "default": 20},
        },
        supports_check_mode=True,
    )
    params: dict[str, Any] = module.params
    # With no_log a dictionary's values never show, and its keys are names that the caller chose.
    passwords = {name: str(value or "") for name, value in params["passwords"].items()}
    deadline = time.monotonic() + params["doubt_timeout"]
    try:
        client = Client(params["urls"], ca_path=params["ca_path"], timeout=params["timeout"])
        while True:
            name = first_that_holds(client, params["username"], passwords)
            if name or time.monotonic() >= deadline:
                break
            time.sleep(PAUSE)
    except ElasticsearchError as error:
        module.fail_json(msg=str(error))
    if not name:
        module.fail_json(
            msg=f"Nothing was changed. Elasticsearch refuses every password of user "
            f"'{params['username']}' that is known here. Check "
            f"{params['login_from'] or 'passwords'}."
        )
    module.exit_json(changed=False, holds=name)


if __name__ == "__main__":
    main()
