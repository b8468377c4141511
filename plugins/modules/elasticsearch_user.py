#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_user
short_description: A user of Elasticsearch's native realm
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - Creates, changes and removes users of Elasticsearch's native realm, and sets the passwords of
    built-in users.
  - A password cannot be read back, so the module tests it with a login. It sets the password only
    if that login is refused.
  - Properties that the task does not set are not changed.
extends_documentation_fragment: elk.swarm.elasticsearch
attributes:
  check_mode:
    support: full
    description: Reads, compares, tests the password and changes nothing.
  diff_mode:
    support: full
    description: Shows what differs. For a password, only that it differs.
  idempotent:
    support: full
    description: The password of a disabled user cannot be tested and is not changed.
options:
  name:
    description:
      - The name that the user logs in with.
    type: str
    required: true
  user_password:
    description:
      - The desired password of the user. Required to create a user.
      - Do not confuse it with O(password), which the module itself logs in with.
    type: str
  update_password:
    description:
      - V(always) tests O(user_password) and sets it if it is wrong.
      - V(on_create) sets it only when it creates the user.
    type: str
    choices: [always, on_create]
    default: always
  roles:
    description:
      - All roles of the user. The order does not matter.
    type: list
    elements: str
  full_name:
    description:
      - The user's full name.
    type: str
  email:
    description:
      - The user's e-mail address.
    type: str
  metadata:
    description:
      - All metadata of the user. Keys must not begin with an underscore.
    type: dict
  enabled:
    description:
      - Whether the user may log in.
    type: bool
  builtin:
    description:
      - Whether this is a built-in user, such as V(elastic) or V(kibana_system). Only the password
        of a built-in user can be set.
    type: bool
    default: false
  state:
    description:
      - V(absent) removes the user.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: elk.swarm.elasticsearch_resource
    description: Creates the roles that a user needs.
"""

EXAMPLES = r"""
- name: User for Logstash
  elk.swarm.elasticsearch_user:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    name: logstash_writer
    user_password: "{{ elk_logstash_password }}"
    roles: [logstash_writer]
    full_name: Writes the log index
  no_log: true

- name: Password of a built-in user
  elk.swarm.elasticsearch_user:
    urls: ["https://192.0.2.10:9200"]
    ca_path: /etc/elk/pki/ca.crt
    username: elastic
    password: "{{ elk_elastic_password }}"
    name: kibana_system
    user_password: "{{ kibana_system_password }}"
    builtin: true
  no_log: true
"""

RETURN = r"""
changes:
  description: What differed, in the order in which it was changed.
  returned: always
  type: list
  elements: str
  sample: [roles, password]
exists:
  description: Whether the user exists after the run (in check mode, whether it would).
  returned: always
  type: bool
  sample: true
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    ElasticsearchError,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.module import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_TOGETHER,
    argument_spec,
    make_client,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.users import (
    DesiredUser,
    ensure_user,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(
            name={"type": "str", "required": True},
            user_password={"type": "str", "no_log": True},
            update_password={
                "type": "str",
                "choices": ["always", "on_create"],
                "default": "always",
                "no_log": False,
            },
            roles={"type": "list", "elements": "str"},
            full_name={"type": "str"},
            email={"type": "str"},
            metadata={"type": "dict"},
            enabled={"type": "bool"},
            builtin={"type": "bool", "default": False},
            state={"type": "str", "choices": ["present", "absent"], "default": "present"},
        ),
        mutually_exclusive=MUTUALLY_EXCLUSIVE,
        required_together=REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    params = module.params
    properties = {
        key: params[key]
        for key in ("roles", "full_name", "email", "metadata", "enabled")
        if params[key] is not None
    }
    desired = DesiredUser(
        name=params["name"],
        properties=properties,
        password=params["user_password"],
        update_password=params["update_password"] == "always",
        builtin=params["builtin"],
        present=params["state"] == "present",
    )
    try:
        client = make_client(params)
        outcome = ensure_user(client, desired, check_mode=module.check_mode)
    except ElasticsearchError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(outcome.changes),
        changes=outcome.changes,
        exists=outcome.exists,
        diff={"before": outcome.before, "after": outcome.after},
    )


if __name__ == "__main__":
    main()
