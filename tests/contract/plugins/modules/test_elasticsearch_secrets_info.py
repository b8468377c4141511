# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""elasticsearch_secrets_info returns which secrets are valid and never shows one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fake_elasticsearch import FakeCluster, error

if TYPE_CHECKING:
    from collections.abc import Callable

MODULE = "elasticsearch_secrets_info"
RIGHT, WRONG = "the-one-that-holds", "the-one-that-does-not"


@pytest.fixture
def look(cluster: FakeCluster, call: Callable[..., Any]) -> Callable[..., Any]:
    def run(*logins: dict[str, Any], **options: Any) -> Any:
        arguments = {"nodes": cluster.urls, "logins": list(logins), "doubt_timeout": 0, **options}
        result = call(MODULE, arguments)
        assert RIGHT not in result.output
        assert WRONG not in result.output
        assert not result.changed
        assert cluster.changes() == []
        return result["holds"]

    return run


def login(name: str, *values: str, username: str = "writer") -> dict[str, Any]:
    return {"name": name, "username": username, "values": list(values)}


def test_each_secret_is_valid_or_not(cluster: FakeCluster, look: Callable[..., Any]) -> None:
    cluster.add_user("writer", RIGHT)
    cluster.add_user("reader", RIGHT)
    holds = look(login("one", RIGHT), login("other", WRONG, username="reader"), login("none"))
    assert holds == {"one": True, "other": False}


def test_one_valid_value_of_a_rotation_is_enough(
    cluster: FakeCluster, look: Callable[..., Any]
) -> None:
    cluster.add_user("writer", RIGHT)
    assert look(login("one", WRONG, RIGHT)) == {"one": True}


def test_without_a_cluster_the_result_is_empty(look: Callable[..., Any]) -> None:
    assert look(login("one", RIGHT), nodes=["http://127.0.0.1:9"], timeout=1) == {}


def test_a_refused_login_is_repeated(cluster: FakeCluster, look: Callable[..., Any]) -> None:
    cluster.add_user("writer", RIGHT)
    refused = error(401, "security_exception", "unable to authenticate")
    cluster.script("GET", "/_security/_authenticate", refused, times=2)
    assert look(login("one", RIGHT), doubt_timeout=20) == {"one": True}
