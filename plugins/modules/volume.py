#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volume
version_added: 0.1.0
short_description: Create and remove the Docker volumes of a host
description:
  - Creates and removes volumes of the Docker Engine on a host, one or many of them in one call.
  - Option names and meanings are those of M(community.docker.docker_volume). New here are
    O(volumes), O(drift), O(owner), O(group) and O(mode).
  - Docker cannot change a volume. The module reports what differs from the options, and creates the
    volume again, without its data, only if O(recreate) permits it.
  - A volume to which a container in any state or a service refers is never removed or created
    again. The error names them. A container that mounts the directory of the volume as a bind
    counts, too.
  - Volumes belong to one host. A service whose task starts on a host without its volume gets a new
    one there, with the driver V(local) unless the service names another.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
attributes:
  check_mode:
    description: Can predict what would change without changing it.
    support: full
    details:
      - Where Docker does not exist yet, all volumes count as absent. The module does not check
        whether the driver of a new volume exists, because the same run may install its plugin.
      - To read the owner of a volume that is not plain V(local), the module creates a container
        that never runs and removes it again, also in check mode. Nothing else is changed.
  diff_mode:
    description: Shows what has changed or would change.
    support: full
    details:
      - Values of driver options whose name looks like a secret's are masked, also in a line of
        mount options.
  idempotent:
    description: A second run in the same state changes nothing.
    support: partial
    details:
      - Not with O(recreate=always).
