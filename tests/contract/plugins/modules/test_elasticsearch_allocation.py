# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restrict allocation and allow it: one request for both settings, none if nothing changes."""

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
MOVE: dict[str, Any] = {"node": "w1", "reason": "move"}
MOVED = {"cluster.routing.allocation.exclude._name": "w1", "cluster.metadata.elk_move": "w1"}
REMOVAL: dict[str, Any] = {"node": "w1", "reason": "removal"}
REMOVED = {"cluster.routing.allocation.exclude._name": "w1", "cluster.metadata.elk_leave": "w1"}
PUT, FLUSH = "PUT /_cluster/settings", "POST /_flush"


def test_every_state(cluster: FakeCluster, run: Run) -> None:
    """All states: each in check mode, for real, in check mode again, and for real again."""
    for options, before, after, calls in (
        (HELD, {}, SET, [PUT, FLUSH]),
        (FREE, SET, {}, [PUT]),
        ({"state": "excluded", **MOVE}, {}, MOVED, [PUT]),
        ({"state": "included", **MOVE}, MOVED, {}, [PUT]),
        ({"state": "excluded", **REMOVAL}, {}, REMOVED, [PUT]),
        ({"state": "included", **REMOVAL}, REMOVED, {}, [PUT]),
    ):
        # The requests of a run that has nothing to change.
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


@pytest.mark.parametrize(
    ("options", "before", "after"),
    [
        ({"state": "included", **MOVE}, {"_name": "w1,w2"}, {"_name": "w2"}),
        ({"state": "included", **MOVE}, {"_name": "w2"}, {"_name": "w2"}),
        ({"state": "included", **REMOVAL}, {"_name": "w2,w1,w3"}, {"_name": "w2,w3"}),
    ],
)
def test_an_exclusion_of_a_person_is_kept(
    cluster: FakeCluster, run: Run, options: Any, before: Any, after: Any
) -> None:
    """The reason goes with the node it names, whatever a person has excluded since then."""
    prefix = "cluster.routing.allocation.exclude."
    settings = cluster.settings["persistent"]
    settings.update({prefix + key: value for key, value in before.items()})
    settings["cluster.metadata.elk_move"] = settings["cluster.metadata.elk_leave"] = "w1"
    assert run(ALLOCATION, **options).changed
    other = {"move": "cluster.metadata.elk_leave", "removal": "cluster.metadata.elk_move"}
    expected = {prefix + key: value for key, value in after.items()}
    assert cluster.settings["persistent"] == {**expected, other[options["reason"]]: "w1"}
    assert not run(ALLOCATION, **options).changed


def test_a_restriction_of_a_person_is_kept(cluster: FakeCluster, run: Run) -> None:
    cluster.settings["persistent"].update({**SET, "cluster.routing.allocation.enable": "none"})
    assert run(ALLOCATION, **FREE).changed
    assert cluster.settings["persistent"] == {"cluster.routing.allocation.enable": "none"}


def test_other_settings_are_kept(cluster: FakeCluster, run: Run) -> None:
    cluster.settings["persistent"]["cluster.max_shards_per_node"] = "2000"
    run(ALLOCATION, **HELD)
    run(ALLOCATION, **FREE)
    assert cluster.settings["persistent"] == {"cluster.max_shards_per_node": "2000"}


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"state": "held"}, "mark"),
        ({"state": "excluded", "reason": "move"}, "node"),
        ({"state": "included", "node": "w1"}, "reason"),
    ],
)
def test_each_state_needs_its_options(
    cluster: FakeCluster, run: Run, options: dict[str, Any], word: str
) -> None:
    result = run(ALLOCATION, **options)
    assert result.failed
    assert word in result.msg
    assert cluster.calls == []


def test_a_restart_and_a_move_keep_their_own_settings(cluster: FakeCluster, run: Run) -> None:
    run(ALLOCATION, state="excluded", **MOVE)
    run(ALLOCATION, **HELD)
    assert cluster.settings["persistent"] == SET | MOVED
    run(ALLOCATION, **FREE)
    assert cluster.settings["persistent"] == MOVED


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (error(500, "flush_failed", "no space left on device"), "no space left on device"),
        (Answer(body={"_shards": {"total": 9, "failed": 2}}), "2 of 9 shards"),
    ],
)
def test_a_failed_flush_is_reported_and_is_not_an_error(
    cluster: FakeCluster, run: Run, answer: Answer, words: str
) -> None:
    cluster.script("POST", "/_flush", answer)
    result = run(ALLOCATION, **HELD)
    assert not result.failed
    assert words in result["unflushed"]
    assert cluster.settings["persistent"] == SET


def test_one_flush_is_sent_to_a_node_that_answers(cluster: FakeCluster, run: Run) -> None:
    cluster.node("m1").stop()
    cluster.script("POST", "/_flush", Answer(delay=1.5), times=FOREVER)
    result = run(ALLOCATION, flush_timeout=0.3, **HELD)
    assert "gave no answer in time" in result["unflushed"]
    assert [call.node for call in cluster.called("POST")] == ["m2"]
    cluster.calls.clear()
    assert "unflushed" not in run(ALLOCATION, flush_timeout=0, **HELD).data
    assert cluster.called("POST") == []


def test_wait_for_copies_after_allocation_is_allowed(cluster: FakeCluster, run: Run) -> None:
    run(ALLOCATION, **HELD)
    cluster.health.then(status="yellow", unassigned_shards=1).then(status="green")
    result = run(ALLOCATION, wait=True, nodes=["m1", "m2", "w1"], **FREE)
    assert result.changed
    assert (result["status"], result["missing"]) == ("green", [])
    # Twice: at the first request a copy was missing.
    assert len(cluster.called("GET", "/_cluster/health")) == 2
    assert cluster.settings["persistent"] == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "the status is yellow, not green"),
        ({"nodes": ["w9"]}, "not joined: w9"),
        ({"cluster_uuid": "another"}, "not another"),
    ],
)
def test_missing_copies_are_an_error_but_allocation_is_allowed(
    cluster: FakeCluster, run: Run, options: dict[str, Any], words: str
) -> None:
    run(ALLOCATION, **HELD)
    cluster.health.then(status="yellow", unassigned_shards=1)
    result = run(ALLOCATION, wait=True, wait_timeout=0.5, **FREE, **options)
    assert result.failed
    assert words in result.msg
    assert result.changed
    assert cluster.settings["persistent"] == {}
    # Without wait it does not wait.
    assert not run(ALLOCATION, **FREE, **options).failed


def test_check_mode_does_not_wait(cluster: FakeCluster, run: Run) -> None:
    cluster.health.then(status="red", unassigned_shards=1)
    result = run(ALLOCATION, check=True, wait=True, wait_timeout=30, **FREE)
    assert not result.failed
    assert cluster.called("GET", "/_cluster/health") == []
