#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_service_token
short_description: A token of an Elasticsearch service account
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - Makes sure that a service, such as Kibana, has a token to log in with.
  - Elasticsearch shows a token only once, when it creates it. So the module tries the token that
    you have stored. Only if that is refused or missing, the module deletes an existing token of
    this name and creates a new one.
extends_documentation_fragment: elk.swarm.elasticsearch
attributes:
  check_mode:
    support: full
    description: Tries the stored token, reads the list of tokens and changes nothing.
  diff_mode:
    support: full
    description: Shows that a token is created or deleted, never the token.
  idempotent:
    support: full
    description: If you store the returned token and pass it in the next run.
options:
  namespace:
    description:
      - The namespace of the service account.
    type: str
    default: elastic
  service:
    description:
      - The name of the service account.
    type: str
    default: kibana
  name:
    description:
      - The name of the token.
    type: str
    required: true
  token:
    description:
      - The stored token that an earlier run returned, if there is one. White space around it is
        ignored; an empty string means no token.
      - This module never logs in with O(token); it only tests it.
    type: str
    aliases: [stored_token]
  state:
    description:
      - V(absent) deletes the token of this name.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Token for Kibana
  elk.swarm.elasticsearch_service_token:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    name: "{{ elk_stack_name }}"
    token: "{{ lookup('ansible.builtin.file', elk_kibana_token_file, errors='ignore') or '' }}"
  register: kibana_token
  no_log: true

- name: Store the token on the controller
  ansible.builtin.copy:
    content: "{{ kibana_token.token }}"
    dest: "{{ elk_kibana_token_file }}"
    mode: "0600"
  delegate_to: localhost
  become: false
  when: kibana_token.token is defined
  no_log: true
"""

RETURN = r"""
token:
  description:
    - The new token. Store it, because it cannot be read again.
    - Not returned if O(token) is valid or in check mode.
  returned: when a token was created
  type: str
  sample: AAEAAWVsYXN0aWMva2liYW5hL2VsazpTNXhOcW9kaFRWYXhTbE9x
name:
  description: The name of the token.
  returned: always
  type: str
  sample: elk
reason:
  description: Why a token was created or deleted, or why not.
  returned: always
  type: str
  sample: the stored token is valid
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    ElasticsearchError,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.module import (
    REQUIRED_TOGETHER,
    argument_spec,
    make_client,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.users import (
    DesiredToken,
    ensure_token,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(
            namespace={"type": "str", "default": "elastic"},
            service={"type": "str", "default": "kibana"},
            name={"type": "str", "required": True},
            token={"type": "str", "no_log": True, "aliases": ["stored_token"]},
            state={"type": "str", "choices": ["present", "absent"], "default": "present"},
        ),
        mutually_exclusive=[("username", "api_key")],
        required_together=REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    params = module.params
    desired = DesiredToken(
        namespace=params["namespace"],
        service=params["service"],
        name=params["name"],
        stored=(params["token"] or "").strip() or None,
        present=params["state"] == "present",
    )
    try:
        client = make_client({**params, "token": None})
        outcome = ensure_token(client, desired, check_mode=module.check_mode)
    except ElasticsearchError as error:
        module.fail_json(msg=str(error))
    result = {
        "changed": outcome.changed,
        "name": desired.name,
        "reason": outcome.reason,
        "diff": {"before": outcome.before, "after": outcome.after},
    }
    if outcome.token is not None:
        result["token"] = outcome.token
    module.exit_json(**result)


if __name__ == "__main__":
    main()
