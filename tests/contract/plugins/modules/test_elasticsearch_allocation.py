# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shards that are held back and let go: one request for both settings, and none for no change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fake_elasticsearch import (
    FOREVER,
    Answer,
    FakeCluster,
    error,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

ALLOCATION = "elasticsearch_allocation"
HELD: dict[str, Any] = {"state": "held", "mark": "elk"}
FREE: dict[str, Any] = {"state": "free"}
SET = {"cluster.routing.allocation.enable": "primaries", "cluster.metadata.elk_roll": "elk"}
PUT, FLUSH = "PUT /_cluster/settings", "POST /_flush"


def test_every_state(cluster: FakeCluster, run: Run) -> None:
    """Held and let go: each in check mode, for real, in check mode again, and once more."""
    for options, before, after, calls in (
        (HELD, {}, SET, [PUT, FLUSH]),
        (FREE, SET, {}, [PUT]),
    ):
        # What follows once nothing is to be changed any more.
        again = [call for call in calls if call == FLUSH]
        for check, changed, sent, found in (
            (True, True, [], before),
            (False, True, calls, after),
            (True, False, [], after),
            (False, False, again, after),
        ):
            cluster.calls.clear()
            result = run(ALLOCATION, check=check, **options)
            assert not result.failed, result.msg
            assert result.changed is changed
            assert cluster.changes() == sent
            assert cluster.settings["persistent"] == found
            assert bool(result["diff"]["after"]) is changed
            assert len(result["differences"]) == (2 if changed else 0)


def test_what_somebody_else_has_set_stays(cluster: FakeCluster, run: Run) -> None:
    cluster.settings["persistent"]["cluster.max_shards_per_node"] = "2000"
    run(ALLOCATION, **HELD)
    run(ALLOCATION, **FREE)
    assert cluster.settings["persistent"] == {"cluster.max_shards_per_node": "2000"}


def test_a_mark_is_needed(cluster: FakeCluster, run: Run) -> None:
    result = run(ALLOCATION, state="held")
    assert result.failed
    assert "mark" in result.msg
    assert cluster.calls == []


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (error(500, "flush_failed", "no space left on device"), "no space left on device"),
        (Answer(body={"_shards": {"total": 9, "failed": 2}}), "2 of 9 shards"),
    ],
)
def test_a_flush_that_fails_is_told_and_stops_nothing(
    cluster: FakeCluster, run: Run, answer: Answer, says: str
) -> None:
    cluster.script("POST", "/_flush", answer)
    result = run(ALLOCATION, **HELD)
    assert not result.failed
    assert says in result["unflushed"]
    assert cluster.settings["persistent"] == SET


def test_a_flush_is_asked_for_once_and_of_a_node_that_answers(
    cluster: FakeCluster, run: Run
) -> None:
    cluster.node("m1").stop()
    cluster.script("POST", "/_flush", Answer(delay=1.5), times=FOREVER)
    result = run(ALLOCATION, flush_timeout=0.3, **HELD)
    assert "gave no answer in time" in result["unflushed"]
    assert [call.node for call in cluster.called("POST")] == ["m2"]
    cluster.calls.clear()
    assert "unflushed" not in run(ALLOCATION, flush_timeout=0, **HELD).data
    assert cluster.called("POST") == []


def test_copies_are_waited_for_once_shards_may_move(cluster: FakeCluster, run: Run) -> None:
    run(ALLOCATION, **HELD)
    cluster.health.then(status="yellow", unassigned_shards=1).then(status="green")
    result = run(ALLOCATION, wait=True, nodes=["m1", "m2", "w1"], **FREE)
    assert result.changed
    assert (result["status"], result["missing"]) == ("green", [])
    # Twice at least: the first look found a copy missing.
    assert len(cluster.called("GET", "/_cluster/health")) == 2
    assert cluster.settings["persistent"] == {}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "the status is yellow, not green"),
        ({"nodes": ["w9"]}, "not joined: w9"),
        ({"cluster_uuid": "another"}, "not another"),
    ],
)
def test_copies_that_do_not_come_fail_and_shards_may_move_all_the_same(
    cluster: FakeCluster, run: Run, options: dict[str, Any], says: str
) -> None:
    run(ALLOCATION, **HELD)
    cluster.health.then(status="yellow", unassigned_shards=1)
    result = run(ALLOCATION, wait=True, wait_timeout=0.5, **FREE, **options)
    assert result.failed
    assert says in result.msg
    assert result.changed
    assert cluster.settings["persistent"] == {}
    # Without being asked to it does not wait.
    assert not run(ALLOCATION, **FREE, **options).failed


def test_nothing_is_waited_for_in_check_mode(cluster: FakeCluster, run: Run) -> None:
    cluster.health.then(status="red", unassigned_shards=1)
    result = run(ALLOCATION, check=True, wait=True, wait_timeout=30, **FREE)
    assert not result.failed
    assert cluster.called("GET", "/_cluster/health") == []
