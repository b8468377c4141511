# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The swarm membership of each host, and the steps until all hosts are in one swarm.

A worker does not know the id of its swarm. It is in our swarm if the manager's list of nodes
contains its node id.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Protocol

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    EngineAwayError,
    EngineError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MANAGER = "manager"
WORKER = "worker"

INIT = "init"
JOIN = "join"
NOTHING = "nothing"

# The states that a daemon reports, and "absent" for a host without a daemon.
ABSENT = "absent"
INACTIVE = "inactive"
PENDING = "pending"
ACTIVE = "active"
ERROR = "error"
LOCKED = "locked"

_QUORUM_REMEDY = (
    "Bring back enough of the other managers ({others}); the swarm then recovers automatically."
    " Only if they are lost for good, or you cannot wait for them: run"
    " playbooks/recover_quorum.yml with their names, -e swarm_lost=HOST,HOST. It makes a remaining"
    " manager the only one, and keeps services, networks and labels"
)


@dataclass(frozen=True)
class Member:
    """The facts that one host's daemon reports about its swarm."""

    state: str = ABSENT
    node_id: str = ""
    node_address: str = ""
    manager: bool = False
    cluster_id: str = ""
    error: str = ""
    # Addresses (host:port) of the managers that this node knows.
    remote_managers: tuple[str, ...] = ()
    # Node id -> role, only from a manager that can reach a majority.
    nodes: dict[str, str] = field(default_factory=dict)

    @property
    def in_swarm(self) -> bool:
        """Whether the host belongs to any swarm, even to one without a quorum."""
        return self.state not in (ABSENT, INACTIVE)

    @property
    def unsettled(self) -> bool:
        """Whether waiting may help: the daemon has just started, or managers elect a leader."""
        return self.state == PENDING or (self.state == ACTIVE and self.manager and not self.quorum)

    @property
    def quorum(self) -> bool:
        """Whether this is a manager that can read and change its swarm."""
        return self.state == ACTIVE and self.manager and bool(self.cluster_id) and bool(self.nodes)

    def as_dict(self) -> dict[str, Any]:
        """The return value of a module."""
        data = asdict(self)
        data["remote_managers"] = list(self.remote_managers)
        data["quorum"] = self.quorum
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Member:
        """Read the result of :meth:`as_dict`."""
        return cls(
            state=str(data.get("state") or ABSENT),
            node_id=str(data.get("node_id") or ""),
            node_address=str(data.get("node_address") or ""),
            manager=bool(data.get("manager")),
            cluster_id=str(data.get("cluster_id") or ""),
            error=str(data.get("error") or ""),
            remote_managers=tuple(str(one) for one in data.get("remote_managers") or ()),
            nodes={str(key): str(value) for key, value in (data.get("nodes") or {}).items()},
        )


def read_member(
    info: Mapping[str, Any],
    nodes: Iterable[Mapping[str, Any]] | None = None,
    nodes_error: str = "",
) -> Member:
    """Turn the answers of ``/info`` and, from a manager, ``/nodes`` into a :class:`Member`."""
    swarm = info.get("Swarm") or {}
    cluster = swarm.get("Cluster") or {}
    return Member(
        state=str(swarm.get("LocalNodeState") or INACTIVE),
        node_id=str(swarm.get("NodeID") or ""),
        node_address=str(swarm.get("NodeAddr") or ""),
        manager=bool(swarm.get("ControlAvailable")),
        cluster_id=str(cluster.get("ID") or ""),
        error=nodes_error or str(swarm.get("Error") or ""),
        remote_managers=tuple(
            sorted(str(one.get("Addr")) for one in swarm.get("RemoteManagers") or [])
        ),
        nodes={
            str(node["ID"]): str((node.get("Spec") or {}).get("Role") or "") for node in nodes or []
        },
    )


@dataclass(frozen=True)
class Host:
    """One host of the inventory. ``found`` is ``None`` if this run has no facts of it."""

    name: str
    role: str
    found: Member | None = None
    advertise_address: str = ""


def hosts_of(results: Mapping[str, Any], managers: Iterable[str]) -> list[Host]:
    """The hosts, each with the result of M(elk.swarm.swarm_member_info), if there is one."""
    manager_names = set(managers)
    return [
        Host(
            name,
            MANAGER if name in manager_names else WORKER,
            Member.from_dict(result["member"])
            if isinstance(result, Mapping) and "member" in result
            else None,
        )
        for name, result in results.items()
    ]


