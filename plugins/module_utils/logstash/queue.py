# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Logstash on a host still holds: in its queue on the disk, and unread in its sockets.

The persisted queue is read as Logstash writes it. A page that is done has a checkpoint that tells
all about it. The page at the head is read itself, because its checkpoint is behind after a kill.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# -- the queue on the disk -----------------------------------------------------------------------

# Version, page, first page that counts, first event that is not acknowledged, first event of the
# page, number of its events. Big-endian, and a checksum over it.
_CHECKPOINT = struct.Struct(">hiiqqi")
# Number of an event and length of its data, which a checksum follows.
_ELEMENT = struct.Struct(">qi")
_CHECKSUM = struct.Struct(">I")
_CHECKPOINT_VERSION = 1
_PAGE_VERSION = b"\x02"
# Whatever runs in the container of Logstash writes these files, so nothing in them is believed. A
# page has 64 MiB unless queue.page_capacity says otherwise, and no queue has so many entries.
_LARGEST_PAGE = 1024 * safe_path.MIB
_MOST_ENTRIES = 100_000
_MOST_PIPELINES = 10
_PIPELINE = re.compile(r"[\w.-]{1,200}", re.ASCII)
_TAIL = re.compile(r"checkpoint\.([0-9]{1,10})")
_CHUNK = 1024**2


class QueueError(Exception):
    """The files are not as Logstash 9 writes them."""


@dataclass(frozen=True)
class Left:
    """Events in queues that no process has open; None where they cannot be counted."""

    events: int | None = 0
    bytes: int = 0
    pipelines: dict[str, int | None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "events": self.events,
            "bytes": self.bytes,
            "pipelines": self.pipelines,
            "problems": self.problems,
        }


@dataclass(frozen=True)
class _Checkpoint:
    page: int
    oldest: int
    unacked: int
    first: int
    count: int


def _read_checkpoint(folder: safe_path.Folder, name: str) -> _Checkpoint | None:
    path = folder.join(name)
    try:
        with folder.file(name) as file:
            # One more byte than it has: a longer one is none.
            data = file.read(_CHECKPOINT.size + _CHECKSUM.size + 1)
    except FileNotFoundError:
        return None
    body, checksum = data[: _CHECKPOINT.size], data[_CHECKPOINT.size :]
    if len(body) != _CHECKPOINT.size or checksum != _CHECKSUM.pack(zlib.crc32(body)):
        raise QueueError(f"{path} is damaged")
    version, page, oldest, unacked, first, count = _CHECKPOINT.unpack(body)
    if version != _CHECKPOINT_VERSION:
        raise QueueError(f"{path} has version {version}, known is {_CHECKPOINT_VERSION}")
    if min(page, oldest, unacked, first, count) < 0 or count > _LARGEST_PAGE // _ELEMENT.size:
        raise QueueError(f"{path} has numbers that cannot be")
    return _Checkpoint(page, oldest, unacked, first, count)


def _checksum(file: BinaryIO, length: int) -> bytes:
    """Of the data that follows, which need not fit into memory."""
    value = 0
    while length > 0 and (data := file.read(min(length, _CHUNK))):
        value = zlib.crc32(data, value)
        length -= len(data)
    return _CHECKSUM.pack(value)


def _skim(file: BinaryIO, path: str) -> tuple[int, int]:
    """First event of a page and the number of whole ones in a row."""
    size = safe_path.status_of(file).st_size
    if size > _LARGEST_PAGE:
        raise QueueError(f"{path} has {size} bytes, and only {_LARGEST_PAGE} are read")
    if file.read(len(_PAGE_VERSION)) != _PAGE_VERSION:
        raise QueueError(f"{path} is no page of version {_PAGE_VERSION[0]}")
    first, count, left = 0, 0, size - len(_PAGE_VERSION)
    while len(begin := file.read(_ELEMENT.size)) == _ELEMENT.size:
        number, length = _ELEMENT.unpack(begin)
        left -= _ELEMENT.size + length + _CHECKSUM.size
        # Also the end of a file that grows while it is read.
        if length <= 0 or number <= 0 or left < 0 or (count and number != first + count):
            break
        if _checksum(file, length) != file.read(_CHECKSUM.size):
            break
        first = first or number
        count += 1
    return first, count


