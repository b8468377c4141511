#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_node_removed
version_added: 0.1.0
short_description: Demote nodes, or remove them from the swarm's list
description:
  - Runs on a manager that stays, for nodes that are about to leave or have left.
  - Demotes one manager after the other and waits each time until it has lost its vote, so the
    managers keep their majority.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
attributes:
  check_mode:
    description: Can run in check mode.
    support: full
  diff_mode:
    description: Shows what has changed or would change.
    support: none
  idempotent:
    description: Nodes that are in that state, or that the swarm does not know, are left alone.
    support: full
options:
  nodes:
    description: Node ids.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(worker) demotes those that are managers.
      - V(absent) removes them from the list. Run M(elk.swarm.swarm_leave) on the host before.
    type: str
    choices: [worker, absent]
    required: true
  wait_timeout:
    description: Seconds to wait until all are demoted.
    type: int
    default: 60
seealso:
  - module: elk.swarm.swarm_leave
"""

EXAMPLES = r"""
- name: Remove a node from the list after it has left
  elk.swarm.swarm_node_removed:
    nodes: [nbp2pdbcp1i5jf0tu5wi2q1kf]
    state: absent
"""

RETURN = r"""
expelled:
  description: Ids of the nodes that were changed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [nbp2pdbcp1i5jf0tu5wi2q1kf]
"""

import contextlib
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
    NoQuorumError,
    NotFoundError,
    OutOfSequenceError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS


class Removal:
    """Changes one node after the other."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.engine = Engine(Connection.from_options(self.params))
        self.deadline = time.monotonic() + self.params["wait_timeout"]
        self.expelled: list[str] = []

    def run(self) -> None:
        known = {node["ID"]: node for node in self.engine.nodes()}
        for node_id in self.params["nodes"]:
            node = known.get(node_id)
            if node is None:
                continue
            if self.params["state"] == "absent":
                self.expelled.append(node_id)
                if not self.module.check_mode:
                    self.remove(node_id)
            elif voting(node):
                self.expelled.append(node_id)
                if not self.module.check_mode:
                    self.demote(node_id)

    def remove(self, node_id: str) -> None:
        # Force is needed, because the managers notice only later that the node has left.
        with contextlib.suppress(NotFoundError):
            self.engine.request("DELETE", f"/nodes/{node_id}", query={"force": "true"})

    def demote(self, node_id: str) -> None:
        while True:
            try:
                node = self.engine.request("GET", f"/nodes/{node_id}")
                if not voting(node):
                    return
                if node["Spec"]["Role"] != "worker":
                    self.engine.request(
                        "POST",
                        f"/nodes/{node_id}/update",
                        query={"version": node["Version"]["Index"]},
                        body={**node["Spec"], "Role": "worker"},
                    )
            except (OutOfSequenceError, NoQuorumError) as error:
                # The managers may elect a leader while one of them leaves.
                if time.monotonic() >= self.deadline:
                    raise EngineError(str(error)) from error
            if time.monotonic() >= self.deadline:
                self.module.fail_json(
                    msg=f"Node {node_id} is still a manager after {self.params['wait_timeout']} s."
                    " Next command: docker node ls"
                )
            time.sleep(0.3)


def voting(node: dict[str, Any]) -> bool:
    return node["Spec"]["Role"] == "manager" or bool(node.get("ManagerStatus"))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "nodes": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["worker", "absent"], "required": True},
            "wait_timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    removal = Removal(module)
    try:
        removal.run()
    except EngineError as error:
        module.fail_json(msg=f"{error}.", expelled=removal.expelled)
    finally:
        removal.engine.close()
    module.exit_json(changed=bool(removal.expelled), expelled=removal.expelled)


if __name__ == "__main__":
    main()
