# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: service_storage
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: What a service mounts to keep its data
description:
  - Reads the storage variable of a service, such as C(elasticsearch_storage), and returns the mount
    of the service and the mount that its task on a host must have.
  - The result contains no credentials.
positional: service, node
options:
  _input:
    description: The variable.
    type: dict
    required: true
  service:
    description: The name of the data, which is that of the service if it has no other data.
    type: str
    required: true
  node:
    description: Name of the host in the swarm.
    type: str
    required: true
  path:
    description: The directory for the kind V(bind).
    type: str
    default: ""
  target:
    description: The directory of the data inside the container.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show what a service would mount
  ansible.builtin.debug:
    msg: >-
      {{ {'kind': 'volume'}
         | elk.swarm.service_storage('elasticsearch', 'm1', target='/usr/share/elasticsearch/data')
      }}
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:told) contains the kind, what is wrong with the variable, what must not change while
      there is data (RV(ignore:told.identity)), and what a running task depends on
      (RV(ignore:told.running)).
    - RV(ignore:mount) is for M(elk.swarm.service), RV(ignore:expected) for M(elk.swarm.task_mount).
    - RV(ignore:volume) is the name of the volume on this host, empty for a directory.
  type: dict
  sample:
    told:
      kind: volume
      problems: []
      identity: {kind: volume, volume: es-m1, driver: local, options: {}}
      running: {kind: volume, driver: local}
    mount:
      type: volume
      source: es-{{.Node.Hostname}}
      target: /usr/share/elasticsearch/data
      no_copy: true
      driver_config: {name: local}
    expected:
      type: volume
      source: es-m1
      target: /usr/share/elasticsearch/data
      driver: local
      filesystems: []
    volume: es-m1
"""

from collections.abc import Callable
from typing import Any


def service_storage(
    value: Any, service: str, node: str, path: str = "", target: str = ""
) -> dict[str, Any]:
    """Return what a service mounts on a host."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.platform.storage_plan import plan

    found = plan(service, value, node)
    return {
        "told": found.summary(),
        "mount": found.mount(path, target),
        "expected": found.expected(path, target),
        "volume": "" if found.kind == "bind" else found.volume,
    }


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"service_storage": service_storage}
