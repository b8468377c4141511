# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firewall rules of a host, made from the platform's hosts and networks.

There are two parts. The *guard* is our own nftables table, which rejects forbidden packets. It
filters before Docker rewrites destinations, because packets to a published port do not pass the
chains in which firewalls usually filter. The *openings* accept the allowed packets in the existing
firewall, because every table that filters a packet must accept it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union
from xml.sax.saxutils import quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

TABLE = "elk_swarm"
MARK = "elk.swarm"
CHAINS = {"input": "elk_swarm_input", "forward": "elk_swarm_forward"}

RULES_FOLDER = "/etc/nftables.d"
GUARD_FILE = f"{RULES_FOLDER}/elk-swarm-1-guard.nft"
OPENINGS_FILE = f"{RULES_FOLDER}/elk-swarm-2-openings.nft"
# With a pattern, a missing file is no error. An error would leave the host without any firewall.
INCLUDE = f'include "{RULES_FOLDER}/elk-swarm-*.nft"'

UNIT = "elk-swarm-firewall.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"

UFW_CHAIN = "elk-swarm"
# Seconds to wait for the xtables lock. Docker, ufw and all network namespaces share it.
XTABLES_WAIT = "--wait=60"
UFW_FILES = {4: "/etc/ufw/before.rules", 6: "/etc/ufw/before6.rules"}
UFW_PARENTS = {4: "ufw-before-input", 6: "ufw6-before-input"}

POLICY = "elk-swarm"
POLICY_FILE = f"/etc/firewalld/policies/{POLICY}.xml"
IPSETS = {4: "elk-swarm-4", 6: "elk-swarm-6"}
IPSET_FILES = {v: f"/etc/firewalld/ipsets/{name}.xml" for v, name in IPSETS.items()}

# Docker's own bridges. Swarm containers reach the host and external networks through the second.
CONTAINER_BRIDGES = ("docker0", "docker_gwbridge")
SWARM_BRIDGE = "docker_gwbridge"

BEGIN = f"# BEGIN {MARK}, written by its role firewall"
END = f"# END {MARK}"

FILTERING = ("input", "forward")
# Tables that other programs manage. They accept Docker's packets or do not filter them.
FOREIGN_TABLES = re.compile(r"firewalld|docker.*|libvirt.*|netavark|f2b-.*")


class FirewallError(ValueError):
    """Input that cannot become rules."""


@dataclass(frozen=True)
class Port:
    """A published port, and the networks that may reach it besides the hosts."""

    name: str
    port: int
    protocols: tuple[str, ...]
    networks: tuple[Network, ...]


@dataclass(frozen=True)
class Desired:
    """What the rules must allow."""

    hosts: tuple[Network, ...]
    # Ports that only the hosts may reach, by protocol.
    cluster: Mapping[str, Sequence[int]]
    published: tuple[Port, ...] = ()
    encrypted: bool = False


@dataclass(frozen=True)
class Opening:
    """Packets to accept: from networks or an interface, to ports of a protocol."""

    protocol: str
    ports: tuple[int, ...]
    networks: tuple[Network, ...] = ()
    interface: str = ""


