# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service of kind per_host: in the swarm it is one service for each of its hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.common.service_names import host_service


class UnknownHostError(ValueError):
    """A host that is not part of the run."""


@dataclass(frozen=True)
class HostService:
    """The Swarm service of one host."""

    host: str
    name: str
    # They keep its task on the host.
    constraints: tuple[str, ...]
    # It is found by these when the host is none of the hosts any more.
    labels: Mapping[str, str] = field(default_factory=dict)
    # Its services of former names. They end first, because they have the same data and ports.
    former: tuple[str, ...] = ()


@dataclass(frozen=True)
class PerHostPlan:
    """The services to deploy, in order, and the names of those to remove after that."""

    services: tuple[HostService, ...]
    former: tuple[str, ...]


def per_host_plan(
    service: str,
    name: str,
    nodes: Mapping[str, str],
    hosts: Iterable[str],
    present: Iterable[str],
) -> PerHostPlan:
    """Plan the services of these hosts.

    Args:
        service: What Swarm calls the service, without a host.
        name: The name of the service in its description, which stays when Swarm calls it otherwise.
        nodes: By the host of the inventory, what it is called in the swarm.
        hosts: The hosts of the service.
        present: The names of the services in the swarm that have its label.

    Raises:
        UnknownHostError: No node is known of one of the hosts.
    """
    chosen = list(hosts)
    unknown = [host for host in chosen if host not in nodes]
    if unknown:
        raise UnknownHostError(
            f"What the swarm calls {', '.join(unknown)} is unknown, because this run leaves such "
            "hosts out. Run it again without --limit."
        )
    names = {host: host_service(service, host) for host in chosen}
    ended = [one for one in present if one not in names.values()]
    renamed = {one: _host_of(one, chosen) for one in ended}
    services = tuple(
        HostService(
            host=host,
            name=names[host],
            constraints=(f"node.hostname == {nodes[host]}",),
            labels={label_names.PER_HOST: name},
            former=tuple(one for one, on in renamed.items() if on == host),
        )
        for host in chosen
    )
    return PerHostPlan(services, tuple(one for one, on in renamed.items() if not on))


def _host_of(name: str, hosts: Iterable[str]) -> str:
    """The host that the name of a service ends with; empty for another one."""
    fits = [host for host in hosts if name.endswith(host_service("", host))]
    return max(fits, key=len, default="")
