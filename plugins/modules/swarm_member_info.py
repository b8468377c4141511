#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_member_info
short_description: Read which swarm a host is in, and in which role
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
description:
  - Asks the host's own Docker daemon over its socket, without the Docker SDK or the client.
  - Distinguishes a manager that cannot reach a majority of its peers from a host that is not a
    manager.
attributes:
  check_mode:
    support: full
    description: Can run in check mode and returns what it finds; changes nothing.
  diff_mode:
    support: none
    description: Changes nothing, so there is no difference to show.
  idempotent:
    support: full
    description: Changes nothing, however often it runs.
options:
  absent_ok:
    description:
      - Whether a host without a running Docker daemon is reported as C(state=absent).
      - Otherwise that is an error.
    type: bool
    default: false
  settle_timeout:
    description:
      - How long to wait, in seconds, for a daemon that has just started, and for managers that are
        about to elect a leader.
    type: int
    default: 0
  join_tokens:
    description:
      - Also return the tokens with which other hosts join. The host must be a manager.
      - Anybody who has the tokens can join the swarm. Use C(no_log) on the task.
    type: bool
    default: false
seealso:
  - module: elk.swarm.swarm_member
  - plugin: elk.swarm.swarm_plan
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read the membership of the host
  elk.swarm.swarm_member_info:
  register: found

- name: Fail when the managers have no majority
  ansible.builtin.assert:
    that: not found.member.manager or found.member.quorum
"""

RETURN = r"""
member:
  description: What the daemon knows of its swarm.
  returned: always
  type: dict
  contains:
    state:
      description: One of V(absent), V(inactive), V(pending), V(active), V(error), V(locked).
      type: str
      sample: active
    node_id:
      description: Id of the host in its swarm.
      type: str
      sample: nbp2pdbcp1i5jf0tu5wi2q1kf
    node_address:
      description: Address under which the swarm reaches the host.
      type: str
      sample: 10.20.0.11
    manager:
      description: Whether the host is a manager.
      type: bool
      sample: true
    quorum:
      description: Whether the host is a manager that can read and change its swarm.
      type: bool
      sample: true
    cluster_id:
      description: Id of the swarm. Only a manager knows it.
      type: str
      sample: x0tlvg3wmr4aqn8nnb4ac3rnt
    error:
      description: Error that the daemon reports.
      type: str
      sample: ""
    remote_managers:
      description: Managers that the host knows.
      type: list
      elements: str
      sample: ["10.20.0.11:2377"]
    nodes:
      description:
        - Role of each node of the swarm by its id, when the host is a manager with a majority.
      type: dict
      sample: {nbp2pdbcp1i5jf0tu5wi2q1kf: manager}
join_tokens:
  description: Tokens for joining, by role.
  returned: when O(join_tokens=true)
  type: dict
  sample: {manager: SWMTKN-1-..., worker: SWMTKN-1-...}
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
from ansible_collections.elk.swarm.plugins.module_utils.swarm.membership_plan import Member, look


def run(module: AnsibleModule) -> None:
    params: dict[str, Any] = module.params
    engine = Engine(Connection.from_options(params))
    try:
        deadline = time.monotonic() + params["settle_timeout"]
        member = look(engine)
        while member.unsettled and time.monotonic() < deadline:
            time.sleep(0.5)
            member = look(engine)
        result: dict[str, Any] = {"member": member.as_dict()}
        if params["join_tokens"]:
            if not member.quorum:
                module.fail_json(
                    msg="This host is not a manager that can reach a majority, so it cannot"
                    f" return join tokens: {member.error or 'state ' + member.state}",
                    **result,
                )
            tokens = engine.request("GET", "/swarm")["JoinTokens"]
            result["join_tokens"] = {"manager": tokens["Manager"], "worker": tokens["Worker"]}
    except EngineAwayError as exc:
        if not params["absent_ok"] or params["join_tokens"]:
            module.fail_json(msg=f"{exc} (playbooks/hosts.yml installs and starts Docker).")
        result = {"member": Member().as_dict()}
    except EngineError as exc:
        module.fail_json(msg=f"{exc}.")
    module.exit_json(changed=False, **result)


def main() -> None:
    run(
        AnsibleModule(
            argument_spec={
                **ENGINE_ARGUMENTS,
                "absent_ok": {"type": "bool", "default": False},
                "settle_timeout": {"type": "int", "default": 0},
                "join_tokens": {"type": "bool", "default": False, "no_log": False},
            },
            supports_check_mode=True,
        )
    )


if __name__ == "__main__":
    main()
