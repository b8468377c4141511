# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks, where data is stored, and data that is there already."""

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
from ansible_collections.elk.swarm.plugins.module_utils.platform.service_settings import (
    ServiceSettings,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import HOST
from ansible_collections.elk.swarm.plugins.module_utils.platform.storage_plan import (
    BIND,
    HOW_TO_MOVE,
    in_words,
    move_blocker,
)

# Elasticsearch's watermarks: the share of the disk that must be free, or a size if that is less.
LOW_WATERMARK = (0.15, 200 * GIB)
FLOOD_WATERMARK = (0.05, 100 * GIB)
WATERMARK_SETTINGS = "cluster.routing.allocation.disk."


@check("disk")
def check_disk(site: Site) -> Iterator[Finding]:
    folder = site.text("elk_data_dir")
    least = int(number_of(site.settings.get("storage_min_free_gb")) * GIB)
    default_watermarks = not any(
        name.startswith(WATERMARK_SETTINGS) for name in site.texts("elasticsearch_setting_names")
    )
    for host in site.seen:
        elasticsearch = binds(site, host, "elasticsearch")
        if not any(binds(site, host, data) for _service, data in stored_data(site)):
            continue
        disk = (host.survey.get("disks") or {}).get(folder) or {}
        total, free = int(disk.get("total") or 0), int(disk.get("free") or 0)
        if not total:
            continue
        state = f"has {show_size(free)} free of {show_size(total)} where {folder} is"
        used = 100 - free * 100 // total
        fix = "Make room, or set elk_data_dir to a larger file system."
        if elasticsearch and default_watermarks and free < _watermark(FLOOD_WATERMARK, total):
            yield Finding(
                host.name,
                f"{state} ({used}% used): Elasticsearch makes every index read-only there.",
                fix,
            )
        elif free < least and not disk.get("exists"):
            yield Finding(
                host.name,
                f"{state}, and storage_min_free_gb asks for {show_size(least)}.",
                fix,
            )
        elif elasticsearch and default_watermarks and free < _watermark(LOW_WATERMARK, total):
            yield Finding(
                host.name,
                f"{state} ({used}% used): Elasticsearch allocates no further shard there.",
                fix,
                warning=True,
            )


def stored_data(site: Site) -> list[tuple[ServiceSettings, str]]:
    """The names of all data, each with its service."""
    return [(service, data) for service in site.services for data in service.data]


def binds(site: Site, host: Host, data: str) -> bool:
    """Whether the service of this data may run on a host and has it in a directory there."""
    return any(
        data in service.data
        and host.name in site.placed(service.group)
        and storage_of(host, data).get("kind") == "bind"
        for service in site.services
    )


def _watermark(mark: tuple[float, int], total: int) -> int:
    """Bytes that must be free: on a large disk a fixed size is enough."""
    share, size = mark
    return min(int(total * share), size)


@check("storage")
def check_storage(site: Site) -> Iterator[Finding]:
    for service, data in stored_data(site):
        hosts = _stored(site, service)
        yield from _storage_problems(site, hosts, data)
        elsewhere = [host.name for host in hosts if storage_of(host, data).get("kind") != "bind"]
        if service.kind == HOST and elsewhere:
            yield Finding(
                site.where(f"{data}_storage", elsewhere, hosts),
                f"only a task of the swarm can mount it, and {service.title} has the kind {HOST}.",
                "Use kind: bind, and mount the directory on the host if it is not on its disk.",
            )
            continue
        kinds: dict[str, list[str]] = {}
        for host in hosts:
            storage = storage_of(host, data)
            if not storage.get("problems"):
                kinds.setdefault(in_words(storage.get("running") or BIND), []).append(host.name)
        if len(kinds) > 1:
            parts = [f"{kind} ({listed(names)})" for kind, names in kinds.items()]
            yield Finding(
                f"{data}_storage",
                f"differs in kind or driver between the hosts: {'; '.join(parts)}.",
                "One service mounts them all, so use the same on all hosts. Only driver options "
                "may differ.",
            )


@check("storage_change")
def check_storage_change(site: Site) -> Iterator[Finding]:
    """Whether each host has its data where the variables say."""
    note = f"{site.text('elk_config_dir')}/storage.json"
    for service, data in stored_data(site):
        folder = f"{site.text('elk_data_dir')}/{data}"
        for host in _stored(site, service):
            storage = storage_of(host, data)
            if storage.get("problems"):
                continue
            blocker = move_blocker(
                data,
                str((host.survey.get("files") or {}).get(note) or ""),
                ((host.survey.get("disks") or {}).get(folder) or {}).get("empty"),
                storage.get("identity") or BIND,
                never_formed=never_formed(site),
            )
            if blocker:
                yield Finding(host.name, f"{data} {blocker}", HOW_TO_MOVE)


def never_formed(site: Site) -> bool:
    """Whether every host of Elasticsearch was asked, and none has ever been in a cluster."""
    marker = f"{site.text('elk_config_dir')}/elasticsearch/cluster_uuid"
    placed = site.placed("elasticsearch")
    hosts = [host for host in site.seen if host.name in placed]
    return len(hosts) == len(set(placed)) and not any(
        (host.survey.get("files") or {}).get(marker) for host in hosts
    )


def _stored(site: Site, service: ServiceSettings) -> list[Host]:
    """Hosts that may keep data of a service."""
    return [host for host in site.seen if host.name in site.placed(service.group)]


def _storage_problems(site: Site, hosts: Sequence[Host], data: str) -> Iterator[Finding]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for host in hosts:
        for problem in storage_of(host, data).get("problems") or []:
            # The argument specs report the others.
            if not problem["in_specs"]:
                key = (problem["where"], problem["wrong"], problem["mend"])
                found.setdefault(key, []).append(host.name)
    for (where, wrong, fix), names in found.items():
        yield Finding(site.where(where, names, hosts), wrong, fix)


@check("data_directory")
def check_data_directory(site: Site) -> Iterator[Finding]:
    marker = f"{site.text('elk_config_dir')}/elasticsearch/cluster_uuid"
    data = f"{site.text('elk_data_dir')}/elasticsearch"
    clusters: dict[str, list[str]] = {}
    filled = []
    for host in site.seen:
        if host.name not in site.placed("elasticsearch"):
            continue
        uuid = str((host.survey.get("files") or {}).get(marker) or "")
        disk = (host.survey.get("disks") or {}).get(data) or {}
        if uuid:
            clusters.setdefault(uuid, []).append(host.name)
        elif disk.get("empty") is False and binds(site, host, "elasticsearch"):
            filled.append(host.name)
    if len(clusters) > 1:
        parts = [f"{uuid} ({listed(hosts)})" for uuid, hosts in clusters.items()]
        yield Finding(
            marker,
            f"hosts belong to different Elasticsearch clusters: {'; '.join(parts)}.",
            f"Remove the hosts of the other cluster from the inventory, or empty {data} and remove "
            f"{marker} on those whose data you do not need.",
        )
    if filled:
        yield Finding(
            listed(filled),
            f"{data} is not empty, and no note names its cluster: Elasticsearch may find data of "
            "another cluster.",
            "Empty it before you go on, unless it is from an earlier run that was interrupted.",
            warning=True,
        )
