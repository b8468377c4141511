# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts that decide whether the nodes of the cluster may restart now.

Only `read` and `read_snapshots` send requests, the other functions parse answers. The decision is
made in module_utils/elasticsearch/roll_plan.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    Refused,
    path_of,
    reason_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import (
    in_force,
    with_defaults,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.versions import (
    brings_new_major,
    brings_new_version,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.voting import (
    exclusions,
    label,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.watermarks import must_be_free

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import Client

DISK = "cluster.routing.allocation.disk."
HIGH = f"{DISK}watermark.high"
HEADROOM = f"{HIGH}.max_headroom"
WATCHED = f"{DISK}threshold_enabled"
FLOODED = "index.blocks.read_only_allow_delete"
# Statuses of a server without the API: 400 and 405 if it was built without it, 404 if it is older.
ABSENT = (400, 404, 405)
# How many snapshots of a repository are searched for a successful one.
NEWEST = 100


def has_to_be_free(total: int, settings: Mapping[str, Any]) -> int:
    """How many bytes must be free for a disk to be below the high watermark; 0 if unknown.

    >>> has_to_be_free(1000, {HIGH: "90%"}), has_to_be_free(1000, {HIGH: "100b"})
    (100, 100)
    """
    try:
        return must_be_free(
            str(settings.get(HIGH) or ""), str(settings.get(HEADROOM) or "-1"), total
        )
    except ValueError:
        return 0


def over_the_high_watermark(
    rows: Iterable[Mapping[str, Any]], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The nodes whose disk is above the high watermark, from `_cat/allocation`."""
    if str(settings.get(WATCHED, "true")) == "false":
        return []
    found = []
    for row in rows:
        # The row of unassigned shards has no size, nor has a node without statistics yet.
        if not row.get("disk.total") or row.get("disk.avail") is None:
            continue
        total, free = int(row["disk.total"]), int(row["disk.avail"])
        needed = has_to_be_free(total, settings)
        if free < needed:
            found.append({"node": str(row["node"]), "free": free, "total": total, "needed": needed})
    return sorted(found, key=lambda disk: str(disk["node"]))


def flooded(answer: Mapping[str, Any]) -> list[str]:
    """The indices that are read-only because a disk was full."""
    return sorted(
        index
        for index, about in answer.items()
        if str((about.get("settings") or {}).get(FLOODED)).lower() == "true"
    )


def newest_success(snapshots: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The newest successful snapshot with the global state; empty if there is none."""
    successes = [
        one
        for one in snapshots
        if one.get("state") == "SUCCESS"
        and one.get("include_global_state", True)
        and one.get("end_time_in_millis")
    ]
    if not successes:
        return {}
    last = max(successes, key=lambda one: int(one["end_time_in_millis"]))
    return {"name": str(last.get("snapshot")), "ended": int(last["end_time_in_millis"]) / 1000}


def critical(answer: Mapping[str, Any]) -> list[str]:
    """What the next major version does not support, from `_migration/deprecations`."""
    found = []
    for kind, about in sorted(answer.items()):
        # Either one list, or one list for each index, template or policy.
        groups = about.items() if isinstance(about, dict) else [("", about)]
        for name, entries in groups:
            if not isinstance(entries, list):
                continue
            found += [
                f"{kind}{' of ' + name if name else ''}: {entry.get('message')}"
                for entry in entries
                if isinstance(entry, dict) and entry.get("level") == "critical"
            ]
    return found


def read_snapshots(client: Client, now: float) -> list[dict[str, Any]]:
    """Each repository with its newest successful snapshot, or the problem with reading it."""
    found = []
    for name in sorted(client.get("/_snapshot").object()):
        query = f"sort=start_time&order=desc&size={NEWEST}&index_details=false"
        row: dict[str, Any] = {"repository": name, "snapshot": "", "age": None, "problem": ""}
        try:
            reply = client.get(f"{path_of('_snapshot', name, '_all')}?{query}")
        except Refused as error:
            row["problem"] = reason_of(error.reply)
        else:
            last = newest_success(reply.object().get("snapshots") or ())
            if last:
                row.update(snapshot=last["name"], age=max(0, int(now - last["ended"])))
        found.append(row)
    return found


def read(client: Client, versions: Sequence[str], version: str, now: float) -> dict[str, Any]:
    """Read all facts; the expensive ones only before an upgrade."""
    settings = client.get(
        "/_cluster/settings?include_defaults=true"
        "&filter_path=persistent,transient,defaults.cluster.routing.allocation.disk"
    ).object()
    blocks = client.get(f"/_all/_settings/{FLOODED}?flat_settings=true&expand_wildcards=all")
    disks = client.get("/_cat/allocation?format=json&bytes=b&h=node,disk.avail,disk.total").body
    found: dict[str, Any] = {
        "settings": in_force(settings),
        "full_disks": over_the_high_watermark(disks or (), with_defaults(settings)),
        "flooded_indices": flooded(blocks.object()),
        "voting_exclusions": sorted(label(one) for one in exclusions(client)),
        "repositories": None,
        "incompatible": None,
        "incompatible_unknown": "",
    }
    if brings_new_version(versions, version):
        found["repositories"] = read_snapshots(client, now)
    if brings_new_major(versions, version):
        reply = client.get("/_migration/deprecations", accept=ABSENT)
        if reply.ok:
            found["incompatible"] = critical(reply.object())
        else:
            found["incompatible_unknown"] = reason_of(reply)
    return found
