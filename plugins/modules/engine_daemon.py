#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_daemon
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Make the running Docker daemon use its configuration
description:
  - Starts a daemon that does not run. Restarts one if its configuration needs that or an upgrade
    replaced its program. Reloads it where a reload is enough.
  - Waits until the daemon answers and, in a swarm, has found its managers. Checks that it uses the
    configuration. A reload is complete when the daemon reports it as an event.
  - If the daemon does not start, the error begins with the daemon's own reason and the remedy if
    the cause is known, and holds its last log lines.
  - A restart stops every container on the host. In a swarm, restart one host after the other,
    with M(elk.swarm.node_maintenance) before and after.
extends_documentation_fragment:
  - elk.swarm.docker
options:
  config:
    description: Content of the configuration file, as M(elk.swarm.daemon_config) returns it.
    type: dict
    required: true
  path:
    description: The configuration file.
    type: path
    default: /etc/docker/daemon.json
  pidfile:
    description: The PID file, which the daemon writes when it starts.
    type: path
    default: /run/docker.pid
  unit:
    description: Systemd unit of the daemon.
    type: str
    default: docker.service
  wait_timeout:
    description: Seconds within which the daemon must answer.
    type: int
    default: 60
attributes:
  check_mode:
    description: Reports what would be done, and changes nothing.
    support: full
  diff_mode:
    description: There is no text to compare.
    support: none
  idempotent:
    description: A daemon that already uses its configuration is not touched.
    support: full
notes:
  - Unlike the modules for the swarm, this module runs on the host of the daemon.
seealso:
  - module: elk.swarm.daemon_config
  - module: elk.swarm.node_maintenance
"""

EXAMPLES = r"""
- name: Write the daemon's configuration
  elk.swarm.daemon_config:
    options:
      debug: true
  register: daemon

- name: Make the daemon use it
  elk.swarm.engine_daemon:
    config: "{{ daemon.config }}"
  register: result

- name: Show what was needed
  ansible.builtin.debug:
    msg: "{{ result.step }}: {{ result.reasons | join(', ') }}"
"""

RETURN = r"""
step:
  description: What was done, V(nothing), V(reload), V(restart) or V(start).
  returned: always
  type: str
  sample: reload
reasons:
  description: Why this step was needed.
  returned: always
  type: list
  elements: str
  sample: [debug is read by a reload]
version:
  description: Version of the running daemon. Empty in check mode if none runs.
  returned: success
  type: str
  sample: 26.1.5+dfsg1
tasks:
  description: Ids of the Swarm tasks whose containers run on this host now.
  returned: success
  type: list
  elements: str
  sample: [puhdflq2q2nhafw75w66wbxki]
seconds:
  description: How long the module took.
  returned: success
  type: float
  sample: 2.9
