# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Votes that are taken and given back, whichever node answers."""

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
OUT: dict[str, Any] = {"state": "excluded", "names": ["w1"]}
BACK: dict[str, Any] = {"state": "cleared"}
POST, DELETE = f"POST {PATH}", f"DELETE {PATH}"
LONGER = error(429, "timeout_exception", "timed out waiting for voting config exclusions")


def test_every_state(cluster: FakeCluster, run: Run) -> None:
    """Taken and given back: each in check mode, for real, in check mode again, and once more."""
    for options, before, after, request, again in (
        (OUT, [], ["w1"], POST, [POST]),
        (BACK, ["w1"], [], DELETE, []),
    ):
        for check, changed, sent, found in (
            (True, True, [], before),
            (False, True, [request], after),
            (True, False, [], after),
            # Whoever has been left out already is waited for.
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


def test_a_node_that_has_gone_is_known_by_its_id(cluster: FakeCluster, run: Run) -> None:
    gone = {"state": "excluded", "ids": ["id-of-w9"]}
    assert run(VOTES, **gone).changed
    assert cluster.voting_exclusions == [{"node_id": "id-of-w9", "node_name": "_absent_"}]
    again = run(VOTES, **gone)
    assert (again.changed, again["excluded"]) == (False, ["id-of-w9"])


@pytest.mark.parametrize("who", [{}, {"names": ["w1"], "ids": ["x"]}])
def test_it_must_be_said_who(cluster: FakeCluster, run: Run, who: dict[str, Any]) -> None:
    result = run(VOTES, state="excluded", **who)
    assert result.failed
    assert "either names or ids" in result.msg
    assert cluster.calls == []


def test_what_takes_longer_is_asked_for_again(cluster: FakeCluster, run: Run) -> None:
    cluster.script("POST", PATH, LONGER, times=2)
    result = run(VOTES, wait_timeout=20, **OUT)
    assert not result.failed, result.msg
    assert [call.query["timeout"] for call in cluster.called("POST")] == ["10s"] * 3


def test_what_takes_too_long_fails_and_says_what_was_done(cluster: FakeCluster, run: Run) -> None:
    def noted_and_not_done(request: Request) -> Answer:
        cluster.voting_exclusions = [{"node_id": "x", "node_name": "w1"}]
        return LONGER

    cluster.script("POST", PATH, noted_and_not_done, times=FOREVER)
    result = run(VOTES, wait_timeout=1, **OUT)
    assert result.failed
    assert result.changed
    assert "timed out waiting for voting config exclusions" in result.msg


def test_those_that_are_left_out_are_waited_for_until_they_are_gone(
    cluster: FakeCluster, run: Run
) -> None:
    run(VOTES, **OUT)
    cluster.script("DELETE", PATH, LONGER)
    assert not run(VOTES, wait_for_removal=True, **BACK).failed
    asked = [call.query for call in cluster.called("DELETE")]
    assert asked == [{"wait_for_removal": "true", "master_timeout": "10s"}] * 2
    assert cluster.voting_exclusions == []


@pytest.mark.parametrize("away", [DROP, error(503, "master_not_discovered_exception", "none")])
def test_a_node_that_goes_away_meanwhile_is_replaced_by_another(
    cluster: FakeCluster, run: Run, away: Answer
) -> None:
    cluster.node("m1").script("POST", PATH, away, times=FOREVER)
    cluster.node("m1").script("GET", "/.*", Answer(body={}), DROP, times=FOREVER)
    result = run(VOTES, **OUT)
    assert not result.failed, result.msg
    assert [call.node for call in cluster.called("POST") if call.status == 200] == ["m2"]


def test_a_refusal_is_no_reason_to_ask_again(cluster: FakeCluster, run: Run) -> None:
    many = error(400, "illegal_argument_exception", "would exceed the maximum of [10]")
    cluster.script("POST", PATH, many, times=FOREVER)
    result = run(VOTES, **OUT)
    assert result.failed
    assert "would exceed the maximum" in result.msg
    assert len(cluster.called("POST")) == 1
