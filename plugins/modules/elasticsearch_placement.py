#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_placement
short_description: Read the allocation of shards, and wait until a node has none
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - Returns how many shards and how much disk space each node has, how many nodes each index needs,
    and the settings that exclude nodes from allocation or voting. M(elk.swarm.elasticsearch_gate)
    checks whether a cluster is ready; this module shows what the removal of a node would affect.
  - With O(empty), waits until a node has no shards. It does not move any shard.
extends_documentation_fragment: elk.swarm.elasticsearch
attributes:
  check_mode:
    support: full
    description: Reads once and does not wait.
  diff_mode:
    support: none
    description: The module changes nothing.
  idempotent:
    support: full
    description: The module changes nothing.
options:
  empty:
    description:
      - Name of the node to wait for. If empty, the module only reads.
      - If the node leaves the cluster, the module fails, because shards without another copy are
        then lost and not moved.
    type: str
    default: ""
  wait_timeout:
    description: The seconds to wait. After that, shards that are relocating continue to do so.
    type: float
    default: 3600
  stall_timeout:
    description:
      - If no shard relocates and their number does not change for so many seconds, the module fails
        with the reason that Elasticsearch gives.
    type: float
    default: 60
notes:
  - Needs the cluster privilege C(monitor), and the index privilege C(monitor) on all indices.
seealso:
  - module: elk.swarm.elasticsearch_gate
"""

EXAMPLES = r"""
- name: Move the shards of w3 to other nodes
  elk.swarm.elasticsearch_allocation:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    state: excluded
    node: w3
    reason: removal

- name: Wait until w3 has no shards
  elk.swarm.elasticsearch_placement:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    empty: w3
"""

RETURN = r"""
placement:
  description: The nodes, their shards, and the settings that affect allocation and voting.
  returned: always
  type: dict
  contains:
    formed:
      description: Whether a cluster answers. If not, the other values are missing.
      type: bool
    problem:
      description: Why no cluster answers.
      type: str
    status:
      description: The cluster's status.
      type: str
    nodes:
      description:
        - The nodes, with C(name), C(id), C(roles) and C(master), the number, sum and maximum of
          their shards (C(shards), C(bytes), C(largest)), and C(free) and C(total) bytes of disk.
      type: list
      elements: dict
    copies:
      description: By index, the minimum number of nodes that can hold all its copies.
      type: dict
    settings:
      description: The cluster settings that were set explicitly, with dotted names.
      type: dict
    removing:
      description: The node of an interrupted removal, empty if there is none.
      type: str
    watermarks:
      description: The disk watermarks in force.
      type: dict
    voting:
      description: Ids of the nodes in the voting configuration.
      type: list
      elements: str
    excluded:
      description: The voting exclusions, with C(id) and C(name).
      type: list
      elements: dict
  sample:
    formed: true
    problem: ""
    status: green
    nodes:
      - name: w3
        id: 5KrzAWXvSkWjPzYcnHxRcA
        version: 9.2.4
        roles: [data, ingest, master]
        master: false
        shards: 12
        bytes: 5368709120
        largest: 1073741824
        free: 53687091200
        total: 107374182400
    copies: {syslog-msg-000001: 2}
    settings: {}
    removing: ""
    watermarks: {low: 85%, high: 90%}
    voting: [5KrzAWXvSkWjPzYcnHxRcA]
    excluded: []
seconds:
  description: How long the module waited.
  returned: success
  type: float
  sample: 34.2
"""

import time

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
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.shards import (
    read,
    wait_until_empty,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(
            empty={"type": "str", "default": ""},
            wait_timeout={"type": "float", "default": 3600},
            stall_timeout={"type": "float", "default": 60},
        ),
        mutually_exclusive=MUTUALLY_EXCLUSIVE,
        required_together=REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    params = module.params
    start = time.monotonic()
    remaining, why = 0, ""
    try:
        client = make_client(params)
        if params["empty"] and not module.check_mode:
            remaining, why = wait_until_empty(
                client,
                params["empty"],
                wait_timeout=params["wait_timeout"],
                stall_timeout=params["stall_timeout"],
            )
        placement = read(client)
    except ElasticsearchError as error:
        module.fail_json(msg=str(error))
    if remaining:
        module.fail_json(
            msg=f"{params['empty']} still has {remaining} shard(s): {why}", placement=placement
        )
    names = [node["name"] for node in placement.get("nodes") or ()]
    if params["empty"] and not module.check_mode and params["empty"] not in names:
        module.fail_json(
            msg=f"{params['empty']} is not in the cluster, so its shards have not moved. Start it "
            "again, and run the same command again.",
            placement=placement,
        )
    seconds = round(time.monotonic() - start, 1)
    module.exit_json(changed=False, placement=placement, seconds=seconds)


if __name__ == "__main__":
    main()
