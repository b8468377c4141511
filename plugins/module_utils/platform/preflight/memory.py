# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory of a host, and the heaps that must fit into it."""

from __future__ import annotations

from collections.abc import Iterator

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

# Above this the JVM loses compressed object pointers and a bigger heap holds less.
HEAP_MAX = 31 * GIB
MEMORY_OF = {
    "elasticsearch": "elasticsearch_memory",
    "logstash": "logstash_memory",
    "kibana": "kibana_memory",
}


@check("sizes")
def check_sizes(site: Site) -> Iterator[Finding]:
    bad: dict[tuple[str, str], list[str]] = {}
    for name in (*MEMORY_OF.values(), "elasticsearch_heap"):
        for host in site.members:
            value = site.declared(host, name)
            if value not in (None, "") and not parse_size(value):
                bad.setdefault((name, str(value)), []).append(host)
    for (name, value), hosts in bad.items():
        where = name if len(hosts) == len(site.members) else f"{name} of {listed(hosts)}"
        yield Finding(where, f"{value} is no size.", "Write it like 4g or 512m.")


@check("memory")
def check_memory(site: Site) -> Iterator[Finding]:
    reserved = parse_size(site.settings.get("preflight_memory_reserved") or "0") or 0
    logstash = site.placed("logstash")[: site.number("logstash_replicas")]
    kibana_fits = []
    kibana_hosts = [h for h in site.placed("kibana") if h in site.hosts and site.hosts[h].seen]
    for host in site.seen:
        total = int(host.survey.get("memory") or 0)
        if not total:
            continue
        parts = {
            MEMORY_OF[service]: parse_size(site.declared(host.name, MEMORY_OF[service]) or "0") or 0
            for service, places in (
                ("elasticsearch", site.placed("elasticsearch")),
                ("logstash", logstash),
            )
            if host.name in places
        }
        need = sum(parts.values())
        if need + reserved > total:
            sums = " + ".join(f"{name} {show_size(size)}" for name, size in parts.items())
            room = show_size(total - reserved - (need - parts.get("elasticsearch_memory", 0)))
            yield Finding(
                host.name,
                f"has {show_size(total)} of memory, of which {show_size(reserved)} is reserved for "
                f"the system, and should run {sums}.",
                f"Set elasticsearch_memory for it to {room} or less, or move services away."
                if "elasticsearch_memory" in parts and room != "0m"
                else "Place fewer services on it, or give it more memory.",
            )
        elif host.name in kibana_hosts:
            kibana = parse_size(site.declared(host.name, "kibana_memory") or "0") or 0
            if need + kibana + reserved <= total:
                kibana_fits.append(host.name)
    needed = 1 if site.number("kibana_replicas") else 0
    if site.settings.get("kibana_publish_mode") == "host":
        needed = site.number("kibana_replicas")
    all_seen = len(kibana_hosts) == len(site.placed("kibana"))
    if all_seen and kibana_hosts and len(kibana_fits) < needed:
        yield Finding(
            "kibana_memory",
            f"{site.settings.get('kibana_memory')} fits beside the other services on "
            f"{plural(len(kibana_fits), 'host')} of the group kibana, and {needed} "
            f"{'is' if needed == 1 else 'are'} needed.",
            "Lower kibana_memory or elasticsearch_memory, or put a larger host into the group "
            "kibana.",
        )


@check("heap")
def check_heap(site: Site) -> Iterator[Finding]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for host in site.placed("elasticsearch"):
        heap_text = site.declared(host, "elasticsearch_heap")
        heap = parse_size(heap_text) if heap_text else None
        limit = parse_size(site.declared(host, "elasticsearch_memory") or "")
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
