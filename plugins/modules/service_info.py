#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_info
version_added: 0.1.0
short_description: Read a Swarm service and its tasks
description:
  - Reads one service with its tasks, all services of the swarm, or the names of those with certain
    labels.
  - Returns the specification as the Engine has it, including the environment. Use C(no_log) if
    that holds secrets.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
attributes:
  check_mode:
    description: Can run in check mode without changing anything.
    support: full
  diff_mode:
    description: Shows what has changed or would change.
    support: N/A
    details:
      - Changes nothing.
  idempotent:
    description: A second run in the same state changes nothing.
    support: full
options:
  name:
    description: Name of the service. When left out, all services are read.
    type: str
  labels:
    description:
      - Labels of services. Only the names of the services that have all of them are returned,
        without their specifications, which can contain secrets.
    type: dict
seealso:
  - module: elk.swarm.service
  - module: community.docker.docker_swarm_service_info
"""

EXAMPLES = r"""
- name: Read a service
  elk.swarm.service_info:
    name: web
  register: web

- name: Show how many of its tasks run
  ansible.builtin.debug:
    msg: "{{ web.running }} of {{ web.desired }} tasks run"
  when: web.exists

- name: Find the services of a stack
  elk.swarm.service_info:
    labels:
      com.docker.stack.namespace: web
  register: of_stack

- name: Read all services
  elk.swarm.service_info:
  register: all_services

- name: Show the services that lack a task
  ansible.builtin.debug:
    msg: "{{ all_services.services | selectattr('missing') | map(attribute='name') | list }}"
"""

RETURN = r"""
exists:
  description: Whether the service exists.
  returned: when O(name) is given
  type: bool
  sample: true
service:
  description: The service as the Engine has it. Null when it does not exist.
  returned: when O(name) is given
  type: dict
  sample:
    ID: ddh6yib9u1i1zipux6j7348gf
    Version:
      Index: 11
    Spec:
      Name: web
      Mode:
        Replicated:
          Replicas: 3
      TaskTemplate:
        ContainerSpec:
          Image: registry.example.com/web:1.4
tasks:
  description: Tasks of the service, newest first, including ended tasks.
  returned: when O(name) is given
  type: list
  elements: dict
  contains:
    id:
      description: Id of the task.
      type: str
    node:
      description: Host name of the task's node.
      type: str
    slot:
      description: Slot of the task, null in a global service.
      type: int
    state:
      description: Actual state.
      type: str
    desired_state:
      description: State that Swarm wants.
      type: str
    error:
      description: Error of the task.
      type: str
    container_id:
      description: Id of the container on its node.
      type: str
  sample:
    - id: puhdflq2q2nhafw75w66wbxki
      node: w1
      slot: 1
      state: running
      desired_state: running
      error: ""
      container_id: 5f69457147465f4f7b2ce7b93fde2dcea26040b635686fec99f4f5349eba775e
running:
  description: Tasks that run and that Swarm wants to run.
  returned: when O(name) is given
  type: int
  sample: 3
desired:
  description:
    - Tasks that the service asks for. For a global service the active and ready nodes that meet its
      constraints. Zero for a job, whose tasks end.
  returned: when O(name) is given
  type: int
  sample: 3
nodes:
  description:
    - Host names of the nodes that meet the placement constraints of the service, including nodes
      that are down or drained.
  returned: when O(name) is given
  type: list
  elements: str
  sample: [w1, w2]
names:
  description: Names of the services that have the labels.
  returned: when O(labels) is given
  type: list
  elements: str
  sample: [broker-m1, broker-w1]
services:
  description: All services of the swarm.
  returned: when O(name) and O(labels) are left out
  type: list
  elements: dict
  contains:
    name:
      description: Name of the service.
      type: str
    service:
      description: The service as the Engine has it.
      type: dict
    running:
      description: Tasks that run and that Swarm wants to run.
      type: int
    desired:
      description: Tasks that the service asks for.
      type: int
    missing:
      description: Tasks that the service asks for and that do not run.
      type: int
  sample:
    - name: web
      service:
        ID: ddh6yib9u1i1zipux6j7348gf
      running: 3
      desired: 3
      missing: 0
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common.nested import dig
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_convergence import (
    node_name,
    required_tasks,
    running,
    satisfies,
    summary,
)


def read_one(engine: Engine, name: str) -> dict[str, Any]:
    service = engine.service(name)
    if service is None:
        return {
            "exists": False,
            "service": None,
            "tasks": [],
            "running": 0,
            "desired": 0,
            "nodes": [],
        }
    tasks, nodes = engine.tasks(service["ID"]), engine.nodes()
    constraints = dig(service, ("Spec", "TaskTemplate", "Placement", "Constraints")) or ()
    return {
        "exists": True,
        "service": service,
        "tasks": summary(tasks, nodes),
        "running": sum(1 for task in tasks if running(task)),
        "desired": required_tasks(service, nodes),
        "nodes": sorted(node_name(node) for node in nodes if satisfies(node, constraints)),
    }


def read_all(engine: Engine) -> dict[str, Any]:
    tasks, nodes = engine.all_tasks(), engine.nodes()
    found = []
    for service in engine.services():
        up = sum(1 for task in tasks if task.get("ServiceID") == service["ID"] and running(task))
        desired = required_tasks(service, nodes)
        found.append(
            {
                "name": service["Spec"]["Name"],
                "service": service,
                "running": up,
                "desired": desired,
                "missing": max(desired - up, 0),
            }
        )
    return {"services": sorted(found, key=lambda item: item["name"])}


def read_names(engine: Engine, labels: dict[str, Any]) -> dict[str, Any]:
    wanted = {(name, str(value)) for name, value in labels.items()}
    specs = [service["Spec"] for service in engine.services()]
    found = [spec["Name"] for spec in specs if wanted <= (spec.get("Labels") or {}).items()]
    return {"names": sorted(found)}


def read(engine: Engine, name: str | None, labels: dict[str, Any] | None) -> dict[str, Any]:
    if labels is not None:
        return read_names(engine, labels)
    return read_one(engine, name) if name else read_all(engine)


def main() -> None:
    module = AnsibleModule(
        argument_spec={"name": {"type": "str"}, "labels": {"type": "dict"}, **ENGINE_ARGUMENTS},
        mutually_exclusive=[("name", "labels")],
        supports_check_mode=True,
    )
    engine = Engine(Connection.from_options(module.params))
    try:
        result = read(engine, module.params["name"], module.params["labels"])
    except EngineError as error:
        module.fail_json(msg=str(error))
    finally:
        engine.close()
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
