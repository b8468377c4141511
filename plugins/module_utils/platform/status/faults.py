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

from ansible_collections.elk.swarm.plugins.module_utils.common.service_names import host_service
from ansible_collections.elk.swarm.plugins.module_utils.platform.secrets import (
    ROTATION,
    certificate_keys,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    HOST,
    PER_HOST,
    REPLICATED,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ansible_collections.elk.swarm.plugins.module_utils.platform.services import Service

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


# -- services --------------------------------------------------------------------------------


def desired_services(
    services: Iterable[Mapping[str, Any]], described: Iterable[Service]
) -> list[Finding]:
    """Compare the services of the platform with those of the swarm.

    The table of services reports tasks that should run and do not.
    """
    by_name = {str(one["name"]): one for one in services}
    found: list[Finding] = []
    for one in described:
        found += _services_of_hosts(one, by_name)
        name, replicas, variable = one.service, one.replicas, f"{one.name}_replicas"
        there = by_name.get(name)
        if one.kind != REPLICATED or replicas <= 0:
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


def _services_of_hosts(
    described: Service, by_name: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    """A service of kind per_host is one service of the swarm for each host."""
    for host in described.hosts if described.kind == PER_HOST else ():
        name = host_service(described.service, host)
        if name not in by_name:
            text = f"The service {name} does not exist, and {described.title} should run on {host}"
            yield Finding(BAD, text, "service_missing", SITE)
        elif not int(by_name[name]["desired"]):
            yield Finding(
                BAD,
                f"{name}: scaled to 0 by hand, and {described.title} should run on {host}",
                "service_scaled",
                f"docker service scale {name}=1   (on a manager)",
            )


def stopped_units(
    described: Iterable[Service], units: Mapping[str, Mapping[str, str]]
) -> list[Finding]:
    """Units of services of kind host that do not run; hosts without an answer are left out."""
    return [
        Finding(
            BAD,
            f"{host}: {one.unit} is {units[host].get(one.unit, 'unknown')}",
            "unit_stopped",
            f"journalctl -u {one.unit} | tail -50   (on {host}, as root)",
        )
        for one in described
        for host in (one.hosts if one.kind == HOST else ())
        if host in units and units[host].get(one.unit) != "active"
    ]


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
    """Compare the authority of this machine with that of each host and of each service."""
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
    ports: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for one in controller.get("servers") or ():
        ports.setdefault((str(one["service"]), int(one["port"])), []).append(one)
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
    for (service, _port), group in ports.items():
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
