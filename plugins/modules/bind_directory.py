#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bind_directory
short_description: Create the host directories that containers mount
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - Creates directories with the owner and mode that the process in the container needs, and checks
    the file system that holds them.
  - Checks all directories first. If one of them has an error, nothing is changed.
  - Never changes anything inside a directory and never removes one. A directory with data of
    another user is an error; M(ansible.builtin.file) would change its owner.
attributes:
  check_mode:
    support: full
    description: Works in check mode even if no directory of the path exists.
  diff_mode:
    support: full
    description: Shows owner, group and mode of each directory that changes.
  idempotent:
    support: full
    description: Directories that are already correct are not changed.
options:
  paths:
    description: Absolute paths.
    type: list
    elements: path
    required: true
  owner:
    description: Numeric id of the owner.
    type: int
    default: 1000
  group:
    description: Numeric id of the group.
    type: int
    default: 0
  mode:
    description: Mode as octal digits.
    type: str
    default: "0770"
  min_free_gb:
    description:
      - Minimum free space, in GiB, on the file system that holds a directory.
      - Less is an error for a directory that does not exist yet, and a warning for one that exists.
    type: float
    default: 0
notes:
  - Missing parent directories are created with owner C(root) and mode C(0755).
  - Symbolic links are followed if only root can have created them, that is, if they belong to root
    in a folder that nobody else can write. Any other link, and one without a target, is an error.
seealso:
  - module: ansible.builtin.file
"""

EXAMPLES = r"""
- name: Create the data directory
  elk.swarm.bind_directory:
    paths: [/srv/elk/elasticsearch]
    min_free_gb: 10
"""

RETURN = r"""
directories:
  description: One entry for each path.
  returned: success
  type: list
  elements: dict
  sample:
    - path: /srv/elk/elasticsearch
      created: true
      mount: /srv
      filesystem: ext4
      free_gb: 41.3
errors:
  description: The errors of all directories.
  returned: failure
  type: list
  elements: str
  sample: ["/srv/elk/elasticsearch: is a file, but must be a directory. Move it away."]
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.host.bind_directory import (
    GIB,
    Actual,
    Desired,
    Step,
    inspect,
    plan_directory,
    read_mounts,
)


class Directories:
    """Creates the directories of one host."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        try:
            self.mode = int(self.params["mode"], 8)
        except ValueError:
            module.fail_json(msg=f"mode is {self.params['mode']!r}: write octal digits as '0770'.")

    def run(self) -> None:
        mounts = read_mounts(safe_path.read_text("/proc/self/mountinfo", errors="surrogateescape"))
        steps: list[tuple[Desired, Actual, Step]] = []
        errors: list[str] = []
        for path in dict.fromkeys(self.params["paths"]):
            if not os.path.isabs(path):
                errors.append(f"{path}: is not an absolute path.")
                continue
            wanted = Desired(
                path=os.path.normpath(path),
                owner=self.params["owner"],
                group=self.params["group"],
                mode=self.mode,
                min_free=int(self.params["min_free_gb"] * GIB),
            )
            try:
                found = inspect(wanted.path, wanted.owner, mounts)
            except OSError as exc:
                errors.append(f"{wanted.path}: cannot be read: {exc.strerror}.")
                continue
            step = plan_directory(wanted, found)
            errors.extend(step.errors)
            for text in step.warnings:
                self.module.warn(text)
            steps.append((wanted, found, step))
        if errors:
            self.module.fail_json(msg="Nothing was changed. " + " ".join(errors), errors=errors)
        if not self.module.check_mode:
            for wanted, _found, step in steps:
                self.apply(wanted, step)
        self.module.exit_json(
            changed=any(step.changed for _wanted, _found, step in steps),
            directories=[
                {
                    "path": wanted.path,
                    "created": step.create,
                    "mount": found.mount,
                    "filesystem": found.filesystem,
                    "free_gb": round(found.free / GIB, 1),
                }
                for wanted, found, step in steps
            ],
            diff={
                "before": {s.path: s.before for _w, _f, s in steps if s.changed},
                "after": {s.path: s.after for _w, _f, s in steps if s.changed},
            },
        )

    def apply(self, wanted: Desired, step: Step) -> None:
        try:
            if step.create:
                safe_path.make_folder(wanted.path, wanted.owner, wanted.group, wanted.mode)
            elif step.own or step.mode:
                safe_path.set_folder_rights(wanted.path, wanted.owner, wanted.group, wanted.mode)
        except OSError as exc:
            self.module.fail_json(msg=f"{exc.filename or wanted.path}: {exc.strerror}.")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "required": True},
            "owner": {"type": "int", "default": 1000},
            "group": {"type": "int", "default": 0},
            "mode": {"type": "str", "default": "0770"},
            "min_free_gb": {"type": "float", "default": 0},
        },
        supports_check_mode=True,
    )
    Directories(module).run()


if __name__ == "__main__":
    main()
