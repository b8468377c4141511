# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates, and how many days each has left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.elk.swarm.plugins.module_utils.common.certificates import certificate_end
from ansible_collections.elk.swarm.plugins.module_utils.common.tables import Cell, Column, Table
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import OK, WARN
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import (
    Card,
    grade,
    worst,
)

if TYPE_CHECKING:
    from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import View


def certificates_section(view: View) -> None:
    columns = [Column("Certificate"), Column("Ends"), Column("Days left", numeric=True)]
    columns.append(Column("Read on"))
    rows: list[list[Cell]] = []
    least: int | None = None
    level = OK
    for name, where, pem in certificates_of(view):
        end, why = None, "there is none"
        if pem:
            try:
                end = certificate_end(pem)
            except ValueError as error:
                why = str(error)
        if end is None:
            view.note(WARN, f"The certificate of {name} is not known: {why}")
            level = worst((level, WARN))
            rows.append([Cell(name), Cell("-"), Cell("-", WARN), Cell(where or "-")])
            continue
        days = (end - view.now).days
        here = grade(days, view.limits.days_warn, view.limits.days_bad, low=True)
        text = "has expired" if end <= view.now else f"has {days} days left"
        view.note(here, f"The certificate of {name} {text}: run site.yml")
        least = days if least is None else min(least, days)
        level = worst((level, here))
        rows.append(
            [Cell(name), Cell(end.strftime("%Y-%m-%d")), Cell(str(days), here), Cell(where)]
        )
    view.tables.append(Table("Certificates", columns, rows, "" if rows else "None was found."))
    value = "not known" if least is None else f"{least} days"
    view.cards.append(Card("Certificates", value, "until the first expires", level))


def certificates_of(view: View) -> list[tuple[str, str, str]]:
    """Name, place and text of each; that of a host comes from the host if it can be read there."""
    found = [("CA", "controller", str(view.data.get("ca_certificate") or ""))]
    for host in view.hosts:
        name = str(host["name"])
        on_host = str((host.get("survey") or {}).get("certificate") or "")
        if host.get("left_out"):
            continue
        here = str(host.get("certificate") or "")
        found.append((name, name if on_host else "controller", on_host or here))
    texts = view.data.get("certificates") or {}
    for service in view.services:
        for certificate in service.certificates:
            name = service.title
            if certificate.name != service.name:
                name += f" ({certificate.name})"
            found.append((name, "controller", str(texts.get(certificate.name) or "")))
    return found
