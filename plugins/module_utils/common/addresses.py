# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of hosts, as other texts contain them."""

from __future__ import annotations


def in_url(address: str) -> str:
    """An address as URLs contain it.

    >>> in_url("10.20.0.11"), in_url("m1.example.org"), in_url("2001:db8::11")
    ('10.20.0.11', 'm1.example.org', '[2001:db8::11]')
    """
    return f"[{address}]" if ":" in address else address


def https_url(address: str, port: int) -> str:
    """The URL of a server.

    >>> https_url("2001:db8::11", 9200)
    'https://[2001:db8::11]:9200'
    """
    return f"https://{in_url(address)}:{port}"
