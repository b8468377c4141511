# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate: is the cluster in the state that the next step needs, and if not, what is missing?

Each url is queried, because the health of a cluster cannot show a split: two clusters can both be
green. `judge` is pure; `observe` fetches the facts for it.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    AWAY_STATUSES,
    ElasticsearchError,
    Refused,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import Client

NOT_FORMED = "_na_"
RANK = {"red": 0, "yellow": 1, "green": 2}
CONNECT_TIMEOUT = 2.0
# Seconds for each request when the cluster is looked at only once.
LOOK_TIMEOUT = 10.0
FIRST_POLL, LONGEST_POLL, POLL_GROWTH = 0.3, 2.0, 1.4
# While nodes start, a valid login can be refused for some seconds, because the index with the users
# is not open yet. After this time the login counts as wrong.
LOGIN_GRACE = 45.0
WORKERS = 16
# The most replicas that are explained one by one. With more of them something else is wrong.
MOST_EXPLAINED = 50


@dataclass(frozen=True)
class Desired:
    """The conditions that the gate waits for."""

    status: str = "green"
    nodes: Sequence[str] = ()
    cluster_uuid: str | None = None
    settled: bool = True
    # Indices or aliases that must exist, with all their shards started.
    indices: Sequence[str] = ()
    # Whether replicas may be unassigned because only a newer version can take them.
    stranded: bool = False
    # The id that a node must have if it is in the cluster, by its name.
    node_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """The answer of one url: its name and its cluster, or the cause why it gave none."""

    url: str
    cause: str | None = None
    http_status: int | None = None
    listens: bool = False
    node: str = ""
    cluster_name: str = ""
    cluster_uuid: str = NOT_FORMED
    version: str = ""

    @property
    def formed(self) -> bool:
        return self.cause is None and self.cluster_uuid not in ("", NOT_FORMED)


@dataclass(frozen=True)
class Observation:
    """All facts from one look at the cluster."""

    views: Sequence[View]
    health: Mapping[str, Any] | None = None
    nodes: Sequence[Mapping[str, Any]] = ()
    problem: str | None = None
    # The shards of each requested index or alias.
    shards: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    # The number of unassigned replicas that no node of an older version can take.
    stranded: int = 0

    @property
    def uuids(self) -> dict[str, list[str]]:
        """The uuid of each cluster, with the nodes that report it."""
        seen: dict[str, list[str]] = {}
        for view in self.views:
            if view.formed:
                seen.setdefault(view.cluster_uuid, []).append(view.node or view.url)
        return seen

    @property
    def formed(self) -> bool:
        return bool(self.uuids)

    @property
    def health_unknown(self) -> bool:
        """Whether a cluster exists but reports nothing, for example while it elects a master."""
        return len(self.uuids) == 1 and self.health is None

    @property
    def cluster_uuid(self) -> str | None:
        return next(iter(self.uuids), None)

    @property
    def cluster_name(self) -> str | None:
        return next((view.cluster_name for view in self.views if view.formed), None)

    @property
    def reachable(self) -> list[str]:
        return [view.url for view in self.views if view.cause is None]

    @property
    def unreachable(self) -> dict[str, str]:
        return {view.url: view.cause for view in self.views if view.cause is not None}

    @property
    def unclear(self) -> dict[str, str]:
        """Urls where something listens but does not report its cluster.

        A 503 is clear: it comes from a node that knows no master, like the uuid `_na_`.
        """
        return {
            view.url: view.cause
            for view in self.views
            if view.cause is not None and view.listens and view.http_status not in AWAY_STATUSES
        }


@dataclass(frozen=True)
class Verdict:
    """One sentence per condition that is not met. `hopeless` means that waiting cannot help."""

    missing: list[str] = field(default_factory=list)
    hopeless: bool = False

    @property
    def passed(self) -> bool:
        return not self.missing

    def sentence(self) -> str:
        return "; ".join(self.missing)


def judge(seen: Observation, desired: Desired, waited: float = 0.0) -> Verdict:
    """Compare the observation with the desired conditions and list what is missing."""
    clusters = seen.uuids
    if len(clusters) > 1:
        parts = [f"{uuid} ({', '.join(names)})" for uuid, names in clusters.items()]
        return Verdict(
            [
                f"the nodes have formed {len(clusters)} clusters that will never join: "
                + " and ".join(parts)
                + ". Decide which one holds the data, empty the data directories of the nodes of "
                "the other, and let them join"
            ],
            hopeless=True,
        )
    if desired.cluster_uuid and clusters and desired.cluster_uuid not in clusters:
        other = (
            f"the cluster is {next(iter(clusters))}, not {desired.cluster_uuid}: these nodes "
            "belong to another cluster, or a new cluster was formed"
        )
        return Verdict([other], hopeless=True)
    if not clusters:
        return _judge_unformed(seen, waited)
    missing: list[str] = []
    if seen.health is None:
        missing.append(seen.problem or "no node reported the cluster's health")
        return Verdict(missing)
    other_ids = _judge_ids(seen, desired)
    if other_ids:
        return Verdict(other_ids, hopeless=True)
    missing += _judge_nodes(seen, desired)
    missing += _judge_health(seen.health, desired, seen.stranded)
    missing += _judge_shards(seen, desired)
    return Verdict(missing)


