# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts before nodes restart: of a healthy cluster, and of one with problems."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fake_elasticsearch import (
    DROP,
    FOREVER,
    Answer,
    FakeCluster,
    error,
    no_handler,
    wrong_method,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

INFO = "elasticsearch_roll_info"
ARGUMENTS = {"version": "9.2.4"}
NEWER, MAJOR = "9.1.0", "8.19.5"


def test_a_healthy_cluster(cluster: FakeCluster, run: Run) -> None:
    for check in (True, False):
        result = run(INFO, check=check, **ARGUMENTS)
        assert not result.failed, result.msg
        assert not result.changed
        assert {key: result[key] for key in ("settings", "repositories", "incompatible")} == {
            "settings": {},
            "repositories": None,
            "incompatible": None,
        }
        found = ("full_disks", "flooded_indices", "voting_exclusions")
        assert [result[key] for key in found] == [[], [], []]
    assert cluster.changes() == []
    # Expensive requests are sent only if their result is needed.
    assert not cluster.called("GET", "/_(snapshot|migration).*")


def test_every_problem_is_returned(cluster: FakeCluster, run: Run) -> None:
    cluster.settings["persistent"]["cluster.routing.allocation.enable"] = "primaries"
    cluster.settings["transient"]["cluster.routing.allocation.exclude._name"] = "w1"
    cluster.voting_exclusions = [{"node_id": "x", "node_name": "m2"}]
    cluster.free = {"w1": 9}
    blocked = {"index.blocks.read_only_allow_delete": "true"}
    cluster.indices["logs-1"] = {"aliases": {}, "mappings": {}, "settings": blocked}
    result = run(INFO, **ARGUMENTS)
    assert result["settings"] == {
        "cluster.routing.allocation.enable": "primaries",
        "cluster.routing.allocation.exclude._name": "w1",
    }
    assert result["full_disks"] == [{"node": "w1", "free": 9, "total": 100, "needed": 10}]
    assert result["flooded_indices"] == ["logs-1"]
    assert result["voting_exclusions"] == ["m2"]


def test_a_new_version_asks_for_snapshots(cluster: FakeCluster, run: Run) -> None:
    cluster.version = NEWER
    assert run(INFO, **ARGUMENTS)["repositories"] == []
    cluster.stores["_snapshot"] = {"backup": {}, "empty": {}, "offline": {}}
    now = int(time.time() * 1000)
    cluster.snapshots["backup"] = [
        {"snapshot": "broken", "state": "FAILED", "end_time_in_millis": now},
        {"snapshot": "good", "state": "SUCCESS", "end_time_in_millis": now - 60_000},
    ]
    unreadable = error(500, "repository_exception", "the mount is away")
    cluster.script("GET", "/_snapshot/offline/_all", unreadable, times=FOREVER)
    backup, empty, offline = run(INFO, **ARGUMENTS)["repositories"]
    assert (backup["repository"], backup["snapshot"]) == ("backup", "good")
    assert 60 <= backup["age"] < 90
    assert (empty["snapshot"], empty["age"], empty["problem"]) == ("", None, "")
    assert "the mount is away" in offline["problem"]
    assert not cluster.called("GET", "/_migration.*")


def test_another_major_version_asks_for_deprecations(cluster: FakeCluster, run: Run) -> None:
    old = {"level": "critical", "message": "too old"}
    cluster.version = MAJOR
    cluster.deprecations = {"index_settings": {"a": [old]}, "templates": {}}
    result = run(INFO, **ARGUMENTS)
    assert result["incompatible"] == ["index_settings of a: too old"]
    assert result["incompatible_unknown"] == ""


@pytest.mark.parametrize(
    "answer", [no_handler, wrong_method, lambda *_: error(404, "not_found", "no such thing")]
)
def test_a_server_without_the_deprecations_api(
    cluster: FakeCluster, run: Run, answer: Callable[[str, str], Answer]
) -> None:
    cluster.version = MAJOR
    path = "/_migration/deprecations"
    cluster.script("GET", path, answer("GET", path), times=FOREVER)
    result = run(INFO, **ARGUMENTS)
    assert not result.failed
    assert result["incompatible"] is None
    assert result["incompatible_unknown"]


def test_a_node_that_fails_during_the_requests(cluster: FakeCluster, run: Run) -> None:
    for half in (DROP, Answer(body={"a": "x" * 50}, keep=9)):
        cluster.node("m1").script("GET", "/_cat/allocation", half, times=FOREVER)
        cluster.free = {"w1": 1}
        assert [disk["node"] for disk in run(INFO, **ARGUMENTS)["full_disks"]] == ["w1"]
        cluster.node("m1").scripts.clear()


def test_half_a_response_is_an_error(cluster: FakeCluster, run: Run) -> None:
    cluster.script("GET", "/_all/.*", Answer(body={"a": "x" * 50}, keep=9), times=FOREVER)
    result = run(INFO, **ARGUMENTS)
    assert result.failed
    assert "not complete JSON" in result.msg
