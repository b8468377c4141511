#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_rotation
version_added: 0.1.0
short_description: Rotate a secret on the controller in steps that survive a killed run
description:
  - For a file of P(elk.swarm.local_secret#lookup) whose value programs use to log in. The module
    writes the next value beside the file, with the suffix C(.next), before any program gets it. The
    former value stays beside the file, with the suffix C(.former), until all programs have the new
    one.
  - The files that exist show how far the rotation is, so the module stores nothing else.
author: The elk.swarm authors (@elk-swarm)
options:
  path:
    description: The file, on the host on which the module runs, which is usually the controller.
    type: path
    required: true
  step:
    description:
      - V(begin) creates the next value unless there is one already.
      - V(use) replaces the file with the next value in one step, and keeps the former value.
      - V(end) removes the former value.
      - A step that is not due changes nothing.
    type: str
    choices: [begin, use, end]
    required: true
  value:
    description:
      - With O(step=begin), the value of the variable that reads the file. If it differs from the
        file, it comes from another source, and no next value is created.
    type: str
  variable:
    description: Name of the variable that reads the file, for RV(told).
    type: str
    default: ""
  length:
    description:
      - With O(step=begin), the length of the next value. V(0) creates none and only reads.
    type: int
    default: 32
attributes:
  check_mode:
    description: Returns what a run would do, and writes nothing.
    support: full
  diff_mode:
    description: Shows nothing, since what differs is secret.
    support: none
  idempotent:
    description: A repeated step changes nothing.
    support: partial
    details:
      - After O(step=end), O(step=begin) creates another value.
seealso:
  - plugin: elk.swarm.local_secret
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Write the next password to the disk
  elk.swarm.secret_rotation:
    path: /secure/app/password
    step: begin
    value: "{{ app_password }}"
  delegate_to: localhost
  register: turn

- name: Use it from now on
  elk.swarm.secret_rotation:
    path: /secure/app/password
    step: use
  delegate_to: localhost
  when: turn.stage == 'made'
"""

RETURN = r"""
stage:
  description:
    - V(idle) without a rotation, V(made) when there is a next value, V(used) when the file holds it
      and the former value is kept, V(given) when O(value) is not the content of the file.
  returned: success
  type: str
  sample: made
told:
  description: The stage as a sentence.
  returned: success
  type: str
  sample: app_password is renewed
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.controller.local_secret import SecretError
from ansible_collections.elk.swarm.plugins.module_utils.controller.secret_rotation import (
    BEGIN,
    STEPS,
    USE,
    begin,
    describe,
    end,
    use,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "step": {"type": "str", "choices": list(STEPS), "required": True},
            "value": {"type": "str", "no_log": True},
            "variable": {"type": "str", "default": ""},
            "length": {"type": "int", "default": 32},
        },
        supports_check_mode=True,
    )
    params = module.params
    path, write_it = Path(params["path"]), not module.check_mode
    try:
        if params["step"] == BEGIN:
            rotation = begin(path, params["value"], params["length"], write_it=write_it)
        elif params["step"] == USE:
            rotation = use(path, write_it=write_it)
        else:
            rotation = end(path, write_it=write_it)
    except SecretError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{path} cannot be changed: {error.strerror or error}.")
    module.exit_json(
        changed=rotation.changed,
        stage=rotation.stage,
        told=describe(rotation, params["variable"] or path.name, path),
    )


if __name__ == "__main__":
    main()
