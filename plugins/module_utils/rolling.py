# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes of Elasticsearch have to be restarted, in which order, and what forbids it.

What a node runs stands in labels of the swarm: the generation of its service and the hash of its
files. Compared with what the variables ask for, they give the nodes that move. So a run that was
killed is planned again from where it got to, and a run without a change moves none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.status import size
from ansible_collections.elk.swarm.plugins.module_utils.wording import age_text, some

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GENERATION, CONFIG, RESTARTED = "elk.es", "elk.es.config", "elk.es.restarted"
# A node with this label runs nothing: its turn has begun and has not ended.
HOLD = "hold"
ENABLE = "cluster.routing.allocation.enable"
EXCLUDE = "cluster.routing.allocation.exclude."
# Says that it was a roll that set ENABLE: both are set and taken back in one request.
MARK = "cluster.metadata.elk_roll"
# Says which host is about to leave, and that this is why its shards are excluded.
LEAVE = "cluster.metadata.elk_leave"
SAFE_MASTERS = 3

# From what may be spared first to what is needed most.
TIERS = ("data_frozen", "data_cold", "data_warm", "data_hot", "data_content", "data")
NAMES = ("frozen", "cold", "warm", "hot", "data", "data", "other", "master")
OTHER, MASTER = len(TIERS), len(TIERS) + 1

_VERSION = re.compile(r"^(\d+)\.(\d+)\.(\d+)(.*)$")
# The last minor version of a major one, from which alone the next major one can be reached.
LAST_MINOR = {7: 17, 8: 19}
# Fixes of several lines come out on the same days. So much is the number of a fix in the first
# line ahead of its like in the second: 9.0.5 came out with 9.1.2, 9.1.10 and 8.19.10 with 9.2.4.
# Taken from the dates in Elastic's changelogs of 9.0.5 to 9.2.4, and of releases up to 9.3.4.
AHEAD = {
    ((8, 18), (9, 0)): 0,
    ((8, 19), (9, 1)): 0,
    ((8, 19), (9, 2)): 6,
    ((8, 19), (9, 3)): 11,
    ((9, 0), (9, 1)): 3,
    ((9, 1), (9, 2)): 6,
    ((9, 2), (9, 3)): 5,
}

_AGE = re.compile(r"^(\d+)([dhms])$")
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
# Of a long list so many are told.


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
        return GENERATION in self.labels

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
        runs, files = self.labels.get(GENERATION, ""), self.labels.get(CONFIG, "")
        found = []
        if runs == HOLD:
            found.append("its last turn was broken off")
        elif runs != self.generation:
            found.append(f"generation {runs} becomes {self.generation}")
        if files != self.config:
            found.append(f"configuration {files or 'unknown'} becomes {self.config}")
        if restart and self.labels.get(RESTARTED) != restart:
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


def parse(version: str) -> tuple[int, int, int] | None:
    """The numbers of a released version; nothing for any other.

    >>> parse("9.2.4"), parse("9.3.0-SNAPSHOT")
    ((9, 2, 4), None)
    """
    found = _VERSION.match(version)
    if not found or found[4]:
        return None
    return int(found[1]), int(found[2]), int(found[3])


def brings_new_version(versions: Sequence[str], version: str) -> bool:
    """Whether a version comes that no node runs yet.

    Once a node runs it, no snapshot of before can be taken any more, and no way leads back.

    >>> brings_new_version(["9.1.0"], "9.2.4"), brings_new_version(["9.1.0", "9.2.4"], "9.2.4")
    (True, False)
    """
    return bool(versions) and version not in versions


def brings_new_major(versions: Sequence[str], version: str) -> bool:
    """The same for the first of its numbers.

    >>> brings_new_major(["8.19.5"], "9.1.5"), brings_new_major(["9.1.0"], "9.2.4")
    (True, False)
    """
    new = parse(version)
    known = [found for found in map(parse, versions) if found]
    return new is not None and bool(known) and new[0] not in {old[0] for old in known}


