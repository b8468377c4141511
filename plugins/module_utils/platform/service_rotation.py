# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rotation renews of the services, and who then gets it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    ENCRYPTION_KEYS,
    HOST,
    PASSWORDS,
    Service,
    ServiceError,
)

# How many characters the next value has.
NEXT_LENGTH = {PASSWORDS: 32, ENCRYPTION_KEYS: 48}
# Further words: with these, certificates of services are new, and what their services trust.
NEW_CERTIFICATES = frozenset({"certificates", "ca", "transport_ca"})
NEW_TRUST = frozenset({"ca"})


@dataclass(frozen=True)
class NextCredential:
    """A credential that a rotation renews."""

    name: str
    role: str
    variable: str
    path: str
    length: int
    user: str = ""


@dataclass(frozen=True)
class Rotation:
    """What a rotation renews of services."""

    kinds: tuple[str, ...]
    # Those that a variable gives. Roles themselves renew what only they can.
    credentials: tuple[NextCredential, ...]
    # The roles that then give their services what is new, and the titles of those with new tasks.
    roles: tuple[str, ...]
    titles: tuple[str, ...]


def rotation_plan(services: Sequence[Service], kinds: Iterable[str], folder: str) -> Rotation:
    """Plan the rotation of these kinds; `folder` is elk_local_dir on the controller."""
    asked = tuple(kinds)
    _check_paths(services, folder)
    changed = [service for service in services if _gets_something_new(service, asked)]
    return Rotation(
        kinds=asked,
        credentials=tuple(
            NextCredential(
                name=one.name,
                role=service.role,
                variable=one.variable,
                path=one.path(folder),
                length=NEXT_LENGTH[one.rotate],
                user=one.user,
            )
            for service in services
            for one in service.credentials
            if one.variable and one.rotate in asked
        ),
        roles=tuple(dict.fromkeys(service.role for service in changed)),
        titles=tuple(
            dict.fromkeys(service.title for service in changed if _gets_new_tasks(service, asked))
        ),
    )


def _check_paths(services: Iterable[Service], folder: str) -> None:
    """Raise ServiceError for credentials that share a file, because each would move it."""
    holders: dict[str, list[str]] = {}
    for one in (credential for service in services for credential in service.credentials):
        holders.setdefault(os.path.normpath(one.path(folder)), []).append(one.name)
    for path, names in holders.items():
        if len(names) > 1:
            raise ServiceError(f"{' and '.join(names)} have the same file {path}.")


def _gets_something_new(service: Service, kinds: Collection[str]) -> bool:
    # Any service may trust the authority, also one that describes neither certificate nor login.
    return not NEW_TRUST.isdisjoint(kinds) or _has_something_new(service, kinds)


def _has_something_new(service: Service, kinds: Collection[str]) -> bool:
    if service.certificates and not NEW_CERTIFICATES.isdisjoint(kinds):
        return True
    return any(one.rotate in kinds for one in service.credentials)


def _gets_new_tasks(service: Service, kinds: Collection[str]) -> bool:
    """Whether it has something new, or logs in to Elasticsearch, whose authority is new."""
    if service.kind == HOST:
        return False
    logs_in = any(one.user or one.token for one in service.credentials)
    return (logs_in and not NEW_TRUST.isdisjoint(kinds)) or _has_something_new(service, kinds)
