# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Differences of users, and the names of tokens."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.users import (
    DesiredToken,
    DesiredUser,
    plan_user,
    token_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ACTUAL = {
    "username": "writer",
    "roles": ["b", "a"],
    "full_name": None,
    "email": None,
    "metadata": {"team": "logs"},
    "enabled": True,
}


def test_nothing_differs() -> None:
    same = {"roles": ["a", "b"], "full_name": "", "metadata": {"team": "logs"}, "enabled": True}
    for properties in ({}, same):
        plan = plan_user(DesiredUser("writer", properties), ACTUAL)
        assert (plan.changes, plan.body, plan.before, plan.after) == ([], None, {}, {})


def test_a_change_repeats_the_unchanged_properties() -> None:
    plan = plan_user(DesiredUser("writer", {"roles": ["a"], "email": "w@example.org"}), ACTUAL)
    assert plan.changes == ["roles", "email"]
    assert plan.body == {
        "roles": ["a"],
        "email": "w@example.org",
        "metadata": {"team": "logs"},
        "enabled": True,
    }
    assert plan.before == {"roles": ["b", "a"], "email": None}
    assert plan.after == {"roles": ["a"], "email": "w@example.org"}


def test_metadata_is_compared_as_a_whole() -> None:
    plan = plan_user(DesiredUser("writer", {"metadata": {}}), ACTUAL)
    assert plan.changes == ["metadata"]


def test_secrets_are_not_shown() -> None:
    token = DesiredToken("elastic", "kibana", "elk", stored="secret")
    assert "secret" not in f"{DesiredUser('writer', password='secret')!r} {token!r}"


@pytest.mark.parametrize("name", ["elk", "elk-2", "a_name.of-9"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_token_contains_its_name(name: str, encode: Callable[[bytes], bytes]) -> None:
    # The two alphabets of base64 encode this secret differently.
    token = encode(f"\0\1\0\1elastic/kibana/{name}:??>>~~secret".encode()).decode()
    for shown in (token, token.rstrip("="), f" {token}\n"):
        assert token_name(shown) == name


def test_a_text_without_a_secret_is_not_a_token() -> None:
    assert token_name(base64.b64encode(b"\0\1\0\1elastic/kibana/elk").decode()) == ""


@pytest.mark.parametrize("text", ["", "no token", "AAEAAWVsYXN0aWM", "comes with the run", "ä"])
def test_other_texts_have_no_token_name(text: str) -> None:
    assert token_name(text) == ""