def _judge_unformed(seen: Observation, waited: float) -> Verdict:
    missing = []
    alone = [view.node or view.url for view in seen.views if view.cause is None]
    if alone:
        missing.append(
            "no cluster has formed: " + ", ".join(alone) + " found no master. Check that the "
            "master-eligible nodes run and reach each other (port 9300 on the overlay)"
        )
    missing += _by_cause(seen.unreachable)
    refused = [view for view in seen.views if view.http_status in (401, 403)]
    hopeless = bool(refused) and not alone and waited >= LOGIN_GRACE
    return Verdict(missing, hopeless=hopeless)


def _by_cause(causes: Mapping[str, str]) -> list[str]:
    """Each cause once, after its urls, because all nodes often fail for the same cause."""
    urls: dict[str, list[str]] = {}
    for url, cause in causes.items():
        urls.setdefault(cause, []).append(url)
    return [f"{', '.join(names)}: {cause}" for cause, names in urls.items()]


def _judge_nodes(seen: Observation, desired: Desired) -> list[str]:
    present = {str(node.get("name")) for node in seen.nodes}
    absent = [name for name in desired.nodes if name not in present]
    if not absent:
        return []
    by_cause = "".join(f"; {part}" for part in _by_cause(seen.unreachable))
    joined = f"{len(present)} joined: {', '.join(sorted(present))}"
    return [f"not joined: {', '.join(absent)} ({joined}){by_cause}"]


def _judge_ids(seen: Observation, desired: Desired) -> list[str]:
    """A node's id is stored in its data directory, so no restart changes it."""
    found = {str(node.get("name")): str(node.get("id") or "") for node in seen.nodes}
    return [
        f"{name} has the id {found[name]} now, and had {node_id}: it uses another data "
        "directory. Check what is mounted there as data, on that host and in the service"
        for name, node_id in desired.node_ids.items()
        if found.get(name) and found[name] != node_id
    ]


def _judge_health(health: Mapping[str, Any], desired: Desired, stranded: int) -> list[str]:
    missing = []
    status = str(health.get("status", "red"))
    unassigned = int(health.get("unassigned_shards", 0))
    only_stranded = status == "yellow" and 0 < unassigned <= stranded
    if RANK.get(status, 0) < RANK[desired.status] and not only_stranded:
        line = f"the status is {status}, not {desired.status}: {unassigned} shards unassigned"
        primaries = int(health.get("unassigned_primary_shards", 0))
        if primaries:
            line += f", {primaries} of them primaries"
        missing.append(line)
    if desired.settled:
        moving = {
            "initialising": int(health.get("initializing_shards", 0)),
            "relocating": int(health.get("relocating_shards", 0)),
            "being fetched": int(health.get("number_of_in_flight_fetch", 0)),
        }
        busy = [f"{count} {what}" for what, count in moving.items() if count]
        if busy:
            missing.append(
                "shards are still moving: "
                + ", ".join(busy)
                + " (GET _cat/recovery?active_only=true&v shows their progress)"
            )
    return missing


def _judge_shards(seen: Observation, desired: Desired) -> list[str]:
    missing = []
    for index in desired.indices:
        shards = seen.shards.get(index, ())
        if not shards:
            missing.append(f"{index}: there is no index or alias of this name")
        missing += [
            f"{shard['index']}: shard {shard['shard']} is {shard['state']}"
            for shard in shards
            if shard["state"] != "STARTED"
        ]
    return missing


def why_unassigned(explained: Mapping[str, Any]) -> str:
    """Why a shard is on no node, from an answer of `GET _cluster/allocation/explain`.

    A node that already holds a copy of the shard is left out: it cannot take a second one.
    """
    hosts: dict[str, list[str]] = {}
    explanations: dict[str, str] = {}
    for node in explained.get("node_allocation_decisions") or ():
        against = [d for d in node.get("deciders") or () if d.get("decision") != "YES"]
        if not against or any(d.get("decider") == "same_shard" for d in against):
            continue
        decider = str(against[0].get("decider"))
        hosts.setdefault(decider, []).append(str(node.get("node_name")))
        explanations.setdefault(decider, str(against[0].get("explanation")))
    copy = "primary" if explained.get("primary") else "replica"
    causes = [
        f"{', '.join(sorted(names))}: {explanations[decider]}" for decider, names in hosts.items()
    ]
    if not causes:
        causes = [str(explained.get("allocate_explanation") or "no node gave a reason")]
    shard = f"{explained.get('index')} shard {explained.get('shard')} ({copy})"
    return f"{shard} is on no node. " + "; ".join(causes)


