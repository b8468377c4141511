#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: restore_secrets
version_added: 0.1.0
short_description: Write the secrets that hosts still have back to the controller
description:
  - Runs on the controller, with what M(elk.swarm.platform_secrets_info) has read on each host.
  - Never overwrites a file. If a file holds another value than the hosts, nothing is written at
    all.
author: The elk.swarm authors (@elk-swarm)
options:
  directory:
    description: Folder of the secrets on the controller.
    type: path
    required: true
  credentials:
    description:
      - The credentials of services by the names of their files, each with another path of this file
        or V(null) for the one in O(directory).
    type: dict
    default: {}
  certificates:
    description: The names of the certificates of services.
    type: list
    elements: str
    default: []
  found:
    description: Content of the files of each host, by host and by name of the file.
    type: dict
    required: true
  given:
    description: Names of the secrets that variables set. They are not written.
    type: list
    elements: str
    default: []
  own_authority:
    description: Whether the operator provides the authority. It is not written then.
    type: bool
    default: false
attributes:
  check_mode:
    description: Returns what would be written, and writes nothing.
    support: full
  diff_mode:
    description: Shows nothing, since what differs is secret.
    support: none
  idempotent:
    description: Files that exist are not written again.
    support: full
seealso:
  - module: elk.swarm.platform_secrets_info
"""

EXAMPLES = r"""
- name: Write back what the hosts still have
  elk.swarm.restore_secrets:
    directory: /secure/elk
    found: >-
      {{ dict(ansible_play_hosts
         | zip(ansible_play_hosts | map('extract', hostvars, ['still_there', 'files']))) }}
  delegate_to: localhost
  become: false
  run_once: true
  no_log: true
"""

RETURN = r"""
written:
  description: Names of the files that were written, each with the host it came from.
  returned: success
  type: dict
  sample: {elastic_password: m1}
kept:
  description: Names of the files that existed already.
  returned: success
  type: list
  elements: str
  sample: [ca.crt]
lost:
  description: Names of the files that neither a host nor the controller has.
  returned: success
  type: list
  elements: str
  sample: [ca.key, secret_hash_key]
next_steps:
  description: Commands to type afterwards, in this order.
  returned: success
  type: list
  elements: str
  sample: [ansible-playbook site.yml]
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.controller.local_secret import (
    SecretError,
    write_new,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.controller_files import (
    stored_values,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.restore_plan import (
    Plan,
    Present,
    may_give,
    next_steps,
    plan,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.secrets import (
    AUTHORITIES,
    ELASTIC,
    HASH_KEY,
)

PRIVATE = 0o600
PUBLIC = 0o644


def path_of(name: str, params: dict[str, Any]) -> Path:
    return Path(params["credentials"].get(name) or Path(params["directory"]) / name)


def present(names: set[str], params: dict[str, Any]) -> Present:
    values = {}
    for name in names:
        path = path_of(name, params)
        if name.startswith("certs/") or name.endswith(".crt"):
            values[name] = [path.read_text(encoding="utf-8")] if path.is_file() else []
        else:
            values[name] = stored_values(path)
    return Present(
        values=values,
        credentials=list(params["credentials"]),
        given=frozenset(params["given"]),
        own_authority=params["own_authority"],
    )


def write(found: Plan, params: dict[str, Any]) -> None:
    for name, text in found.write.items():
        write_new(path_of(name, params), text, PUBLIC if name.endswith(".crt") else PRIVATE)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "credentials": {"type": "dict", "default": {}, "no_log": False},
            "certificates": {"type": "list", "elements": "str", "default": []},
            "found": {"type": "dict", "required": True, "no_log": True},
            "given": {"type": "list", "elements": "str", "default": []},
            "own_authority": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    params = module.params
    # Check every file that may be lost, even if no host has it.
    texts = {ELASTIC, *params["credentials"], HASH_KEY}
    always = {*texts, *AUTHORITIES, "ca.key", "transport-ca.key"}
    names = {name for files in params["found"].values() for name in files} | always
    for host, files in params["found"].items():
        for name in files:
            # An attacker may control a host, and must not choose what is written where.
            if not may_give(host, name, list(params["credentials"]), params["certificates"]):
                module.fail_json(
                    msg=f"Nothing was changed. {host} returned a file {name!r}, which it must not"
                    " provide."
                )
    try:
        found = plan(params["found"], present(names, params))
        if found.blockers:
            module.fail_json(
                msg=f"Nothing was changed. In {params['directory']}: {'. '.join(found.blockers)}."
            )
        if not module.check_mode:
            write(found, params)
    except SecretError as error:
        module.fail_json(msg=f"Nothing was changed. {error}")
    except OSError as error:
        module.fail_json(msg=f"{error.filename} cannot be written: {error.strerror or error}.")
    module.exit_json(
        changed=bool(found.write),
        written=dict(found.sources),
        kept=list(found.kept),
        lost=list(found.lost),
        next_steps=next_steps(found.lost, params["directory"], list(params["credentials"])),
    )


if __name__ == "__main__":
    main()
