# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions, images and the number of tasks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Site,
    check,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import (
    parse_version,
    plural,
    untagged,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import INGRESS, ON_HOST

# The settings that the roles write are those of Elasticsearch 9.
OLDEST_STACK = (9, 0, 0)
NEWEST_STACK_MAJOR = 9


@check("versions")
def check_versions(site: Site) -> Iterator[Finding]:
    if "elk_version" not in site.settings:
        return
    text = site.text("elk_version")
    if not re.fullmatch(r"\d+\.\d+\.\d+", text):
        yield Finding(
            "elk_version",
            f"{text or 'nothing'} is no version.",
            'Use a full version such as "9.2.4".',
        )
        return
    version = parse_version(text) or ()
    if version < OLDEST_STACK:
        oldest = ".".join(map(str, OLDEST_STACK))
        yield Finding(
            "elk_version",
            f"{text} is older than {oldest}, the oldest that the roles write settings for.",
            f"Use {oldest} or newer.",
        )
    elif version[0] > NEWEST_STACK_MAJOR:
        yield Finding(
            "elk_version",
            f"{text} is newer than the releases this collection was made for "
            f"({NEWEST_STACK_MAJOR}.x).",
            "Try it on test hosts first.",
            warning=True,
        )


@check("images")
def check_images(site: Site) -> Iterator[Finding]:
    for service in site.services:
        if service.image.value is None:
            continue
        name, image = service.image.variable, service.image.text
        if not image or re.search(r"\s", image):
            yield Finding(name, f"'{image}' is no image.", "Write it as registry/name:tag.")
            continue
        wrong = untagged(image)
        if wrong:
            yield Finding(
                name,
                f"{image} {wrong}: hosts would run different versions over time.",
                f"Write {name} with the tag of a release, or with a digest.",
            )


@check("registry_login")
def check_registry_login(site: Site) -> Iterator[Finding]:
    """Whether the registry login is complete; the registry would only answer with a vague error."""
    given = {
        name: bool(site.settings.get(name))
        for name in ("elk_registry_username", "elk_registry_password")
    }
    if len(set(given.values())) > 1:
        present, missing = sorted(given, key=lambda name: not given[name])
        yield Finding(
            missing,
            f"{present} is set and {missing} is empty.",
            f"Set {missing} as well, or neither for a registry without a login.",
        )


@check("publish_modes")
def check_publish_modes(site: Site) -> Iterator[Finding]:
    for service in site.services:
        for port in service.ports:
            name, value = port.publish.variable, port.publish.value
            if value not in (INGRESS, ON_HOST):
                yield Finding(
                    name, f"{value} is no publish mode.", f"Set {name} to ingress or host."
                )


@check("replicas")
def check_replicas(site: Site) -> Iterator[Finding]:
    for service in site.services:
        if not service.replicated or service.replicas.text == "0":
            continue
        name, replicas = service.replicas.variable, service.replicas.number
        places = len(site.placed(service.group))
        if replicas < 1:
            yield Finding(
                name,
                f"{service.replicas.value} is not a number of tasks.",
                f"Set {name} to 1 or more.",
            )
        elif service.one_per_host and replicas > places:
            yield Finding(
                name,
                f"is {replicas}, but {service.name} has {plural(places, 'host')} and a host runs "
                "one task of it.",
                f"Set {name} to {places} or less, or put more hosts into the group "
                f"{service.group}.",
            )


@check("no_replicas")
def check_no_replicas(site: Site) -> Iterator[Finding]:
    # A separate check, so that accepting it accepts nothing else.
    for service in site.services:
        name = service.replicas.variable
        if service.replicated and service.replicas.text == "0":
            what = f"nothing {service.purpose}" if service.purpose else f"no {service.title} runs"
            yield Finding(
                name,
                f"is 0, so that {what}.",
                f"Set {name} to 1 or more. If you mean 0: preflight_accept: [no_replicas].",
            )
