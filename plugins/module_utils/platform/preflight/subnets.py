# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of the overlay and of Docker, and what they must not overlap."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Site,
    check,
    listed,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import (
    normal_address,
    overlap,
    parse_network,
    plural,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.service_settings import (
    PortSettings,
)

# Docker's own first choice for the ingress network when no pool is configured.
DEFAULT_INGRESS = "10.0.0.0/24"
# What docker0 and docker_gwbridge take when no pool is configured.
DEFAULT_BRIDGES = ("172.17.0.0/16", "172.18.0.0/16")


@check("subnet")
def check_subnet(site: Site) -> Iterator[Finding]:
    text = str(site.settings.get("network_subnet") or "").strip()
    if not text:
        return
    subnet = parse_network(text)
    if not isinstance(subnet, ipaddress.IPv4Network) or "/" not in text:
        yield Finding(
            "network_subnet",
            f"{text} is no IPv4 network.",
            "Write it as address/length, for example 192.168.8.0/21.",
        )
        return
    if str(subnet) != text:
        yield Finding(
            "network_subnet",
            f"{text} has host bits set, which Docker refuses; {subnet} is used.",
            f"Write network_subnet: {subnet}.",
            warning=True,
        )
    if not subnet.is_private or subnet.is_loopback or subnet.is_link_local:
        yield Finding(
            "network_subnet",
            f"{subnet} is not a private range, so containers could not reach its real owners.",
            "Choose one inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.",
        )
    # Each host needs an address for its end of the overlay and one for each task; a rolling update
    # runs old and new tasks at once.
    needed = 2 + 6 * len(site.members)
    if subnet.num_addresses < needed:
        yield Finding(
            "network_subnet",
            f"{subnet} has {subnet.num_addresses} addresses, and "
            f"{plural(len(site.members), 'host')} need about {needed}.",
            "Choose a larger one, for example a /21.",
        )


@check("subnet_routes")
def check_subnet_routes(site: Site) -> Iterator[Finding]:
    subnet = parse_network(site.settings.get("network_subnet") or "")
    if subnet is None:
        return
    clashes: dict[tuple[str, str], list[str]] = {}
    for host in site.seen:
        for route in host.survey.get("routes") or []:
            network = parse_network(route.get("network"))
            if network and overlap(subnet, network):
                key = (str(network), str(route.get("device") or ""))
                clashes.setdefault(key, []).append(host.name)
    for (destination, device), hosts in clashes.items():
        yield Finding(
            "network_subnet",
            f"{subnet} overlaps the route {destination} dev {device} of {listed(hosts)}, so "
            "containers could not reach what lies there.",
            "Choose a network_subnet that no host has a route to.",
        )


@check("subnet_pools")
def check_subnet_pools(site: Site) -> Iterator[Finding]:
    subnet = parse_network(site.settings.get("network_subnet") or "")
    if subnet is None:
        return
    pools = site.texts("swarm_default_address_pools")
    ranges = [("swarm_default_address_pools", pool) for pool in pools]
    if not pools:
        ranges.append(("Docker's default for the ingress network", DEFAULT_INGRESS))
    ranges += _bridge_ranges(site)
    options = site.settings.get("docker_engine_daemon_options") or {}
    local = [
        *(site.settings.get("docker_engine_address_pools") or []),
        *(options.get("default-address-pools") or []),
    ]
    ranges += [("the Engine's default-address-pools", pool.get("base")) for pool in local]
    if options.get("bip"):
        ranges.append(("bip in docker_engine_daemon_options", options["bip"]))
    for owner, text in ranges:
        network = parse_network(text)
        if network is None:
            yield Finding(
                owner,
                f"{text} is no network.",
                "Write it as address/length, for example 10.30.0.0/16.",
            )
        elif overlap(subnet, network):
            yield Finding(
                "network_subnet",
                f"{subnet} overlaps {network} ({owner}), from which Docker takes other networks.",
                "Choose a network_subnet outside of it.",
            )


def _bridge_ranges(site: Site) -> list[tuple[str, str]]:
    """Networks that every Engine makes by default, unless it is configured."""
    options = site.settings.get("docker_engine_daemon_options") or {}
    if site.settings.get("docker_engine_address_pools") or options.get("default-address-pools"):
        return []
    docker0, gwbridge = DEFAULT_BRIDGES
    ranges = [("Docker's default for docker_gwbridge", gwbridge)]
    return ranges if options.get("bip") else [("Docker's default for docker0", docker0), *ranges]


@check("pools")
def check_pools(site: Site) -> Iterator[Finding]:
    """Swarm takes networks from its pools without checking the networks of the hosts."""
    pools = site.texts("swarm_default_address_pools")
    for text in pools or [DEFAULT_INGRESS]:
        network = parse_network(text)
        if network is None:
            continue
        inside = [
            f"{address} of {host.name}"
            for host in site.seen
            for address in map(str, host.survey.get("addresses") or [])
            if normal_address(address) and ipaddress.ip_address(address) in network
        ]
        if inside:
            owner = "" if pools else " (Docker's default for the ingress network)"
            yield Finding(
                "swarm_default_address_pools",
                f"{network}{owner} holds the hosts' own {listed(inside)}, so containers could not "
                "reach them.",
                "Set swarm_default_address_pools to ranges that no host is in, for example "
                "[10.201.0.0/16].",
                # Nothing is attached to the ingress network if it serves no port.
                warning=not pools and not any(port.on_every_host for port in _ports(site)),
            )
    yield from _engine_pools(site, pools or [DEFAULT_INGRESS])
    networks = [n for n in map(parse_network, pools) if n is not None]
    for number, one in enumerate(networks):
        for other in networks[number + 1 :]:
            if overlap(one, other):
                yield Finding(
                    "swarm_default_address_pools",
                    f"{one} and {other} overlap.",
                    "Merge them, or choose another pool.",
                )


def _engine_pools(site: Site, swarm_pools: Sequence[str]) -> Iterator[Finding]:
    """A bridge of one host must not have addresses that the swarm uses on all hosts."""
    options = site.settings.get("docker_engine_daemon_options") or {}
    local = [
        *(site.settings.get("docker_engine_address_pools") or []),
        *(options.get("default-address-pools") or []),
    ]
    for pool in local:
        mine = parse_network(pool.get("base"))
        for text in swarm_pools:
            other = parse_network(text)
            if mine and other and overlap(mine, other):
                yield Finding(
                    "docker_engine_address_pools",
                    f"{mine} overlaps {other}, from which Swarm takes the ingress network.",
                    "Choose another range, or set swarm_default_address_pools.",
                )


def _ports(site: Site) -> list[PortSettings]:
    return [port for service in site.services for port in service.ports]


@check("ipvs")
def check_ipvs(site: Site) -> Iterator[Finding]:
    blocked = [host.name for host in site.seen if host.survey.get("ipvs_blocked")]
    without = [
        host.name for host in site.seen if not host.survey.get("ipvs") and host.name not in blocked
    ]
    for port in _ports(site):
        name = port.publish.variable
        if not port.on_every_host:
            continue
        if blocked:
            yield Finding(
                name,
                "is ingress, which needs the kernel's IPVS, and the configuration of modprobe "
                f"keeps {listed(blocked)} from loading it: published ports would refuse "
                "connections.",
                f"Remove the line 'install ip_vs' in /etc/modprobe.d there, or set {name}: host.",
            )
        if without:
            yield Finding(
                name,
                f"is ingress, which needs the kernel's IPVS, and {listed(without)} "
                f"{'has' if len(without) == 1 else 'have'} none.",
                f"Set {name}: host, or use a kernel with the module ip_vs.",
            )
