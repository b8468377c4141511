# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that the roles of services describe, see the field checks in docs/services.md."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Check,
    Finding,
    Site,
)


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
