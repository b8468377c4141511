# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of an inventory and its hosts, all of them in one go, before anything is changed.

A check is a generator of findings over a Site, registered under a name with @check. It yields what
is wrong and how to mend it, and leaves it to others to judge what they judge: a value that another
check already calls unreadable is passed over.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from .controller_secrets import BLOCKERS, Blocker
from .service_storage import BIND, HOW_TO_MOVE, PREFIXES, in_words, moved

GIB = 1 << 30
MIB = 1 << 20

# Above this the JVM loses compressed object pointers and a bigger heap holds less.
HEAP_MAX = 31 * GIB

# Docker's own first choice for the ingress network when no pool is configured.
DEFAULT_INGRESS = "10.0.0.0/24"

# What docker0 and docker_gwbridge take when no pool is configured.
DEFAULT_BRIDGES = ("172.17.0.0/16", "172.18.0.0/16")

# The settings that the roles write are those of Elasticsearch 9.
OLDEST_STACK = (9, 0, 0)
NEWEST_STACK_MAJOR = 9

# Global services with host-mode ports and rollback of updates work from this Engine on.
OLDEST_ENGINE = (20, 10)

# Seconds between a host's clock and this machine's.
CLOCK_NOTICE = 5
CLOCK_LIMIT = 60

# Elasticsearch's watermarks: a share of the disk that has to be free, or a size if that is less.
LOW_WATERMARK = (0.15, 200 * GIB)
FLOOD_WATERMARK = (0.05, 100 * GIB)
WATERMARK_SETTINGS = "cluster.routing.allocation.disk."

# Port on which members of a swarm talk with each other; it cannot be chosen.
GOSSIP_PORT = 7946
DOCKER_PROCESSES = ("dockerd", "docker-proxy")

SUPPORTED = {
    "debian": ("12", "13"),
    "ubuntu": ("22.04", "24.04"),
    "redhat": ("9", "10"),
}

MASTER_ROLE = "master"
VOTING_ONLY = "voting_only"
NODE_ROLES = (
    MASTER_ROLE,
    "data",
    "data_cold",
    "data_content",
    "data_frozen",
    "data_hot",
    "data_warm",
    "ingest",
    "ml",
    "remote_cluster_client",
    "transform",
    VOTING_ONLY,
)
# The tiers that hold the indices of senders and the system's own.
DATA_ROLES = ("data", "data_content")

# What a name must have in common with a known one to count as a slip of it.
NEAR_ENDING = 0.6
NEAR_NAME = 0.88

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


@dataclass(frozen=True)
class Finding:
    """One thing to mend, or to know."""

    where: str
    wrong: str
    mend: str
    warning: bool = False
    check: str = ""
    # Not to be accepted: to go on would harm the platform for certain.
    final: bool = False

    def sentence(self) -> str:
        return f"{self.where}: {self.wrong} {self.mend}".strip()


@dataclass(frozen=True)
class Host:
    """A swarm host: what the inventory declares and what was found on it."""

    name: str
    declared: Mapping[str, Any] = field(default_factory=dict)
    survey: Mapping[str, Any] = field(default_factory=dict)
    # What the address means when it is a name.
    resolved: Sequence[str] = ()

    @property
    def seen(self) -> bool:
        """False for a host that this run was told to leave out."""
        return bool(self.survey)

    @property
    def address(self) -> str:
        return str(self.declared.get("address") or "")

    @property
    def node_name(self) -> str:
        return str(self.declared.get("node_name") or "")


@dataclass(frozen=True)
class Vocabulary:
    """Variables of the collection's roles, by name."""

    # Prefixes that the roles use, with the underscore.
    prefixes: tuple[str, ...] = ()
    # What users may set.
    options: frozenset[str] = frozenset()
    # What a role works out; a value set elsewhere is not used.
    computed: frozenset[str] = frozenset()
    # What tasks set while they run, and what else they look at.
    internal: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LocalDir:
    """elk_local_dir, and what of the inventory reads every file in it."""

    path: str
    # The inventory that reads it, empty for none.
    reader: str = ""
    # A folder that no inventory reads.
    better: str = ""
    # Whether a variable sets it.
    given: bool = False


@dataclass(frozen=True)
class Site:
    """Everything the checks may look at."""

    groups: Mapping[str, Sequence[str]]
    hosts: Mapping[str, Host]
    settings: Mapping[str, Any]
    # Names of the variables that are set, by host.
    variables: Mapping[str, Sequence[str]] = field(default_factory=dict)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    # What the controller holds and the platform does not have, or the other way round.
    blockers: Sequence[Blocker] = ()
    local_dir: LocalDir | None = None

    @property
    def managers(self) -> list[str]:
        return list(self.groups.get("swarm_managers", ()))

    @property
    def workers(self) -> list[str]:
        return list(self.groups.get("swarm_workers", ()))

    @property
    def members(self) -> list[str]:
        return [*self.managers, *(h for h in self.workers if h not in self.managers)]

    def placed(self, service: str) -> list[str]:
        """Hosts that a service may use: its group, or every host where there is no such group."""
        return list(self.groups[service]) if service in self.groups else self.members

    @property
    def seen(self) -> list[Host]:
        return [host for host in self.hosts.values() if host.seen]

    def declared(self, host: str, name: str) -> Any:
        """A variable as this host has it, else as the whole site has it."""
        found = self.hosts[host].declared.get(name) if host in self.hosts else None
        return self.settings.get(name) if found is None else found

    def number(self, name: str) -> int:
        value = self.settings.get(name)
        return int(value) if isinstance(value, (int, str)) and str(value).isdigit() else 0

    def text(self, name: str) -> str:
        value = self.settings.get(name)
        return "" if value is None else str(value).strip()

    def where(self, name: str, hosts: Sequence[str], everywhere: Sequence[object]) -> str:
        """A variable by its name, with the hosts where it is not the same for all."""
        return name if len(hosts) == len(everywhere) else f"{name} of {listed(hosts)}"

    def texts(self, name: str) -> list[str]:
        value = self.settings.get(name) or []
        return [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]


Check = Callable[[Site], Iterator[Finding]]
CHECKS: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Register a check under the name that users see and may accept."""

    def register(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return register


# Helpers ------------------------------------------------------------------------------------------


def parse_size(value: Any) -> int | None:
    """Bytes of "4g", "512m", "1GiB" or a plain number; None for what is no size."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", str(value).lower())
    if not found:
        return None
    return int(float(found.group(1)) * 1024 ** " kmgt".index(found.group(2) or " "))


def show_size(size: int) -> str:
    """A size as the variables write it, rounded down so that it can be copied into one."""
    return f"{size // GIB}g" if size >= GIB and not size % GIB else f"{max(size, 0) // MIB}m"


def parse_network(value: Any) -> Network | None:
    """A network with its host bits cleared; None for what is no network."""
    try:
        return ipaddress.ip_network(str(value).strip(), strict=False)
    except ValueError:
        return None


def overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def parse_version(text: Any) -> tuple[int, ...] | None:
    """The numbers that a version begins with, a package's epoch left out."""
    found = re.match(r"(?:\d+:)?v?(\d+(?:\.\d+)*)", str(text).strip())
    return tuple(int(part) for part in found.group(1).split(".")) if found else None


def untagged(image: str) -> str:
    """What is wrong with an image reference: it must say which image, not the newest of a day."""
    name, _at, digest = image.partition("@")
    if digest:
        return ""
    # A colon before the last slash belongs to a registry's port.
    tag = name.rpartition("/")[2].partition(":")[2]
    if not tag:
        return "has no tag, which means latest"
    return "has the tag latest" if tag == "latest" else ""


def nearest(name: str, vocabulary: Vocabulary) -> str:
    """The known variable that a name is a slip of, empty if none is near."""
    best, score = "", 0.0
    for known in sorted(vocabulary.options):
        whole = difflib.SequenceMatcher(None, name, known).ratio()
        near = whole >= NEAR_NAME
        for prefix in vocabulary.prefixes:
            if name.startswith(prefix) and known.startswith(prefix):
                # The common beginning makes any two names look alike, so only the rest counts.
                matcher = difflib.SequenceMatcher(None, name[len(prefix) :], known[len(prefix) :])
                near = near or matcher.ratio() >= NEAR_ENDING
        if near and whole > score:
            best, score = known, whole
    return best


def read_vocabulary(
    roles: Mapping[str, Mapping[str, str]], playbooks: Sequence[str] = ()
) -> Vocabulary:
    """The variables of roles, from the texts of their files by role and path.

    Only names are wanted and the files are our own, so no YAML is parsed: this has to run in the
    time of a blink wherever the controller's Python lives.
    """
    prefixes = tuple(f"{role}_" for role in roles)
    ours = "|".join(map(re.escape, prefixes)) or "$^"
    key = re.compile(rf"^([ \t]*)(?:- )?((?:{ours})\w+):", re.MULTILINE)
    register = re.compile(rf"\bregister:\s*((?:{ours})\w+)")
    word = re.compile(rf"\b(?:{ours})\w+")
    option: set[str] = set()
    computed: set[str] = set()
    given: set[str] = set()
    used: set[str] = set()
    for files in roles.values():
        for path, text in files.items():
            found = key.findall(text)
            if path.startswith(("defaults/", "meta/")):
                option.update(name for _indent, name in found)
            elif path.startswith("vars/"):
                computed.update(name for indent, name in found if not indent)
            else:
                given.update([*(name for _indent, name in found), *register.findall(text)])
                used.update(word.findall(text))
    for text in playbooks:
        used.update(word.findall(text))
    computed -= given | option
    return Vocabulary(
        prefixes,
        frozenset(option),
        frozenset(computed),
        frozenset((given | used) - option - computed),
    )


def normal_address(value: str) -> str | None:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return None


def listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


# Inventory ----------------------------------------------------------------------------------------


@check("groups")
def check_groups(site: Site) -> Iterator[Finding]:
    if not site.managers:
        yield Finding(
            "group swarm_managers",
            "has no host, and a swarm begins with a manager.",
            "Put one host, or better three, into the group swarm_managers of the inventory.",
        )
    both = [h for h in site.managers if h in site.workers]
    for host in both:
        yield Finding(
            host,
            "is in swarm_managers and in swarm_workers.",
            "Take it out of one of the two: a manager runs tasks as a worker does.",
        )
    for service in ("elasticsearch", "logstash", "kibana"):
        if service not in site.groups:
            continue
        if not site.groups[service]:
            yield Finding(
                f"group {service}",
                f"is empty, so there is no host for {service}.",
                "Put hosts into it, or remove the group to mean every host.",
            )
        for host in site.groups[service]:
            if host not in site.members:
                yield Finding(
                    host,
                    f"is in the group {service} but in no swarm group.",
                    "Put it into swarm_managers or swarm_workers too, "
                    f"or take it out of {service}.",
                )