@dataclass(frozen=True)
class Plan:
    """The step of every host, or the blockers that forbid every step."""

    steps: dict[str, str] = field(default_factory=dict)
    # The manager through which the others join: an existing one, or the host that starts the swarm.
    source: str = ""
    cluster_id: str = ""
    blockers: tuple[str, ...] = ()

    @property
    def pending(self) -> list[str]:
        """Hosts that are not yet in the swarm."""
        return [name for name, step in self.steps.items() if step != NOTHING]

    def as_dict(self) -> dict[str, Any]:
        """The return value of the filter."""
        return {
            "steps": dict(self.steps),
            "source": self.source,
            "cluster_id": self.cluster_id,
            "errors": list(self.blockers),
            "pending": self.pending,
        }


def plan_swarm(hosts: Sequence[Host], accept_even_managers: bool = False) -> Plan:
    """Plan for all hosts at once; the plan names all blockers, not only the first."""
    managers = [host for host in hosts if host.role == MANAGER]
    if not managers:
        return Plan(blockers=("swarm_managers: the group is empty. Put at least one host in it.",))

    blockers: list[str] = []
    if len(managers) % 2 == 0 and not accept_even_managers:
        blockers.append(
            f"swarm_managers: {len(managers)} managers tolerate the loss of no more hosts than"
            f" {len(managers) - 1} do. Use an odd number, or set swarm_accept_even_managers: true."
        )

    broken = [text for host in hosts if (text := _broken(host))]
    blockers.extend(broken)

    with_quorum = [host for host in hosts if host.found is not None and host.found.quorum]
    # The swarm of the first manager in the inventory counts.
    with_quorum.sort(key=lambda host: host.role != MANAGER)
    if with_quorum:
        return _plan_existing(hosts, with_quorum, blockers)
    return _plan_new(hosts, managers, blockers, certain=not broken)


def _plan_existing(hosts: Sequence[Host], with_quorum: Sequence[Host], blockers: list[str]) -> Plan:
    source = with_quorum[0]
    if source.found is None:
        raise ValueError(f"{source.name} manages a swarm, but its facts are missing")
    cluster_id = source.found.cluster_id
    known = source.found.nodes
    steps: dict[str, str] = {}
    for host in hosts:
        found = host.found
        if found is None or found.state in (ERROR, LOCKED, PENDING):
            continue
        if not found.in_swarm:
            steps[host.name] = JOIN
            continue
        if found.cluster_id and found.cluster_id != cluster_id:
            blockers.append(
                f"{host.name}: is a manager of another swarm (cluster {found.cluster_id};"
                f" {source.name} is in {cluster_id}). If it should be in this one, run"
                f" 'docker swarm leave --force' on {host.name} and run this again."
            )
            continue
        if found.node_id not in known:
            if not _no_quorum(found):
                blockers.append(_in_other_swarm(host, found, f"that {source.name} manages"))
            continue
        if known[found.node_id] != host.role:
            blockers.append(_wrong_role(host, known[found.node_id], source.name))
            continue
        steps[host.name] = NOTHING
    return Plan(steps, source.name, cluster_id, tuple(blockers))


def _plan_new(
    hosts: Sequence[Host], managers: Sequence[Host], blockers: list[str], certain: bool
) -> Plan:
    unseen = [host.name for host in managers if host.found is None]
    if certain and unseen:
        certain = False
        blockers.append(
            f"swarm_managers: no manager that this run can see is in a swarm, and it cannot see"
            f" {', '.join(unseen)}. A second swarm that is started by mistake cannot be undone: run"
            " this again without --limit, and with all managers reachable."
        )
    for host in hosts:
        found = host.found
        # If a manager cannot list its nodes, a worker may be one of them.
        if certain and found is not None and found.state == ACTIVE and not found.manager:
            blockers.append(_in_other_swarm(host, found, "of any manager in this inventory"))
    if blockers:
        return Plan(blockers=tuple(blockers))
    first = managers[0]
    steps = {host.name: JOIN for host in hosts if host.found is not None}
    steps[first.name] = INIT
    return Plan(steps, first.name)


def _no_quorum(found: Member) -> bool:
    return found.state == ACTIVE and found.manager and not found.quorum


