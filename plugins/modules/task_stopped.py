#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: task_stopped
version_added: 0.1.0
short_description: Wait until no container of a service runs on a host
description:
  - Queries the host's own daemon. Swarm counts a task as ended, and its port as free, as soon as
    the task may no longer run on the node, while its container is still stopping.
  - A container that was created more than half a minute ago and never started counts as ended.
    Swarm does not remove containers whose start failed.
  - The module itself stops nothing.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
attributes:
  check_mode:
    description: Does not wait, because nothing was stopped.
    support: full
  diff_mode:
    description: Changes nothing.
    support: N/A
  idempotent:
    description: Changes nothing.
    support: full
options:
  prefix:
    description: Beginning of the names of the services.
    type: str
    required: true
  wait_timeout:
    description: Seconds to wait. Must be more than the services' stop grace period.
    type: float
    default: 210
seealso:
  - module: elk.swarm.node_labels
"""

EXAMPLES = r"""
- name: Remove the node's task
  elk.swarm.node_labels:
    labels: {elk.es: {w1: hold}}
  delegate_to: m1

- name: Wait until its container is gone
  elk.swarm.task_stopped:
    prefix: elk_elasticsearch-
"""

RETURN = r"""
ended:
  description: The containers that ended during the wait, with their exit codes.
  returned: success
  type: dict
  sample: {elk_elasticsearch-1f2e3d4c.x1.y2: 143}
seconds:
  description: How long the module waited.
  returned: success
  type: float
  sample: 4.6
"""

import re
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS

POLL = 0.3
ENDED = ("exited", "dead")
# Seconds within which Docker starts a created container, if it starts it at all.
CREATED_GRACE = 30.0
# Exit code of a process that did not stop within its grace period.
KILLED = 137


def of_service(container: dict[str, Any], prefix: str) -> bool:
    return str((container.get("Labels") or {}).get(label_names.SWARM_SERVICE, "")).startswith(
        prefix
    )


def display_name(container: dict[str, Any]) -> str:
    return str((container.get("Names") or [container["Id"][:12]])[0]).lstrip("/")


def code_of(container: dict[str, Any]) -> int | None:
    match = re.match(r"Exited \((\d+)\)", str(container.get("Status")))
    return int(match[1]) if match else None


def has_ended(container: dict[str, Any], now: float) -> bool:
    """Whether the container does not run and will not start.

    A created container may start at any moment. If its start failed, or if its task was removed at
    that time, it stays in this state forever, and Swarm creates another container in its place.
    """
    if container.get("State") == "created":
        return now - float(container.get("Created") or now) > CREATED_GRACE
    return container.get("State") in ENDED


def wait(module: AnsibleModule, engine: Engine) -> dict[str, Any]:
    params = module.params
    started = time.monotonic()
    watched: set[str] = set()
    while True:
        containers = [one for one in engine.containers() if of_service(one, params["prefix"])]
        unfinished = [one for one in containers if not has_ended(one, time.time())]
        watched |= {one["Id"] for one in unfinished}
        waited = time.monotonic() - started
        if not unfinished or module.check_mode:
            ended = {display_name(one): code_of(one) for one in containers if one["Id"] in watched}
            return {"ended": ended, "seconds": round(waited, 1)}
        if waited >= params["wait_timeout"]:
            names = ", ".join(f"{display_name(one)} ({one.get('Status')})" for one in unfinished)
            module.fail_json(
                msg=f"The container has not ended after {waited:.0f} s: {names}. See its "
                "'docker logs' on this host; if it hangs, end it with 'docker kill'. Then run the "
                "same command again."
            )
        time.sleep(POLL)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "prefix": {"type": "str", "required": True},
            "wait_timeout": {"type": "float", "default": 210},
        },
        supports_check_mode=True,
    )
    engine = Engine(Connection.from_options(module.params))
    try:
        result = wait(module, engine)
    except EngineError as error:
        module.fail_json(msg=f"{error}.")
    finally:
        engine.close()
    killed = [name for name, code in result["ended"].items() if code == KILLED]
    if killed:
        module.warn(
            f"{', '.join(killed)} did not stop in time and was killed. Elasticsearch tolerates "
            "that; with a longer elasticsearch_stop_grace_period it stops cleanly."
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
