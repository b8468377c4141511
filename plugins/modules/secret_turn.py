#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_turn
version_added: 0.1.0
short_description: Give a secret on the controller its next value, so that a killed run can go on
description:
  - For a file of P(elk.swarm.local_secret#lookup) whose value programs log in with. The next value
    is on the disk before anybody is told of it, beside the file with C(.next) at its end. The
    former one stays beside it, with C(.former) at its end, until everybody has the new one.
  - Which of these files are there tells how far it has come, so there is nothing else to keep.
author: The elk.swarm authors (@elk-swarm)
options:
  path:
    description: The file, on the host on which the module runs, which is usually the controller.
    type: path
    required: true
  step:
    description:
      - V(begin) makes the next value unless one is under way already.
      - V(use) puts the next value in the place of the file, at once, and keeps the former one.
      - V(end) forgets the former value.
      - A step that is not due changes nothing.
    type: str
    choices: [begin, use, end]
    required: true
  value:
    description:
      - With O(step=begin), what the variable gives that reads the file. Where that is something
        else, it comes from somewhere else, and nothing is made.
    type: str
  variable:
    description: Name of the variable that reads the file, to be told by.
    type: str
    default: ""
  length:
    description:
      - With O(step=begin), how many characters the next value has. V(0) makes none and only looks.
    type: int
    default: 32
attributes:
  check_mode:
    description: Tells what a run would do, and writes nothing.
    support: full
  diff_mode:
    description: Shows nothing, since what differs is secret.
    support: none
  idempotent:
    description: A repeated step changes nothing.
    support: partial
    details:
      - After O(step=end), O(step=begin) makes another value.
seealso:
  - plugin: elk.swarm.local_secret
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Have a next password on the disk
  elk.swarm.secret_turn:
    path: /secure/app/password
    step: begin
    value: "{{ app_password }}"
  delegate_to: localhost
  register: turn

- name: Read it from now on
  elk.swarm.secret_turn:
    path: /secure/app/password
    step: use
  delegate_to: localhost
  when: turn.stage == 'made'
"""

RETURN = r"""
stage:
  description:
    - V(idle) when nothing is under way, V(made) when there is a next value, V(used) when it is in
      its place and the former one is kept, V(given) when O(value) is not what stands in the file.
  returned: success
  type: str
  sample: made
told:
  description: The same for a person.
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
    end,
    told,
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
            turn = begin(path, params["value"], params["length"], write_it=write_it)
        elif params["step"] == USE:
            turn = use(path, write_it=write_it)
        else:
            turn = end(path, write_it=write_it)
    except SecretError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{path} cannot be changed: {error.strerror or error}.")
    module.exit_json(
        changed=turn.changed,
        stage=turn.stage,
        told=told(turn, params["variable"] or path.name, path),
    )


if __name__ == "__main__":
    main()
