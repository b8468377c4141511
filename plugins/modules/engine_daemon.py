#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_daemon
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Bring the running Docker daemon to its configuration
description:
  - Starts a daemon that does not run, restarts one that needs it for its configuration or whose
    program was replaced by an upgrade, and reloads one where that is enough.
  - Waits until the daemon answers and, in a swarm, has found its managers, and checks that it has
    taken the configuration. A reload counts when the daemon itself reports it.
  - When the daemon does not start, the error holds its last words.
  - A restart stops every container on the host. In a swarm that is to be done one host after the
    other, with M(elk.swarm.node_turn) around it.
extends_documentation_fragment:
  - elk.swarm.docker
options:
  config:
    description: Content of the configuration file, as M(elk.swarm.daemon_config) gives it.
    type: dict
    required: true
  path:
    description: The configuration file.
    type: path
    default: /etc/docker/daemon.json
  pidfile:
    description: File that the daemon writes when it starts.
    type: path
    default: /run/docker.pid
  unit:
    description: Unit of the daemon.
    type: str
    default: docker.service
  wait_timeout:
    description: Seconds until the daemon has to answer.
    type: int
    default: 60
attributes:
  check_mode:
    description: Says what would be done without doing it.
    support: full
  diff_mode:
    description: There is no text to compare.
    support: none
  idempotent:
    description: A daemon that runs with its configuration is left alone.
    support: full
notes:
  - Other than the modules for the swarm, this one runs on the host whose daemon it is about.
seealso:
  - module: elk.swarm.daemon_config
  - module: elk.swarm.node_turn
"""

EXAMPLES = r"""
- name: Write the daemon's configuration
  elk.swarm.daemon_config:
    options:
      debug: true
  register: daemon

- name: Have the daemon take it
  elk.swarm.engine_daemon:
    config: "{{ daemon.config }}"
  register: taken

- name: Tell how
  ansible.builtin.debug:
    msg: "{{ taken.step }}: {{ taken.reasons | join(', ') }}"
"""

RETURN = r"""
step:
  description: What was done, V(nothing), V(reload), V(restart) or V(start).
  returned: always
  type: str
  sample: reload
reasons:
  description: Why that was needed.
  returned: always
  type: list
  elements: str
  sample: [debug is read by a reload]
version:
  description: Version of the daemon that runs. Empty in check mode when none runs.
  returned: success
  type: str
  sample: 26.1.5+dfsg1
tasks:
  description: Swarm tasks whose containers run on this host now.
  returned: success
  type: list
  elements: str
  sample: [puhdflq2q2nhafw75w66wbxki]
seconds:
  description: How long it took.
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
from ansible_collections.elk.swarm.plugins.module_utils.docker import daemon_process
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS

START = "start"
# A reload takes milliseconds; this is for a machine that is very busy.
RELOAD_PATIENCE = 15
POLL = 0.2


class EngineDaemon:
    """One daemon, on this host."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.path = Path(self.params["path"])
        self.pidfile = Path(self.params["pidfile"])
        self.begun = time.monotonic()

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
            seconds=round(time.monotonic() - self.begun, 1),
        )

    def systemctl(self, verb: str) -> tuple[int, str]:
        rc, out, err = self.module.run_command(["systemctl", verb, self.params["unit"]])
        return rc, (err or out).strip()

    def restart(self, kind: str) -> None:
        # A unit that has just failed some times would not be tried again at once.
        self.systemctl("reset-failed")
        rc, said = self.systemctl("start" if kind == START else "restart")
        if rc:
            self.fail("Docker does not start", said)
        daemon = daemon_process.look(self.path, self.pidfile, None)
        left = plan.step(daemon, self.params["config"])
        if daemon is None or left.kind == plan.RESTART:
            why = "; ".join(left.reasons) or "its process is not there"
            self.fail("Docker was started and is not what was asked for", why)

    def reload(self) -> None:
        since = time.time()
        rc, said = self.systemctl("reload")
        if rc:
            self.fail("Docker cannot be told to reload", said)
        deadline = time.monotonic() + RELOAD_PATIENCE
        while not self.reloaded(since):
            if time.monotonic() >= deadline:
                self.fail("Docker was told to reload and has not taken the file", "")
            time.sleep(POLL)
        daemon = daemon_process.look(self.path, self.pidfile, self.engine())
        if daemon is None:
            self.fail("Docker ended while it was told to reload", "")
            return
        wrong = plan.not_taken(self.params["config"], daemon.live)
        if wrong:
            self.fail("Docker has reloaded and not taken every option", "; ".join(wrong))
        daemon_process.write_note(daemon.started, self.params["config"])

    def reloaded(self, since: float) -> bool:
        """Whether the daemon has reported a reload, which it does once it has taken everything."""
        query = {
            "since": f"{since:.6f}",
            "until": f"{time.time():.6f}",
            "filters": {"type": ["daemon"], "event": ["reload"]},
        }
        try:
            answer = self.engine().request("GET", "/events", query=query)
        except EngineError as error:
            self.fail("Docker does not answer after it was told to reload", str(error))
        # Several events are one JSON object a line.
        lines = answer.splitlines() if isinstance(answer, str) else [json.dumps(answer or {})]
        return any(json.loads(line).get("Action") == "reload" for line in lines)

    def settled(self) -> dict[str, Any]:
        """What the daemon says of itself once it answers and waits for no manager any more."""
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
                self.fail(f"Docker runs and is not ready after {limit} s", why)
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
        command = ["journalctl", "--unit", unit, "--lines", "15", "--no-pager", "--output", "cat"]
        _rc, words, _err = self.module.run_command(command)
        self.module.fail_json(
            msg=f"{what}: {why or 'it gives no reason'}\nIts last words:\n{words.rstrip()}\n"
            "If they speak of a directive or option, correct docker_engine_daemon_options and run "
            f"this again. Next command on this host: systemctl status {unit}",
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
