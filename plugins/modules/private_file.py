#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: private_file
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Write a secret to a file, and to no other place
description:
  - Writes a file whose content is a secret. With pipelining, the content is only in the memory of
    processes on its way to the host. M(ansible.builtin.copy) writes it to temporary folders on the
    controller and on the host, and a killed run leaves these folders behind.
  - The file is replaced as a whole. A killed module leaves at most a draft beside it. Only the user
    who runs the module can read the draft, and the next run replaces it.
options:
  path:
    description: Absolute path of the file. Its folder must exist.
    type: path
    required: true
  content:
    description: Content of the file.
    type: str
    required: true
  owner:
    description: Numeric id of the file's owner. Unchanged when left out.
    type: int
  group:
    description: Numeric id of the file's group. Unchanged when left out.
    type: int
  mode:
    description: Mode of the file as octal digits.
    type: str
    default: "0400"
  beside:
    description:
      - A file that programs read together with this one, such as the certificate of a key.
      - Both are written first and then put in place one right after the other, so a new file stands
        beside an old one only for a moment.
    type: dict
    suboptions:
      path:
        description: Absolute path of the file. Its folder must exist.
        type: path
        required: true
      content:
        description: Content of the file.
        type: str
        required: true
      owner:
        description: Numeric id of the file's owner. Unchanged when left out.
        type: int
      group:
        description: Numeric id of the file's group. Unchanged when left out.
        type: int
      mode:
        description: Mode of the file as octal digits.
        type: str
        default: "0644"
attributes:
  check_mode:
    description: Can run in check mode and returns whether the file would change.
    support: full
  diff_mode:
    description: Shows owner, group, mode and whether the content differs, never the content.
    support: full
  idempotent:
    description: A file that matches the options is left alone.
    support: full
"""

EXAMPLES = r"""
- name: Write the private key of the host
  elk.swarm.private_file:
    path: /etc/app/node.key
    content: "{{ lookup('ansible.builtin.file', '/secure/app/m1.key', rstrip=false) }}"
    owner: 1000
    group: 0
  no_log: true

- name: Write a new key and its certificate together
  elk.swarm.private_file:
    path: /etc/app/node.key
    content: "{{ lookup('ansible.builtin.file', '/secure/app/m1.key', rstrip=false) }}"
    owner: 1000
    beside:
      path: /etc/app/node.crt
      content: "{{ lookup('ansible.builtin.file', '/secure/app/m1.crt', rstrip=false) }}"
  no_log: true
"""

RETURN = r"""
path:
  description: The file.
  returned: always
  type: str
  sample: /etc/app/node.key
"""

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.host.private_file import (
    State,
    look,
    write_together,
)

ARGUMENTS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str", "required": True, "no_log": True},
    "owner": {"type": "int"},
    "group": {"type": "int"},
}


def desired_file(module: AnsibleModule, params: dict[str, Any]) -> tuple[Path, State]:
    path = Path(params["path"])
    if not path.is_absolute():
        module.fail_json(msg=f"path must be absolute, but is {path}.")
    try:
        mode = int(params["mode"], 8)
    except ValueError:
        module.fail_json(msg=f"mode is {params['mode']!r}: write octal digits such as '0400'.")
    return path, State(params["content"].encode(), params["owner"], params["group"], mode)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ARGUMENTS,
            "mode": {"type": "str", "default": "0400"},
            "beside": {
                "type": "dict",
                "options": {**ARGUMENTS, "mode": {"type": "str", "default": "0644"}},
            },
        },
        supports_check_mode=True,
    )
    path, desired = desired_file(module, module.params)
    files = {path: desired}
    if module.params["beside"]:
        files.update([desired_file(module, module.params["beside"])])
    try:
        before = {one: look(one) for one in files}
        differing = {one: state for one, state in files.items() if before[one].differs(state)}
        if differing and not module.check_mode:
            write_together(differing)
    except OSError as error:
        module.fail_json(
            msg=f"{path} cannot be written on {os.uname().nodename}: {error.strerror or error}."
        )
    module.exit_json(
        changed=bool(differing),
        path=str(path),
        diff=[
            {
                "before_header": str(one),
                "after_header": str(one),
                "before": before[one].shown(state),
                "after": state.shown(state),
            }
            for one, state in files.items()
        ],
    )


if __name__ == "__main__":
    main()
