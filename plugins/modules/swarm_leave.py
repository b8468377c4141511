#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_leave
version_added: 0.1.0
short_description: Make a host leave its swarm
description:
  - Leaves the swarm that the host is in, and returns when its Docker Engine confirms it.
  - A manager leaves as well. If it is the last one, this ends the swarm. If others stay, demote it
    first with M(elk.swarm.swarm_node_removed).
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
attributes:
  check_mode:
    description: Can run in check mode.
    support: full
  diff_mode:
    description: Shows the membership before and after.
    support: full
  idempotent:
    description: A host that is in no swarm, or has no Docker, is left alone.
    support: full
options:
  node_id:
    description:
      - Node id that the host is expected to have. If the host has another id, the module fails and
        changes nothing.
    type: str
    default: ""
  wait_timeout:
    description: Seconds to wait until the host has left.
    type: int
    default: 60
seealso:
  - module: elk.swarm.swarm_member
  - module: elk.swarm.swarm_node_removed
"""

EXAMPLES = r"""
- name: Read the membership of the host
  elk.swarm.swarm_member_info:
  register: found

- name: Leave the swarm
  elk.swarm.swarm_leave:
    node_id: "{{ found.member.node_id }}"
"""

RETURN = r"""
state:
  description: State of the membership after the run, as the host's Docker Engine reports it.
  returned: success
  type: str
  sample: inactive
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
from ansible_collections.elk.swarm.plugins.module_utils.swarm.membership_plan import (
    ABSENT,
    INACTIVE,
)


def membership(engine: Engine) -> tuple[str, str]:
    swarm = engine.request("GET", "/info").get("Swarm") or {}
    return str(swarm.get("LocalNodeState") or INACTIVE), str(swarm.get("NodeID") or "")


def leave(module: AnsibleModule, engine: Engine) -> None:
    params: dict[str, Any] = module.params
    try:
        state, node_id = membership(engine)
    except EngineAwayError:
        module.exit_json(changed=False, state=ABSENT)
    if state == INACTIVE:
        module.exit_json(changed=False, state=state)
    if params["node_id"] and node_id and node_id != params["node_id"]:
        module.fail_json(
            msg=f"Nothing was changed: the host is node {node_id} now, expected"
            f" {params['node_id']}. Run this again to read the new id."
        )
    diff = {"before": {"swarm": state}, "after": {"swarm": INACTIVE}}
    if module.check_mode:
        module.exit_json(changed=True, state=state, diff=diff)
    engine.request("POST", "/swarm/leave", query={"force": "true"})
    deadline = time.monotonic() + params["wait_timeout"]
    while True:
        state, _node_id = membership(engine)
        if state == INACTIVE:
            module.exit_json(changed=True, state=state, diff=diff)
        if time.monotonic() >= deadline:
            module.fail_json(
                msg=f"The host has not left its swarm after {params['wait_timeout']} s, its state"
                f" is {state}. Next command: journalctl -u docker -n 50"
            )
        time.sleep(0.3)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "node_id": {"type": "str", "default": ""},
            "wait_timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    engine = Engine(Connection.from_options(module.params))
    try:
        leave(module, engine)
    except EngineError as error:
        module.fail_json(msg=f"{error}.")
    finally:
        engine.close()


if __name__ == "__main__":
    main()