def _broken(host: Host) -> str:
    """The fault of a host that prevents a plan, with its remedy; empty if there is none."""
    found = host.found
    if found is None:
        return ""
    own = found.node_address
    others = (
        ", ".join(one for one in found.remote_managers if with_port(one, 0) != own)
        or "not known to this host"
    )
    if _no_quorum(found):
        return (
            f"{host.name}: is a manager that cannot reach a majority of the managers of its swarm"
            f" ({found.error or 'it has no leader'}), so nothing can be changed; running tasks go"
            f" on. {_QUORUM_REMEDY.format(others=others)}."
        )
    if found.state == PENDING and host.role == MANAGER and found.node_id:
        return (
            f"{host.name}: belongs to a swarm and waits for a majority of its managers"
            f" ({found.error or 'state pending'})."
            f" {_QUORUM_REMEDY.format(others=others)}."
        )
    if found.state == PENDING:
        return (
            f"{host.name}: waits to be accepted by the managers of a swarm ({others}). Make them"
            f" reachable on their swarm port, or run 'docker swarm leave --force' on {host.name}"
            " and run this again."
        )
    if found.state == LOCKED:
        return (
            f"{host.name}: its swarm is locked. Run 'docker swarm unlock' on {host.name} with the"
            " unlock key and run this again."
        )
    if found.state == ERROR:
        return (
            f"{host.name}: Docker's swarm mode is in error: {found.error or 'no reason given'}."
            f" Fix that, or run 'docker swarm leave --force' on {host.name} (it then joins again),"
            " and run this again."
        )
    return ""


def _in_other_swarm(host: Host, found: Member, which: str) -> str:
    managers = ", ".join(found.remote_managers) or "not known"
    return (
        f"{host.name}: is in a swarm (node {found.node_id}, managers {managers}) that is not the"
        f" one {which}, or was removed from it. If it should be in this one, run"
        f" 'docker swarm leave' on {host.name} and run this again; if its own swarm is the right"
        " one, put its managers into the group swarm_managers."
    )


def _wrong_role(host: Host, actual: str, source: str) -> str:
    verb = "promote" if host.role == MANAGER else "demote"
    return (
        f"{host.name}: is a {actual} in the swarm and a {host.role} in the inventory. Run"
        f" 'docker node {verb} {host.found.node_id if host.found else host.name}' on {source}, or"
        f" move the host to the group swarm_{actual}s."
    )


def join_blocker(found: Member, cluster_id: str) -> str:
    """Why a host must not join ``cluster_id``; empty if it may.

    The module checks this again, because the host may have changed since it was planned.
    """
    if not found.in_swarm or found.state == PENDING:
        return ""
    if found.state != ACTIVE:
        return f"the host's swarm mode is in state {found.state} ({found.error or 'no reason'})"
    if found.manager and found.cluster_id and cluster_id and found.cluster_id != cluster_id:
        return (
            f"the host is a manager of another swarm (cluster {found.cluster_id}, expected"
            f" {cluster_id}). Run 'docker swarm leave --force' on it first"
        )
    return ""


def confirmed(found: Member, role: str, cluster_id: str) -> tuple[bool, str]:
    """Whether a join is complete, and if not, what is missing."""
    if found.state != ACTIVE:
        return False, f"swarm mode is {found.state}" + (f": {found.error}" if found.error else "")
    if role == WORKER:
        return True, ""
    if not found.manager:
        return False, "the daemon is a member but not yet a manager"
    if not found.quorum:
        return False, found.error or "the new manager sees no leader yet"
    if cluster_id and found.cluster_id != cluster_id:
        return False, f"it is in cluster {found.cluster_id}, expected {cluster_id}"
    return True, ""


def same_swarm(found: Member, role: str, remote_addresses: Sequence[str]) -> str:
    """Why an existing membership is not the desired one; empty if it is.

    A worker knows only the addresses of its managers, not the id of its swarm.
    """
    if found.manager and not found.quorum:
        return (
            "the host is a manager that cannot reach a majority of the managers of its swarm"
            f" ({found.error or 'it has no leader'})"
        )
    actual = MANAGER if found.manager else WORKER
    if actual != role:
        return f"the host is already in a swarm, as a {actual}, but the task asks for a {role}"
    if role == WORKER and not {with_port(one, 0) for one in found.remote_managers} & {
        with_port(one, 0) for one in remote_addresses
    }:
        return (
            "the host is in a swarm whose managers are"
            f" {', '.join(found.remote_managers) or 'not known'}, none of which the task names."
            " Run 'docker swarm leave' on it first"
        )
    return ""


