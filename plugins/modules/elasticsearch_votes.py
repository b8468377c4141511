#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_votes
short_description: Leave nodes out when a master is elected, and let them vote again
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - A node that may become the elected master has a vote. Where half of the voters go at once, the
    others elect nobody any more. Before a node goes for good, or goes while another is away, its
    vote is taken here (the cluster's voting configuration exclusions).
  - Elasticsearch keeps that until somebody clears it, and it clears all of them at once.
  - Asks whichever node answers, and asks another one when it goes away.
extends_documentation_fragment: elk.swarm.elasticsearch
attributes:
  check_mode:
    support: full
    description: Reads and compares. Waits for nothing.
  diff_mode:
    support: full
    description: Shows the nodes that are left out, before and after.
  idempotent:
    support: full
    description: Nodes that are left out already are waited for, and nothing is changed.
options:
  state:
    description:
      - V(excluded) leaves O(names) or O(ids) out, and waits until they have no vote any more.
      - V(cleared) lets every node vote again.
    type: str
    required: true
    choices: [excluded, cleared]
  names:
    description: The nodes by name. For O(state=excluded), either this or O(ids).
    type: list
    elements: str
    default: []
  ids:
    description:
      - The nodes by id, the only way to name one that is not in the cluster any more.
    type: list
    elements: str
    default: []
  wait_for_removal:
    description:
      - For O(state=cleared), wait until the nodes that are left out have gone from the cluster.
    type: bool
    default: false
  wait_timeout:
    description: The seconds to wait.
    type: float
    default: 60
seealso:
  - module: elk.swarm.elasticsearch_placement
notes:
  - Needs the cluster privilege C(manage).
"""

EXAMPLES = r"""
- name: Take the vote of w3, which is about to go
  elk.swarm.elasticsearch_votes:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    state: excluded
    names: [w3]

- name: Let the others vote as before
  elk.swarm.elasticsearch_votes:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    state: cleared
    wait_for_removal: true
"""

RETURN = r"""
excluded:
  description: The nodes that are left out now; in check mode, those that would be.
  returned: success
  type: list
  elements: str
  sample: [w3]
"""

from typing import Any

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
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.voting import (
    clear,
    exclude,
    exclusions,
    label,
    lacking,
)


def run(module: AnsibleModule, result: dict[str, Any]) -> None:
    """Fill in what is returned, before what may fail is waited for."""
    params = module.params
    client = make_client(params)
    present = exclusions(client)
    before = sorted(label(one) for one in present)
    leave_out = params["state"] == "excluded"
    missing = lacking(present, params["names"], params["ids"]) if leave_out else []
    after = sorted([*before, *missing]) if leave_out else []
    if after != before:
        result.update(changed=True, diff={"before": before, "after": after})
    result["excluded"] = after
    if module.check_mode:
        return
    if leave_out:
        exclude(client, params["names"], params["ids"], wait_timeout=params["wait_timeout"])
    elif present:
        clear(
            client,
            wait_for_removal=params["wait_for_removal"],
            wait_timeout=params["wait_timeout"],
        )


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(
            state={"type": "str", "choices": ["excluded", "cleared"], "required": True},
            names={"type": "list", "elements": "str", "default": []},
            ids={"type": "list", "elements": "str", "default": []},
            wait_for_removal={"type": "bool", "default": False},
            wait_timeout={"type": "float", "default": 60},
        ),
        mutually_exclusive=MUTUALLY_EXCLUSIVE,
        required_together=REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    params = module.params
    if params["state"] == "excluded" and bool(params["names"]) == bool(params["ids"]):
        module.fail_json(msg="state=excluded needs either names or ids, and not both")
    result: dict[str, Any] = {"changed": False}
    try:
        run(module, result)
    except ElasticsearchError as error:
        module.fail_json(msg=str(error), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
