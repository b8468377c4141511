# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Voting exclusions that are added and cleared, through any node that answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fake_elasticsearch import (
    DROP,
    FOREVER,
    Answer,
    FakeCluster,
    Request,
    error,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

VOTES = "elasticsearch_votes"
PATH = "/_cluster/voting_config_exclusions"
EXCLUDE: dict[str, Any] = {"state": "excluded", "names": ["w1"]}
CLEAR: dict[str, Any] = {"state": "cleared"}
POST, DELETE = f"POST {PATH}", f"DELETE {PATH}"
LONGER = error(429, "timeout_exception", "timed out waiting for voting config exclusions")


def test_every_state(cluster: FakeCluster, run: Run) -> None:
    """Both states: each in check mode, for real, in check mode again, and for real again."""
    for options, before, after, request, again in (
        (EXCLUDE, [], ["w1"], POST, [POST]),
        (CLEAR, ["w1"], [], DELETE, []),
    ):
        for check, changed, sent, found in (
            (True, True, [], before),
            (False, True, [request], after),
            (True, False, [], after),
            # It waits for nodes that are already excluded.
            (False, False, again, after),
        ):
            cluster.calls.clear()
            result = run(VOTES, check=check, **options)
            assert not result.failed, result.msg
            assert result.changed is changed
            assert cluster.changes() == sent
            assert [one["node_name"] for one in cluster.voting_exclusions] == found
            assert result["excluded"] == after
            assert result.data.get("diff") == (
                {"before": before, "after": after} if changed else None
            )


def test_a_node_that_has_left_is_excluded_by_its_id(cluster: FakeCluster, run: Run) -> None:
    absent = {"state": "excluded", "ids": ["id-of-w9"]}
    assert run(VOTES, **absent).changed
    assert cluster.voting_exclusions == [{"node_id": "id-of-w9", "node_name": "_absent_"}]
    again = run(VOTES, **absent)
    assert (again.changed, again["excluded"]) == (False, ["id-of-w9"])


@pytest.mark.parametrize("who", [{}, {"names": ["w1"], "ids": ["x"]}])
def test_either_names_or_ids_are_required(
    cluster: FakeCluster, run: Run, who: dict[str, Any]
) -> None:
    result = run(VOTES, state="excluded", **who)
    assert result.failed
    assert "either names or ids" in result.msg
    assert cluster.calls == []


def test_a_request_that_times_out_is_repeated(cluster: FakeCluster, run: Run) -> None:
    cluster.script("POST", PATH, LONGER, times=2)
    result = run(VOTES, wait_timeout=20, **EXCLUDE)
    assert not result.failed, result.msg
    assert [call.query["timeout"] for call in cluster.called("POST")] == ["10s"] * 3


def test_after_the_timeout_the_error_has_the_cause(cluster: FakeCluster, run: Run) -> None:
    def excluded_but_not_effective(request: Request) -> Answer:
        cluster.voting_exclusions = [{"node_id": "x", "node_name": "w1"}]
        return LONGER

    cluster.script("POST", PATH, excluded_but_not_effective, times=FOREVER)
    result = run(VOTES, wait_timeout=1, **EXCLUDE)
    assert result.failed
    assert result.changed
    assert "timed out waiting for voting config exclusions" in result.msg


def test_wait_until_the_excluded_nodes_have_left(cluster: FakeCluster, run: Run) -> None:
    run(VOTES, **EXCLUDE)
    cluster.script("DELETE", PATH, LONGER)
    assert not run(VOTES, wait_for_removal=True, **CLEAR).failed
    queries = [call.query for call in cluster.called("DELETE")]
    assert queries == [{"wait_for_removal": "true", "master_timeout": "10s"}] * 2
    assert cluster.voting_exclusions == []


@pytest.mark.parametrize("away", [DROP, error(503, "master_not_discovered_exception", "none")])
def test_another_node_replaces_one_that_stops_answering(
    cluster: FakeCluster, run: Run, away: Answer
) -> None:
    cluster.node("m1").script("POST", PATH, away, times=FOREVER)
    cluster.node("m1").script("GET", "/.*", Answer(body={}), DROP, times=FOREVER)
    result = run(VOTES, **EXCLUDE)
    assert not result.failed, result.msg
    assert [call.node for call in cluster.called("POST") if call.status == 200] == ["m2"]


def test_an_invalid_request_is_not_repeated(cluster: FakeCluster, run: Run) -> None:
    many = error(400, "illegal_argument_exception", "would exceed the maximum of [10]")
    cluster.script("POST", PATH, many, times=FOREVER)
    result = run(VOTES, **EXCLUDE)
    assert result.failed
    assert "would exceed the maximum" in result.msg
    assert len(cluster.called("POST")) == 1
