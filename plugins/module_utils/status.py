# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the platform looks like now: from what was collected to tables, findings and text.

Whatever part did not answer is missing in the collection, and says so in the report; nothing here
may fail because something is not there. The page is drawn in :mod:`status_page`.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils import status_faults as faults
from ansible_collections.elk.swarm.plugins.module_utils.convergence import (
    error_of,
    node_name,
    required_tasks,
    running,
    state_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.service_spec import dig, mode_of
from ansible_collections.elk.swarm.plugins.module_utils.status_faults import (
    BAD,
    OK,
    WARN,
    Finding,
    Thresholds,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

STACK_LABEL = "com.docker.stack.namespace"
GENERATION_LABEL = "elk.generation"
NODE_GENERATION, NODE_CONFIG = "elk.es", "elk.es.config"
NODE_MAY_RUN = ("elk.logstash", "elk.kibana")

RANK = {OK: 0, WARN: 1, BAD: 2}
UTC = datetime.timezone.utc
LONGEST_ERROR = 200


@dataclass(frozen=True)
class Cell:
    """One value of a table. A percentage is drawn as a bar where something can be drawn."""

    text: str
    level: str = ""
    percent: float | None = None


@dataclass(frozen=True)
class Column:
    title: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    # Stands instead of rows where there are none, and below them otherwise.
    note: str = ""


@dataclass(frozen=True)
class Card:
    """A number for the head of the page."""

    title: str
    value: str
    detail: str = ""
    level: str = OK


@dataclass(frozen=True)
class Report:
    stack: str
    taken: str
    cards: Sequence[Card]
    findings: Sequence[Finding]
    tables: Sequence[Table]

    @property
    def level(self) -> str:
        return worst(finding.level for finding in self.findings)

    @property
    def faults(self) -> str:
        """All faults in one line, for the message of a run that failed."""
        return "; ".join(
            f"{one.text}. Next command: {one.next}" if one.next else one.text
            for one in self.findings
            if one.level == BAD
        )

    @property
    def headline(self) -> str:
        bad = sum(1 for finding in self.findings if finding.level == BAD)
        warn = len(self.findings) - bad
        if not self.findings:
            return "All checks passed"
        parts = []
        if bad:
            parts.append(f"{bad} {'fault' if bad == 1 else 'faults'}")
        if warn:
            parts.append(f"{warn} {'thing' if warn == 1 else 'things'} to look at")
        return ", ".join(parts)


def worst(levels: Iterable[str]) -> str:
    return max(levels, key=lambda level: RANK.get(level, 0), default=OK)


def grade(value: float | None, warn: float, bad: float, *, low: bool = False) -> str:
    """The level of a number; with ``low`` small ones are the bad ones."""
    if value is None:
        return ""
    if low:
        return BAD if value <= bad else WARN if value <= warn else OK
    return BAD if value >= bad else WARN if value >= warn else OK


# -- small things ----------------------------------------------------------------------------


def number(value: Any) -> float | None:
    """A number out of what an API sends, which may be text or nothing."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def size(value: Any) -> str:
    """Bytes as people read them."""
    amount = number(value)
    if amount is None:
        return "-"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("unreachable")


def count(value: Any) -> str:
    amount = number(value)
    return "-" if amount is None else f"{amount:,.0f}"


def percent(used: Any, whole: Any) -> float | None:
    part, total = number(used), number(whole)
    return None if part is None or not total else 100 * part / total


def natural(name: str) -> list[tuple[int, int, str]]:
    """A sort key under which w2 stands before w10."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part.lower())
        for part in re.split(r"(\d+)", name)
        if part
    ]


def one_line(text: str, longest: int = LONGEST_ERROR) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 1].rstrip() + "…"


# -- certificates ----------------------------------------------------------------------------


