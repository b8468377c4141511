# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that the firewall allows, and firewalls that hosts have already."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Host,
    Site,
    check,
    listed,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import (
    normal_address,
    parse_network,
)


@check("firewall_networks")
def check_firewall_networks(site: Site) -> Iterator[Finding]:
    bad: dict[tuple[str, str], list[str]] = {}
    ports = [port for service in site.services for port in service.ports]
    for host in site.seen:
        networks = host.of_services("networks")
        for name, found in (
            ("firewall_addresses", host.declared.get("firewall_addresses")),
            *((port.networks.variable, networks.get(port.name)) for port in ports),
        ):
            for text in found or []:
                if parse_network(text) is None:
                    bad.setdefault((name, str(text)), []).append(host.name)
    for (name, text), hosts in bad.items():
        yield Finding(
            site.where(name, hosts, site.seen),
            f"{text} is no network and no address.",
            "Write it as address/length, for example 10.30.0.0/16.",
        )


@check("firewall_addresses")
def check_firewall_addresses(site: Site) -> Iterator[Finding]:
    """The rules identify the other hosts by addresses from the inventory."""
    if not any(has_firewall(host) for host in site.seen):
        return
    for host in site.seen:
        given = [str(text) for text in host.declared.get("swarm_addresses") or []]
        hidden = [a for a in given if a != host.address and not normal_address(a)]
        if hidden and not host.declared.get("firewall_addresses"):
            yield Finding(
                host.name,
                f"Swarm uses {listed(hidden)} there, which is no address, so the firewall's rules "
                "on the other hosts cannot name the source of its packets.",
                "Set firewall_addresses for it to the addresses that it has there.",
                warning=True,
            )


def has_firewall(host: Host) -> bool:
    units = (host.survey.get("units") or {}).values()
    manage = host.declared.get("firewall_manage")
    return manage == "always" or (manage == "auto" and any(unit.get("active") for unit in units))
