#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_allocation
short_description: Hold shards back while a node is away, and let them move again
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - A node that is stopped for a moment takes its copies with it and brings them back. Without this
    the others would begin to copy them anew meanwhile, which takes far longer.
  - To hold back means that new places are found for primaries only
    (C(cluster.routing.allocation.enable)). In the same request the cluster is marked with who did
    so, and what is marked may be let go by whoever finds it.
  - Then what is in memory only is written to the disk, which makes the stop and the start shorter.
  - To let go takes both settings away, and can wait until every shard has its copies again.
extends_documentation_fragment: elk.swarm.elasticsearch
attributes:
  check_mode:
    support: full
    description: Reads and compares. Writes nothing to the disk, and waits for nothing.
  diff_mode:
    support: full
    description: Shows the settings that differ.
  idempotent:
    support: full
    description: Shards that are held back by the same mark are held back, and nothing is changed.
options:
  state:
    description:
      - V(held) keeps copies where they are, V(free) lets them move.
    type: str
    required: true
    choices: [held, free]
  mark:
    description:
      - Who holds shards back, kept as C(cluster.metadata.elk_roll). Needed for O(state=held).
    type: str
  flush_timeout:
    description:
      - For O(state=held), the seconds in which everything should be on the disk. It is no error
        when it takes longer or fails. V(0) does not ask for it.
    type: float
    default: 60
  wait:
    description:
      - For O(state=free), wait until the cluster has O(nodes) and O(status) and its shards have
        come to rest, as M(elk.swarm.elasticsearch_gate) does, and fail when it has not in time.
        Shards may move again all the same.
    type: bool
    default: false
  status:
    description:
      - The status to wait for, or a better one.
    type: str
    choices: [green, yellow, red]
    default: green
  nodes:
    description:
      - The names of the nodes that must be there.
    type: list
    elements: str
    default: []
  cluster_uuid:
    description:
      - The cluster that it must be. Without it, any one cluster will do.
    type: str
  stranded:
    description:
      - Take a yellow cluster for green when every replica that it lacks is one that no node of an
        older version can take.
    type: bool
    default: false
  wait_timeout:
    description:
      - The seconds to wait.
    type: float
    default: 300
seealso:
  - module: elk.swarm.elasticsearch_gate
notes:
  - Needs the cluster privilege C(manage), and the index privilege C(maintenance) on all indices.
"""

EXAMPLES = r"""
- name: Hold shards back, a node goes away
  elk.swarm.elasticsearch_allocation:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    state: held
    mark: elk

- name: Let them move again, and wait until every shard has its copies
  elk.swarm.elasticsearch_allocation:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    state: free
    wait: true
    nodes: [m1, m2, w1, w2, w3]
"""

RETURN = r"""
differences:
  description: The settings that differed.
  returned: when the settings could be read
  type: list
  elements: str
  sample: [persistent.cluster.routing.allocation.enable, persistent.cluster.metadata.elk_roll]
unflushed:
  description: Why not everything was written to the disk; empty when it was.
  returned: with O(state=held), outside of check mode
  type: str
  sample: ""
status:
  description: The cluster's status.
  returned: with O(wait=true), outside of check mode
  type: str
  sample: green
missing:
  description: What was waited for in vain.
  returned: with O(wait=true), outside of check mode
  type: list
  elements: str
  sample: []
seconds:
  description: How long the module waited after shards could move again.
  returned: with O(wait=true), outside of check mode
  type: float
  sample: 0.4
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.allocation import (
    allocation,
    flush,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    ElasticsearchError,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.health_gate import (
    LOOK_TIMEOUT,
    Wanted,
    objection,
    wait_for,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.module import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_TOGETHER,
    argument_spec,
    make_client,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.resource import ensure


def run(module: AnsibleModule, result: dict[str, Any]) -> str:
    """Fill in what is returned; what keeps the cluster from being fit, if that was waited for."""
    params = module.params
    held = params["state"] == "held"
    client = make_client(params)
    outcome = ensure(
        client, allocation(params["mark"] if held else None), check_mode=module.check_mode
    )
    result.update(
        changed=outcome.changed,
        differences=[item.path for item in outcome.differences],
        diff={"before": outcome.before, "after": outcome.after},
    )
    if module.check_mode:
        return ""
    if not outcome.acknowledged:
        module.warn("not all nodes have confirmed in time; look at the cluster's health")
    if held and params["flush_timeout"]:
        result["unflushed"] = flush(client, params["flush_timeout"])
    if held or not params["wait"]:
        return ""
    # Whoever waits has a patience of its own.
    client = make_client(params, doubt_timeout=0.0)
    seen, verdict, waited = wait_for(
        client,
        Wanted(
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
    return objection(client, seen, verdict, seconds)


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(
            state={"type": "str", "choices": ["held", "free"], "required": True},
            mark={"type": "str"},
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
        required_if=[("state", "held", ["mark"])],
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
