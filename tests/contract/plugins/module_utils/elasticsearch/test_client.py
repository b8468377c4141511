# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How modules handle dead nodes, refused logins, wrong certificates and incomplete answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import PASSWORD
from tests.contract.fake_elasticsearch import (
    DROP,
    FOREVER,
    Answer,
    FakeCluster,
    free_port,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import Authority

    Run = Callable[..., Any]

ROLE = {"path": "/_security/role/writer", "body": {"cluster": ["monitor"]}}


def test_a_dead_first_url_is_skipped(cluster: FakeCluster, run: Run) -> None:
    cluster.node("m1").stop()
    assert run("elasticsearch_resource", **ROLE).changed
    assert {call.node for call in cluster.calls} == {"m2"}


def test_when_no_url_answers_each_cause_is_named(run: Run) -> None:
    urls = [f"http://127.0.0.1:{free_port()}", f"http://localhost:{free_port()}"]
    result = run("elasticsearch_resource", urls=urls, **ROLE)
    assert result.failed
    assert all(url in result.msg for url in urls)
    assert "docker service ps" in result.msg


def test_a_cluster_that_is_unavailable_for_a_moment(cluster: FakeCluster, run: Run) -> None:
    for node in cluster.nodes:
        node.script("*", ".*", Answer(503, {"error": "no master", "status": 503}))
    assert run("elasticsearch_resource", **ROLE).changed
    assert [call.status for call in cluster.calls[:4]] == [503, 503, 503, 404]
    assert cluster.changes() == ["PUT /_security/role/writer"]


def test_a_cluster_that_stays_unavailable(cluster: FakeCluster, run: Run) -> None:
    cluster.script("*", ".*", Answer(503, {"error": "no master", "status": 503}), times=FOREVER)
    result = run("elasticsearch_resource", **ROLE)
    assert result.failed
    assert "503: no master" in result.msg
    assert len(cluster.calls) == 9


@pytest.mark.parametrize(
    "incomplete",
    [*(Answer(body={"m1": "x" * 50}, keep=20, lie=lie) for lie in (True, False)), DROP],
)
def test_after_an_incomplete_answer_another_node_is_tried(
    cluster: FakeCluster, run: Run, incomplete: Answer
) -> None:
    cluster.node("m1").script("GET", ".*", incomplete, times=FOREVER)
    assert run("elasticsearch_resource", **ROLE).changed
    assert cluster.called("GET")[1].node == "m2"
    assert cluster.changes() == ["PUT /_security/role/writer"]


def test_only_incomplete_answers(cluster: FakeCluster, run: Run) -> None:
    cluster.script("GET", ".*", Answer(body={"m1": "x" * 50}, keep=20), times=FOREVER)
    result = run("elasticsearch_resource", **ROLE)
    assert result.failed
    assert "not complete JSON" in result.msg
    assert cluster.changes() == []


def test_a_slow_node_is_skipped(cluster: FakeCluster, run: Run) -> None:
    cluster.node("m1").script("GET", ".*", Answer(404, {}, delay=1.0))
    assert run("elasticsearch_resource", timeout=0.2, **ROLE).changed
    assert cluster.changes() == ["PUT /_security/role/writer"]


def test_wrong_login(cluster: FakeCluster, run: Run) -> None:
    result = run("elasticsearch_resource", password="another-password", doubt_timeout=0, **ROLE)
    assert result.failed
    assert "401" in result.msg
    assert "user 'elastic'" in result.msg
    # All nodes refuse a wrong login, and more attempts may lock the account.
    assert len(cluster.calls) == 1


def test_login_refused_while_the_security_index_is_made(cluster: FakeCluster, run: Run) -> None:
    refused = Answer(401, {"error": "failed to retrieve password hash for reserved user"})
    cluster.script("GET", "/_security/role/writer", refused)
    assert run("elasticsearch_resource", doubt_timeout=5, **ROLE).changed
    assert cluster.changes() == ["PUT /_security/role/writer"]


def test_a_login_that_stays_refused_is_an_error(cluster: FakeCluster, run: Run) -> None:
    result = run("elasticsearch_resource", password="another-password", doubt_timeout=1, **ROLE)
    assert result.failed
    assert "Check username and password" in result.msg
    assert len(cluster.calls) == 2


def test_trusted_certificate(authority: Authority, call: Run) -> None:
    with FakeCluster(["m1"], tls=authority.context(), password=PASSWORD) as cluster:
        arguments = {"urls": cluster.urls, "username": "elastic", "password": PASSWORD, **ROLE}
        result = call("elasticsearch_resource", {**arguments, "ca_path": authority.ca})
        assert result.changed, result.msg


def test_unknown_authority(authority: Authority, stranger: Authority, call: Run) -> None:
    with FakeCluster(["m1"], tls=authority.context(), password=PASSWORD) as cluster:
        arguments = {"urls": cluster.urls, "username": "elastic", "password": PASSWORD, **ROLE}
        for trusted in ({"ca_path": stranger.ca}, {}):
            result = call("elasticsearch_resource", {**arguments, **trusted})
            assert result.failed
            assert "Set ca_path to the ca.crt" in result.msg
        # The module sends nothing, above all no password, to an untrusted server.
        assert cluster.calls == []


def test_a_certificate_for_another_name(authority: Authority, call: Run) -> None:
    with FakeCluster(["m1"], tls=authority.context(), password=PASSWORD) as cluster:
        url = f"https://localhost:{cluster.nodes[0].port}"
        arguments = {"urls": [url], "username": "elastic", "password": PASSWORD, **ROLE}
        result = call("elasticsearch_resource", {**arguments, "ca_path": authority.ca})
        assert result.failed
        assert "not valid for localhost" in result.msg
        assert cluster.calls == []


def test_plain_http_over_a_network_is_refused(run: Run) -> None:
    result = run("elasticsearch_resource", urls=["http://192.0.2.1:9200"], **ROLE)
    assert result.failed
    assert "unencrypted" in result.msg


def test_missing_ca_file(run: Run) -> None:
    result = run(
        "elasticsearch_resource", urls=["https://127.0.0.1:1"], ca_path="/nowhere/ca.crt", **ROLE
    )
    assert result.failed
    assert "/nowhere/ca.crt" in result.msg


def test_token_login(cluster: FakeCluster, call: Run) -> None:
    cluster.tokens[("elastic/kibana", "elk")] = "a-token"
    arguments = {"urls": cluster.urls, "token": "a-token", **ROLE}
    assert call("elasticsearch_resource", arguments).changed
    assert {call.login for call in cluster.calls} == {"token elk"}
