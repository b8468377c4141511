#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: task_mount
version_added: 0.1.0
short_description: Check what the task of a service on this host has mounted
description:
  - Checks every running container of a service on a host, and fails unless each has the expected
    mount, by type, source and driver.
  - Docker does not always mount what it was asked to mount. It creates a missing volume when the
    task starts, with the driver V(local) unless the service names another.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
attributes:
  check_mode:
    description: Can run in check mode, and does the same.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference to show.
    support: none
  idempotent:
    description: It changes nothing.
    support: full
options:
  service:
    description: Name of the service. The module fails if no task of it runs on the host.
    type: str
    required: true
  target:
    description: Path inside the container.
    type: str
    required: true
  type:
    description: Type of the mount.
    type: str
    required: true
    choices: [bind, volume]
  source:
    description: Path on the host, or name of the volume.
    type: str
    required: true
  driver:
    description: Driver that the volume must have, with O(type=volume).
    type: str
  filesystems:
    description:
      - Allowed types of the mounted file system, as the kernel names them, like V(nfs4).
      - Read through the process of the container, so this works only if the module runs on the host
        of the Engine.
    type: list
    elements: str
    default: []
  wait_timeout:
    description: Seconds to wait for a task to run.
    type: int
    default: 30
seealso:
  - module: elk.swarm.service
  - module: elk.swarm.volume
"""

EXAMPLES = r"""
- name: Check that the service uses the volume of its host
  elk.swarm.task_mount:
    service: web
    target: /data
    type: volume
    source: web-{{ ansible_facts['nodename'] }}
    driver: disk
"""

RETURN = r"""
mounts:
  description: The mounts that were found, by the id of the container.
  returned: always, unless Docker does not answer
  type: dict
  sample:
    5f69457147465f4f7b2ce7b93fde2dcea26040b635686fec99f4f5349eba775e:
      type: volume
      source: web-m1
      driver: disk:latest
      filesystem: null
"""

import os
import time
from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names, safe_path
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
    NotFoundError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.swarm.task_mount import (
    Expected,
    Found,
    filesystem_at,
    found_mount,
    verdict,
)


class Tasks:
    """The tasks of one service on one host."""

    def __init__(self, engine: Engine, service: str, expected: Expected) -> None:
        self.engine = engine
        self.service = service
        self.expected = expected

    def containers(self) -> list[dict[str, Any]]:
        filters = {"label": [f"{label_names.SWARM_SERVICE}={self.service}"], "status": ["running"]}
        return list(self.engine.request("GET", "/containers/json", query={"filters": filters}))

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        """The running containers, once there is one."""
        end = time.monotonic() + seconds
        while not (found := self.containers()) and time.monotonic() < end:
            time.sleep(0.5)
        return found

    def read_mount(self, container: dict[str, Any]) -> Found:
        found = found_mount(container, self.expected.target, self.filesystem(str(container["Id"])))
        if found.kind != "volume":
            return found
        volume = self.engine.volume(found.source) or {}
        return replace(found, volume_driver=str(volume.get("Driver") or ""))

    def filesystem(self, container: str) -> str | None:
        """The type that the kernel reports; None if it is not needed or not readable."""
        if not self.expected.filesystems:
            return None
        try:
            pid = self.engine.container(container)["State"]["Pid"]
            mounts = safe_path.read_text(f"/proc/{int(pid)}/mountinfo")
            return filesystem_at(mounts, self.expected.target)
        except (NotFoundError, OSError):
            return None


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "service": {"type": "str", "required": True},
            "target": {"type": "str", "required": True},
            "type": {"type": "str", "required": True, "choices": ["bind", "volume"]},
            "source": {"type": "str", "required": True},
            "driver": {"type": "str"},
            "filesystems": {"type": "list", "elements": "str", "default": []},
            "wait_timeout": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    params: dict[str, Any] = module.params
    expected = Expected(
        params["target"],
        params["type"],
        params["source"],
        params["driver"] or "",
        tuple(params["filesystems"]),
    )
    engine = Engine(Connection.from_options(params))
    tasks = Tasks(engine, params["service"], expected)
    try:
        found = {
            str(one["Id"]): tasks.read_mount(one) for one in tasks.wait(params["wait_timeout"])
        }
    except EngineError as error:
        module.fail_json(msg=f"{error}.")
    finally:
        engine.close()
    problem = verdict(os.uname().nodename, params["service"], expected, found)
    mounts = {container: one.as_dict() for container, one in found.items()}
    if problem:
        module.fail_json(msg=f"{problem}.", mounts=mounts)
    module.exit_json(changed=False, mounts=mounts)


if __name__ == "__main__":
    main()
