# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each role would refuse later, after other roles have changed hosts.

Each value that a role checks before it uses it is checked here as well.
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
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import (
    MIB,
    parse_size,
    show_size,
)

# A name of a service has at most 63 letters, and the longest ends in _elasticsearch-xxxxxxxx.
LONGEST_STACK_NAME = 63 - len("_elasticsearch-12345678")
# What the JVM of Logstash needs beside its heap, as in roles/logstash/vars.
LOGSTASH_BESIDE_HEAP = 300 * MIB
STOP_MARGIN = 10
# Logstash ends itself after three reports of 5 s in which nothing was sent: measured 19.5 s.
FORCED_STOP = 25
SHORTEST_KEY = 32

# Elasticsearch's notation of a time; only 0 and -1 need no unit.
_TIME = re.compile(r"(\d+(d|h|m|s|ms|micros|nanos)|0|-1)")
_ES_SIZE = re.compile(r"\d+(\.\d+)?(b|kb|mb|gb|tb|pb)", re.IGNORECASE)
_DOCKER_NAME = re.compile(r"[a-zA-Z0-9]+([-_]+[a-zA-Z0-9]+)*")

# Names that are written into the pipeline of Logstash or into requests, and what each may hold.
NAMES = {
    "elk_logstash_user": (r"[A-Za-z0-9._@-]+", "letters, digits and . _ @ -"),
    "elk_syslog_index": (
        r"[a-z0-9][a-z0-9._-]*",
        "small letters, digits and . _ -, and begin with a letter or digit",
    ),
    "logstash_unparsed_tag": (r"[A-Za-z0-9._-]+", "letters, digits and . _ -"),
}
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


@check("role_names")
def check_role_names(site: Site) -> Iterator[Finding]:
    for name, (pattern, allowed) in NAMES.items():
        if name in site.settings and not re.fullmatch(pattern, site.text(name)):
            yield Finding(
                name, f"'{site.text(name)}' is no name that fits.", f"It may only have {allowed}."
            )
    zone = site.text("logstash_syslog_timezone")
    # Empty where the controller has no list of zones.
    known = site.texts("time_zones")
    if zone and (
        not re.fullmatch(r"[A-Za-z0-9/_+:-]+", zone) or (known and not _is_zone(zone, known))
    ):
        yield Finding(
            "logstash_syslog_timezone",
            f"{zone} is no time zone.",
            "Use a name such as Europe/Berlin, or leave it empty for UTC.",
        )


def _is_zone(zone: str, known: list[str]) -> bool:
    """Whether Logstash knows a zone: by its name, or as a distance from UTC."""
    return zone in known or bool(re.fullmatch(r"[+-]\d{2}:?\d{2}", zone))


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


@check("logstash_values")
def check_logstash_values(site: Site) -> Iterator[Finding]:
    heap, limit = parse_size(site.text("logstash_heap")), parse_size(site.text("logstash_memory"))
    if heap and limit and heap + LOGSTASH_BESIDE_HEAP > limit:
        yield Finding(
            "logstash_memory",
            f"{show_size(limit)} is less than logstash_heap ({show_size(heap)}) and "
            f"{show_size(LOGSTASH_BESIDE_HEAP)} together, so the kernel would end Logstash.",
            f"Set logstash_memory to {show_size(heap + LOGSTASH_BESIDE_HEAP)} or more, or lower "
            "logstash_heap.",
        )
    grace, retry = (
        site.number("logstash_stop_grace_period"),
        site.number("logstash_retry_max_interval"),
    )
    if grace and retry and grace <= retry + STOP_MARGIN:
        yield Finding(
            "logstash_stop_grace_period",
            f"{grace} s is not more than logstash_retry_max_interval ({retry} s) and "
            f"{STOP_MARGIN} s together, so Docker would kill Logstash between two retries.",
            f"Set it to {max(retry + STOP_MARGIN, FORCED_STOP) + 1} or more.",
        )
    elif grace and grace <= FORCED_STOP:
        yield Finding(
            "logstash_stop_grace_period",
            f"{grace} s is not more than {FORCED_STOP} s: while Elasticsearch refuses lines, "
            "Logstash ends after about 20 s, and Docker would kill it before.",
            f"Set it to {FORCED_STOP + 1} or more.",
        )
    page, most = (
        parse_size(site.text("logstash_queue_page_capacity")),
        parse_size(site.text("logstash_queue_max_bytes")),
    )
    if page and most and page > most:
        yield Finding(
            "logstash_queue_max_bytes",
            f"{site.text('logstash_queue_max_bytes')} is less than one page of the queue "
            f"(logstash_queue_page_capacity, {site.text('logstash_queue_page_capacity')}).",
            f"Set it to {site.text('logstash_queue_page_capacity')} or more.",
        )
    if site.settings.get("logstash_password_fits") is False:
        yield Finding(
            "elk_logstash_password",
            "cannot be written into a Logstash pipeline, which knows no escaping.",
            "Use one without control characters, without both kinds of quotes, without ${, and "
            "without a backslash at its end.",
        )


@check("kibana_values")
def check_kibana_values(site: Site) -> Iterator[Finding]:
    url = site.text("kibana_public_base_url")
    if url and not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*[^/?#\s])?", url):
        yield Finding(
            "kibana_public_base_url",
            f"{url} is no address of a page.",
            "Write it like https://logs.example.org or https://example.org/logs, without a slash "
            "at its end, a user or a query.",
        )
    path, own = re.sub(r"^https?://[^/]+", "", url), site.text("kibana_base_path")
    if url and own and own != path:
        yield Finding(
            "kibana_settings",
            f"server.basePath is {own}, and kibana_public_base_url ({url}) has "
            f"{f'the path {path}' if path else 'no path'}: Kibana does not start with two paths.",
            "Remove server.basePath from kibana_settings.",
        )
    if site.settings.get("kibana_rewrite_base_path"):
        yield Finding(
            "kibana_settings",
            "with server.rewriteBasePath Kibana answers only below its base path, and the health "
            "check of the service fails.",
            "Let the proxy remove the path, and remove server.rewriteBasePath.",
        )
    for name, length in (site.settings.get("kibana_key_lengths") or {}).items():
        if int(length) < SHORTEST_KEY:
            yield Finding(
                name,
                f"has {length} characters, and Kibana does not start with less than "
                f"{SHORTEST_KEY}.",
                "Use a longer one, or leave it out to have one made.",
            )


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
    taken = [name for name in site.members if name == "kibana" or name.endswith(".transport")]
    if taken:
        yield Finding(
            listed(taken),
            "has the name of a file of another certificate: certs/kibana.crt is that of the "
            "service, certs/HOST.transport.crt that of a node.",
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
