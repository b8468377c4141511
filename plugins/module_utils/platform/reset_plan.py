# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans what a reset removes from the hosts and the swarm, and what stays.

Each decision follows from the present state, so a new run continues wherever a killed run stopped.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.common.nested import dig
from ansible_collections.elk.swarm.plugins.module_utils.swarm.configs_and_secrets import (
    Existing,
    referred_by,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.elk.swarm.plugins.module_utils.swarm.membership_plan import Member

MARKER = os.path.join("elasticsearch", "cluster_uuid")
# The note of a host that says which volumes its data is on.
STORAGE = "storage.json"


# -- the swarm -------------------------------------------------------------------------------


@dataclass(frozen=True)
class LeavePlan:
    """The hosts that leave the swarm, in an order that loses nothing."""

    # The manager that runs all commands, and leaves last.
    source: str = ""
    # Node ids by host.
    workers: dict[str, str] = field(default_factory=dict)
    managers: dict[str, str] = field(default_factory=dict)
    blockers: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "workers": dict(self.workers),
            "managers": dict(self.managers),
            "errors": list(self.blockers),
        }


def plan_leaving(members: Mapping[str, Member]) -> LeavePlan:
    """Order the hosts by their present role, whatever role they have in the inventory."""
    source = next((name for name, member in members.items() if member.quorum), "")
    inside = {name: member for name, member in members.items() if member.in_swarm}
    if not source:
        return LeavePlan(blockers=_no_quorum(inside))
    cluster, known = members[source].cluster_id, members[source].nodes
    blockers = []
    workers: dict[str, str] = {}
    managers: dict[str, str] = {}
    for name, member in inside.items():
        if name == source:
            continue
        if member.node_id not in known or (member.cluster_id and member.cluster_id != cluster):
            blockers.append(
                f"{name}: is in a swarm (state {member.state}, managers"
                f" {', '.join(member.remote_managers) or 'not known'}) that is not the one that"
                f" {source} manages. If it may leave that swarm, run 'docker swarm leave --force'"
                f" on {name} and run this again."
            )
        elif known[member.node_id] == "manager":
            managers[name] = member.node_id
        else:
            workers[name] = member.node_id
    return LeavePlan(source, workers, managers, tuple(blockers))


def _no_quorum(inside: Mapping[str, Member]) -> tuple[str, ...]:
    if not inside:
        return ()
    hosts = [f"{name} ({one.error})" if one.error else name for name, one in inside.items()]
    text = (
        f"No manager can read and change the swarm that these hosts are in: {', '.join(hosts)}."
        " Bring back the managers that are down and run this again. Only if they are lost for"
        " good: run 'docker swarm leave --force' on each of these hosts, which ends all services"
        " there at once, and run this again."
    )
    return (text,)


# -- services, configs, secrets, labels ------------------------------------------------------


def name_of(service: Mapping[str, Any]) -> str:
    return str(dig(service, ("Spec", "Name")) or "")


def in_stack(service: Mapping[str, Any], stack: str) -> bool:
    return bool(dig(service, ("Spec", "Labels", label_names.STACK)) == stack)


def batches(services: Iterable[Mapping[str, Any]], stack: str) -> list[list[Mapping[str, Any]]]:
    """The services of the stack in the order of their removal.

    Elasticsearch is last, because the others write to it until they end.
    """
    own = sorted((one for one in services if in_stack(one, stack)), key=name_of)
    servers = [one for one in own if dig(one, ("Spec", "Labels", label_names.SERVICE_GENERATION))]
    clients = [one for one in own if one not in servers]
    return [batch for batch in (clients, servers) if batch]


