#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: huge_pages
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Set when the kernel uses transparent huge pages, now and at every boot
description:
  - Writes the kernel's setting, and a file for systemd-tmpfiles, which writes the setting at every
    boot.
options:
  enabled:
    description:
      - C(madvise) gives huge pages to programs that ask for them, C(always) to all, C(never) to
        none.
    type: str
    choices: [always, madvise, never]
    required: true
  path:
    description: Path of the file, under C(/etc/tmpfiles.d).
    type: path
    required: true
attributes:
  check_mode:
    description: Reports what would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows the file and the live value before and after.
    support: full
  idempotent:
    description: Writes only what differs.
    support: full
"""

EXAMPLES = r"""
- name: Give huge pages to programs that ask for them
  elk.swarm.huge_pages:
    enabled: madvise
    path: /etc/tmpfiles.d/90-elk-swarm.conf
"""

RETURN = r"""
before:
  description: Live value before the run.
  returned: always
  type: str
  sample: always
path:
  description: Path of the file.
  returned: always
  type: str
  sample: /etc/tmpfiles.d/90-elk-swarm.conf
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.host import atomic_file
from ansible_collections.elk.swarm.plugins.module_utils.host.survey import chosen

SWITCH = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def read(path: Path) -> str:
    try:
        return safe_path.read_text(path, errors="replace")
    except OSError:
        return ""


def show(content: str, live: str) -> str:
    return f"{content}live {SWITCH} = {live}\n"


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "enabled": {
                "type": "str",
                "choices": ["always", "madvise", "never"],
                "required": True,
            },
            "path": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    desired = module.params["enabled"]
    path = Path(module.params["path"])
    if not SWITCH.exists():
        module.fail_json(
            msg="The kernel does not support transparent huge pages. Set "
            "host_tuning_transparent_huge_pages: keep for this host.",
        )
    live = chosen(read(SWITCH))
    before = read(path)
    after = f"w {SWITCH} - - - - {desired}\n"
    changed = before != after or live != desired
    if not module.check_mode:
        # The file first: if the run is killed here, the next run still sees a wrong live value.
        if before != after:
            atomic_file.write(path, after)
        if live != desired:
            try:
                safe_path.write_in_place(SWITCH, desired)
            except OSError as error:
                module.fail_json(
                    msg=f"{SWITCH} cannot be set to {desired}: {error.strerror}. Inside a "
                    "container it belongs to the machine that runs the container: set it there, "
                    "and set host_tuning_transparent_huge_pages: keep for this host.",
                )
    if path.exists():
        changed = atomic_file.make_readable_by_all(module, path, changed)
    module.exit_json(
        changed=changed,
        before=live,
        path=str(path),
        diff={
            "before": show(before, live),
            "after": show(after, desired),
            "before_header": str(path),
            "after_header": str(path),
        },
    )


if __name__ == "__main__":
    main()
