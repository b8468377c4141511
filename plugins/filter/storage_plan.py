# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: storage_plan
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: What a host needs to keep the data of services
description:
  - Reads where services keep their data, and lists the directories, plugins and volumes that the
    host needs, or what forbids the plan.
  - The result contains the credentials of file systems and plugins. Do not show it.
positional: node
options:
  _input:
    description:
      - The storage variables of the services that the host may run, such as
        C(elasticsearch_storage), each by the name of its data.
    type: dict
    required: true
  node:
    description: Name of the host in the swarm.
    type: str
    required: true
  note:
    description: The note on the host about the place of its data.
    type: str
    default: ""
  data_dir:
    description: The folder with a directory for each data of the kind V(bind).
    type: path
    default: /srv/elk
  disks:
    description: What M(elk.swarm.host_survey) found about these directories, by path.
    type: dict
    default: {}
  moving:
    description: Services whose data this run removed from the host, so its place may change.
    type: list
    elements: str
    default: []
  never_formed:
    description:
      - Whether every host was asked and none has ever been in a cluster. Then a volume that only
        says where data is, as for NFS, may say it anew.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show which volumes a host needs
  ansible.builtin.debug:
    msg: "{{ ({'elasticsearch': {'kind': 'volume'}} | elk.swarm.storage_plan('m1')).volumes }}"
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:errors) lists what forbids the plan. If it is not empty, everything else is empty.
    - RV(ignore:directories), RV(ignore:plugins) and RV(ignore:volumes) are for
      M(elk.swarm.bind_directory), M(elk.swarm.plugin) and M(elk.swarm.volume).
    - RV(ignore:note) is the note to write on the host.
  type: dict
  sample:
    errors: []
    directories: []
    plugins: []
    volumes:
      - {volume_name: es-m1, driver: local, driver_options: {}}
    note: >-
      {"elasticsearch": {"driver": "local", "kind": "volume", "options": {}, "volume": "es-m1"}}
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def storage_plan(
    values: Mapping[str, Any],
    node: str,
    note: str = "",
    data_dir: str = "/srv/elk",
    disks: Mapping[str, Any] | None = None,
    moving: Sequence[str] = (),
    never_formed: bool = False,
) -> dict[str, Any]:
    """Return what a host needs."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.platform import (
        storage_plan as service_storage,
    )

    seen = disks or {}
    places = {name: f"{data_dir}/{name}" for name in values}
    found = service_storage.plan_host(
        [service_storage.plan(service, value, node) for service, value in values.items()],
        note,
        places,
        {service: (seen.get(path) or {}).get("empty") for service, path in places.items()},
        moving,
        never_formed=never_formed,
    )
    return found.as_dict()


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"storage_plan": storage_plan}
