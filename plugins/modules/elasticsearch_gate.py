#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_gate
short_description: Wait until an Elasticsearch cluster is fit for the next step
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - Waits until the cluster has formed, is one cluster, has the expected nodes and the wanted
    status, and its shards have come to rest. Looks often at first, and returns at once when all of
    that is so.
  - Asks every one of O(urls) for its own cluster, so that nodes that have formed two clusters are
    found even if both are green. That, and a cluster with another uuid than O(cluster_uuid), fails
    at once, because waiting does not mend it.
  - When the time is over, the error says which condition is not met and what to look at.
extends_documentation_fragment: elk.swarm.elasticsearch
attributes:
  check_mode:
    support: full
    description: Looks once, waits for nothing and never fails because something is missing.
  diff_mode:
    support: none
    description: The module changes nothing.
  idempotent:
    support: full
    description: The module changes nothing.
options:
  wait:
    description:
      - V(false) looks once, within seconds, and returns what there is. Nodes that do not answer and
        a cluster that has not formed are then no error.
      - It is an error all the same if no cluster was seen and something listens that refuses the
        login, shows a certificate that is not trusted or gives no proper answer for
        O(doubt_timeout) seconds. Behind it a formed cluster may hide, and forming a second one
        would be the worst mistake.
      - A cluster that tells neither its health nor its nodes, as while it elects a master, is asked
        again for O(doubt_timeout) seconds. If it still does not, that is no error, and RV(missing)
        has the reason.
    type: bool
    default: true
  doubt_timeout:
    description:
      - With O(wait=false), the seconds for which a node that listens but gives no proper answer is
        asked again. A node that starts does so for a while. The same goes for a cluster that does
        not tell its nodes.
    type: float
    default: 20
  status:
    description:
      - The status to wait for, or a better one. V(red) accepts every status.
    type: str
    choices: [green, yellow, red]
    default: green
  nodes:
    description:
      - The names of the nodes that must have joined. Others may be there too.
    type: list
    elements: str
    default: []
  cluster_uuid:
    description:
      - The cluster that it must be. Without it, any one cluster will do.
    type: str
  node_ids:
    description:
      - The id that a node has to have if it is there, by its name. Another one means another data
        directory, which waiting does not mend, so it fails at once.
    type: dict
    default: {}
  settled:
    description:
      - Wait as well until no shard is initialising, relocating or being fetched.
    type: bool
    default: true
  stranded:
    description:
      - Take a yellow cluster for green when every replica that it lacks is one that no node of an
        older version can take. That is so for a while in the middle of an upgrade.
    type: bool
    default: false
  indices:
    description:
      - Indices or aliases that must be there, with every shard of theirs started.
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

- name: See whether there is a cluster already
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
    - Whether a node was seen that is a member of a formed cluster.
    - V(false) says nothing about nodes that do not run; look at their data directories.
  returned: always
  type: bool
  sample: true
cluster_uuid:
  description: The cluster's uuid, V(none) if none was seen.
  returned: always
  type: str
  sample: 9aWlGr3ORfKk6mZ3dJ1mJg
cluster_name:
  description: The cluster's name, V(none) if none was seen.
  returned: always
  type: str
  sample: elk
status:
  description: The cluster's status, V(none) if it is not known.
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
      description: The version that it runs, if it is known.
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
  description: The cluster's health as Elasticsearch gives it.
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
  description: The shards of O(indices) and where they are.
  returned: always
  type: list
  elements: dict
  sample:
    - {index: syslog-msg-000001, shard: "0", prirep: p, state: STARTED, node: m1}
reachable:
  description: Those of O(urls) that answered.
  returned: always
  type: list
  elements: str
  sample: ["https://192.0.2.10:9200"]
unreached:
  description: Those of O(urls) that did not, each with the cause.
  returned: always
  type: dict
  sample:
    "https://192.0.2.11:9200": "connection refused: nothing listens there."
missing:
  description: The conditions that are not met. Empty when the gate is open.
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
    Wanted,
    described,
    judge,
    look,
    objection,
    undecided,
    wait_for,
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
    wanted = Wanted(
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
        # The gate has a patience of its own.
        client = make_client(params, doubt_timeout=0.0)
        if params["wait"] and not module.check_mode:
            seen, verdict, _waited = wait_for(
                client,
                wanted,
                wait_timeout=params["wait_timeout"],
                request_timeout=params["timeout"],
            )
        else:
            seen = look(
                client,
                timeout=params["timeout"],
                doubt_timeout=0 if module.check_mode else params["doubt_timeout"],
                indices=wanted.indices,
            )
            verdict = judge(seen, wanted)
    except ElasticsearchError as error:
        module.fail_json(msg=str(error))
    seconds = round(time.monotonic() - start, 2)
    result = {
        "changed": False,
        **described(seen),
        "shards": [shard for shards in seen.shards.values() for shard in shards],
        "missing": verdict.missing,
        "seconds": seconds,
    }
    if module.check_mode:
        module.exit_json(**result)
    if not params["wait"] and undecided(seen):
        module.fail_json(msg=undecided(seen), **result)
    # A single look fails only for what somebody has said that he expects.
    if params["wait"] or (verdict.hopeless and (wanted.cluster_uuid or wanted.node_ids)):
        msg = objection(client, seen, verdict, seconds)
        if msg:
            module.fail_json(msg=msg, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
