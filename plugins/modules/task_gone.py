#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: task_gone
version_added: 0.1.0
short_description: Wait until a host runs no container of a service any more
description:
  - Asks the host's own daemon. A swarm takes a task for ended, and its port for free, as soon as it
    may not run on the node any more, while its container still stops.
  - A container that was made half a minute ago and has never been started counts as ended. Swarm
    leaves those whose start has failed.
  - Stops nothing by itself.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
attributes:
  check_mode:
    description: Nothing was stopped, and nothing is waited for.
    support: full
  diff_mode:
    description: Changes nothing.
    support: N/A
  idempotent:
    description: Changes nothing.
    support: full
options:
  prefix:
    description: Begin of the names of the services.
    type: str
    required: true
  wait_timeout:
    description: Seconds to wait. More than the services' own grace period.
    type: float
    default: 210
seealso:
  - module: elk.swarm.node_labels
"""

EXAMPLES = r"""
- name: Take the node's task away
  elk.swarm.node_labels:
    labels: {elk.es: {w1: hold}}
  delegate_to: m1

- name: Wait until its container is gone
  elk.swarm.task_gone:
    prefix: elk_elasticsearch-
"""

RETURN = r"""
ended:
  description: The containers that ended while this waited, with the codes that they ended with.
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
# Seconds in which a container that was made is started, if it ever is.
MADE_GRACE = 30.0
# The process did not stop by itself within its grace period.
KILLED = 137


def of_service(container: dict[str, Any], prefix: str) -> bool:
    return str((container.get("Labels") or {}).get(label_names.SWARM_SERVICE, "")).startswith(
        prefix
    )


def shown(container: dict[str, Any]) -> str:
    return str((container.get("Names") or [container["Id"][:12]])[0]).lstrip("/")


def code_of(container: dict[str, Any]) -> int | None:
    match = re.match(r"Exited \((\d+)\)", str(container.get("Status")))
    return int(match[1]) if match else None


def has_ended(container: dict[str, Any], now: float) -> bool:
    """Whether it runs no more, and will not begin to.

    One that is only made may be started any moment. Where its start has failed, and where its task
    was taken away just then, it stays as it is for good, and another one is made in its place.
    """
    if container.get("State") == "created":
        return now - float(container.get("Created") or now) > MADE_GRACE
    return container.get("State") in ENDED


def wait(module: AnsibleModule, engine: Engine) -> dict[str, Any]:
    params = module.params
    begun = time.monotonic()
    watched: set[str] = set()
    while True:
        every = [one for one in engine.containers() if of_service(one, params["prefix"])]
        left = [one for one in every if not has_ended(one, time.time())]
        watched |= {one["Id"] for one in left}
        waited = time.monotonic() - begun
        if not left or module.check_mode:
            ended = {shown(one): code_of(one) for one in every if one["Id"] in watched}
            return {"ended": ended, "seconds": round(waited, 1)}
        if waited >= params["wait_timeout"]:
            names = ", ".join(f"{shown(one)} ({one.get('Status')})" for one in left)
            module.fail_json(
                msg=f"The container has not ended after {waited:.0f} s: {names}. Look at 'docker "
                "logs' of it on this host; when it hangs for good, 'docker kill' ends it. Then run "
                "the same command again."
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
            f"{', '.join(killed)} did not stop by itself and was killed. Elasticsearch bears that; "
            "a longer elasticsearch_stop_grace_period lets it end in order."
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