def unread_events(directory: str) -> int:
    """Events of one pipeline's queue that were not acknowledged."""
    with safe_path.open_folder(directory) as folder:
        return _unread(folder)


def _unread(folder: safe_path.Folder) -> int:
    head = _read_checkpoint(folder, "checkpoint.head")
    names = folder.names(_MOST_ENTRIES)
    if head is None:
        if any(name.startswith("page.") for name in names):
            raise QueueError(f"{folder.path} has pages and no checkpoint.head")
        return 0
    total = 0
    for name in names:
        found = _TAIL.fullmatch(name)
        # A page and then its checkpoint are removed once all of it is acknowledged.
        if not found or not head.oldest <= int(found.group(1)) < head.page:
            continue
        tail = _read_checkpoint(folder, name)
        if tail is not None:
            total += min(tail.count, max(0, tail.first + tail.count - tail.unacked))
    page = f"page.{head.page}"
    try:
        with folder.file(page) as file:
            first, count = _skim(file, folder.join(page))
    except FileNotFoundError:
        return total
    return total + min(count, max(0, first + count - max(head.unacked, first)))


def _size_of_pages(folder: safe_path.Folder) -> int:
    size = 0
    for name in folder.names(_MOST_ENTRIES):
        if name.startswith("page."):
            status = folder.status(name)
            size += status.st_blocks * 512 if stat.S_ISREG(status.st_mode) else 0
    return size


def read_queues(directory: str) -> Left:
    """All queues below Logstash's directory ``queue``."""
    pipelines: dict[str, int | None] = {}
    problems: list[str] = []
    size = 0
    try:
        queues = safe_path.open_folder(directory)
    except FileNotFoundError:
        return Left()
    except OSError as error:
        return Left(None, problems=[str(error)])
    with queues:
        try:
            names = queues.names(_MOST_PIPELINES)
        except OSError as error:
            return Left(None, problems=[str(error)])
        for name in names:
            try:
                if name == "lost+found" or stat.S_ISREG(queues.status(name).st_mode):
                    continue
                if not _PIPELINE.fullmatch(name):
                    problems.append(f"{directory} has an entry {name!r:.220}, which is no pipeline")
                    continue
                with queues.enter(name) as folder:
                    pipelines[name] = _unread(folder)
                    if pipelines[name] != 0:
                        size += _size_of_pages(folder)
            except (OSError, QueueError) as error:
                problems.append(str(error))
                pipelines[name] = None
                size += _size_behind(queues, name)
    counted = [count for count in pipelines.values() if count is not None]
    return Left(None if problems else sum(counted), size, pipelines, problems)


def _size_behind(queues: safe_path.Folder, name: str) -> int:
    """Of pages that could not be counted."""
    try:
        with queues.enter(name) as folder:
            return _size_of_pages(folder)
    except (OSError, QueueError):
        return 0


def read_volume(volume: Mapping[str, Any] | None) -> Left:
    """All queues in a volume, which must be a directory of this host to be read."""
    if volume is None:
        return Left()
    if volume.get("Driver") == "local" and not volume.get("Options"):
        return read_queues(os.path.join(str(volume["Mountpoint"]), "queue"))
    what = f"volume {volume.get('Name')} of driver {volume.get('Driver')}"
    return Left(None, problems=[f"{what} is mounted only while Logstash runs"])


# -- sockets -------------------------------------------------------------------------------------

_ESTABLISHED, _CLOSE_WAIT, _LISTEN = "01", "08", "0A"


@dataclass(frozen=True)
class Sockets:
    """What the kernel knows of a port: who is connected, and what nobody has read."""

    listening: bool = False
    connections: int = 0
    unread: int = 0
    # With the kernel's own overhead, as it counts datagrams.
    unread_udp: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "listening": self.listening,
            "connections": self.connections,
            "unread_bytes": self.unread,
            "unread_udp_bytes": self.unread_udp,
        }


