# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""task_stopped with a daemon whose containers end at different times."""

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
    """Returns for each request the next of ``looks``, and the last one again and again."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.looks: list[list[dict[str, Any]]] = []

    def _containers(self, method: str, rest: list[str], query: Any, *_: Any) -> tuple[int, Any]:
        assert (method, rest) == ("GET", ["json"])
        # The request includes ended containers.
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
        result = call("task_stopped", {"docker_host": engine.host, **options}, check=check)
        assert engine.writes() == []
        assert not result.changed
        return result

    return run


def test_no_wait_if_nothing_runs(wait: Callable[..., Any]) -> None:
    result = wait([OTHER, container("exited", "Exited (143) 2 days ago")])
    assert (result.failed, result["ended"]) == (False, {})


def created(seconds: float) -> dict[str, Any]:
    """A container that was created so long ago and has not started."""
    return {**container("created", "Created"), "Created": int(time.time() - seconds)}


@pytest.mark.parametrize("runs", [True, False], ids=["running", "created"])
def test_it_waits_for_a_container_that_is_still_stopping(
    wait: Callable[..., Any], runs: bool
) -> None:
    before = RUNS if runs else created(0)
    result = wait([before], [before], [container("exited", "Exited (143) 1 second ago"), OTHER])
    assert (result.failed, result["ended"]) == (False, {f"{SERVICE}.x1.y2": 143})
    assert "warnings" not in result.data


def test_no_wait_for_a_container_that_never_started(wait: Callable[..., Any]) -> None:
    """Swarm leaves it in place and runs another container."""
    result = wait([created(60), OTHER])
    assert (result.failed, result["ended"]) == (False, {})
    # A new one may still start.
    assert f"{SERVICE}.x1.y2 (Created)" in wait([created(5)])["msg"]


def test_a_removed_container_has_ended(wait: Callable[..., Any]) -> None:
    assert not wait([RUNS], []).failed


def test_a_killed_container_gives_a_warning(wait: Callable[..., Any]) -> None:
    result = wait([RUNS], [container("exited", "Exited (137) 1 second ago")])
    assert f"{SERVICE}.x1.y2 did not stop in time" in str(result["warnings"])


def test_a_container_that_does_not_end_is_named(wait: Callable[..., Any]) -> None:
    result = wait([RUNS])
    assert result.failed
    assert f"{SERVICE}.x1.y2 (Up 4 minutes)" in result["msg"]
    assert "docker kill" in result["msg"]


def test_check_mode_does_not_wait(wait: Callable[..., Any]) -> None:
    assert not wait([RUNS], check=True).failed
