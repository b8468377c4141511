# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Swarm calls a service that runs once on each host."""

from __future__ import annotations

# Docker refuses a longer name of a service.
LONGEST = 63


def host_service(service: str, host: str) -> str:
    """What Swarm calls the service of a host. It permits no dot there.

    >>> host_service("broker", "w1.example.org")
    'broker-w1-example-org'
    """
    return f"{service}-{host.replace('.', '-')}"
