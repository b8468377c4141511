# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes and the cluster before a rolling restart, and what the variables require."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.leftovers import (
    Leftovers,
    leftovers_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


# From the least important tier to the most important one.
TIERS = ("data_frozen", "data_cold", "data_warm", "data_hot", "data_content", "data")

NAMES = ("frozen", "cold", "warm", "hot", "data", "data", "other", "master")

OTHER, MASTER = len(TIERS), len(TIERS) + 1


@dataclass(frozen=True)
class Node:
    """A node: what the variables require, what its labels say and what the cluster reports."""

    host: str
    name: str
    generation: str
    config: str
    labels: Mapping[str, str] = field(default_factory=dict)
    # The cluster reports these; without an id the node is not in the cluster.
    id: str = ""
    version: str = ""
    roles: Sequence[str] = ()
    master: bool = False
    # Why the run must stop the node, even if its labels do not differ.
    work: Sequence[str] = ()
    # Whether its data moves to other storage, so that its shards move to the other nodes first.
    moves_data: bool = False

    @property
    def placed(self) -> bool:
        """Whether the node was started before. A rolling restart ignores a node that was not."""
        return label_names.GENERATION in self.labels

    @property
    def missing(self) -> bool:
        return not self.id

    @property
    def only_frozen(self) -> bool:
        """Whether the node holds only a cache of snapshots."""
        return [role for role in self.roles if role in TIERS] == ["data_frozen"]

    @property
    def rank(self) -> int:
        if "master" in self.roles:
            return MASTER
        return max((TIERS.index(role) for role in self.roles if role in TIERS), default=OTHER)

    @property
    def on_hold(self) -> bool:
        """Whether its restart has begun and has not ended."""
        return self.labels.get(label_names.GENERATION) == label_names.HOLD

    def emptied(self, moving: str) -> bool:
        """Whether a run has moved all its shards away before it stopped the node.

        The mark of a move is set before the shards leave, the label when none is left.
        """
        return self.on_hold and self.name == moving

    def reasons(self, restart: str) -> list[str]:
        """Why the node must restart; empty if it need not."""
        generation, config = (
            self.labels.get(label_names.GENERATION, ""),
            self.labels.get(label_names.CONFIG, ""),
        )
        found = []
        if self.on_hold:
            found.append("its last restart was interrupted")
        elif generation != self.generation:
            found.append(f"generation {generation} becomes {self.generation}")
        if config != self.config:
            found.append(f"configuration {config or 'unknown'} becomes {self.config}")
        if restart and self.labels.get(label_names.RESTARTED) != restart:
            found.append("a restart was requested")
        return [*found, *self.work]

    def summary(self, restart: str) -> str:
        """Which node restarts, and why, in one line."""
        state = (
            f"{', elected' if self.master else ''}{', not in the cluster' if self.missing else ''}"
        )
        return f"{self.name} ({NAMES[self.rank]}{state}): {', '.join(self.reasons(restart))}"


@dataclass(frozen=True)
class Cluster:
    """What is known of the cluster, with the settings that matter for a rolling restart."""

    formed: bool = False
    # Every host was asked, and none has ever been part of a cluster.
    never_formed: bool = False
    status: str = ""
    names: Sequence[str] = ()
    versions: Sequence[str] = ()
    # Why the node list is unknown although a node answered.
    problem: str = ""
    # The result of elasticsearch_roll_info.
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def before_first_start(self) -> bool:
        """Whether there is no cluster yet, so that labels only show what was tried."""
        return self.never_formed and not self.formed

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that somebody has set."""
        return self.facts.get("settings") or {}

    @property
    def leftovers(self) -> Leftovers:
        return leftovers_of(self.settings)


@dataclass(frozen=True)
class Desired:
    """What the run must reach, and what it may do."""

    version: str
    # The name of a restart: each node without it in its label restarts, even without a change.
    restart: str = ""
    back: bool = False
    accept_downtime: bool = False
    # How old the last snapshot may be before an upgrade; empty requires none.
    snapshot_max_age: str = ""
    # Names of all nodes in the inventory, also on hosts that this run does not include.
    known: Sequence[str] = ()


def nodes_of(
    hosts: Mapping[str, str],
    configs: Mapping[str, str],
    roles: Mapping[str, Sequence[str]],
    generation: str,
    labels: Mapping[str, Mapping[str, str]],
    cluster: Mapping[str, Any],
    work: Mapping[str, Mapping[str, Any]],
) -> list[Node]:
    """Combine variables, labels and the cluster's nodes. `hosts` has the node name of each host.

    `work` is what the run does on a host while its node is stopped: the reasons, and whether the
    data of the node moves.
    """
    found = {str(node.get("name")): node for node in cluster.get("nodes") or ()}
    nodes = []
    for host, name in hosts.items():
        actual = found.get(name, {})
        nodes.append(
            Node(
                host=host,
                name=name,
                generation=generation,
                config=configs[host],
                labels=labels.get(name, {}),
                id=str(actual.get("id") or ""),
                version=str(actual.get("version") or ""),
                # The current roles decide the order, not the future ones.
                roles=list(actual.get("roles") or roles.get(host, ())),
                master=bool(actual.get("master")),
                work=list(work.get(host, {}).get("reasons") or ()),
                moves_data=bool(work.get(host, {}).get("moves_data")),
            )
        )
    return nodes


def order(nodes: Sequence[Node], moving: str = "") -> list[Node]:
    """Nodes that have begun to restart come first, then one tier after the other.

    That is a node that is missing or stops, or whose data an interrupted run has begun to move:
    only one node at a time may be in that state. The elected master comes last.
    """

    def position(node: Node) -> tuple[bool, bool, int, bool]:
        begun = node.on_hold or node.name == moving
        return not node.missing, not begun, node.rank, node.master

    return sorted(nodes, key=position)
