#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_labels
short_description: Read and set the labels of many nodes of a swarm in one call
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
description:
  - Runs once, on a manager, for all nodes, and reads the list of nodes once when nothing has to
    change. M(community.docker.docker_node) takes one call for each node.
  - Sets the given labels to the given values and leaves all other labels alone.
  - Returns the labels of all nodes, and what else the managers know about them.
attributes:
  check_mode:
    support: full
    description: Can run in check mode. A name that no node has counts as a host that would join.
  diff_mode:
    support: full
    description: Shows the labels of each node that changes.
  idempotent:
    support: full
    description: Nodes that have their labels are left alone.
options:
  labels:
    description:
      - For each label a dictionary of node names in the swarm and values. Without a value the label
        is removed from the node.
      - When empty, the module only reads.
    type: dict
    default: {}
seealso:
  - module: community.docker.docker_node
  - module: elk.swarm.swarm_nodes
"""

EXAMPLES = r"""
- name: Run the log shipper on the first two hosts, and no longer on the third
  elk.swarm.node_labels:
    labels:
      elk.logstash:
        m1: "true"
        m2: "true"
        w1:
"""

RETURN = r"""
nodes:
  description: The labels of all nodes of the swarm after the run, by the name of the node.
  returned: success
  type: dict
  sample:
    m1: {elk.logstash: "true"}
    w1: {}
members:
  description: The nodes as the managers saw them before the run. Several may have the same name.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id of the node.
      type: str
    name:
      description: Its host name.
      type: str
    role:
      description: V(manager) or V(worker).
      type: str
    state:
      description: V(ready), V(down), V(disconnected) or V(unknown).
      type: str
    address:
      description: The address at which the swarm reaches it.
      type: str
    reachability:
      description: Whether the other managers reach this manager, V(reachable) or V(unreachable).
      type: str
    labels:
      description: Its labels.
      type: dict
  sample:
    - id: nbp2pdbcp1i5jf0tu5wi2q1kf
      name: m1
      role: manager
      state: ready
      address: 192.0.2.11
      reachability: reachable
      labels: {elk.logstash: "true"}
updated:
  description: Names of the nodes whose labels were changed.
  returned: success
  type: list
  elements: str
  sample: [m1]
errors:
  description: Every name that does not belong to exactly one node.
  returned: when names are unknown or ambiguous
  type: list
  elements: str
  sample: ["w9: the swarm has no node of this name; it has m1, w1."]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.swarm.nodes import (
    Actual,
    named_errors,
    plan_labels,
    write_node,
)


def desired_labels(module: AnsibleModule) -> dict[str, dict[str, str | None]]:
    desired: dict[str, dict[str, str | None]] = {}
    for label, values in module.params["labels"].items():
        if not isinstance(values, dict):
            module.fail_json(
                msg=f"labels: {label} must be a dictionary of nodes and values, not {values!r}."
            )
        desired[label] = {node: _text(value) for node, value in values.items()}
    return desired


def _text(value: Any) -> str | None:
    # Node labels are text; YAML's true should not become Python's True.
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def run(module: AnsibleModule, engine: Engine) -> dict[str, Any]:
    desired = desired_labels(module)
    actual = {node["ID"]: Actual.from_api(node) for node in engine.nodes()}
    names = {name for values in desired.values() for name in values}
    # In check mode a host that would join is not in the swarm yet.
    known = {one.hostname for one in actual.values()}
    would_join = sorted(names - known) if module.check_mode else []
    errors = named_errors(sorted(names.difference(would_join)), actual)
    if errors:
        module.fail_json(msg="Nothing was changed. " + " ".join(errors), errors=errors)
    changes = plan_labels(desired, actual)
    labels = {one.hostname: one.labels for one in actual.values()}
    for change in changes:
        if not module.check_mode:
            write_node(engine, change.node_id, lambda now: plan_labels(desired, {now.id: now}))
        labels[change.name] = change.after["labels"]
    return {
        "changed": bool(changes or would_join),
        "nodes": labels,
        "members": [
            {
                "id": one.id,
                "name": one.hostname,
                "role": one.role,
                "state": one.state,
                "address": one.address,
                "reachability": one.reachability,
                "labels": one.labels,
            }
            for one in sorted(actual.values(), key=lambda one: (one.hostname, one.id))
        ],
        "updated": [change.name for change in changes] + would_join,
        "diff": {
            "before": {change.name: change.before for change in changes},
            "after": {change.name: change.after for change in changes},
        },
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={**ENGINE_ARGUMENTS, "labels": {"type": "dict", "default": {}}},
        supports_check_mode=True,
    )
    try:
        result = run(module, Engine(Connection.from_options(module.params)))
    except EngineError as exc:
        module.fail_json(msg=f"{exc}.")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
