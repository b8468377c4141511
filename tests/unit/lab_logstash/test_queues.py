# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queues: order, acknowledgement, limits, and what a killed process leaves behind."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from logstash_stand_in.errors import ConfigurationError
from logstash_stand_in.queues import Batch, MemoryQueue, PersistedQueue, Queue, QueueClosedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def events(first: int, last: int) -> list[dict[str, Any]]:
    return [{"n": number, "message": "x" * 20 + "\n"} for number in range(first, last)]


def read(queue: Queue, size: int) -> Batch:
    batch = queue.read(size, 0, True)
    assert batch is not None
    return batch


def numbers(batch: Batch) -> list[int]:
    return [one["n"] for one in batch.events]


def drain(queue: Queue, size: int = 7) -> list[int]:
    queue.close_for_writing()
    found: list[int] = []
    while (batch := queue.read(size, 0, True)) is not None:
        found += numbers(batch)
        queue.ack(batch)
    return found


class OnDisk(Protocol):
    def __call__(self, page: int = 256, limit: int = 1 << 20) -> PersistedQueue: ...


@pytest.fixture
def on_disk(tmp_path: Path) -> Iterator[OnDisk]:
    """Opens the queue of this test; again, it is what another process would find."""
    opened: list[PersistedQueue] = []

    def open_queue(page: int = 256, limit: int = 1 << 20) -> PersistedQueue:
        opened.append(PersistedQueue(tmp_path, page, limit))
        return opened[-1]

    yield open_queue
    for one in opened:
        one._head.close()
        one._reader.close()


@pytest.fixture(params=["memory", "persisted"])
def queue(request: pytest.FixtureRequest, on_disk: OnDisk) -> Queue:
    return MemoryQueue(1000) if request.param == "memory" else on_disk()


def test_events_come_out_in_order(queue: Queue) -> None:
    queue.put(events(0, 50))
    queue.put(events(50, 60))
    assert queue.stats()["events_count"] == 60
    assert drain(queue) == list(range(60))


def test_a_batch_waits_until_it_is_full(queue: Queue) -> None:
    queue.put(events(0, 1))
    timer = threading.Timer(0.02, queue.put, [events(1, 2)])
    timer.start()
    batch = queue.read(2, 5, False)
    assert batch is not None
    assert numbers(batch) == [0, 1]


def test_a_closed_queue_takes_nothing_more(queue: Queue) -> None:
    queue.close_for_writing()
    with pytest.raises(QueueClosedError):
        queue.put(events(0, 1))


def test_without_draining_a_closed_queue_gives_nothing_more(on_disk: OnDisk) -> None:
    queue = on_disk()
    queue.put(events(0, 5))
    queue.close_for_writing()
    assert queue.read(5, 0, False) is None
    queue.close()
    assert drain(on_disk()) == list(range(5))


def test_what_was_not_acknowledged_comes_again(on_disk: OnDisk) -> None:
    queue = on_disk()
    queue.put(events(0, 40))
    first, second, third = (read(queue, 10) for _ in range(3))
    queue.ack(third)
    queue.ack(first)
    # Never closed: this is what kill -9 leaves.
    again = on_disk()
    assert again.stats()["events_count"] == 30
    assert drain(again) == list(range(10, 40))
    assert numbers(second) == list(range(10, 20))


def test_a_half_written_line_is_dropped(on_disk: OnDisk, tmp_path: Path) -> None:
    queue = on_disk(1 << 20)
    queue.put(events(0, 3))
    with (tmp_path / "page.0").open("ab") as page:
        page.write(b'{"n": 99, "mess')
    again = on_disk(1 << 20)
    again.put(events(3, 4))
    assert drain(again) == [0, 1, 2, 3]


def test_acknowledged_pages_are_removed(on_disk: OnDisk, tmp_path: Path) -> None:
    queue = on_disk()
    for number in range(100):
        queue.put(events(number, number + 1))
    assert len(list(tmp_path.glob("page.*"))) > 5
    drain(queue)
    assert len(list(tmp_path.glob("page.*"))) <= 2


def test_a_full_queue_holds_its_writers_up(on_disk: OnDisk) -> None:
    queue = on_disk(512, 2048)

    def write() -> None:
        for number in range(200):
            queue.put(events(number, number + 1))

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    writer.join(0.1)
    assert writer.is_alive()
    stats = queue.stats()
    assert stats["queue_size_in_bytes"] >= stats["max_queue_size_in_bytes"]
    found: list[int] = []
    while len(found) < 200:
        batch = read(queue, 25)
        found += numbers(batch)
        queue.ack(batch)
    writer.join(1)
    assert not writer.is_alive()
    assert found == list(range(200))


def test_a_queue_smaller_than_a_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        PersistedQueue(tmp_path, 1024, 512)
