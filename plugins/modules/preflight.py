#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Check an inventory and its hosts before anything is changed
description:
  - Runs once, on the controller, over the inventory's groups, the variables and what
    M(elk.swarm.host_survey) found on each host.
  - Collects every problem before it fails, each with the variable or host and how to mend it.
  - What is allowed but worth knowing is given as a warning.
options:
  groups:
    description:
      - The groups of the inventory, as in the magic variable C(groups).
      - C(swarm_managers) and C(swarm_workers) make the swarm. C(elasticsearch), C(logstash) and
        C(kibana) place services, and mean all hosts when they are absent.
    type: dict
    required: true
  surveys:
    description: Results of M(elk.swarm.host_survey) by host. A host without one is not looked at.
    type: dict
    required: true
  settings:
    description: Variables that count for the whole site, by name.
    type: dict
    default: {}
  variables:
    description:
      - Names of the variables that are set for each host. Values are not wanted.
      - Those that begin like a role's variables and are none of them are told.
    type: dict
    default: {}
  roles_path:
    description: Folder of the roles whose variables are known. Without it names are not checked.
    type: path
  accept:
    description: Names of checks whose problems shall only be warnings.
    type: list
    elements: str
    default: []
seealso:
  - module: elk.swarm.host_survey
attributes:
  check_mode:
    description: The module only reads, so it does the same in check mode.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference to show.
    support: none
  idempotent:
    description: Never changes anything.
    support: full
"""

EXAMPLES = r"""
- name: Look at each host
  elk.swarm.host_survey:
    declared:
      address: "{{ ansible_host }}"
      node_name: "{{ ansible_facts['nodename'] }}"
  register: looked_at

- name: Check everything
  elk.swarm.preflight:
    groups: "{{ groups }}"
    surveys: >-
      {{ dict(ansible_play_hosts
         | zip(ansible_play_hosts | map('extract', hostvars, ['looked_at', 'survey']))) }}
    settings:
      network_subnet: 192.168.8.0/21
  delegate_to: localhost
  become: false
  run_once: true
"""

RETURN = r"""
problems:
  description: What must be mended. Empty when the module succeeds.
  returned: always
  type: list
  elements: dict
  sample:
    - check: ipvs
      where: kibana_publish_mode
      wrong: is ingress, which needs the kernel's IPVS, and m1 has none.
      mend: "Set kibana_publish_mode: host, or use a kernel with the module ip_vs."
notices:
  description: What is allowed but worth knowing, in the same form.
  returned: always
  type: list
  elements: dict
  sample:
    - check: managers
      where: group swarm_managers
      wrong: "has one manager: while it is down nothing can be changed or rescheduled."
      mend: Use three managers where that matters.
checks:
  description: Names of the checks that ran.
  returned: success
  type: list
  elements: str
  sample: [groups, managers, names]
"""

import socket
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils import preflight as checks


def resolve(name: str) -> list[str]:
    """Addresses of a name; an address is not asked about."""
    if not name or checks.normal_address(name):
        return []
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return sorted({str(entry[4][0]) for entry in found})


def role_texts(folder: str | None) -> dict[str, dict[str, str]]:
    """The YAML files of all roles, by role and path."""
    if not folder:
        return {}
    return {
        role.name: {
            str(file.relative_to(role)): file.read_text(encoding="utf-8")
            for file in sorted(role.rglob("*.yml"))
        }
        for role in sorted(Path(folder).iterdir())
        if (role / "meta").is_dir()
    }


def vocabulary(folder: str | None) -> checks.Vocabulary:
    """What is known of variables; playbooks lie beside the roles."""
    playbooks = sorted(Path(folder).parent.glob("playbooks/*.yml")) if folder else []
    texts = [file.read_text(encoding="utf-8") for file in playbooks]
    return checks.read_vocabulary(role_texts(folder), texts)


def make_site(params: dict[str, Any]) -> checks.Site:
    groups: dict[str, list[str]] = params["groups"]
    names = dict.fromkeys(
        name for group in ("swarm_managers", "swarm_workers") for name in groups.get(group, [])
    )
    hosts = {}
    for name in names:
        survey = params["surveys"].get(name)
        if not survey:
            continue
        declared = survey.get("declared") or {}
        hosts[name] = checks.Host(
            name=name,
            declared=declared,
            survey=survey,
            resolved=resolve(str(declared.get("address") or "")),
        )
    return checks.Site(
        groups=groups,
        hosts=hosts,
        settings=params["settings"],
        variables=params["variables"],
        vocabulary=vocabulary(params["roles_path"]),
    )


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "groups": {"type": "dict", "required": True},
            "surveys": {"type": "dict", "required": True},
            "settings": {"type": "dict", "default": {}},
            "variables": {"type": "dict", "default": {}},
            "roles_path": {"type": "path"},
            "accept": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    findings = checks.examine(make_site(module.params), module.params["accept"])
    problems = [found for found in findings if not found.warning]
    notices = [found for found in findings if found.warning]
    for notice in notices:
        module.warn(notice.sentence())
    result = {
        "problems": [asdict(found) for found in problems],
        "notices": [asdict(found) for found in notices],
    }
    if problems:
        module.fail_json(msg=checks.report(problems), **result)
    module.exit_json(changed=False, checks=list(checks.CHECKS), **result)


if __name__ == "__main__":
    main()
