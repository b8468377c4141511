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
  - Reads where services shall keep their data, and says which directories, plugins and volumes the
    host needs, or why that cannot be.
  - What it gives holds the credentials of file systems and plugins. Do not show it.
positional: node
options:
  _input:
    description: C(elasticsearch_storage) and C(logstash_storage), each by the name of its service.
    type: dict
    required: true
  node:
    description: Name of the host in the swarm.
    type: str
    required: true
  note:
    description: What the host remembers of where its data is.
    type: str
    default: ""
  directories:
    description: The directories that the kind V(bind) uses, by service.
    type: dict
    default: {}
  disks:
    description: What M(elk.swarm.host_survey) found of these directories.
    type: dict
    default: {}
  moving:
    description: Services whose data has just been taken off the host, so that it may go elsewhere.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show which volumes a host needs
  ansible.builtin.debug:
    msg: "{{ ({'elasticsearch': {'kind': 'volume'}} | elk.swarm.storage_plan('m1')).volumes }}"
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:errors) lists the reasons to refuse; if there is one, there is nothing else.
    - RV(ignore:directories), RV(ignore:plugins) and RV(ignore:volumes) are for
      M(elk.swarm.bind_directory), M(elk.swarm.plugin) and M(elk.swarm.volume).
    - RV(ignore:note) is what the host is to remember.
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
    directories: Mapping[str, str] | None = None,
    disks: Mapping[str, Any] | None = None,
    moving: Sequence[str] = (),
) -> dict[str, Any]:
    """Say what a host needs."""
    # Not before it is called: whoever uses any filter of the collection loads all of them, in every
    # process that Ansible starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.platform import (
        storage_plan as service_storage,
    )

    places, seen = directories or {}, disks or {}
    found = service_storage.plan_host(
        [service_storage.plan(service, value, node) for service, value in values.items()],
        note,
        places,
        {service: (seen.get(path) or {}).get("empty") for service, path in places.items()},
        moving,
    )
    return found.as_dict()


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"storage_plan": storage_plan}
