# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: certificate_matches
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Whether a certificate is what it must be
description:
  - Compares a certificate with the names and usages that it must have, with the authority that must
    sign it, and with the days that it must still be valid.
  - It does not compare the certificate with its private key.
positional: authority
options:
  _input:
    description: The certificate, as P(community.crypto.x509_certificate_info#filter) describes it.
    type: dict
    required: true
  authority:
    description: The certificate of the authority, described in the same way.
    type: dict
    required: true
  common_name:
    description: The desired common name.
    type: str
    required: true
  names:
    description: The desired names and addresses, such as V(DNS:m1) and V(IP:10.20.0.11).
    type: list
    elements: str
    required: true
  usages:
    description: The desired extended key usages, such as V(TLS Web Server Authentication).
    type: list
    elements: str
    required: true
  days:
    description: The days that the certificate must still be valid.
    type: int
    required: true
seealso:
  - plugin: community.crypto.x509_certificate_info
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Check that a certificate is valid for thirty days
  ansible.builtin.assert:
    that: >-
      certificate | elk.swarm.certificate_matches(authority, common_name='m1', names=['DNS:m1'],
                                                  usages=['TLS Web Server Authentication'], days=30)
  vars:
    certificate: >-
      {{ lookup('ansible.builtin.file', 'm1.crt') | community.crypto.x509_certificate_info }}
    authority: >-
      {{ lookup('ansible.builtin.file', 'ca.crt') | community.crypto.x509_certificate_info }}
"""

RETURN = r"""
_value:
  description: Whether the certificate is what it must be.
  type: bool
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def certificate_matches(
    certificate: Mapping[str, Any],
    authority: Mapping[str, Any],
    common_name: str,
    names: Iterable[str],
    usages: Iterable[str],
    days: int,
) -> bool:
    """Return whether a certificate is what it must be."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    import datetime

    from ansible_collections.elk.swarm.plugins.module_utils.controller import (
        certificate_comparison as comparison,
    )

    desired = comparison.Desired(common_name, frozenset(names), frozenset(usages), days)
    return comparison.matches(certificate, authority, desired, datetime.datetime.now(datetime.UTC))


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"certificate_matches": certificate_matches}