# Input from the inventory ------------------------------------------------------------------------


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks in order, without overlaps, because nftables sets refuse overlaps."""
    four: list[ipaddress.IPv4Network] = []
    six: list[ipaddress.IPv6Network] = []
    for text in texts:
        try:
            network = ipaddress.ip_network(str(text).strip(), strict=False)
        except ValueError as error:
            raise FirewallError(f"{text} is not an address and not a network.") from error
        if isinstance(network, ipaddress.IPv4Network):
            four.append(network)
        else:
            six.append(network)
    return (*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six))


def of_version(networks: Iterable[Network], version: int) -> list[str]:
    """Networks of one IP version; a single address has no prefix length."""
    return [
        str(n.network_address) if n.prefixlen == n.max_prefixlen else str(n)
        for n in networks
        if n.version == version
    ]


def openings(desired: Desired) -> list[Opening]:
    """What a firewall must accept."""
    found = [
        Opening(protocol, tuple(sorted(set(ports))), desired.hosts)
        for protocol, ports in sorted(desired.cluster.items())
        if ports
    ]
    if desired.encrypted:
        found.append(Opening("esp", (), desired.hosts))
    for protocol in ("tcp", "udp"):
        ports = tuple(sorted(p.port for p in desired.published if protocol in p.protocols))
        if ports:
            # Containers reach a port of their own host through Docker's proxy on the host.
            found.append(Opening(protocol, ports, interface=SWARM_BRIDGE))
            found.append(Opening(protocol, ports, desired.hosts))
    found += [
        Opening(protocol, (port.port,), port.networks)
        for port in desired.published
        for protocol in port.protocols
        if port.networks
    ]
    return found


# nftables: the guard ------------------------------------------------------------------------------


def nft_set(words: Iterable[object]) -> str:
    listed = list(map(str, words))
    return listed[0] if len(listed) == 1 else f"{{ {', '.join(listed)} }}"


def guard(desired: Desired) -> str:
    """Our table. One transaction replaces any earlier version of it."""
    sets: list[str] = []
    allow_hosts: list[str] = []
    reject: list[str] = []

    def allow(name: str, networks: Sequence[Network], match: str = "") -> list[str]:
        rules = []
        for version, kind, word in ((4, "ipv4_addr", "ip"), (6, "ipv6_addr", "ip6")):
            members = of_version(networks, version)
            if not members:
                continue
            sets.append(
                f"\tset {name}{version} {{\n\t\ttype {kind}\n\t\tflags interval\n"
                f"\t\telements = {{ {', '.join(members)} }}\n\t}}\n"
            )
            rules.append(f"{match}{word} saddr @{name}{version} accept")
        return rules

    allow_hosts += allow("hosts", desired.hosts)
    reject += [
        f"{protocol} dport {nft_set(sorted(set(ports)))} goto refuse"
        for protocol, ports in sorted(desired.cluster.items())
        if ports
    ]
    for port in desired.published:
        protocols = nft_set(port.protocols)
        match = f"meta l4proto {protocols} th dport {port.port} "
        reject += allow(port.name, port.networks, match)
        reject.append(f"{match}goto refuse")
    rules = [
        "ct state established,related accept",
        # Packets from this host or its containers, and packets that this host only forwards.
        f"iifname {nft_set(quoted(('lo', *CONTAINER_BRIDGES)))} accept",
        "fib daddr type != local accept",
        *allow_hosts,
        *reject,
    ]
    body = "".join(f"\t\t{rule}\n" for rule in rules)
    return (
        f"# {MARK}: who may reach the platform's ports. Written by its role firewall.\n"
        # The table is added first, so that the deletion never fails.
        f"table inet {TABLE}\n"
        f"delete table inet {TABLE}\n"
        f"table inet {TABLE} {{\n" + "\n".join(sets) + "\n\tchain guard {\n"
        # After connection tracking, before Docker rewrites destinations (-100).
        "\t\ttype filter hook prerouting priority -150; policy accept;\n"
        f"{body}\t}}\n"
        "\n\tchain refuse {\n"
        "\t\tcounter\n"
        "\t\tmeta l4proto tcp reject with tcp reset\n"
        "\t\treject\n"
        "\t}\n}\n"
    )


def quoted(words: Iterable[str]) -> list[str]:
    return [f'"{word}"' for word in words]


# nftables: openings in the tables of others -------------------------------------------------------


@dataclass(frozen=True)
class BaseChain:
    """A base chain of another owner that filters incoming or forwarded packets."""

    family: str
    table: str
    name: str
    hook: str
    # Whether it rejects packets that no rule accepts.
    restrictive: bool = False
    # Handles of the rules that jump to our chain.
    jumps: tuple[int, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.family} {self.table}"

    @property
    def ours(self) -> str:
        return CHAINS[self.hook]


# Expressions of a rule that matches every packet.
_UNCONDITIONAL = {"counter", "log", "limit", "drop", "reject"}


def _closes(expressions: Sequence[Mapping[str, Any]]) -> bool:
    words = {word for expression in expressions for word in expression}
    return bool(words & {"drop", "reject"}) and words <= _UNCONDITIONAL


def base_chains(ruleset: Mapping[str, Any]) -> list[BaseChain]:
    """Base chains of an nftables ruleset (`nft -j list ruleset`) that an operator manages."""
    entries = ruleset.get("nftables") or []
    rules = [entry["rule"] for entry in entries if "rule" in entry]
    found = []
    for entry in entries:
        chain = entry.get("chain") or {}
        if chain.get("hook") not in (*FILTERING, "output") or chain.get("type") != "filter":
            continue
        if chain["family"] not in ("inet", "ip", "ip6") or chain["table"] == TABLE:
            continue
        # Chains with upper-case names belong to iptables-nft.
        if FOREIGN_TABLES.fullmatch(chain["table"]) or chain["name"].isupper():
            continue
        key = (chain["family"], chain["table"])
        inside = [rule for rule in rules if (rule["family"], rule["table"]) == key]
        own = [rule for rule in inside if rule["chain"] == chain["name"]]
        target = CHAINS.get(chain["hook"])
        found.append(
            BaseChain(
                family=chain["family"],
                table=chain["table"],
                name=chain["name"],
                hook=chain["hook"],
                restrictive=chain.get("policy") == "drop"
                or any(_closes(rule.get("expr") or []) for rule in inside),
                jumps=tuple(
                    rule["handle"]
                    for rule in own
                    for expression in rule.get("expr") or []
                    if target and (expression.get("jump") or {}).get("target") == target
                ),
            )
        )
    return found


def chains_to_open(chains: Iterable[BaseChain]) -> list[BaseChain]:
    """The chains that need our openings or contain them already."""
    return [c for c in chains if c.hook in FILTERING and (c.restrictive or c.jumps)]


def opening_rules(desired: Desired, hook: str, family: str) -> list[str]:
    """The rules of our chain in the table of another owner."""
    if hook == "forward":
        # Docker accepts these packets in its own table, but other tables can still drop them.
        bridges = nft_set(quoted(CONTAINER_BRIDGES))
        return [
            "ct state established,related accept",
            f"iifname {bridges} accept",
            f"oifname {bridges} ct status dnat accept",
        ]
    rules = []
    for opening in openings(desired):
        what = f"meta l4proto {opening.protocol}"
        if opening.ports:
            what = f"{opening.protocol} dport {nft_set(opening.ports)}"
        if opening.interface:
            rules.append(f'iifname "{opening.interface}" {what} accept')
        for version, word in ((4, "ip"), (6, "ip6")):
            sources = of_version(opening.networks, version)
            if sources and family in ("inet", word):
                rules.append(f"{word} saddr {nft_set(sources)} {what} accept")
    return rules


def fill_chain(place: str, name: str, rules: Iterable[str]) -> list[str]:
    return [
        f"add chain {place} {name}",
        f"flush chain {place} {name}",
        *(f"add rule {place} {name} {rule}" for rule in rules),
    ]


def jump(chain: BaseChain) -> str:
    return f'insert rule {chain.place} {chain.name} jump {chain.ours} comment "{MARK}"'


def opening_commands(desired: Desired, chain: BaseChain) -> list[str]:
    """Commands that bring the openings of one chain to the desired state."""
    rules = opening_rules(desired, chain.hook, chain.family)
    commands = fill_chain(chain.place, chain.ours, rules)
    if not chain.jumps:
        commands.append(jump(chain))
    return commands + [
        f"delete rule {chain.place} {chain.name} handle {handle}" for handle in chain.jumps[1:]
    ]


def closing_commands(chain: BaseChain) -> list[str]:
    """Commands that remove the openings of one chain."""
    return [
        *(f"delete rule {chain.place} {chain.name} handle {handle}" for handle in chain.jumps),
        f"flush chain {chain.place} {chain.ours}",
        f"delete chain {chain.place} {chain.ours}",
    ]


def openings_file(desired: Desired, chains: Iterable[BaseChain]) -> str:
    """The file with the openings, which is loaded after the configuration of nftables."""
    lines = [f"# {MARK}: what the chains above must let in. Written by its role firewall."]
    for chain in chains:
        # If the chain was renamed, this adds a chain without effect. An error would leave the host
        # without any firewall.
        lines += [f"add table {chain.place}", f"add chain {chain.place} {chain.name}"]
        rules = opening_rules(desired, chain.hook, chain.family)
        lines += [*fill_chain(chain.place, chain.ours, rules), jump(chain)]
    return "\n".join(lines) + "\n"


def with_include(config: str) -> str:
    """The configuration of nftables with an include of our files at its end."""
    if INCLUDE in (line.strip() for line in config.splitlines()):
        return config
    gap = "" if config.endswith("\n") or not config else "\n"
    return f"{config}{gap}{BEGIN}\n{INCLUDE}\n{END}\n"


# ufw ----------------------------------------------------------------------------------------------


def ufw_rules(desired: Desired, version: int) -> list[str]:
    """Rules of our chain in the syntax of iptables, for one IP version."""
    rules = []
    for opening in openings(desired):
        what = f"-p {opening.protocol}"
        if opening.ports:
            what += f" -m multiport --dports {','.join(map(str, opening.ports))}"
        if opening.interface:
            rules.append(f"-A {UFW_CHAIN} -i {opening.interface} {what} -j ACCEPT")
        rules += [
            f"-A {UFW_CHAIN} -s {source} {what} -j ACCEPT"
            for source in of_version(opening.networks, version)
        ]
    return rules


def ufw_chain(rules: Iterable[str], parent: str = "") -> list[str]:
    """Lines that fill our chain, with a jump from ``parent`` if it is set."""
    lines = [f":{UFW_CHAIN} - [0:0]", *rules]
    return [*lines, f"-A {parent} -j {UFW_CHAIN}"] if parent else lines


def without_block(text: str) -> str:
    """A file without our lines."""
    kept: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        if line.startswith(BEGIN):
            inside = True
        if not inside:
            kept.append(line)
        if line.startswith(END):
            inside = False
    return "".join(kept)


def ufw_file(text: str, lines: Sequence[str]) -> str:
    """A file of ufw with our lines at the end of its table *filter."""
    rest = without_block(text)
    if not lines:
        return rest
    table = ""
    out: list[str] = []
    done = False
    for line in rest.splitlines(keepends=True):
        if line.startswith("*"):
            table = line.strip()
        if line.strip() == "COMMIT" and table == "*filter" and not done:
            out.append("".join(f"{entry}\n" for entry in (BEGIN, *lines, END)))
            done = True
        out.append(line)
    if not done:
        raise FirewallError("has no table *filter that ends with COMMIT.")
    return "".join(out)


def ufw_enabled(conf: str) -> bool:
    return re.search(r"^\s*ENABLED=[\"']?yes", conf, re.MULTILINE) is not None


# firewalld ----------------------------------------------------------------------------------------


def firewalld_files(desired: Desired) -> dict[str, str | None]:
    """A policy that applies before all zones, and sets of hosts; None for a file not needed."""
    files: dict[str, str | None] = {}
    rules: list[str] = []
    for version, family in ((4, "inet"), (6, "inet6")):
        hosts = of_version(desired.hosts, version)
        files[IPSET_FILES[version]] = (
            '<?xml version="1.0" encoding="utf-8"?>\n'
            '<ipset type="hash:net">\n'
            f"  <short>{MARK}</short>\n"
            f'  <option name="family" value="{family}"/>\n'
            + "".join(f"  <entry>{host}</entry>\n" for host in hosts)
            + "</ipset>\n"
            if hosts
            else None
        )
        for opening in openings(desired):
            sources = [f"address={quoteattr(s)}" for s in of_version(opening.networks, version)]
            if opening.networks == desired.hosts and hosts:
                sources = [f"ipset={quoteattr(IPSETS[version])}"]
            # Packets from containers are in Docker's own zone, so they need no rule here.
            rules += [
                f'  <rule family="ipv{version}">\n    <source {source}/>\n    {what}\n'
                "    <accept/>\n  </rule>\n"
                for source in sources
                for what in _firewalld_targets(opening)
            ]
    files[POLICY_FILE] = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<policy priority="-100" target="CONTINUE">\n'
        f"  <short>{MARK}</short>\n"
        "  <description>Who may reach the ports of the platform.</description>\n"
        '  <ingress-zone name="ANY"/>\n'
        '  <egress-zone name="HOST"/>\n' + "".join(rules) + "</policy>\n"
    )
    return files


def _firewalld_targets(opening: Opening) -> list[str]:
    if not opening.ports:
        return [f'<protocol value="{opening.protocol}"/>']
    return [f'<port port="{port}" protocol="{opening.protocol}"/>' for port in opening.ports]


# The unit, and the present state ------------------------------------------------------------------


def unit(nft: str) -> str:
    """The unit that loads the guard at boot, before the network starts."""
    return (
        f"# {MARK}. Written by its role firewall.\n"
        "[Unit]\n"
        "Description=Who may reach the ports of the elk.swarm platform\n"
        "Documentation=man:nft(8)\n"
        "DefaultDependencies=no\n"
        "Wants=network-pre.target\n"
        "Before=network-pre.target shutdown.target\n"
        "After=nftables.service local-fs.target\n"
        "Conflicts=shutdown.target\n"
        f"ConditionPathExists={GUARD_FILE}\n"
        # Ports stay open until the rules are loaded, so systemd tries until they are.
        "StartLimitIntervalSec=0\n"
        "\n[Service]\n"
        "Type=oneshot\n"
        "RemainAfterExit=yes\n"
        "Restart=on-failure\n"
        "RestartSec=5\n"
        f"ExecStart={nft} -f {GUARD_FILE}\n"
        f"ExecReload={nft} -f {GUARD_FILE}\n"
        "\n[Install]\n"
        "WantedBy=sysinit.target\n"
    )


def iptables_closed(listed: str) -> bool:
    """Whether a chain (from `iptables -S`) rejects packets that no rule accepts."""
    closed = re.search(r"^-P \S+ DROP$|^-A \S+ -j (DROP|REJECT)\b", listed, re.MULTILINE)
    return closed is not None


def config_of_unit(shown: str) -> str:
    """The file that nftables.service loads, from `systemctl show -p ExecStart`."""
    found = re.search(r"argv\[\]=\S*nft\b[^;]*? -f (\S+)", shown)
    return found.group(1) if found else ""


def ssh_client(environment: bytes) -> str:
    """The client address of an ssh session, from the environment of one of its processes."""
    for entry in environment.split(b"\0"):
        name, _equals, value = entry.partition(b"=")
        if name == b"SSH_CONNECTION":
            words = value.decode("ascii", "replace").split()
            return words[0].partition("%")[0] if words else ""
    return ""
