# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Logstash still holds on a host: events in its persistent queue, unread bytes in its sockets.

The checkpoint of a full page is enough to count its events. The head page itself must be read,
because after a kill its checkpoint is older than the page.
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

# Version, page, oldest page with unacknowledged events, first unacknowledged event, first event of
# the page, number of its events. Big-endian; a checksum follows.
_CHECKPOINT = struct.Struct(">hiiqqi")
# Number of an event and length of its data. The data and a checksum follow.
_ELEMENT = struct.Struct(">qi")
_CHECKSUM = struct.Struct(">I")
_CHECKPOINT_VERSION = 1
_PAGE_VERSION = b"\x02"
# Any process in the container of Logstash can write these files, so nothing in them is trusted. A
# page has 64 MiB unless queue.page_capacity is set, and no queue has this many entries.
_LARGEST_PAGE = 1024 * safe_path.MIB
_MOST_ENTRIES = 100_000
_MOST_PIPELINES = 10
_PIPELINE = re.compile(r"[\w.-]{1,200}", re.ASCII)
_TAIL = re.compile(r"checkpoint\.([0-9]{1,10})")
_CHUNK = 1024**2


class QueueError(Exception):
    """The files do not have the format of Logstash 9."""


@dataclass(frozen=True)
class QueueContents:
    """Events in queues that no process has open; None if they cannot be counted."""

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
            # One byte more than a checkpoint has, to notice a file that is too long.
            data = file.read(_CHECKPOINT.size + _CHECKSUM.size + 1)
    except FileNotFoundError:
        return None
    body, checksum = data[: _CHECKPOINT.size], data[_CHECKPOINT.size :]
    if len(body) != _CHECKPOINT.size or checksum != _CHECKSUM.pack(zlib.crc32(body)):
        raise QueueError(f"{path} is damaged")
    version, page, oldest, unacked, first, count = _CHECKPOINT.unpack(body)
    if version != _CHECKPOINT_VERSION:
        raise QueueError(f"{path} has version {version}, not {_CHECKPOINT_VERSION}")
    if min(page, oldest, unacked, first, count) < 0 or count > _LARGEST_PAGE // _ELEMENT.size:
        raise QueueError(f"{path} has impossible numbers")
    return _Checkpoint(page, oldest, unacked, first, count)


def _checksum(file: BinaryIO, length: int) -> bytes:
    """The checksum of the data that follows, which may be larger than the memory."""
    value = 0
    while length > 0 and (data := file.read(min(length, _CHUNK))):
        value = zlib.crc32(data, value)
        length -= len(data)
    return _CHECKSUM.pack(value)


def _skim(file: BinaryIO, path: str) -> tuple[int, int]:
    """The first event of a page, and the number of complete events that follow in a row."""
    size = safe_path.status_of(file).st_size
    if size > _LARGEST_PAGE:
        raise QueueError(f"{path} has {size} bytes; the limit is {_LARGEST_PAGE}")
    if file.read(len(_PAGE_VERSION)) != _PAGE_VERSION:
        raise QueueError(f"{path} is not a page of version {_PAGE_VERSION[0]}")
    first, count, remaining = 0, 0, size - len(_PAGE_VERSION)
    while len(head := file.read(_ELEMENT.size)) == _ELEMENT.size:
        number, length = _ELEMENT.unpack(head)
        remaining -= _ELEMENT.size + length + _CHECKSUM.size
        # This also ends the loop if the file grows while it is read.
        if length <= 0 or number <= 0 or remaining < 0 or (count and number != first + count):
            break
        if _checksum(file, length) != file.read(_CHECKSUM.size):
            break
        first = first or number
        count += 1
    return first, count


def unread_events(directory: str) -> int:
    """The number of unacknowledged events in the queue of one pipeline."""
    with safe_path.open_folder(directory) as folder:
        return _unread(folder)


def _unread(folder: safe_path.Folder) -> int:
    head = _read_checkpoint(folder, "checkpoint.head")
    names = folder.names(_MOST_ENTRIES)
    if head is None:
        if any(name.startswith("page.") for name in names):
            raise QueueError(f"{folder.path} has pages but no checkpoint.head")
        return 0
    total = 0
    for name in names:
        found = _TAIL.fullmatch(name)
        # Logstash removes a page, and then its checkpoint, when all its events are acknowledged.
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


def read_queues(directory: str) -> QueueContents:
    """Read all queues below Logstash's directory ``queue``."""
    pipelines: dict[str, int | None] = {}
    problems: list[str] = []
    size = 0
    try:
        queues = safe_path.open_folder(directory)
    except FileNotFoundError:
        return QueueContents()
    except OSError as error:
        return QueueContents(None, problems=[str(error)])
    with queues:
        try:
            names = queues.names(_MOST_PIPELINES)
        except OSError as error:
            return QueueContents(None, problems=[str(error)])
        for name in names:
            try:
                if name == "lost+found" or stat.S_ISREG(queues.status(name).st_mode):
                    continue
                if not _PIPELINE.fullmatch(name):
                    problems.append(f"{directory} has an entry {name!r:.220}: not a pipeline")
                    continue
                with queues.enter(name) as folder:
                    pipelines[name] = _unread(folder)
                    if pipelines[name] != 0:
                        size += _size_of_pages(folder)
            except (OSError, QueueError) as error:
                problems.append(str(error))
                pipelines[name] = None
                size += _size_of_uncounted(queues, name)
    counted = [count for count in pipelines.values() if count is not None]
    return QueueContents(None if problems else sum(counted), size, pipelines, problems)


