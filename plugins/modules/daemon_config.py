#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: daemon_config
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Write the configuration of the Docker daemon
description:
  - Writes C(daemon.json). If the installed daemon can validate the file, it does, with the flags of
    C(docker.service); otherwise the module checks only that it is JSON.
  - Fails if an option of the file is also a flag in C(docker.service), because the daemon does not
    start then.
  - Works before Docker is installed, so that the daemon's first start already uses the file.
  - Does not restart anything. RV(step) says what the running daemon needs to use its
    configuration. This does not depend on who wrote the file or when, so a killed run loses
    neither a restart nor a reload.
options:
  options:
    description:
      - Content of the file. Dictionaries are merged over those of O(defaults).
      - A value of null removes the key that O(defaults) sets.
    type: dict
    default: {}
  defaults:
    description:
      - Values for the keys that O(options) does not set.
      - C(log-opts) of O(defaults) applies only to the C(log-driver) of O(defaults).
    type: dict
    default: {}
  defer_restart:
    description:
      - Whether to leave the file unchanged if the change needs a restart of the running daemon.
        RV(deferred) is then true. Use it if only one host at a time may restart, so that each host
        gets the file together with its restart.
    type: bool
    default: false
  path:
    description: Path of the file.
    type: path
    default: /etc/docker/daemon.json
  pidfile:
    description: The PID file, which the daemon writes when it starts.
    type: path
    default: /run/docker.pid
attributes:
  check_mode:
    description: Reports what would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows the file before and after.
    support: full
  idempotent:
    description: A file with the same values is not changed, even if its spacing differs.
    support: full
notes:
  - Docker documents which options a reload applies. An option that is removed from the file keeps
    its last value until the daemon restarts, so its removal needs a restart; an empty or false
    value instead needs only a reload.
  - Stores in C(/run/elk.swarm) what the running daemon has read. This does not count as a change.
  - Keys that say where the daemon keeps its data are not removed silently. If the existing file
    has C(data-root), C(exec-root), C(storage-driver) or C(userns-remap) and O(options) does not
    set it, the module fails.
seealso:
  - module: elk.swarm.engine_daemon
  - module: elk.swarm.host_survey
"""

EXAMPLES = r"""
- name: Configure the Docker daemon
  elk.swarm.daemon_config:
    defaults:
      log-driver: local
      log-opts:
        max-size: 20m
    options:
      registry-mirrors:
        - https://mirror.example.org
  register: daemon

- name: Make the daemon read it, one host after the other
  elk.swarm.engine_daemon:
    config: "{{ daemon.config }}"
  throttle: 1
  when: daemon.step != 'nothing'
"""

RETURN = r"""
step:
  description:
    - What the running daemon needs to use its configuration, V(nothing), V(reload) or
      V(restart). A daemon that does not run needs nothing.
  returned: always
  type: str
  sample: reload
reasons:
  description: Why the daemon needs this step.
  returned: always
  type: list
  elements: str
  sample: [registry-mirrors is read by a reload]
deferred:
  description: Whether the file was left unchanged because of O(defer_restart).
  returned: always
  type: bool
  sample: false
validated:
  description: Whether the daemon itself has checked the content.
  returned: always
  type: bool
  sample: true
config:
  description: Content of the file. If RV(deferred), the content that it does not have yet.
  returned: always
  type: dict
  sample:
    log-driver: local
    log-opts: {max-size: 20m}
path:
  description: Path of the file.
  returned: always
  type: str
  sample: /etc/docker/daemon.json
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.docker import daemon_config as plan
from ansible_collections.elk.swarm.plugins.module_utils.docker import daemon_process, unit_flags
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import Connection, Engine
from ansible_collections.elk.swarm.plugins.module_utils.host import atomic_file

# Seconds; enough for a busy daemon. One that hangs is judged by the configuration it has read.
PATIENCE = 10
UNIT = "docker.service"


def read_flags(module: AnsibleModule) -> list[str]:
    """The flags that the daemon's unit passes; none before Docker is installed."""
    systemctl = module.get_bin_path("systemctl")
    if not systemctl:
        return []

    def show(properties: str) -> str:
        _rc, out, _err = module.run_command([systemctl, "show", "-p", properties, "--", UNIT])
        return str(out)

    return unit_flags.read_unit(show, read_if_there) or []


