# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rotation renews of the services, and who then gets it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    ENCRYPTION_KEYS,
    PASSWORDS,
    Service,
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
    # The roles whose services then get what is new, and the titles of these services.
    roles: tuple[str, ...]
    titles: tuple[str, ...]


def rotation_plan(services: Sequence[Service], kinds: Iterable[str], folder: str) -> Rotation:
    """Plan the rotation of these kinds; `folder` is elk_local_dir on the controller."""
    asked = tuple(kinds)
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
        titles=tuple(dict.fromkeys(service.title for service in changed)),
    )


def _gets_something_new(service: Service, kinds: Collection[str]) -> bool:
    if not NEW_TRUST.isdisjoint(kinds):
        return True
    if service.certificates and not NEW_CERTIFICATES.isdisjoint(kinds):
        return True
    return any(one.rotate in kinds for one in service.credentials)
