# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: service_token_name
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: The name under which Elasticsearch keeps a service token
description:
  - Elasticsearch shows a token only once, and later lists only names. The token itself contains its
    name.
options:
  _input:
    description: The token, as M(elk.swarm.elasticsearch_service_token) returned it.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Delete the former token
  elk.swarm.elasticsearch_service_token:
    urls: "{{ elk_elasticsearch_urls }}"
    name: "{{ former_token | elk.swarm.service_token_name }}"
    state: absent
"""

RETURN = r"""
_value:
  description: The name, empty when this is no service token.
  type: str
  sample: elk
"""

from collections.abc import Callable
from typing import Any


def service_token_name(token: str) -> str:
    """Read the name out of a token."""
    # Imported here, because Ansible loads all filters of the collection when it needs one of them.
    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.users import token_name

    return token_name(token)


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"service_token_name": service_token_name}