def strangers(
    services: Iterable[Mapping[str, Any]],
    nodes: Iterable[Mapping[str, Any]],
    stack: str,
    members: Iterable[str],
    hosts: Iterable[str] = (),
) -> list[str]:
    """Services and nodes that are not part of the platform and would be lost with the swarm.

    A host that left during a killed run has no node id any more, but the swarm still lists its
    node, first as ready and later as down: so its name or address identifies it.
    """
    found = [f"service {name_of(one)}" for one in services if not in_stack(one, stack)]
    ours, known = set(members), set(hosts)
    for node in nodes:
        names = {dig(node, ("Description", "Hostname")), dig(node, ("Status", "Addr"))}
        state = dig(node, ("Status", "State"))
        if node.get("ID") not in ours and state != "down" and not names & known:
            found.append(f"node {dig(node, ('Description', 'Hostname')) or node.get('ID')}")
    return sorted(found)


def leftovers(
    present: Iterable[Existing], services: Iterable[Mapping[str, Any]], stack: str
) -> list[Existing]:
    """Configs and secrets that the collection made and no other service uses."""
    others = [one for one in services if not in_stack(one, stack)]
    names = {name_of(one) for one in others}
    used = {reference for one in others for reference in referred_by(one.get("Spec") or {})}
    found = [
        item
        for item in present
        if (item.managed or item.labels.get(label_names.STACK) == stack)
        and (item.kind, item.id) not in used
        and item.labels.get(label_names.SERVICE) not in names
    ]
    return sorted(found, key=lambda item: (item.kind, item.name))


def users_of(
    network: Mapping[str, Any], services: Iterable[Mapping[str, Any]], stack: str
) -> list[str]:
    """Services of other stacks that are attached to the network."""
    own = {network.get("Id"), network.get("Name")}
    return sorted(
        name_of(one)
        for one in services
        if not in_stack(one, stack)
        and own
        & {item.get("Target") for item in dig(one, ("Spec", "TaskTemplate", "Networks")) or ()}
    )


def remaining_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """A node's labels without those that the collection set."""
    own = set(filter(None, labels.get(label_names.FROM_INVENTORY, "").split(",")))
    return {
        key: value
        for key, value in labels.items()
        if not key.startswith(label_names.PREFIX) and key not in own
    }


# -- files on a host -------------------------------------------------------------------------


def unsafe(path: str) -> str:
    """Why this directory must never be emptied; empty if it may be."""
    clean = os.path.normpath(path)
    if not os.path.isabs(path) or ".." in path.split("/"):
        return f"{path!r} is no absolute path"
    if clean.strip("/").count("/") < 1:
        return f"{path!r} is a directory of the system"
    return ""


def foreign_names(names: Iterable[str]) -> list[str]:
    """Names that lead out of the directory that they are in.

    >>> foreign_names(["logstash", "..", "a/b", ""])
    ['..', 'a/b', '']
    """
    return [name for name in names if name in ("", ".", "..") or "/" in name]


@dataclass(frozen=True)
class Files:
    """The paths that a reset removes on a host, and the note that it keeps."""

    remove: Sequence[str]
    kept: str = ""


def plan_files(
    config_dir: str,
    data_dir: str,
    present: Iterable[str],
    data: Sequence[str],
    remove_data: bool,
    data_found: bool,
) -> Files:
    """Decide which of the present paths to remove.

    ``present`` holds files and directories under both directories, two levels deep, and ``data``
    the names of the directories in ``data_dir`` that belong to the platform. The note of
    the host's cluster stays as long as its data: with it the next start looks for that cluster,
    without it a second cluster could form. The note of the volumes stays as well, and counts as
    data: a reset that removes data removes the volumes first.
    """
    marker, storage = os.path.join(config_dir, MARKER), os.path.join(config_dir, STORAGE)
    there = set(present)
    kept = {storage} & there
    if data_found or kept:
        kept |= {marker} & there
    if remove_data:
        kept = set()
    keep = marker if marker in kept else ""
    remove = []
    if not kept:
        if config_dir in there:
            remove.append(config_dir)
    else:
        holder = os.path.dirname(marker)
        stay = {*kept, holder} if keep else kept
        for path in sorted(there):
            parent = os.path.dirname(path)
            if (parent == config_dir or (keep and parent == holder)) and path not in stay:
                remove.append(path)
    if remove_data:
        remove += [path for name in data if (path := os.path.join(data_dir, name)) in there]
    return Files(remove, keep)
