#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_nodes
short_description: Verify the nodes of a swarm, and set their availability and labels
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
description:
  - Runs once, on a manager, for all nodes, and reads the list of nodes once when nothing has to
    change.
  - Waits until every node is a member with the desired role and ready. The error names each node
    that is not, and why.
  - Remembers in the node label C(elk.inventory-labels) which labels it set. A label that is no
    longer desired is removed; labels that something else set stay.
  - Does not promote or demote. A node with the other role is an error.
attributes:
  check_mode:
    support: full
    description: Can run in check mode. Nodes without an id count as hosts that would join.
  diff_mode:
    support: full
    description: Shows availability and labels of each node that changes.
  idempotent:
    support: full
    description: Nodes that match the options are left alone.
options:
  nodes:
    description: The desired nodes.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the node in messages, usually the host's name in the inventory.
        type: str
        required: true
      id:
        description: Node id, from M(elk.swarm.swarm_member_info) on that host.
        type: str
        default: ""
      role:
        description: Role that the node must have.
        type: str
        required: true
        choices: [manager, worker]
      availability:
        description: Whether the node takes tasks.
        type: str
        choices: [active, pause, drain]
        default: active
      labels:
        description: Node labels. Names that begin with C(elk.) are reserved.
        type: dict
        default: {}
      address:
        description:
          - Address under which the swarm should reach the node. A difference gives a warning.
        type: str
        default: ""
  cluster_id:
    description: Id that the swarm must have. Any when empty.
    type: str
    default: ""
  complete:
    description: Whether O(nodes) names every node. If so, other nodes give a warning.
    type: bool
    default: false
  data_path_port:
    description:
      - Port that the swarm should use for the traffic of containers. A difference gives a warning.
    type: int
    default: 0
  default_address_pools:
    description: Address ranges that the swarm should have. A difference gives a warning.
    type: list
    elements: str
    default: []
  wait_timeout:
    description: How long to wait until all nodes are ready, in seconds.
    type: int
    default: 60
seealso:
  - module: community.docker.docker_node
  - module: elk.swarm.swarm_member
"""

EXAMPLES = r"""
- name: Read the membership of the host
  elk.swarm.swarm_member_info:
  register: found

- name: Take the manager's own node out of service and label it
  elk.swarm.swarm_nodes:
    nodes:
      - name: "{{ inventory_hostname }}"
        id: "{{ found.member.node_id }}"
        role: manager
        availability: drain
        labels:
          zone: cellar
"""

RETURN = r"""
cluster_id:
  description: Id of the swarm.
  returned: success
  type: str
  sample: x0tlvg3wmr4aqn8nnb4ac3rnt
updated:
  description: Names of the nodes that were changed.
  returned: success
  type: list
  elements: str
  sample: [w1]
nodes:
  description: The nodes of O(nodes), as they are after the run.
  returned: success
  type: list
  elements: dict
  sample:
    - name: w1
      id: nbp2pdbcp1i5jf0tu5wi2q1kf
      hostname: w1
      role: worker
      state: ready
      availability: active
      labels: {zone: cellar, elk.inventory-labels: zone}
      leader: false
