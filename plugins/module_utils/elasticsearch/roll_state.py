# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes and the cluster as a roll finds them, and what the variables ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


# From what may be spared first to what is needed most.
TIERS = ("data_frozen", "data_cold", "data_warm", "data_hot", "data_content", "data")

NAMES = ("frozen", "cold", "warm", "hot", "data", "data", "other", "master")

OTHER, MASTER = len(TIERS), len(TIERS) + 1


@dataclass(frozen=True)
class Node:
    """A node as the variables want it, as its labels have it and as the cluster has it."""

    host: str
    name: str
    generation: str
    config: str
    labels: Mapping[str, str] = field(default_factory=dict)
    # As the cluster has it; without an id it is not in the cluster.
    id: str = ""
    version: str = ""
    roles: Sequence[str] = ()
    master: bool = False

    @property
    def placed(self) -> bool:
        """Whether it has been started before. A node that has not is no matter of a roll."""
        return label_names.GENERATION in self.labels

    @property
    def missing(self) -> bool:
        return not self.id

    @property
    def only_frozen(self) -> bool:
        """Whether all its data is what it caches of snapshots."""
        return [role for role in self.roles if role in TIERS] == ["data_frozen"]

    @property
    def rank(self) -> int:
        if "master" in self.roles:
            return MASTER
        return max((TIERS.index(role) for role in self.roles if role in TIERS), default=OTHER)

    def reasons(self, restart: str) -> list[str]:
        """What makes it move; nothing when it stays."""
        runs, files = (
            self.labels.get(label_names.GENERATION, ""),
            self.labels.get(label_names.CONFIG, ""),
        )
        found = []
        if runs == label_names.HOLD:
            found.append("its last turn was broken off")
        elif runs != self.generation:
            found.append(f"generation {runs} becomes {self.generation}")
        if files != self.config:
            found.append(f"configuration {files or 'unknown'} becomes {self.config}")
        if restart and self.labels.get(label_names.RESTARTED) != restart:
            found.append("a restart was asked for")
        return found


@dataclass(frozen=True)
class Cluster:
    """The cluster that was found, and the settings that a roll has to do with."""

    formed: bool = False
    status: str = ""
    names: Sequence[str] = ()
    versions: Sequence[str] = ()
    # Why the nodes could not be told, when a node answered and they were not.
    problem: str = ""
    # What elasticsearch_roll_info has found.
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that somebody has set."""
        return self.told.get("settings") or {}


@dataclass(frozen=True)
class Asked:
    """What the run is for."""

    version: str
    # Every node is moved that has not got this label, whether or not it differs.
    restart: str = ""
    back: bool = False
    accept_downtime: bool = False
    # How old the last snapshot may be when a new version comes; empty asks for none.
    snapshot_max_age: str = ""
    # Names of all nodes that the inventory knows, also of hosts that have no part in this run.
    known: Sequence[str] = ()


def nodes_of(
    hosts: Mapping[str, str],
    configs: Mapping[str, str],
    roles: Mapping[str, Sequence[str]],
    generation: str,
    labels: Mapping[str, Mapping[str, str]],
    cluster: Mapping[str, Any],
) -> list[Node]:
    """Put together what is asked for, labelled and found. `hosts` are names of nodes by host."""
    found = {str(node.get("name")): node for node in cluster.get("nodes") or ()}
    nodes = []
    for host, name in hosts.items():
        there = found.get(name, {})
        nodes.append(
            Node(
                host=host,
                name=name,
                generation=generation,
                config=configs[host],
                labels=labels.get(name, {}),
                id=str(there.get("id") or ""),
                version=str(there.get("version") or ""),
                # What a node is now decides when it can be spared, not what it will be.
                roles=list(there.get("roles") or roles.get(host, ())),
                master=bool(there.get("master")),
            )
        )
    return nodes


def order(nodes: Sequence[Node]) -> list[Node]:
    """What is away already comes first, then tier by tier, the elected master at the very end."""
    return sorted(nodes, key=lambda node: (not node.missing, node.rank, node.master))
