# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts about a host, parsed from texts of the kernel and the system.

Every function takes a text and returns data, so that unit tests can cover unusual kernels.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KIB = 1024

# A cgroup without a limit has "max" (v2) or a number near 2**63 (v1).
UNLIMITED = 1 << 60


def memory_total(meminfo: str, limits: Iterable[str] = ()) -> int:
    """Bytes of memory that this host may use: the kernel's total, or less if a cgroup limits it."""
    found = re.search(r"^MemTotal:\s+(\d+) kB", meminfo, re.MULTILINE)
    total = int(found.group(1)) * KIB if found else 0
    for text in limits:
        word = text.strip()
        if word.isdigit() and 0 < int(word) < UNLIMITED:
            total = min(total, int(word)) if total else int(word)
    return total


def swap_total(meminfo: str) -> int:
    """Bytes of active swap."""
    found = re.search(r"^SwapTotal:\s+(\d+) kB", meminfo, re.MULTILINE)
    return int(found.group(1)) * KIB if found else 0


def chosen(words: str) -> str:
    """The selected value of a kernel file, such as madvise in "always [madvise] never"."""
    found = re.search(r"\[(\S+)\]", words)
    return found.group(1) if found else words.strip()


# The limit that systemd uses: a larger error means that no program synchronizes the clock.
UNSET_CLOCK = 16_000_000


def clock_is_set(max_error: int | None) -> bool | None:
    """Whether a program synchronizes the clock, from the kernel's maximum error."""
    return None if max_error is None else max_error < UNSET_CLOCK


def ipv4_addresses(fib_trie: str) -> list[str]:
    """Local IPv4 addresses from /proc/net/fib_trie, without loopback."""
    addresses: list[str] = []
    last = ""
    for line in fib_trie.splitlines():
        leaf = re.match(r"\s*\|-- (\S+)", line)
        if leaf:
            last = leaf.group(1)
        elif re.match(r"\s*/32 host LOCAL", line) and last not in addresses:
            addresses.append(last)
    return [a for a in addresses if not ipaddress.ip_address(a).is_loopback]


def ipv6_addresses(if_inet6: str) -> list[str]:
    """Local IPv6 addresses from /proc/net/if_inet6, without loopback and link-local."""
    addresses: list[str] = []
    for line in if_inet6.splitlines():
        word = line.split(" ", 1)[0]
        if re.fullmatch(r"[0-9a-f]{32}", word):
            address = ipaddress.IPv6Address(int(word, 16))
            if not (address.is_loopback or address.is_link_local):
                addresses.append(str(address))
    return addresses


def ipv4_routes(route: str) -> list[dict[str, str]]:
    """Routes from /proc/net/route, without the default route."""

    def dotted(word: str) -> ipaddress.IPv4Address:
        # The kernel prints the number in host byte order, so pack() restores the address bytes.
        return ipaddress.IPv4Address(struct.pack("=L", int(word, 16)))

    routes: list[dict[str, str]] = []
    for line in route.splitlines()[1:]:
        words = line.split()
        if len(words) < 8:
            continue
        network = ipaddress.ip_network(f"{dotted(words[1])}/{dotted(words[7])}", strict=False)
        if network.prefixlen:
            gateway = str(dotted(words[2])) if int(words[2], 16) else ""
            routes.append({"network": str(network), "device": words[0], "gateway": gateway})
    return routes