"""

import json
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.docker import daemon_config as plan
from ansible_collections.elk.swarm.plugins.module_utils.docker import daemon_process, start_failure
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS

START = "start"
# Seconds. A reload takes milliseconds, but more on a very busy machine.
RELOAD_PATIENCE = 15
POLL = 0.2


class EngineDaemon:
    """One daemon, on this host."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.path = Path(self.params["path"])
        self.pidfile = Path(self.params["pidfile"])
        self.start = time.monotonic()
        self.begun = time.time()

    def engine(self) -> Engine:
        return Engine(Connection.from_options(self.params))

    def run(self) -> None:
        daemon = daemon_process.look(self.path, self.pidfile, self.engine())
        step = plan.step(daemon, self.params["config"])
        kind = START if daemon is None else step.kind
        if not self.module.check_mode:
            if kind == plan.RELOAD:
                self.reload()
            elif kind in (plan.RESTART, START):
                self.restart(kind)
        info = {} if daemon is None and self.module.check_mode else self.settled()
        self.module.exit_json(
            changed=kind != plan.NOTHING,
            step=kind,
            reasons=list(step.reasons) if daemon else ["no daemon runs"],
            version=str(info.get("ServerVersion") or ""),
            tasks=self.tasks() if info else [],
            seconds=round(time.monotonic() - self.start, 1),
        )

    def systemctl(self, verb: str) -> tuple[int, str]:
        rc, out, err = self.module.run_command(["systemctl", verb, self.params["unit"]])
        return rc, (err or out).strip()

    def restart(self, kind: str) -> None:
        # Systemd does not start a unit that has just failed several times.
        self.systemctl("reset-failed")
        rc, message = self.systemctl("start" if kind == START else "restart")
        if rc:
            self.fail("Docker does not start", message)
        daemon = daemon_process.look(self.path, self.pidfile, None)
        missing = plan.step(daemon, self.params["config"])
        if daemon is None or missing.kind == plan.RESTART:
            why = "; ".join(missing.reasons) or "its process does not run"
            self.fail("Docker was started, but does not use its configuration", why)

    def reload(self) -> None:
        since = time.time()
        rc, message = self.systemctl("reload")
        if rc:
            self.fail("Docker cannot reload its configuration", message)
        deadline = time.monotonic() + RELOAD_PATIENCE
        while not self.reloaded(since):
            if time.monotonic() >= deadline:
                self.fail("Docker was sent a reload, but has not reloaded its file", "")
            time.sleep(POLL)
        daemon = daemon_process.look(self.path, self.pidfile, self.engine())
        if daemon is None:
            self.fail("Docker exited during the reload", "")
            return
        wrong = plan.not_adopted(self.params["config"], daemon.live)
        if wrong:
            self.fail("Docker has reloaded, but does not use every option", "; ".join(wrong))
        daemon_process.write_note(daemon.started, self.params["config"])

    def reloaded(self, since: float) -> bool:
        """Whether the daemon reported a reload, which it does after it has applied everything."""
        query = {
            "since": f"{since:.6f}",
            "until": f"{time.time():.6f}",
            "filters": {"type": ["daemon"], "event": ["reload"]},
        }
        try:
            answer = self.engine().request("GET", "/events", query=query)
        except EngineError as error:
            self.fail("Docker does not answer after the reload", str(error))
        # Several events come as one JSON object per line.
        lines = answer.splitlines() if isinstance(answer, str) else [json.dumps(answer or {})]
        return any(json.loads(line).get("Action") == "reload" for line in lines)

    def settled(self) -> dict[str, Any]:
        """Wait until the daemon answers and has found its managers; return its info."""
        deadline = time.monotonic() + self.params["wait_timeout"]
        while True:
            try:
                info: dict[str, Any] = self.engine().request("GET", "/info")
                why = "it waits for the managers of its swarm"
                if (info.get("Swarm") or {}).get("LocalNodeState") != "pending":
                    return info
            except EngineError as error:
                why = str(error)
            if time.monotonic() >= deadline:
                limit = self.params["wait_timeout"]
                self.fail(f"Docker runs, but is not ready after {limit} s", why)
            time.sleep(POLL)

    def tasks(self) -> list[str]:
        label = "com.docker.swarm.task.id"
        query = {"filters": {"label": [label], "status": ["running"]}}
        try:
            found = self.engine().request("GET", "/containers/json", query=query) or []
        except EngineError as error:
            self.fail("Docker does not list its containers", str(error))
        return sorted(str((one.get("Labels") or {}).get(label)) for one in found)

    def fail(self, what: str, why: str) -> None:
        unit = self.params["unit"]
        command = ["journalctl", "--unit", unit, "--no-pager", "--output", "cat", "--lines"]
        # An older failure must not pass for the reason of this one.
        since = f"@{int(self.begun) - 1}"
        _rc, log, _err = self.module.run_command([*command, "200", "--since", since])
        _rc, older, _err = self.module.run_command([*command, str(start_failure.SHOWN)])
        self.module.fail_json(
            msg=start_failure.explain(what, why, log, unit, shown=older),
            step="failed",
            reasons=[],
        )


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "config": {"type": "dict", "required": True},
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "pidfile": {"type": "path", "default": "/run/docker.pid"},
            "unit": {"type": "str", "default": "docker.service"},
            "wait_timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    EngineDaemon(module).run()


if __name__ == "__main__":
    main()
