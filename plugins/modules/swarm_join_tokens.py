#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_join_tokens
version_added: 0.1.0
short_description: Rotate the join tokens of a swarm
description:
  - Runs on a manager. Nobody can join with a former token; hosts that are in the swarm stay.
  - The tokens are not returned. M(elk.swarm.swarm_member_info) reads them when a host joins.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
attributes:
  check_mode:
    description: Checks whether the swarm can be changed, and rotates no token.
    support: full
  diff_mode:
    description: Shows nothing, since what differs is secret.
    support: none
  idempotent:
    description: Rotates the tokens each time.
    support: none
options:
  roles:
    description: Roles whose tokens are rotated.
    type: list
    elements: str
    choices: [worker, manager]
    default: [worker, manager]
  wait_timeout:
    description: Seconds to wait while the managers elect a leader or change the swarm.
    type: int
    default: 60
seealso:
  - module: elk.swarm.swarm_member_info
"""

EXAMPLES = r"""
- name: Make the former tokens invalid
  elk.swarm.swarm_join_tokens:
"""

RETURN = r"""
roles:
  description: Roles that have a new token, or would have one in check mode.
  returned: success
  type: list
  elements: str
  sample: [worker, manager]
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
    NoQuorumError,
    OutOfSequenceError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS


def rotate(engine: Engine, params: dict[str, Any], *, check_mode: bool) -> None:
    """Rotate the tokens. A second rotation does no harm, so a request may be repeated."""
    deadline = time.monotonic() + params["wait_timeout"]
    while True:
        try:
            swarm = engine.request("GET", "/swarm")
            if not check_mode:
                engine.request(
                    "POST",
                    "/swarm/update",
                    query={
                        "version": swarm["Version"]["Index"],
                        **{f"rotate{role.title()}Token": "true" for role in params["roles"]},
                    },
                    body=swarm["Spec"],
                )
            return
        except (NoQuorumError, OutOfSequenceError):
            if time.monotonic() >= deadline:
                raise
        time.sleep(0.3)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "roles": {
                "type": "list",
                "elements": "str",
                "choices": ["worker", "manager"],
                "default": ["worker", "manager"],
            },
            "wait_timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    engine = Engine(Connection.from_options(module.params))
    try:
        rotate(engine, module.params, check_mode=module.check_mode)
    except EngineError as error:
        module.fail_json(msg=f"{error}.")
    finally:
        engine.close()
    module.exit_json(changed=bool(module.params["roles"]), roles=module.params["roles"])


if __name__ == "__main__":
    main()
