# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""elk.swarm.logstash_queue against an Engine whose container is this very process."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from repo import ROOT
from tests.contract.fake_engine import FakeEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STAND_IN = ROOT / "lab" / "images" / "logstash"
if str(STAND_IN) not in sys.path:
    sys.path.insert(0, str(STAND_IN))

from logstash_stand_in.queues import PersistedQueue  # noqa: E402


class Queues(FakeEngine):
    """An Engine with or without the volume ls-m1."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.volume: dict[str, Any] = {}

    def _volumes(self, _method: str, rest: list[str], *_: Any) -> tuple[int, Any]:
        if rest == [self.volume.get("Name")]:
            return 200, self.volume
        return 404, {"message": f"get {rest[0]}: no such volume"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Queues]:
    with Queues(tmp_path) as fake:
        yield fake


@pytest.fixture
def port() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def look(
    call: Callable[..., Any], engine: FakeEngine, tmp_path: Path, port: socket.socket
) -> Callable[..., Any]:
    number = port.getsockname()[1]

    def run(*, check: bool = False, server: Any = None, **options: Any) -> Any:
        arguments = {
            "service": "logshipper",
            "path": str(tmp_path),
            "port": number,
            "docker_host": engine.host,
            "wait_timeout": 5,
            **options,
        }
        if "volume" in options:
            del arguments["path"]
        extra = {"server": server} if server else {}
        return call("logstash_queue", arguments, check=check, **extra)

    return run


def stats(
    received: int, sent: int, unread: int, filtered: int | None = None, **more: Any
) -> dict[str, Any]:
    """An answer of the API; without ``filtered`` the workers hold nothing."""
    first = sent if filtered is None else filtered
    return {
        "pipelines": {
            "syslog": {
                "events": {"in": received, "out": sent},
                "queue": {"type": "persisted", "events_count": unread},
                "plugins": {"filters": [{"events": {"in": first}}], "outputs": [more]},
            }
        }
    }


def write_queue(tmp_path: Path, count: int, acknowledged: int) -> None:
    queue = PersistedQueue(tmp_path / "queue" / "syslog", 65536, 1 << 20)
    queue.put([{"n": number} for number in range(count)])
    if acknowledged:
        batch = queue.read(acknowledged, 0, True)
        assert batch is not None
        queue.ack(batch)
    queue.close()


def test_a_running_task_with_its_unread_bytes(
    look: Callable[..., Any], engine: FakeEngine, port: socket.socket
) -> None:
    engine.containers = {"c1": os.getpid()}
    # Of 30 events 20 were sent, the workers hold 6, and 4 wait.
    engine.exec_answers = [stats(30, 20, 4, 26)]
    with socket.create_connection(port.getsockname()) as sender:
        sender.sendall(b"x" * 123)
        result = look()
    assert not result.failed, result.output
    assert not result.changed
    assert result["containers"] == ["c1"]
    assert result["sockets"] == {
        "listening": True,
        "connections": 1,
        "unread_bytes": 123,
        "unread_udp_bytes": 0,
    }
    counts = {"in": 30, "out": 20, "queued": 10}
    assert {name: result["events"][name] for name in counts} == counts
    assert result["left"] == {}


def test_the_disk_is_read_if_no_task_runs(look: Callable[..., Any], tmp_path: Path) -> None:
    write_queue(tmp_path, 20, 8)
    result = look()
    assert result["containers"] == []
    assert result["left"]["events"] == 12


def test_a_plain_volume_is_read_like_a_directory(
    look: Callable[..., Any], engine: Queues, tmp_path: Path
) -> None:
    write_queue(tmp_path, 20, 8)
    engine.volume = {
        "Name": "ls-m1",
        "Driver": "local",
        "Options": None,
        "Mountpoint": str(tmp_path),
    }
    result = look(volume="ls-m1")
    assert not result.failed, result.output
    assert result["left"]["events"] == 12
    # Before the first run the volume does not exist.
    assert look(volume="ls-m2")["left"]["events"] == 0


@pytest.mark.parametrize("other", [{"Driver": "disk:latest"}, {"Options": {"type": "nfs"}}])
def test_the_queue_of_a_volume_that_is_not_mounted_is_unknown(
    look: Callable[..., Any], engine: Queues, tmp_path: Path, other: dict[str, Any]
) -> None:
    engine.volume = {"Name": "ls-m1", "Driver": "local", "Mountpoint": str(tmp_path), **other}
    result = look(volume="ls-m1")
    assert not result.failed, result.output
    assert result["left"]["events"] is None
    assert "is mounted only while Logstash runs" in result["left"]["problems"][0]
    stopped = look(volume="ls-m1", wait_for="stopped")
    assert stopped["stop"]["drained"] is False
    assert "volume ls-m1 is NOT drained: it holds an unknown number" in stopped["told"]


def test_the_disk_is_read_on_a_host_without_docker(
    look: Callable[..., Any], tmp_path: Path
) -> None:
    write_queue(tmp_path, 3, 0)
    result = look(docker_host=f"unix://{tmp_path}/none.sock")
    assert not result.failed, result.output
    assert result["left"]["events"] == 3


def test_a_stop_is_watched_until_its_end(
    look: Callable[..., Any], engine: FakeEngine, tmp_path: Path, port: socket.socket
) -> None:
    write_queue(tmp_path, 5, 5)
    engine.containers = {"c1": os.getpid()}
    sender = socket.create_connection(port.getsockname())
    accepted, _peer = port.accept()
    sender.sendall(b"y" * 77)

    def end() -> None:
        # At its second request the module has already read the sockets.
        while sum(path.endswith("/c1/json") for _method, path in engine.calls) < 2:
            time.sleep(0.05)
        # Like a server that stops: first the port closes, a moment later the accepted connections.
        # The kernel's table is read in pieces. If both closed during one read, it would show the
        # port still open and the connection already gone.
        port.close()
        time.sleep(0.2)
        accepted.close()
        time.sleep(0.3)
        engine.ended["c1"] = engine.containers.pop("c1") and 0

    thread = threading.Thread(target=end)
    thread.start()
    result = look(wait_for="stopped")
    thread.join()
    sender.close()
    assert not result.failed, result.output
    assert result["stop"]["exit_code"] == 0
    assert result["stop"]["drained"]
    assert result["stop"]["sockets"]["connections"] == 1
    assert result["stop"]["sockets"]["unread_bytes"] == 77
    assert "77 bytes lay unread in it and are lost" in result["told"]
    assert "Its queue is drained" in result["told"]


def test_wait_until_a_watch_has_read_the_sockets(
    look: Callable[..., Any], engine: FakeEngine, another_server: Any
) -> None:
    """A watch in the background may start late; the container must not stop before it."""
    engine.containers = {"c1": os.getpid()}
    order: list[str] = []

    def watch() -> None:
        time.sleep(1)
        order.append("watch")
        watch = {"wait_for": "stopped", "watch": "m1-1"}
        results.append(look(server=another_server, wait_timeout=30, **watch))

    results: list[Any] = []
    thread = threading.Thread(target=watch)
    thread.start()
    waited = look(wait_for="watched", watch="m1-1", wait_timeout=30)
    order.append("label")
    engine.ended["c1"] = engine.containers.pop("c1") and 0
    thread.join()
    assert not waited.failed, waited.output
    assert order == ["watch", "label"]
    assert results[0]["stop"]["sockets"]["listening"]


def test_a_watch_that_never_starts_is_an_error_before_the_stop(
    look: Callable[..., Any], engine: FakeEngine
) -> None:
    engine.containers = {"c1": os.getpid()}
    result = look(wait_for="watched", watch="m1-2", wait_timeout=0)
    assert result.failed
    assert "The watch m1-2 of logshipper on" in result.msg
    assert "Nothing was stopped" in result.msg
    unnamed = look(wait_for="watched")
    assert unnamed.failed
    assert "watch" in unnamed.msg


@pytest.mark.parametrize("removed", [True, False])
def test_a_stopped_container_needs_no_watch(
    look: Callable[..., Any], engine: FakeEngine, removed: bool
) -> None:
    """A killed run has stopped the container before the next run can watch it."""
    if not removed:
        engine.ended = {"c1": 0}
    result = look(wait_for="watched", watch="m1-3", container="c1", wait_timeout=20)
    assert not result.failed, result.output
    assert not result.changed


def test_the_events_of_a_killed_task_are_reported(
    look: Callable[..., Any], engine: FakeEngine, tmp_path: Path
) -> None:
    write_queue(tmp_path, 5, 2)
    engine.ended = {"c1": 137}
    result = look(wait_for="stopped", container="c1")
    assert not result.failed, result.output
    assert not result["stop"]["drained"]
    assert "it was not observed how Logstash closed its port" in result["told"]
    assert "holds 3 events" in result["told"]
    assert "exit code 137" in result["told"]


def test_a_task_that_does_not_stop_is_an_error_with_the_next_command(
    look: Callable[..., Any], engine: FakeEngine
) -> None:
    engine.containers = {"c1": os.getpid()}
    result = look(wait_for="stopped", wait_timeout=0)
    assert result.failed
    assert "has not stopped within 0 s" in result.msg
    assert "docker ps --filter" in result.msg


def test_wait_until_the_queue_is_short(look: Callable[..., Any], engine: FakeEngine) -> None:
    engine.containers = {"c1": os.getpid()}
    # Too long at first, then short enough for the current rate.
    short = stats(9000, 8000, 1000)
    engine.exec_answers = [stats(9000, 0, 9000), *[stats(9000, 100, 8900)] * 7, short]
    result = look(wait_for="short_queue", grace=20, wait_timeout=120)
    assert not result.failed, result.output
    assert engine.exec_answers == [short], "the last answer is repeated"


def test_an_empty_queue_is_believed_after_two_looks(
    look: Callable[..., Any], engine: FakeEngine
) -> None:
    engine.containers = {"c1": os.getpid()}
    engine.exec_answers = [stats(50, 50, 0)]
    start = time.monotonic()
    # A short timeout does not make one look enough, nor a failure of a queue that is empty.
    result = look(wait_for="short_queue", wait_timeout=1)
    assert not result.failed, result.output
    assert time.monotonic() - start >= 6


def test_looks_at_two_tasks_are_not_compared(look: Callable[..., Any], engine: FakeEngine) -> None:
    engine.containers = {"c1": os.getpid()}
    # The second task has not counted the queue yet.
    engine.exec_answers = [stats(0, 0, 0)]
    timer = threading.Timer(3, lambda: setattr(engine, "containers", {"c2": os.getpid()}))
    timer.start()
    start = time.monotonic()
    assert not look(wait_for="short_queue", wait_timeout=1).failed
    assert time.monotonic() - start >= 9


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([stats(50, 10, 40)], "holds 40 events (Elasticsearch does not take them)"),
        # What the real Logstash answers while documents are refused: the workers hold all of them.
        (
            [stats(120, 0, 0, 120, documents={"retryable_failures": 240})],
            "holds 120 events (Elasticsearch refuses the documents",
        ),
        # The events that have just arrived are missing in the count of the queue.
        # A slow machine looks only a few times, so the second look sees them.
        ([stats(120, 0, 0, 120), stats(420, 0, 0, 245)], "holds 245 events"),
    ],
)
def test_a_queue_that_does_not_empty_is_an_error(
    look: Callable[..., Any],
    engine: FakeEngine,
    answers: list[dict[str, Any]],
    expected: str,
) -> None:
    engine.containers = {"c1": os.getpid()}
    engine.exec_answers = list(answers)
    result = look(wait_for="short_queue", wait_timeout=1)
    assert result.failed
    assert expected in result.msg
    assert "docker logs --tail 50 c1" in result.msg


@pytest.mark.parametrize(
    "answer",
    [
        "curl: (7) Failed to connect",
        # The API answers before the pipeline starts.
        {"pipelines": {}},
        {"pipelines": {"syslog": None}},
        "[" * 100_000,
    ],
    ids=["refused", "no pipeline", "not started", "nested"],
)
def test_a_task_that_does_not_report_its_queue_is_an_error(
    look: Callable[..., Any], engine: FakeEngine, answer: Any
) -> None:
    engine.containers = {"c1": os.getpid()}
    engine.exec_answers = [answer]
    result = look(wait_for="short_queue", wait_timeout=1)
    assert result.failed
    assert "does not report its length" in result.msg


def test_without_a_task_no_queue_must_be_short(look: Callable[..., Any]) -> None:
    assert not look(wait_for="short_queue", wait_timeout=0).failed


def test_wait_until_the_port_listens(
    look: Callable[..., Any], engine: FakeEngine, port: socket.socket
) -> None:
    engine.containers = {"c1": os.getpid()}
    assert not look(wait_for="listening", wait_timeout=0).failed
    port.close()
    result = look(wait_for="listening", wait_timeout=0)
    assert result.failed
    assert "does not listen" in result.msg
    engine.containers = {}
    assert "no container of it runs" in look(wait_for="listening", wait_timeout=0).msg


def test_wait_until_the_senders_have_disconnected(
    look: Callable[..., Any], engine: FakeEngine, port: socket.socket
) -> None:
    engine.containers = {"c1": os.getpid()}
    with socket.create_connection(port.getsockname()):
        start = time.monotonic()
        result = look(wait_for="unused", wait_timeout=1)
        assert time.monotonic() - start >= 1
    assert not result.failed, "connections that are still open after the timeout are not an error"
    assert result["sockets"]["connections"] == 1


def test_check_mode_does_not_wait(look: Callable[..., Any], engine: FakeEngine) -> None:
    engine.containers = {"c1": os.getpid()}
    result = look(check=True, wait_for="stopped", wait_timeout=60)
    assert not result.failed, result.output
    assert "stop" not in result.data
