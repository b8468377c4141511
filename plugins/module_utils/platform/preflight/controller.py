# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of the controller, compared with those of the hosts."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from ansible_collections.elk.swarm.plugins.module_utils.platform.controller_secrets import (
    BLOCKERS,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Check,
    Finding,
    Site,
    check,
)


@check("local_dir")
def check_local_dir(site: Site) -> Iterator[Finding]:
    local = site.local_dir
    if local is None:
        return
    if not local.path.startswith("/"):
        yield Finding(
            "elk_local_dir",
            f"{local.path} is no absolute path, and each program would look for it elsewhere.",
            "Write it with a leading slash, for example /secure/elk.",
            final=True,
        )
    elif local.reader:
        then = f", and set elk_local_dir: {local.better}" if local.given else ""
        yield Finding(
            "elk_local_dir",
            f"{local.path} lies in the inventory {local.reader}, which reads every file in it: "
            "passwords and keys would become host names.",
            f"Move it: mv {shlex.quote(local.path)} {shlex.quote(local.better)}{then}.",
            final=True,
        )


def _check_secret(name: str) -> Check:
    """A check for one secret. The operator may accept most of them, to make a new secret."""

    def of_name(site: Site) -> Iterator[Finding]:
        for found in site.blockers:
            if found.name == name:
                yield Finding(found.where, found.wrong, found.remedy, final=found.final)

    return of_name


for _name in BLOCKERS:
    check(_name)(_check_secret(_name))


def credential_checks(site: Site) -> dict[str, Check]:
    """A check for each credential of a service."""
    credentials = [one for service in site.services for one in service.credentials]
    return {one.name: _check_secret(one.name) for one in credentials}


def controller_checks(site: Site) -> tuple[str, ...]:
    """The checks of the controller's files, which need no other facts of the hosts."""
    return ("local_dir", *BLOCKERS, *credential_checks(site))
