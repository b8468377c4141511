#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_maintenance
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Check that a node may go away, or wait until it is back
description:
  - For every action that takes a node away for some time, such as a restart of its daemon or of the
    host. With one call before and one call after the action, only one node at a time is away.
  - Before the action, it checks that every other node is ready, that all managers reach each other,
    and that no service with a task on the node already lacks a task. It returns what runs there.
  - After the action, it waits until the node is ready, the others reach it if it is a manager,
    every global service runs on the node again, and every replicated service has as many tasks as
    before, for O(stability_window).
  - Runs on a manager, preferably not on the node itself. It waits while the managers have no
    majority for a moment, as two managers do while one restarts.
extends_documentation_fragment:
  - elk.swarm.docker
options:
  action:
    description:
      - V(spare) checks whether each of the nodes may go away while the others stay, and fails if
        not.
      - V(back) waits for the node in O(before).
    type: str
    required: true
    choices: [spare, back]
  nodes:
    description: Ids of the nodes, for O(action=spare).
    type: list
    elements: str
    default: []
  before:
    description: What O(action=spare) returned for the node, for O(action=back).
    type: dict
  survivors:
    description:
      - Tasks that ran on the node without interruption, as its own daemon reports them
        (RV(ignore:tasks) of M(elk.swarm.engine_daemon)). Other tasks that ran there before do not
        count as running, even if the managers report them so.
    type: list
    elements: str
    default: []
  wait_timeout:
    description: Seconds to wait.
    type: int
    default: 60
  stability_window:
    description: Seconds for which the same tasks must keep running, for O(action=back).
    type: float
    default: 3
  timeout:
    default: 15
attributes:
  check_mode:
    description: Checks once. With O(action=back) nothing went away, so it does not wait.
    support: full
  diff_mode:
    description: Changes nothing.
    support: N/A
  idempotent:
    description: Changes nothing.
    support: full
seealso:
  - module: elk.swarm.engine_daemon
"""

EXAMPLES = r"""
- name: Read the membership of the host
  elk.swarm.swarm_member_info:
  register: found

- name: Check that the host may go away
  elk.swarm.node_maintenance:
    action: spare
    nodes: ["{{ found.member.node_id }}"]
  delegate_to: m1
  register: turn

- name: Restart the host
  ansible.builtin.reboot:

- name: Wait until everything is back
  elk.swarm.node_maintenance:
    action: back
    before: "{{ turn.nodes[0] }}"
    wait_timeout: 600
  delegate_to: m1
"""

RETURN = r"""
nodes:
  description:
    - The nodes before they go away, in the best order to restart them. Workers come first, then
      managers, the leader of the managers last.
  returned: with O(action=spare)
  type: list
  elements: dict
  sample:
    - id: nbp2pdbcp1i5jf0tu5wi2q1kf
      name: w1
      manager: false
      leader: false
      availability: active
      services: [logshipper]
      tasks:
        - id: puhdflq2q2nhafw75w66wbxki
          service_id: ddh6yib9u1i1zipux6j7348gf
          service: logshipper
          mode: replicated
          running: 2
seconds:
  description: How long the module waited.
  returned: success
  type: float
  sample: 21.4
"""

import time
from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
    NoSwarmError,
    NotManagerError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.swarm import node_maintenance as plan

POLL = 0.5


class Turn:
    """Checks the swarm before a node goes away, and after."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.started = time.monotonic()

    def run(self) -> None:
        if self.params["action"] == "spare":
            self.spare()
        else:
            self.back()

    def read(self) -> plan.Swarm:
        engine = Engine(Connection.from_options(self.params))
        try:
            return plan.Swarm(engine.nodes(), engine.services(), engine.all_tasks())
        finally:
            engine.close()

    def spare(self) -> None:
        def missing(swarm: plan.Swarm) -> list[str]:
            found = (plan.maintenance_blockers(swarm, node_id) for node_id in self.params["nodes"])
            return list(dict.fromkeys(reason for reasons in found for reason in reasons))

        swarm, reasons = self.wait(missing)
        if swarm is None or reasons:
            self.module.fail_json(
                msg=f"No node may go away now, so none was touched: {'; '.join(reasons)}. Run this"
                " again when that is fixed.",
                reasons=reasons,
            )
            return
        remembered = [plan.remember(swarm, node_id) for node_id in self.params["nodes"]]
        self.module.exit_json(
            changed=False,
            nodes=[node.as_dict() for node in plan.order(node for node in remembered if node)],
            seconds=self.seconds(),
        )

    def back(self) -> None:
        if not self.params["before"]:
            self.module.fail_json(msg="before is missing: set it to what action=spare returned.")
        before = plan.NodeBefore.from_dict(self.params["before"])
        if self.module.check_mode:
            self.module.exit_json(changed=False, seconds=0.0)
        steady = Steady(self.params["stability_window"])

        def missing(swarm: plan.Swarm) -> list[str]:
            reasons = plan.missing_after(swarm, before, self.params["survivors"])
            return reasons or steady.missing(plan.running_task_ids(swarm, before), time.monotonic())

        _swarm, reasons = self.wait(missing)
        if reasons:
            self.module.fail_json(
                msg=f"{before.name} is not back after {self.seconds():.0f} s: {'; '.join(reasons)}."
                f" No further host was touched. Look at 'docker node ps {before.name}' on a manager"
                f" and at 'journalctl -u docker' on {before.name}; then run this again: it"
                " continues with the remaining hosts.",
                reasons=reasons,
            )
        self.module.exit_json(changed=False, seconds=self.seconds())

    def wait(
        self, missing: Callable[[plan.Swarm], list[str]]
    ) -> tuple[plan.Swarm | None, list[str]]:
        """Read the swarm until nothing is missing, or the time is over."""
        deadline = self.started + self.params["wait_timeout"]
        while True:
            swarm = None
            try:
                swarm = self.read()
                reasons = missing(swarm)
            except (NotManagerError, NoSwarmError) as error:
                # Waiting does not make this host a manager.
                return None, [str(error)]
            except EngineError as error:
                reasons = [f"the manager cannot report the nodes: {error}"]
            if not reasons or self.module.check_mode or time.monotonic() >= deadline:
                return swarm, reasons
            time.sleep(POLL)

    def seconds(self) -> float:
        return round(time.monotonic() - self.started, 1)


class Steady:
    """Tells whether the same tasks keep running for the whole window."""

    def __init__(self, window: float) -> None:
        self.window = window
        self.tasks: frozenset[str] | None = None
        self.since = 0.0

    def missing(self, tasks: frozenset[str], now: float) -> list[str]:
        if tasks != self.tasks:
            self.tasks, self.since = tasks, now
        if now - self.since >= self.window:
            return []
        return [f"the tasks run, but not yet for {self.window:g} s"]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "action": {"type": "str", "required": True, "choices": ["spare", "back"]},
            "nodes": {"type": "list", "elements": "str", "default": []},
            "before": {"type": "dict"},
            "survivors": {"type": "list", "elements": "str", "default": []},
            "wait_timeout": {"type": "int", "default": 60},
            "stability_window": {"type": "float", "default": 3},
            # Without a majority every request takes as long as this.
            "timeout": {**ENGINE_ARGUMENTS["timeout"], "default": 15},
        },
        supports_check_mode=True,
    )
    Turn(module).run()


if __name__ == "__main__":
    main()
