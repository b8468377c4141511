# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of the platform, with what runs of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common.service_names import host_service
from ansible_collections.elk.swarm.plugins.module_utils.common.tables import Cell, Column, Table
from ansible_collections.elk.swarm.plugins.module_utils.common.text import natural
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    HOST,
    PER_HOST,
    REPLICATED,
    Service,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.status import faults
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import (
    BAD,
    OK,
    WARN,
    Finding,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import Card

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import View


def services_section(view: View) -> None:
    columns = [
        Column("Service"),
        Column("Image"),
        Column("Running", numeric=True),
        Column("Wanted", numeric=True),
        Column("On"),
        Column("Last error"),
    ]
    if not view.nodes:
        view.tables.append(Table("Services", columns, (), "Not known: no manager can report it."))
        view.cards.append(Card("Services", "not known", "no manager can report it", BAD))
        return
    everything = list((view.swarm or {}).get("services") or ())
    own = [one for one in everything if one["stack"] == view.data.get("stack")]
    rows, complete = [], 0
    for service in own:
        level = OK
        if service["running"] != service["desired"]:
            level = BAD if service["running"] < service["desired"] else WARN
            why = f": {service['error']}" if service["error"] else ""
            view.note(
                level,
                f"{service['name']}: {service['running']} of {service['desired']} tasks run{why}",
            )
        elif not service["desired"]:
            level = level_without_tasks(view, service, own)
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
    on_hosts = [one for one in view.services if one.kind == HOST]
    for one in on_hosts:
        active = active_on(view, one)
        level = OK if len(active) == len(one.hosts) else BAD
        complete += level == OK
        rows.append(
            [
                Cell(one.service),
                Cell("-"),
                Cell(str(len(active)), level),
                Cell(str(len(one.hosts))),
                Cell(", ".join(sorted(active, key=natural)) or "-"),
                # stopped_units reports what does not run.
                Cell("-"),
            ]
        )
    note = ""
    if not own:
        note = f"The swarm has no service of the stack {view.data.get('stack')}."
        view.note(BAD, f"{note} Run site.yml.")
    others = len(everything) - len(own)
    if others:
        word = "service that is" if others == 1 else "services that are"
        note = f"{note} There {'is' if others == 1 else 'are'} {others} {word} not part of it."
    view.tables.append(Table("Services", columns, rows, note.strip()))
    total = len(own) + len(on_hosts)
    good = complete == total and bool(own)
    view.cards.append(Card("Services", f"{complete} of {total}", "complete", OK if good else BAD))


def active_on(view: View, service: Service) -> list[str]:
    """The hosts on which the unit of a service runs."""
    return [
        host
        for host in service.hosts
        if (view.surveys.get(host, {}).get("units") or {}).get(service.unit) == "active"
    ]


def level_without_tasks(
    view: View, service: Mapping[str, Any], own: Sequence[Mapping[str, Any]]
) -> str:
    """The level of a service without tasks: left over, switched off, or needed."""
    name = service["name"]
    described = next((one for one in view.services if one.service == name), None)
    needed = ""
    if service["mode"] != "global":
        if described and described.kind == REPLICATED:
            # desired_services reports it, with its variable.
            return BAD if described.replicas else OK
        if name in services_of_hosts(view):
            # desired_services reports it, with its host.
            return BAD
    elif service["generation"]:
        if not any(one["generation"] and one["running"] for one in own):
            needed = "Elasticsearch"
    elif described and described.hosts:
        needed = described.title
    if needed:
        text = (
            f"{name}: no node of the swarm is labelled for it and active, so {needed} runs nowhere"
        )
        view.add([Finding(BAD, text, "service_nowhere", faults.SITE)])
        return BAD
    view.note(WARN, f"{name}: no host should run a task of it")
    return WARN


def services_of_hosts(view: View) -> set[str]:
    """What Swarm calls the services of kind per_host."""
    return {
        host_service(one.service, host)
        for one in view.services
        if one.kind == PER_HOST
        for host in one.hosts
    }
