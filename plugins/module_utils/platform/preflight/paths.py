# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths: absolute, and on the controller the same for all hosts."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Site,
    check,
    listed,
)

# elk_local_dir has a check of its own, which also runs where nothing else is checked.
PATHS = (
    "elk_config_dir",
    "elk_data_dir",
    "elk_ca_file",
    "pki_ca_certificate",
    "pki_ca_key",
)


@check("paths")
def check_paths(site: Site) -> Iterator[Finding]:
    files = [one for service in site.services for one in service.files.values()]
    for name, path in (
        *((name, site.text(name)) for name in PATHS),
        *((one.variable, one.text) for one in files),
    ):
        if path and not path.startswith("/"):
            yield Finding(
                name,
                f"{path} is no absolute path, and each program would look for it elsewhere.",
                "Write it with a leading slash; ~ and variables of a shell have no meaning here.",
            )


@check("one_local_dir")
def check_one_local_dir(site: Site) -> Iterator[Finding]:
    """Hosts with other folders would get secrets and certificates of another platform."""
    holders: dict[str, list[str]] = {}
    for host in site.seen:
        path = str(host.declared.get("local_dir") or "")
        if path:
            holders.setdefault(path, []).append(host.name)
    if len(holders) > 1:
        parts = [f"{path} ({listed(hosts)})" for path, hosts in holders.items()]
        yield Finding(
            "elk_local_dir",
            f"differs between the hosts of one platform: {'; '.join(parts)}.",
            "Set it once, for all hosts.",
            final=True,
        )
