# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of an inventory and its hosts, all of them in one go, before anything is changed.

A check is a generator of findings over a Site, registered under a name with @check. It yields what
is wrong and how to mend it, and leaves it to others to judge what they judge: a value that another
check already calls unreadable is passed over.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

GIB = 1 << 30
MIB = 1 << 20

# Above this the JVM loses compressed object pointers and a bigger heap holds less.
HEAP_MAX = 31 * GIB

# Docker's own first choice for the ingress network when no pool is configured.
DEFAULT_INGRESS = "10.0.0.0/24"

SUPPORTED = {
    "debian": ("12", "13"),
    "ubuntu": ("22.04", "24.04"),
    "redhat": ("9", "10"),
}

MASTER_ROLE = "master"
VOTING_ONLY = "voting_only"

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


@dataclass(frozen=True)
class Finding:
    """One thing to mend, or to know."""

    where: str
    wrong: str
    mend: str
    warning: bool = False
    check: str = ""

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
class Site:
    """Everything the checks may look at."""

    groups: Mapping[str, Sequence[str]]
    hosts: Mapping[str, Host]
    settings: Mapping[str, Any]

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


# Services -----------------------------------------------------------------------------------------


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
    return [MASTER_ROLE] if roles is None else [str(role) for role in roles]


# Hosts --------------------------------------------------------------------------------------------

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
        if family == "redhat" and source == "distribution":
            yield Finding(
                host.name,
                "docker_engine_source is distribution, but RHEL-like distributions carry no "
                "Docker Engine.",
                "Set docker_engine_source: docker_ce for it.",
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


# The run ------------------------------------------------------------------------------------------


def examine(site: Site, accepted: Sequence[str] = ()) -> list[Finding]:
    """Run every check and give all findings, in the order of the checks."""
    findings: list[Finding] = []
    for name, function in CHECKS.items():
        for found in function(site):
            findings.append(
                Finding(
                    where=found.where,
                    wrong=found.wrong,
                    mend=found.mend,
                    warning=found.warning or name in accepted,
                    check=name,
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
