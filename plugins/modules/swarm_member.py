#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_member
short_description: Start a swarm on a host, join one, or rebuild the quorum from one manager
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
description:
  - Talks to the host's own Docker daemon over its socket, without the Docker SDK or the client.
  - Returns only when the membership is confirmed, so the next host can rely on it.
  - Unlike M(community.docker.docker_swarm), this module treats membership in another swarm, and a
    manager without a majority, as errors, never as success or as a reason to start a new swarm.
attributes:
  check_mode:
    support: full
    description: Can run in check mode and returns whether the host would start or join a swarm.
  diff_mode:
    support: full
    description: Shows the membership before and after.
  idempotent:
    support: full
    description: A host that already has this membership is left alone.
options:
  action:
    description:
      - V(init) starts a new swarm with this host as its first manager, unless the host is in one.
      - V(join) joins the swarm of O(remote_addresses), unless the host is in it.
      - V(recover) makes this host the only manager of its swarm, unless the swarm has a majority of
        its managers. Services, networks, nodes and labels stay. The host's own tasks restart, and
        every manager that comes back takes its place again.
    type: str
    required: true
    choices: [init, join, recover]
  role:
    description: Expected role of the host. The O(join_token) decides which role it gets.
    type: str
    choices: [manager, worker]
    default: worker
  advertise_address:
    description:
      - Address under which the other hosts reach this one. An IP address, a network interface, or a
        name that resolves to an address that is not a loopback address.
    type: str
    required: true
  data_path_address:
    description:
      - Address or interface for the traffic of containers. O(advertise_address) when left out.
    type: str
  listen_port:
    description: Port on which managers talk to each other and to workers.
    type: int
    default: 2377
  data_path_port:
    description: UDP port for the traffic of containers. Only for O(action=init).
    type: int
    default: 4789
  default_address_pools:
    description:
      - Address ranges for networks that are created without a subnet.
        Only for O(action=init). Docker's default when empty.
    type: list
    elements: str
    default: []
  default_subnet_size:
    description:
      - Prefix length of the subnets taken from O(default_address_pools). Only for O(action=init).
    type: int
    default: 24
  availability:
    description:
      - Whether the node takes tasks from the moment it is a member. Not for O(action=recover).
    type: str
    choices: [active, pause, drain]
    default: active
  join_token:
    description: Token of the swarm for the desired role. Needed for O(action=join).
    type: str
  remote_addresses:
    description: Managers of the swarm to join, each as address or address:port.
    type: list
    elements: str
    default: []
  cluster_id:
    description: Id of the swarm to join. A manager in another swarm is an error.
    type: str
    default: ""
  wait_timeout:
    description: How long to wait until the membership is confirmed, in seconds.
    type: int
    default: 60
seealso:
  - module: elk.swarm.swarm_member_info
  - module: elk.swarm.swarm_nodes
"""

EXAMPLES = r"""
- name: Start the swarm on the first manager
  elk.swarm.swarm_member:
    action: init
    role: manager
    advertise_address: 10.20.0.11

- name: Read the tokens
  elk.swarm.swarm_member_info:
    join_tokens: true
  delegate_to: m1
  register: manager
  no_log: true

- name: Join a worker
  elk.swarm.swarm_member:
    action: join
    role: worker
    advertise_address: 10.20.0.21
    remote_addresses: ["10.20.0.11:2377"]
    join_token: "{{ manager.join_tokens.worker }}"
  no_log: true

- name: Rebuild the quorum from the last manager after the others are lost
  elk.swarm.swarm_member:
    action: recover
    advertise_address: 10.20.0.12
"""

RETURN = r"""
member:
  description: The membership after the run, as M(elk.swarm.swarm_member_info) returns it.
  returned: always
  type: dict
  sample:
    state: active
    node_id: nbp2pdbcp1i5jf0tu5wi2q1kf
    node_address: 10.20.0.11
    manager: true
    quorum: true
    cluster_id: x0tlvg3wmr4aqn8nnb4ac3rnt
    error: ""
    remote_managers: ["10.20.0.11:2377"]
    nodes: {nbp2pdbcp1i5jf0tu5wi2q1kf: manager}