def _size_of_uncounted(queues: safe_path.Folder, name: str) -> int:
    """The bytes of pages whose events could not be counted."""
    try:
        with queues.enter(name) as folder:
            return _size_of_pages(folder)
    except (OSError, QueueError):
        return 0


def read_volume(volume: Mapping[str, Any] | None) -> QueueContents:
    """Read all queues in a volume. This works only if the volume is a directory of this host."""
    if volume is None:
        return QueueContents()
    if volume.get("Driver") == "local" and not volume.get("Options"):
        return read_queues(os.path.join(str(volume["Mountpoint"]), "queue"))
    what = f"volume {volume.get('Name')} of driver {volume.get('Driver')}"
    return QueueContents(None, problems=[f"{what} is mounted only while Logstash runs"])


# -- sockets -------------------------------------------------------------------------------------

_ESTABLISHED, _CLOSE_WAIT, _LISTEN = "01", "08", "0A"


@dataclass(frozen=True)
class Sockets:
    """The kernel's facts about a port: its connections, and the bytes that were not read."""

    listening: bool = False
    connections: int = 0
    unread: int = 0
    # Includes the kernel's overhead for each datagram.
    unread_udp: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "listening": self.listening,
            "connections": self.connections,
            "unread_bytes": self.unread,
            "unread_udp_bytes": self.unread_udp,
        }


def _rows(text: str, port: int) -> Iterable[tuple[str, int]]:
    """State and unread bytes of the sockets on a local port."""
    for line in text.splitlines():
        words = line.split()
        # Each table starts with a line of titles.
        if len(words) > 4 and words[0] != "sl" and int(words[1].rsplit(":", 1)[1], 16) == port:
            yield words[3], int(words[4].split(":")[1], 16)


def sockets_at(port: int, tcp: str, udp: str = "") -> Sockets:
    """Count from tables of ``/proc/net``; those for IPv6 may follow those for IPv4."""
    listening, connections, unread = False, 0, 0
    for state, waiting in _rows(tcp, port):
        if state == _LISTEN:
            # Its queue is the number of new connections, which also have their own rows.
            listening = True
        elif state in (_ESTABLISHED, _CLOSE_WAIT):
            connections += 1
            unread += waiting
    return Sockets(listening, connections, unread, sum(n for _state, n in _rows(udp, port)))


@dataclass
class Closing:
    """Remembers from repeated looks which connections were open when an input closed."""

    seen: Sockets = field(default_factory=Sockets)

    def look(self, now: Sockets) -> None:
        if now.listening:
            self.seen = now
        elif now.connections:
            # The port closes first. What its connections receive until they close is lost too.
            self.seen = Sockets(
                self.seen.listening,
                max(self.seen.connections, now.connections),
                max(self.seen.unread, now.unread),
                self.seen.unread_udp,
            )


# -- text ----------------------------------------------------------------------------------------


def plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _contents_text(contents: QueueContents) -> str:
    """The contents of a queue, as a part of a sentence."""
    if contents.events is None:
        return "an unknown number of events (" + "; ".join(contents.problems) + ")"
    return plural(contents.events, "event")


# Exit codes of a clean stop: of Logstash itself, and of Java after SIGTERM.
GRACEFUL = (0, 143)
KILLED = 137


def stop_report(
    node: str,
    directory: str,
    closing: Sockets,
    exit_code: int | None,
    contents: QueueContents,
) -> str:
    """How Logstash stopped on a host and what was lost, in one paragraph."""
    if not closing.listening:
        text = (
            f"{node}: it was not observed how Logstash closed its port, so it is unknown what its "
            "connections lost."
        )
    elif closing.connections:
        were, them = ("was", "it") if closing.connections == 1 else ("were", "them")
        text = (
            f"{node}: {plural(closing.connections, 'connection')} over TCP {were} open when "
            f"Logstash closed its port. {plural(closing.unread, 'byte')} lay unread in {them} and "
            "are lost. What the senders wrote after that, until they noticed, is lost too and "
            "cannot be counted here: syslog has no acknowledgement."
        )
    else:
        text = f"{node}: no connection over TCP was open when Logstash closed its port."
    if closing.unread_udp:
        text += f" Datagrams of about {plural(closing.unread_udp, 'byte')} lay unread."
    if contents.events == 0:
        return f"{text} Its queue is drained."
    text += f" Its queue in {directory} is NOT drained: it holds {_contents_text(contents)}."
    if exit_code is not None and exit_code not in GRACEFUL:
        text += f" Logstash did not stop cleanly (exit code {exit_code})."
        # After SIGKILL the grace period was over, or somebody killed it.
        if exit_code != KILLED:
            text += " It ends itself when Elasticsearch takes nothing for 15 s."
    return text
