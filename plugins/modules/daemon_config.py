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
  - Does not restart anything, but says whether the running daemon started before the file was
    written. This does not depend on who wrote it or when, so a killed run loses no restart.
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
  - Keys that say where the daemon keeps its data are not dropped silently. When the present file
    has C(data-root), C(exec-root), C(storage-driver) or C(userns-remap) and O(options) does not
    mention it, the module fails.
seealso:
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

- name: Restart the daemon where it has not read the file yet
  ansible.builtin.systemd_service:
    name: docker.service
    state: restarted
  when: daemon.restart_needed
  throttle: 1
"""

RETURN = r"""
restart_needed:
  description: Whether a daemon runs that has not read the file yet.
  returned: always
  type: bool
  sample: false
validated:
  description: Whether the daemon itself has checked the content.
  returned: always
  type: bool
  sample: true
config:
  description: Content of the file.
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

import os
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils import daemon_config as plan


def stamp(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def daemon_started(pidfile: Path) -> int | None:
    """When the running daemon started; None where none runs."""
    try:
        pid = pidfile.read_text(encoding="ascii").strip()
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8")
    except OSError:
        return None
    return stamp(pidfile) if "dockerd" in name else None


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

    before = path.read_text(encoding="utf-8") if path.exists() else ""
    present = plan.parse(before)
    lost = plan.dropped(present or {}, params["options"])
    if lost:
        names = ", ".join(f"{name}: {(present or {})[name]}" for name in lost)
        module.fail_json(
            msg=f"{path} says {names}, and docker_engine_daemon_options does not mention it. "
            "Without it the daemon would look for its data elsewhere. Put it into "
            "docker_engine_daemon_options, with this value or with the one you want.",
        )

    changed = present != wanted or not path.exists()
    validated = False
    if changed:
        after = plan.render(wanted)
        handle, draft = tempfile.mkstemp(prefix="daemon-", suffix=".json")
        module.add_cleanup_file(draft)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(after)
        validated = validate(module, draft, str(path))
        if not module.check_mode:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            module.atomic_move(draft, str(path))
            # A daemon that started while the draft was checked has read the old file.
            os.utime(path)
    else:
        after = before
    rights = module.load_file_common_arguments(
        {"path": str(path), "mode": "0644", "owner": "root", "group": "root"}
    )
    if path.exists():
        changed = module.set_fs_attributes_if_different(rights, changed)

    started = daemon_started(Path(params["pidfile"]))
    outdated = plan.restart_needed(stamp(path), started)
    if module.check_mode and after != before:
        outdated = started is not None
    module.exit_json(
        changed=changed,
        restart_needed=outdated,
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
