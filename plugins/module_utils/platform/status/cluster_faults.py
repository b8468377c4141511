# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the Elasticsearch cluster: blocks, full disks, and settings that were left behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.leftovers import leftovers_of
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import ENABLE
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.watermarks import must_be_free
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import (
    BAD,
    PAGE,
    SITE,
    WARN,
    Commands,
    Finding,
    several,
    size,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# -- blocks of Elasticsearch -----------------------------------------------------------------

# Ids of Elasticsearch's cluster blocks; the same in all versions from 7 on.
CLUSTER_BLOCKS = {
    "1": "state not recovered",
    "2": "no elected master",
    "6": "cluster.blocks.read_only",
    "13": "cluster.blocks.read_only_allow_delete",
}
CLOSED, FLOOD, WRITE = "4", "12", "8"
INDEX_BLOCKS = {
    "5": "index.blocks.read_only",
    "7": "index.blocks.read",
    WRITE: "index.blocks.write",
    "9": "index.blocks.metadata",
    FLOOD: "index.blocks.read_only_allow_delete",
}


def cluster_blocks(view: Mapping[str, Any], commands: Commands) -> list[Finding]:
    found = []
    for number in sorted((view.get("blocks") or {}).get("global") or {}):
        name = CLUSTER_BLOCKS.get(number, f"number {number}")
        if not name.startswith("cluster."):
            found.append(
                Finding(
                    BAD,
                    f"Elasticsearch blocks the whole cluster ({name}): nothing is stored",
                    "cluster_blocks",
                    commands.curl("/_cluster/health?pretty"),
                )
            )
            continue
        found.append(
            Finding(
                BAD,
                f"The whole cluster is read-only: {name} is set, so no line is stored",
                "cluster_blocks",
                commands.curl(
                    "/_cluster/settings",
                    "PUT",
                    {"persistent": {name: None}, "transient": {name: None}},
                ),
            )
        )
    return found


def index_blocks(
    view: Mapping[str, Any], commands: Commands, keepers: Sequence[str] = ()
) -> list[Finding]:
    """Blocks that stop new lines, and blocks of other indices that are easy to miss.

    A write block on an index that takes no more lines is normal: retention policies and Kibana's
    own upgrades set it. ``keepers`` are the titles of the services whose queue keeps the lines.
    """
    blocked = (view.get("blocks") or {}).get("indices") or {}
    target = str(view.get("write_index") or "")
    by_block: dict[tuple[str, bool], list[str]] = {}
    for index, blocks in sorted(blocked.items()):
        for number in blocks:
            takes_lines = index == target
            if number in INDEX_BLOCKS or (number == CLOSED and takes_lines):
                by_block.setdefault((number, takes_lines), []).append(index)
    found = []
    for (number, takes_lines), names in sorted(by_block.items(), reverse=True):
        if number == FLOOD and (FLOOD, True) in by_block and not takes_lines:
            # One full disk is one fault: the index that takes lines reports it.
            continue
        if number == WRITE and not takes_lines:
            continue
        if number == FLOOD:
            everything = sorted(
                name for (one, _own), some in by_block.items() if one == FLOOD for name in some
            )
            found.append(_flooded(view, commands, everything, takes_lines, keepers))
            continue
        where = f"{several(names)}{' (which takes the lines of syslog)' if takes_lines else ''}"
        if number == CLOSED:
            text = f"The index {where} is closed, so no line is stored"
            command = commands.curl(f"/{names[0]}/_open", "POST")
        else:
            name = INDEX_BLOCKS[number]
            effect = ", so no line is stored" if takes_lines and number != "9" else ""
            if number == "9":
                effect = ", so it takes no new fields and no rollover"
            text = f"{name} is set on the index {where}{effect}"
            command = commands.curl(f"/{names[0]}/_settings", "PUT", {name: None})
        found.append(Finding(BAD if takes_lines else WARN, text, "index_blocks", command))
    return found


def _flooded(
    view: Mapping[str, Any],
    commands: Commands,
    names: Sequence[str],
    takes_lines: bool,
    keepers: Sequence[str],
) -> Finding:
    full = [disk for disk in disks(view) if disk.passed == "flood_stage"]
    effect = "no line is stored" if takes_lines else "read-only"
    if takes_lines and keepers:
        effect += f": {several(keepers)} keeps them in its queue"
    text = (
        f"Elasticsearch has made {len(names)} {'index' if len(names) == 1 else 'indices'} read-only"
        f" (index.blocks.read_only_allow_delete on {several(names)}), {effect}."
    )
    if full:
        where = "; ".join(f"{disk.node}: free {size(disk.to_free)} more" for disk in full)
        text += (
            f" A disk is past the flood stage ({where}). Elasticsearch removes the block when the"
            " disk is below the high watermark"
        )
        return Finding(BAD, text, "index_blocks", commands.room(full[0].node))
    text += " No disk is past the flood stage now: somebody set the block, or it ends in a moment"
    path = "/_all/_settings?expand_wildcards=all"
    return Finding(
        BAD,
        text,
        "index_blocks",
        commands.curl(path, "PUT", {"index.blocks.read_only_allow_delete": None}),
    )


def write_index(view: Mapping[str, Any], alias: str, keepers: Sequence[str] = ()) -> list[Finding]:
    """Whether an index takes the lines."""
    if not alias or "write_index" not in view or view["write_index"]:
        return []
    text = f"The alias {alias} has no index that takes lines"
    if keepers:
        text = f"{text}: they wait in the queue of {several(keepers)}"
    return [
        Finding(
            BAD,
            text,
            "write_index",
            SITE,
        )
    ]


# -- disks of Elasticsearch ------------------------------------------------------------------

DISK = "cluster.routing.allocation.disk."
MARKS = ("low", "high", "flood_stage")
DEFAULTS = {"low": ("85%", "200gb"), "high": ("90%", "150gb"), "flood_stage": ("95%", "100gb")}


@dataclass(frozen=True)
class Disk:
    """A node's disk that is past a watermark."""

    node: str
    passed: str
    free: float
    needed: float
    # Bytes until the disk is below the high watermark, where Elasticsearch removes blocks.
    to_free: float


def _needed(mark: str, settings: Mapping[str, Any], total: int) -> float:
    default, headroom = DEFAULTS[mark]
    value = str(settings.get(f"{DISK}watermark.{mark}") or default)
    most = settings.get(f"{DISK}watermark.{mark}.max_headroom")
    if most is None:
        # Elasticsearch applies its default headroom only to its default watermark.
        most = headroom if f"{DISK}watermark.{mark}" not in settings else "-1"
    try:
        return must_be_free(value, str(most), total)
    except ValueError:
        return 0


def disks(view: Mapping[str, Any]) -> list[Disk]:
    settings = view.get("settings")
    if settings is None or str(settings.get(f"{DISK}threshold_enabled", "true")) == "false":
        return []
    found = []
    for node in view.get("nodes") or ():
        total, free = node.get("disk_total"), node.get("disk_available")
        if not total or free is None:
            continue
        needed = {mark: _needed(mark, settings, int(total)) for mark in MARKS}
        passed = [mark for mark in MARKS if free < needed[mark]]
        if passed:
            mark = passed[-1]
            found.append(
                Disk(node["name"], mark, free, needed[mark], max(0, needed["high"] - free))
            )
    return found


def disk_watermarks(view: Mapping[str, Any], commands: Commands) -> list[Finding]:
    """What Elasticsearch does about a full disk, by its watermarks."""
    effect = {
        "low": "puts no new shard on it",
        "high": "moves its shards to other nodes",
        "flood_stage": "makes every index with a shard on it read-only",
    }
    found = []
    for disk in disks(view):
        name = disk.passed.replace("_", " ")
        more = disk.to_free if disk.passed != "low" else disk.needed - disk.free
        found.append(
            Finding(
                WARN if disk.passed == "low" else BAD,
                f"{disk.node}: the disk of Elasticsearch is past the {name} watermark"
                f" ({size(disk.free)} free, {size(disk.needed)} needed), so Elasticsearch"
                f" {effect[disk.passed]}. Free {size(max(more, 1))} or more",
                "disk_watermarks",
                commands.room(disk.node),
            )
        )
    return found


def allocation(view: Mapping[str, Any], commands: Commands) -> list[Finding]:
    """What a restart, a move of data or a removal has left: losing a node now costs more."""
    left = leftovers_of(view.get("own_settings") or {})
    found = []

    def reset(name: str) -> str:
        body = {"persistent": {name: None}, "transient": {name: None}}
        return commands.curl("/_cluster/settings", "PUT", body)

    if left.restricted:
        found.append(
            Finding(
                WARN,
                f"Elasticsearch does not allocate lost shards again: {ENABLE} is {left.restricted}."
                " A run that restarts nodes sets it and resets it; without such a run it was left"
                " behind",
                "allocation",
                # A run removes what an interrupted run has left.
                SITE if left.held else reset(ENABLE),
            )
        )
    if left.removing:
        found.append(
            Finding(
                WARN,
                f"Elasticsearch moves all shards off {left.removing}: its host is being removed. If"
                " no run removes it now, the removal was interrupted",
                "allocation",
                f"{PAGE}playbooks/remove_host.yml -e remove_host={left.removing}",
            )
        )
    if left.moving:
        found.append(
            Finding(
                WARN,
                f"Elasticsearch moves all shards off {left.moving}: its data moves to other"
                " storage. If no run moves it now, the move was interrupted",
                "allocation",
                f"{PAGE}playbooks/move_storage.yml",
            )
        )
    found += [
        Finding(
            WARN,
            f"Elasticsearch puts no shard on some nodes: {name} is {value}, and no run of this"
            " collection has set it",
            "allocation",
            reset(name),
        )
        for name, value in left.foreign.items()
    ]
    votes = view.get("voting_exclusions") or ()
    if votes:
        found.append(
            Finding(
                WARN,
                f"{several(list(votes))}: excluded from voting, so the cluster bears the loss of"
                " fewer masters than it seems. A run that removes a host sets this and resets it",
                "voting_exclusions",
                commands.curl(
                    "/_cluster/voting_config_exclusions?wait_for_removal=false", "DELETE"
                ),
            )
        )
    return found
