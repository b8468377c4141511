#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_allocation
short_description: Restrict shard allocation while a node is down, or move all shards off a node
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - A node that restarts comes back with its shard copies. Without this module, the other nodes
    start to copy those shards again in the meantime, which takes far longer.
  - V(held) allows allocation for primaries only (C(cluster.routing.allocation.enable)). The same
    request stores O(mark) in the cluster, so that a later run knows that it may remove the setting.
  - Then it flushes all indices to the disk, which makes the stop and the start of the node shorter.
  - V(free) removes both settings, and can wait until every shard has its copies again.
  - V(excluded) moves all shards off O(node) (C(cluster.routing.allocation.exclude._name)). The same
    request stores O(reason) in the cluster. V(included) removes both settings. To wait until the
    node has no shard, use M(elk.swarm.elasticsearch_placement).
  - What a person has set in the meantime stays, such as another excluded node or another
    restriction of allocation.
extends_documentation_fragment: elk.swarm.elasticsearch
attributes:
  check_mode:
    support: full
    description: Reads and compares. Does not flush and does not wait.
  diff_mode:
    support: full
    description: Shows the settings that differ.
  idempotent:
    support: full
    description: If the cluster already has the same O(mark), no setting is changed.
options:
  state:
    description:
      - V(held) restricts allocation to primaries, V(free) allows all of it again.
      - V(excluded) moves all shards off O(node), V(included) allows shards on it again.
    type: str
    required: true
    choices: [held, free, excluded, included]
  mark:
    description:
      - Who restricts allocation, stored as C(cluster.metadata.elk_roll). Required for
        O(state=held).
    type: str
  node:
    description:
      - The name of the node. Required for O(state=excluded) and O(state=included).
    type: str
  reason:
    description:
      - Why the shards leave the node. V(removal) is stored as C(cluster.metadata.elk_leave) and
        V(move) as C(cluster.metadata.elk_move), each with the name of the node. Required for
        O(state=excluded) and O(state=included).
    type: str
    choices: [removal, move]
  flush_timeout:
    description:
      - For O(state=held), the seconds that the flush may take. A flush that takes longer or fails
        is not an error. V(0) does not flush.
    type: float
    default: 60
  wait:
    description:
      - For O(state=free), wait as M(elk.swarm.elasticsearch_gate) does until the cluster has
        O(nodes) and O(status) and no shard is initializing, relocating or being fetched. Fail if
        that takes too long; allocation is allowed again even then.
    type: bool
    default: false
  status:
    description:
      - The status to wait for. A better one is accepted.
    type: str
    choices: [green, yellow, red]
    default: green
  nodes:
    description:
      - The names of the nodes that must have joined.
    type: list
    elements: str
    default: []
  cluster_uuid:
    description:
      - The uuid that the cluster must have. Without this option, any cluster is accepted.
    type: str
  stranded:
    description:
      - Accept a yellow cluster as green if every missing replica is one that no node of an older
        version can hold.
    type: bool
    default: false
  wait_timeout:
    description:
      - The seconds to wait.
    type: float
    default: 300
seealso:
  - module: elk.swarm.elasticsearch_gate
  - module: elk.swarm.elasticsearch_placement
notes:
  - Needs the cluster privilege C(manage), and the index privilege C(maintenance) on all indices.
"""

EXAMPLES = r"""
- name: Restrict allocation before a node stops
  elk.swarm.elasticsearch_allocation:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    state: held
    mark: elk

- name: Allow allocation again, and wait until every shard has its copies
  elk.swarm.elasticsearch_allocation:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    state: free
    wait: true
    nodes: [m1, m2, w1, w2, w3]

- name: Move all shards off w3 before its host is removed
  elk.swarm.elasticsearch_allocation:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    state: excluded
    node: w3
    reason: removal
"""

RETURN = r"""
differences:
  description: The settings that differed.
  returned: when the settings could be read
  type: list
  elements: str
  sample: [persistent.cluster.routing.allocation.enable, persistent.cluster.metadata.elk_roll]