def age_of(text: str) -> int | None:
    """Seconds of an age as Elasticsearch writes it; nothing for what is none.

    >>> age_of("1d"), age_of("one day")
    (86400, None)
    """
    found = _AGE.match(text)
    return int(found[1]) * _SECONDS[found[2]] if found else None


def path_problem(before: str, after: str) -> str:
    """Why a node may not go from one version to the other, and what to do; empty if it may.

    >>> path_problem("9.1.0", "9.2.4")
    ''
    """
    old, new = parse(before), parse(after)
    if before == after:
        return ""
    if old is None or new is None:
        odd = after if new is None else before
        return (
            f"{odd} is no released version. Nodes go only from one released version to another: "
            "set elk_version to one like 9.2.4"
        )
    if new < old:
        return (
            f"{before} cannot become {after}: Elasticsearch refuses data that a newer version has "
            f"opened, so no node is ever downgraded. Set elk_version back to {before}, or go on to "
            f"a higher version. Only a new cluster of {after} that restores a snapshot from before "
            "the upgrade brings the old version back"
        )
    if new[0] > old[0] + 1:
        last = f"{old[0]}.{LAST_MINOR.get(old[0], 'x')}"
        return (
            f"{before} cannot become {after}: a major version cannot be left out. Go to the last "
            f"{last} first, then to {old[0] + 1}.x and its last minor version, then to {new[0]}.x"
        )
    if new[0] == old[0] + 1:
        last_minor = LAST_MINOR.get(old[0])
        early = old[:2] == (8, 18) and new[:2] == (9, 0)
        if last_minor is not None and old[1] < last_minor and not early:
            return (
                f"{before} cannot become {after}: a new major version is reached only from the "
                f"last minor version of the one before. Go to the last {old[0]}.{last_minor} first"
            )
    ahead = AHEAD.get((old[:2], new[:2]))
    if ahead is not None and new[2] < old[2] - ahead:
        return (
            f"{before} cannot become {after}, which was released before it and does not know what "
            f"{before} may have written. Choose {new[0]}.{new[1]}.{old[2] - ahead} or a later one, "
            "also of a later line"
        )
    return ""


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


def refusals(
    nodes: Sequence[Node], moves: Sequence[Node], cluster: Cluster, asked: Asked
) -> list[str]:
    """Everything that forbids to move any node, a sentence or two each."""
    if not moves:
        return []
    placed = [node for node in nodes if node.placed]
    masters = [node for node in placed if "master" in node.roles]
    found = []
    if len(masters) < SAFE_MASTERS and len(placed) == len(nodes) and not asked.accept_downtime:
        found.append(
            f"Only {len(masters)} node(s) may become master. While one of them restarts nobody is "
            "elected, and the cluster answers nothing for about a minute. Say "
            "elasticsearch_accept_downtime: true if that may be, or have three of them"
        )
    if not cluster.formed:
        if not (asked.accept_downtime and all(node in moves for node in placed)):
            found.append(
                "No cluster answers, so nobody can tell whether a node can be spared. Mend that "
                "first: docker service ps --no-trunc of the service, and docker logs on the hosts"
            )
        return found
    if not cluster.names:
        found.append(
            "A node answers, and nobody tells which nodes the cluster has "
            f"({cluster.problem or 'no reason was given'}). Look at the log of the elected master, "
            "and run this again"
        )
        return found
    found += _health(placed, moves, cluster)
    found += _leftovers(cluster)
    found += _disks(nodes, moves, cluster)
    found += _versions(moves, cluster, asked)
    found += _snapshots(cluster, asked)
    found += _deprecations(cluster, asked)
    return found


def _health(placed: Sequence[Node], moves: Sequence[Node], cluster: Cluster) -> list[str]:
    away = [node.name for node in placed if node.missing and node not in moves]
    found = []
    if away:
        found.append(
            f"{', '.join(away)} is not in the cluster, and nothing of it is to change. Bring it "
            "back first (docker service ps --no-trunc, docker logs on that host): with another "
            "node away shards could be lost"
        )
    elif cluster.status == "red" and not any(node.missing for node in moves):
        found.append(
            "The cluster is red: a primary shard has no node. GET _cluster/allocation/explain "
            "tells why. No node is moved before that is mended"
        )
    return found


