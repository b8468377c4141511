# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: volume_table
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: The volumes of all hosts as a text table
description:
  - Takes the result of M(elk.swarm.volume_info) from each host and makes the lines of one table.
positional: named
options:
  _input:
    description:
      - The result of M(elk.swarm.volume_info) by host, also where the module failed.
    type: dict
    required: true
  named:
    description: Show only these, each as C(host/volume).
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Read all volumes
  elk.swarm.volume_info:
    size: true
  register: found

- name: Show the volumes
  ansible.builtin.debug:
    msg: "{{ {inventory_hostname: found} | elk.swarm.volume_table }}"
"""

RETURN = r"""
_value:
  description: The lines of the table.
  type: list
  elements: str
  sample:
    - Volumes
    - "  HOST  VOLUME   DRIVER     SIZE  AGE  ORPHAN  WHY"
    - "  w1    scratch  local   1.0 MiB  1 d  yes     no container and no service refers to it"
    - "  1 volume, 1 orphan with 1.0 MiB in it"
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def volume_table(
    found: Mapping[str, dict[str, Any]], named: Sequence[str] | None = None
) -> list[str]:
    """Make the lines of the table."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.common.tables import table_text
    from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_audit import table

    return table_text(table(found, named))


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"volume_table": volume_table}
