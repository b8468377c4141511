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
  - Collects every problem before it fails, each with the variable or host and how to fix it.
  - Warns about what is allowed but worth knowing.
options:
  groups:
    description:
      - The groups of the inventory, as in the magic variable C(groups).
      - C(swarm_managers) and C(swarm_workers) make the swarm. The groups of services place these,
        and mean all hosts when they are absent.
    type: dict
    required: true
  surveys:
    description: Results of M(elk.swarm.host_survey) by host. A host without one is not checked.
    type: dict
    required: true
  settings:
    description: Variables that apply to the whole site, by name.
    type: dict
    default: {}
  services:
    description:
      - The services of the platform, as the lookup P(elk.swarm.services#lookup) returns them with
        its option C(unchecked). What a field that is left out is about is not checked.
      - In C(declared) of a host, C(services) has what P(elk.swarm.service_settings#filter) returns.
    type: list
    elements: dict
    default: []
  variables:
    description:
      - Names of the variables that are set for each host. Values are not used.
      - The module reports names that begin like a role's variables but are not among them.
    type: dict
    default: {}
  roles_path:
    description: Folder of the roles whose variables are known. Without it names are not checked.
    type: path
  accept:
    description:
      - Names of checks whose problems become warnings.
      - What certainly harms a platform stays a problem.
    type: list
    elements: str
    default: []
  only:
    description:
      - V(controller) compares the secrets of the controller with those of the hosts, and checks
        nothing else.
    type: str
    choices: [all, controller]
    default: all
  controller:
    description:
      - Where the controller keeps the secrets of the platform. They are compared with what
        M(elk.swarm.host_survey) found with its option C(platform). Nothing is written.
    type: dict
    suboptions:
      directory:
        description: Folder with the authority, passwords and keys.
        type: str
        required: true
      directory_given:
        description: Whether a variable sets that folder.
        type: bool
        default: false
      reader:
        description: Inventory that reads every file in that folder, empty for none.
        type: str
        default: ""
      better_directory:
        description: A folder that no inventory reads.
        type: str
        default: ""
      given:
        description: Names of the secrets that variables set.
        type: list
        elements: str
        default: []
      own_authority:
        description: File with the certificate of the operator's own authority.
        type: str
        default: ""
      config_dir:
        description: Folder of the platform's rendered files on the hosts.
        type: str
        default: /etc/elk
      salt:
        description: Salt that was used for the surveys of the hosts.
        type: str
        required: true
  logins:
    description: Which secrets Elasticsearch accepts, from M(elk.swarm.elasticsearch_secrets_info).
    type: dict
    default: {}
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
- name: Survey each host
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
    services: "{{ query('elk.swarm.services', 'elk.swarm.kibana', unchecked=true) }}"
    settings:
      network_subnet: 192.168.8.0/21
  delegate_to: localhost
  become: false
  run_once: true
"""

RETURN = r"""
problems:
  description: What must be fixed. Empty when the module succeeds.
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
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.controller.local_secret import SecretError
from ansible_collections.elk.swarm.plugins.module_utils.platform.controller_files import (
    host_authorities,
    read_controller,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.controller_secrets import (
    Blocker,
    HostSecrets,
    find_blockers,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.controller import (
    controller_checks,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.examine import (
    checks_of,
    examine,
    report,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Host,
    LocalDir,
    Site,
    Vocabulary,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import (
    normal_address,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.variables import (
    read_vocabulary,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.service_settings import (
    ServiceSettings,
)


def resolve(name: str) -> list[str]:
    """Addresses of a name; none for what is an address already."""
    if not name or normal_address(name):
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


def vocabulary(folder: str | None) -> Vocabulary:
    """The known variables, from the roles and from the playbooks beside them."""
    playbooks = sorted(Path(folder).parent.glob("playbooks/*.yml")) if folder else []
    texts = [file.read_text(encoding="utf-8") for file in playbooks]
    return read_vocabulary(role_texts(folder), texts)


def host_secrets(survey: dict[str, Any], config_dir: str) -> HostSecrets:
    """What the survey of one host shows of a platform."""
    files, platform = survey.get("files") or {}, survey.get("platform") or {}
    return HostSecrets(
        remembers=bool(files.get(f"{config_dir}/elasticsearch/cluster_uuid")),
        authorities=host_authorities(files, config_dir),
        fingerprints=platform.get("fingerprints") or {},
        services=platform.get("services") or (),
        objects=platform.get("objects") or (),
    )


def secret_blockers(params: dict[str, Any], services: Sequence[ServiceSettings]) -> list[Blocker]:
    controller = params["controller"]
    # Each program resolves a relative path differently, so there is nothing to compare.
    if not controller or not controller["directory"].startswith("/"):
        return []
    hosts = {
        name: host_secrets(survey, controller["config_dir"])
        for name, survey in params["surveys"].items()
    }
    ours = read_controller(
        controller["directory"],
        **{name: controller[name] for name in ("salt", "given", "own_authority")},
        services=services,
    )
    return find_blockers(ours, hosts, params["logins"])


def local_dir(controller: dict[str, Any] | None) -> LocalDir | None:
    if not controller:
        return None
    return LocalDir(
        path=controller["directory"],
        reader=controller["reader"],
        better=controller["better_directory"],
        given=controller["directory_given"],
    )


def make_site(params: dict[str, Any]) -> Site:
    groups: dict[str, list[str]] = params["groups"]
    services = [ServiceSettings.from_dict(one) for one in params["services"]]
    names = dict.fromkeys(
        name for group in ("swarm_managers", "swarm_workers") for name in groups.get(group, [])
    )
    hosts = {}
    for name in names:
        survey = params["surveys"].get(name)
        if not survey:
            continue
        declared = survey.get("declared") or {}
        hosts[name] = Host(
            name=name,
            declared=declared,
            survey=survey,
            resolved=resolve(str(declared.get("address") or "")),
        )
    return Site(
        groups=groups,
        hosts=hosts,
        settings=params["settings"],
        variables=params["variables"],
        vocabulary=vocabulary(params["roles_path"]),
        blockers=secret_blockers(params, services),
        local_dir=local_dir(params["controller"]),
        services=services,
    )


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "groups": {"type": "dict", "required": True},
            "surveys": {"type": "dict", "required": True},
            "settings": {"type": "dict", "default": {}},
            "services": {"type": "list", "elements": "dict", "default": []},
            "variables": {"type": "dict", "default": {}},
            "roles_path": {"type": "path"},
            "accept": {"type": "list", "elements": "str", "default": []},
            "only": {"type": "str", "choices": ["all", "controller"], "default": "all"},
            "controller": {
                "type": "dict",
                "options": {
                    "directory": {"type": "str", "required": True},
                    "directory_given": {"type": "bool", "default": False},
                    "reader": {"type": "str", "default": ""},
                    "better_directory": {"type": "str", "default": ""},
                    "given": {"type": "list", "elements": "str", "default": []},
                    "own_authority": {"type": "str", "default": ""},
                    "config_dir": {"type": "str", "default": "/etc/elk"},
                    "salt": {"type": "str", "required": True},
                },
            },
            "logins": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    try:
        site = make_site(module.params)
    except SecretError as error:
        module.fail_json(msg=f"Nothing was changed. {error}")
    only = controller_checks(site) if module.params["only"] == "controller" else ()
    findings = examine(site, module.params["accept"], only)
    problems = [found for found in findings if not found.warning]
    notices = [found for found in findings if found.warning]
    for notice in notices:
        module.warn(notice.sentence())
    result = {
        "problems": [asdict(found) for found in problems],
        "notices": [asdict(found) for found in notices],
    }
    if problems:
        module.fail_json(msg=report(problems), **result)
    module.exit_json(changed=False, checks=list(only or checks_of(site)), **result)


if __name__ == "__main__":
    main()
