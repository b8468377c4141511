# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service of kind per_host: in the swarm it is one service for each of its hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.common.nested import dig
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
    present: Iterable[Mapping[str, Any]],
) -> PerHostPlan:
    """Plan the services of these hosts.

    Args:
        service: The name of the service in its description.
        nodes: By the host of the inventory, what it is called in the swarm.
        hosts: The hosts of the service.
        present: All services of the swarm, as the module service_info returns them.
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
    former = tuple(
        str(one["name"])
        for one in present
        if dig(one, ("service", "Spec", "Labels", label_names.PER_HOST)) == service
        and one["name"] not in names
    )
    return PerHostPlan(services, former)
