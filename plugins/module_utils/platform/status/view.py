# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collected facts, and what the sections of the report add to them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common.nested import dig
from ansible_collections.elk.swarm.plugins.module_utils.common.tables import Table
from ansible_collections.elk.swarm.plugins.module_utils.common.text import one_line
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import Service
from ansible_collections.elk.swarm.plugins.module_utils.platform.status import faults
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import (
    BAD,
    OK,
    WARN,
    Finding,
    Thresholds,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RANK = {OK: 0, WARN: 1, BAD: 2}


@dataclass(frozen=True)
class Card:
    """A number at the top of the page."""

    title: str
    value: str
    detail: str = ""
    level: str = OK


def worst(levels: Iterable[str]) -> str:
    return max(levels, key=lambda level: RANK.get(level, 0), default=OK)


def grade(value: float | None, warn: float, bad: float, *, low: bool = False) -> str:
    """The level of a number; with ``low`` small numbers are bad."""
    if value is None:
        return ""
    if low:
        return BAD if value <= bad else WARN if value <= warn else OK
    return BAD if value >= bad else WARN if value >= warn else OK


@dataclass
class View:
    """The collected facts of a platform, with the findings, cards and tables of the sections."""

    data: Mapping[str, Any]
    limits: Thresholds
    now: datetime.datetime
    findings: list[Finding] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def __post_init__(self) -> None:
        collected = {str(host["name"]): host for host in self.data.get("hosts") or ()}
        self.hosts: list[Mapping[str, Any]] = [
            collected.get(name, {"name": name, "left_out": True})
            for name in self.data.get("names") or collected
        ]
        self.services = [Service.from_dict(one) for one in self.data.get("services") or ()]
        self.surveys = {str(h["name"]): h["survey"] for h in self.hosts if h.get("survey")}
        self.swarm = self._first("swarm", "nodes")
        self.search: Mapping[str, Any] | None = self._first("elasticsearch", "nodes")

    def _first(self, part: str, full: str) -> Mapping[str, Any] | None:
        """The first complete view, else the first one."""
        views = [survey[part] for survey in self.surveys.values() if survey.get(part)]
        return next((view for view in views if view.get(full)), views[0] if views else None)

    def asking(self, section: str) -> list[Service]:
        """The services that ask for a section."""
        return [one for one in self.services if section in one.status]

    def note(self, level: str, text: str) -> None:
        if level in (WARN, BAD):
            self.findings.append(Finding(level, one_line(text, 400)))

    def add(self, found: Iterable[Finding]) -> None:
        for one in found:
            # Shorten only the text: half a command is of no use.
            self.findings.append(replace(one, text=one_line(one.text, 600)))

    def commands(self) -> faults.Commands:
        """Commands with the address of a node that is in the cluster."""
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

    @property
    def nodes(self) -> list[Mapping[str, Any]]:
        return list((self.swarm or {}).get("nodes") or ())

    def node_of(self, host: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The swarm node of a host: by id, or by address or name if the host did not answer."""
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
