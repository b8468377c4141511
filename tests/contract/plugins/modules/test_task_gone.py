# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""task_gone before a daemon whose containers end when they please."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fake_engine import FakeEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SERVICE = "elk_elasticsearch-1f2e3d4c"


def container(state: str, status: str, service: str = SERVICE) -> dict[str, Any]:
    return {
        "Id": f"{service}-id",
        "Names": [f"/{service}.x1.y2"],
        "Labels": {"com.docker.swarm.service.name": service},
        "State": state,
        "Status": status,
    }


RUNS = container("running", "Up 4 minutes")
OTHER = container("running", "Up 4 minutes", "logshipper")


class Ending(FakeEngine):
    """Each look at the containers finds the next of ``looks``, the last again and again."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.looks: list[list[dict[str, Any]]] = []

    def _containers(self, method: str, rest: list[str], query: Any, *_: Any) -> tuple[int, Any]:
        assert (method, rest) == ("GET", ["json"])
        # One that has ended is seen as well.
        assert query["all"] in ("1", "true")
        return 200, self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Ending]:
    with Ending(tmp_path) as fake:
        yield fake


@pytest.fixture
def wait(call: Callable[..., Any], engine: Ending) -> Callable[..., Any]:
    def run(*looks: list[dict[str, Any]], check: bool = False) -> Any:
        engine.looks = list(looks)
        options = {"prefix": "elk_elasticsearch-", "wait_timeout": 1.0}
        result = call("task_gone", {"docker_host": engine.host, **options}, check=check)
        assert engine.writes() == []
        assert not result.changed
        return result

    return run


def test_nothing_is_waited_for_where_nothing_runs(wait: Callable[..., Any]) -> None:
    result = wait([OTHER, container("exited", "Exited (143) 2 days ago")])
    assert (result.failed, result["ended"]) == (False, {})


def made(seconds: float) -> dict[str, Any]:
    """One that was made so long ago, and has not been started."""
    return {**container("created", "Created"), "Created": int(time.time() - seconds)}


@pytest.mark.parametrize("runs", [True, False], ids=["runs", "is only made"])
def test_a_container_that_still_stops_is_waited_for(wait: Callable[..., Any], runs: bool) -> None:
    before = RUNS if runs else made(0)
    result = wait([before], [before], [container("exited", "Exited (143) 1 second ago"), OTHER])
    assert (result.failed, result["ended"]) == (False, {f"{SERVICE}.x1.y2": 143})
    assert "warnings" not in result.data


def test_one_that_was_never_started_is_not_waited_for(wait: Callable[..., Any]) -> None:
    """Swarm keeps it as it is, and runs another one in its place."""
    result = wait([made(60), OTHER])
    assert (result.failed, result["ended"]) == (False, {})
    # It may come, though, as long as it is new.
    assert f"{SERVICE}.x1.y2 (Created)" in wait([made(5)])["msg"]


def test_one_that_was_removed_meanwhile_has_ended(wait: Callable[..., Any]) -> None:
    assert not wait([RUNS], []).failed


def test_one_that_had_to_be_killed_is_told_of(wait: Callable[..., Any]) -> None:
    result = wait([RUNS], [container("exited", "Exited (137) 1 second ago")])
    assert f"{SERVICE}.x1.y2 did not stop by itself" in str(result["warnings"])


def test_one_that_does_not_end_is_named(wait: Callable[..., Any]) -> None:
    result = wait([RUNS])
    assert result.failed
    assert f"{SERVICE}.x1.y2 (Up 4 minutes)" in result["msg"]
    assert "docker kill" in result["msg"]


def test_a_dry_run_waits_for_nothing(wait: Callable[..., Any]) -> None:
    assert not wait([RUNS], check=True).failed
