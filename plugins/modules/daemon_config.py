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
  - Writes C(daemon.json), checked by the daemon itself where it is installed and can check, else as
    JSON only.
  - Works before Docker is installed, so that the daemon's first start already uses the file.
  - Does not restart anything, but says in RV(step) what the running daemon needs to get to its
    configuration. This does not depend on who wrote the file or when, so a killed run loses
    neither a restart nor a reload.
options:
  options:
    description:
      - Content of the file. Dictionaries are merged over those of O(defaults).
      - A value of null leaves out what O(defaults) says.
    type: dict
    default: {}
  defaults:
    description:
      - What the file says where O(options) does not.
      - C(log-opts) of O(defaults) only counts for the C(log-driver) of O(defaults).
    type: dict
    default: {}
  defer_restart:
    description:
      - Whether the file is left alone when the running daemon would have to be restarted for it.
        RV(deferred) then says so. The file and the restart belong together where only one host at a
        time may be restarted.
    type: bool
    default: false
  path:
    description: The file.
    type: path
    default: /etc/docker/daemon.json
  pidfile:
    description: File that the daemon writes when it starts.
    type: path
    default: /run/docker.pid
attributes:
  check_mode:
    description: Says what would change without changing it.
    support: full
  diff_mode:
    description: Shows the file before and after.
    support: full
  idempotent:
    description: A file with the same meaning is left alone, whatever its spacing.
    support: full
notes:
  - What a reload is enough for is Docker's own list of options. An option that is taken out of the
    file keeps its last value until the daemon starts anew, so that needs a restart; an empty or
    false value in its place needs a reload only.
  - Remembers in C(/run/elk.swarm) what the running daemon has read. That is no change of the host.
  - Keys that say where the daemon keeps its data are not dropped silently. When the present file
    has C(data-root), C(exec-root), C(storage-driver) or C(userns-remap) and O(options) does not
    mention it, the module fails.
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

- name: Have the daemon read it, one host after the other where that takes a restart
  elk.swarm.engine_daemon:
    config: "{{ daemon.config }}"
  throttle: 1
  when: daemon.step != 'nothing'
"""

RETURN = r"""
step:
  description:
    - What the running daemon needs to get to its configuration, V(nothing), V(reload) or
      V(restart). A daemon that does not run needs nothing.
  returned: always
  type: str
  sample: reload
reasons:
  description: Why it needs that.
  returned: always
  type: list
  elements: str
  sample: [registry-mirrors is read by a reload]
deferred:
  description: Whether the file was left alone because of O(defer_restart).
  returned: always
  type: bool
  sample: false
validated:
  description: Whether the daemon itself has checked the content.
  returned: always
  type: bool
  sample: true
config:
  description: Content that the file has or, when RV(deferred), is to have.
  returned: always
  type: dict
  sample:
    log-driver: local
    log-opts: {max-size: 20m}
path:
  description: The file.
  returned: always
  type: str
  sample: /etc/docker/daemon.json
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.docker import daemon_config as plan
from ansible_collections.elk.swarm.plugins.module_utils.docker import daemon_process
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import Connection, Engine
from ansible_collections.elk.swarm.plugins.module_utils.host import atomic_file

# Long enough for a busy daemon; one that hangs is judged by what it has read.
PATIENCE = 10


def validate(module: AnsibleModule, path: str, name: str) -> bool:
    """Let the daemon check a file; False where there is no daemon that can."""
    dockerd = module.get_bin_path("dockerd", opt_dirs=["/usr/sbin", "/usr/local/sbin"])
    if not dockerd:
        return False
    rc, out, err = module.run_command([dockerd, "--validate", "--config-file", path])
    if rc == 0:
        return True
    said = (err or out).strip()
    if "unknown flag" in said:
        # Engines before 23.0 cannot check a file without starting on it.
        return False
    module.fail_json(
        msg=f"The Docker daemon refuses what {name} would say: {said.replace(path, name)}. "
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
    wanted = plan.merge(params["defaults"], params["options"])
    try:
        plan.refuse(wanted)
    except plan.ConfigError as error:
        module.fail_json(msg=str(error))

    before = safe_path.read_text(path) if safe_path.exists(path) else ""
    present = plan.parse(before)
    lost = plan.dropped(present or {}, params["options"])
    if lost:
        names = ", ".join(f"{name}: {(present or {})[name]}" for name in lost)
        module.fail_json(
            msg=f"{path} says {names}, and docker_engine_daemon_options does not mention it. "
            "Without it the daemon would look for its data elsewhere. Put it into "
            "docker_engine_daemon_options, with this value or with the one you want.",
        )

    daemon = daemon_process.look(
        path, Path(params["pidfile"]), Engine(Connection(timeout=PATIENCE))
    )
    if daemon is not None and daemon.loaded is not None and not module.check_mode:
        # Before the file changes: afterwards nobody could tell any more.
        daemon_process.write_note(daemon.started, daemon.loaded)
    step = plan.step(daemon, wanted)
    different = present != wanted or not safe_path.exists(path)
    deferred = params["defer_restart"] and step.kind == plan.RESTART and different
    after = plan.render(wanted) if different else before
    validated = False
    if different:
        draft = atomic_file.draft(module, after)
        validated = validate(module, draft, str(path))
        if not module.check_mode and not deferred:
            # A daemon that started while the draft was checked has read the old file, and this is
            # newer than its start.
            atomic_file.write(path, after)
    if deferred:
        after = before
    changed = different and not deferred
    if safe_path.exists(path) and not deferred:
        changed = atomic_file.read_by_all(module, path, changed)

    module.exit_json(
        changed=changed,
        step=step.kind,
        reasons=list(step.reasons),
        deferred=deferred,
        validated=validated,
        config=wanted,
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
