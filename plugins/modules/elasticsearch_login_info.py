#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_login_info
version_added: 0.1.0
short_description: Find out which of two passwords of a user is valid
description:
  - Use it after a run was killed while it changed a password, so that either may be valid.
  - Elasticsearch refuses both while a new cluster creates its security index and while that index
    recovers. Therefore the module tries them for O(doubt_timeout) seconds before it fails.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.elasticsearch
options:
  next_password:
    description: The new value of O(password). It is tried if O(password) is refused.
    type: str
    required: true
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
- name: Check whether the password was changed
  elk.swarm.elasticsearch_login_info:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    next_password: "{{ lookup('ansible.builtin.file', '/secure/elk/elastic_password.next') }}"
  register: login
  no_log: true
"""

RETURN = r"""
holds:
  description: The option with the valid password, V(password) or V(next_password).
  returned: success
  type: str
  sample: password
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    Client,
    ElasticsearchError,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.module import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_TOGETHER,
    argument_spec,
    make_client,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.users import password_is_right

PAUSE = 1.0
OPTIONS = ("password", "next_password")


def first_valid_option(client: Client, params: dict[str, Any]) -> str:
    """Name of the option with the valid password; empty if both stay refused."""
    deadline = time.monotonic() + params["doubt_timeout"]
    while True:
        for option in OPTIONS:
            if password_is_right(client, params["username"], params[option]):
                return option
        if time.monotonic() >= deadline:
            return ""
        time.sleep(PAUSE)


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(
            next_password={"type": "str", "required": True, "no_log": True},
        ),
        mutually_exclusive=MUTUALLY_EXCLUSIVE,
        required_together=REQUIRED_TOGETHER,
        required_by={"next_password": ("username",)},
        supports_check_mode=True,
    )
    params: dict[str, Any] = module.params
    try:
        option = first_valid_option(make_client(params), params)
    except ElasticsearchError as error:
        module.fail_json(msg=str(error))
    if not option:
        module.fail_json(
            msg=f"Nothing was changed. Elasticsearch refuses every known password of user "
            f"'{params['username']}'. Check "
            f"{params['login_from'] or ' and '.join(OPTIONS)}."
        )
    module.exit_json(changed=False, holds=option)


if __name__ == "__main__":
    main()
