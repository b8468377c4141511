# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans which hosts are new, and the steps that remove or replace a host, with their blockers.

Each step follows from the present state of the swarm, the cluster and the host. So the same command
continues a run that was killed, and does nothing when the host is out already.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.leftovers import (
    Leftovers,
    leftovers_of,
    voting_blockers,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.roll_state import TIERS
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.watermarks import must_be_free
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    REPLICATED,
    Service,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# A node with the role "data" belongs to every tier.
GENERIC = "data"
MANAGER = "manager"
READY = "ready"
DOWN = "down"
REACHABLE = "reachable"

NO_CLUSTER = "No cluster answers, so it is not known what would be lost"

DRAIN, VOTE, DEMOTE, STOP, QUIT, EXPEL, CLEAR = STEPS = (
    "drain",
    "vote",
    "demote",
    "stop",
    "leave",
    "expel",
    "clear",
)
DESCRIPTIONS = {
    DRAIN: "its shards move to the other nodes",
    VOTE: "it is excluded from voting for the master",
    DEMOTE: "it becomes a worker of the swarm",
    STOP: "its Elasticsearch node stops",
    QUIT: "it leaves the swarm",
    EXPEL: "it is removed from the node list of the swarm",
    CLEAR: "the exclusions of its shards and its vote are removed",
}


@dataclass(frozen=True)
class RemovedHost:
    """The host to remove."""

    host: str
    # Its name in the swarm and in the cluster.
    node: str
    # Its node id in the swarm, as its own Docker reports it; empty if it is in no swarm.
    id: str = ""


@dataclass(frozen=True)
class Swarm:
    """The nodes of the swarm, as a remaining manager lists them."""

    nodes: Sequence[Mapping[str, Any]] = ()
    accept_even_managers: bool = False

    def of(self, target: RemovedHost) -> list[Mapping[str, Any]]:
        """The host's node; if it has left already, all its nodes by name."""
        mine = [node for node in self.nodes if target.id and node.get("id") == target.id]
        return mine or [
            node
            for node in self.nodes
            if node.get("name") == target.node and (not target.id or node.get("state") != READY)
        ]


@dataclass(frozen=True)
class Inventory:
    """What the inventory says of services and hosts."""

    services: Sequence[Service] = ()
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # All hosts of the platform.
    hosts: Sequence[str] = ()


@dataclass(frozen=True)
class Cluster:
    """The cluster, as M(elk.swarm.elasticsearch_placement) returns it."""

    formed: bool = False
    problem: str = ""
    status: str = ""
    nodes: Sequence[Mapping[str, Any]] = ()
    copies: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    watermarks: Mapping[str, str] = field(default_factory=dict)
    voting: Sequence[str] = ()
    excluded: Sequence[Mapping[str, str]] = ()

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Cluster:
        return cls(**{key: facts[key] for key in cls.__dataclass_fields__ if key in facts})

    def of(self, name: str) -> Mapping[str, Any]:
        return next((node for node in self.nodes if node["name"] == name), {})

    @property
    def leftovers(self) -> Leftovers:
        return leftovers_of(self.settings)


def room_on(node: Mapping[str, Any], watermarks: Mapping[str, str]) -> int:
    """Bytes that a node may still take: none past the low watermark, else up to the high one."""
    total, free = int(node["total"]), int(node["free"])

    def reserved(name: str, default: str) -> int:
        headroom = watermarks.get(f"{name}.max_headroom", "-1")
        return must_be_free(watermarks.get(name) or default, headroom, total)

    return 0 if free < reserved("low", "85%") else max(0, free - reserved("high", "90%"))


def tiers_of(node: Mapping[str, Any]) -> set[str]:
    roles = set(node.get("roles") or ())
    return set(TIERS) if GENERIC in roles else roles & set(TIERS)


def _shard_blockers(
    here: Mapping[str, Any], rest: Sequence[Mapping[str, Any]], cluster: Cluster
) -> list[str]:
    """Whether the other nodes can take the shards of this one."""
    mine = tiers_of(here)
    takers = [node for node in rest if tiers_of(node) & mine]
    if not mine:
        return []
    if not takers:
        tiers = ", ".join(sorted(mine))
        why = f"{here['name']} is the last node for data ({tiers}): no other could take its shards"
        return [f"{why}. Add a host first (playbooks/add_host.yml)"]
    blockers = []
    wide = {name: copies for name, copies in cluster.copies.items() if copies > len(takers)}
    if wide:
        most = max(wide.values())
        blockers.append(
            f"{len(takers)} node(s) for data would be left, and {', '.join(sorted(wide)[:5])} has "
            f"{most} copies of each shard, each of which needs its own node. Add a host first, "
            f"or lower number_of_replicas to {len(takers) - 1}"
        )
    rooms = [room_on(node, cluster.watermarks) for node in takers]
    need, largest = int(here["bytes"]), int(here["largest"])
    if sum(rooms) < need or max(rooms) < largest:
        blockers.append(
            f"The disks of {', '.join(str(node['name']) for node in takers)} have "
            f"{sum(rooms) >> 20} MiB of room below the high watermark, {here['name']} holds "
            f"{need >> 20} MiB in {here['shards']} shard(s), the largest of {largest >> 20} MiB. "
            "Delete indices, or add disk or a host first"
        )
    return blockers


def _identity_blockers(target: RemovedHost, swarm: Swarm, ids: Mapping[str, str]) -> list[str]:
    """Check the id that the host reports: a host could name another node to get that removed."""
    if not target.id:
        return []
    blockers = [
        f"{target.host} and {host} both report the swarm node id {target.id}. One of the two is "
        "wrong: compare docker info on both"
        for host, own in ids.items()
        if own == target.id and host != target.host
    ]
    name = next((str(node["name"]) for node in swarm.nodes if node["id"] == target.id), "")
    if name and name != target.node:
        blockers.append(
            f"{target.host} is called {target.node} and reports the swarm node id {target.id}, "
            f"which belongs to {name}. Check docker info and hostname there; the swarm learns of a "
            "changed name when Docker restarts"
        )
    return blockers


def _setting_blockers(name: str, cluster: Cluster) -> list[str]:
    """Settings that a person or an interrupted run has left."""
    found = cluster.leftovers
    return (
        found.removal_blockers(name)
        + found.move_blockers()
        + found.exclusion_blockers()
        + found.restriction_blockers()
        + voting_blockers([one["name"] for one in cluster.excluded if one["name"] != name])
    )


def _cluster_blockers(target: RemovedHost, swarm: Swarm, cluster: Cluster) -> list[str]:
    if not cluster.formed:
        return [f"{NO_CLUSTER}. {cluster.problem}"]
    here = cluster.of(target.node)
    blockers = _setting_blockers(target.node, cluster)
    if not here:
        return blockers
    if cluster.status != "green":
        blockers.append(
            f"The cluster is {cluster.status}: some copies of shards are missing. Wait until it is "
            "green; GET _cluster/allocation/explain names the cause"
        )
    names = {node["name"] for node in cluster.nodes}
    absent = [
        str(node["name"])
        for node in swarm.nodes
        if node.get("labels", {}).get(label_names.GENERATION, label_names.HOLD) != label_names.HOLD
        and node["name"] not in names
    ]
    if absent:
        blockers.append(f"{', '.join(absent)} is not in the cluster. Bring it back first")
    rest = [node for node in cluster.nodes if node["name"] != target.node]
    if "master" in here["roles"] and not any("master" in node["roles"] for node in rest):
        blockers.append(
            f"{target.node} is the last node that may become master. Give another node the role"
        )
    return blockers + _shard_blockers(here, rest, cluster)


def _manager_blockers(target: RemovedHost, swarm: Swarm) -> list[str]:
    own = {node["id"] for node in swarm.of(target) if node["role"] == MANAGER}
    if not own:
        return []
    rest = [node for node in swarm.nodes if node["role"] == MANAGER and node["id"] not in own]
    if not rest:
        return [f"{target.host} is the last manager of the swarm. Make another host a manager"]
    blockers = []
    healthy = [node for node in rest if node.get("reachability") == REACHABLE]
    if len(healthy) * 2 <= len(rest):
        blockers.append(
            f"Of the {len(rest)} managers that would be left only {len(healthy)} can be reached, "
            "which is no majority. Bring the others back first"
        )
    if len(rest) % 2 == 0 and not swarm.accept_even_managers:
        blockers.append(
            f"{len(rest)} managers would be left, which bear the loss of no more hosts than "
            f"{len(rest) - 1} do. Remove or add another manager soon, and set "
            "swarm_accept_even_managers: true until then"
        )
    return blockers


def _service_blockers(target: RemovedHost, inventory: Inventory) -> list[str]:
    """Services with too few hosts. What runs once on each host has no number of tasks to keep."""
    blockers = []
    for service in inventory.services:
        left = [host for host in service.hosts if host != target.host]
        need = service.replicas if service.one_per_host else min(1, service.replicas)
        # By default each host runs one task, so without a host replicas is 0.
        if (
            service.kind == REPLICATED
            and target.host in service.places(inventory.groups, inventory.hosts)
            and len(left) < max(1, need)
        ):
            blockers.append(
                f"{service.title} should run {service.replicas} task(s), and without {target.host} "
                f"{len(left)} host(s) may run it. Add a host to the group {service.group}, or "
                f"lower {service.name}_replicas"
            )
    return blockers


def steps_of(target: RemovedHost, swarm: Swarm, cluster: Cluster) -> list[str]:
    """The steps that remain, in order."""
    nodes, here = swarm.of(target), cluster.of(target.node)
    marked = cluster.leftovers.removing == target.node
    excluded = any(one["name"] == target.node for one in cluster.excluded)
    needed = {
        DRAIN: bool(here) and bool(tiers_of(here)),
        VOTE: bool(here) and "master" in here["roles"],
        DEMOTE: any(node["role"] == MANAGER for node in nodes),
        STOP: bool(here) or any(label_names.GENERATION in node.get("labels", {}) for node in nodes),
        QUIT: bool(target.id),
        EXPEL: bool(nodes),
    }
    needed[CLEAR] = needed[DRAIN] or needed[VOTE] or marked or excluded
    return [step for step in STEPS if needed[step]]


def plan_leave(
    target: RemovedHost,
    swarm: Swarm,
    cluster: Cluster,
    inventory: Inventory | None = None,
    ids: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The steps that remain, and the blockers that forbid all of them.

    `ids` are the node ids that the hosts of the inventory report themselves.
    """
    steps = steps_of(target, swarm, cluster)
    blockers = _identity_blockers(target, swarm, ids or {})
    # A host that is in neither swarm nor cluster has nothing left to lose.
    if set(steps) - {CLEAR}:
        blockers += _cluster_blockers(target, swarm, cluster)
        blockers += _manager_blockers(target, swarm)
        blockers += _service_blockers(target, inventory or Inventory())
    return {
        "steps": steps,
        "told": [DESCRIPTIONS[step] for step in steps],
        "refusals": blockers,
        "resumed": cluster.leftovers.removing == target.node,
        "ids": [str(node["id"]) for node in swarm.of(target)],
        "shards": int(cluster.of(target.node).get("shards", 0)),
    }


def new_hosts(
    hosts: Mapping[str, str],
    ids: Mapping[str, str],
    members: Sequence[Mapping[str, Any]],
    placed: Sequence[str],
    removing: str = "",
) -> list[str]:
    """Hosts that are not in the platform, or that an interrupted run has added only in part.

    `hosts` are node names by host, `ids` the node ids that the hosts report themselves, `placed`
    the hosts that should run Elasticsearch, `removing` the node of an interrupted removal.
    """
    known = {str(node["id"]): node.get("labels") or {} for node in members}
    new = []
    for host, node in hosts.items():
        labels = known.get(ids.get(host, ""))
        if (
            labels is None
            or label_names.JOINING in labels
            or (host in placed and label_names.GENERATION not in labels)
            or (removing and node == removing)
        ):
            new.append(host)
    return new


def plan_replace(
    name: str,
    swarm: Swarm,
    cluster: Cluster,
    new: Sequence[str],
    successor: str,
    ids: Mapping[str, str],
) -> dict[str, Any]:
    """The steps that remain to replace a lost host, and their blockers.

    `new` are the hosts of the inventory that are not in the platform yet, `successor` the one that
    takes its place, `ids` the node ids that the hosts of the inventory report themselves.
    """
    nodes = [node for node in swarm.nodes if node["name"] == name]
    dead = [node for node in nodes if node["state"] == DOWN]
    known = {node["id"] for node in cluster.nodes}
    voters = [voter for voter in cluster.voting if voter not in known] if dead else []
    marked = cluster.leftovers.removing == name
    # Removal from the list comes last: while the node is listed, a killed run can be continued.
    needed = {
        VOTE: bool(voters),
        CLEAR: bool(voters or cluster.excluded or marked),
        # After a quorum recovery a lost manager keeps the role, but has no vote.
        DEMOTE: any(node["role"] == MANAGER and node.get("reachability") for node in dead),
        EXPEL: bool(dead),
    }
    steps = [step for step in needed if dead and needed[step]]
    blockers = _alive_blockers(name, nodes, cluster, new, ids)
    if dead and not blockers:
        blockers = (
            _lost_host_blockers(name, cluster)
            if cluster.formed
            else [f"{NO_CLUSTER}. {cluster.problem}"]
        )
        # A new host with the same name may have joined before this node was removed.
        blockers += _successor_blockers(
            name, [*new, successor] if successor in ids else new, successor, nodes != dead
        )
    return {
        "steps": steps,
        "told": [DESCRIPTIONS[step] for step in steps],
        "refusals": blockers,
        "ids": [str(node["id"]) for node in dead],
        "voters": voters,
        "marked": marked,
        "addresses": sorted({str(node.get("address") or "") for node in dead} - {""}),
        "also": sorted(
            str(node["name"])
            for node in swarm.nodes
            if node["state"] == DOWN and node["name"] != name
        ),
    }


def _alive_blockers(
    name: str,
    nodes: Sequence[Mapping[str, Any]],
    cluster: Cluster,
    new: Sequence[str],
    ids: Mapping[str, str],
) -> list[str]:
    """Signs that the host is alive. Beside a dead node of its name, a live one is the new host."""
    dead = {str(node["id"]) for node in nodes if node["state"] == DOWN}
    if not dead and name in new:
        return []
    late = "A dead host is noticed after half a minute: if it died just now, run this again then"
    blockers = [
        f"The swarm sees {name} as {node['state']}. If it is alive, playbooks/remove_host.yml "
        f"-e remove_host={name} removes it without loss; if it is the new host of that name, it is "
        f"in the platform already. {late}"
        for node in nodes
        if not dead
    ]
    blockers += [
        f"{host} answers, and its Docker reports the swarm node id {own}, which belongs to {name}. "
        "Restore its connection to the managers, then remove it: "
        f"playbooks/remove_host.yml -e remove_host={name}"
        for host, own in ids.items()
        if own in dead
    ]
    if dead and cluster.of(name) and len(nodes) == len(dead):
        blockers.append(
            f"{name} is in the cluster of Elasticsearch, so its host is alive: "
            f"playbooks/remove_host.yml -e remove_host={name} removes it. {late}"
        )
    return blockers


def _lost_host_blockers(name: str, cluster: Cluster) -> list[str]:
    """Settings that a person or an interrupted run has left, and that the loss does not explain."""
    found = cluster.leftovers
    # An earlier run has excluded the nodes that are away.
    known = {node["id"] for node in cluster.nodes}
    return (
        found.removal_blockers(name)
        + found.exclusion_blockers(name)
        + voting_blockers([one["name"] for one in cluster.excluded if one["id"] in known])
    )


def _successor_blockers(
    name: str, candidates: Sequence[str], successor: str, replaced: bool
) -> list[str]:
    """Whether another host takes its place."""
    if successor and successor not in candidates:
        return [f"replace_with is {successor}, which is no host of the inventory. Add it there"]
    if not candidates and not replaced:
        why = f"No host of the inventory is new. Add the one that takes the place of {name}"
        return [f"{why}; if it is in the platform already, name it: -e replace_with=HOST"]
    return []
