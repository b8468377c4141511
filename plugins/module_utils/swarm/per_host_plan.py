# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service of kind per_host: in the swarm it is one service for each of its hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.common.service_names import host_service


@dataclass(frozen=True)
class HostService:
    """The Swarm service of one host."""

    host: str
    name: str
    # They keep its task on the host.
    constraints: tuple[str, ...]
    # It is found by these when the host is none of the hosts any more.
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PerHostPlan:
    """The services to deploy, in order, and the names of those to remove."""

    services: tuple[HostService, ...]
    former: tuple[str, ...]


def per_host_plan(
    service: str,
    nodes: Mapping[str, str],
    hosts: Iterable[str],
    present: Iterable[str],
) -> PerHostPlan:
    """Plan the services of these hosts.

    Args:
        service: The name of the service in its description.
        nodes: By the host of the inventory, what it is called in the swarm.
        hosts: The hosts of the service.
        present: The names of the services in the swarm that have its label.
    """
    services = tuple(
        HostService(
            host=host,
            name=host_service(service, host),
            constraints=(f"node.hostname == {nodes.get(host, host)}",),
            labels={label_names.PER_HOST: service},
        )
        for host in hosts
    )
    names = {one.name for one in services}
    return PerHostPlan(services, tuple(name for name in present if name not in names))
