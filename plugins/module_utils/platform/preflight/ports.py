# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that the platform needs, and the programs that use them."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Host,
    Site,
    check,
    docker_of,
    is_member,
    listed,
)

# The port between the nodes of a swarm; it is fixed.
GOSSIP_PORT = 7946
LISTEN_PORT = "swarm_listen_port"
DOCKER_PROCESSES = ("dockerd", "docker-proxy")


@check("port_numbers")
def check_port_numbers(site: Site) -> Iterator[Finding]:
    holders: dict[int, list[str]] = {GOSSIP_PORT: ["Swarm itself"]}
    ports = [port.port for service in site.services for port in service.ports]
    for name, text in (
        *((port.variable, port.text) for port in ports),
        (LISTEN_PORT, site.text(LISTEN_PORT)),
    ):
        if not text.isdigit():
            continue
        if not 0 < int(text) < 65536:
            yield Finding(name, f"{text} is no port.", "Use a number from 1 to 65535.")
            continue
        holders.setdefault(int(text), []).append(name)
    for port, names in holders.items():
        if len(names) > 1:
            yield Finding(
                listed(names),
                f"want the same port {port}.",
                "Give each its own port.",
            )


@check("ports")
def check_ports(site: Site) -> Iterator[Finding]:
    taken: dict[tuple[int, str, str], dict[str, list[str]]] = {}
    for host in site.seen:
        if docker_of(host).get("silent"):
            # Only the daemon knows whose ports these are; the check daemon reports its silence.
            continue
        listeners = host.survey.get("listeners") or []
        for name, port, protocols, unit in _needed_ports(site, host):
            for entry in listeners:
                if entry.get("port") != port or entry.get("protocol") not in protocols:
                    continue
                process = str(entry.get("process") or "")
                if _is_docker(host, process) or (unit and entry.get("unit") == unit):
                    continue
                hosts = taken.setdefault((port, name, process), {})
                seen = hosts.setdefault(host.name, [])
                if entry["protocol"] not in seen:
                    seen.append(str(entry["protocol"]))
    for (port, name, process), hosts in taken.items():
        kinds = sorted({protocol for found in hosts.values() for protocol in found})
        container = process in DOCKER_PROCESSES
        who = "a container outside of the swarm" if container else process or "an unknown process"
        other = "" if name == "Swarm" else f", or choose another {name}"
        yield Finding(
            listed(list(hosts)),
            f"port {port}/{' and '.join(kinds)} ({name}) is taken by {who}.",
            f"Stop it there (ss -lntup 'sport = :{port}' shows it){other}.",
        )


def _needed_ports(site: Site, host: Host) -> Iterator[tuple[str, int, tuple[str, ...], str]]:
    """What must be free on this host: the variable, the port, the protocols.

    Last comes the systemd unit that may have the port, because the service runs as this unit.
    """
    for service in site.services:
        hosts = service.hosts(site.placed(service.group))
        for port in service.ports:
            if host.name in (site.members if port.on_every_host else hosts):
                yield port.port.variable, port.port.number, port.protocols, service.unit
    if not is_member(host):
        if host.name in site.managers:
            yield LISTEN_PORT, site.number(LISTEN_PORT), ("tcp",), ""
        yield "Swarm", GOSSIP_PORT, ("tcp", "udp"), ""


def _is_docker(host: Host, process: str) -> bool:
    """Whether the platform itself may use the port: on a swarm member Docker serves it."""
    return is_member(host) and (process in DOCKER_PROCESSES or not process)
