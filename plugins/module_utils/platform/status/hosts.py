# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts, as the swarm and the inventory know them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common.nested import dig
from ansible_collections.elk.swarm.plugins.module_utils.common.tables import Cell, Column, Table
from ansible_collections.elk.swarm.plugins.module_utils.common.text import one_line
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import (
    BAD,
    OK,
    WARN,
    Finding,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import Card

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import View


def hosts_section(view: View) -> None:
    rows, ready = [], 0
    for host in view.hosts:
        node = view.node_of(host)
        fault = host_fault(host, node)
        if fault:
            view.note(fault.level, fault.text)
        else:
            ready += 1
        rows.append(host_row(host, node, fault))
    note = ""
    known = {node["id"] for host in view.hosts if (node := view.node_of(host))}
    for node in view.nodes:
        if node["id"] not in known:
            view.note(WARN, f"{node['hostname']}: is in the swarm and not in the inventory")
    if not view.nodes:
        note = no_swarm(view)
        view.note(BAD, note)
    versions = {v for s in view.surveys.values() if (v := dig(s, ("engine", "version")))}
    if len(versions) > 1:
        view.note(
            WARN, f"The hosts run different versions of Docker: {', '.join(sorted(versions))}"
        )
    columns = [
        *map(Column, ("Host", "Address", "Role", "Availability", "State", "Docker")),
    ]
    view.tables.append(Table("Hosts", columns, rows, note))
    total = len(view.hosts)
    good = OK if ready == total else BAD
    view.cards.append(Card("Hosts", f"{ready} of {total}", "ready", good))


def no_swarm(view: View) -> str:
    problems = [
        str(problem)
        for survey in view.surveys.values()
        if (problem := (survey.get("swarm") or {}).get("problem"))
    ]
    why = f": {one_line(problems[0])}" if problems else ""
    return f"No manager can report on the swarm{why or '.'}"


def host_fault(host: Mapping[str, Any], node: Mapping[str, Any] | None) -> Finding | None:
    name = host["name"]
    if host.get("left_out"):
        return Finding(WARN, f"{name}: was left out of this run (--limit)")
    if host.get("problem"):
        # Ansible puts this prefix before each error.
        why = one_line(str(host["problem"]).removeprefix("Task failed: "))
        return Finding(BAD, f"{name}: cannot be checked: {why}")
    survey = host.get("survey") or {}
    engine, member = survey.get("engine") or {}, survey.get("member") or {}
    if engine.get("problem"):
        return Finding(BAD, f"{name}: {engine['problem']}")
    if member.get("state") != "active":
        why = f" ({member['error']})" if member.get("error") else ""
        return Finding(BAD, f"{name}: is in no swarm, its state is {member.get('state')}{why}")
    if member.get("manager") and not member.get("quorum"):
        return Finding(BAD, f"{name}: is a manager that does not reach a majority of the managers")
    if node is None:
        return None
    if node["state"] != "ready":
        return Finding(BAD, f"{name}: the swarm reports it as {node['state']}")
    if host.get("role") and node["role"] != host["role"]:
        return Finding(
            BAD, f"{name}: is a {node['role']}, but the inventory has it as {host['role']}"
        )
    if node["availability"] != "active":
        return Finding(
            WARN,
            f"{name}: takes no new tasks, because its availability is {node['availability']}",
        )
    return None


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
        state = "unreachable" if host.get("unreachable") else "cannot be checked"
    elif dig(survey, ("engine", "problem")):
        state = "Docker does not answer"
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
