#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_join_tokens
version_added: 0.1.0
short_description: Make new tokens for joining a swarm
description:
  - Runs on a manager. A token of before lets nobody in any more; hosts that are in the swarm stay.
  - The tokens are not returned. M(elk.swarm.swarm_member_info) reads them when a host is to join.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
attributes:
  check_mode:
    description: Looks whether the swarm can be changed, and makes no token.
    support: full
  diff_mode:
    description: Shows nothing, since what differs is secret.
    support: none
  idempotent:
    description: Makes new tokens each time.
    support: none
options:
  roles:
    description: For whom.
    type: list
    elements: str
    choices: [worker, manager]
    default: [worker, manager]
  wait_timeout:
    description: Seconds for managers that elect a leader, or that change the swarm at this moment.
    type: int
    default: 60
seealso:
  - module: elk.swarm.swarm_member_info
"""

EXAMPLES = r"""
- name: Nobody joins with a token of before
  elk.swarm.swarm_join_tokens:
"""

RETURN = r"""
roles:
  description: For whom there is a new token, or would be in check mode.
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
    """Ask for new tokens. Another one would do no harm, so an attempt may be made twice."""
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
