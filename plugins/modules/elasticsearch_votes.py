#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_votes
short_description: Add and clear voting exclusions
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - Each master-eligible node has a vote. If half of the voters stop at once, the others cannot
    elect a master. Before a node is removed, or stops while another is down, exclude it from voting
    with this module (voting configuration exclusions).
  - Elasticsearch keeps the exclusions until they are cleared, and it can only clear all at once.
  - Uses the first node that answers, and tries another one if that node stops answering.
extends_documentation_fragment: elk.swarm.elasticsearch
attributes:
  check_mode:
    support: full
    description: Reads and compares. Does not wait.
  diff_mode:
    support: full
    description: Shows the excluded nodes before and after.
  idempotent:
    support: full
    description: Waits for nodes that are already excluded, and changes nothing.
options:
  state:
    description:
      - V(excluded) excludes O(names) or O(ids) from voting, and waits until they have no vote.
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
      - The nodes by id. Required for a node that is no longer in the cluster.
    type: list
    elements: str
    default: []
  wait_for_removal:
    description:
      - For O(state=cleared), first wait until the excluded nodes have left the cluster.
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
- name: Exclude w3 from voting before its removal
  elk.swarm.elasticsearch_votes:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    state: excluded
    names: [w3]

- name: Clear all voting exclusions
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
  description: The nodes that are excluded now; in check mode, the predicted ones.
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
    not_excluded,
)


def run(module: AnsibleModule, result: dict[str, Any]) -> None:
    """Fill in the result first, because the requests and the wait may fail."""
    params = module.params
    client = make_client(params)
    present = exclusions(client)
    before = sorted(label(one) for one in present)
    excluding = params["state"] == "excluded"
    missing = not_excluded(present, params["names"], params["ids"]) if excluding else []
    after = sorted([*before, *missing]) if excluding else []
    if after != before:
        result.update(changed=True, diff={"before": before, "after": after})
    result["excluded"] = after
    if module.check_mode:
        return
    if excluding:
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
        module.fail_json(msg="state=excluded needs either names or ids, not both")
    result: dict[str, Any] = {"changed": False}
    try:
        run(module, result)
    except ElasticsearchError as error:
        module.fail_json(msg=str(error), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
