# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to go when the platform is taken off its hosts, and what must stay.

Everything is decided from what is there, so that a run that was killed finds its way from
wherever it stopped.
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

DATA = ("elasticsearch", "logstash")
MARKER = os.path.join("elasticsearch", "cluster_uuid")
# Where a host remembers which volumes its data is on.
STORAGE = "storage.json"


# -- the swarm -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leaving:
    """Who leaves the swarm, in the order in which that loses nothing."""

    # The manager that is asked for everything, and leaves last.
    source: str = ""
    # Node ids by host.
    workers: dict[str, str] = field(default_factory=dict)
    managers: dict[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "workers": dict(self.workers),
            "managers": dict(self.managers),
            "errors": list(self.errors),
        }


def plan_leaving(found: Mapping[str, Member]) -> Leaving:
    """Order the hosts by what they are now, whatever the inventory says they should be."""
    source = next((name for name, member in found.items() if member.quorum), "")
    inside = {name: member for name, member in found.items() if member.in_swarm}
    if not source:
        return Leaving(errors=_leaderless(inside))
    cluster, known = found[source].cluster_id, found[source].nodes
    errors = []
    workers: dict[str, str] = {}
    managers: dict[str, str] = {}
    for name, member in inside.items():
        if name == source:
            continue
        if member.node_id not in known or (member.cluster_id and member.cluster_id != cluster):
            errors.append(
                f"{name}: is in a swarm (state {member.state}, managers"
                f" {', '.join(member.remote_managers) or 'not known'}) that is not the one that"
                f" {source} manages. If it may leave that one, run 'docker swarm leave --force' on"
                f" {name} and run this again."
            )
        elif known[member.node_id] == "manager":
            managers[name] = member.node_id
        else:
            workers[name] = member.node_id
    return Leaving(source, workers, managers, tuple(errors))


def _leaderless(inside: Mapping[str, Member]) -> tuple[str, ...]:
    if not inside:
        return ()
    told = [f"{name} ({one.error})" if one.error else name for name, one in inside.items()]
    text = (
        f"No manager can read and change the swarm, and these hosts are in one: {', '.join(told)}."
        " Bring back the managers that are down and run this again. Only when they are lost for"
        " good: run 'docker swarm leave --force' on each of these hosts, which ends all services"
        " there at once, and run this again."
    )
    return (text,)


# -- services, configs, secrets, labels ------------------------------------------------------


def name_of(service: Mapping[str, Any]) -> str:
    return str(dig(service, ("Spec", "Name")) or "")


def belongs(service: Mapping[str, Any], stack: str) -> bool:
    return bool(dig(service, ("Spec", "Labels", label_names.STACK)) == stack)


def batches(services: Iterable[Mapping[str, Any]], stack: str) -> list[list[Mapping[str, Any]]]:
    """The stack's services in the order in which they end.

    Elasticsearch is last: who still writes to it could only wait for it to come back.
    """
    own = sorted((one for one in services if belongs(one, stack)), key=name_of)
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
    """What would be lost with the swarm and is not the platform's; empty when nothing is.

    A host that has left in a run that was killed has no id any more, but its node is on the list:
    up for a while, and then down. Its name or address gives it away.
    """
    found = [f"service {name_of(one)}" for one in services if not belongs(one, stack)]
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
    """Configs and secrets that the collection made and no other service has to do with."""
    others = [one for one in services if not belongs(one, stack)]
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
    """Services of others that are in the network."""
    own = {network.get("Id"), network.get("Name")}
    return sorted(
        name_of(one)
        for one in services
        if not belongs(one, stack)
        and own
        & {item.get("Target") for item in dig(one, ("Spec", "TaskTemplate", "Networks")) or ()}
    )


def labels_left(labels: Mapping[str, str]) -> dict[str, str]:
    """A node's labels without those that the collection set."""
    own = set(filter(None, labels.get(label_names.FROM_INVENTORY, "").split(",")))
    return {
        key: value
        for key, value in labels.items()
        if not key.startswith(label_names.PREFIX) and key not in own
    }


# -- files on a host -------------------------------------------------------------------------


def unsafe(path: str) -> str:
    """Why a directory is not emptied, whoever asks for it; empty when nothing speaks against it."""
    clean = os.path.normpath(path)
    if not os.path.isabs(path) or ".." in path.split("/"):
        return f"{path!r} is no absolute path"
    if clean.strip("/").count("/") < 1:
        return f"{path!r} is a directory of the system"
    return ""


@dataclass(frozen=True)
class Files:
    """What is removed on a host, and what is emptied because something is mounted there."""

    remove: Sequence[str]
    kept: str = ""


def plan_files(
    config_dir: str,
    data_dir: str,
    present: Iterable[str],
    remove_data: bool,
    data_found: bool,
) -> Files:
    """Decide which of the paths that are there go.

    ``present`` holds files and directories under both directories, two levels deep. The note
    which cluster the host belongs to stays as long as its data does: with it the next start looks
    for that cluster, without it a second one could be formed. So does the note of the volumes that
    hold data, which is data found by itself: volumes go first when data is to go.
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
        remove += [path for name in DATA if (path := os.path.join(data_dir, name)) in there]
    return Files(remove, keep)
