# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""elasticsearch_login_info names the option with the valid password and never shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fake_elasticsearch import FakeCluster, error

if TYPE_CHECKING:
    from collections.abc import Callable

MODULE = "elasticsearch_login_info"
FORMER, NEXT = "what-was-before-it", "what-comes-after-it"


@pytest.fixture
def look(cluster: FakeCluster, call: Callable[..., Any]) -> Callable[..., Any]:
    def run(**options: Any) -> Any:
        login = {"username": "writer", "password": FORMER, "next_password": NEXT}
        result = call(MODULE, {"urls": cluster.urls, **login, "doubt_timeout": 0, **options})
        assert FORMER not in result.output
        assert NEXT not in result.output
        assert not result.changed
        assert cluster.changes() == []
        return result

    return run


@pytest.mark.parametrize(("password", "option"), [(FORMER, "password"), (NEXT, "next_password")])
def test_the_option_with_the_valid_password_is_named(
    cluster: FakeCluster, look: Callable[..., Any], password: str, option: str
) -> None:
    cluster.add_user("writer", password)
    assert look()["holds"] == option


def test_without_a_valid_password_the_error_says_where_they_are_stored(
    cluster: FakeCluster, look: Callable[..., Any]
) -> None:
    cluster.add_user("writer", "yet-another-one")
    result = look(login_from="app_password")
    assert result.failed
    assert "Check app_password" in result["msg"]


def test_a_login_that_is_refused_at_first_is_repeated(
    cluster: FakeCluster, look: Callable[..., Any]
) -> None:
    cluster.add_user("writer", FORMER)
    refused = error(401, "security_exception", "unable to authenticate")
    cluster.script("GET", "/_security/_authenticate", refused, times=2)
    assert look(doubt_timeout=20)["holds"] == "password"