options:
  volume_name:
    description:
      - Name of the volume. This or O(volumes) is required.
    type: str
    aliases: [name]
  volumes:
    description:
      - Volumes to create or remove in one call. What an item does not set is taken from the task.
      - If one of them must not be changed, none is changed.
    type: list
    elements: dict
    suboptions:
      volume_name:
        description: Name of the volume.
        type: str
        required: true
        aliases: [name]
      driver:
        description: As O(driver).
        type: str
      driver_options:
        description: As O(driver_options), instead of all of them.
        type: dict
      labels:
        description: As O(labels), instead of all of them.
        type: dict
      recreate:
        description: As O(recreate).
        type: str
        choices: [always, never, options-changed, reference-changed]
      drift:
        description: As O(drift).
        type: str
        choices: [warn, fail]
      owner:
        description: As O(owner).
        type: int
      group:
        description: As O(group).
        type: int
      mode:
        description: As O(mode).
        type: raw
      state:
        description: As O(state).
        type: str
        choices: [absent, present]
  driver:
    description:
      - Driver of the volume, V(local) or a plugin. A managed plugin may be named without its tag
        when that is C(latest).
      - An existing volume with another driver is an error, unless O(recreate) permits to replace
        it.
    type: str
    default: local
  driver_options:
    description:
      - Options of the driver, like C(type), C(device) and C(o) of V(local).
      - Numbers become text. Quote what YAML takes for a boolean or a float.
      - Options of an existing volume that are not named here do not count as a difference.
    type: dict
  labels:
    description:
      - Labels of the volume. Labels of an existing volume that are not named here do not count as a
        difference.
    type: dict
  recreate:
    description:
      - When to remove an existing volume, B(with all data in it), and create it again.
      - V(never) does not.
      - V(options-changed) does when driver, driver options or labels differ.
      - V(reference-changed) does so only for a volume of the driver V(local) with the option
        C(device), as for NFS. Its data is elsewhere, and stays there.
      - V(always) does on every run.
    type: str
    choices: [always, never, options-changed, reference-changed]
    default: never
  drift:
    description:
      - What to do if an existing volume differs and stays as it is. V(warn) and return the
        RV(differences), or V(fail).
    type: str
    choices: [warn, fail]
    default: warn
  owner:
    description:
      - Numeric id of the user who owns the root directory of the volume.
      - Set before anything uses the volume, and later only while no running container uses it. The
        content of the directory keeps its owners.
      - Works with every driver that keeps owners. No image is needed on the host.
      - When a container is the first to use an empty volume, and its image has a directory where it
        is mounted, Docker gives the volume the owner of that directory.
        O(elk.swarm.service#module:mounts[].no_copy) prevents that.
    type: int
  group:
    description: Numeric id of the group of the root directory of the volume, as O(owner).
    type: int
  mode:
    description:
      - Mode of the root directory of the volume as an octal string, like V("0770"), as O(owner).
    type: raw
  state:
    description:
      - V(present) creates the volume if it does not exist.
      - V(absent) removes it with all data in it.
    type: str
    choices: [absent, present]
    default: present
seealso:
  - module: elk.swarm.volume_info
  - module: community.docker.docker_volume
"""

EXAMPLES = r"""
- name: Create a volume
  elk.swarm.volume:
    name: scratch

- name: Create a volume on an NFS server, and fail if the existing one differs
  elk.swarm.volume:
    name: snapshots
    driver_options:
      type: nfs
      o: addr=192.0.2.10,rw,nfsvers=4.2,hard
      device: ":/export/snapshots"
    drift: fail

- name: Create all volumes of this host, owned by the user of the servers
  elk.swarm.volume:
    owner: 1000
    group: 0
    mode: "0770"
    labels:
      org.example.purpose: elk
    volumes:
      - name: es-{{ inventory_hostname }}
      - name: es-{{ inventory_hostname }}-snapshots
      - name: queue
        mode: "0700"
      - name: scratch
        state: absent

- name: Create a volume again when its options have changed, and lose its data
  elk.swarm.volume:
    name: cache
    driver_options:
      type: tmpfs
      device: tmpfs
      o: size=64m,uid=1000
    recreate: options-changed

- name: Remove a volume
  elk.swarm.volume:
    name: cache
    state: absent
"""

RETURN = r"""
volume:
  description:
    - The volume as the Engine has it, with the secrets in its options masked.
    - None if it does not exist, or would be created in check mode.
  returned: success, with O(volume_name)
  type: dict
  sample:
    CreatedAt: "2026-11-21T13:53:36Z"
    Driver: local
    Labels:
      org.example.purpose: elk
    Mountpoint: /var/lib/docker/volumes/es-m1/_data
    Name: es-m1
    Options: null
    Scope: local
volumes:
  description: Every volume of the task, in its order.
  returned: always, unless the options are wrong
  type: list
  elements: dict
  contains:
    name:
      description: Name of the volume.
      type: str
    changed:
      description: Whether it has changed, or would change.
      type: bool
    volume:
      description: As RV(volume).
      type: dict
  sample:
    - name: es-m1
      changed: true
      volume:
        CreatedAt: "2026-11-21T13:53:36Z"
        Driver: local
        Labels:
          org.example.purpose: elk
        Mountpoint: /var/lib/docker/volumes/es-m1/_data
        Name: es-m1
        Options: null
        Scope: local
    - name: scratch
      changed: false
      volume: null
differences:
  description:
    - How volumes that stay as they are differ from the options.
  returned: always, unless the options are wrong
  type: list
  elements: dict
  contains:
    volume:
      description: Name of the volume.
      type: str
    option:
      description: The option, with the key after a dot where it is a dictionary.
      type: str
    wanted:
      description: What the task asks for.
      type: str
    actual:
      description: The actual value, none if there is none.
      type: str
  sample:
    - volume: snapshots
      option: driver_options.o
      wanted: addr=192.0.2.10,rw,nfsvers=4.2,hard
      actual: addr=192.0.2.9,rw
"""

import copy
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import Connection, Engine
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_plan import (
    VolumeError,
    secrets_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_runner import VolumeRun

OPTIONS: dict[str, dict[str, Any]] = {
    "volume_name": {"type": "str", "aliases": ["name"]},
    "driver": {"type": "str"},
    # Nothing of it is logged. See secrets below for what may be returned.
    "driver_options": {"type": "dict", "no_log": True},
    "labels": {"type": "dict"},
    "recreate": {
        "type": "str",
        "choices": ["always", "never", "options-changed", "reference-changed"],
    },
    "drift": {"type": "str", "choices": ["warn", "fail"]},
    "owner": {"type": "int"},
    "group": {"type": "int"},
    "mode": {"type": "raw"},
    "state": {"type": "str", "choices": ["absent", "present"]},
}
DEFAULTS = {"driver": "local", "recreate": "never", "drift": "warn", "state": "present"}


def argument_spec() -> dict[str, Any]:
    item = copy.deepcopy(OPTIONS)
    item["volume_name"]["required"] = True
    spec = copy.deepcopy(OPTIONS)
    for option, default in DEFAULTS.items():
        spec[option]["default"] = default
    spec["volumes"] = {"type": "list", "elements": "dict", "options": item}
    return {**spec, **ENGINE_ARGUMENTS}


def secrets(params: dict[str, Any]) -> set[str]:
    """Values to mask: only the secret driver options, or "nfs" would be masked, too."""
    found = secrets_of(params["driver_options"])
    for item in params["volumes"] or ():
        found |= secrets_of(item["driver_options"])
    return found


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_one_of=[("volume_name", "volumes")],
        mutually_exclusive=[("volume_name", "volumes")],
        supports_check_mode=True,
    )
    module.no_log_values = secrets(module.params)
    engine = Engine(Connection.from_options(module.params))
    try:
        outcome = VolumeRun(engine, module.params, module.check_mode).run()
    except VolumeError as error:
        module.fail_json(msg=str(error), **error.result)
    finally:
        engine.close()
    for warning in outcome.warnings:
        module.warn(warning)
    result = outcome.result()
    if module.params["volumes"] is None:
        result["volume"] = result["volumes"][0]["volume"]
    if module._diff:
        result["diff"] = outcome.diff()
    module.exit_json(**result)


if __name__ == "__main__":
    main()