"""

import time
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
    Desired,
    cluster_warnings,
    label_errors,
    name_errors,
    node_warnings,
    plan_nodes,
    waiting_for,
    write_node,
)


class Nodes:
    """Sets the nodes of the swarm as the inventory describes them."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.desired = [
            Desired(
                name=node["name"],
                role=node["role"],
                id=node["id"] or "",
                availability=node["availability"],
                labels={str(key): _text(value) for key, value in (node["labels"] or {}).items()},
                address=node["address"] or "",
            )
            for node in self.params["nodes"]
        ]
        self.engine = Engine(Connection.from_options(self.params))

    def run(self) -> None:
        self.fail_on("The labels cannot be set", label_errors(self.desired))
        would_join = [node.name for node in self.desired if not node.id]
        if self.module.check_mode:
            self.desired = [node for node in self.desired if node.id]
        try:
            cluster = self.engine.request("GET", "/swarm")
            cluster_id = str(cluster.get("ID") or "")
            if self.params["cluster_id"] and cluster_id != self.params["cluster_id"]:
                self.module.fail_json(
                    msg=f"This manager is in cluster {cluster_id}, expected"
                    f" {self.params['cluster_id']}. Nothing was changed."
                )
            actual = self.wait()
            self.fail_on("Names are not unique in the swarm", name_errors(self.desired, actual))
            updated, before, after = self.update(actual)
            if updated and not self.module.check_mode:
                actual = self.read()
        except EngineError as exc:
            self.module.fail_json(msg=f"{exc}.")
        for text in [
            *node_warnings(self.desired, actual, self.params["complete"]),
            *cluster_warnings(
                cluster, self.params["data_path_port"], self.params["default_address_pools"]
            ),
        ]:
            self.module.warn(text)
        pending = would_join if self.module.check_mode else []
        self.module.exit_json(
            changed=bool(updated or pending),
            cluster_id=cluster_id,
            updated=updated + pending,
            nodes=[self.summary(node, actual) for node in self.desired if node.id in actual],
            diff={"before": before, "after": after},
        )

    def fail_on(self, what: str, errors: list[str]) -> None:
        if errors:
            self.module.fail_json(msg=f"{what}: {' '.join(errors)}", errors=errors)

    def read(self) -> dict[str, Actual]:
        return {node["ID"]: Actual.from_api(node) for node in self.engine.nodes()}

    def wait(self) -> dict[str, Actual]:
        deadline = time.monotonic() + self.params["wait_timeout"]
        while True:
            actual = self.read()
            missing = waiting_for(self.desired, actual)
            # Waiting cannot fix a wrong role, so fail at once.
            wrong_role = [
                node.name
                for node in self.desired
                if node.id in actual and actual[node.id].role != node.role
            ]
            if not missing:
                return actual
            if wrong_role or time.monotonic() >= deadline:
                self.fail_on("Not every node is a healthy member of the swarm", missing)
            time.sleep(0.3)

    def update(self, actual: dict[str, Actual]) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
        changes = plan_nodes(self.desired, actual)
        before = {change.name: change.before for change in changes}
        after = {change.name: change.after for change in changes}
        if not self.module.check_mode:
            for change in changes:
                self.write(change.name)
        return [change.name for change in changes], before, after

    def write(self, name: str) -> None:
        desired = [node for node in self.desired if node.name == name]
        write_node(self.engine, desired[0].id, lambda now: plan_nodes(desired, {now.id: now}))

    @staticmethod
    def summary(node: Desired, actual: dict[str, Actual]) -> dict[str, Any]:
        found = actual[node.id]
        return {
            "name": node.name,
            "id": found.id,
            "hostname": found.hostname,
            "role": found.role,
            "state": found.state,
            "availability": found.availability,
            "labels": found.labels,
            "leader": found.leader,
        }


def _text(value: Any) -> str:
    # Node labels are text; YAML's true should not become Python's True.
    return str(value).lower() if isinstance(value, bool) else str(value)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "nodes": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "id": {"type": "str", "default": ""},
                    "role": {"type": "str", "required": True, "choices": ["manager", "worker"]},
                    "availability": {
                        "type": "str",
                        "choices": ["active", "pause", "drain"],
                        "default": "active",
                    },
                    "labels": {"type": "dict", "default": {}},
                    "address": {"type": "str", "default": ""},
                },
            },
            "cluster_id": {"type": "str", "default": ""},
            "complete": {"type": "bool", "default": False},
            "data_path_port": {"type": "int", "default": 0},
            "default_address_pools": {"type": "list", "elements": "str", "default": []},
            "wait_timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    Nodes(module).run()


if __name__ == "__main__":
    main()
