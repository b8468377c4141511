# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that stop a platform although its services run, each a named check.

A check takes facts and returns findings. A finding says what is wrong, where and why, and the
command to type next. Nothing here does I/O. Missing facts are not a fault: the section that makes
the table reports what could not be read.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.leftovers import leftovers_of
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import ENABLE
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.watermarks import must_be_free
from ansible_collections.elk.swarm.plugins.module_utils.logstash.stuck import why_stuck
from ansible_collections.elk.swarm.plugins.module_utils.platform.secrets import (
    ROTATION,
    certificate_keys,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OK, WARN, BAD = "ok", "warn", "bad"
PAGE = "ansible-playbook -i INVENTORY "
SITE = f"{PAGE}site.yml"


@dataclass(frozen=True)
class Thresholds:
    """The values from which a check warns, and those from which it reports a fault."""

    disk_warn: float = 85
    disk_bad: float = 90
    heap_warn: float = 85
    heap_bad: float = 95
    days_warn: float = 30
    days_bad: float = 7
    queue_warn: float = 25
    queue_bad: float = 75
    inodes_warn: float = 85
    inodes_bad: float = 95


@dataclass(frozen=True)
class Finding:
    """What is wrong. ``check`` is the name of the check, ``next`` the command to type."""

    level: str
    text: str
    check: str = ""
    next: str = ""


@dataclass(frozen=True)
class Commands:
    """What a command needs, so that an operator can paste it unchanged."""

    url: str = "https://HOST:9200"
    ca_path: str = "ca.crt"
    data_path: str = "<elk_data_dir>"

    def room(self, node: str) -> str:
        place = shlex.quote(self.data_path) if "<" not in self.data_path else self.data_path
        return f"df -h {place}; du -xhd2 {place} | sort -h | tail   (on {node}, as root)"

    def curl(self, path: str, method: str = "", body: Mapping[str, Any] | None = None) -> str:
        # Index names come from outside, and the command is pasted into a shell: quote it all.
        words = ["curl", "--cacert", self.ca_path, "-u", "elastic"]
        if method:
            words += ["-X", method]
        words.append(f"{self.url}{path}")
        if body is not None:
            words += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        return shlex.join(words)


def size(value: float) -> str:
    amount = float(value)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def several(names: Sequence[str], most: int = 4) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def grade(value: float, warn: float, bad: float) -> str:
    return BAD if value >= bad else WARN if value >= warn else OK


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


def index_blocks(view: Mapping[str, Any], commands: Commands) -> list[Finding]:
    """Blocks that stop new lines, and blocks of other indices that are easy to miss.

    A write block on an index that takes no more lines is normal: retention policies and Kibana's
    own upgrades set it.
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
            found.append(_flooded(view, commands, everything, takes_lines))
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
    view: Mapping[str, Any], commands: Commands, names: Sequence[str], takes_lines: bool
) -> Finding:
    full = [disk for disk in disks(view) if disk.passed == "flood_stage"]
    effect = "no line is stored: Logstash keeps them in its queue" if takes_lines else "read-only"
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


def write_index(view: Mapping[str, Any], alias: str) -> list[Finding]:
    """Whether an index takes the lines."""
    if not alias or "write_index" not in view or view["write_index"]:
        return []
    return [
        Finding(
            BAD,
            f"The alias {alias} has no index that takes lines: they wait in the queue of Logstash",
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


# -- Logstash --------------------------------------------------------------------------------

# Each file of the dead letter queue begins with a byte, and a letter has at least 13 more.
EMPTY_DEAD_LETTERS = 13
HOME = "/usr/share/logstash"


def logstash(host: str, seen: Mapping[str, Any], limits: Thresholds, service: str) -> list[Finding]:
    """The queue of a host's Logstash, or the events left in it where no Logstash runs."""
    container = str(seen.get("container") or "")
    if not container:
        leftover = seen.get("left") or {}
        if leftover.get("problems"):
            return [
                Finding(
                    WARN,
                    f"{host}: no Logstash runs here, and its queue cannot be read:"
                    f" {'; '.join(leftover['problems'][:2])}",
                    "queue_left",
                    f"ls -lR {leftover.get('path', '<elk_data_dir>/logstash/queue')}   (on {host})",
                )
            ]
        if leftover.get("events"):
            return [
                Finding(
                    BAD,
                    f"{host}: {leftover['events']} events lie in the queue of a Logstash that does"
                    " not run here, so they are not sent until one does",
                    "queue_left",
                    f"docker service ps --no-trunc {service}   (on a manager)",
                )
            ]
        return []
    logs = f"docker logs --tail 50 {container[:12]}   (on {host})"
    found = []
    if seen.get("listening") is False:
        found.append(
            Finding(
                BAD,
                f"{host}: Logstash runs and does not listen for syslog yet: senders are refused",
                "logstash_input",
                logs,
            )
        )
    if not seen.get("last"):
        found.append(
            Finding(
                WARN,
                f"{host}: Logstash does not report the length of its queue",
                "logstash_queue",
                logs,
            )
        )
        return found
    return found + queue(host, seen, limits, logs) + dead_letters(host, seen, logs)


def dead_letters(host: str, seen: Mapping[str, Any], logs: str) -> list[Finding]:
    """Documents that Elasticsearch has refused for good."""
    last = seen.get("last") or {}
    dead, kept, dropped = (int(last.get(f"dead{word}") or 0) for word in ("", "_bytes", "_dropped"))
    if not dead and kept <= EMPTY_DEAD_LETTERS:
        return []
    text = f"{host}: Elasticsearch has refused {dead} lines for good since Logstash started here."
    if kept <= EMPTY_DEAD_LETTERS:
        return [Finding(WARN, f"{text} They are only in its log", "dead_letters", logs)]
    text += f" The dead letter queue has {size(kept)}"
    if dropped:
        text += f" and is full: {dropped} lines found no room"
    files = "dead_letter_queue/*/*.log*"
    container, path = str(seen.get("container"))[:12], seen.get("path")
    # The path in a volume is not known here. A terminal must not interpret what senders wrote.
    shown = (
        f"cat -v {path}/{files}"
        if path
        else f"docker exec {container} sh -c 'cat {HOME}/data/{files}' | cat -v"
    )
    return [
        Finding(BAD if dropped else WARN, text, "dead_letters", f"{shown} | less   (on {host})")
    ]


def queue(host: str, seen: Mapping[str, Any], limits: Thresholds, logs: str) -> list[Finding]:
    first, last = seen.get("first") or {}, seen.get("last") or {}
    seconds = float(seen.get("seconds") or 0)
    queued = int(last.get("queued") or 0)
    full = 100 * float(last["bytes"]) / float(last["max_bytes"]) if last.get("max_bytes") else 0.0
    filled = (
        f" Its queue is {full:.0f} % full ({size(last['bytes'])} of {size(last['max_bytes'])})."
        if last.get("max_bytes")
        else ""
    )
    stuck = queued > 0 and seconds > 0 and last.get("out") == first.get("out")
    if stuck:
        return [
            Finding(
                BAD,
                f"{host}: {queued} events wait in the queue of Logstash and none was sent within"
                f" {seconds:.0f} s: {why_stuck(first, last)}.{filled} When it is full,"
                " senders have to wait",
                "queue_stuck",
                logs,
            )
        ]
    level = grade(full, limits.queue_warn, limits.queue_bad)
    if level != OK:
        return [
            Finding(
                level,
                f"{host}: {queued} events wait in the queue of Logstash.{filled} When it is full,"
                " senders have to wait",
                "queue_full",
                logs,
            )
        ]
    grown = queued - int(first.get("queued") or 0)
    if seen.get("long") and grown > 0:
        return [
            Finding(
                WARN,
                f"{host}: the queue of Logstash grows: {grown} events more within {seconds:.0f} s,"
                f" {queued} wait.{filled} Elasticsearch takes fewer lines than arrive",
                "queue_growing",
                logs,
            )
        ]
    return []


# -- services --------------------------------------------------------------------------------


def desired_services(
    services: Iterable[Mapping[str, Any]], from_inventory: Iterable[Mapping[str, Any]]
) -> list[Finding]:
    """Compare the services of the inventory with those of the swarm.

    The table of services reports tasks that should run and do not.
    """
    by_name = {str(one["name"]): one for one in services}
    found = []
    for one in from_inventory:
        name, replicas, variable = str(one["name"]), int(one["replicas"]), str(one["variable"])
        there = by_name.get(name)
        if replicas <= 0:
            continue
        if there is None:
            text = f"The service {name} does not exist, {variable} asks for {replicas}"
            found.append(Finding(BAD, text, "service_missing", SITE))
        elif there["mode"] == "replicated" and int(there["desired"]) < replicas:
            desired = int(there["desired"])
            text = (
                f"{name}: scaled to {desired} by hand, {variable} asks for {replicas}"
                f"{'. No task of it runs' if not desired else ''}"
            )
            found.append(
                Finding(
                    BAD if not desired else WARN,
                    text,
                    "service_scaled",
                    f"docker service scale {name}={replicas}   (on a manager)",
                )
            )
    return found


# -- hosts -----------------------------------------------------------------------------------


def file_systems(host: str, seen: Iterable[Mapping[str, Any]], limits: Thresholds) -> list[Finding]:
    """One finding per file system, with all paths on it."""
    by_mount: dict[str, list[Mapping[str, Any]]] = {}
    for one in seen:
        by_mount.setdefault(str(one["mount"]), []).append(one)
    found = []
    for mount, group in by_mount.items():
        purposes = ", ".join(str(one["path"]) for one in group)
        about = group[0]
        where = f"{host}: the file system {mount} ({purposes})"
        if any(one.get("read_only") for one in group):
            found.append(
                Finding(
                    BAD,
                    f"{where} is read-only. The kernel does that after a disk error",
                    "read_only",
                    f"dmesg -T | tail -50; findmnt {shlex.quote(mount)}   (on {host}, as root)",
                )
            )
        inodes, free = about.get("inodes") or 0, about.get("inodes_free") or 0
        if inodes:
            used = 100 * (inodes - free) / inodes
            level = grade(used, limits.inodes_warn, limits.inodes_bad)
            if level != OK:
                found.append(
                    Finding(
                        level,
                        f"{where} has used {used:.0f} % of its inodes: without a free inode"
                        " no file can be created, even with free space",
                        "inodes",
                        f"du --inodes -xd2 {shlex.quote(mount)} | sort -n | tail"
                        f"   (on {host}, as root)",
                    )
                )
        total, available = about.get("total") or 0, about.get("available") or 0
        # The disk of Elasticsearch has its own finding.
        if total and not any(one.get("elasticsearch") for one in group):
            used = 100 * (total - available) / total
            level = grade(used, limits.disk_warn, limits.disk_bad)
            if level != OK:
                found.append(
                    Finding(
                        level,
                        f"{where} is {used:.0f} % full",
                        "disk_full",
                        f"du -xhd2 {shlex.quote(mount)} | sort -h | tail   (on {host}, as root)",
                    )
                )
    return found


# -- authorities and certificates ------------------------------------------------------------


def fingerprints(pem: str) -> frozenset[str]:
    """Of the public keys in a PEM file: an extended authority keeps its key.

    >>> fingerprints("nothing")
    frozenset()
    """
    return frozenset(certificate_keys(pem))


KEY_FAULTS = {
    "missing": "is not there",
    "other": "is not the key of {certificate}",
    "unreadable": "cannot be read",
}


def authority_keys(controller: Mapping[str, Any]) -> list[Finding]:
    """What this machine needs to sign certificates."""
    found = []
    for one in controller.get("authorities") or ():
        certificate, key = str(one["certificate_path"]), str(one["key_path"])
        if not fingerprints(str(one.get("certificate") or "")):
            found.append(
                Finding(
                    BAD,
                    f"The authority's certificate {certificate} is not on this machine, so clients"
                    " and hosts cannot get it",
                    "authority_lost",
                    f"{PAGE}playbooks/fetch_secrets.yml",
                )
            )
            continue
        fault = KEY_FAULTS.get(str(one.get("key")))
        if fault:
            found.append(
                Finding(
                    BAD,
                    f"The authority's key {key} {fault.format(certificate=certificate)}: no"
                    " certificate can be signed, and those in use will expire",
                    "authority_lost",
                    f"cp -p <backup of elk_local_dir>/{key.rsplit('/', 1)[-1]} {shlex.quote(key)}",
                )
            )
    return found


def _compare(
    who: str, theirs: frozenset[str], known: Mapping[str, frozenset[str]], file: str
) -> list[Finding]:
    ours = known.get(file, frozenset())
    if theirs == ours or not ours:
        return []
    others = frozenset().union(*(keys for name, keys in known.items() if name != file))
    if theirs & ours and theirs - ours and theirs - ours <= others:
        return [
            Finding(
                WARN,
                f"{who}: its {file} holds both authorities: the change of the nodes to the one for"
                " transport has not finished",
                "authority_differs",
                SITE,
            )
        ]
    if theirs & ours:
        return [
            Finding(
                WARN,
                f"{who}: its {file} is not the same as on this machine: a change of the authority"
                " has not finished",
                "authority_differs",
                f"{PAGE}playbooks/rotate.yml -e rotate={ROTATION[file]}",
            )
        ]
    what = "has another authority than this machine" if theirs else f"has no {file}"
    return [
        Finding(
            BAD,
            f"{who}: {what} ({file}), so it does not trust what this machine signs",
            "authority_differs",
            SITE,
        )
    ]


def wrong_controller(
    controller: Mapping[str, Any],
    hosts: Mapping[str, Mapping[str, Any]],
) -> list[Finding]:
    """Report this machine, not the hosts, if its authority is wrong: no run repairs that."""
    theirs = [
        fingerprints(str((pki.get("authorities") or {}).get("ca.crt") or ""))
        for pki in hosts.values()
    ]
    ours = frozenset(
        one
        for known in controller.get("authorities") or ()
        if known["file"] == "ca.crt"
        for one in fingerprints(str(known.get("certificate") or ""))
    )
    if not ours or not theirs or not all(theirs) or any(one & ours for one in theirs):
        return []
    path = str(controller.get("ca_path") or "ca.crt")
    return [
        Finding(
            BAD,
            f"No host has the authority of this machine ({path}): elk_local_dir is not the folder"
            " that this platform was made with. Restore that folder; run nothing from here before",
            "authority_lost",
            f"openssl x509 -noout -fingerprint -sha256 -in {shlex.quote(path)}",
        )
    ]


def authorities(
    controller: Mapping[str, Any],
    hosts: Mapping[str, Mapping[str, Any]],
    services: Mapping[str, str],
) -> list[Finding]:
    """Compare the authority of this machine with that of each host, Logstash and Kibana."""
    ours = {
        str(one["file"]): fingerprints(str(one.get("certificate") or ""))
        for one in controller.get("authorities") or ()
    }
    found = []
    wrong_here = wrong_controller(controller, hosts)
    found += wrong_here
    for host, pki in hosts.items():
        there = pki.get("authorities") or {}
        for file in ours:
            if not (wrong_here and file == "ca.crt"):
                found += _compare(host, fingerprints(str(there.get(file) or "")), ours, file)
        found += [
            Finding(
                BAD,
                f"{host}: has a {file} that this machine does not have: this machine has lost an"
                " authority, or another machine manages this platform",
                "authority_lost",
                f"{PAGE}playbooks/fetch_secrets.yml",
            )
            for file in sorted(set(there) - set(ours))
            if ours and there[file]
        ]
        found += [
            Finding(
                BAD,
                f"{host}: {pair['certificate']}: {pair['problem']}. Elasticsearch reads it"
                " when it starts",
                "host_certificate",
                SITE,
            )
            for pair in pki.get("pairs") or ()
            if pair.get("problem")
        ]
    for service, pem in services.items() if not wrong_here else ():
        found += _compare(service, fingerprints(pem), ours, "ca.crt")
    return found


CERTIFICATE_FAULTS = ("untrusted", "expired", "name", "tls")


def servers(controller: Mapping[str, Any], *, wrong_here: bool = False) -> list[Finding]:
    """What a client with this machine's ca.crt sees.

    With ``wrong_here`` that file is the wrong one, and has its own finding.
    """
    found = []
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for one in controller.get("servers") or ():
        kinds.setdefault(str(one["service"]), []).append(one)
        where = f"{one['service']} at {one['address']}:{one['port']}"
        check = (
            f"openssl s_client -connect {one['address']}:{one['port']}"
            f" -CAfile {shlex.quote(str(controller.get('ca_path') or 'ca.crt'))} </dev/null"
        )
        if one["kind"] in CERTIFICATE_FAULTS and not wrong_here:
            found.append(
                Finding(
                    BAD,
                    f"{where}: clients do not trust what it shows: {one['problem']}",
                    "client_trust",
                    f"{check}; then {SITE}",
                )
            )
    for service, group in kinds.items():
        if any(one["kind"] in ("ok", *CERTIFICATE_FAULTS) for one in group):
            continue
        if not group[0].get("required"):
            continue
        silent = all(one["kind"] == "silent" for one in group)
        first = group[0]
        found.append(
            Finding(
                WARN if silent else BAD,
                f"{service} answers on none of its hosts: {first['address']}:{first['port']}:"
                f" {first['problem']}",
                "server_away",
                f"docker service ps --no-trunc {service}   (on a manager)",
            )
        )
    return found
