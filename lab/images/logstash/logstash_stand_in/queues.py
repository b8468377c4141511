# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue between inputs and workers, in memory or on disk.

On disk a queue has the files of Logstash: pages of numbered events, and checkpoints with the number
of the first unacknowledged event. Written events survive ``kill -9``. A checkpoint is written when
a page is done and after a number of acknowledgements. Events after the last checkpoint are read
again: an event can arrive twice but is never lost. Only the events differ: JSON instead of CBOR.
"""

from __future__ import annotations

import json
import os
import struct
import threading
import time
import zlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from .errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

_dumps = json.JSONEncoder(separators=(",", ":")).encode


class QueueClosedError(Exception):
    """The pipeline stops: the queue accepts no more events."""


@dataclass
class Batch:
    events: list[dict[str, Any]]
    # Number of the event after the last one.
    end: int = 0
    done: bool = False


class Queue:
    """The interface of both kinds of queue for inputs and workers."""

    kind = ""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readable = threading.Condition(self._lock)
        self._writable = threading.Condition(self._lock)
        self.closed = False

    def put(self, events: list[dict[str, Any]]) -> None:
        raise NotImplementedError

    def ack(self, batch: Batch) -> None:
        raise NotImplementedError

    def _unread(self) -> int:
        raise NotImplementedError

    def _take(self, size: int) -> Batch:
        raise NotImplementedError

    def stats(self) -> dict[str, Any]:
        raise NotImplementedError

    def read(self, size: int, delay: float, keep_until_empty: bool) -> Batch | None:
        """Up to ``size`` events; wait ``delay`` seconds for a full batch. None after the end."""
        with self._lock:
            while True:
                if self.closed and not (keep_until_empty and self._unread()):
                    return None
                if self._unread():
                    break
                self._readable.wait()
            if self._unread() < size and not self.closed:
                end = time.monotonic() + delay
                remaining = delay
                while self._unread() < size and not self.closed and remaining > 0:
                    self._readable.wait(remaining)
                    remaining = end - time.monotonic()
            if not self._unread():
                return Batch([])
            if self.closed and not keep_until_empty:
                return None
            return self._take(size)

    def close_for_writing(self) -> None:
        with self._lock:
            self.closed = True
            self._readable.notify_all()
            self._writable.notify_all()

    def close(self) -> None:
        self.close_for_writing()


class MemoryQueue(Queue):
    kind = "memory"

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self._capacity = capacity
        self._events: deque[dict[str, Any]] = deque()

    def put(self, events: list[dict[str, Any]]) -> None:
        with self._lock:
            for event in events:
                while len(self._events) >= self._capacity and not self.closed:
                    self._readable.notify()
                    self._writable.wait()
                if self.closed:
                    raise QueueClosedError
                self._events.append(event)
            self._readable.notify()

    def _unread(self) -> int:
        return len(self._events)

    def _take(self, size: int) -> Batch:
        batch = Batch([self._events.popleft() for _ in range(min(size, len(self._events)))])
        self._writable.notify_all()
        return batch

    def ack(self, batch: Batch) -> None:
        batch.done = True

    def stats(self) -> dict[str, Any]:
        return {
            "type": "memory",
            "events_count": len(self._events),
            "queue_size_in_bytes": 0,
            "max_queue_size_in_bytes": 0,
        }


# The file format of Logstash; numbers are big-endian. A checkpoint holds the version, the page
# number, the first page with unacknowledged events, the first unacknowledged event, the first event
# of the page, the number of events, and a checksum. An element holds its number, the length of its
# data, the data and their checksum.
_CHECKPOINT = struct.Struct(">hiiqqi")
_ELEMENT = struct.Struct(">qi")
_CHECKSUM = struct.Struct(">I")
_CHECKPOINT_VERSION = 1
_PAGE_VERSION = b"\x02"


@dataclass
class _Page:
    """One page file: its events and its size."""

    number: int
    first: int = 0
    count: int = 0
    unacked: int = 0
    size: int = len(_PAGE_VERSION)
    # The first unacknowledged event according to the checkpoint on disk.
    checkpointed: int = 0

    @property
    def end(self) -> int:
        return self.first + self.count

    @property
    def done(self) -> bool:
        return self.count > 0 and self.unacked >= self.end


def _element(number: int, data: bytes) -> bytes:
    return _ELEMENT.pack(number, len(data)) + data + _CHECKSUM.pack(zlib.crc32(data))


class PersistedQueue(Queue):
    kind = "persisted"

    def __init__(
        self,
        directory: Path,
        page_capacity: int,
        max_bytes: int,
        max_events: int = 0,
        checkpoint_acks: int = 1024,
        checkpoint_writes: int = 1024,
    ) -> None:
        super().__init__()
        if max_bytes < page_capacity:
            raise ConfigurationError(
                f"Persistent queue max_bytes [{max_bytes}] must be at least "
                f"page_capacity [{page_capacity}]"
            )
        self._directory = directory
        self._page_capacity = page_capacity
        self._max_bytes = max_bytes
        self._max_events = max_events
        self._checkpoint_acks = checkpoint_acks
        self._checkpoint_writes = checkpoint_writes
        self._writes = 0
        self._in_flight: deque[Batch] = deque()
        self._outstanding = 0
        directory.mkdir(parents=True, exist_ok=True)
        self._open()

    # -- files

    def _path(self, number: int) -> Path:
        return self._directory / f"page.{number}"

    def _checkpoint_path(self, number: int | str) -> Path:
        return self._directory / f"checkpoint.{number}"

    def _read_checkpoint(self, name: int | str) -> tuple[int, _Page] | None:
        """The number of the first unacknowledged page, and the page of this checkpoint."""
        try:
            data = self._checkpoint_path(name).read_bytes()
        except FileNotFoundError:
            return None
        if len(data) != _CHECKPOINT.size + _CHECKSUM.size:
            raise ConfigurationError(f"Checkpoint {name} has {len(data)} bytes")
        body = data[: _CHECKPOINT.size]
        if _CHECKSUM.unpack(data[_CHECKPOINT.size :])[0] != zlib.crc32(body):
            raise ConfigurationError(f"Checkpoint checksum mismatch in checkpoint.{name}")
        version, number, oldest, unacked, first, count = _CHECKPOINT.unpack(body)
        if version != _CHECKPOINT_VERSION:
            raise ConfigurationError(f"Unknown file format version: {version}")
        return oldest, _Page(number, first, count, unacked, checkpointed=unacked)

    def _write_checkpoint(self, page: _Page, head: bool) -> None:
        """Write a page's checkpoint; the head's also names the first unacknowledged page."""
        body = _CHECKPOINT.pack(
            _CHECKPOINT_VERSION,
            page.number,
            self._pages[0].number if head else 0,
            page.unacked,
            page.first,
            page.count,
        )
        target = self._checkpoint_path("head" if head else page.number)
        scratch = target.with_name(target.name + ".tmp")
        with open(scratch, "wb") as file:
            file.write(body + _CHECKSUM.pack(zlib.crc32(body)))
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, target)
        page.checkpointed = page.unacked
        if head:
            self._writes = 0

    def _open(self) -> None:
        found = self._read_checkpoint("head")
        self._pages: list[_Page] = []
        if found is None:
            self._begin_page(0)
        else:
            oldest, head = found
            for number in range(oldest, head.number):
                tail = self._read_checkpoint(number)
                # A page is removed before its checkpoint; if one is missing, the page was done.
                if tail and self._path(number).exists() and not tail[1].done:
                    self._recover(tail[1])
                    self._pages.append(tail[1])
            self._pages.append(head)
            self._recover(head)
            for file in self._directory.glob("page.*"):
                if file.name[5:].isdigit() and int(file.name[5:]) < self._pages[0].number:
                    file.unlink()
            self._head = cast("BinaryIO", self._path(head.number).open("rb+", buffering=0))
            # As in Logstash, a page from before this start gets no more events.
            if head.count:
                self._roll()
        self._next = max((page.end for page in self._pages if page.count), default=1)
        self._unread_count = sum(page.end - page.unacked for page in self._pages if page.count)
        first = self._pages[0]
        self._reader = self._open_reader(first.number)
        self._reading = first
        self._read_next = first.first
        while first.count and self._read_next < first.unacked:
            self._read_element()

    def _recover(self, page: _Page) -> None:
        """Count the events in a page: a killed process wrote more than its checkpoint says."""
        first, count, size = 0, 0, len(_PAGE_VERSION)
        with open(self._path(page.number), "rb") as file:
            if file.read(len(_PAGE_VERSION)) != _PAGE_VERSION:
                raise ConfigurationError(f"{self._path(page.number)} is no page")
            while len(begin := file.read(_ELEMENT.size)) == _ELEMENT.size:
                number, length = _ELEMENT.unpack(begin)
                if length <= 0 or number <= 0 or (count and number != first + count):
                    break
                data, checksum = file.read(length), file.read(_CHECKSUM.size)
                if checksum != _CHECKSUM.pack(zlib.crc32(data)):
                    break
                first = first or number
                count += 1
                size = file.tell()
        page.first, page.count, page.size = first, count, size
        page.unacked = max(page.unacked, first)

    def _begin_page(self, number: int) -> None:
        """Create a new head page; its file has the full length from the beginning."""
        path = self._path(number)
        path.touch(mode=0o600)
        self._head = cast("BinaryIO", path.open("rb+", buffering=0))
        self._head.truncate(self._page_capacity)
        self._head.seek(0)
        self._head.write(_PAGE_VERSION)
        self._pages.append(_Page(number))
        self._write_checkpoint(self._pages[-1], head=True)

    def _roll(self) -> None:
        """Start a new head; write a checkpoint for the old one, or remove it if it is done."""
        head = self._pages[-1]
        self._head.close()
        if head.done:
            self._pages.pop()
        else:
            self._write_checkpoint(head, head=False)
        self._begin_page(head.number + 1)
        if head.done:
            self._path(head.number).unlink()

    def _open_reader(self, number: int) -> BinaryIO:
        # Unbuffered: a buffer would hold the empty rest of the page, which is still written to.
        reader = self._path(number).open("rb", buffering=0)
        reader.seek(len(_PAGE_VERSION))
        return cast("BinaryIO", reader)

    def _read_element(self) -> bytes:
        """Read the next event; the caller must know that there is one."""
        while self._read_next >= self._reading.end:
            following = next(
                page for page in self._pages if page.number > self._reading.number and page.count
            )
            self._reader.close()
            self._reading, self._read_next = following, following.first
            self._reader = self._open_reader(following.number)
        # A page that was empty before now has the number of its first event.
        self._read_next = max(self._read_next, self._reading.first)
        number, length = _ELEMENT.unpack(self._reader.read(_ELEMENT.size))
        if number != self._read_next:
            raise OSError(f"unmatched seqNum={self._read_next} to readSeqNum={number}")
        data = self._reader.read(length)
        self._reader.read(_CHECKSUM.size)
        self._read_next += 1
        return data

    # -- use

    def _bytes(self) -> int:
        return sum(page.size for page in self._pages)

    def _full(self) -> bool:
        return self._bytes() >= self._max_bytes or (
            0 < self._max_events <= self._unread_count + self._outstanding
        )

    def put(self, events: list[dict[str, Any]]) -> None:
        lines = [_dumps(event).encode() for event in events]
        start = 0
        while start < len(lines):
            # Small blocks, so that one network read cannot exceed the limit by much.
            block = lines[start : start + 64]
            with self._lock:
                while self._full() and not self.closed:
                    self._writable.wait()
                if self.closed:
                    raise QueueClosedError
                for data in block:
                    self._append(data)
                self._unread_count += len(block)
                self._readable.notify()
            start += len(block)

    def _append(self, data: bytes) -> None:
        element = _element(self._next, data)
        if len(_PAGE_VERSION) + len(element) > self._page_capacity:
            raise ValueError("data to be written is bigger than page capacity")
        if self._pages[-1].size + len(element) > self._page_capacity:
            self._roll()
        head = self._pages[-1]
        self._head.seek(head.size)
        self._head.write(element)
        if not head.count:
            head.first = head.unacked = head.checkpointed = self._next
        head.count += 1
        head.size += len(element)
        self._next += 1
        self._writes += 1
        if 0 < self._checkpoint_writes <= self._writes:
            self._write_checkpoint(head, head=True)

    def _unread(self) -> int:
        return self._unread_count

    def _take(self, size: int) -> Batch:
        data: list[bytes] = []
        while len(data) < size and self._unread_count:
            data.append(self._read_element())
            self._unread_count -= 1
        batch = Batch([json.loads(one) for one in data], self._read_next)
        self._in_flight.append(batch)
        self._outstanding += len(data)
        return batch

    def ack(self, batch: Batch) -> None:
        with self._lock:
            batch.done = True
            end = 0
            while self._in_flight and self._in_flight[0].done:
                first = self._in_flight.popleft()
                self._outstanding -= len(first.events)
                end = first.end
            if not end:
                return
            for page in list(self._pages):
                self._ack_page(page, end)
            if not self._in_flight and not self._unread_count and self._full():
                self._roll()
            self._writable.notify_all()

    def _ack_page(self, page: _Page, end: int) -> None:
        reached = min(end, page.end)
        if not page.count or reached <= page.unacked:
            return
        page.unacked = reached
        if page.done and page is not self._pages[-1]:
            self._pages.remove(page)
            self._path(page.number).unlink()
            self._checkpoint_path(page.number).unlink(missing_ok=True)
            self._write_checkpoint(self._pages[-1], head=True)
        elif page.done or 0 < self._checkpoint_acks <= page.unacked - page.checkpointed:
            self._write_checkpoint(page, head=page is self._pages[-1])

    def close(self) -> None:
        self.close_for_writing()
        with self._lock:
            os.fsync(self._head.fileno())
            for page in self._pages:
                self._write_checkpoint(page, head=page is self._pages[-1])
            self._head.close()
            self._reader.close()

    def stats(self) -> dict[str, Any]:
        with self._lock:
            size = self._bytes()
            # As in Logstash, without the events that the workers have read.
            count = self._unread_count
        disk = os.statvfs(self._directory)
        return {
            "type": "persisted",
            "events_count": count,
            "queue_size_in_bytes": size,
            "max_queue_size_in_bytes": self._max_bytes,
            "capacity": {
                "queue_size_in_bytes": size,
                "max_queue_size_in_bytes": self._max_bytes,
                "page_capacity_in_bytes": self._page_capacity,
                "max_unread_events": self._max_events,
            },
            "data": {
                "path": str(self._directory),
                "free_space_in_bytes": disk.f_bavail * disk.f_frsize,
                "storage_type": "unknown",
            },
        }