def _der(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start and end of the value that stands at ``at``."""
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        octets = length & 0x7F
        length = int.from_bytes(data[start : start + octets], "big")
        start += octets
    if start + length > len(data):
        raise ValueError("it is cut off")
    return tag, start, start + length


def _moment(tag: int, text: str) -> datetime.datetime:
    # UTCTime has two digits of the year, GeneralizedTime four.
    pattern = "%y%m%d%H%M%SZ" if tag == 0x17 else "%Y%m%d%H%M%SZ"
    return datetime.datetime.strptime(text, pattern).replace(tzinfo=UTC)


def certificate_end(pem: str) -> datetime.datetime:
    """The end of a certificate's validity.

    Read by hand: the standard library has no public way, and hosts need not have another one.
    """
    found = re.search(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", pem, re.DOTALL)
    if found is None:
        raise ValueError("it holds no certificate")
    try:
        data = base64.b64decode("".join(found[1].split()), validate=True)
        _tag, at, _end = _der(data, 0)
        _tag, at, _end = _der(data, at)
        tag, start, end = _der(data, at)
        if tag == 0xA0:  # the version, which the oldest kind lacks
            tag, start, end = _der(data, end)
        for _part in ("algorithm", "issuer", "validity"):
            tag, start, end = _der(data, end)
        _tag, _start, end = _der(data, start)  # not before
        tag, start, end = _der(data, end)
        return _moment(tag, data[start:end].decode("ascii"))
    except (binascii.Error, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"it cannot be read ({error})") from error


# -- what a manager says ---------------------------------------------------------------------


def swarm_nodes(nodes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each node what the report shows."""
    return [
        {
            "id": str(node.get("ID") or ""),
            "hostname": node_name(node),
            "role": str(dig(node, ("Spec", "Role")) or ""),
            "availability": str(dig(node, ("Spec", "Availability")) or ""),
            "state": str(dig(node, ("Status", "State")) or "unknown"),
            "message": str(dig(node, ("Status", "Message")) or ""),
            "address": str(dig(node, ("Status", "Addr")) or ""),
            "leader": bool(dig(node, ("ManagerStatus", "Leader"))),
            "engine": str(dig(node, ("Description", "Engine", "EngineVersion")) or ""),
            "labels": dict(dig(node, ("Spec", "Labels")) or {}),
        }
        for node in nodes
    ]


def swarm_services(
    services: Iterable[Mapping[str, Any]],
    tasks: Sequence[Mapping[str, Any]],
    nodes: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Of each service what the report shows; of its environment and secrets nothing."""
    names = {str(node.get("ID")): node_name(node) for node in nodes}
    found = []
    for service in services:
        spec = service.get("Spec") or {}
        own = [task for task in tasks if task.get("ServiceID") == service.get("ID")]
        desired = required_tasks(service, nodes)
        up = [task for task in own if running(task)]
        image = str(dig(spec, ("TaskTemplate", "ContainerSpec", "Image")) or "")
        found.append(
            {
                "name": str(spec.get("Name") or ""),
                "stack": str(dig(spec, ("Labels", STACK_LABEL)) or ""),
                "generation": str(dig(spec, ("Labels", GENERATION_LABEL)) or ""),
                "mode": mode_of(spec),
                "image": image.split("@", 1)[0],
                "desired": desired,
                "running": len(up),
                "nodes": sorted({names.get(str(task.get("NodeID")), "") for task in up}),
                "error": last_error(own, names) if len(up) != desired else "",
            }
        )
    return sorted(found, key=lambda item: natural(item["name"]))


def last_error(tasks: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """What the newest task with an error says, and where."""
    for task in sorted(tasks, key=lambda item: str(item.get("CreatedAt") or ""), reverse=True):
        text = error_of(task)
        if text:
            where = names.get(str(task.get("NodeID")), "")
            return one_line(f"{where}: {text}" if where else f"{state_of(task)}: {text}")
    return ""


# -- what Elasticsearch says -----------------------------------------------------------------


def elasticsearch_nodes(
    nodes: Iterable[Mapping[str, Any]], stats: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Put the cluster's list of nodes and what each says of itself together."""
    by_id = stats.get("nodes") or {}
    return [
        {
            "name": str(node.get("name") or ""),
            "version": str(node.get("version") or ""),
            "roles": list(node.get("roles") or ()),
            "master": bool(node.get("master")),
            "heap_percent": number(
                dig(by_id.get(node.get("id")) or {}, ("jvm", "mem", "heap_used_percent"))
            ),
            "heap_max": number(
                dig(by_id.get(node.get("id")) or {}, ("jvm", "mem", "heap_max_in_bytes"))
            ),
            "disk_total": number(
                dig(by_id.get(node.get("id")) or {}, ("fs", "total", "total_in_bytes"))
            ),
            "disk_available": number(
                dig(by_id.get(node.get("id")) or {}, ("fs", "total", "available_in_bytes"))
            ),
        }
        for node in nodes
    ]


def elasticsearch_indices(rows: Any) -> list[dict[str, Any]]:
    """The answer of the list of indices, under names of our own."""
    return [
        {
            "name": str(row.get("index") or ""),
            "health": str(row.get("health") or ""),
            "status": str(row.get("status") or ""),
            "docs": number(row.get("docs.count")),
            "bytes": number(row.get("store.size")),
            "primaries": number(row.get("pri")),
            "replicas": number(row.get("rep")),
        }
        for row in rows or ()
        if isinstance(row, dict)
    ]


def write_index_of(answer: Mapping[str, Any], alias: str) -> str:
    """The index that takes what is written to an alias; empty when none does.

    >>> write_index_of({"a": {"aliases": {"x": {}}}}, "x")
    'a'
    """
    marks = {
        index: ((about.get("aliases") or {}).get(alias) or {}).get("is_write_index")
        for index, about in answer.items()
    }
    chosen = [index for index, mark in marks.items() if mark]
    if not chosen and len(marks) == 1:
        # A single index needs no mark, unless it says no.
        chosen = [index for index, mark in marks.items() if mark is not False]
    return chosen[0] if chosen else ""


# -- the report ------------------------------------------------------------------------------


@dataclass
class _Builder:
    """Goes through the parts one after the other and notes what is found."""

    data: Mapping[str, Any]
    limits: Thresholds
    now: datetime.datetime
    findings: list[Finding] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def __post_init__(self) -> None:
        looked_at = {str(host["name"]): host for host in self.data.get("hosts") or ()}
        self.hosts: list[Mapping[str, Any]] = [
            looked_at.get(name, {"name": name, "left_out": True})
            for name in self.data.get("names") or looked_at
        ]
        self.surveys = {str(h["name"]): h["survey"] for h in self.hosts if h.get("survey")}
        self.swarm = self._first("swarm", "nodes")
        self.search: Mapping[str, Any] | None = self._first("elasticsearch", "nodes")

    def _first(self, part: str, full: str) -> Mapping[str, Any] | None:
        """The first view that has everything, else the first that there is."""
        views = [survey[part] for survey in self.surveys.values() if survey.get(part)]
        return next((view for view in views if view.get(full)), views[0] if views else None)

    def note(self, level: str, text: str) -> None:
        if level in (WARN, BAD):
            self.findings.append(Finding(level, one_line(text, 400)))

    def add(self, found: Iterable[Finding]) -> None:
        for one in found:
            # A command is no sentence: it is shown whole or not at all.
            self.findings.append(replace(one, text=one_line(one.text, 600)))

    def build(self) -> Report:
        self.about_hosts()
        self.about_services()
        self.about_generations()
        self.about_nodes()
        self.about_indices()
        self.about_certificates()
        self.about_faults()
        ordered = sorted(self.findings, key=lambda finding: -RANK[finding.level])
        taken = self.now.strftime("%Y-%m-%d %H:%M:%S UTC")
        stack = str(self.data.get("stack") or "")
        return Report(stack, taken, self.cards, ordered, self.tables)

    def about_faults(self) -> None:
        """What stands in no table: each check has a name, a cause and a command."""
        stack = self.data.get("stack")
        view, swarm = self.search or {}, self.swarm or {}
        controller = self.data.get("controller") or {}
        alias = str(self.data.get("alias") or "")
        shipper = str(self.data.get("logstash_service") or "logshipper")
        commands = self.commands()
        self.add(faults.cluster_blocks(view, commands))
        self.add(faults.index_blocks(view, commands))
        self.add(faults.write_index(view, alias))
        self.add(faults.disk_watermarks(view, commands))
        self.add(faults.allocation(view, commands))
        for host, survey in self.surveys.items():
            self.add(faults.logstash(host, survey.get("logstash") or {}, self.limits, shipper))
            self.add(faults.file_systems(host, survey.get("file_systems") or (), self.limits))
        if self.nodes:
            own = [one for one in swarm.get("services") or () if one["stack"] == stack]
            if own:
                self.add(faults.wanted_services(own, self.data.get("services") or ()))
        self.add(faults.authority_keys(controller))
        pki = {host: survey["pki"] for host, survey in self.surveys.items() if survey.get("pki")}
        self.add(faults.authorities(controller, pki, swarm.get("authorities") or {}))
        strange = bool(faults.strange_controller(controller, pki))
        self.add(faults.servers(controller, strange=strange))

    def commands(self) -> faults.Commands:
        """Commands that name a node which is in the cluster."""
        there = {node["name"] for node in (self.search or {}).get("nodes") or ()}
        given = {key: str(self.data[key]) for key in ("ca_path", "data_path") if self.data.get(key)}
        port = self.data.get("api_port") or 9200
        for host in self.hosts:
            name = dig(host.get("survey") or {}, ("nodename",))
            if host.get("address") and name in there:
                address = str(host["address"])
                address = f"[{address}]" if ":" in address else address
                return faults.Commands(f"https://{address}:{port}", **given)
        return faults.Commands(**given)

    # -- hosts

    @property
    def nodes(self) -> list[Mapping[str, Any]]:
        return list((self.swarm or {}).get("nodes") or ())

    def node_of(self, host: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The swarm's node of a host: by id, and for one that is away by address or name."""
        survey = host.get("survey") or {}
        node_id = (survey.get("member") or {}).get("node_id")
        if node_id:
            return next((node for node in self.nodes if node["id"] == node_id), None)
        if survey:
            return None
        for key, value in (("address", host.get("address")), ("hostname", host.get("name"))):
            found = [node for node in self.nodes if value and node.get(key) == value]
            if found:
                return found[0]
        return None

    def about_hosts(self) -> None:
        rows, ready = [], 0
        for host in self.hosts:
            node = self.node_of(host)
            fault = self.fault_of(host, node)
            if fault:
                self.note(fault.level, fault.text)
            else:
                ready += 1
            rows.append(self.host_row(host, node, fault))
        note = ""
        known = {node["id"] for host in self.hosts if (node := self.node_of(host))}
        for node in self.nodes:
            if node["id"] not in known:
                self.note(WARN, f"{node['hostname']}: is in the swarm and not in the inventory")
        if not self.nodes:
            note = self.no_swarm()
            self.note(BAD, note)
        versions = {v for s in self.surveys.values() if (v := dig(s, ("engine", "version")))}
        if len(versions) > 1:
            self.note(WARN, f"Docker is not the same everywhere: {', '.join(sorted(versions))}")
        columns = [
            *map(Column, ("Host", "Address", "Role", "Availability", "State", "Docker")),
        ]
        self.tables.append(Table("Hosts", columns, rows, note))
        total = len(self.hosts)
        good = OK if ready == total else BAD
        self.cards.append(Card("Hosts", f"{ready} of {total}", "ready", good))

    def no_swarm(self) -> str:
        told = [
            str(problem)
            for survey in self.surveys.values()
            if (problem := (survey.get("swarm") or {}).get("problem"))
        ]
        why = f": {one_line(told[0])}" if told else ""
        return f"No manager can tell about the swarm{why or '.'}"

    @staticmethod
    def fault_of(host: Mapping[str, Any], node: Mapping[str, Any] | None) -> Finding | None:
        name = host["name"]
        if host.get("left_out"):
            return Finding(WARN, f"{name}: was left out of this run (--limit)")
        if host.get("problem"):
            # Ansible puts this before everything that goes wrong.
            why = one_line(str(host["problem"]).removeprefix("Task failed: "))
            return Finding(BAD, f"{name}: cannot be looked at: {why}")
        survey = host.get("survey") or {}
        engine, member = survey.get("engine") or {}, survey.get("member") or {}
        if engine.get("problem"):
            return Finding(BAD, f"{name}: {engine['problem']}")
        if member.get("state") != "active":
            why = f" ({member['error']})" if member.get("error") else ""
            return Finding(BAD, f"{name}: is in no swarm, its state is {member.get('state')}{why}")
        if member.get("manager") and not member.get("quorum"):
            return Finding(
                BAD, f"{name}: is a manager that does not reach a majority of the managers"
            )
        if node is None:
            return None
        if node["state"] != "ready":
            return Finding(BAD, f"{name}: the swarm says that it is {node['state']}")
        if host.get("role") and node["role"] != host["role"]:
            return Finding(
                BAD, f"{name}: is a {node['role']} and stands as {host['role']} in the inventory"
            )
        if node["availability"] != "active":
            return Finding(
                WARN,
                f"{name}: takes no new tasks, because its availability is {node['availability']}",
            )
        return None

    @staticmethod
    def host_row(
        host: Mapping[str, Any], node: Mapping[str, Any] | None, fault: Finding | None
    ) -> list[Cell]:
        survey = host.get("survey") or {}
        known = node or {}
        role = str(known.get("role") or host.get("role") or "-")
        state = str(known.get("state") or dig(survey, ("member", "state")) or "unknown")
        if host.get("left_out"):
            state = f"{state}, not asked"
        elif host.get("problem"):
            state = "unreachable" if host.get("unreachable") else "cannot be looked at"
        elif dig(survey, ("engine", "problem")):
            state = "Docker is silent"
        elif fault and state in ("ready", "active") and fault.level == BAD:
            state = "no majority" if not node else f"{state}, see above"
        availability = str(known.get("availability") or "-")
        engine = str(dig(survey, ("engine", "version")) or known.get("engine") or "-")
        return [
            Cell(str(host["name"])),
            Cell(str(host.get("address") or "-")),
            Cell(f"{role} (leader)" if known.get("leader") else role),
            Cell(availability, WARN if availability in ("drain", "pause") else ""),
            Cell(state, fault.level if fault else OK),
            Cell(engine),
        ]

    # -- services

    def about_services(self) -> None:
        columns = [
            Column("Service"),
            Column("Image"),
            Column("Running", numeric=True),
            Column("Wanted", numeric=True),
            Column("On"),
            Column("Last error"),
        ]
        if not self.nodes:
            self.tables.append(Table("Services", columns, (), "Not known: no manager can tell."))
            self.cards.append(Card("Services", "not known", "no manager can tell", BAD))
            return
        everything = list((self.swarm or {}).get("services") or ())
        own = [one for one in everything if one["stack"] == self.data.get("stack")]
        rows, complete = [], 0
        for service in own:
            level = OK
            if service["running"] != service["desired"]:
                level = BAD if service["running"] < service["desired"] else WARN
                why = f": {service['error']}" if service["error"] else ""
                self.note(
                    level,
                    f"{service['name']}: {service['running']} of {service['desired']} tasks"
                    f" run{why}",
                )
            elif not service["desired"]:
                level = self.about_no_task(service, own)
            complete += level == OK
            rows.append(
                [
                    Cell(service["name"]),
                    Cell(service["image"].rsplit("/", 1)[-1]),
                    Cell(str(service["running"]), level),
                    Cell(str(service["desired"])),
                    Cell(", ".join(sorted(service["nodes"], key=natural)) or "-"),
                    Cell(service["error"] or "-", BAD if service["error"] else ""),
                ]
            )
        note = ""
        if not own:
            note = f"The swarm has no service of the stack {self.data.get('stack')}."
            self.note(BAD, f"{note} Run site.yml.")
        others = len(everything) - len(own)
        if others:
            word = "service that is" if others == 1 else "services that are"
            note = f"{note} There {'is' if others == 1 else 'are'} {others} {word} not part of it."
        self.tables.append(Table("Services", columns, rows, note.strip()))
        good = complete == len(own) and bool(own)
        self.cards.append(
            Card("Services", f"{complete} of {len(own)}", "complete", OK if good else BAD)
        )

    def about_no_task(self, service: Mapping[str, Any], own: Sequence[Mapping[str, Any]]) -> str:
        """A service with no task: left over, asked for, or the one that is needed."""
        name = service["name"]
        if service["mode"] != "global":
            wanted = {
                str(one["name"]): int(one["replicas"]) for one in self.data.get("services") or ()
            }
            if wanted.get(name):
                # Which has a finding with its variable.
                return BAD
            if name in wanted:
                return OK
        elif not any(one["generation"] and one["running"] for one in own):
            self.add(
                [
                    Finding(
                        BAD,
                        f"{name}: no node of the swarm is labelled for it and active, so"
                        " Elasticsearch runs nowhere",
                        "service_nowhere",
                        faults.SITE,
                    )
                ]
            )
            return BAD
        self.note(WARN, f"{name}: no task is wanted on any host")
        return WARN

    def about_generations(self) -> None:
        columns = [
            *map(Column, ("Host", "Generation", "Service", "Configuration", "Logstash", "Kibana")),
        ]
        services = {
            one["generation"]: one["name"]
            for one in (self.swarm or {}).get("services") or ()
            if one["generation"] and one["stack"] == self.data.get("stack")
        }
        rows = []
        for node in sorted(self.nodes, key=lambda one: natural(str(one["hostname"]))):
            labels = node["labels"]
            generation = labels.get(NODE_GENERATION, "")
            service = services.get(generation, "")
            if generation and not service:
                self.note(
                    BAD,
                    f"{node['hostname']}: is labelled for generation {generation} of"
                    " Elasticsearch, which has no service",
                )
            rows.append(
                [
                    Cell(node["hostname"]),
                    Cell(generation or "-"),
                    Cell(
                        service or ("none" if generation else "-"),
                        BAD if generation and not service else "",
                    ),
                    Cell(labels.get(NODE_CONFIG) or "-"),
                    *(
                        Cell("may run" if labels.get(label) == "true" else "-")
                        for label in NODE_MAY_RUN
                    ),
                ]
            )
        unused = sorted(
            set(services) - {node["labels"].get(NODE_GENERATION) for node in self.nodes}
        )
        note = "" if rows else "Not known: no manager can tell."
        if unused and rows:
            note = f"No host is labelled for generation {', '.join(unused)}."
        self.tables.append(Table("Labels of the hosts", columns, rows, note))

    # -- Elasticsearch

    def about_nodes(self) -> None:
        columns = [
            Column("Node"),
            Column("Version"),
            Column("Roles"),
            Column("Heap", numeric=True),
            Column("Disk", numeric=True),
            Column("Free", numeric=True),
        ]
        view = self.search or {}
        missing = self.no_cluster(view)
        if missing:
            self.note(BAD, f"Elasticsearch: {missing}")
            self.cards.append(Card("Elasticsearch", "away", "see below", BAD))
        health = view.get("health") or {}
        status = str(health.get("status") or "")
        rows = [self.node_row(node) for node in view.get("nodes") or ()]
        rows.sort(key=lambda row: natural(row[0].text))
        absent = self.not_joined(view) if rows else []
        for name in absent:
            cause = self.why_away(view, name)
            self.note(BAD, f"{name}: its Elasticsearch has not joined the cluster{cause}")
        versions = sorted({node["version"] for node in view.get("nodes") or () if node["version"]})
        if len(versions) > 1:
            self.note(WARN, f"Elasticsearch is not the same everywhere: {', '.join(versions)}")
        note = missing
        if status:
            level = {"green": OK, "yellow": WARN}.get(status, BAD)
            lost = int(number(health.get("unassigned_shards")) or 0)
            shards = "1 shard has" if lost == 1 else f"{lost} shards have"
            self.note(level, f"Elasticsearch is {status}: {shards} no node")
            note = self.health_note(view, health)
            nodes = int(number(health.get("number_of_nodes")) or 0)
            detail = f"{nodes} {'node' if nodes == 1 else 'nodes'}"
            if absent:
                detail += f", {len(absent)} missing"
            self.cards.append(Card("Elasticsearch", status, detail, BAD if absent else level))
        elif not missing:
            self.cards.append(Card("Elasticsearch", "not known", "see below", BAD))
        self.tables.append(Table("Elasticsearch nodes", columns, rows, note))

    def no_cluster(self, view: Mapping[str, Any]) -> str:
        """Why nothing can be said; empty when something can."""
        if not view:
            return "was not asked, because no manager could be looked at"
        if view.get("problem"):
            return str(view["problem"])
        clusters = view.get("clusters") or {}
        if len(clusters) > 1:
            parts = [f"{uuid} ({', '.join(names)})" for uuid, names in sorted(clusters.items())]
            return f"its nodes have formed {len(clusters)} clusters: {' and '.join(parts)}"
        if not clusters:
            causes = [f"{url}: {cause}" for url, cause in (view.get("unreached") or {}).items()]
            return f"no node belongs to a cluster. {'; '.join(causes[:3])}".strip()
        return ""

    @staticmethod
    def health_note(view: Mapping[str, Any], health: Mapping[str, Any]) -> str:
        text = (
            f"Cluster {view.get('cluster_name')} is {health.get('status')}:"
            f" {count(health.get('active_shards'))} shards active,"
            f" {count(health.get('relocating_shards'))} moving,"
            f" {count(health.get('initializing_shards'))} starting,"
            f" {count(health.get('unassigned_shards'))} without a node."
        )
        return text + " The elected master is marked with *."

    def not_joined(self, view: Mapping[str, Any]) -> list[str]:
        present = {node["name"] for node in view.get("nodes") or ()}
        expected = []
        for host in self.hosts:
            if not host.get("elasticsearch"):
                continue
            node = self.node_of(host) or {}
            name = dig(host.get("survey") or {}, ("nodename",)) or node.get("hostname")
            expected.append((str(host["name"]), str(name or host["name"])))
        return [host for host, name in expected if name not in present]

    def why_away(self, view: Mapping[str, Any], name: str) -> str:
        address = next((str(h.get("address")) for h in self.hosts if h["name"] == name), "")
        for url, cause in (view.get("unreached") or {}).items():
            if f"//{address}:" in url:
                return f": {one_line(str(cause))}"
        return ""

    def node_row(self, node: Mapping[str, Any]) -> list[Cell]:
        name = node["name"]
        heap = node.get("heap_percent")
        total, free = node.get("disk_total"), node.get("disk_available")
        used = None if total is None or free is None else percent(total - free, total)
        heap_level = grade(heap, self.limits.heap_warn, self.limits.heap_bad)
        disk_level = grade(used, self.limits.disk_warn, self.limits.disk_bad)
        if heap is not None:
            self.note(heap_level, f"{name}: Elasticsearch uses {heap:.0f} % of its heap")
        if used is not None:
            self.note(disk_level, f"{name}: the disk of Elasticsearch is {used:.0f} % full")
        return [
            Cell(f"{name} *" if node.get("master") else name),
            Cell(node.get("version") or "-"),
            Cell(", ".join(node.get("roles") or ()) or "none"),
            Cell("-" if heap is None else f"{heap:.0f} %", heap_level, heap),
            Cell("-" if used is None else f"{used:.0f} %", disk_level, used),
            Cell(size(free)),
        ]

    def about_indices(self) -> None:
        columns = [
            Column("Index"),
            Column("Health"),
            Column("Documents", numeric=True),
            Column("Size", numeric=True),
            Column("Primaries", numeric=True),
            Column("Replicas", numeric=True),
        ]
        indices = (self.search or {}).get("indices")
        if indices is None:
            self.tables.append(Table("Indices", columns, (), "Not known."))
            self.cards.append(Card("Documents", "not known", "", BAD))
            return
        # What is broken first, then the logs, then what Elasticsearch keeps for itself.
        order = {"red": 0, "yellow": 1}
        indices = sorted(
            indices,
            key=lambda one: (
                order.get(one["health"], 2),
                one["name"].startswith("."),
                natural(one["name"]),
            ),
        )
        rows = []
        for one in indices:
            level = {"green": OK, "yellow": WARN, "red": BAD}.get(one["health"], "")
            health = one["health"] or "-"
            if one["status"] == "close":
                health, level = "closed", WARN
            rows.append(
                [
                    Cell(one["name"]),
                    Cell(health, level),
                    Cell(count(one["docs"])),
                    Cell(size(one["bytes"])),
                    Cell(count(one["primaries"])),
                    Cell(count(one["replicas"])),
                ]
            )
        note = "" if rows else "There is no index yet."
        self.tables.append(Table("Indices", columns, rows, note))
        mine = [one for one in indices if not one["name"].startswith(".")]
        documents = sum(one["docs"] or 0 for one in mine)
        stored = sum(one["bytes"] or 0 for one in mine)
        word = "index" if len(mine) == 1 else "indices"
        self.cards.append(
            Card(
                "Documents",
                count(documents),
                f"{len(mine)} {word}, {size(stored)}",
                worst(row[1].level for row in rows),
            )
        )

    # -- certificates

    def about_certificates(self) -> None:
        columns = [Column("Certificate"), Column("Ends"), Column("Days left", numeric=True)]
        columns.append(Column("Read on"))
        rows: list[list[Cell]] = []
        least: int | None = None
        level = OK
        for name, where, pem in self.certificates():
            end, why = None, "there is none"
            if pem:
                try:
                    end = certificate_end(pem)
                except ValueError as error:
                    why = str(error)
            if end is None:
                self.note(WARN, f"The certificate of {name} is not known: {why}")
                level = worst((level, WARN))
                rows.append([Cell(name), Cell("-"), Cell("-", WARN), Cell(where or "-")])
                continue
            days = (end - self.now).days
            here = grade(days, self.limits.days_warn, self.limits.days_bad, low=True)
            text = "has ended" if end <= self.now else f"has {days} days left"
            self.note(here, f"The certificate of {name} {text}: run site.yml")
            least = days if least is None else min(least, days)
            level = worst((level, here))
            rows.append(
                [Cell(name), Cell(end.strftime("%Y-%m-%d")), Cell(str(days), here), Cell(where)]
            )
        self.tables.append(Table("Certificates", columns, rows, "" if rows else "None was found."))
        value = "not known" if least is None else f"{least} days"
        self.cards.append(Card("Certificates", value, "left for the first to end", level))

    def certificates(self) -> list[tuple[str, str, str]]:
        """Name, place and text of each: a host's own from the host where it can be read there."""
        found = [("CA", "controller", str(self.data.get("ca_certificate") or ""))]
        for host in self.hosts:
            name = str(host["name"])
            on_host = str((host.get("survey") or {}).get("certificate") or "")
            if host.get("left_out"):
                continue
            here = str(host.get("certificate") or "")
            found.append((name, name if on_host else "controller", on_host or here))
        found.append(("Kibana", "controller", str(self.data.get("kibana_certificate") or "")))
        return found


def build(
    data: Mapping[str, Any],
    now: datetime.datetime,
    limits: Thresholds | None = None,
) -> Report:
    """Make the report of what was collected."""
    return _Builder(data, limits or Thresholds(), now).build()


# -- text ------------------------------------------------------------------------------------


def table_text(table: Table, longest: int = 0) -> list[str]:
    """Lines of a table in columns; at most ``longest`` rows when that is not 0."""
    lines = [table.title]
    rows = list(table.rows)
    left = len(rows) - longest if longest and len(rows) > longest else 0
    shown = rows[:longest] if left else rows
    if shown:
        cells = [[one.title.upper() for one in table.columns]]
        cells += [[cell.text for cell in row] for row in shown]
        widths = [max(len(row[at]) for row in cells) for at in range(len(table.columns))]
        for row in cells:
            parts = [
                text.rjust(width) if column.numeric else text.ljust(width)
                for text, width, column in zip(row, widths, table.columns)
            ]
            lines.append("  " + "  ".join(parts).rstrip())
    if left:
        lines.append(f"  and {left} more, which the page shows")
    if table.note:
        lines.append(f"  {table.note}")
    return lines


def text(report: Report, longest: int = 0) -> str:
    """The report as a terminal shows it."""
    lines = [f"{report.stack} at {report.taken}: {report.headline}"]
    width = max((len(finding.level) for finding in report.findings), default=0)
    for finding in report.findings:
        lines.append(f"  {finding.level.upper().ljust(width)}  {finding.text}")
        if finding.next:
            lines.append(f"  {' ' * width}  Next: {finding.next}")
    for table in report.tables:
        lines += ["", *table_text(table, longest)]
    return "\n".join(lines)
