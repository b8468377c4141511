# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory of a host, and the heaps that must fit into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Site,
    check,
    listed,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import (
    GIB,
    parse_size,
    plural,
    show_size,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.service_settings import (
    ServiceSettings,
)

# Above this the JVM loses compressed object pointers and a bigger heap holds less.
HEAP_MAX = 31 * GIB
HEAP = "elasticsearch_heap"
SERVICE = "elasticsearch"


@check("sizes")
def check_sizes(site: Site) -> Iterator[Finding]:
    bad: dict[tuple[str, str], list[str]] = {}
    for host in site.members:
        given = {one.memory.variable: site.memory(host, one) for one in limited(site)}
        for name, value in {**given, HEAP: site.declared(host, HEAP)}.items():
            if value not in (None, "") and not parse_size(value):
                bad.setdefault((name, str(value)), []).append(host)
    for (name, value), hosts in bad.items():
        where = name if len(hosts) == len(site.members) else f"{name} of {listed(hosts)}"
        yield Finding(where, f"{value} is no size.", "Write it like 4g or 512m.")


def limited(site: Site) -> list[ServiceSettings]:
    """The services that have a memory limit."""
    return [service for service in site.services if service.memory.value is not None]


def limit_of(site: Site, host: str, service: ServiceSettings) -> int:
    return parse_size(site.memory(host, service) or "0") or 0


@check("memory")
def check_memory(site: Site) -> Iterator[Finding]:
    reserved = parse_size(site.settings.get("preflight_memory_reserved") or "0") or 0
    staying = [
        (service, service.hosts(site.placed(service.group)))
        for service in limited(site)
        if not service.moves
    ]
    # What the services that stay on their hosts leave of the memory there.
    free: dict[str, int] = {}
    for host in site.seen:
        total = int(host.survey.get("memory") or 0)
        if not total:
            continue
        parts = [
            (service, limit_of(site, host.name, service))
            for service, hosts in staying
            if host.name in hosts
        ]
        left = total - reserved - sum(size for _service, size in parts)
        if left >= 0:
            free[host.name] = left
            continue
        sums = " + ".join(f"{one.memory.variable} {show_size(size)}" for one, size in parts)
        # Swarm gives all tasks of a replicated service the same limit.
        own = [(service, size) for service, size in parts if not service.replicated]
        room = show_size(left + own[0][1]) if own else "0m"
        yield Finding(
            host.name,
            f"has {show_size(total)} of memory, of which {show_size(reserved)} is reserved for "
            f"the system, and should run {sums}.",
            f"Set {own[0][0].memory.variable} for it to {room} or less, or move services away."
            if room != "0m"
            else "Place fewer services on it, or give it more memory.",
        )
    for service in limited(site):
        if service.moves:
            yield from _room_for(site, service, free)


def _room_for(site: Site, service: ServiceSettings, free: Mapping[str, int]) -> Iterator[Finding]:
    """Whether enough hosts have room for a service that Swarm moves between them."""
    places = site.placed(service.group)
    if not places or not all(name in site.hosts and site.hosts[name].seen for name in places):
        return
    fits = [name for name in places if limit_of(site, name, service) <= free.get(name, -1)]
    needed = service.replicas.number
    if not service.one_per_host:
        needed = min(needed, 1)
    if len(fits) < needed:
        own = [one.memory.variable for one in limited(site) if not one.replicated]
        yield Finding(
            service.memory.variable,
            f"{service.memory.value} fits beside the other services on "
            f"{plural(len(fits), 'host')} of the group {service.group}, and {needed} "
            f"{'is' if needed == 1 else 'are'} needed.",
            f"Lower {' or '.join([service.memory.variable, *own])}, or put a larger host into the "
            f"group {service.group}.",
        )


@check("heap")
def check_heap(site: Site) -> Iterator[Finding]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for host in site.placed("elasticsearch"):
        heap_text = site.declared(host, "elasticsearch_heap")
        heap = parse_size(heap_text) if heap_text else None
        limit = sum(limit_of(site, host, one) for one in site.services if one.name == SERVICE)
        if not heap:
            continue
        if heap > HEAP_MAX:
            wrong = f"{heap_text} is more than 31g, above which the JVM's pointers double in size."
            fix = "Set it to 31g or less, or leave it empty."
            found.setdefault(("elasticsearch_heap", wrong, fix), []).append(host)
        elif limit and heap * 2 > limit:
            wrong = (
                f"{heap_text} is more than half of elasticsearch_memory ({show_size(limit)}); "
                "the other half is for the JVM itself and the file system cache."
            )
            fix = f"Set it to {show_size(limit // 2)} or less, or leave it empty."
            found.setdefault(("elasticsearch_heap", wrong, fix), []).append(host)
    everywhere = len(site.placed("elasticsearch"))
    for (where, wrong, fix), hosts in found.items():
        place = where if len(hosts) == everywhere else f"{where} of {listed(hosts)}"
        yield Finding(place, wrong, fix)
