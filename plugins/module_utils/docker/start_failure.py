# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why the Docker daemon does not start: the line of its log that says so, and the remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass

# The daemon's last words before it exits. The best comes first.
FATAL = (
    re.compile(
        r"failed to start daemon:|failed to start cluster component|unable to configure|"
        r"error starting (?:daemon|cluster component)",
        re.IGNORECASE,
    ),
    re.compile(r"\blevel=(?:fatal|panic)\b|^panic:"),
    re.compile(r"^(?:failed to \w+|error (?:creating|loading|opening))", re.I),
)
# A logged line has this form; what the daemon writes to standard error has none.
LOGGED = re.compile(r'^time="?[^ "]*"? level=\w+ msg=(?:"((?:[^"\\]|\\.)*)"|(\S+))(.*)$')
# A line break inside of the error continues it.
CONTINUED = re.compile(r"^\s|^Perhaps iptables|^iptables v")
LONGEST = 400
# Log lines in the error.
SHOWN = 15


@dataclass(frozen=True)
class Cause:
    """A kind of start failure, and its remedy."""

    pattern: re.Pattern[str]
    remedy: str


def _cause(pattern: str, remedy: str) -> Cause:
    return Cause(re.compile(pattern, re.IGNORECASE), remedy)


# The order matters: the first pattern that matches gives the remedy.
CAUSES: tuple[Cause, ...] = (
    _cause(
        r"iptables[^:]* not found|iptables\": executable file not found",
        "install the package iptables on this host",
    ),
    _cause(
        r"\(nf_tables\)",
        "the kernel of this host does not do what the nf_tables flavour of iptables needs. Load "
        "the modules (modprobe nf_tables nft_compat nft_chain_nat), boot the newest installed "
        "kernel, or use the other flavour: update-alternatives --set iptables "
        "/usr/sbin/iptables-legacy, and the same for ip6tables",
    ),
    _cause(
        r"iptables.*(?:\(legacy\)|can't initialize ip6?tables table|do you need to insmod)",
        "the kernel of this host does not do what the legacy flavour of iptables needs. Load the "
        "modules (modprobe ip_tables iptable_nat), boot the newest installed kernel, or use the "
        "other flavour: update-alternatives --set iptables /usr/sbin/iptables-nft, and the same "
        "for ip6tables",
    ),
    _cause(
        r"iptables failed|no chain/target/match|failed to create nat chain|br_netfilter",
        "iptables does not work on this host. Run `iptables -t nat -L -n` there; after an update "
        "of the kernel reboot, because its modules may be gone",
    ),
    _cause(
        r"cgroup",
        "the control groups of this host are incomplete. Mount them (systemd does that at boot), "
        "and boot without cgroup_disable= and with a kernel that has the devices, memory and pids "
        "controllers",
    ),
    _cause(
        r"non-overlapping ipv4 address pool|could not find an available|pool overlaps|"
        r"invalid default.address.pool|default-address-pool|predefined address pool",
        "no free network is left for Docker's bridge, or docker_engine_address_pools is wrong. Set "
        "docker_engine_address_pools to private networks that no interface and no route of this "
        "host uses (ip route)",
    ),
    _cause(
        r"storage.driver|graph ?driver|overlay2?\b|prior storage driver|backing file ?system",
        "the storage driver does not work on this host. Is the module there (modprobe overlay), "
        "and is the file system of data-root one that Docker supports (ext4, or xfs with ftype=1)? "
        "Data of another storage driver needs that driver: set storage-driver in "
        "docker_engine_daemon_options",
    ),
    _cause(
        r"no space left on device|disk quota exceeded",
        "the disk is full: df -h shows which one",
    ),
    _cause(
        r"address already in use|port is already allocated",
        "another process uses the port: ss -ltnp shows which. 2377, 4789 and 7946 must be free, "
        "and so must every address in hosts",
    ),
    _cause(
        r"x509|certificate|tls:|key pair|could not load ca|private key",
        "a certificate or key of the daemon is missing, wrong or expired. See tlscacert, tlscert "
        "and tlskey in docker_engine_daemon_options; for a certificate of the swarm that has "
        "expired see docs/troubleshooting.md",
    ),
    _cause(
        r"directives? (?:are|is) specified both|unable to configure the docker daemon|"
        r"directives? don't match any configuration option|cannot unmarshal|invalid character|"
        r"unknown log opt|unknown runtime|invalid logging",
        "correct docker_engine_daemon_options. An option that the unit's ExecStart sets as well "
        "(systemctl cat docker) must stand in one place only",
    ),
    _cause(
        r"live-restore",
        "live-restore excludes swarm mode: remove it from the daemon's options",
    ),
    _cause(
        r"containerd.*(?:timeout|deadline|not running|connect)|failed to dial.*containerd",
        "containerd does not answer. See there: systemctl status containerd",
    ),
    _cause(
        r"could not find local ip address|network is unreachable|no such network interface",
        "the network of this host is not up, or the address that the swarm knows is gone. See "
        "`ip address`; systemd tries again until it is there",
    ),
    _cause(
        r"pid file found|is still running|process with pid \d+ is still running",
        "another daemon runs, or /var/run/docker.pid is a leftover of one: ps -C dockerd",
    ),
)


def fatal_line(log: str) -> str:
    """The line of the log with which the daemon gave up; empty if there is none.

    Of several attempts the last counts.

    >>> fatal_line('time="2026-01-01T00:00:00Z" level=fatal msg="no \\\\"x\\\\"" module=y')
    'no "x" module=y'
    """
    lines = log.splitlines()
    for pattern in FATAL:
        for number in range(len(lines) - 1, -1, -1):
            text = _text(lines[number])
            if pattern.search(lines[number]) or pattern.search(text):
                return _with_rest(text, lines[number + 1 :])
    return ""


def remedy(text: str) -> str:
    """What to do about the line; empty if its cause is not known."""
    return next((cause.remedy for cause in CAUSES if cause.pattern.search(text)), "")


def shortened(text: str) -> str:
    """The beginning says what failed and the end says why, so the middle is left out."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} … {text[-half:]}"


def explain(what: str, why: str, log: str, unit: str, *, shown: str = "") -> str:
    """The daemon's own words first, because a summary shows only the beginning.

    ``log`` is that of the failed attempt, ``shown`` what to show at the end instead of it.
    """
    last_words = fatal_line(log)
    advice = remedy(last_words) or (
        "if that names a directive or option, correct docker_engine_daemon_options and run this "
        "again"
    )
    lines = [
        f"{what}: {shortened(last_words) or why or 'it gives no reason'}",
        f"What to do: {advice}. Next command on this host: systemctl status {unit}",
        *([f"Besides: {why}"] if last_words and why else []),
        "Its last log lines:",
        *(shown or log).rstrip().splitlines()[-SHOWN:],
    ]
    return "\n".join(lines)


def _text(line: str) -> str:
    """What a line of the log says, without its time and level."""
    found = LOGGED.match(line)
    if found is None:
        return line.strip()
    quoted, bare, fields = found.groups()
    text = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
    return f"{text}{fields}".strip()


def _with_rest(text: str, following: list[str]) -> str:
    parts = [text]
    for line in following:
        if not CONTINUED.search(line):
            break
        parts.append(line.strip())
    return re.sub(r"\s+", " ", " ".join(parts))
