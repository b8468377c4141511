#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_gate
short_description: Wait until an Elasticsearch cluster is ready for the next step
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - Waits until the cluster has formed, is one cluster, has the expected nodes and status, and its
    shards have settled. Checks often at first, and returns as soon as all conditions are met.
  - Asks each of O(urls) for its own cluster, so that it finds nodes that have formed two clusters
    even if both are green. Two clusters, or another uuid than O(cluster_uuid), are an error at
    once, because waiting does not fix them.
  - After O(wait_timeout), the error says which condition is not met and what to check.
extends_documentation_fragment: elk.swarm.elasticsearch
attributes:
  check_mode:
    support: full
    description: Checks once, does not wait, and does not fail because a condition is not met.
  diff_mode:
    support: none
    description: The module changes nothing.
  idempotent:
    support: full
    description: The module changes nothing.
options:
  wait:
    description:
      - V(false) checks once, within seconds, and returns the state. Nodes that do not answer and
        a cluster that has not formed are then not an error.
      - It is still an error if no cluster was found and a node listens that refuses the login,
        shows an untrusted certificate or gives no valid answer for O(doubt_timeout) seconds. That
        node may belong to a formed cluster, and a second cluster must never be formed.
      - A cluster that returns neither its health nor its nodes, such as during the election of a
        master, is asked again for O(doubt_timeout) seconds. If it still returns neither, that is
        not an error, and RV(missing) has the reason.
    type: bool
    default: true
  doubt_timeout:
    description:
      - With O(wait=false), the seconds for which the module asks again if a node listens but gives
        no valid answer, as a starting node does, or if a cluster does not return its nodes.
    type: float
    default: 20
  status:
    description:
      - The status to wait for. A better one is accepted. V(red) accepts every status.
    type: str
    choices: [green, yellow, red]
    default: green
  nodes:
    description:
      - The names of the nodes that must have joined. Other nodes may have joined too.
    type: list
    elements: str
    default: []
  cluster_uuid:
    description:
      - The uuid that the cluster must have. Without this option, any cluster is accepted.
    type: str
  node_ids:
    description:
      - The id that each node must have if it has joined, by node name. Another id means another
        data directory. Waiting does not fix that, so it is an error at once.
    type: dict
    default: {}
  settled:
    description:
      - Also wait until no shard is initializing, relocating or being fetched.
    type: bool
    default: true
  stranded:
    description:
      - Accept a yellow cluster as green if every missing replica is one that no node of an older
        version can hold. This is temporary and normal during an upgrade.
    type: bool
    default: false
  indices:
    description:
      - Indices or aliases that must exist, with all their shards started.
    type: list
    elements: str
    default: []
  wait_timeout:
    description:
      - The seconds to wait.
    type: float
    default: 300
  timeout:
    default: 10
notes:
  - Needs the cluster privilege C(monitor).
"""

EXAMPLES = r"""
- name: Wait for five nodes and green
  elk.swarm.elasticsearch_gate:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    nodes: [m1, m2, w1, w2, w3]

- name: Check whether the cluster exists
  elk.swarm.elasticsearch_gate:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    wait: false
  register: cluster

- name: Rejoin after a restart, into the same cluster
  elk.swarm.elasticsearch_gate:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    nodes: [w1]
    cluster_uuid: "{{ cluster.cluster_uuid }}"
    status: yellow
    wait_timeout: 600
"""

RETURN = r"""
formed:
  description:
    - Whether a node answered that is a member of a formed cluster.
    - V(false) says nothing about nodes that do not run; check their data directories.
  returned: always
  type: bool
  sample: true
cluster_uuid:
  description: The cluster's uuid, V(none) if no cluster was found.
  returned: always
  type: str
  sample: 9aWlGr3ORfKk6mZ3dJ1mJg
cluster_name:
  description: The cluster's name, V(none) if no cluster was found.
  returned: always
  type: str
  sample: elk
status:
  description: The cluster's status, V(none) if it is unknown.
  returned: always
  type: str
  sample: green