def _leftovers(cluster: Cluster) -> list[str]:
    found = []
    enabled = str(cluster.settings.get(ENABLE) or "all")
    if enabled != "all" and not cluster.settings.get(MARK):
        found.append(
            f"{ENABLE} is {enabled}, and no roll has set it: somebody keeps shards where they are. "
            "Ask who, and set it to null"
        )
    excluded = {
        key: value for key, value in cluster.settings.items() if key.startswith(EXCLUDE) and value
    }
    leaves = cluster.settings.get(LEAVE)
    if leaves:
        found.append(
            f"The removal of {leaves} was broken off. Finish it first: "
            f"playbooks/remove_host.yml -e remove_host={leaves}"
        )
        return found
    found += [
        f"{key} is {value}: somebody takes shards off nodes. Let that end, and set it to null"
        for key, value in sorted(excluded.items())
    ]
    voteless = list(cluster.told.get("voting_exclusions") or ())
    if voteless:
        found.append(
            f"The vote of {', '.join(voteless)} was taken away, so fewer masters than it seems may "
            "be lost. If nobody is taking that node out of the cluster just now, clear it with "
            "DELETE _cluster/voting_config_exclusions?wait_for_removal=false"
        )
    return found


def _disks(nodes: Sequence[Node], moves: Sequence[Node], cluster: Cluster) -> list[str]:
    """A full disk takes no copy of what the node has that is away. One that is away is a gain."""
    if any(node.missing for node in moves):
        return []
    # Their disk is a cache, which is meant to be full.
    caches = {node.name for node in nodes if node.only_frozen}
    found = [
        f"{disk['node']} has {size(disk['free'])} free of {size(disk['total'])}, and the high "
        f"watermark asks for {size(disk['needed'])}: Elasticsearch takes shards off it. Make room "
        "there, or move indices to other nodes"
        for disk in cluster.told.get("full_disks") or ()
        if disk["node"] not in caches
    ]
    closed = list(cluster.told.get("flooded_indices") or ())
    if closed:
        found.append(
            f"{some(closed)} is read-only since a disk was full "
            "(index.blocks.read_only_allow_delete). Make room: Elasticsearch opens it again by "
            "itself. Where it was set by hand, PUT it back to null in the index's _settings"
        )
    return found


def _versions(moves: Sequence[Node], cluster: Cluster, asked: Asked) -> list[str]:
    present = sorted(set(filter(None, cluster.versions)), key=lambda text: parse(text) or (0, 0, 0))
    found = []
    for version in present:
        problem = path_problem(version, asked.version)
        if problem:
            runs = [node.name for node in moves if node.version == version]
            found.append(f"{problem}. {', '.join(runs) or 'A node'} runs {version}")
    if asked.back and not found and asked.version not in present:
        found.append(
            f"A way back does not lead to {asked.version}, which no node runs "
            f"({', '.join(present)}). For a newer version there is playbooks/upgrade.yml"
        )
    strangers = sorted(set(cluster.names) - set(asked.known)) if asked.known else []
    if strangers and any(version != asked.version for version in present):
        found.append(
            f"{', '.join(strangers)} is in the cluster and not in the inventory, and would keep "
            "its version. Put it into the inventory, or take it out of the cluster"
        )
    return found