def read_if_there(path: str) -> str:
    try:
        return safe_path.read_text(path, errors="replace")
    except OSError:
        return ""


def validate(module: AnsibleModule, path: str, name: str, flags: list[str]) -> bool:
    """Validate a file with the daemon and its flags; False if no daemon here can do that."""
    dockerd = module.get_bin_path("dockerd", opt_dirs=["/usr/sbin", "/usr/local/sbin"])
    if not dockerd:
        return False
    command = [dockerd, "--validate", "--config-file", path]
    rc, out, err = module.run_command([*command, *flags])
    if rc and flags and "specified both as a flag" not in f"{err}{out}":
        # Flags that depend on how systemd starts the daemon say nothing about the file.
        rc, out, err = module.run_command(command)
    if rc == 0:
        return True
    message = (err or out).strip()
    if "unknown flag: --validate" in message:
        # Engines before 23.0 have no --validate.
        return False
    module.fail_json(
        msg=f"The Docker daemon refuses the new {name}: {message.replace(path, name)}. "
        "Nothing was written. Correct docker_engine_daemon_options.",
    )
    return False


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "options": {"type": "dict", "default": {}},
            "defaults": {"type": "dict", "default": {}},
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "defer_restart": {"type": "bool", "default": False},
            "pidfile": {"type": "path", "default": "/run/docker.pid"},
        },
        supports_check_mode=True,
    )
    params = module.params
    path = Path(params["path"])
    desired = plan.merge(params["defaults"], params["options"])
    try:
        plan.refuse(desired)
    except plan.ConfigError as error:
        module.fail_json(msg=str(error))

    before = safe_path.read_text(path) if safe_path.exists(path) else ""
    present = plan.parse(before)
    unmentioned = plan.dropped(present or {}, params["options"])
    if unmentioned:
        names = ", ".join(f"{name}: {(present or {})[name]}" for name in unmentioned)
        module.fail_json(
            msg=f"{path} sets {names}, and docker_engine_daemon_options does not set it. "
            "Without it the daemon would look for its data elsewhere. Add it to "
            "docker_engine_daemon_options, with this value or with the one you want.",
        )

    daemon = daemon_process.look(
        path, Path(params["pidfile"]), Engine(Connection(timeout=PATIENCE))
    )
    if daemon is not None and daemon.loaded is not None and not module.check_mode:
        # Before the file changes, because afterwards the loaded configuration is unknown.
        daemon_process.write_note(daemon.started, daemon.loaded)
    step = plan.step(daemon, desired)
    different = present != desired or not safe_path.exists(path)
    lost = sorted((present or {}).keys() - desired.keys())
    if lost:
        module.warn(
            f"{path} has {', '.join(lost)}, which neither the defaults nor the options have, so "
            "the file loses it. Add it to docker_engine_daemon_options to keep it."
        )
    flags = read_flags(module)
    twice = unit_flags.conflicts(desired, flags)
    if twice:
        module.fail_json(
            msg=f"{UNIT} passes {', '.join(twice)} as a flag, and the new {path} would set the "
            "same: the daemon does not start with both. Nothing was written. Remove it from "
            "docker_engine_daemon_options, or set it to null there if a role sets it. A drop-in of "
            f"{UNIT} can drop the flag instead.",
        )
    deferred = params["defer_restart"] and step.kind == plan.RESTART and different
    after = plan.render(desired) if different else before
    validated = False
    if different:
        draft = atomic_file.draft(module, after)
        validated = validate(module, draft, str(path), flags)
        if not module.check_mode and not deferred:
            # A daemon that starts during the validation reads the old file; this file is then newer
            # than the start, so the next run sees the difference.
            atomic_file.write(path, after)
    if deferred:
        after = before
    changed = different and not deferred
    if safe_path.exists(path) and not deferred:
        changed = atomic_file.make_readable_by_all(module, path, changed)

    module.exit_json(
        changed=changed,
        step=step.kind,
        reasons=list(step.reasons),
        deferred=deferred,
        validated=validated,
        config=desired,
        path=str(path),
        diff={
            "before": before,
            "after": after,
            "before_header": str(path),
            "after_header": str(path),
        },
    )


if __name__ == "__main__":
    main()
