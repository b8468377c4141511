# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: known_time_zone
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Whether Logstash knows a time zone
description:
  - Knows the names of the controller's time zones and distances from UTC. Where the controller has
    no list of time zones, every name that looks like one is good.
  - An empty text is good. It means UTC.
options:
  _input:
    description: The time zone.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Check a time zone
  ansible.builtin.assert:
    that: "'Europe/Berlin' | elk.swarm.known_time_zone"
"""

RETURN = r"""
_value:
  description: Whether Logstash knows it.
  type: bool
"""

from collections.abc import Callable
from typing import Any


def known_time_zone(zone: Any) -> bool:
    """Return whether Logstash knows a time zone."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.logstash.pipeline_values import (
        is_time_zone,
        known_zones,
    )

    text = str(zone).strip()
    return not text or is_time_zone(text, known_zones())


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"known_time_zone": known_time_zone}
