# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and addresses of hosts, and whether each host was checked."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Host,
    Site,
    check,
    listed,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import (
    normal_address,
)


@check("names")
def check_names(site: Site) -> Iterator[Finding]:
    holders: dict[str, list[str]] = {}
    for host in site.hosts.values():
        name = host.node_name
        if not name:
            if host.seen:
                yield Finding(
                    host.name,
                    "has no node name.",
                    "Gather the facts of the host (gather_subset platform), or set elk_node_name.",
                )
            continue
        if name.lower().partition(".")[0] in ("localhost", "localhost6"):
            yield Finding(
                host.name,
                f"is called {name}, which other hosts cannot use for it.",
                "Give the host its own name (hostnamectl hostname NAME), and restart Docker if it "
                "runs already.",
            )
            continue
        nodename = str(host.survey.get("nodename") or "")
        if nodename and nodename != name:
            yield Finding(
                host.name,
                f"elk_node_name is {name}, but Docker will call the host {nodename}.",
                f"Remove elk_node_name, or rename the host: hostnamectl hostname {name}.",
            )
        holders.setdefault(name.lower(), []).append(host.name)
    for name, hosts in holders.items():
        if len(hosts) > 1:
            yield Finding(
                listed(hosts),
                f"share the node name {name}, but each node needs a different one.",
                "Give each its own name: hostnamectl hostname NAME.",
            )


@check("addresses")
def check_addresses(site: Site) -> Iterator[Finding]:
    holders: dict[str, list[str]] = {}
    for host in site.hosts.values():
        if not host.address:
            yield Finding(host.name, "has no address.", "Set ansible_host or elk_address for it.")
            continue
        plain = normal_address(host.address)
        found = [plain] if plain else list(host.resolved)
        if not found:
            yield Finding(
                host.name,
                f"the address {host.address} is no IP address and no name that resolves here.",
                "Set elk_address for it to the address that the other hosts reach it at.",
            )
            continue
        for address in found:
            if ipaddress.ip_address(address).is_loopback and len(site.hosts) > 1:
                yield Finding(
                    host.name,
                    f"the address {host.address} is a loopback one, so other hosts cannot use it.",
                    "Set elk_address for it to the address that the other hosts reach it at.",
                )
                break
        else:
            yield from _address_on_host(host, found)
        for address in found:
            holders.setdefault(address, []).append(host.name)
    for address, hosts in holders.items():
        if len(set(hosts)) > 1:
            yield Finding(
                listed(hosts),
                f"share the address {address}.",
                "Correct ansible_host or elk_address of the one that is wrong.",
            )


def _address_on_host(host: Host, found: Sequence[str]) -> Iterator[Finding]:
    present = [str(a) for a in host.survey.get("addresses") or []]
    if present and not set(found) & set(present):
        yield Finding(
            host.name,
            f"the address {host.address} is on none of its interfaces, so Swarm cannot listen "
            "on it.",
            f"Set elk_address for it to one of: {listed(present)}.",
        )


@check("looked_at")
def check_looked_at(site: Site) -> Iterator[Finding]:
    unseen = [h for h in site.members if h not in site.hosts or not site.hosts[h].seen]
    if unseen:
        yield Finding(
            listed(unseen),
            "not checked, because this run leaves them out.",
            "Run without --limit to check every host.",
            warning=True,
        )
