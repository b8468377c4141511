#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: overlay_network
short_description: Create an overlay network, or verify an existing one
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
description:
  - Creates an overlay network in the swarm of which the host is a manager.
  - A network of that name with other properties is an error that lists every difference.
    Unlike M(community.docker.docker_network), this module never removes a network to create it
    again, because that would disconnect the tasks that use it.
  - A network that the managers could not allocate, for instance because its subnet is taken, is an
    error; Docker itself reports such a network as created.
attributes:
  check_mode:
    support: full
    description: Can run in check mode, also on a host that is in no swarm yet.
  diff_mode:
    support: full
    description: Shows the properties of a network that is created.
  idempotent:
    support: full
    description: A network that matches the options is left alone.
options:
  name:
    description: Name of the network.
    type: str
    required: true
  subnet:
    description:
      - IPv4 subnet. When bits beyond the prefix are set, as in C(192.168.8.0/20), the subnet that
        contains the address is used, with a warning.
      - When left out, Docker chooses one for a new network, and that of an existing network is no
        difference.
    type: str
  attachable:
    description: Whether containers outside of services can be attached.
    type: bool
    default: true
  encrypted:
    description: Whether the traffic between hosts is encrypted.
    type: bool
    default: false
  mtu:
    description: Largest packet in the network, in bytes. Docker's default when left out.
    type: int
  wait_timeout:
    description: How long to wait until the managers have allocated a new network, in seconds.
    type: int
    default: 15
seealso:
  - module: community.docker.docker_network
"""

EXAMPLES = r"""
- name: Create the network of the platform
  elk.swarm.overlay_network:
    name: elknet
    subnet: 192.168.8.0/21
    encrypted: true
"""

RETURN = r"""
network:
  description: The network after the run.
  returned: success
  type: dict
  sample:
    id: 6g0v6svzv5l7u3nsy6r1v9q2n
    name: elknet
    subnet: 192.168.8.0/21
    attachable: true
    encrypted: false
    mtu: null
differences:
  description: How an existing network differs from the options.
  returned: when there are any
  type: list
  elements: str
  sample: ["subnet is 10.0.1.0/24, wanted 192.168.8.0/21"]
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineAwayError,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.swarm.overlay_network import (
    Desired,
    allocated,
    blocker,
    create_body,
    differences,
    normalise_subnet,
    not_allocated,
    pick,
    subnets_of,
)


class Overlay:
    """Creates or verifies one network."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.engine = Engine(Connection.from_options(self.params))
        subnet, message = None, ""
        try:
            if self.params["subnet"] is not None:
                subnet, message = normalise_subnet(self.params["subnet"])
        except ValueError as exc:
            module.fail_json(msg=str(exc))
        if message:
            module.warn(message)
        self.desired = Desired(
            name=self.params["name"],
            subnet=subnet,
            attachable=self.params["attachable"],
            encrypted=self.params["encrypted"],
            mtu=self.params["mtu"],
        )

    def run(self) -> None:
        try:
            reason = self.not_a_manager()
            if reason:
                if self.module.check_mode:
                    self.exit_created({})
                self.module.fail_json(msg=reason)
            found = self.read()
            if found is None:
                self.create()
            self.verify(found)
        except EngineError as exc:
            self.module.fail_json(msg=f"Network {self.desired.name}: {exc}.")

    def not_a_manager(self) -> str:
        try:
            swarm = self.engine.request("GET", "/info").get("Swarm") or {}
        except EngineAwayError as exc:
            return f"{exc}. Install and start Docker."
        state = swarm.get("LocalNodeState") or "inactive"
        if state != "active" or not swarm.get("ControlAvailable"):
            return (
                f"This host is not a manager of a swarm (swarm mode: {state}), and only a manager"
                " can create an overlay network. Run docker swarm init here, or run this"
                " on a manager."
            )
        return ""

    def read(self) -> dict[str, Any] | None:
        query = {"filters": {"name": [self.desired.name]}}
        matching = pick(self.desired.name, self.networks(query))
        if len(matching) > 1:
            self.module.fail_json(
                msg=f"There are {len(matching)} networks named {self.desired.name} here:"
                f" {', '.join(str(one.get('Id')) for one in matching)}. Remove the unused"
                " ones with 'docker network rm ID' and run this again."
            )
        return dict(matching[0]) if matching else None

    def networks(self, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        return list(self.engine.request("GET", "/networks", query=query) or [])

    def create(self) -> None:
        if self.module.check_mode:
            self.exit_created({})
        answer = self.engine.request("POST", "/networks/create", body=create_body(self.desired))
        deadline = time.monotonic() + self.params["wait_timeout"]
        while True:
            found = self.read()
            if found is not None and allocated(found):
                self.exit_created(found)
            if time.monotonic() >= deadline:
                break
            time.sleep(0.1)
        text = not_allocated(self.desired, self.networks())
        # Nothing uses it yet, and the next run would take it for a working network.
        self.engine.request("DELETE", f"/networks/{answer['Id']}")
        self.module.fail_json(msg=f"{text}. The unfinished network was removed again.")

    def verify(self, found: dict[str, Any] | None) -> None:
        if found is None:
            raise ValueError("only a network that exists can be compared")
        reason = blocker(self.desired, found, self.users(found))
        if reason:
            self.module.fail_json(
                msg=reason, differences=[str(one) for one in differences(self.desired, found)]
            )
        if not allocated(found):
            self.module.fail_json(
                msg=not_allocated(self.desired, self.networks())
                + f" after 'docker network rm {self.desired.name}'."
            )
        self.module.exit_json(changed=False, network=self.summary(found))

    def users(self, found: dict[str, Any]) -> list[str]:
        names = []
        for service in self.engine.services():
            spec = service.get("Spec") or {}
            networks = (spec.get("TaskTemplate") or {}).get("Networks") or spec.get("Networks")
            targets = {one.get("Target") for one in networks or []}
            if targets & {found.get("Id"), found.get("Name")}:
                names.append(str(spec.get("Name")))
        return names

    def exit_created(self, found: dict[str, Any]) -> None:
        network = self.summary(found)
        self.module.exit_json(
            changed=True,
            network=network,
            diff={
                "before": {},
                "after": {key: value for key, value in network.items() if key != "id"},
            },
        )

    def summary(self, found: dict[str, Any]) -> dict[str, Any]:
        """The network as it is; in check mode only what is known of it."""
        return {
            "id": str(found.get("Id") or ""),
            "name": self.desired.name,
            "subnet": self.desired.subnet or subnets_of(found) or None,
            "attachable": self.desired.attachable,
            "encrypted": self.desired.encrypted,
            "mtu": self.desired.mtu,
        }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "subnet": {"type": "str"},
            "attachable": {"type": "bool", "default": True},
            "encrypted": {"type": "bool", "default": False},
            "mtu": {"type": "int"},
            "wait_timeout": {"type": "int", "default": 15},
        },
        supports_check_mode=True,
    )
    Overlay(module).run()


if __name__ == "__main__":
    main()
