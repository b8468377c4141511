#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_secrets_info
version_added: 0.1.0
short_description: Check which passwords and tokens Elasticsearch accepts
description:
  - Tries several logins, each with all values that are possible during its rotation.
  - If the cluster does not answer, the result is empty; this is not an error.
author: The elk.swarm authors (@elk-swarm)
options:
  nodes:
    description: The addresses of the cluster's nodes, with scheme and port. They are tried in turn.
    type: list
    elements: str
    required: true
  ca_path:
    description: File with the certificate authority that signed the nodes' certificates.
    type: path
  timeout:
    description: The seconds that one response may take before the next of O(nodes) is tried.
    type: float
    default: 5
  doubt_timeout:
    description:
      - The seconds for which a refused login is tried again. While the security index recovers,
        Elasticsearch refuses valid logins.
    type: float
    default: 20
  logins:
    description: The logins to try.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the secret; the key in RV(holds).
        type: str
        required: true
      username:
        description: User to log in as. Without a user, the values are bearer tokens.
        type: str
      values:
        description: Passwords or tokens. One valid value is enough. An empty list is skipped.
        type: list
        elements: str
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
  - module: elk.swarm.elasticsearch_login_info
"""

EXAMPLES = r"""
- name: Check whether the cluster accepts the passwords on the controller
  elk.swarm.elasticsearch_secrets_info:
    nodes: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    logins:
      - name: elastic_password
        username: elastic
        values: "{{ query('elk.swarm.kept_secrets', '/secure/elk/elastic_password') }}"
  register: logins
  no_log: true
"""

RETURN = r"""
holds:
  description:
    - Whether Elasticsearch accepts one of the values, by the name of the secret. A secret without
      values is not included. Empty if no node answers.
  returned: success
  type: dict
  sample: {elastic_password: true, kibana_token: false}
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    Client,
    ElasticsearchError,
    Login,
)

PAUSE = 1.0


def is_accepted(client: Client, username: str | None, value: str) -> bool:
    login = Login(username=username, password=value) if username is not None else Login(token=value)
    probe = client.derive(login=login)
    try:
        return probe.request("GET", "/_security/_authenticate", accept=(401,)).ok
    finally:
        probe.close()


def try_logins(client: Client, logins: list[dict[str, Any]], patience: float) -> dict[str, bool]:
    deadline = time.monotonic() + patience
    holds = {login["name"]: False for login in logins if login["values"]}
    while True:
        for login in logins:
            if not holds.get(login["name"], True):
                holds[login["name"]] = any(
                    is_accepted(client, login["username"], value) for value in login["values"]
                )
        if all(holds.values()) or time.monotonic() >= deadline:
            return holds
        time.sleep(PAUSE)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "nodes": {"type": "list", "elements": "str", "required": True},
            "ca_path": {"type": "path"},
            "timeout": {"type": "float", "default": 5},
            "doubt_timeout": {"type": "float", "default": 20},
            "logins": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "username": {"type": "str"},
                    "values": {
                        "type": "list",
                        "elements": "str",
                        "required": True,
                        "no_log": True,
                    },
                },
            },
        },
        supports_check_mode=True,
    )
    params: dict[str, Any] = module.params
    try:
        client = Client(
            params["nodes"], ca_path=params["ca_path"], timeout=params["timeout"], rounds=1
        )
        holds = try_logins(client, params["logins"], params["doubt_timeout"])
    except ElasticsearchError:
        holds = {}
    module.exit_json(changed=False, holds=holds)


if __name__ == "__main__":
    main()
