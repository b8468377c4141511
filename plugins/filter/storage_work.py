# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: storage_work
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: What an Elasticsearch node is stopped for to reach its storage
description:
  - Compares C(elasticsearch_storage) with the note of the host about the place of its data, and
    with the installed plugins.
  - The result contains no credentials.
positional: node, note, disk, plugins
options:
  _input:
    description: The variable C(elasticsearch_storage).
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
  disk:
    description: What M(elk.swarm.host_survey) found about the directory of the kind V(bind).
    type: dict
    default: {}
  plugins:
    description:
      - The plugins with the name of the driver, as M(elk.swarm.plugin_info) returns them.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show what the node of m1 is stopped for
  ansible.builtin.debug:
    msg: "{{ {'kind': 'volume'} | elk.swarm.storage_work('m1', disk={'empty': false}) }}"
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:reasons) lists what the node is stopped for, and RV(ignore:moves_data) is true if
      its data moves to other storage. Both are for P(elk.swarm.rolling_plan#filter).
    - RV(ignore:blockers) lists what forbids the move.
    - RV(ignore:before) contains what a running task depends on at the place where the data is now.
  type: dict
  sample:
    reasons: [its data moves from bind to volume]
    moves_data: true
    blockers: []
    before: {}
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def storage_work(
    value: Any,
    node: str,
    note: str = "",
    disk: Mapping[str, Any] | None = None,
    plugins: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return what a node is stopped for."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.platform import storage_plan

    storage = storage_plan.plan("elasticsearch", value, node)
    return storage_plan.node_work(storage, note, (disk or {}).get("empty"), plugins)


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"storage_work": storage_work}
