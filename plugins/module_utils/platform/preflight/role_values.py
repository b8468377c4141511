# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each role would refuse later, after other roles have changed hosts.

Each value that a shared role checks before it uses it is checked here as well. The roles of
services describe their checks, see service_checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Site,
    check,
    listed,
    number_of,
)

# A name of a service has at most 63 letters, and the longest ends in _elasticsearch-xxxxxxxx.
LONGEST_STACK_NAME = 63 - len("_elasticsearch-12345678")

# Elasticsearch's notation of a time; only 0 and -1 need no unit.
_TIME = re.compile(r"(\d+(d|h|m|s|ms|micros|nanos)|0|-1)")
_ES_SIZE = re.compile(r"\d+(\.\d+)?(b|kb|mb|gb|tb|pb)", re.IGNORECASE)
_DOCKER_NAME = re.compile(r"[a-zA-Z0-9]+([-_]+[a-zA-Z0-9]+)*")

TIMES = (
    "elasticsearch_index_refresh_interval",
    "elasticsearch_rollover_max_age",
    "elasticsearch_retention",
)


@check("stack_name")
def check_stack_name(site: Site) -> Iterator[Finding]:
    for name, longest in (("elk_stack_name", LONGEST_STACK_NAME), ("elk_network", 63)):
        if name not in site.settings:
            continue
        text = site.text(name)
        if not _DOCKER_NAME.fullmatch(text) or len(text) > longest:
            yield Finding(
                name,
                f"'{text}' cannot begin the name of a Docker service or network.",
                f"Use at most {longest} letters and digits, with - or _ between them.",
            )


@check("times")
def check_times(site: Site) -> Iterator[Finding]:
    for name in TIMES:
        if name in site.settings and not _TIME.fullmatch(site.text(name)):
            yield Finding(
                name,
                f"{site.text(name)} is no time: Elasticsearch needs a unit.",
                f"Write it like 30d or 12h, for example {name}: {_with_unit(site.text(name))}.",
            )
    size = "elasticsearch_rollover_max_primary_shard_size"
    if size in site.settings and not _ES_SIZE.fullmatch(site.text(size)):
        yield Finding(size, f"{site.text(size)} is no size.", "Write it like 50gb.")


def _with_unit(text: str) -> str:
    return f"{text}d" if text.isdigit() else "30d"


@check("certificate_days")
def check_certificate_days(site: Site) -> Iterator[Finding]:
    names = ("pki_ca_valid_days", "pki_valid_days", "pki_renew_days")
    if not all(name in site.settings for name in names):
        return
    authority, certificate, renew = (int(number_of(site.settings[name])) for name in names)
    if certificate <= renew:
        yield Finding(
            "pki_valid_days",
            f"is {certificate}, and pki_renew_days is {renew}: each run would renew every "
            "certificate.",
            f"Set pki_valid_days to more than {renew}.",
        )
    if authority <= certificate + renew:
        yield Finding(
            "pki_valid_days",
            f"{certificate} and pki_renew_days ({renew}) together are not less than "
            f"pki_ca_valid_days ({authority}): certificates would outlive their authority.",
            "Lower pki_valid_days, or raise pki_ca_valid_days.",
        )


@check("certificate_names")
def check_certificate_names(site: Site) -> Iterator[Finding]:
    shared = [one.name for service in site.services for one in service.certificates]
    taken = [name for name in site.members if name in shared or name.endswith(".transport")]
    if taken:
        files = [*(f"certs/{name}.crt is that of the service" for name in shared)]
        yield Finding(
            listed(taken),
            "has the name of a file of another certificate: "
            f"{listed([*files, 'certs/HOST.transport.crt that of a node'])}.",
            "Rename the host in the inventory; ansible_host keeps its address.",
        )


@check("docker_users")
def check_docker_users(site: Site) -> Iterator[Finding]:
    for host in site.seen:
        unknown = [str(name) for name in host.survey.get("unknown_users") or ()]
        if unknown:
            yield Finding(
                host.name,
                f"docker_engine_users names {listed(unknown)}, unknown there.",
                "Create the users first, or correct the list.",
            )
