# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""elk.swarm.node_maintenance against a swarm that also fails."""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fake_engine import (
    NO_LEADER,
    WORKER,
    FakeEngine,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Swarm(FakeEngine):
    """One manager, one worker, and a task on the worker."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        service = {
            "ID": "svc1",
            "Version": {"Index": 1},
            "Spec": {"Name": "web", "Mode": {"Global": {}}, "TaskTemplate": {}},
        }
        self.services["svc1"] = service
        self.state = "ready"
        for node in ("n1", "n2"):
            self._start(service, {}, 0)
            self.tasks[-1] |= {"ID": f"old-{node}", "NodeID": node}

    def _nodes(self, *_: Any) -> tuple[int, Any]:
        _status, (manager,) = super()._nodes()
        manager["ManagerStatus"] = {"Reachability": "reachable", "Leader": True}
        worker = copy.deepcopy(manager)
        worker |= {"ID": "n2", "Status": {"State": self.state}}
        worker["Spec"]["Role"] = "worker"
        worker["Description"]["Hostname"] = "w1"
        del worker["ManagerStatus"]
        return 200, [manager, worker]

    def come_back(self) -> None:
        """Start the task again, as Swarm does some time after the worker's daemon restarts."""
        with self._lock:
            old = next(task for task in self.tasks if task["ID"] == "old-n2")
            old["DesiredState"], old["Status"]["State"] = "shutdown", "failed"
            self._start(self.services["svc1"], {}, 0)
            self.tasks[-1] |= {"ID": "new-n2", "NodeID": "n2"}


@pytest.fixture
def swarm(tmp_path: Path) -> Iterator[Swarm]:
    with Swarm(tmp_path) as fake:
        yield fake


@pytest.fixture
def turn(call: Callable[..., Any], swarm: Swarm) -> Callable[..., Any]:
    def run(action: str, *, check: bool = False, **options: Any) -> Any:
        arguments = {
            "docker_host": swarm.host,
            "action": action,
            "wait_timeout": 1,
            "stability_window": 0.2,
            **options,
        }
        return call("node_maintenance", arguments, check=check)

    return run


def test_spare_returns_what_runs_on_the_nodes(turn: Callable[..., Any]) -> None:
    result = turn("spare", nodes=["n1", "n2"], check=True)
    assert not result.failed, result.msg
    assert [node["name"] for node in result["nodes"]] == ["w1", "m1"]
    assert result["nodes"][0]["services"] == ["web"]


def test_back_waits_for_a_new_task(turn: Callable[..., Any], swarm: Swarm) -> None:
    before = turn("spare", nodes=["n2"])["nodes"][0]
    stale = turn("back", before=before)
    assert stale.failed
    assert "web does not run on w1 yet" in stale.msg
    assert "docker node ps w1" in stale.msg

    later = threading.Timer(0.7, swarm.come_back)
    later.start()
    result = turn("back", before=before, wait_timeout=10)
    later.join()
    assert not result.failed, result.msg
    assert 0.5 < result["seconds"] < 8
    # A daemon that was not restarted still has its task.
    assert not turn("back", before=before, survivors=["old-n2"], wait_timeout=2).failed


def test_back_waits_while_there_is_no_leader(turn: Callable[..., Any], swarm: Swarm) -> None:
    before = turn("spare", nodes=["n2"])["nodes"][0]
    swarm.come_back()
    swarm.refusals = [("GET /nodes", 500, NO_LEADER)]
    assert not turn("back", before=before, wait_timeout=10).failed


def test_spare_fails_without_a_leader(turn: Callable[..., Any], swarm: Swarm) -> None:
    swarm.refuse_always = (500, NO_LEADER)
    result = turn("spare", nodes=["n2"])
    assert result.failed
    assert "No node may go away now" in result.msg
    assert "no leader" in result.msg
    assert "docker node ls" in result.msg


def test_a_worker_fails_at_once(turn: Callable[..., Any], swarm: Swarm) -> None:
    swarm.refuse_always = (503, WORKER)
    result = turn("spare", nodes=["n2"], wait_timeout=60)
    assert result.failed
    assert "only managers" in result.msg
    assert swarm.calls.count(("GET", "/nodes")) == 1


def test_spare_fails_while_another_node_is_down(turn: Callable[..., Any], swarm: Swarm) -> None:
    swarm.state = "down"
    result = turn("spare", nodes=["n1"])
    assert result.failed
    assert "w1 is down" in result.msg
    assert turn("spare", nodes=["n2"]).failed is False
