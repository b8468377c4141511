#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_info
version_added: 0.1.0
short_description: Read the Docker volumes of a host, and which of them are unused
description:
  - Reads one, some or all volumes of a host, what refers to them, how old and how large they are,
    and whether they are orphans.
  - Never removes anything. M(elk.swarm.volume) with O(elk.swarm.volume#module:state=absent) removes
    volumes by name.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
attributes:
  check_mode:
    description: Can predict what would change without changing it.
    support: full
    details:
      - It changes nothing.
  diff_mode:
    description: Shows what has changed or would change.
    support: N/A
  idempotent:
    description: A second run in the same state changes nothing.
    support: full
options:
  name:
    description:
      - Name of one volume. Only this one is read.
    type: str
    aliases: [volume_name]
  names:
    description:
      - Names of some volumes. Without this and O(name) all volumes are read.
    type: list
    elements: str
  size:
    description:
      - Return how large the volumes are.
      - For each request the Engine counts all files of all its volumes. Raise O(timeout) if there
        are millions of files.
    type: bool
    default: false
  service_mounts:
    description:
      - RV(service_mounts) of a manager. A worker does not know the services, and without this it
        cannot tell whether a volume is an orphan.
    type: list
    elements: dict
seealso:
  - module: elk.swarm.volume
  - module: community.docker.docker_volume_info
"""

EXAMPLES = r"""
- name: Read one volume
  elk.swarm.volume_info:
    name: scratch
  register: scratch

- name: Read from a manager what services mount
  elk.swarm.volume_info:
    names: []
  run_once: true
  delegate_to: "{{ groups['swarm_managers'][0] }}"
  register: manager

- name: Read all volumes of every host, with their sizes
  elk.swarm.volume_info:
    size: true
    service_mounts: "{{ manager.service_mounts }}"
  register: found

- name: Show the orphans
  ansible.builtin.debug:
    msg: "{{ item.name }}, {{ item.size }} bytes: {{ item.reason }}"
  loop: "{{ found.volumes | selectattr('orphan') }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
exists:
  description: Whether the volume exists.
  returned: with O(name)
  type: bool
  sample: true
volume:
  description:
    - The volume as the Engine has it, with the secrets in its options masked. None if it does not
      exist.
  returned: with O(name)
  type: dict
  sample:
    CreatedAt: "2026-11-21T13:53:36Z"
    Driver: local
    Labels: null
    Mountpoint: /var/lib/docker/volumes/scratch/_data
    Name: scratch
    Options: null
    Scope: local
missing:
  description: Those of O(name) and O(names) that do not exist.
  returned: always
  type: list
  elements: str
  sample: []
volumes:
  description: The volumes, by name.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the volume.
      type: str
    driver:
      description: Its driver.
      type: str
    driver_options:
      description: Options of the driver, secrets masked.
      type: dict
    labels:
      description: Its labels.
      type: dict
    scope:
      description: Whether it is on this host only, V(local), or in the whole swarm, V(global).
      type: str
    mountpoint:
      description: Its directory on the host, as the driver reports it.
      type: str
    created:
      description: When it was created, none if the driver does not report it.
      type: str
    age:
      description: Seconds since then, by the clock of the Engine.
      type: int
    size:
      description: Its size in bytes, none without O(size) or if it is unknown.
      type: int
    containers:
      description: Names and states of the containers that refer to it, also of stopped ones.
      type: list
      elements: dict
    services:
      description: Names of the services that refer to it.
      type: list
      elements: str
    orphan:
      description: Whether nothing refers to it, none if this host does not know.
      type: bool
    reason:
      description: Why it is an orphan, or why not.
      type: str
  sample:
    - name: scratch
      driver: local
      driver_options: {}
      labels: {}
      scope: local
      mountpoint: /var/lib/docker/volumes/scratch/_data
      created: "2026-11-21T13:53:36Z"
      age: 86400
      size: 1048576
      containers: []
      services: []
      orphan: true
      reason: no container and no service refers to it
service_mounts:
  description:
    - The volumes that services of the swarm mount, for O(service_mounts) on its workers. None on a
      worker without that option.
  returned: always
  type: list
  elements: dict
  sample:
    - service: elk_elasticsearch
      service_id: ddh6yib9u1i1zipux6j7348gf
      source: "es-{{ '{{' }}.Node.Hostname{{ '}}' }}"
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.docker import volume_plan
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_runner import read_users


def read(engine: Engine, params: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The return values of the module, and the warnings of the Engine."""
    names = params["names"]
    warnings: list[str] = []
    if params["name"]:
        names = [params["name"]]
    if names is None:
        found, warnings = engine.volumes()
    else:
        answers = [engine.volume(name) for name in names]
        found = [one for one in answers if one is not None]
    users = read_users(engine, params["service_mounts"])
    references = volume_plan.references(found, users)
    sizes = engine.volume_sizes() if params["size"] and found else {}
    by_name = {one["Name"]: one for one in found}
    result: dict[str, Any] = {
        "volumes": [
            volume_plan.entry(by_name[name], references[name], users, engine.now(), sizes.get(name))
            for name in sorted(by_name)
        ],
        "missing": [name for name in names or () if name not in by_name],
        "service_mounts": users.mounts,
    }
    if params["name"]:
        volume = by_name.get(params["name"])
        result.update(exists=volume is not None, volume=volume_plan.shown_volume(volume))
    return result, warnings


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "aliases": ["volume_name"]},
            "names": {"type": "list", "elements": "str"},
            "size": {"type": "bool", "default": False},
            "service_mounts": {"type": "list", "elements": "dict"},
            **ENGINE_ARGUMENTS,
        },
        mutually_exclusive=[("name", "names")],
        supports_check_mode=True,
    )
    engine = Engine(Connection.from_options(module.params))
    try:
        result, warnings = read(engine, module.params)
    except EngineError as error:
        module.fail_json(msg=str(error))
    finally:
        engine.close()
    for warning in warnings:
        module.warn(warning)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
