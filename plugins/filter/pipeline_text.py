# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: pipeline_text
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: A text as the pipeline of Logstash writes it
description:
  - Puts a text into quotes. Pipelines know no escaping, so a text that holds one kind of quotes
    gets the other kind.
options:
  _input:
    description: The text.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show a text in quotes
  ansible.builtin.debug:
    msg: "{{ 'a text' | elk.swarm.pipeline_text }}"
"""

RETURN = r"""
_value:
  description:
    - The text in quotes. Empty if a pipeline cannot hold it. That is an empty text, one with
      control characters, with both kinds of quotes, with C(${), or with a backslash at its end.
  type: str
"""

from collections.abc import Callable
from typing import Any


def pipeline_text(text: Any) -> str:
    """Put a text into quotes."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from ansible_collections.elk.swarm.plugins.module_utils.logstash.pipeline_values import quoted

    return quoted(str(text))


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"pipeline_text": pipeline_text}
