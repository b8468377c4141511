# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firewall rules of a host: from the platform's hosts and networks to the texts that tools load.

Two things are needed. The *guard* is a table of our own that refuses what may not come in. It looks
at packets before Docker rewrites their destination: what goes to a published port never passes the
chains in which firewalls filter. The *openings* let in what may come, in the firewall that is
there: a packet has to be accepted by every table that looks at it.
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
# With a pattern a missing file is no error, which would leave the host without any firewall.
INCLUDE = f'include "{RULES_FOLDER}/elk-swarm-*.nft"'

UNIT = "elk-swarm-firewall.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"

UFW_CHAIN = "elk-swarm"
# Docker and ufw take turns with a lock that is the host's, in every network namespace. Seconds.
XTABLES_WAIT = "--wait=60"
UFW_FILES = {4: "/etc/ufw/before.rules", 6: "/etc/ufw/before6.rules"}
UFW_PARENTS = {4: "ufw-before-input", 6: "ufw6-before-input"}

POLICY = "elk-swarm"
POLICY_FILE = f"/etc/firewalld/policies/{POLICY}.xml"
IPSETS = {4: "elk-swarm-4", 6: "elk-swarm-6"}
IPSET_FILES = {v: f"/etc/firewalld/ipsets/{name}.xml" for v, name in IPSETS.items()}

# Docker's own bridges. Containers of a swarm reach the host, and the world, through the second.
CONTAINER_BRIDGES = ("docker0", "docker_gwbridge")
SWARM_BRIDGE = "docker_gwbridge"

BEGIN = f"# BEGIN {MARK}, written by its role firewall"
END = f"# END {MARK}"

FILTERING = ("input", "forward")
# Tables of programs that keep them themselves, and let Docker through or have no part in it.
FOREIGN_TABLES = re.compile(r"firewalld|docker.*|libvirt.*|netavark|f2b-.*")


class FirewallError(ValueError):
    """Something that cannot be turned into rules."""


@dataclass(frozen=True)
class Port:
    """A port that Docker publishes, and who besides the hosts may reach it."""

    name: str
    port: int
    protocols: tuple[str, ...]
    networks: tuple[Network, ...]


@dataclass(frozen=True)
class Wanted:
    """What the rules have to say."""

    hosts: tuple[Network, ...]
    # Ports that only the hosts may reach, by protocol.
    cluster: Mapping[str, Sequence[int]]
    published: tuple[Port, ...] = ()
    encrypted: bool = False


@dataclass(frozen=True)
class Opening:
    """One thing to let in: from networks, or from an interface, to ports of a protocol."""

    protocol: str
    ports: tuple[int, ...]
    networks: tuple[Network, ...] = ()
    interface: str = ""


