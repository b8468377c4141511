# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts are new, how one gets out of the platform, what is left of that, and what forbids it.

Every step is worked out from what the swarm, the cluster and the host are now. So a run that was
killed is gone on with by typing it again, and one after the end finds nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.roll_state import TIERS
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import (
    ENABLE,
    EXCLUDE,
    LEAVE,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.watermarks import must_be_free

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXCLUDE_NAME = f"{EXCLUDE}_name"
# A node with the role "data" is of every tier.
GENERIC = "data"
MANAGER = "manager"
READY = "ready"
DOWN = "down"
REACHABLE = "reachable"

NO_CLUSTER = "No cluster answers, so nobody can tell what would be lost"

DRAIN, VOTE, DEMOTE, STOP, QUIT, EXPEL, CLEAR = STEPS = (
    "drain",
    "vote",
    "demote",
    "stop",
    "leave",
    "expel",
    "clear",
)
TOLD = {
    DRAIN: "its shards go to the other nodes",
    VOTE: "its vote for the elected master is taken",
    DEMOTE: "it becomes a worker of the swarm",
    STOP: "its node of Elasticsearch stops",
    QUIT: "it leaves the swarm",
    EXPEL: "it is struck off the swarm's list",
    CLEAR: "what kept shards and votes off it is taken back",
}


@dataclass(frozen=True)
class Place:
    """A service whose tasks belong to hosts, and who may run it without the one that goes."""

    name: str
    variable: str
    hosts: Sequence[str]
    replicas: int
    # Whether a host runs one task at most.
    single: bool = True
    here: bool = False


@dataclass(frozen=True)
class Leaving:
    """The host that goes."""

    host: str
    # Its name in the swarm and in the cluster.
    node: str
    # Its id in the swarm, as it says itself; empty when it is in none.
    id: str = ""


@dataclass(frozen=True)
class Swarm:
    """The nodes of the swarm as a manager that stays has them."""

    nodes: Sequence[Mapping[str, Any]] = ()
    accept_even_managers: bool = False

    def of(self, leaving: Leaving) -> list[Mapping[str, Any]]:
        """The host's node; by name, and maybe more than one, when it has left by itself already."""
        mine = [node for node in self.nodes if leaving.id and node.get("id") == leaving.id]
        return mine or [
            node
            for node in self.nodes
            if node.get("name") == leaving.node and (not leaving.id or node.get("state") != READY)
        ]


@dataclass(frozen=True)
class Cluster:
    """The cluster as M(elk.swarm.elasticsearch_placement) has found it."""

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
    def from_dict(cls, found: Mapping[str, Any]) -> Cluster:
        return cls(**{key: found[key] for key in cls.__dataclass_fields__ if key in found})

    def of(self, name: str) -> Mapping[str, Any]:
        return next((node for node in self.nodes if node["name"] == name), {})


def room_on(node: Mapping[str, Any], watermarks: Mapping[str, str]) -> int:
    """Bytes that a node may still take: none below the low watermark, else down to the high one."""
    total, free = int(node["total"]), int(node["free"])

    def kept(name: str, usual: str) -> int:
        headroom = watermarks.get(f"{name}.max_headroom", "-1")
        return must_be_free(watermarks.get(name) or usual, headroom, total)

    return 0 if free < kept("low", "85%") else max(0, free - kept("high", "90%"))


def tiers_of(node: Mapping[str, Any]) -> set[str]:
    roles = set(node.get("roles") or ())
    return set(TIERS) if GENERIC in roles else roles & set(TIERS)


def _shards(here: Mapping[str, Any], rest: Sequence[Mapping[str, Any]], at: Cluster) -> list[str]:
    """Whether what the node holds has a place elsewhere."""
    mine = tiers_of(here)
    takers = [node for node in rest if tiers_of(node) & mine]
    if not mine:
        return []
    if not takers:
        tiers = ", ".join(sorted(mine))
        why = f"{here['name']} is the last node for data ({tiers}): nobody could take its shards"
        return [f"{why}. Add a host first (playbooks/add_host.yml)"]
    found = []
    wide = {name: copies for name, copies in at.copies.items() if copies > len(takers)}
    if wide:
        most = max(wide.values())
        found.append(
            f"{len(takers)} node(s) for data would be left, and {', '.join(sorted(wide)[:5])} has "
            f"{most} copies of each shard, no two of which may lie on one node. Add a host first, "
            f"or lower number_of_replicas to {len(takers) - 1}"
        )
    rooms = [room_on(node, at.watermarks) for node in takers]
    need, largest = int(here["bytes"]), int(here["largest"])
    if sum(rooms) < need or max(rooms) < largest:
        found.append(
            f"The disks of {', '.join(str(node['name']) for node in takers)} have "
            f"{sum(rooms) >> 20} MiB of room below the high watermark, {here['name']} holds "
            f"{need >> 20} MiB in {here['shards']} shard(s), the largest of {largest >> 20} MiB. "
            "Delete indices, or add disk or a host first"
        )
    return found


def _identity(leaving: Leaving, swarm: Swarm, ids: Mapping[str, str]) -> list[str]:
    """Whether it is the node that it says: a host could name another one, to have that removed."""
    if not leaving.id:
        return []
    found = [
        f"{leaving.host} and {host} both say that they are the node {leaving.id} of the swarm. One "
        "of them is not what it says: look at docker info on both"
        for host, own in ids.items()
        if own == leaving.id and host != leaving.host
    ]
    name = next((str(node["name"]) for node in swarm.nodes if node["id"] == leaving.id), "")
    if name and name != leaving.node:
        found.append(
            f"{leaving.host} is called {leaving.node} and says that it is the node {leaving.id} of "
            f"the swarm, which is called {name}. Look at docker info and hostname there; a name "
            "that was changed is known to the swarm when Docker has been started again"
        )
    return found


def _settings(name: str, at: Cluster) -> list[str]:
    """What others have set, or a run before this one."""
    mark, excluded = str(at.settings.get(LEAVE) or ""), str(at.settings.get(EXCLUDE_NAME) or "")
    enabled = str(at.settings.get(ENABLE) or "all")
    found = []
    if mark and mark != name:
        found.append(
            f"The removal of {mark} was broken off. Finish it first: "
            f"playbooks/remove_host.yml -e remove_host={mark}"
        )
    elif excluded and not mark:
        found.append(
            f"{EXCLUDE_NAME} is {excluded}: somebody takes shards off nodes. Let that end, and set "
            "it to null"
        )
    if enabled != "all":
        found.append(
            f"{ENABLE} is {enabled}: shards cannot go anywhere. If a roll was broken off, run "
            "playbooks/site.yml; otherwise ask who has set it, and set it to null"
        )
    others = [one["name"] for one in at.excluded if one["name"] != name]
    if others:
        found.append(
            f"{', '.join(others)} may not vote for a master: somebody excludes nodes. Let that "
            "end, and DELETE _cluster/voting_config_exclusions?wait_for_removal=false"
        )
    return found


def _cluster(leaving: Leaving, swarm: Swarm, at: Cluster) -> list[str]:
    if not at.formed:
        return [f"{NO_CLUSTER}. {at.problem}"]
    here = at.of(leaving.node)
    found = _settings(leaving.node, at)
    if not here:
        return found
    if at.status != "green":
        found.append(
            f"The cluster is {at.status}: copies of shards are missing already. Wait until it is "
            "green, GET _cluster/allocation/explain tells what is in the way"
        )
    names = {node["name"] for node in at.nodes}
    away = [
        str(node["name"])
        for node in swarm.nodes
        if node.get("labels", {}).get(label_names.GENERATION, label_names.HOLD) != label_names.HOLD
        and node["name"] not in names
    ]
    if away:
        found.append(f"{', '.join(away)} is not in the cluster. Bring it back first")
    rest = [node for node in at.nodes if node["name"] != leaving.node]
    if "master" in here["roles"] and not any("master" in node["roles"] for node in rest):
        found.append(
            f"{leaving.node} is the last node that may become master. Give another one the role"
        )
    return found + _shards(here, rest, at)


def _managers(leaving: Leaving, swarm: Swarm) -> list[str]:
    own = {node["id"] for node in swarm.of(leaving) if node["role"] == MANAGER}
    if not own:
        return []
    rest = [node for node in swarm.nodes if node["role"] == MANAGER and node["id"] not in own]
    if not rest:
        return [f"{leaving.host} is the last manager of the swarm. Make another one a manager"]
    found = []
    healthy = [node for node in rest if node.get("reachability") == REACHABLE]
    if len(healthy) * 2 <= len(rest):
        found.append(
            f"Of the {len(rest)} managers that would be left only {len(healthy)} can be reached, "
            "which is no majority. Bring the others back first"
        )
    if len(rest) % 2 == 0 and not swarm.accept_even_managers:
        found.append(
            f"{len(rest)} managers would be left, which bear the loss of no more hosts than "
            f"{len(rest) - 1} do. Remove or add a second one soon and say "
            "swarm_accept_even_managers: true until then"
        )
    return found


def _places(leaving: Leaving, places: Sequence[Place]) -> list[str]:
    found = []
    for place in places:
        need = place.replicas if place.single else min(1, place.replicas)
        # The usual number of tasks is as many as there are hosts, so without any host it is none.
        if place.here and len(place.hosts) < max(1, need):
            found.append(
                f"{place.name} is to run {place.replicas} task(s), and without {leaving.host} "
                f"{len(place.hosts)} host(s) may run it. Add a host to the group "
                f"{place.name.lower()}, or lower {place.variable}"
            )
    return found


def steps_of(leaving: Leaving, swarm: Swarm, at: Cluster) -> list[str]:
    """What is left to be done, in order."""
    nodes, here = swarm.of(leaving), at.of(leaving.node)
    marked = at.settings.get(LEAVE) == leaving.node
    excluded = any(one["name"] == leaving.node for one in at.excluded)
    left = {
        DRAIN: bool(here) and bool(tiers_of(here)),
        VOTE: bool(here) and "master" in here["roles"],
        DEMOTE: any(node["role"] == MANAGER for node in nodes),
        STOP: bool(here) or any(label_names.GENERATION in node.get("labels", {}) for node in nodes),
        QUIT: bool(leaving.id),
        EXPEL: bool(nodes),
    }
    left[CLEAR] = left[DRAIN] or left[VOTE] or marked or excluded
    return [step for step in STEPS if left[step]]


def plan_leave(
    leaving: Leaving,
    swarm: Swarm,
    at: Cluster,
    places: Sequence[Place] = (),
    ids: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The steps that are left, and what forbids to take any of them.

    `ids` are by host of the inventory what it says itself.
    """
    steps = steps_of(leaving, swarm, at)
    refusals = _identity(leaving, swarm, ids or {})
    # Once it is neither in the swarm nor in the cluster, nothing can be lost any more.
    if set(steps) - {CLEAR}:
        refusals += _cluster(leaving, swarm, at)
        refusals += _managers(leaving, swarm)
        refusals += _places(leaving, places)
    return {
        "steps": steps,
        "told": [TOLD[step] for step in steps],
        "refusals": refusals,
        "resumed": at.settings.get(LEAVE) == leaving.node,
        "ids": [str(node["id"]) for node in swarm.of(leaving)],
        "shards": int(at.of(leaving.node).get("shards", 0)),
    }


def new_hosts(
    hosts: Mapping[str, str],
    ids: Mapping[str, str],
    members: Sequence[Mapping[str, Any]],
    placed: Sequence[str],
    leaving: str = "",
) -> list[str]:
    """Hosts that are not in the platform, or whose way into it was broken off.

    `hosts` are names of nodes by host, `ids` what they say themselves, `placed` those that are to
    run Elasticsearch, `leaving` the node whose removal was broken off.
    """
    known = {str(node["id"]): node.get("labels") or {} for node in members}
    found = []
    for host, node in hosts.items():
        labels = known.get(ids.get(host, ""))
        if (
            labels is None
            or label_names.JOINING in labels
            or (host in placed and label_names.GENERATION not in labels)
            or (leaving and node == leaving)
        ):
            found.append(host)
    return found


def plan_replace(
    name: str,
    swarm: Swarm,
    at: Cluster,
    new: Sequence[str],
    asked: str,
    ids: Mapping[str, str],
) -> dict[str, Any]:
    """What is left to do about a host that is lost, and what forbids it.

    `new` are the hosts of the inventory that are not in yet, `asked` is the one that is to take its
    place, `ids` are by host of the inventory what it says itself.
    """
    nodes = [node for node in swarm.nodes if node["name"] == name]
    dead = [node for node in nodes if node["state"] == DOWN]
    known = {node["id"] for node in at.nodes}
    voters = [voter for voter in at.voting if voter not in known] if dead else []
    marked = at.settings.get(LEAVE) == name
    # The list comes last: as long as the node stands there, a run that was killed is gone on with.
    left = {
        VOTE: bool(voters),
        CLEAR: bool(voters or at.excluded or marked),
        # One that a recovered swarm has left behind is a manager by name, without a vote.
        DEMOTE: any(node["role"] == MANAGER and node.get("reachability") for node in dead),
        EXPEL: bool(dead),
    }
    steps = [step for step, needed in left.items() if dead and needed]
    refusals = _lives(name, nodes, at, new, ids)
    if dead and not refusals:
        refusals = _votes(name, at) if at.formed else [f"{NO_CLUSTER}. {at.problem}"]
        # Its name may have been given to a new one that was let in before this one was struck off.
        refusals += _successor(name, [*new, asked] if asked in ids else new, asked, nodes != dead)
    return {
        "steps": steps,
        "told": [TOLD[step] for step in steps],
        "refusals": refusals,
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


def _lives(
    name: str,
    nodes: Sequence[Mapping[str, Any]],
    at: Cluster,
    new: Sequence[str],
    ids: Mapping[str, str],
) -> list[str]:
    """Signs of life. With a dead node of its name as well, one that lives is the new host."""
    dead = {str(node["id"]) for node in nodes if node["state"] == DOWN}
    if not dead and name in new:
        return []
    late = "A host that died just now is missed after half a minute: run this again then"
    found = [
        f"The swarm sees {name} as {node['state']}. If it lives, playbooks/remove_host.yml -e "
        f"remove_host={name} takes it out without loss; if it is the new host of that name, it is "
        f"in already. {late}"
        for node in nodes
        if not dead
    ]
    found += [
        f"{host} answers, and its Docker says that it is the node {own} of the swarm, which is "
        f"called {name}. Let it reach the managers again, and take it out with "
        f"playbooks/remove_host.yml -e remove_host={name}"
        for host, own in ids.items()
        if own in dead
    ]
    if dead and at.of(name) and len(nodes) == len(dead):
        found.append(
            f"{name} is in the cluster of Elasticsearch, so its host lives: "
            f"playbooks/remove_host.yml -e remove_host={name} takes it out. {late}"
        )
    return found


def _votes(name: str, at: Cluster) -> list[str]:
    """What others have set, or a run before this one."""
    found = []
    mark, excluded = str(at.settings.get(LEAVE) or ""), str(at.settings.get(EXCLUDE_NAME) or "")
    if mark and mark != name:
        found.append(
            f"The removal of {mark} was broken off. Finish it first: "
            f"playbooks/remove_host.yml -e remove_host={mark}"
        )
    elif name in excluded.split(",") and not mark:
        found.append(
            f"{EXCLUDE_NAME} is {excluded}: somebody takes shards off nodes. Let that end, and set "
            "it to null"
        )
    # Votes of nodes that are away were taken by a run before this one.
    known = {node["id"] for node in at.nodes}
    others = [one["name"] for one in at.excluded if one["id"] in known]
    if others:
        found.append(
            f"{', '.join(others)} may not vote for a master: somebody excludes nodes. Let that "
            "end, and DELETE _cluster/voting_config_exclusions?wait_for_removal=false"
        )
    return found


def _successor(name: str, fit: Sequence[str], asked: str, renewed: bool) -> list[str]:
    """Whether somebody takes its place."""
    if asked and asked not in fit:
        return [f"replace_with is {asked}, which is no host of the inventory. Put it there"]
    if not fit and not renewed:
        why = f"No host of the inventory is new. Put the one that takes the place of {name} into it"
        return [f"{why}; if it is in the platform already, name it: -e replace_with=HOST"]
    return []
