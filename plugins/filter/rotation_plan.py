# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rotation_plan
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: What a rotation renews of services
description:
  - Takes the services of the platform, and returns which of their credentials are renewed, and
    which roles then give their services what is new.
options:
  _input:
    description:
      - Services with their C(certificates) and C(credentials), as P(elk.swarm.services#lookup)
        returns them.
    type: list
    elements: dict
    required: true
  kinds:
    description: The words of C(-e rotate=).
    type: list
    elements: str
    required: true
  folder:
    description: C(elk_local_dir) on the controller.
    type: path
    required: true
seealso:
  - plugin: elk.swarm.services
    plugin_type: lookup
  - plugin: elk.swarm.secret_rotation
    plugin_type: module
"""

EXAMPLES = r"""
- name: Show which roles give their services a new password
  ansible.builtin.debug:
    msg: "{{ elk_services | elk.swarm.rotation_plan(['passwords'], elk_local_dir) }}"
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    kinds:
      description: The words of C(-e rotate=).
      type: list
      elements: str
      sample: [passwords]
    credentials:
      description: Credentials with a variable that are renewed.
      type: list
      elements: dict
      sample:
        - name: logstash_password
          role: elk.swarm.logstash
          variable: elk_logstash_password
          path: /home/ops/elk/logstash_password
          length: 32
          user: logstash_writer
    roles:
      description: The roles whose services get something new, in the order of the services.
      type: list
      elements: str
      sample: [elk.swarm.logstash, elk.swarm.kibana]
    titles:
      description: What messages call these services.
      type: list
      elements: str
      sample: [Logstash, Kibana]
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any


def rotation_plan(
    services: Iterable[Mapping[str, Any]], kinds: Iterable[str], folder: str
) -> dict[str, Any]:
    """Return the plan as lists and dictionaries."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.platform import service_rotation
    from ansible_collections.elk.swarm.plugins.module_utils.platform.services import Service

    found = [Service.from_dict(one) for one in services]
    plan = asdict(service_rotation.rotation_plan(found, kinds, folder))
    return {key: list(value) for key, value in plan.items()}


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"rotation_plan": rotation_plan}