@check("managers")
def check_managers(site: Site) -> Iterator[Finding]:
    count = len(site.managers)
    if count == 1:
        yield Finding(
            "group swarm_managers",
            "has one manager: while it is down nothing can be changed or rescheduled.",
            "Use three managers where that matters.",
            warning=True,
        )
    elif count and count % 2 == 0:
        lost = count - (count // 2 + 1)
        # An even number buys nothing over the odd one below it.
        truth = (
            f"has {count} managers, of which {count // 2 + 1} must be up: it bears the loss of "
            f"{lost or 'none'}, no better than {count - 1} would."
        )
        if site.settings.get("swarm_accept_even_managers") is True:
            yield Finding(
                "group swarm_managers",
                truth,
                f"Prefer {count + 1}. Running tasks go on when the quorum is lost.",
                warning=True,
            )
        else:
            yield Finding(
                "group swarm_managers",
                truth,
                f"Use {count + 1} managers or {count - 1}, or set "
                "swarm_accept_even_managers: true to go on knowing this.",
            )
    elif count > 7:
        yield Finding(
            "group swarm_managers",
            f"has {count} managers, and each change must be written by most of them.",
            "Use at most seven and make the others workers.",
            warning=True,
        )


@check("elk_manager")
def check_elk_manager(site: Site) -> Iterator[Finding]:
    manager = site.text("elk_manager")
    if manager and site.managers and manager not in site.managers:
        yield Finding(
            "elk_manager",
            f"is {manager}, which is not in the group swarm_managers.",
            "Remove elk_manager to have the first manager asked, or name one of them.",
        )


@check("variables")
def check_variables(site: Site) -> Iterator[Finding]:
    words = site.vocabulary
    holders: dict[str, list[str]] = {}
    for host, names in site.variables.items():
        for name in names:
            if name.startswith(words.prefixes):
                holders.setdefault(name, []).append(host)
    passed = {*words.options, *words.internal, *site.texts("preflight_own_variables")}
    for name, hosts in sorted(holders.items()):
        if name in passed:
            continue
        where = site.where(name, hosts, list(site.variables))
        if name in words.computed:
            yield Finding(
                where,
                "is worked out by a role, and a value from elsewhere is not used.",
                "Remove it.",
            )
            continue
        known = nearest(name, words)
        if known:
            yield Finding(
                where,
                "is no variable of this collection, so it does nothing.",
                f"Did you mean {known}? If it is your own, name it in preflight_own_variables.",
            )
        else:
            yield Finding(
                where,
                "begins like the variables of this collection and is none of them.",
                "Correct or remove it, or name it in preflight_own_variables if it is your own.",
                warning=True,
            )


@check("kinds")
def check_kinds(site: Site) -> Iterator[Finding]:
    """What Ansible found when it held the variables against the roles' specs."""
    found: dict[str, list[str]] = {}
    for host in site.seen:
        for text in host.declared.get("argument_errors") or []:
            found.setdefault(str(text).rstrip("."), []).append(host.name)
    for text, hosts in found.items():
        yield Finding(
            site.where("variables", hosts, site.seen),
            f"{text}.",
            "Correct it; docs/roles says what each variable takes.",
        )


@check("names")
def check_names(site: Site) -> Iterator[Finding]:
    holders: dict[str, list[str]] = {}
    for host in site.hosts.values():
        name = host.node_name
        if not name:
            if host.seen:
                yield Finding(
                    host.name,
                    "has no node name.",
                    "Gather the facts of the host (gather_subset platform), or set elk_node_name.",
                )
            continue
        if name.lower().partition(".")[0] in ("localhost", "localhost6"):
            yield Finding(
                host.name,
                f"is called {name}, which other hosts cannot use for it.",
                "Give the host a name of its own (hostnamectl hostname), and restart Docker if it "
                "runs already.",
            )
            continue
        nodename = str(host.survey.get("nodename") or "")
        if nodename and nodename != name:
            yield Finding(
                host.name,
                f"elk_node_name is {name}, but Docker will call the host {nodename}.",
                f"Remove elk_node_name, or rename the host: hostnamectl hostname {name}.",
            )
        holders.setdefault(name.lower(), []).append(host.name)
    for name, hosts in holders.items():
        if len(hosts) > 1:
            yield Finding(
                listed(hosts),
                f"share the node name {name}, and a swarm tells its nodes apart by name.",
                "Give each its own name: hostnamectl hostname NAME.",
            )


@check("addresses")
def check_addresses(site: Site) -> Iterator[Finding]:
    holders: dict[str, list[str]] = {}
    for host in site.hosts.values():
        if not host.address:
            yield Finding(host.name, "has no address.", "Set ansible_host or elk_address for it.")
            continue
        plain = normal_address(host.address)
        found = [plain] if plain else list(host.resolved)
        if not found:
            yield Finding(
                host.name,
                f"the address {host.address} is no IP address and no name that resolves here.",
                "Set elk_address for it to the address that the other hosts reach it at.",
            )
            continue
        for address in found:
            if ipaddress.ip_address(address).is_loopback and len(site.hosts) > 1:
                yield Finding(
                    host.name,
                    f"the address {host.address} is a loopback one, so other hosts cannot use it.",
                    "Set elk_address for it to the address that the other hosts reach it at.",
                )
                break
        else:
            yield from _address_on_host(host, found)
        for address in found:
            holders.setdefault(address, []).append(host.name)
    for address, hosts in holders.items():
        if len(set(hosts)) > 1:
            yield Finding(
                listed(hosts),
                f"share the address {address}.",
                "Correct ansible_host or elk_address of the one that is wrong.",
            )


def _address_on_host(host: Host, found: Sequence[str]) -> Iterator[Finding]:
    present = [str(a) for a in host.survey.get("addresses") or []]
    if present and not set(found) & set(present):
        yield Finding(
            host.name,
            f"the address {host.address} is on none of its interfaces, so Swarm cannot listen "
            "on it.",
            f"Set elk_address for it to one of: {listed(present)}.",
        )


@check("looked_at")
def check_looked_at(site: Site) -> Iterator[Finding]:
    unseen = [h for h in site.members if h not in site.hosts or not site.hosts[h].seen]
    if unseen:
        yield Finding(
            listed(unseen),
            "not looked at, because this run leaves them out.",
            "Run without --limit to have every host checked.",
            warning=True,
        )


# Network ------------------------------------------------------------------------------------------


@check("subnet")
def check_subnet(site: Site) -> Iterator[Finding]:
    text = str(site.settings.get("network_subnet") or "").strip()
    if not text:
        return
    subnet = parse_network(text)
    if not isinstance(subnet, ipaddress.IPv4Network) or "/" not in text:
        yield Finding(
            "network_subnet",
            f"{text} is no IPv4 network.",
            "Write it as address/length, for example 192.168.8.0/21.",
        )
        return
    if str(subnet) != text:
        yield Finding(
            "network_subnet",
            f"{text} has bits set behind its mask, which Docker refuses; {subnet} is used.",
            f"Write network_subnet: {subnet}.",
            warning=True,
        )
    if not subnet.is_private or subnet.is_loopback or subnet.is_link_local:
        yield Finding(
            "network_subnet",
            f"{subnet} is not a private range, so containers could not reach its real owners.",
            "Choose one inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.",
        )
    # Each host takes an address for its end of the overlay, and one a task; a rolling change needs
    # room for old and new at once.
    wanted = 2 + 6 * len(site.members)
    if subnet.num_addresses < wanted:
        yield Finding(
            "network_subnet",
            f"{subnet} has {subnet.num_addresses} addresses, and "
            f"{plural(len(site.members), 'host')} need about {wanted}.",
            "Choose a larger one, for example a /21.",
        )


@check("subnet_routes")
def check_subnet_routes(site: Site) -> Iterator[Finding]:
    subnet = parse_network(site.settings.get("network_subnet") or "")
    if subnet is None:
        return
    clashes: dict[tuple[str, str], list[str]] = {}
    for host in site.seen:
        for route in host.survey.get("routes") or []:
            network = parse_network(route.get("network"))
            if network and overlap(subnet, network):
                key = (str(network), str(route.get("device") or ""))
                clashes.setdefault(key, []).append(host.name)
    for (destination, device), hosts in clashes.items():
        yield Finding(
            "network_subnet",
            f"{subnet} overlaps the route {destination} dev {device} of {listed(hosts)}, so "
            "containers could not reach what lies there.",
            "Choose a network_subnet that no host has a route to.",
        )


@check("subnet_pools")
def check_subnet_pools(site: Site) -> Iterator[Finding]:
    subnet = parse_network(site.settings.get("network_subnet") or "")
    if subnet is None:
        return
    pools = site.texts("swarm_default_address_pools")
    ranges = [("swarm_default_address_pools", pool) for pool in pools]
    if not pools:
        ranges.append(("Docker's default for the ingress network", DEFAULT_INGRESS))
    ranges += _bridge_ranges(site)
    options = site.settings.get("docker_engine_daemon_options") or {}
    local = [
        *(site.settings.get("docker_engine_address_pools") or []),
        *(options.get("default-address-pools") or []),
    ]
    ranges += [("the Engine's default-address-pools", pool.get("base")) for pool in local]
    if options.get("bip"):
        ranges.append(("bip in docker_engine_daemon_options", options["bip"]))
    for owner, text in ranges:
        network = parse_network(text)
        if network is None:
            yield Finding(
                owner,
                f"{text} is no network.",
                "Write it as address/length, for example 10.30.0.0/16.",
            )
        elif overlap(subnet, network):
            yield Finding(
                "network_subnet",
                f"{subnet} overlaps {network} ({owner}), from which Docker takes other networks.",
                "Choose a network_subnet outside of it.",
            )


def _bridge_ranges(site: Site) -> list[tuple[str, str]]:
    """Networks that every Engine makes for itself, unless it is told which to take."""
    options = site.settings.get("docker_engine_daemon_options") or {}
    if site.settings.get("docker_engine_address_pools") or options.get("default-address-pools"):
        return []
    docker0, gwbridge = DEFAULT_BRIDGES
    ranges = [("Docker's default for docker_gwbridge", gwbridge)]
    return ranges if options.get("bip") else [("Docker's default for docker0", docker0), *ranges]


@check("pools")
def check_pools(site: Site) -> Iterator[Finding]:
    """Swarm takes networks from its pools without a look at what the hosts are in."""
    pools = site.texts("swarm_default_address_pools")
    for text in pools or [DEFAULT_INGRESS]:
        network = parse_network(text)
        if network is None:
            continue
        inside = [
            f"{address} of {host.name}"
            for host in site.seen
            for address in map(str, host.survey.get("addresses") or [])
            if normal_address(address) and ipaddress.ip_address(address) in network
        ]
        if inside:
            owner = "" if pools else " (Docker's default for the ingress network)"
            modes = {site.text(f"{service}_publish_mode") for service in ("logstash", "kibana")}
            yield Finding(
                "swarm_default_address_pools",
                f"{network}{owner} holds the hosts' own {listed(inside)}, so containers could not "
                "reach them.",
                "Set swarm_default_address_pools to ranges that no host is in, for example "
                "[10.201.0.0/16].",
                # Nothing is attached to the ingress network when it serves no port.
                warning=not pools and "ingress" not in modes,
            )
    networks = [n for n in map(parse_network, pools) if n is not None]
    for number, one in enumerate(networks):
        for other in networks[number + 1 :]:
            if overlap(one, other):
                yield Finding(
                    "swarm_default_address_pools",
                    f"{one} and {other} overlap.",
                    "Make them one, or choose another.",
                )


@check("ipvs")
def check_ipvs(site: Site) -> Iterator[Finding]:
    without = [host.name for host in site.seen if not host.survey.get("ipvs")]
    if not without:
        return
    for name in ("logstash_publish_mode", "kibana_publish_mode"):
        if site.settings.get(name) == "ingress":
            yield Finding(
                name,
                f"is ingress, which needs the kernel's IPVS, and {listed(without)} "
                f"{'has' if len(without) == 1 else 'have'} none.",
                f"Set {name}: host, or use a kernel with the module ip_vs.",
            )


FIREWALL_NETWORKS = (
    "firewall_addresses",
    "firewall_elasticsearch_networks",
    "firewall_kibana_networks",
    "firewall_syslog_networks",
)


@check("firewall_networks")
def check_firewall_networks(site: Site) -> Iterator[Finding]:
    bad: dict[tuple[str, str], list[str]] = {}
    for host in site.seen:
        for name in FIREWALL_NETWORKS:
            for text in host.declared.get(name) or []:
                if parse_network(text) is None:
                    bad.setdefault((name, str(text)), []).append(host.name)
    for (name, text), hosts in bad.items():
        yield Finding(
            site.where(name, hosts, site.seen),
            f"{text} is no network and no address.",
            "Write it as address/length, for example 10.30.0.0/16.",
        )


@check("firewall_addresses")
def check_firewall_addresses(site: Site) -> Iterator[Finding]:
    """Rules name the other hosts by what the inventory tells of them."""
    if not any(_has_firewall(host) for host in site.seen):
        return
    for host in site.seen:
        given = [str(text) for text in host.declared.get("swarm_addresses") or []]
        hidden = [a for a in given if a != host.address and not normal_address(a)]
        if hidden and not host.declared.get("firewall_addresses"):
            yield Finding(
                host.name,
                f"Swarm uses {listed(hidden)} there, which is no address, so the firewall's rules "
                "on the other hosts cannot know what its packets come from.",
                "Set firewall_addresses for it to the addresses it has there.",
                warning=True,
            )


def _has_firewall(host: Host) -> bool:
    units = (host.survey.get("units") or {}).values()
    manage = host.declared.get("firewall_manage")
    return manage == "always" or (manage == "auto" and any(unit.get("active") for unit in units))


# Services -----------------------------------------------------------------------------------------


@check("versions")
def check_versions(site: Site) -> Iterator[Finding]:
    if "elk_version" not in site.settings:
        return
    text = site.text("elk_version")
    if not re.fullmatch(r"\d+\.\d+\.\d+", text):
        yield Finding(
            "elk_version",
            f"{text or 'nothing'} is no version.",
            'Write all three numbers and nothing else, for example "9.2.4".',
        )
        return
    version = parse_version(text) or ()
    if version < OLDEST_STACK:
        oldest = ".".join(map(str, OLDEST_STACK))
        yield Finding(
            "elk_version",
            f"{text} is older than {oldest}, the oldest that the roles write settings for.",
            f"Use {oldest} or newer.",
        )
    elif version[0] > NEWEST_STACK_MAJOR:
        yield Finding(
            "elk_version",
            f"{text} is newer than the releases this collection was made for "
            f"({NEWEST_STACK_MAJOR}.x).",
            "Try it on hosts that do not matter first.",
            warning=True,
        )


@check("images")
def check_images(site: Site) -> Iterator[Finding]:
    for service in ("elasticsearch", "logstash", "kibana"):
        name = f"{service}_image"
        if name not in site.settings:
            continue
        image = site.text(name)
        if not image or re.search(r"\s", image):
            yield Finding(name, f"'{image}' is no image.", "Write it as registry/name:tag.")
            continue
        wrong = untagged(image)
        if wrong:
            yield Finding(
                name,
                f"{image} {wrong}: what runs would change with the day a host pulls it.",
                f"Write {name} with the tag of a release, or with a digest.",
            )


@check("registry_login")
def check_registry_login(site: Site) -> Iterator[Finding]:
    """Whether a login at the registry is whole; a registry would answer with something vague."""
    given = {
        name: bool(site.settings.get(name))
        for name in ("elk_registry_username", "elk_registry_password")
    }
    if len(set(given.values())) > 1:
        present, missing = sorted(given, key=lambda name: not given[name])
        yield Finding(
            missing,
            f"{present} is set and {missing} is empty.",
            f"Set {missing} as well, or neither for a registry that asks for no login.",
        )


@check("publish_modes")
def check_publish_modes(site: Site) -> Iterator[Finding]:
    for name in ("logstash_publish_mode", "kibana_publish_mode"):
        value = site.settings.get(name)
        if value is not None and value not in ("ingress", "host"):
            yield Finding(name, f"{value} is no publish mode.", f"Set {name} to ingress or host.")


@check("replicas")
def check_replicas(site: Site) -> Iterator[Finding]:
    # Logstash keeps its queue on the host, so a host runs one task of it whatever the publish mode.
    for service, alone in (
        ("logstash", True),
        ("kibana", site.settings.get("kibana_publish_mode") == "host"),
    ):
        name = f"{service}_replicas"
        if name not in site.settings:
            continue
        wanted, places = site.number(name), len(site.placed(service))
        if _is_zero(site.settings[name]):
            continue
        if wanted < 1:
            yield Finding(
                name,
                f"{site.settings[name]} is not a number of tasks.",
                f"Set {name} to 1 or more.",
            )
        elif alone and wanted > places:
            yield Finding(
                name,
                f"is {wanted}, but {service} has {plural(places, 'host')} and a host runs one "
                "task of it.",
                f"Set {name} to {places} or less, or put more hosts into the group {service}.",
            )


def _is_zero(value: Any) -> bool:
    return str(value).strip() == "0"


@check("no_replicas")
def check_no_replicas(site: Site) -> Iterator[Finding]:
    # Of its own, so that to mean it accepts nothing else.
    for service, then in (("logstash", "takes lines"), ("kibana", "shows them")):
        name = f"{service}_replicas"
        if _is_zero(site.settings.get(name)):
            yield Finding(
                name,
                f"is 0, so that nothing {then}.",
                f"Set {name} to 1 or more. If 0 is meant: preflight_accept: [no_replicas].",
            )


@check("node_roles")
def check_node_roles(site: Site) -> Iterator[Finding]:
    nodes = site.placed("elasticsearch")
    unknown: dict[str, list[str]] = {}
    for host in nodes:
        roles = _node_roles(site, host)
        for role in roles:
            if role not in NODE_ROLES:
                unknown.setdefault(role, []).append(host)
        if VOTING_ONLY in roles and MASTER_ROLE not in roles:
            yield Finding(
                f"elasticsearch_node_roles of {host}",
                "has voting_only without master, which Elasticsearch refuses.",
                "Add master, or remove voting_only.",
            )
    for role, hosts in unknown.items():
        near = difflib.get_close_matches(role, NODE_ROLES, 1)
        yield Finding(
            site.where("elasticsearch_node_roles", hosts, nodes),
            f"{role} is no role of a node.",
            f"Write {near[0]} if that is meant." if near else f"Use some of: {listed(NODE_ROLES)}.",
        )


@check("data_nodes")
def check_data_nodes(site: Site) -> Iterator[Finding]:
    nodes = site.placed("elasticsearch")
    if not nodes or not site.members:
        return
    holders = [h for h in nodes if set(DATA_ROLES) & set(_node_roles(site, h))]
    if not holders:
        yield Finding(
            "elasticsearch_node_roles",
            "no node may hold data, so nothing can be stored.",
            "Give the role data to one node, or better to two.",
        )
        return
    text = site.text("elasticsearch_index_replicas")
    if text.isdigit() and int(text) >= len(holders):
        yield Finding(
            "elasticsearch_index_replicas",
            f"is {text}, but {plural(len(holders), 'node')} may hold data ({listed(holders)}) and "
            "a copy never shares a node with its original, so the cluster would never be green.",
            f"Set it to {len(holders) - 1} or less, or give the role data to more nodes.",
        )


@check("masters")
def check_masters(site: Site) -> Iterator[Finding]:
    nodes = site.placed("elasticsearch")
    eligible = [h for h in nodes if MASTER_ROLE in _node_roles(site, h)]
    electable = [h for h in eligible if VOTING_ONLY not in _node_roles(site, h)]
    if not nodes or not site.members:
        return
    if not electable:
        yield Finding(
            "elasticsearch_node_roles",
            "no node may become master, so the cluster cannot form.",
            "Give the role master to one node, or better to three.",
        )
    elif len(eligible) == 2:
        yield Finding(
            "elasticsearch_node_roles",
            f"two nodes may become master ({listed(eligible)}): losing either stops the cluster.",
            "Give the role master to a third; it may be voting_only.",
            warning=True,
        )


def _node_roles(site: Site, host: str) -> list[str]:
    roles = site.declared(host, "elasticsearch_node_roles")
    # Elasticsearch itself gives every role to a node for which none is named.
    every = [role for role in NODE_ROLES if role != VOTING_ONLY]
    if isinstance(roles, str):
        roles = [role.strip() for role in roles.split(",")]
    return every if roles is None else [str(role) for role in roles]


@check("port_numbers")
def check_port_numbers(site: Site) -> Iterator[Finding]:
    holders: dict[int, list[str]] = {GOSSIP_PORT: ["Swarm itself"]}
    for name in PORTS:
        text = site.text(name)
        if not text.isdigit():
            continue
        if not 0 < int(text) < 65536:
            yield Finding(name, f"{text} is no port.", "Use a number from 1 to 65535.")
            continue
        holders.setdefault(int(text), []).append(name)
    for port, names in holders.items():
        if len(names) > 1:
            yield Finding(
                listed(names),
                f"want the same port {port}.",
                "Give each its own.",
            )


# Hosts --------------------------------------------------------------------------------------------

PORTS = ("elk_elasticsearch_port", "logstash_port", "kibana_port", "swarm_listen_port")

MEMORY_OF = {
    "elasticsearch": "elasticsearch_memory",
    "logstash": "logstash_memory",
    "kibana": "kibana_memory",
}


@check("sizes")
def check_sizes(site: Site) -> Iterator[Finding]:
    bad: dict[tuple[str, str], list[str]] = {}
    for name in (*MEMORY_OF.values(), "elasticsearch_heap"):
        for host in site.members:
            value = site.declared(host, name)
            if value not in (None, "") and not parse_size(value):
                bad.setdefault((name, str(value)), []).append(host)
    for (name, value), hosts in bad.items():
        where = name if len(hosts) == len(site.members) else f"{name} of {listed(hosts)}"
        yield Finding(where, f"{value} is no size.", "Write it like 4g or 512m.")


@check("memory")
def check_memory(site: Site) -> Iterator[Finding]:
    reserved = parse_size(site.settings.get("preflight_memory_reserved") or "0") or 0
    logstash = site.placed("logstash")[: site.number("logstash_replicas")]
    kibana_fits = []
    kibana_hosts = [h for h in site.placed("kibana") if h in site.hosts and site.hosts[h].seen]
    for host in site.seen:
        total = int(host.survey.get("memory") or 0)
        if not total:
            continue
        parts = {
            MEMORY_OF[service]: parse_size(site.declared(host.name, MEMORY_OF[service]) or "0") or 0
            for service, places in (
                ("elasticsearch", site.placed("elasticsearch")),
                ("logstash", logstash),
            )
            if host.name in places
        }
        need = sum(parts.values())
        if need + reserved > total:
            sums = " + ".join(f"{name} {show_size(size)}" for name, size in parts.items())
            room = show_size(total - reserved - (need - parts.get("elasticsearch_memory", 0)))
            yield Finding(
                host.name,
                f"has {show_size(total)} of memory, of which {show_size(reserved)} is left to the "
                f"system, and is to run {sums}.",
                f"Set elasticsearch_memory for it to {room} or less, or move services away."
                if "elasticsearch_memory" in parts and room != "0m"
                else "Place fewer services on it, or give it more memory.",
            )
        elif host.name in kibana_hosts:
            kibana = parse_size(site.declared(host.name, "kibana_memory") or "0") or 0
            if need + kibana + reserved <= total:
                kibana_fits.append(host.name)
    wanted = 1 if site.number("kibana_replicas") else 0
    if site.settings.get("kibana_publish_mode") == "host":
        wanted = site.number("kibana_replicas")
    everything_seen = len(kibana_hosts) == len(site.placed("kibana"))
    if everything_seen and kibana_hosts and len(kibana_fits) < wanted:
        yield Finding(
            "kibana_memory",
            f"{site.settings.get('kibana_memory')} finds room beside the other services on "
            f"{plural(len(kibana_fits), 'host')} of the group kibana, and {wanted} "
            f"{'is' if wanted == 1 else 'are'} needed.",
            "Lower kibana_memory or elasticsearch_memory, or put a larger host into the group "
            "kibana.",
        )


@check("heap")
def check_heap(site: Site) -> Iterator[Finding]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for host in site.placed("elasticsearch"):
        heap_text = site.declared(host, "elasticsearch_heap")
        heap = parse_size(heap_text) if heap_text else None
        limit = parse_size(site.declared(host, "elasticsearch_memory") or "")
        if not heap:
            continue
        if heap > HEAP_MAX:
            wrong = f"{heap_text} is more than 31g, above which the JVM's pointers double in size."
            mend = "Set it to 31g or less, or leave it empty."
            found.setdefault(("elasticsearch_heap", wrong, mend), []).append(host)
        elif limit and heap * 2 > limit:
            wrong = (
                f"{heap_text} is more than half of elasticsearch_memory ({show_size(limit)}); "
                "the other half is for the JVM itself and the file system cache."
            )
            mend = f"Set it to {show_size(limit // 2)} or less, or leave it empty."
            found.setdefault(("elasticsearch_heap", wrong, mend), []).append(host)
    everywhere = len(site.placed("elasticsearch"))
    for (where, wrong, mend), hosts in found.items():
        place = where if len(hosts) == everywhere else f"{where} of {listed(hosts)}"
        yield Finding(place, wrong, mend)


@check("distribution")
def check_distribution(site: Site) -> Iterator[Finding]:
    for host in site.seen:
        release = host.survey.get("distribution") or {}
        name, version = str(release.get("id") or ""), str(release.get("version") or "")
        family = str(release.get("family") or "")
        key = family if family == "redhat" and name != "fedora" else name
        if key == "redhat":
            version = version.partition(".")[0]
        if version not in SUPPORTED.get(key, ()):
            yield Finding(
                host.name,
                f"runs {release.get('name') or 'an unknown distribution'}, for which the "
                "installation of Docker is not made.",
                "Use Debian 12 or 13, Ubuntu 22.04 or 24.04, or a RHEL-like 9 or 10; or install "
                "Docker yourself and set preflight_accept: [distribution].",
            )


@check("engine_source")
def check_engine_source(site: Site) -> Iterator[Finding]:
    for host in site.seen:
        family = (host.survey.get("distribution") or {}).get("family")
        source = site.declared(host.name, "docker_engine_source")
        named = site.declared(host.name, "docker_engine_distribution_packages")
        if family == "redhat" and source == "distribution" and not named:
            yield Finding(
                host.name,
                "docker_engine_source is distribution, but RHEL-like distributions carry no "
                "Docker Engine.",
                "Set docker_engine_source: docker_ce for it, or name the packages of a repository "
                "that the host has in docker_engine_distribution_packages.",
            )


@check("engine_version")
def check_engine_version(site: Site) -> Iterator[Finding]:
    oldest = ".".join(map(str, OLDEST_ENGINE))
    wanted = site.text("docker_engine_version")
    version = parse_version(wanted)
    # A pattern such as 20.* says less than the limit does.
    if version and version[:2] < OLDEST_ENGINE[: len(version)]:
        yield Finding(
            "docker_engine_version",
            f"{wanted} is older than {oldest}, the oldest Engine that is supported.",
            f"Use {oldest} or newer, or leave it empty.",
        )
    for host in site.seen:
        text = str(_docker(host).get("version") or "")
        version = parse_version(text)
        if version and version[:2] < OLDEST_ENGINE:
            yield Finding(
                host.name,
                f"has Docker {text}, and the oldest that is supported is {oldest}.",
                "Upgrade it there, or remove it and let this collection install one.",
            )
        asked = str(site.declared(host.name, "docker_engine_version") or "")
        wanted_here = parse_version(asked)
        # As far as both are named: 28.* is not older than 28.5.1.
        if (
            version
            and wanted_here
            and wanted_here < version[: len(wanted_here)]
            and not site.declared(host.name, "docker_engine_allow_downgrade")
        ):
            yield Finding(
                host.name,
                f"has Docker {text}, and docker_engine_version asks for {asked}, which is older.",
                "Correct docker_engine_version, or say docker_engine_allow_downgrade: true if you "
                "mean it.",
            )


@check("kernel")
def check_kernel(site: Site) -> Iterator[Finding]:
    options = site.settings.get("docker_engine_daemon_options") or {}
    driver = str(options.get("storage-driver") or "overlay2")
    wanted = [
        ("vxlan", "the kernel module vxlan", "overlay networks", "Use a kernel that has it."),
        (
            "memory_cgroup",
            "the kernel's control group for memory",
            "the services' memory limits",
            "Remove cgroup_disable=memory from the kernel's command line.",
        ),
    ]
    if driver == "overlay2":
        wanted.append(
            (
                "overlay",
                "the kernel's file system overlay",
                "Docker's images",
                "Use a kernel that has it, or name another storage-driver for Docker.",
            )
        )
    for feature, what, need, mend in wanted:
        # Null means that nothing tells, as inside a container.
        without = [
            h.name for h in site.seen if (h.survey.get("features") or {}).get(feature) is False
        ]
        if without:
            yield Finding(listed(without), f"lacks {what}, which {need} need.", mend)


@check("clock")
def check_clock(site: Site) -> Iterator[Finding]:
    off = {host.name: seconds for host in site.seen if (seconds := _clock_off(site, host))}
    if not off:
        return
    same_way = len({seconds > 0 for seconds in off.values()}) == 1
    if same_way and 1 < len(off) == len(site.seen):
        # Hosts that agree with each other are more likely to be right than one machine.
        least = min(off.values(), key=abs)
        way = "behind" if least > 0 else "ahead of"
        yield Finding(
            "this machine",
            f"its clock is {abs(least):.0f} s or more {way} that of every host, and the "
            "certificates it makes carry its time.",
            "Let chrony or systemd-timesyncd set it here.",
            warning=abs(least) <= CLOCK_LIMIT,
        )
        return
    for name, seconds in off.items():
        way = "ahead of" if seconds > 0 else "behind"
        yield Finding(
            name,
            f"its clock is {abs(seconds):.0f} s or more {way} this machine's.",
            "Let chrony or systemd-timesyncd set it: timedatectl set-ntp true.",
            warning=abs(seconds) <= CLOCK_LIMIT,
        )


def _clock_off(site: Site, host: Host) -> float:
    """Seconds that a host's clock is off for certain; 0 if it may be right.

    The host read its clock at some moment between this machine's sending of the question and the
    end of all questions. However long that took, a right clock shows a time between the two.
    """
    time, sent = _number(host.survey.get("time")), _number(host.declared.get("sent"))
    received = _number(site.settings.get("received"))
    if not (time and sent and received):
        return 0.0
    ahead, behind = time - received, time - sent
    off = ahead if ahead > 0 else min(behind, 0.0)
    return off if abs(off) > CLOCK_NOTICE else 0.0


@check("swap")
def check_swap(site: Site) -> Iterator[Finding]:
    """Elasticsearch waits for its heap while that is read back from a disk."""
    swapping = []
    for host in site.seen:
        wanted = site.declared(host.name, "host_tuning_swap")
        swappiness = _number(site.declared(host.name, "host_tuning_swappiness") or 0)
        # What the role is about to set counts as set.
        after = swappiness if swappiness >= 0 else _number(host.survey.get("swappiness"))
        on = wanted == "check" and int(host.survey.get("swap") or 0) > 0
        if on and after > 1 and host.name in site.placed("elasticsearch"):
            swapping.append(host.name)
    if swapping:
        yield Finding(
            "host_tuning_swap",
            f"{listed(swapping)} may swap Elasticsearch's heap to a disk (swap is on, and "
            "vm.swappiness above 1).",
            "Set host_tuning_swap: disabled, or host_tuning_swappiness: 1, or host_tuning_swap: "
            "keep to go on as it is.",
            warning=True,
        )


@check("time_sync")
def check_time_sync(site: Site) -> Iterator[Finding]:
    unset = []
    for host in site.seen:
        clock = host.survey.get("clock") or {}
        wanted = site.declared(host.name, "host_tuning_time_sync")
        family = (host.survey.get("distribution") or {}).get("family")
        if wanted == "timesyncd" and family == "redhat":
            yield Finding(
                host.name,
                "host_tuning_time_sync is timesyncd, which RHEL-like distributions do not carry.",
                "Set host_tuning_time_sync: chrony for it.",
            )
        if wanted == "check" and clock.get("is_set") is False and not clock.get("container"):
            unset.append(host.name)
    if unset:
        yield Finding(
            "host_tuning_time_sync",
            f"nothing sets the clock of {listed(unset)}, or has not yet: lines and certificates "
            "carry its time.",
            "Set host_tuning_time_sync: chrony, or keep if the machine around it sets the clock.",
            warning=True,
        )


@check("huge_pages")
def check_huge_pages(site: Site) -> Iterator[Finding]:
    always = [
        host.name
        for host in site.seen
        if site.declared(host.name, "host_tuning_transparent_huge_pages") == "check"
        and host.survey.get("transparent_huge_pages") == "always"
    ]
    if always:
        yield Finding(
            "host_tuning_transparent_huge_pages",
            f"{listed(always)} {'gives' if len(always) == 1 else 'give'} every process huge pages, "
            "asked for or not, so that containers use more memory than they need, up to their "
            "limit.",
            "Set it to madvise, or to keep to go on as it is.",
            warning=True,
        )


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


@check("ports")
def check_ports(site: Site) -> Iterator[Finding]:
    taken: dict[tuple[int, str, str], dict[str, list[str]]] = {}
    for host in site.seen:
        if _docker(host).get("silent"):
            # Whose ports these are only its daemon knows; that it is silent is told elsewhere.
            continue
        listeners = host.survey.get("listeners") or []
        for name, port, protocols in _wanted_ports(site, host):
            for entry in listeners:
                if entry.get("port") != port or entry.get("protocol") not in protocols:
                    continue
                process = str(entry.get("process") or "")
                if _is_docker(host, process):
                    continue
                hosts = taken.setdefault((port, name, process), {})
                seen = hosts.setdefault(host.name, [])
                if entry["protocol"] not in seen:
                    seen.append(str(entry["protocol"]))
    for (port, name, process), hosts in taken.items():
        kinds = sorted({protocol for found in hosts.values() for protocol in found})
        container = process in DOCKER_PROCESSES
        who = "a container outside of the swarm" if container else process or "an unknown process"
        other = "" if name == "Swarm" else f", or choose another {name}"
        yield Finding(
            listed(list(hosts)),
            f"port {port}/{' and '.join(kinds)} ({name}) is taken by {who}.",
            f"Stop it there (ss -lntup 'sport = :{port}' shows it){other}.",
        )


def _wanted_ports(site: Site, host: Host) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """What this host has to have free: the variable, the port, the protocols."""
    if host.name in site.placed("elasticsearch"):
        yield "elk_elasticsearch_port", site.number("elk_elasticsearch_port"), ("tcp",)
    for service, protocols in (("logstash", ("tcp", "udp")), ("kibana", ("tcp",))):
        places = site.placed(service)
        if site.text(f"{service}_publish_mode") == "ingress":
            # The routing mesh answers on every member.
            places = site.members
        elif service == "logstash":
            places = places[: site.number("logstash_replicas")]
        if host.name in places:
            yield f"{service}_port", site.number(f"{service}_port"), protocols
    if not _is_member(host):
        if host.name in site.managers:
            yield "swarm_listen_port", site.number("swarm_listen_port"), ("tcp",)
        yield "Swarm", GOSSIP_PORT, ("tcp", "udp")


def _is_docker(host: Host, process: str) -> bool:
    """Whether a port may be held by the platform itself; a swarm member's Docker serves it."""
    return _is_member(host) and (process in DOCKER_PROCESSES or not process)


def _docker(host: Host) -> Mapping[str, Any]:
    return host.survey.get("docker") or {}


def _swarm(host: Host) -> Mapping[str, Any]:
    return _docker(host).get("swarm") or {}


def _is_member(host: Host) -> bool:
    """Whether the host is of a swarm, also while it looks for the other managers (pending)."""
    return _swarm(host).get("state", "inactive") not in ("", "inactive")


@check("disk")
def check_disk(site: Site) -> Iterator[Finding]:
    folder = site.text("elk_data_dir")
    least = int(_number(site.settings.get("storage_min_free_gb")) * GIB)
    watched = not any(
        name.startswith(WATERMARK_SETTINGS) for name in site.texts("elasticsearch_setting_names")
    )
    for host in site.seen:
        elasticsearch = _binds(site, host, "elasticsearch")
        if not elasticsearch and not _binds(site, host, "logstash"):
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


def _binds(site: Site, host: Host, service: str) -> bool:
    """Whether a service may run on a host and has its data in a directory of it."""
    return host.name in site.placed(service) and _storage(host, service).get("kind") == "bind"


def _storage(host: Host, service: str) -> Mapping[str, Any]:
    """What may be told of where a service has its data."""
    found: Mapping[str, Any] = (host.declared.get("storage") or {}).get(service) or BIND
    return found


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
            told = _storage(host, service)
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
            told = _storage(host, service)
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
        for told in _storage(host, service).get("problems") or []:
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
        elif disk.get("empty") is False and _binds(site, host, "elasticsearch"):
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


@check("daemon")
def check_daemon(site: Site) -> Iterator[Finding]:
    """A daemon that is not believed to be none, or a member of the swarm would be set up anew."""
    for host in site.seen:
        if _docker(host).get("silent"):
            yield Finding(
                host.name,
                "its Docker daemon lives and does not answer.",
                "See what it does (journalctl -u docker), and restart it there when it hangs "
                "(systemctl restart docker).",
            )


@check("membership")
def check_membership(site: Site) -> Iterator[Finding]:
    """What each host says of its own swarm; the swarm's managers know more, and are asked later."""
    active = {h.name: _swarm(h) for h in site.seen if _swarm(h).get("state") == "active"}
    clusters: dict[str, list[str]] = {}
    for host in site.seen:
        swarm = _swarm(host)
        if swarm.get("state") in ("locked", "error"):
            yield Finding(
                host.name,
                f"its Docker cannot take part in its swarm ({swarm['state']}"
                f"{': ' + str(swarm['error']) if swarm.get('error') else ''}).",
                "Unlock it (docker swarm unlock), or have it leave (docker swarm leave --force).",
            )
    for name, swarm in active.items():
        declared = "manager" if name in site.managers else "worker"
        present = "manager" if swarm.get("manager") else "worker"
        if swarm.get("cluster_id"):
            clusters.setdefault(str(swarm["cluster_id"]), []).append(name)
        if declared != present:
            change = "promote" if declared == "manager" else "demote"
            yield Finding(
                name,
                f"is a {present} of a swarm, and the inventory has it as {declared}.",
                f"Put it into swarm_{present}s, or run docker node {change} on a manager.",
            )
    if len(clusters) > 1:
        parts = [f"{cluster} ({listed(hosts)})" for cluster, hosts in clusters.items()]
        yield Finding(
            "group swarm_managers",
            f"the hosts are managers of different swarms: {'; '.join(parts)}.",
            "Take out the hosts that are not of this platform, or have them leave their swarm: "
            "docker swarm leave --force.",
        )
    if all(name in site.hosts and site.hosts[name].seen for name in site.managers):
        ours = {str(active[name].get("node_id")) for name in site.managers if name in active}
        for name, swarm in active.items():
            peers = set(swarm.get("managers") or [])
            if not swarm.get("manager") and peers and not peers & ours:
                yield Finding(
                    name,
                    "is a worker of a swarm that no manager of this inventory is in.",
                    "Take it out of the inventory, or have it leave: docker swarm leave --force.",
                )


@check("live_restore")
def check_live_restore(site: Site) -> Iterator[Finding]:
    options = site.settings.get("docker_engine_daemon_options") or {}
    if options.get("live-restore"):
        yield Finding(
            "docker_engine_daemon_options",
            "live-restore excludes swarm mode: Docker refuses the two together.",
            "Remove live-restore.",
        )


# The controller -----------------------------------------------------------------------------------


@check("local_dir")
def check_local_dir(site: Site) -> Iterator[Finding]:
    local = site.local_dir
    if local is None:
        return
    if not local.path.startswith("/"):
        yield Finding(
            "elk_local_dir",
            f"{local.path} is no absolute path, and each program would look for it elsewhere.",
            "Write it from the root on, for example /secure/elk.",
            final=True,
        )
    elif local.reader:
        then = f", and set elk_local_dir: {local.better}" if local.given else ""
        yield Finding(
            "elk_local_dir",
            f"{local.path} lies in the inventory {local.reader}, which reads every file in it: "
            "passwords and keys would become names of hosts.",
            f"Move it: mv {shlex.quote(local.path)} {shlex.quote(local.better)}{then}.",
            final=True,
        )


def _check_secret(name: str) -> Check:
    """The blockers of one name. Most may be accepted one by one, to make a new secret."""

    def of_name(site: Site) -> Iterator[Finding]:
        for found in site.blockers:
            if found.name == name:
                yield Finding(found.where, found.wrong, found.remedy, final=found.final)

    return of_name


for _name in BLOCKERS:
    check(_name)(_check_secret(_name))

# Those that compare what the controller holds, and need nothing else of the hosts.
CONTROLLER_CHECKS = ("local_dir", *BLOCKERS)


# The run ------------------------------------------------------------------------------------------


def examine(site: Site, accepted: Sequence[str] = (), only: Sequence[str] = ()) -> list[Finding]:
    """Run every check, or only some, and give all findings in the order of the checks."""
    findings: list[Finding] = []
    for name, function in CHECKS.items():
        if only and name not in only:
            continue
        try:
            told = list(function(site))
        except (AttributeError, TypeError, ValueError):
            # What has the wrong kind cannot be judged further. When nobody said so, it is our bug.
            if not any(found.check == "kinds" for found in findings):
                raise
            continue
        for found in told:
            findings.append(
                Finding(
                    where=found.where,
                    wrong=found.wrong,
                    mend=found.mend,
                    warning=found.warning or (name in accepted and not found.final),
                    check=name,
                    final=found.final,
                )
            )
    findings += [
        Finding(
            "preflight_accept",
            f"{name} is no check.",
            f"Use one of: {listed(sorted(CHECKS))}.",
            check="accept",
        )
        for name in accepted
        if name not in CHECKS
    ]
    return findings


def report(problems: Sequence[Finding]) -> str:
    """All problems as a numbered list for a person."""
    counts = Counter(problem.check for problem in problems)
    lines = [f"{plural(len(problems), 'problem')} to mend before anything is changed:"]
    for number, problem in enumerate(problems, start=1):
        lines.append(f"  {number}. {problem.where}: {problem.wrong}")
        lines.append(f"     Mend: {problem.mend}")
    lines.append(f"Checks that failed: {listed(sorted(counts))}.")
    return "\n".join(lines)