def explain_unassigned(client: Client, seen: Observation) -> str:
    """How Elasticsearch explains one unassigned shard; empty when there is none.

    Requested only once, after the wait: the answer is expensive, and it changes all the time.
    """
    members = [view.url for view in seen.views if view.formed]
    if not members or not int((seen.health or {}).get("unassigned_shards", 0)):
        return ""
    member = client.derive(urls=members, rounds=1)
    try:
        # 400: by now every shard is assigned.
        reply = member.get("/_cluster/allocation/explain?master_timeout=5s", accept=(400,))
        return why_unassigned(reply.object()) if reply.ok else ""
    except ElasticsearchError as error:
        return f"GET _cluster/allocation/explain shows why, but it failed: {error}"
    finally:
        member.close()


def is_stranded(explained: Mapping[str, Any]) -> bool:
    """Whether a replica is unassigned only because it needs a node of a newer version.

    Elasticsearch never copies a shard from a newer version to an older one. So each node must have
    a copy already or be too old, and at least one node must be too old.
    """
    reasons = [
        {d.get("decider") for d in node.get("deciders") or () if d.get("decision") == "NO"}
        for node in explained.get("node_allocation_decisions") or ()
    ]
    old = [found for found in reasons if "node_version" in found]
    return bool(old) and all("same_shard" in found or "node_version" in found for found in reasons)


def count_stranded(member: Client, health: Mapping[str, Any]) -> int:
    """How many replicas need a node of a newer version; 0 when shards move or more is wrong."""
    busy = ("initializing_shards", "relocating_shards", "delayed_unassigned_shards")
    if health.get("status") != "yellow" or any(int(health.get(key, 0)) for key in busy):
        return 0
    listed = member.get("/_cat/shards?format=json&h=index,shard,prirep,state").body
    unassigned = [
        shard for shard in listed if shard["state"] == "UNASSIGNED" and shard["prirep"] == "r"
    ]
    found = 0
    for shard in unassigned[:MOST_EXPLAINED]:
        query = {"index": shard["index"], "shard": int(shard["shard"]), "primary": False}
        reply = member.request("POST", "/_cluster/allocation/explain", query, accept=(400,))
        found += reply.ok and is_stranded(reply.object())
    return found


def unsafe_to_guess(seen: Observation) -> dict[str, str]:
    """Urls that may belong to a formed cluster, when no formed cluster was seen.

    After "no cluster has formed" the caller forms one. If a cluster exists and only refuses the
    login, or has a certificate that is not trusted, that would be a second cluster.
    """
    return {} if seen.formed else seen.unclear


def look_at(client: Client, url: str, timeout: float) -> View:
    """Ask one node for its name and its cluster."""
    single = client.derive(
        urls=[url], rounds=1, timeout=timeout, connect_timeout=min(timeout, CONNECT_TIMEOUT)
    )
    try:
        body = single.get("/").object()
    except Refused as error:
        cause = str(error).replace(f"{url} ", "", 1)
        return View(url, cause=cause, http_status=error.status, listens=True)
    except Unreachable as error:
        return View(url, cause=error.causes[url], listens=error.listens)
    except ElasticsearchError as error:
        return View(url, cause=str(error), listens=True)
    finally:
        single.close()
    version = body.get("version")
    return View(
        url,
        listens=True,
        node=str(body.get("name", "")),
        cluster_name=str(body.get("cluster_name", "")),
        cluster_uuid=str(body.get("cluster_uuid") or NOT_FORMED),
        version=str(version.get("number", "")) if isinstance(version, dict) else "",
    )