nodes:
  description: The nodes of the cluster, sorted by name.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The node's name.
      type: str
    id:
      description: The node's persistent id, which belongs to its data directory.
      type: str
    version:
      description: Its version, if known.
      type: str
    roles:
      description: Its roles.
      type: list
      elements: str
    master:
      description: Whether it is the elected master.
      type: bool
  sample:
    - name: m1
      id: 5KrzAWXvSkWjPzYcnHxRcA
      version: 9.2.4
      roles: [data, ingest, master]
      master: true
health:
  description: The cluster's health as Elasticsearch returns it.
  returned: always
  type: dict
  sample:
    status: green
    number_of_nodes: 5
    active_shards: 12
    relocating_shards: 0
    initializing_shards: 0
    unassigned_shards: 0
shards:
  description: The shards of O(indices) and the nodes that hold them.
  returned: always
  type: list
  elements: dict
  sample:
    - {index: syslog-msg-000001, shard: "0", prirep: p, state: STARTED, node: m1}
reachable:
  description: The O(urls) that answered.
  returned: always
  type: list
  elements: str
  sample: ["https://192.0.2.10:9200"]
unreached:
  description: The O(urls) that did not answer, each with the cause.
  returned: always
  type: dict
  sample:
    "https://192.0.2.11:9200": "connection refused: nothing listens there."
missing:
  description: The conditions that are not met. Empty if the cluster is ready.
  returned: always
  type: list
  elements: str
  sample: ["not joined: w3 (4 joined: m1, m2, w1, w2)"]
seconds:
  description: How long the module waited.
  returned: always
  type: float
  sample: 12.4
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    ElasticsearchError,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.health_gate import (
    Desired,
    as_result,
    failure_message,
    judge,
    look,
    wait_for,
    why_uncertain,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.module import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_TOGETHER,
    argument_spec,
    make_client,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(
            wait={"type": "bool", "default": True},
            status={"type": "str", "choices": ["green", "yellow", "red"], "default": "green"},
            nodes={"type": "list", "elements": "str", "default": []},
            cluster_uuid={"type": "str"},
            node_ids={"type": "dict", "default": {}},
            settled={"type": "bool", "default": True},
            stranded={"type": "bool", "default": False},
            indices={"type": "list", "elements": "str", "default": []},
            wait_timeout={"type": "float", "default": 300},
            timeout={"type": "float", "default": 10},
        ),
        mutually_exclusive=MUTUALLY_EXCLUSIVE,
        required_together=REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    params = module.params
    desired = Desired(
        status=params["status"],
        nodes=params["nodes"],
        cluster_uuid=params["cluster_uuid"],
        node_ids=params["node_ids"],
        settled=params["settled"],
        stranded=params["stranded"],
        indices=params["indices"],
    )
    start = time.monotonic()
    try:
        # The gate has its own timeout.
        client = make_client(params, doubt_timeout=0.0)
        if params["wait"] and not module.check_mode:
            seen, verdict, _waited = wait_for(
                client,
                desired,
                wait_timeout=params["wait_timeout"],
                request_timeout=params["timeout"],
            )
        else:
            seen = look(
                client,
                timeout=params["timeout"],
                doubt_timeout=0 if module.check_mode else params["doubt_timeout"],
                indices=desired.indices,
            )
            verdict = judge(seen, desired)
    except ElasticsearchError as error:
        module.fail_json(msg=str(error))
    seconds = round(time.monotonic() - start, 2)
    result = {
        "changed": False,
        **as_result(seen),
        "shards": [shard for shards in seen.shards.values() for shard in shards],
        "missing": verdict.missing,
        "seconds": seconds,
    }
    if module.check_mode:
        module.exit_json(**result)
    if not params["wait"] and why_uncertain(seen):
        module.fail_json(msg=why_uncertain(seen), **result)
    # Without wait, only an unexpected uuid or node id is an error.
    if params["wait"] or (verdict.hopeless and (desired.cluster_uuid or desired.node_ids)):
        msg = failure_message(client, seen, verdict, seconds)
        if msg:
            module.fail_json(msg=msg, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
