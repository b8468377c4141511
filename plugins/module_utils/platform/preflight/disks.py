# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks, where data is stored, and what is in the way there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Host,
    Site,
    check,
    listed,
    number_of,
    storage_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import (
    GIB,
    show_size,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.storage_plan import (
    BIND,
    HOW_TO_MOVE,
    PREFIXES,
    in_words,
    moved,
)

# Elasticsearch's watermarks: a share of the disk that has to be free, or a size if that is less.
LOW_WATERMARK = (0.15, 200 * GIB)

FLOOD_WATERMARK = (0.05, 100 * GIB)

WATERMARK_SETTINGS = "cluster.routing.allocation.disk."


@check("disk")
def check_disk(site: Site) -> Iterator[Finding]:
    folder = site.text("elk_data_dir")
    least = int(number_of(site.settings.get("storage_min_free_gb")) * GIB)
    watched = not any(
        name.startswith(WATERMARK_SETTINGS) for name in site.texts("elasticsearch_setting_names")
    )
    for host in site.seen:
        elasticsearch = binds(site, host, "elasticsearch")
        if not elasticsearch and not binds(site, host, "logstash"):
            continue
        disk = (host.survey.get("disks") or {}).get(folder) or {}
        total, free = int(disk.get("total") or 0), int(disk.get("free") or 0)
        if not total:
            continue
        state = f"has {show_size(free)} free of {show_size(total)} where {folder} is"
        used = 100 - free * 100 // total
        more = "Make room, or set elk_data_dir to a larger file system."
        if elasticsearch and watched and free < _watermark(FLOOD_WATERMARK, total):
            yield Finding(
                host.name,
                f"{state} ({used}% used): Elasticsearch makes every index read-only there.",
                more,
            )
        elif free < least and not disk.get("exists"):
            yield Finding(
                host.name,
                f"{state}, and storage_min_free_gb asks for {show_size(least)}.",
                more,
            )
        elif elasticsearch and watched and free < _watermark(LOW_WATERMARK, total):
            yield Finding(
                host.name,
                f"{state} ({used}% used): Elasticsearch puts no further shard there.",
                more,
                warning=True,
            )


def binds(site: Site, host: Host, service: str) -> bool:
    """Whether a service may run on a host and has its data in a directory of it."""
    return host.name in site.placed(service) and storage_of(host, service).get("kind") == "bind"


def _watermark(mark: tuple[float, int], total: int) -> int:
    """Bytes that have to be free: of a large disk a fixed size is enough."""
    share, size = mark
    return min(int(total * share), size)


@check("storage")
def check_storage(site: Site) -> Iterator[Finding]:
    for service in PREFIXES:
        hosts = _stored(site, service)
        yield from _storage_problems(site, hosts, service)
        ways: dict[str, list[str]] = {}
        for host in hosts:
            told = storage_of(host, service)
            if not told.get("problems"):
                ways.setdefault(in_words(told.get("running") or BIND), []).append(host.name)
        if len(ways) > 1:
            parts = [f"{way} ({listed(names)})" for way, names in ways.items()]
            yield Finding(
                f"{service}_storage",
                f"has not the same kind and driver on all hosts: {'; '.join(parts)}.",
                "One service mounts them all: give all hosts the same. Driver options may differ.",
            )


@check("storage_change")
def check_storage_change(site: Site) -> Iterator[Finding]:
    """Whether each host has its data where the variables say."""
    note = f"{site.text('elk_config_dir')}/storage.json"
    for service in PREFIXES:
        folder = f"{site.text('elk_data_dir')}/{service}"
        for host in _stored(site, service):
            told = storage_of(host, service)
            if told.get("problems"):
                continue
            reason = moved(
                service,
                str((host.survey.get("files") or {}).get(note) or ""),
                ((host.survey.get("disks") or {}).get(folder) or {}).get("empty"),
                told.get("identity") or BIND,
            )
            if reason:
                yield Finding(host.name, f"{service} {reason}", HOW_TO_MOVE)


def _stored(site: Site, service: str) -> list[Host]:
    """Hosts that may keep data of a service."""
    return [host for host in site.seen if host.name in site.placed(service)]


def _storage_problems(site: Site, hosts: Sequence[Host], service: str) -> Iterator[Finding]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for host in hosts:
        for told in storage_of(host, service).get("problems") or []:
            # Ansible has told the others.
            if not told["in_specs"]:
                key = (told["where"], told["wrong"], told["mend"])
                found.setdefault(key, []).append(host.name)
    for (where, wrong, mend), names in found.items():
        yield Finding(site.where(where, names, hosts), wrong, mend)


@check("data_directory")
def check_data_directory(site: Site) -> Iterator[Finding]:
    marker = f"{site.text('elk_config_dir')}/elasticsearch/cluster_uuid"
    data = f"{site.text('elk_data_dir')}/elasticsearch"
    remembered: dict[str, list[str]] = {}
    filled = []
    for host in site.seen:
        if host.name not in site.placed("elasticsearch"):
            continue
        uuid = str((host.survey.get("files") or {}).get(marker) or "")
        disk = (host.survey.get("disks") or {}).get(data) or {}
        if uuid:
            remembered.setdefault(uuid, []).append(host.name)
        elif disk.get("empty") is False and binds(site, host, "elasticsearch"):
            filled.append(host.name)
    if len(remembered) > 1:
        parts = [f"{uuid} ({listed(hosts)})" for uuid, hosts in remembered.items()]
        yield Finding(
            marker,
            f"hosts remember different Elasticsearch clusters: {'; '.join(parts)}.",
            f"Take out the hosts of the other cluster, or empty {data} and remove {marker} on "
            "those whose data may go.",
        )
    if filled:
        yield Finding(
            listed(filled),
            f"has something in {data} and remembers no cluster: Elasticsearch may find data of "
            "another one.",
            "Unless an earlier run was broken off, empty it before you go on.",
            warning=True,
        )
