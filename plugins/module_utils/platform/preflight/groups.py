# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managers, workers, and the manager that runs the commands."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Site,
    check,
    listed,
)


@check("groups")
def check_groups(site: Site) -> Iterator[Finding]:
    if not site.managers:
        yield Finding(
            "group swarm_managers",
            "has no host, and a swarm begins with a manager.",
            "Put one host, or better three, into the group swarm_managers of the inventory.",
        )
    both = [h for h in site.managers if h in site.workers]
    for host in both:
        yield Finding(
            host,
            "is in swarm_managers and in swarm_workers.",
            "Remove it from one of the two: a manager runs tasks like a worker.",
        )
    for group in dict.fromkeys(service.group for service in site.services):
        if group not in site.groups:
            continue
        if not site.groups[group]:
            names = [service.name for service in site.services if service.group == group]
            yield Finding(
                f"group {group}",
                f"is empty, so there is no host for {listed(names)}.",
                "Put hosts into it, or remove the group to mean every host.",
            )
        for host in site.groups[group]:
            if host not in site.members:
                yield Finding(
                    host,
                    f"is in the group {group} but in no swarm group.",
                    f"Put it into swarm_managers or swarm_workers too, or remove it from {group}.",
                )


@check("managers")
def check_managers(site: Site) -> Iterator[Finding]:
    count = len(site.managers)
    if count == 1:
        yield Finding(
            "group swarm_managers",
            "has one manager: while it is down nothing can be changed or rescheduled.",
            "Use three managers where that matters.",
            warning=True,
        )
    elif count and count % 2 == 0:
        lost = count - (count // 2 + 1)
        # An even number is no safer than the odd number below it.
        wrong = (
            f"has {count} managers, of which {count // 2 + 1} must be up: it bears the loss of "
            f"{lost or 'none'}, no better than {count - 1} would."
        )
        if site.settings.get("swarm_accept_even_managers") is True:
            yield Finding(
                "group swarm_managers",
                wrong,
                f"Prefer {count + 1}. Running tasks go on when the quorum is lost.",
                warning=True,
            )
        else:
            yield Finding(
                "group swarm_managers",
                wrong,
                f"Use {count + 1} managers or {count - 1}, or set "
                "swarm_accept_even_managers: true to accept this.",
            )
    elif count > 7:
        yield Finding(
            "group swarm_managers",
            f"has {count} managers, and each change must be written by most of them.",
            "Use at most seven and make the others workers.",
            warning=True,
        )


@check("elk_manager")
def check_elk_manager(site: Site) -> Iterator[Finding]:
    manager = site.text("elk_manager")
    if manager and site.managers and manager not in site.managers:
        yield Finding(
            "elk_manager",
            f"is {manager}, which is not in the group swarm_managers.",
            "Remove elk_manager to use the first manager, or name one of them.",
        )