def _rows(text: str, port: int) -> Iterable[tuple[str, int]]:
    """State and unread bytes of the sockets at a local port."""
    for line in text.splitlines():
        words = line.split()
        # Each table has a line of titles.
        if len(words) > 4 and words[0] != "sl" and int(words[1].rsplit(":", 1)[1], 16) == port:
            yield words[3], int(words[4].split(":")[1], 16)


def sockets_at(port: int, tcp: str, udp: str = "") -> Sockets:
    """Judge the tables of ``/proc/net``; those for IPv6 may stand behind those for IPv4."""
    listening, connections, unread = False, 0, 0
    for state, waiting in _rows(tcp, port):
        if state == _LISTEN:
            # What stands here is a number of connections, which have rows of their own.
            listening = True
        elif state in (_ESTABLISHED, _CLOSE_WAIT):
            connections += 1
            unread += waiting
    return Sockets(listening, connections, unread, sum(n for _state, n in _rows(udp, port)))


@dataclass
class Closing:
    """Keeps what was open when an input closed, from looks that are taken again and again."""

    seen: Sockets = field(default_factory=Sockets)

    def look(self, now: Sockets) -> None:
        if now.listening:
            self.seen = now
        elif now.connections:
            # The port closes first. What its connections get until they close is lost as well.
            self.seen = Sockets(
                self.seen.listening,
                max(self.seen.connections, now.connections),
                max(self.seen.unread, now.unread),
                self.seen.unread_udp,
            )


# -- the queue of a running process --------------------------------------------------------------


@dataclass(frozen=True)
class Flow:
    """Events by what the monitoring API says, all pipelines together."""

    taken: int = 0
    sent: int = 0
    queued: int = 0

    @classmethod
    def of(cls, stats: Mapping[str, Any]) -> Flow:
        taken = sent = queued = 0
        for pipeline in (stats.get("pipelines") or {}).values():
            # A pipeline that did not start is null.
            events = (pipeline or {}).get("events") or {}
            taken += int(events.get("in") or 0)
            sent += int(events.get("out") or 0)
            queued += int(((pipeline or {}).get("queue") or {}).get("events_count") or 0)
        return cls(taken, sent, queued)

    def as_dict(self) -> dict[str, int]:
        return {"in": self.taken, "out": self.sent, "queued": self.queued}


def can_drain(before: Flow, now: Flow, seconds: float, grace: float) -> bool:
    """Whether a stop has time to empty the queue at the pace at which events leave it now.

    Half of the grace period is counted on, because the pace may change and other things take time.
    """
    if now.queued == 0:
        return True
    pace = (now.sent - before.sent) / max(seconds, 0.001)
    return now.queued <= pace * grace / 2


# -- words ---------------------------------------------------------------------------------------


def plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def held(left: Left) -> str:
    """What a queue on the disk holds, as the middle of a sentence."""
    if left.events is None:
        return "an unknown number of events (" + "; ".join(left.problems) + ")"
    return plural(left.events, "event")


# Of the program itself, and of Java after SIGTERM.
GRACEFUL = (0, 143)


def told(node: str, directory: str, closing: Sockets, exit_code: int | None, left: Left) -> str:
    """How a task left its host, in one paragraph."""
    if not closing.listening:
        text = (
            f"{node}: nobody has seen how Logstash closed its port, so what its connections lost "
            "is not known."
        )
    elif closing.connections:
        were, them = ("was", "it") if closing.connections == 1 else ("were", "them")
        text = (
            f"{node}: {plural(closing.connections, 'connection')} over TCP {were} open when "
            f"Logstash closed its port. {plural(closing.unread, 'byte')} lay unread in {them} and "
            "are lost. What the senders wrote after that, until they noticed, is lost too and "
            "cannot be counted here: syslog knows no acknowledgement."
        )
    else:
        text = f"{node}: no connection over TCP was open when Logstash closed its port."
    if closing.unread_udp:
        text += f" Datagrams of about {plural(closing.unread_udp, 'byte')} lay unread."
    if left.events == 0:
        return f"{text} Its queue is drained."
    text += f" Its queue in {directory} is NOT drained: it holds {held(left)}."
    if exit_code is not None and exit_code not in GRACEFUL:
        text += f" Logstash did not end by itself (exit code {exit_code})."
    return text
