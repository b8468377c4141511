#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_placement
short_description: Where the shards of a cluster are, and wait until a node has none
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - Tells which node holds how many shards and how much room it has, how many copies each index
    wants, and what keeps shards or votes off nodes. For M(elk.swarm.elasticsearch_gate) a cluster
    is fit or not; this says what happens to it when a node goes.
  - With O(empty) waits until a node has no shard any more. It moves none by itself.
extends_documentation_fragment: elk.swarm.elasticsearch
attributes:
  check_mode:
    support: full
    description: Looks once and waits for nothing.
  diff_mode:
    support: none
    description: The module changes nothing.
  idempotent:
    support: full
    description: The module changes nothing.
options:
  empty:
    description: Name of a node that is to have no shard. Empty, only looks.
    type: str
    default: ""
  wait_timeout:
    description: The seconds to wait. Shards that are on their way after that go on moving.
    type: float
    default: 3600
  stall_timeout:
    description:
      - Seconds after which shards that neither move nor get fewer count as unable to go. The error
        then has the reason that Elasticsearch gives.
    type: float
    default: 60
notes:
  - Needs the cluster privilege C(monitor), and the index privilege C(monitor) on all indices.
seealso:
  - module: elk.swarm.elasticsearch_gate
"""

EXAMPLES = r"""
- name: Have the shards of w3 go elsewhere
  elk.swarm.elasticsearch_resource:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    path: /_cluster/settings
    body:
      persistent:
        cluster.routing.allocation.exclude._name: w3

- name: Wait until they have
  elk.swarm.elasticsearch_placement:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    empty: w3
"""

RETURN = r"""
placement:
  description: What was found.
  returned: always
  type: dict
  contains:
    formed:
      description: Whether a cluster answers. Without one the other values are missing.
      type: bool
    problem:
      description: Why none answers.
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
      description: By index, the nodes that it needs at least so that every copy has one.
      type: dict
    settings:
      description: The settings that somebody has set, flat.
      type: dict
    watermarks:
      description: The disk watermarks in force.
      type: dict
    voting:
      description: Ids of the nodes whose votes count when a master is elected.
      type: list
      elements: str
    excluded:
      description: Nodes that may not vote, with C(id) and C(name).
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
    left, why = 0, ""
    try:
        client = make_client(params)
        if params["empty"] and not module.check_mode:
            left, why = wait_until_empty(
                client,
                params["empty"],
                wait_timeout=params["wait_timeout"],
                stall_timeout=params["stall_timeout"],
            )
        placement = read(client)
    except ElasticsearchError as error:
        module.fail_json(msg=str(error))
    if left:
        module.fail_json(
            msg=f"{params['empty']} still has {left} shard(s): {why}", placement=placement
        )
    seconds = round(time.monotonic() - start, 1)
    module.exit_json(changed=False, placement=placement, seconds=seconds)


if __name__ == "__main__":
    main()