"""

import time
from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineAwayError,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.swarm.membership_plan import (
    MANAGER,
    Member,
    confirmed,
    init_body,
    join_blocker,
    join_body,
    look,
    recovery_blocker,
    resolve_address,
    same_swarm,
)


class Membership:
    """Brings one host to its membership."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.engine = Engine(Connection.from_options(self.params))
        try:
            self.addresses = {
                key: resolve_address(self.params[key] or self.params["advertise_address"])
                for key in ("advertise_address", "data_path_address")
            }
        except ValueError as exc:
            module.fail_json(msg=str(exc))

    def run(self) -> None:
        try:
            before = look(self.engine)
        except EngineAwayError as exc:
            if not self.module.check_mode:
                self.module.fail_json(msg=f"{exc} (playbooks/hosts.yml does that).")
            before = Member()
        except EngineError as exc:
            self.module.fail_json(msg=f"{exc}.")
        if self.params["action"] == "recover":
            self.recover(before)
        init = self.params["action"] == "init"
        role = MANAGER if init else self.params["role"]
        reason = join_blocker(before, self.params["cluster_id"])
        if before.state == "active" and not reason:
            reason = same_swarm(before, role, [] if init else self.params["remote_addresses"])
        if reason:
            self.module.fail_json(msg=f"Nothing was changed: {reason}.", member=before.as_dict())
        if before.state == "active":
            self.module.exit_json(changed=False, member=before.as_dict())
        diff = {
            "before": {"swarm": before.state, "role": None},
            "after": {"swarm": "active", "role": role},
        }
        if self.module.check_mode:
            self.module.exit_json(changed=True, member=before.as_dict(), diff=diff)
        after = self.change(before, init, role)
        self.module.exit_json(changed=True, member=after.as_dict(), diff=diff)

    def recover(self, before: Member) -> None:
        """Force a new cluster from the state of this manager."""
        reason = recovery_blocker(before)
        if reason:
            self.module.fail_json(msg=f"Nothing was changed: {reason}.", member=before.as_dict())
        if before.quorum:
            self.module.exit_json(changed=False, member=before.as_dict())
        diff = {"before": {"quorum": False}, "after": {"quorum": True}}
        if self.module.check_mode:
            self.module.exit_json(changed=True, member=before.as_dict(), diff=diff)
        after = self.change(replace(before, state="active"), True, MANAGER)
        self.module.exit_json(changed=True, member=after.as_dict(), diff=diff)

    def change(self, before: Member, init: bool, role: str) -> Member:
        self.send_request(before, init)
        deadline = time.monotonic() + self.params["wait_timeout"]
        while True:
            found = before
            try:
                found = look(self.engine)
                done, missing = confirmed(found, role, self.params["cluster_id"])
                if done:
                    return found
            except EngineError as exc:
                missing = str(exc)
            if time.monotonic() >= deadline:
                self.fail(
                    init,
                    f"the host did not become a {role} within {self.params['wait_timeout']} s"
                    f" ({missing})",
                )
            time.sleep(0.3)

    def send_request(self, before: Member, init: bool) -> None:
        if before.state == "pending":
            # An earlier run was killed while the daemon continued to join.
            return
        try:
            if init:
                self.engine.request(
                    "POST", "/swarm/init", body=init_body(self.params, self.addresses)
                )
            else:
                self.engine.request(
                    "POST", "/swarm/join", body=join_body(self.params, self.addresses)
                )
        except EngineError as exc:
            # The daemon gives up waiting after 20 seconds but continues to join.
            error = exc.detail or str(exc)
            if "will continue in the background" not in error:
                self.fail(init, error)

    def fail(self, init: bool, error: str) -> None:
        if init:
            what = "Recovering" if self.params["action"] == "recover" else "Starting"
            self.module.fail_json(msg=f"{what} the swarm failed: {error}.")
        found, state = self.undo_join()
        self.module.fail_json(
            msg=(
                f"Joining the swarm failed: {error.rstrip('.')}. The host must reach"
                f" {', '.join(self.params['remote_addresses'])} (TCP) and be reached at"
                f" {self.addresses['advertise_address']}.{state}"
            ),
            member=found.as_dict(),
        )

    def undo_join(self) -> tuple[Member, str]:
        """Undo a join that failed, so that the next run can try again."""
        try:
            found = look(self.engine)
            if found.state in ("error", "pending") and not found.node_id:
                self.engine.request("POST", "/swarm/leave", query={"force": "true"})
                return look(self.engine), " The attempt was undone."
        except EngineError as exc:
            return Member(), f" The attempt could not be undone: {exc}."
        return found, ""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "action": {"type": "str", "required": True, "choices": ["init", "join", "recover"]},
            "role": {"type": "str", "choices": ["manager", "worker"], "default": "worker"},
            "advertise_address": {"type": "str", "required": True},
            "data_path_address": {"type": "str"},
            "listen_port": {"type": "int", "default": 2377},
            "data_path_port": {"type": "int", "default": 4789},
            "default_address_pools": {"type": "list", "elements": "str", "default": []},
            "default_subnet_size": {"type": "int", "default": 24},
            "availability": {
                "type": "str",
                "choices": ["active", "pause", "drain"],
                "default": "active",
            },
            "join_token": {"type": "str", "no_log": True},
            "remote_addresses": {"type": "list", "elements": "str", "default": []},
            "cluster_id": {"type": "str", "default": ""},
            "wait_timeout": {"type": "int", "default": 60},
        },
        required_if=[("action", "join", ("remote_addresses",))],
        supports_check_mode=True,
    )
    Membership(module).run()


if __name__ == "__main__":
    main()