def observe(
    client: Client,
    *,
    timeout: float = 10.0,
    details: bool = True,
    indices: Sequence[str] = (),
    stranded: bool = False,
) -> Observation:
    """Query all urls at once, then ask one member of the cluster for health, nodes and shards."""
    urls = client.urls
    with ThreadPoolExecutor(max_workers=min(WORKERS, len(urls))) as pool:
        views = list(pool.map(lambda url: look_at(client, url, timeout), urls))
    seen = Observation(views)
    if not details or len(seen.uuids) != 1:
        return seen
    members = [view.url for view in views if view.formed]
    member = client.derive(urls=members, rounds=1, timeout=timeout)
    try:
        # The short timeouts matter: a node that has lost its master delays its answer.
        health = member.get("/_cluster/health?master_timeout=5s&timeout=1s", accept=(408,))
        state = member.get("/_cluster/state/master_node,nodes?master_timeout=5s")
        shards = {index: shards_of(member, index) for index in indices}
        count = count_stranded(member, health.object()) if stranded else 0
        return Observation(
            views, health.object(), nodes_of(state.object()), shards=shards, stranded=count
        )
    except ElasticsearchError as error:
        return Observation(views, problem=str(error))
    finally:
        member.close()


def shards_of(client: Client, index: str) -> list[dict[str, Any]]:
    """The shards of an index or alias; none when it does not exist."""
    reply = client.get(f"/_cat/shards/{quote(index, safe=',*-_.')}?format=json", accept=(404,))
    if not reply.ok or not isinstance(reply.body, list):
        return []
    return [
        {key: shard.get(key) for key in ("index", "shard", "prirep", "state", "node")}
        for shard in reply.body
    ]


def nodes_of(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The nodes of a cluster state, by name."""
    master = state.get("master_node")
    nodes = [
        {
            "name": str(node.get("name", "")),
            "id": node_id,
            "version": node.get("version"),
            "roles": sorted(node.get("roles") or []),
            "master": node_id == master,
        }
        for node_id, node in (state.get("nodes") or {}).items()
    ]
    return sorted(nodes, key=lambda node: str(node["name"]))


def add_versions(nodes: Sequence[Mapping[str, Any]], views: Sequence[View]) -> list[dict[str, Any]]:
    """Fill in the versions, which the cluster state of older versions does not contain."""
    known = {view.node: view.version for view in views if view.version}
    return [
        {**node, "version": node.get("version") or known.get(str(node["name"]))} for node in nodes
    ]


def look(
    client: Client,
    *,
    timeout: float,
    doubt_timeout: float,
    indices: Sequence[str] = (),
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Observation:
    """Look at the cluster; repeat for ``doubt_timeout`` seconds while the answer is unclear."""
    start = clock()
    while True:
        seen = observe(client, timeout=timeout, indices=indices)
        certain = not seen.health_unknown and not unsafe_to_guess(seen)
        if certain or clock() - start >= doubt_timeout:
            return seen
        sleep(LONGEST_POLL / 4)


def why_uncertain(seen: Observation) -> str:
    """Why it is unclear which cluster this is; empty when it is clear.

    The caller must stop in both cases: with two clusters, and when a refused request may hide one.
    """
    if len(seen.uuids) > 1:
        verdict = judge(seen, Desired())
        return f"The cluster is not ready, and waiting will not help: {verdict.sentence()}"
    causes = "; ".join(_by_cause(unsafe_to_guess(seen)))
    return causes and (
        "It is not certain that no cluster has formed yet, because something listens that does not "
        f"report its cluster: {causes}"
    )


def failure_message(client: Client, seen: Observation, verdict: Verdict, seconds: float) -> str:
    """The error message after a wait that failed; empty when the gate is open."""
    if verdict.passed:
        return ""
    if verdict.hopeless:
        return f"The cluster is not ready, and waiting will not help: {verdict.sentence()}"
    why = explain_unassigned(client, seen)
    msg = f"The cluster is not ready after {seconds} s: {verdict.sentence()}"
    return f"{msg}. {why}" if why else msg


def as_result(seen: Observation) -> dict[str, Any]:
    """The part of an observation that modules return."""
    health = dict(seen.health or {})
    return {
        "formed": seen.formed,
        "cluster_uuid": seen.cluster_uuid,
        "cluster_name": seen.cluster_name,
        "status": health.get("status"),
        "nodes": add_versions(seen.nodes, seen.views),
        "health": health,
        "reachable": seen.reachable,
        "unreached": seen.unreachable,
    }


def wait_for(
    client: Client,
    desired: Desired,
    *,
    wait_timeout: float,
    request_timeout: float = 10.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Observation, Verdict, float]:
    """Look until the gate is open, waiting cannot help, or the time is over."""
    start = clock()
    pause = FIRST_POLL
    while True:
        seen = observe(
            client, timeout=request_timeout, indices=desired.indices, stranded=desired.stranded
        )
        waited = clock() - start
        verdict = judge(seen, desired, waited)
        remaining = wait_timeout - waited
        if verdict.passed or verdict.hopeless or remaining <= 0:
            return seen, verdict, waited
        sleep(min(pause, remaining))
        pause = min(pause * POLL_GROWTH, LONGEST_POLL)
