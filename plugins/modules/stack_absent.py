#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_absent
version_added: 0.1.0
short_description: Remove a stack's services, and everything that was created for them
description:
  - Removes the services that carry the stack's label and waits until their tasks have ended.
    Elasticsearch is the last.
  - Then removes the configs and secrets that M(elk.swarm.service) created and that no other service
    refers to, the overlay network, and the labels that the collection gave to nodes.
  - Each step finds what remains for it, so run the module again after a killed run.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
attributes:
  check_mode:
    description: Can run in check mode, and returns what would be removed.
    support: full
  diff_mode:
    description: Shows what is removed.
    support: full
  idempotent:
    description: Changes nothing when nothing of the stack is left.
    support: full
options:
  name:
    description: Name of the stack, the value of the label C(com.docker.stack.namespace).
    type: str
    required: true
  network:
    description: Overlay network to remove with the stack, unless another service uses it.
    type: str
  members:
    description:
      - Node ids of the platform's hosts, to set before the swarm itself is removed. With it, other
        nodes or other services in the swarm are an error.
    type: list
    elements: str
  hosts:
    description:
      - Names and addresses of the platform's hosts. They identify a host that has already left the
        swarm and whose node is still on the list.
    type: list
    elements: str
    default: []
  wait_timeout:
    description:
      - Seconds to wait until the tasks have ended. Must be more than their stop grace period.
    type: int
    default: 300
seealso:
  - module: elk.swarm.service
"""

EXAMPLES = r"""
- name: Remove the stack and keep the swarm
  elk.swarm.stack_absent:
    name: elk
    network: elknet
"""

RETURN = r"""
changes:
  description: What was removed, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample:
    - "service removed: kibana"
    - "secret removed: kibana-key-0b1d27c6a94e"
    - "network removed: elknet"
    - "labels removed: m1"
"""

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
    NotFoundError,
    OutOfSequenceError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.platform.reset_plan import (
    batches,
    leftovers,
    name_of,
    remaining_labels,
    strangers,
    users_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.configs_and_secrets import (
    KINDS,
    existing,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_convergence import (
    node_name,
    remaining_tasks,
)

ATTEMPTS = 5
WORD = {"configs": "config", "secrets": "secret"}


class Stack:
    """Removes one stack from the swarm."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.stack: str = self.params["name"]
        self.engine = Engine(Connection.from_options(self.params))
        self.deadline = time.monotonic() + self.params["wait_timeout"]
        self.changes: list[str] = []

    def run(self) -> None:
        services = self.engine.services()
        if self.params["members"] is not None:
            others = strangers(
                services,
                self.engine.nodes(),
                self.stack,
                self.params["members"],
                self.params["hosts"],
            )
            if others:
                self.module.fail_json(
                    msg="Nothing was changed. The swarm also has nodes or services that are not"
                    f" part of the platform: {', '.join(others)}. Remove them first, or keep the"
                    " swarm with reset_keep_swarm: true."
                )
        for batch in batches(services, self.stack):
            self.services(batch)
        self.objects(services)
        if self.params["network"]:
            self.network(self.params["network"], services)
        self.labels()

    @property
    def check_mode(self) -> bool:
        return bool(self.module.check_mode)

    def services(self, batch: list[Mapping[str, Any]]) -> None:
        for service in batch:
            if not self.check_mode:
                self.attempt("DELETE", f"/services/{service['ID']}")
            self.changes.append(f"service removed: {name_of(service)}")
        if self.check_mode:
            return
        ids = {service["ID"] for service in batch}
        while True:
            tasks = [task for task in self.engine.all_tasks() if task.get("ServiceID") in ids]
            remaining = remaining_tasks(tasks, self.engine.nodes())
            if not remaining:
                return
            if time.monotonic() >= self.deadline:
                where = ", ".join(f"{task['node']} ({task['state']})" for task in remaining)
                self.module.fail_json(
                    msg=f"Tasks of {', '.join(map(name_of, batch))} still run after"
                    f" {self.params['wait_timeout']} s: {where}. Run this again when they have"
                    " ended; 'docker ps' on these nodes shows them.",
                    changes=self.changes,
                )
            time.sleep(0.5)

    def attempt(self, method: str, path: str) -> None:
        # Something else may have removed it already.
        with contextlib.suppress(NotFoundError):
            self.engine.request(method, path)

    def objects(self, services: list[dict[str, Any]]) -> None:
        for kind in KINDS:
            found = self.engine.objects(kind, {"label": [label_names.BASE]})
            present = [existing(kind, item) for item in found]
            for item in leftovers(present, services, self.stack):
                if not self.check_mode:
                    self.attempt("DELETE", f"/{kind}/{item.id}")
                self.changes.append(f"{WORD[kind]} removed: {item.name}")

    def network(self, name: str, services: list[dict[str, Any]]) -> None:
        found = self.engine.network(name)
        if found is None or found.get("Driver") != "overlay":
            return
        users = users_of(found, services, self.stack)
        if users:
            self.module.warn(f"The network {name} stays, because it is used by {', '.join(users)}.")
            return
        self.changes.append(f"network removed: {name}")
        while not self.check_mode:
            try:
                # The last containers leave the network a moment after their tasks have ended.
                self.attempt("DELETE", f"/networks/{found['Id']}")
                if self.engine.network(name) is None:
                    return
                problem = "the managers have not removed it yet"
            except EngineError as error:
                problem = str(error)
            if time.monotonic() >= self.deadline:
                self.module.fail_json(
                    msg=f"The network {name} cannot be removed: {problem}. See 'docker network"
                    f" inspect {name}' for what is attached to it.",
                    changes=self.changes,
                )
            time.sleep(0.5)

    def labels(self) -> None:
        for node in self.engine.nodes():
            before = dict((node.get("Spec") or {}).get("Labels") or {})
            if remaining_labels(before) == before:
                continue
            if not self.check_mode:
                self.write_labels(node["ID"])
            self.changes.append(f"labels removed: {node_name(node)}")

    def write_labels(self, node_id: str) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            # The managers themselves write to nodes, so the version is read just before.
            node = self.engine.request("GET", f"/nodes/{node_id}")
            spec = {**node["Spec"], "Labels": remaining_labels(node["Spec"].get("Labels") or {})}
            try:
                self.engine.request(
                    "POST",
                    f"/nodes/{node_id}/update",
                    query={"version": node["Version"]["Index"]},
                    body=spec,
                )
                return
            except OutOfSequenceError:
                if attempt == ATTEMPTS:
                    raise
                time.sleep(0.1 * attempt)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "network": {"type": "str"},
            "members": {"type": "list", "elements": "str"},
            "hosts": {"type": "list", "elements": "str", "default": []},
            "wait_timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    stack = Stack(module)
    try:
        stack.run()
    except EngineError as error:
        module.fail_json(msg=f"{error}.", changes=stack.changes)
    finally:
        stack.engine.close()
    shown = "".join(f"{change.replace(' removed', '', 1)}\n" for change in stack.changes)
    module.exit_json(
        changed=bool(stack.changes),
        changes=stack.changes,
        diff={"before": shown, "after": ""},
    )


if __name__ == "__main__":
    main()
