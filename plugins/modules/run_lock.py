#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: run_lock
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Acquire or release a lock of a swarm, so that only one run works on it
description:
  - The lock is a config of the swarm, because a swarm has at most one config of a name. The config
    holds who has the lock and since when.
  - The next run of the same user on the same controller takes over the lock of a killed run. All
    others get an error that names the holder, and need O(force=true) to remove the lock.
extends_documentation_fragment:
  - elk.swarm.docker
options:
  name:
    description: Name of the lock.
    type: str
    required: true
  state:
    description:
      - V(present) acquires the lock, or fails and names the holder.
      - V(absent) releases the lock of this run. The lock of another run stays.
    type: str
    choices: [present, absent]
    default: present
  run:
    description: What P(elk.swarm.controller_run#lookup) returns.
    type: dict
    required: true
  purpose:
    description: What the lock is for. The errors of other runs show it.
    type: str
    default: ""
  remedy:
    description: How to clear a stale lock. Appended to the error.
    type: str
    default: ""
  force:
    description: Acquire the lock even if another run has it.
    type: bool
    default: false
  labels:
    description: Labels of the config.
    type: dict
    default: {}
attributes:
  check_mode:
    description: Fails where a run would, and acquires nothing.
    support: full
  diff_mode:
    description: Shows nothing.
    support: none
  idempotent:
    description: A run that has the lock keeps it.
    support: full
seealso:
  - plugin: elk.swarm.controller_run
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Acquire the lock
  elk.swarm.run_lock:
    name: web-roll
    run: "{{ lookup('elk.swarm.controller_run') }}"
    purpose: a rolling restart

- name: Release the lock
  elk.swarm.run_lock:
    name: web-roll
    run: "{{ lookup('elk.swarm.controller_run') }}"
    state: absent
"""

RETURN = r"""
holder:
  description: Who had the lock before. Empty if it was free.
  returned: success
  type: dict
  sample:
    who: ops@desk
    since: "2026-11-22T04:05:06Z"
    run: 8f1c2d3e-4026531836-4711-99
    purpose: a roll
"""

import base64
import datetime
import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    ConflictError,
    Connection,
    Engine,
    EngineError,
    NotFoundError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS

ATTEMPTS = 3
KIND = "configs"


class Lock:
    """A config of the swarm, and the run that has it."""

    def __init__(self, engine: Engine, params: dict[str, Any]) -> None:
        self.engine = engine
        self.params = params
        self.run: dict[str, Any] = params["run"]

    def read(self) -> tuple[str, dict[str, Any]]:
        """Id and holder of the lock; the id is empty if the lock is free."""
        for found in self.engine.objects(KIND, {"name": [self.params["name"]]}):
            spec = found.get("Spec") or {}
            if spec.get("Name") != self.params["name"]:
                continue
            try:
                holder = json.loads(base64.b64decode(spec.get("Data") or ""))
            except ValueError:
                holder = None
            return str(found["ID"]), holder if isinstance(holder, dict) else {}
        return "", {}

    def mine(self, holder: dict[str, Any]) -> bool:
        return holder.get("run") == self.run.get("run")

    def is_stale(self, holder: dict[str, Any]) -> bool:
        """Whether the lock belongs to a run of this operator that no longer exists."""
        return (
            holder.get("who") == self.run.get("who")
            and bool(self.run.get("sees"))
            and holder.get("run") not in (self.run.get("living") or ())
        )

    def blocker(self, holder: dict[str, Any]) -> str:
        purpose = f" for {holder['purpose']}" if holder.get("purpose") else ""
        return (
            f"{holder.get('who', 'An unknown user')} has the lock {self.params['name']}{purpose}, "
            f"since {holder.get('since', 'an unknown time')}. Nothing was changed. Wait until that "
            f"run has ended. {self.params['remedy']}"
        ).strip()

    def take(self, check_mode: bool) -> tuple[bool, dict[str, Any], str]:
        """Acquire the lock. Return whether it changed, its former holder, and what prevents it."""
        before: dict[str, Any] = {}
        for _attempt in range(ATTEMPTS):
            lock_id, holder = self.read()
            before = before or holder
            if lock_id and self.mine(holder):
                return False, before, ""
            if lock_id and not (self.params["force"] or self.is_stale(holder)):
                return False, before, self.blocker(holder)
            if check_mode:
                return True, before, ""
            try:
                if lock_id:
                    self.engine.remove_object(KIND, lock_id)
                self.engine.create_object(KIND, self.params["name"], self.content(), self.labels())
            except (ConflictError, NotFoundError):
                # Another run was faster; the next read shows which.
                continue
            return True, before, ""
        return False, before, self.blocker(self.read()[1])

    def content(self) -> bytes:
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        holder = {
            "who": self.run.get("who"),
            "run": self.run.get("run"),
            "since": now,
            "purpose": self.params["purpose"],
        }
        return json.dumps(holder).encode()

    def labels(self) -> dict[str, str]:
        return {str(key): str(value) for key, value in self.params["labels"].items()}

    def give_back(self, check_mode: bool) -> tuple[bool, dict[str, Any]]:
        lock_id, holder = self.read()
        if not lock_id or not self.mine(holder):
            return False, holder
        if not check_mode:
            try:
                self.engine.remove_object(KIND, lock_id)
            except NotFoundError:
                return False, holder
        return True, holder


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "run": {"type": "dict", "required": True},
            "purpose": {"type": "str", "default": ""},
            "remedy": {"type": "str", "default": ""},
            "force": {"type": "bool", "default": False},
            "labels": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    engine = Engine(Connection.from_options(module.params))
    lock = Lock(engine, module.params)
    blocker = ""
    try:
        if module.params["state"] == "present":
            changed, holder, blocker = lock.take(module.check_mode)
        else:
            changed, holder = lock.give_back(module.check_mode)
    except EngineError as error:
        module.fail_json(msg=f"{error}.")
    finally:
        engine.close()
    if blocker:
        module.fail_json(msg=blocker, holder=holder)
    module.exit_json(changed=changed, holder=holder)


if __name__ == "__main__":
    main()
