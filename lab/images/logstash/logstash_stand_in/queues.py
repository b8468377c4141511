# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue between inputs and workers, in memory or on disk.

On disk a queue is a row of append-only page files with one event a line, and a checkpoint that
says up to where events were acknowledged. What was written survives ``kill -9``; what was read but
not acknowledged is read again, so an event may arrive twice but does not get lost.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from .errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

_dumps = json.JSONEncoder(separators=(",", ":")).encode


class QueueClosedError(Exception):
    """The pipeline stops: nothing more is taken in."""


@dataclass
class Batch:
    events: list[dict[str, Any]]
    page: int = 0
    offset: int = 0
    done: bool = False


class Queue:
    """What inputs and workers see of either kind."""

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
        """Up to ``size`` events; waits ``delay`` for a batch to fill. None once it is over."""
        with self._lock:
            while True:
                if self.closed and not (keep_until_empty and self._unread()):
                    return None
                if self._unread():
                    break
                self._readable.wait()
            if self._unread() < size and not self.closed:
                end = time.monotonic() + delay
                left = delay
                while self._unread() < size and not self.closed and left > 0:
                    self._readable.wait(left)
                    left = end - time.monotonic()
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


@dataclass
class _Page:
    number: int
    size: int


class PersistedQueue(Queue):
    kind = "persisted"

    def __init__(
        self, directory: Path, page_capacity: int, max_bytes: int, max_events: int = 0
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
        self._in_flight: deque[Batch] = deque()
        self._outstanding = 0
        directory.mkdir(parents=True, exist_ok=True)
        self._open()

    # -- files

    def _path(self, number: int) -> Path:
        return self._directory / f"page.{number}"

    def _open(self) -> None:
        numbers = sorted(
            int(one.name[5:]) for one in self._directory.glob("page.*") if one.name[5:].isdigit()
        )
        page, offset = 0, 0
        checkpoint = self._directory / "checkpoint.json"
        if checkpoint.is_file():
            saved = json.loads(checkpoint.read_text())
            page, offset = saved["page"], saved["offset"]
        for number in [one for one in numbers if one < page]:
            self._path(number).unlink()
        numbers = [one for one in numbers if one >= page] or [page]
        if numbers[0] != page:
            page, offset = numbers[0], 0
        self._pages = [_Page(one, self._repair(one)) for one in numbers]
        self._read_page, self._read_offset = page, min(offset, self._pages[0].size)
        self._acked = (self._read_page, self._read_offset)
        self._unread_count = self._count()
        self._head = self._path(numbers[-1]).open("ab", buffering=0)
        self._reader = self._open_reader()

    def _repair(self, number: int) -> int:
        """Cut off a line that a killed process did not finish; give the size."""
        path = self._path(number)
        if not path.exists():
            path.touch(mode=0o600)
            return 0
        size = path.stat().st_size
        with open(path, "rb+") as file:
            end = size
            while end > 0:
                start = max(0, end - 65536)
                file.seek(start)
                block = file.read(end - start)
                newline = block.rfind(b"\n")
                if newline >= 0:
                    end = start + newline + 1
                    break
                end = start
            if end != size:
                file.truncate(end)
        return end

    def _count(self) -> int:
        total = 0
        for page in self._pages:
            with open(self._path(page.number), "rb") as file:
                if page.number == self._read_page:
                    file.seek(self._read_offset)
                while block := file.read(1 << 20):
                    total += block.count(b"\n")
        return total

    def _open_reader(self) -> BinaryIO:
        reader = self._path(self._read_page).open("rb")
        reader.seek(self._read_offset)
        return reader

    def _roll(self) -> None:
        self._head.close()
        number = self._pages[-1].number + 1
        self._pages.append(_Page(number, 0))
        self._head = self._path(number).open("ab", buffering=0)
        os.chmod(self._path(number), 0o600)

    def _write_checkpoint(self) -> None:
        target = self._directory / "checkpoint.json"
        scratch = target.with_suffix(".tmp")
        scratch.write_text(json.dumps({"page": self._acked[0], "offset": self._acked[1]}))
        os.replace(scratch, target)

    # -- use

    def _bytes(self) -> int:
        return sum(page.size for page in self._pages)

    def _full(self) -> bool:
        return self._bytes() >= self._max_bytes or (
            0 < self._max_events <= self._unread_count + self._outstanding
        )

    def put(self, events: list[dict[str, Any]]) -> None:
        lines = [_dumps(event).encode() + b"\n" for event in events]
        start = 0
        while start < len(lines):
            # Small blocks, so that the limit is not overshot by a whole network read.
            block = lines[start : start + 64]
            with self._lock:
                while self._full() and not self.closed:
                    self._writable.wait()
                if self.closed:
                    raise QueueClosedError
                if self._pages[-1].size >= self._page_capacity:
                    self._roll()
                data = b"".join(block)
                self._head.write(data)
                self._pages[-1].size += len(data)
                self._unread_count += len(block)
                self._readable.notify()
            start += len(block)

    def _unread(self) -> int:
        return self._unread_count

    def _take(self, size: int) -> Batch:
        lines: list[bytes] = []
        while len(lines) < size and self._unread_count:
            line = self._reader.readline()
            if not line:
                self._reader.close()
                self._read_page, self._read_offset = self._read_page + 1, 0
                self._reader = self._open_reader()
                continue
            self._read_offset += len(line)
            self._unread_count -= 1
            lines.append(line)
        batch = Batch([json.loads(line) for line in lines], self._read_page, self._read_offset)
        self._in_flight.append(batch)
        self._outstanding += len(lines)
        return batch

    def ack(self, batch: Batch) -> None:
        with self._lock:
            batch.done = True
            moved = False
            while self._in_flight and self._in_flight[0].done:
                first = self._in_flight.popleft()
                self._outstanding -= len(first.events)
                self._acked = (first.page, first.offset)
                moved = True
            if not moved:
                return
            if (
                not self._in_flight
                and not self._unread_count
                and (self._pages[-1].size >= self._page_capacity or self._full())
            ):
                self._roll()
                self._reader.close()
                self._read_page, self._read_offset = self._pages[-1].number, 0
                self._reader = self._open_reader()
                self._acked = (self._read_page, 0)
            self._write_checkpoint()
            while self._pages[0].number < self._acked[0]:
                self._path(self._pages.pop(0).number).unlink()
            self._writable.notify_all()

    def close(self) -> None:
        self.close_for_writing()
        with self._lock:
            os.fsync(self._head.fileno())
            self._write_checkpoint()
            self._head.close()
            self._reader.close()

    def stats(self) -> dict[str, Any]:
        with self._lock:
            size = self._bytes()
            count = self._unread_count + self._outstanding
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
