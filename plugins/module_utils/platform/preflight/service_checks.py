# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that roles give to their services, and the checks that they describe."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.elk.swarm.plugins.module_utils.common.service_names import (
    LONGEST,
    host_service,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    REGISTERED,
    Check,
    Finding,
    Site,
    check,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.service_settings import (
    ServiceSettings,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    GLOBAL,
    PER_HOST,
    REPLICATED,
    shared_names,
    wrong_names,
)


@check("service_names")
def check_service_names(site: Site) -> Iterator[Finding]:
    """What shares a name would share labels, rules, directories or files."""
    fix = "Use another name in meta/service.yml. docs/services.md says which are possible."
    for service in site.services:
        for problem in [*wrong_names(service.names), *_names_of_checks(service)]:
            yield Finding(f"meta/service.yml of {service.role}", f"{problem}.", fix)
    for problem in shared_names(service.names for service in site.services):
        yield Finding("elk_additional_service_roles", f"{problem}.", fix)
    for problem in _names_in_the_swarm(site):
        yield Finding("elk_additional_service_roles", f"{problem}.", fix)


def _names_in_the_swarm(site: Site) -> Iterator[str]:
    """What is wrong with the names of the services that run once on each host."""
    holders = {one.service: one.name for one in site.services if one.kind in (REPLICATED, GLOBAL)}
    for service in site.services:
        for host in site.placed(service.group) if service.kind == PER_HOST else ():
            name, holder = host_service(service.service, host), f"{service.name} on {host}"
            if len(name) > LONGEST:
                yield f"{holder} would be the service {name}, longer than {LONGEST} characters"
            if name in holders:
                yield f"{holders[name]} and {holder} would be the same Swarm service {name}"
            holders.setdefault(name, holder)


def _names_of_checks(service: ServiceSettings) -> Iterator[str]:
    """Names of checks and credentials that preflight_accept could not tell apart."""
    described = {one.name: None for one in service.checks}
    for name in [*described, *service.names.credentials]:
        if name in REGISTERED:
            yield f"{service.name}: preflight itself has a check {name}"
    for name in described.keys() & set(service.names.credentials):
        yield f"{service.name}: a check and a credential have the same name {name}"


def described_checks(site: Site) -> dict[str, Check]:
    """The checks of all services by their names, which several conditions may share."""
    names = dict.fromkeys(one.name for service in site.services for one in service.checks)
    return {name: _check_of(name) for name in names}


def _check_of(name: str) -> Check:
    def failed(site: Site) -> Iterator[Finding]:
        for service in site.services:
            for one in service.checks:
                if one.name == name and one.that is False:
                    yield Finding(one.where, one.wrong, one.fix)

    return failed


def without_answer(site: Site) -> list[Finding]:
    """Conditions that cannot be evaluated, in most cases because a value has the wrong type."""
    return [
        Finding(one.where, one.wrong, one.fix, check=one.name)
        for service in site.services
        for one in service.checks
        if one.that is None
    ]