def os_release(text: str) -> dict[str, str]:
    """The shell assignments of /etc/os-release."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        name, sign, value = line.strip().partition("=")
        if sign and re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            values[name] = value.strip("\"'")
    return values


def distribution(release: Mapping[str, str]) -> dict[str, str]:
    """Name, version and family in the form that the checks use."""
    name = release.get("ID", "")
    related = {name, *release.get("ID_LIKE", "").split()}
    if related & {"rhel", "fedora", "centos"}:
        family = "redhat"
    elif "debian" in related:
        family = "debian"
    else:
        family = name
    return {
        "id": name,
        "version": release.get("VERSION_ID", ""),
        "codename": release.get("VERSION_CODENAME", ""),
        "family": family,
        "name": release.get("PRETTY_NAME", name),
    }


def names_module(modules_text: str, module: str) -> bool:
    """Whether a modules.dep or modules.builtin file lists a kernel module."""
    pattern = rf"^([^:\s]*/)?{re.escape(module)}\.ko(\.\w+)?(:|$)"
    return re.search(pattern, modules_text, re.MULTILINE) is not None


def module_blocked(depends: str) -> bool:
    """Whether modprobe would run a command that loads nothing; from its --show-depends.

    >>> module_blocked("install /bin/false \\n"), module_blocked("insmod /lib/modules/6.1/ip_vs.ko")
    (True, False)
    """
    return re.search(r"^install\s+(\S*/)?(false|true)\b", depends, re.MULTILINE) is not None


def kernel_feature(
    module: str, loaded: bool, builtin: str | None, loadable: str | None
) -> bool | None:
    """Whether a module is loaded, built in or loadable; None if that is unknown.

    The texts are modules.builtin and modules.dep of this kernel, None if the file does not exist:
    inside a container, or with a kernel without module support.
    """
    if loaded:
        return True
    if builtin is None or loadable is None:
        return None
    return names_module(builtin, module) or names_module(loadable, module)


def memory_controller(controllers: str | None, cgroups: str) -> bool | None:
    """Whether cgroups can limit memory; None if that is unknown.

    Control groups v2 list their controllers in cgroup.controllers, v1 in /proc/cgroups.
    """
    if controllers is not None:
        return "memory" in controllers.split()
    for line in cgroups.splitlines():
        words = line.split()
        if len(words) == 4 and words[0] == "memory":
            return words[3] == "1"
    return False if cgroups.strip() else None


TCP_LISTEN = "0A"


def listeners(text: str, protocol: str, ports: Iterable[int]) -> list[dict[str, Any]]:
    """Sockets that listen on one of the ports, from /proc/net/tcp, tcp6, udp or udp6."""
    ports_to_find = set(ports)
    found: list[dict[str, Any]] = []
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) < 10:
            continue
        address, _colon, port = words[1].rpartition(":")
        _remote, _colon, remote_port = words[2].rpartition(":")
        listens = words[3] == TCP_LISTEN if protocol == "tcp" else int(remote_port, 16) == 0
        if listens and int(port, 16) in ports_to_find:
            found.append(
                {
                    "protocol": protocol,
                    "port": int(port, 16),
                    "address": socket_address(address),
                    "inode": words[9],
                }
            )
    return found


def socket_address(word: str) -> str:
    """Parse an address that the kernel prints as 32-bit words in host byte order."""
    parts = [int(word[start : start + 8], 16) for start in range(0, len(word), 8)]
    return str(ipaddress.ip_address(struct.pack(f"={len(parts)}L", *parts)))


def engine_version(output: str) -> str:
    """Version from `dockerd --version`."""
    found = re.search(r"version v?(\d[^\s,]*)", output)
    return found.group(1) if found else ""


def dpkg_packages(output: str) -> dict[str, dict[str, Any]]:
    """Installed packages from lines of "name<TAB>version<TAB>status" (dpkg-query -W)."""
    packages: dict[str, dict[str, Any]] = {}
    for line in output.splitlines():
        words = line.split("\t")
        if len(words) == 3:
            selection, _error, state = [*words[2].split(" "), "", ""][:3]
            if state == "installed":
                packages[words[0]] = {"version": words[1], "held": selection == "hold"}
    return packages


def dpkg_interrupted(journal: Iterable[str], audit: str) -> bool:
    """Whether dpkg was interrupted or is running.

    Then its journal (/var/lib/dpkg/updates) has numbered files, or `dpkg --audit` lists packages.
    Until dpkg finishes, apt refuses to do anything.
    """
    return any(name.isdigit() for name in journal) or bool(audit.strip())


def rpm_packages(output: str) -> dict[str, dict[str, Any]]:
    """Installed packages from lines of "name<TAB>version" (rpm -q); rpm itself has no hold."""
    packages: dict[str, dict[str, Any]] = {}
    for line in output.splitlines():
        words = line.split("\t")
        if len(words) == 2:
            packages[words[0]] = {"version": words[1], "held": False}
    return packages


def is_silent(before: str, info: Mapping[str, Any], after: str) -> bool:
    """Whether one and the same daemon lives and does not answer.

    systemd starts a daemon again and again that cannot start, each time as another process.
    """
    return bool(before) and not info and before == after


def systemd_units(output: str) -> dict[str, dict[str, Any]]:
    """State of units from `systemctl show -p Id,LoadState,ActiveState,UnitFileState`."""
    units: dict[str, dict[str, Any]] = {}
    for block in output.strip().split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        if values.get("Id"):
            units[values["Id"]] = {
                "exists": values.get("LoadState") == "loaded",
                "active": values.get("ActiveState") == "active",
                "enabled": values.get("UnitFileState") == "enabled",
            }
    return units


def unit_of(cgroups: str) -> str:
    """The systemd service of a process, from /proc/PID/cgroup; empty for another process.

    Only services of the system count: every user can give a unit of their own any name. A process
    can be in a cgroup below that of its unit.

    >>> unit_of("12:pids:/system.slice\\n1:name=systemd:/system.slice/ticker.service\\n")
    'ticker.service'
    >>> unit_of("0::/system.slice/ticker.service/child\\n")
    'ticker.service'
    >>> unit_of("0::/system.slice/docker-5f69.scope\\n")
    ''
    >>> unit_of("0::/user.slice/user-1000.slice/user@1000.service/app.slice/ticker.service\\n")
    ''
    """
    found = re.search(
        r"^\d+:[^:\n]*:/system\.slice/(?:[^/\s]+\.slice/)*([^/\s]+\.service)(?:/.*)?$",
        cgroups,
        re.MULTILINE,
    )
    return found.group(1) if found else ""


def swarm_state(info: Mapping[str, Any]) -> dict[str, Any]:
    """Swarm membership, from the Engine's /info."""
    swarm = info.get("Swarm") or {}
    cluster = swarm.get("Cluster") or {}
    return {
        "state": swarm.get("LocalNodeState") or "inactive",
        "node_id": swarm.get("NodeID") or "",
        "address": swarm.get("NodeAddr") or "",
        "manager": bool(swarm.get("ControlAvailable")),
        "cluster_id": cluster.get("ID") or "",
        "managers": sorted(
            str(peer.get("NodeID") or "") for peer in swarm.get("RemoteManagers") or []
        ),
        "error": swarm.get("Error") or "",
    }
