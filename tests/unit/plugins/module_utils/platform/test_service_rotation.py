# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which credentials of services a rotation renews, and which roles give them to their services."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.platform.service_rotation import (
    rotation_plan,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    Certificate,
    Credential,
    Service,
)


def credential(name: str, **more: Any) -> Credential:
    return Credential(name, secret="s", renewal="r", **more)


PASSWORD = credential("a_password", variable="a_password", user="writer")
KEY = credential("a_key", variable="key", rotate="encryption_keys", file="/secure/key")
SERVICES = [
    Service("plain", "roles.a", "A", "global", "plain"),
    Service("secret", "roles.b", "B", "global", "b", credentials=(PASSWORD, KEY)),
    Service("shown", "roles.c", "C", "global", "c", certificates=(Certificate("shown"),)),
    Service("logged", "roles.c", "D", "global", "d", credentials=(credential("t", token=True),)),
]


@pytest.mark.parametrize(
    ("kinds", "credentials", "roles"),
    [
        (["passwords"], ["a_password"], ["roles.b", "roles.c"]),
        (["encryption_keys"], ["a_key"], ["roles.b"]),
        (["passwords", "encryption_keys"], ["a_password", "a_key"], ["roles.b", "roles.c"]),
        (["certificates"], [], ["roles.c"]),
        (["transport_ca"], [], ["roles.c"]),
        # What every service trusts.
        (["ca"], [], ["roles.a", "roles.b", "roles.c"]),
        (["ca_trust", "join_tokens"], [], []),
    ],
)
def test_who_gets_something_new(kinds: list[str], credentials: list[str], roles: list[str]) -> None:
    plan = rotation_plan(SERVICES, kinds, "/secrets")
    assert [one.name for one in plan.credentials] == credentials
    assert list(plan.roles) == roles


def test_a_rotation_knows_file_length_and_user() -> None:
    password, key = rotation_plan(SERVICES, ["passwords", "encryption_keys"], "/s").credentials
    assert (password.path, password.length, password.user) == ("/s/a_password", 32, "writer")
    assert (key.path, key.length, key.variable, key.role) == ("/secure/key", 48, "key", "roles.b")


def test_titles_are_those_of_services_with_something_new() -> None:
    assert rotation_plan(SERVICES, ["passwords"], "/s").titles == ("B", "D")