# From the inventory's words ----------------------------------------------------------------------


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks in order, none inside another: sets of nft take no overlaps."""
    four: list[ipaddress.IPv4Network] = []
    six: list[ipaddress.IPv6Network] = []
    for text in texts:
        try:
            network = ipaddress.ip_network(str(text).strip(), strict=False)
        except ValueError as error:
            raise FirewallError(f"{text} is no address and no network.") from error
        if isinstance(network, ipaddress.IPv4Network):
            four.append(network)
        else:
            six.append(network)
    return (*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six))


def of_version(networks: Iterable[Network], version: int) -> list[str]:
    """Networks of one family as tools write them, single addresses without their length."""
    return [
        str(n.network_address) if n.prefixlen == n.max_prefixlen else str(n)
        for n in networks
        if n.version == version
    ]


def openings(wanted: Wanted) -> list[Opening]:
    """What a firewall has to let in."""
    found = [
        Opening(protocol, tuple(sorted(set(ports))), wanted.hosts)
        for protocol, ports in sorted(wanted.cluster.items())
        if ports
    ]
    if wanted.encrypted:
        found.append(Opening("esp", (), wanted.hosts))
    for protocol in ("tcp", "udp"):
        ports = tuple(sorted(p.port for p in wanted.published if protocol in p.protocols))
        if ports:
            # To a port of their own host Docker does not lead containers: its proxy listens there.
            found.append(Opening(protocol, ports, interface=SWARM_BRIDGE))
            found.append(Opening(protocol, ports, wanted.hosts))
    found += [
        Opening(protocol, (port.port,), port.networks)
        for port in wanted.published
        for protocol in port.protocols
        if port.networks
    ]
    return found


# nftables: the guard ------------------------------------------------------------------------------


def nft_set(words: Iterable[object]) -> str:
    listed = list(map(str, words))
    return listed[0] if len(listed) == 1 else f"{{ {', '.join(listed)} }}"


def guard(wanted: Wanted) -> str:
    """Our table, to be loaded in one transaction however often and over whatever was there."""
    sets: list[str] = []
    let_in: list[str] = []
    refuse: list[str] = []

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

    let_in += allow("hosts", wanted.hosts)
    refuse += [
        f"{protocol} dport {nft_set(sorted(set(ports)))} goto refuse"
        for protocol, ports in sorted(wanted.cluster.items())
        if ports
    ]
    for port in wanted.published:
        protocols = nft_set(port.protocols)
        match = f"meta l4proto {protocols} th dport {port.port} "
        refuse += allow(port.name, port.networks, match)
        refuse.append(f"{match}goto refuse")
    rules = [
        "ct state established,related accept",
        # What is on this host already, in a container or not, and what only passes through.
        f"iifname {nft_set(quoted(('lo', *CONTAINER_BRIDGES)))} accept",
        "fib daddr type != local accept",
        *let_in,
        *refuse,
    ]
    body = "".join(f"\t\t{rule}\n" for rule in rules)
    return (
        f"# {MARK}: who may reach the platform's ports. Written by its role firewall.\n"
        # Adding what is there already is no error, so the deletion never is one either.
        f"table inet {TABLE}\n"
        f"delete table inet {TABLE}\n"
        f"table inet {TABLE} {{\n" + "\n".join(sets) + "\n\tchain guard {\n"
        # After connection tracking, before Docker's rewriting of destinations (-100).
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
    """A chain of somebody else that filters what comes in or passes through."""

    family: str
    table: str
    name: str
    hook: str
    # Whether it lets in only what it names.
    restrictive: bool = False
    # Handles of the rules that lead to our chain.
    jumps: tuple[int, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.family} {self.table}"

    @property
    def ours(self) -> str:
        return CHAINS[self.hook]


# What a rule may hold besides its verdict and still be for every packet.
_UNCONDITIONAL = {"counter", "log", "limit", "drop", "reject"}


def _closes(expressions: Sequence[Mapping[str, Any]]) -> bool:
    words = {word for expression in expressions for word in expression}
    return bool(words & {"drop", "reject"}) and words <= _UNCONDITIONAL


def base_chains(ruleset: Mapping[str, Any]) -> list[BaseChain]:
    """Base chains of a nftables ruleset (`nft -j list ruleset`) that a person keeps."""
    entries = ruleset.get("nftables") or []
    rules = [entry["rule"] for entry in entries if "rule" in entry]
    found = []
    for entry in entries:
        chain = entry.get("chain") or {}
        if chain.get("hook") not in (*FILTERING, "output") or chain.get("type") != "filter":
            continue
        if chain["family"] not in ("inet", "ip", "ip6") or chain["table"] == TABLE:
            continue
        # The nft flavour of iptables has the names of its chains from there.
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


def to_open(chains: Iterable[BaseChain]) -> list[BaseChain]:
    """The chains that need our openings, or have them."""
    return [c for c in chains if c.hook in FILTERING and (c.restrictive or c.jumps)]


def opening_rules(wanted: Wanted, hook: str, family: str) -> list[str]:
    """The rules of our chain in a table of somebody else."""
    if hook == "forward":
        # Docker accepts these itself, but in a table of its own that outvotes nobody.
        bridges = nft_set(quoted(CONTAINER_BRIDGES))
        return [
            "ct state established,related accept",
            f"iifname {bridges} accept",
            f"oifname {bridges} ct status dnat accept",
        ]
    rules = []
    for opening in openings(wanted):
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


def opening_commands(wanted: Wanted, chain: BaseChain) -> list[str]:
    """What puts the openings of one chain right, now."""
    rules = opening_rules(wanted, chain.hook, chain.family)
    commands = fill_chain(chain.place, chain.ours, rules)
    if not chain.jumps:
        commands.append(jump(chain))
    return commands + [
        f"delete rule {chain.place} {chain.name} handle {handle}" for handle in chain.jumps[1:]
    ]


def closing_commands(chain: BaseChain) -> list[str]:
    """What takes the openings of one chain away."""
    return [
        *(f"delete rule {chain.place} {chain.name} handle {handle}" for handle in chain.jumps),
        f"flush chain {chain.place} {chain.ours}",
        f"delete chain {chain.place} {chain.ours}",
    ]


def openings_file(wanted: Wanted, chains: Iterable[BaseChain]) -> str:
    """The openings as they are loaded behind the configuration of nftables."""
    lines = [f"# {MARK}: what the chains above must let in. Written by its role firewall."]
    for chain in chains:
        # Should the chain have been renamed meanwhile, this makes one without an effect. An error
        # here would leave the host without any firewall.
        lines += [f"add table {chain.place}", f"add chain {chain.place} {chain.name}"]
        rules = opening_rules(wanted, chain.hook, chain.family)
        lines += [*fill_chain(chain.place, chain.ours, rules), jump(chain)]
    return "\n".join(lines) + "\n"


def with_include(config: str) -> str:
    """A configuration of nftables that loads our files at its end."""
    if INCLUDE in (line.strip() for line in config.splitlines()):
        return config
    gap = "" if config.endswith("\n") or not config else "\n"
    return f"{config}{gap}{BEGIN}\n{INCLUDE}\n{END}\n"


# ufw ----------------------------------------------------------------------------------------------


def ufw_rules(wanted: Wanted, version: int) -> list[str]:
    """Rules of our chain in the words of iptables, for one IP version."""
    rules = []
    for opening in openings(wanted):
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
    """Lines that fill our chain anew, and lead to it from another one if that is named."""
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
    """A file of ufw with our lines at the end of its table of filters."""
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


def firewalld_files(wanted: Wanted) -> dict[str, str | None]:
    """A policy that counts before every zone, and the hosts as sets; None for one not needed."""
    files: dict[str, str | None] = {}
    rules: list[str] = []
    for version, family in ((4, "inet"), (6, "inet6")):
        hosts = of_version(wanted.hosts, version)
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
        for opening in openings(wanted):
            sources = [f"address={quoteattr(s)}" for s in of_version(opening.networks, version)]
            if opening.networks == wanted.hosts and hosts:
                sources = [f"ipset={quoteattr(IPSETS[version])}"]
            # What comes from containers is in the zone that Docker keeps for them.
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


# The unit, and what is there ----------------------------------------------------------------------


def unit(nft: str) -> str:
    """The unit that loads the guard at boot, before there is a network to guard against."""
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
        "\n[Service]\n"
        "Type=oneshot\n"
        "RemainAfterExit=yes\n"
        f"ExecStart={nft} -f {GUARD_FILE}\n"
        f"ExecReload={nft} -f {GUARD_FILE}\n"
        "\n[Install]\n"
        "WantedBy=sysinit.target\n"
    )


def iptables_closed(listed: str) -> bool:
    """Whether a chain as `iptables -S` lists it lets in only what it names."""
    closed = re.search(r"^-P \S+ DROP$|^-A \S+ -j (DROP|REJECT)\b", listed, re.MULTILINE)
    return closed is not None


def config_of_unit(shown: str) -> str:
    """The file that nftables.service loads, out of `systemctl show -p ExecStart`."""
    found = re.search(r"argv\[\]=\S*nft\b[^;]*? -f (\S+)", shown)
    return found.group(1) if found else ""


def ssh_client(environment: bytes) -> str:
    """The address that an ssh session comes from, out of the environment of a process in it."""
    for entry in environment.split(b"\0"):
        name, _equals, value = entry.partition(b"=")
        if name == b"SSH_CONNECTION":
            words = value.decode("ascii", "replace").split()
            return words[0].partition("%")[0] if words else ""
    return ""
