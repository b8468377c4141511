# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queues: order, acknowledgement, limits, and recovery after a kill."""

from __future__ import annotations

import threading
import time
import zlib
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
    def __call__(self, page: int = 256, limit: int = 1 << 20, acks: int = 1) -> PersistedQueue: ...


@pytest.fixture
def on_disk(tmp_path: Path) -> Iterator[OnDisk]:
    """Opens the queue of this test; a second call opens it like another process."""
    opened: list[PersistedQueue] = []

    def open_queue(page: int = 256, limit: int = 1 << 20, acks: int = 1) -> PersistedQueue:
        opened.append(PersistedQueue(tmp_path, page, limit, checkpoint_acks=acks))
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


def test_a_closed_queue_accepts_no_events(queue: Queue) -> None:
    queue.close_for_writing()
    with pytest.raises(QueueClosedError):
        queue.put(events(0, 1))


def test_without_draining_a_closed_queue_returns_no_events(on_disk: OnDisk) -> None:
    queue = on_disk()
    queue.put(events(0, 5))
    queue.close_for_writing()
    assert queue.read(5, 0, False) is None
    queue.close()
    assert drain(on_disk()) == list(range(5))


def test_unacknowledged_events_are_read_again(on_disk: OnDisk) -> None:
    queue = on_disk()
    queue.put(events(0, 40))
    first, second, third = (read(queue, 10) for _ in range(3))
    queue.ack(third)
    queue.ack(first)
    # The first queue is not closed, as after kill -9.
    again = on_disk()
    assert again.stats()["events_count"] == 30
    assert drain(again) == list(range(10, 40))
    assert numbers(second) == list(range(10, 20))


def test_a_kill_loses_acknowledgements_after_the_last_checkpoint(on_disk: OnDisk) -> None:
    queue = on_disk(1 << 20, acks=20)
    queue.put(events(0, 40))
    for _ in range(3):
        queue.ack(read(queue, 10))
    assert drain(on_disk(1 << 20)) == list(range(20, 40))


def test_an_empty_queue_has_a_checkpoint(on_disk: OnDisk) -> None:
    queue = on_disk(1 << 20, acks=1024)
    queue.put(events(0, 40))
    queue.ack(read(queue, 40))
    assert on_disk(1 << 20).stats()["events_count"] == 0


@pytest.mark.parametrize("place", ["number", "data"])
def test_a_half_written_event_is_dropped(on_disk: OnDisk, tmp_path: Path, place: str) -> None:
    queue = on_disk(1 << 20)
    queue.put(events(0, 4))
    with (tmp_path / "page.0").open("rb+") as page:
        content = page.read()
        last = content.index(b'{"n":3')
        # Either nothing of the event, or not all of its data, has reached the file.
        page.seek(last - 12 if place == "number" else last + 3)
        page.write(bytes(12))
    again = on_disk(1 << 20)
    again.put(events(4, 5))
    assert drain(again) == [0, 1, 2, 4]


def test_the_files_have_the_format_of_logstash(on_disk: OnDisk, tmp_path: Path) -> None:
    """Layout of FileCheckpointIO and MmapPageIOV2 in Logstash 9.2, byte for byte."""
    queue = on_disk(4096)
    queue.put([{"n": 1}])
    queue.put([{"n": 2}])
    queue.ack(read(queue, 1))
    page = (tmp_path / "page.0").read_bytes()
    assert len(page) == 4096
    assert page[:1] == b"\x02"
    first = b'{"n":1}'
    assert page[1:24] == bytes(7) + b"\x01" + bytes(3) + b"\x07" + first + crc(first)
    body = b"\x00\x01" + bytes(4) + bytes(4) + number(2, 8) + number(1, 8) + number(2, 4)
    assert (tmp_path / "checkpoint.head").read_bytes() == body + crc(body)


def crc(data: bytes) -> bytes:
    return number(zlib.crc32(data), 4)


def number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big")


def test_a_start_begins_a_new_page(on_disk: OnDisk, tmp_path: Path) -> None:
    on_disk(4096).put(events(0, 3))
    again = on_disk(4096)
    again.put(events(3, 4))
    assert {one.name for one in tmp_path.iterdir()} == {
        "page.0",
        "checkpoint.0",
        "page.1",
        "checkpoint.head",
    }
    assert drain(again) == [0, 1, 2, 3]


def test_acknowledged_pages_are_removed(on_disk: OnDisk, tmp_path: Path) -> None:
    queue = on_disk()
    for number in range(100):
        queue.put(events(number, number + 1))
    assert len(list(tmp_path.glob("page.*"))) > 5
    drain(queue)
    assert len(list(tmp_path.glob("page.*"))) <= 2


def test_a_full_queue_blocks_its_writers(on_disk: OnDisk) -> None:
    queue = on_disk(512, 2048)

    def write() -> None:
        for number in range(200):
            queue.put(events(number, number + 1))

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    deadline = time.monotonic() + 30
    while (stats := queue.stats())["queue_size_in_bytes"] < stats["max_queue_size_in_bytes"]:
        assert time.monotonic() < deadline, stats
        time.sleep(0.01)
    writer.join(0.1)
    assert writer.is_alive()
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