unflushed:
  description: Why the flush was not complete. Empty if it was.
  returned: with O(state=held), outside of check mode
  type: str
  sample: ""
status:
  description: The cluster's status.
  returned: with O(wait=true), outside of check mode
  type: str
  sample: green
missing:
  description: The conditions that were not met in time.
  returned: with O(wait=true), outside of check mode
  type: list
  elements: str
  sample: []
seconds:
  description: How long the module waited after it allowed allocation again.
  returned: with O(wait=true), outside of check mode
  type: float
  sample: 0.4
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.allocation import (
    PATH,
    REASONS,
    excluded,
    flush,
    free,
    held,
    included,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    Client,
    ElasticsearchError,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.health_gate import (
    LOOK_TIMEOUT,
    Desired,
    failure_message,
    wait_for,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.module import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_TOGETHER,
    argument_spec,
    make_client,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.resource import (
    Desired as DesiredSettings,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.resource import ensure


def desired_settings(client: Client, params: dict[str, Any]) -> DesiredSettings:
    if params["state"] == "held":
        return held(params["mark"])
    if params["state"] == "excluded":
        return excluded(params["node"], params["reason"])
    answer = client.get(PATH).object()
    if params["state"] == "free":
        return free(answer)
    return included(answer, params["node"], params["reason"])


def run(module: AnsibleModule, result: dict[str, Any]) -> str:
    """Fill in the result; return why the cluster is not ready, if the module waited for it."""
    params = module.params
    client = make_client(params)
    outcome = ensure(client, desired_settings(client, params), check_mode=module.check_mode)
    result.update(
        changed=outcome.changed,
        differences=[item.path for item in outcome.differences],
        diff={"before": outcome.before, "after": outcome.after},
    )
    if module.check_mode:
        return ""
    if not outcome.acknowledged:
        module.warn("not all nodes confirmed the change in time; check the cluster's health")
    if params["state"] == "held" and params["flush_timeout"]:
        result["unflushed"] = flush(client, params["flush_timeout"])
    if params["state"] != "free" or not params["wait"]:
        return ""
    # wait_for has its own timeout.
    client = make_client(params, doubt_timeout=0.0)
    seen, verdict, waited = wait_for(
        client,
        Desired(
            status=params["status"],
            nodes=params["nodes"],
            cluster_uuid=params["cluster_uuid"],
            stranded=params["stranded"],
        ),
        wait_timeout=params["wait_timeout"],
        request_timeout=min(LOOK_TIMEOUT, params["timeout"]),
    )
    seconds = round(waited, 2)
    status = (seen.health or {}).get("status")
    result.update(status=status, missing=verdict.missing, seconds=seconds)
    return failure_message(client, seen, verdict, seconds)


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(
            state={
                "type": "str",
                "choices": ["held", "free", "excluded", "included"],
                "required": True,
            },
            mark={"type": "str"},
            node={"type": "str"},
            reason={"type": "str", "choices": list(REASONS)},
            flush_timeout={"type": "float", "default": 60},
            wait={"type": "bool", "default": False},
            status={"type": "str", "choices": ["green", "yellow", "red"], "default": "green"},
            nodes={"type": "list", "elements": "str", "default": []},
            cluster_uuid={"type": "str"},
            stranded={"type": "bool", "default": False},
            wait_timeout={"type": "float", "default": 300},
        ),
        mutually_exclusive=MUTUALLY_EXCLUSIVE,
        required_together=REQUIRED_TOGETHER,
        required_if=[
            ("state", "held", ["mark"]),
            ("state", "excluded", ["node", "reason"]),
            ("state", "included", ["node", "reason"]),
        ],
        supports_check_mode=True,
    )
    result: dict[str, Any] = {"changed": False}
    try:
        problem = run(module, result)
    except ElasticsearchError as error:
        module.fail_json(msg=str(error), **result)
    if problem:
        module.fail_json(msg=problem, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