def with_port(address: str, port: int) -> str:
    """``host:port``; a port in the address itself wins. With ``port=0``, only the host."""
    host, own = address, 0
    if address.startswith("["):
        host, _bracket, rest = address[1:].partition("]")
        own = int(rest[1:]) if rest[1:].isdigit() else 0
    elif address.count(":") == 1:
        host, _colon, rest = address.partition(":")
        own = int(rest) if rest.isdigit() else 0
    if not port:
        return host
    return f"[{host}]:{own or port}" if ":" in host else f"{host}:{own or port}"


def resolve_address(
    text: str,
    interfaces: Iterable[str] | None = None,
    resolve: Callable[[str], str] = socket.gethostbyname,
) -> str:
    """Resolve a name to an address for Docker; keep an address or an interface."""
    try:
        ipaddress.ip_address(text)
        return text
    except ValueError:
        pass
    if interfaces is None:
        interfaces = [name for _index, name in socket.if_nameindex()]
    if text in interfaces:
        return text
    try:
        address = resolve(text)
    except (OSError, ValueError, TypeError) as exc:
        raise ValueError(
            f"{text!r} is neither an IP address nor a network interface of this host, and does"
            f" not resolve ({exc}). Set swarm_advertise_address (or ansible_host) to an IP address."
        ) from exc
    if ipaddress.ip_address(address).is_loopback:
        raise ValueError(
            f"{text!r} resolves to {address} on this host, which no other host can reach. Set"
            " swarm_advertise_address (or ansible_host) to an IP address or a network interface."
        )
    return address


def recovery_blocker(found: Member) -> str:
    """Why a host must not become the only manager of its swarm; empty if it may."""
    if found.quorum:
        return ""
    if not found.in_swarm:
        return "the host is in no swarm"
    if found.state == ACTIVE and not found.manager:
        return "the host is a worker, and only a manager has the swarm's services"
    if found.state in (ERROR, LOCKED):
        return f"the host's swarm mode is in state {found.state} ({found.error or 'no reason'})"
    return ""


def init_body(params: Mapping[str, Any], addresses: Mapping[str, str]) -> dict[str, Any]:
    """The request that starts a swarm, or recovers one."""
    body: dict[str, Any] = {
        "ListenAddr": f"0.0.0.0:{params['listen_port']}",
        "AdvertiseAddr": addresses["advertise_address"],
        "DataPathAddr": addresses["data_path_address"],
        "DataPathPort": params["data_path_port"],
        "Availability": params["availability"],
        # Rebuilds the quorum from this manager and keeps its services and nodes.
        "ForceNewCluster": params["action"] == "recover",
        "Spec": {},
    }
    if params["default_address_pools"]:
        body["DefaultAddrPool"] = list(params["default_address_pools"])
        body["SubnetSize"] = params["default_subnet_size"]
    return body


def join_body(params: Mapping[str, Any], addresses: Mapping[str, str]) -> dict[str, Any]:
    """The request that joins a swarm."""
    return {
        "ListenAddr": f"0.0.0.0:{params['listen_port']}",
        "AdvertiseAddr": addresses["advertise_address"],
        "DataPathAddr": addresses["data_path_address"],
        "Availability": params["availability"],
        "JoinToken": params["join_token"] or "",
        "RemoteAddrs": [
            with_port(one, params["listen_port"]) for one in params["remote_addresses"]
        ],
    }


class Reader(Protocol):
    """The part of an Engine that :func:`look` needs."""

    def request(self, method: str, path: str) -> Any:
        """Send one request and return the answer."""


def look(engine: Reader) -> Member:
    """Ask a daemon about its swarm."""
    info = engine.request("GET", "/info")
    member = read_member(info)
    if member.state != ACTIVE or not member.manager:
        return member
    try:
        return read_member(info, engine.request("GET", "/nodes"))
    except EngineAwayError:
        raise
    except EngineError as exc:
        # A manager without a majority answers /nodes with an error.
        return read_member(info, nodes_error=exc.detail or str(exc))
