# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users and service tokens: secrets are tested, and set once if they are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fake_elasticsearch import (
    DROP,
    FOREVER,
    FakeCluster,
    Request,
    error,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.fake_elasticsearch import Answer

    Run = Callable[..., Any]

USER, TOKEN = "elasticsearch_user", "elasticsearch_service_token"
PUT_USER, PUT_PASSWORD = "PUT /_security/user/writer", "PUT /_security/user/writer/_password"
CREDENTIAL = "/_security/service/elastic/kibana/credential/token/elk"
WRITER = {"name": "writer", "user_password": "secret-of-writer", "roles": ["r1", "r2"]}
ACCOUNT = ("elastic/kibana", "elk")


@pytest.fixture
def writer(cluster: FakeCluster) -> FakeCluster:
    cluster.add_user("writer", "secret-of-writer", roles=["r2", "r1"], full_name="Writes")
    return cluster


def test_user_is_created_once(cluster: FakeCluster, run: Run) -> None:
    assert run(USER, check=True, **WRITER).changed
    assert cluster.changes() == []
    assert run(USER, **WRITER).changed
    assert not run(USER, **WRITER).changed
    assert cluster.changes() == [PUT_USER]
    assert cluster.passwords["writer"] == "secret-of-writer"


def test_user_as_it_should_be(writer: FakeCluster, run: Run) -> None:
    result = run(USER, **WRITER)
    assert not result.changed
    assert result["changes"] == []
    assert writer.changes() == []


def test_other_password_is_one_call(writer: FakeCluster, run: Run) -> None:
    other = {**WRITER, "user_password": "another-secret"}
    assert run(USER, check=True, **other)["changes"] == ["password"]
    assert writer.changes() == []
    assert run(USER, **other)["changes"] == ["password"]
    assert writer.changes() == [PUT_PASSWORD]
    assert not run(USER, **other).changed


def test_other_roles_keep_the_rest(writer: FakeCluster, run: Run) -> None:
    result = run(USER, **{**WRITER, "roles": ["r3"]})
    assert result["changes"] == ["roles"]
    assert result["diff"]["after"] == {"roles": ["r3"]}
    assert writer.changes() == [PUT_USER]
    assert writer.users["writer"]["full_name"] == "Writes"
    assert writer.passwords["writer"] == "secret-of-writer"


def test_password_only_at_creation(writer: FakeCluster, run: Run) -> None:
    other = {**WRITER, "user_password": "another-secret", "update_password": "on_create"}
    assert not run(USER, **other).changed
    assert writer.called("GET", "/_security/_authenticate") == []


def test_password_of_a_disabled_user_is_not_changed(writer: FakeCluster, run: Run) -> None:
    assert run(USER, **WRITER, enabled=False)["changes"] == ["enabled"]
    assert not run(USER, **WRITER, enabled=False).changed
    assert run(USER, **WRITER, enabled=True)["changes"] == ["enabled"]
    assert writer.changes() == [PUT_USER, PUT_USER]


def test_builtin_user(cluster: FakeCluster, run: Run) -> None:
    builtin = {"name": "kibana_system", "user_password": "secret-of-kibana", "builtin": True}
    assert run(USER, **builtin)["changes"] == ["password"]
    assert not run(USER, **builtin).changed
    assert cluster.changes() == ["PUT /_security/user/kibana_system/_password"]
    result = run(USER, name="kibana_system", user_password="secret-of-kibana", roles=["x"])
    assert result.failed
    assert "builtin: true" in result.msg


def test_user_is_removed_once(writer: FakeCluster, run: Run) -> None:
    absent = {"name": "writer", "state": "absent"}
    assert run(USER, check=True, **absent).changed
    assert writer.changes() == []
    assert run(USER, **absent).changed
    assert not run(USER, **absent).changed
    assert writer.changes() == ["DELETE /_security/user/writer"]


def test_new_user_needs_a_password(cluster: FakeCluster, run: Run) -> None:
    result = run(USER, name="writer", roles=["r1"])
    assert result.failed
    assert "user_password" in result.msg
    assert cluster.changes() == []


def test_refused_password_is_not_shown(writer: FakeCluster, run: Run) -> None:
    result = run(USER, **{**WRITER, "user_password": "Zq9#"})
    assert result.failed
    assert "at least [6] characters" in result.msg


def test_user_during_an_outage_is_not_changed(writer: FakeCluster, run: Run) -> None:
    broken = error(503, "unavailable_shards_exception", "security index")
    writer.script("GET", "/_security/user/writer", broken, times=FOREVER)
    assert run(USER, **{**WRITER, "user_password": "another-secret"}).failed
    assert writer.changes() == []


def test_token_is_created_once(cluster: FakeCluster, run: Run) -> None:
    assert run(TOKEN, name="elk", check=True).changed
    assert cluster.changes() == []
    created = run(TOKEN, name="elk")
    assert created.changed
    assert created["token"] == cluster.tokens[ACCOUNT]
    again = run(TOKEN, name="elk", token=created["token"] + "\n")
    assert not again.changed
    assert "token" not in again.data
    assert cluster.changes() == [f"POST {CREDENTIAL}"]


def test_stale_token_is_replaced(cluster: FakeCluster, run: Run) -> None:
    cluster.tokens[ACCOUNT] = "the-one-that-was-lost"
    assert run(TOKEN, name="elk", token="stale", check=True).changed
    assert cluster.changes() == []
    result = run(TOKEN, name="elk", token="stale")
    assert result.changed
    assert result["reason"].startswith("the stored token is refused")
    assert cluster.changes() == [f"DELETE {CREDENTIAL}", f"POST {CREDENTIAL}"]
    assert "the-one-that-was-lost" not in cluster.tokens.values()


def test_token_of_another_account_is_not_accepted(cluster: FakeCluster, run: Run) -> None:
    cluster.tokens[("elastic/fleet-server", "elk")] = "of-fleet"
    assert run(TOKEN, name="elk", token="of-fleet")["token"] == cluster.tokens[ACCOUNT]


def test_login_refused_for_a_moment_keeps_the_token(cluster: FakeCluster, run: Run) -> None:
    cluster.tokens[ACCOUNT] = "good"
    refused = error(401, "security_exception", "security index not open yet")
    cluster.script("GET", "/_security/_authenticate", refused)
    assert not run(TOKEN, name="elk", token="good").changed
    assert cluster.changes() == []


def test_token_whose_response_is_lost_is_created_again(cluster: FakeCluster, run: Run) -> None:
    def do_and_drop(request: Request) -> Answer:
        cluster._token(request)
        return DROP

    cluster.script("POST", CREDENTIAL, do_and_drop)
    assert run(TOKEN, name="elk")["token"] == cluster.tokens[ACCOUNT]


def test_token_is_deleted_once(cluster: FakeCluster, run: Run) -> None:
    cluster.tokens[ACCOUNT] = "good"
    assert run(TOKEN, name="elk", state="absent", check=True).changed
    assert run(TOKEN, name="elk", state="absent").changed
    assert not run(TOKEN, name="elk", state="absent").changed
    assert cluster.changes() == [f"DELETE {CREDENTIAL}"]
