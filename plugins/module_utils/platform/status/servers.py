# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that clients of the platform use, from the descriptions of the services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    CLUSTER,
    KIBANA,
    REPLICATED,
    Service,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Where Kibana reports whether it is available.
KIBANA_STATUS = "/api/status"


def client_servers(
    services: Iterable[Service], addresses: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The ports with TLS, with the addresses of the hosts that may answer them."""
    return [
        {
            "service": service.service,
            "port": port.port,
            "addresses": {host: addresses[host] for host in _hosts(service)},
            "names": [name for one in service.certificates for name in one.names],
            "path": KIBANA_STATUS if KIBANA in service.status else "",
            # The section of the cluster reports each node that is away.
            "required": CLUSTER not in service.status,
        }
        for service in services
        for port in service.ports
        if port.tls
    ]


def _hosts(service: Service) -> tuple[str, ...]:
    """The hosts that may run it, unless it is switched off."""
    return () if service.kind == REPLICATED and not service.replicas else service.hosts