def _snapshots(cluster: Cluster, asked: Asked) -> list[str]:
    """Without one there is no way back from a new version."""
    known = cluster.told.get("repositories")
    if not known or not asked.snapshot_max_age:
        return []
    most = age_of(asked.snapshot_max_age)
    if most is None:
        problem = (
            f"elasticsearch_snapshot_max_age is {asked.snapshot_max_age!r}, which is no age: write "
            "one like 1d or 12h, or nothing where no snapshot is to be asked for"
        )
        return [problem]
    if any(one["age"] is not None and one["age"] <= most for one in known):
        return []
    states = []
    for one in known:
        if one["problem"]:
            state = f"cannot be read ({one['problem']})"
        elif one["age"] is None:
            state = "has none that succeeded with the global state"
        else:
            state = f"has {one['snapshot']}, {age_text(one['age'])} old"
        states.append(f"{one['repository']} {state}")
    name = known[0]["repository"]
    problem = (
        f"There is no snapshot from before {asked.version} that is at most "
        f"{asked.snapshot_max_age} old (elasticsearch_snapshot_max_age): {'; '.join(states)}. Take "
        f"one, because no other way leads back: PUT _snapshot/{name}/before-{asked.version}"
        "?wait_for_completion=true"
    )
    return [problem]


def _deprecations(cluster: Cluster, asked: Asked) -> list[str]:
    stops = list(cluster.told.get("incompatible") or ())
    if not stops:
        return []
    problem = (
        f"{asked.version} does not work with what this cluster has: {some(stops, between='; ')}. "
        "GET _migration/deprecations tells what to do with each"
    )
    return [problem]


def waited_for(nodes: Sequence[Node], moves: Sequence[Node], cluster: Cluster) -> list[Node]:
    """Nodes that are to run as they are labelled, and do not. No turn is going to start them."""
    if not cluster.formed or not cluster.names:
        return []
    return [node for node in nodes if node.placed and node.missing and node not in moves]


def notes(
    nodes: Sequence[Node], moves: Sequence[Node], cluster: Cluster, asked: Asked
) -> list[str]:
    """What forbids nothing and is to be known before nodes move."""
    found = []
    if not moves:
        found += [
            f"{node.name} is not in the cluster. It has been started as the variables ask for, so "
            "either its host is down, or it does not start like that. This run only waits for it "
            "(elasticsearch_form_timeout). On that host, docker logs of its last container tells "
            "why. Mend it, or put the variables back to what they were and run "
            "playbooks/rollback.yml"
            for node in waited_for(nodes, moves, cluster)
        ]
    if moves and cluster.told.get("repositories") == [] and asked.snapshot_max_age:
        found.append(
            "No snapshot repository is registered, so nothing brings the present version back once "
            f"a node runs {asked.version}"
        )
    unknown = str(cluster.told.get("incompatible_unknown") or "")
    if moves and unknown:
        found.append(
            f"Whether something that {asked.version} does not bear is in use is not known: this "
            f"server has no _migration/deprecations ({unknown})"
        )
    return found


def restart_of(nodes: Sequence[Node], asked: str) -> str:
    """The restart to go on with if one was broken off, otherwise the one that is asked for.

    Its labels go when a restart has come to its end. So where there is one, it has not.
    """
    begun = [node.labels[RESTARTED] for node in nodes if RESTARTED in node.labels]
    return max(begun, default=asked) if asked else ""


def plan(nodes: Sequence[Node], cluster: Cluster, asked: Asked) -> dict[str, Any]:
    """The moves that are left, in order, and what forbids them."""
    restart = restart_of(nodes, asked.restart)
    moves = order([node for node in nodes if node.placed and node.reasons(restart)])
    return {
        "moves": [
            {
                "host": node.host,
                "name": node.name,
                "tier": NAMES[node.rank],
                "elected": node.master,
                "missing": node.missing,
                "reasons": node.reasons(restart),
                "before": node.labels.get(GENERATION, ""),
                "after": node.generation,
                "version": node.version,
            }
            for node in moves
        ],
        "next": moves[0].host if moves else "",
        "refusals": refusals(nodes, moves, cluster, asked),
        "notes": notes(nodes, moves, cluster, asked),
        "waited_for": [node.name for node in waited_for(nodes, moves, cluster)],
        # Who has to be there before a node goes: all that the cluster had, and nobody else.
        "present": [node.name for node in nodes if not node.missing],
        "placed": [node.name for node in nodes if node.placed],
        "restart": restart,
        "marked": bool(cluster.settings.get(MARK)),
    }
