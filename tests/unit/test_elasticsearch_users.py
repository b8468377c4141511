# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs in a user."""

from __future__ import annotations

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch_users import (
    DesiredToken,
    DesiredUser,
    plan_user,
)

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


def test_a_change_repeats_what_is_to_stay() -> None:
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
