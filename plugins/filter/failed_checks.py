# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: failed_checks
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: What is wrong with the values of services
description:
  - Takes the checks of services that are not met, as one sentence each, for the roles of these
    services.
options:
  _input:
    description: Services with their C(checks), as P(elk.swarm.services#lookup) returns them.
    type: list
    elements: dict
    required: true
seealso:
  - plugin: elk.swarm.services
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Show what is wrong with the values of Kibana
  ansible.builtin.debug:
    msg: >-
      {{ query('elk.swarm.services', 'elk.swarm.kibana', fields=['checks'])
         | elk.swarm.failed_checks }}
"""

RETURN = r"""
_value:
  description: The variable, what is wrong with it and how to fix it.
  type: list
  elements: str
  sample: ["logstash_queue_max_bytes: 32mb is less than one page. Set it to 64mb or more."]
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def failed_checks(services: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each check that is not met."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.platform.services import Service

    return [
        f"{check.where}: {check.wrong} {check.fix}"
        for service in map(Service.from_dict, services)
        for check in service.checks
        if not check.that
    ]


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"failed_checks": failed_checks}
