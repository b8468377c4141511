# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Logstash still holds, from its files and from the kernel's tables, both in real formats."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.logstash.queue import (
    Closing,
    QueueContents,
    QueueError,
    Sockets,
    read_queues,
    sockets_at,
    stop_report,
    unread_events,
)

if TYPE_CHECKING:
    from pathlib import Path


def big(number: int, size: int) -> bytes:
    return number.to_bytes(size, "big", signed=True)


def crc(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


def checkpoint(page: int, oldest: int, unacked: int, first: int, count: int) -> bytes:
    """The format of FileCheckpointIO in Logstash 9."""
    body = (
        big(1, 2) + big(page, 4) + big(oldest, 4) + big(unacked, 8) + big(first, 8) + big(count, 4)
    )
    return body + crc(body)


def page(first: int, count: int, size: int = 4096) -> bytes:
    """The format of MmapPageIOV2 in Logstash 9: a fixed length, with zeros after the events."""
    data = b"\x02"
    for number in range(first, first + count):
        event = b"event %d" % number
        data += big(number, 8) + big(len(event), 4) + event + crc(event)
    return data.ljust(size, b"\0")


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    """Events 1 to 5 in a full page, 6 to 9 in the head page; 1 to 3 are acknowledged."""
    folder = tmp_path / "queue" / "syslog"
    folder.mkdir(parents=True)
    (folder / "page.0").write_bytes(page(1, 5))
    (folder / "checkpoint.0").write_bytes(checkpoint(0, 0, 4, 1, 5))
    (folder / "page.1").write_bytes(page(6, 4))
    (folder / "checkpoint.head").write_bytes(checkpoint(1, 0, 6, 6, 4))
    return folder


def test_unacknowledged_events_are_counted_in_all_pages(queue: Path) -> None:
    assert unread_events(str(queue)) == 2 + 4
    contents = read_queues(str(queue.parent))
    assert (contents.events, contents.pipelines, contents.problems) == (6, {"syslog": 6}, [])
    assert contents.bytes > 0


def test_a_drained_queue_is_empty_even_if_it_has_a_page(queue: Path) -> None:
    (queue / "page.0").unlink()
    (queue / "checkpoint.0").unlink()
    (queue / "checkpoint.head").write_bytes(checkpoint(1, 1, 10, 6, 4))
    contents = read_queues(str(queue.parent))
    assert (contents.events, contents.bytes, contents.problems) == (0, 0, [])


def test_after_a_kill_the_head_page_is_newer_than_its_checkpoint(queue: Path) -> None:
    (queue / "checkpoint.head").write_bytes(checkpoint(1, 0, 0, 0, 0))
    assert unread_events(str(queue)) == 2 + 4
    (queue / "page.1").write_bytes(page(6, 9))
    assert unread_events(str(queue)) == 2 + 9


def test_an_incomplete_event_does_not_count(queue: Path) -> None:
    content = bytearray((queue / "page.1").read_bytes())
    content[content.index(b"event 9")] = 0
    (queue / "page.1").write_bytes(content)
    assert unread_events(str(queue)) == 2 + 3


def test_a_page_that_was_removed_has_no_events(queue: Path) -> None:
    (queue / "checkpoint.0").unlink()
    assert unread_events(str(queue)) == 4


def test_a_new_queue_is_empty(queue: Path) -> None:
    (queue / "page.1").write_bytes(page(1, 0))
    (queue / "checkpoint.head").write_bytes(checkpoint(1, 1, 0, 0, 0))
    assert unread_events(str(queue)) == 0


def test_without_a_directory_there_are_no_events(tmp_path: Path) -> None:
    assert read_queues(str(tmp_path / "queue")) == QueueContents()
    (tmp_path / "queue" / "syslog").mkdir(parents=True)
    assert read_queues(str(tmp_path / "queue")).events == 0


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("checkpoint.head", checkpoint(1, 0, 6, 6, 4)[:-1] + b"x", "damaged"),
        ("checkpoint.head", b"short", "damaged"),
        ("checkpoint.head", big(2, 2) + checkpoint(1, 0, 6, 6, 4)[2:], "damaged"),
        ("page.1", b"\x01" + page(6, 4)[1:], "not a page of version 2"),
        ("checkpoint.head", None, "no checkpoint.head"),
    ],
)
def test_an_unreadable_queue_is_a_problem_and_never_counts_as_empty(
    queue: Path, name: str, content: bytes | None, expected: str
) -> None:
    if content is None:
        (queue / name).unlink()
    else:
        (queue / name).write_bytes(content)
    with pytest.raises(QueueError, match=expected):
        unread_events(str(queue))
    contents = read_queues(str(queue.parent))
    assert contents.events is None
    assert contents.pipelines == {"syslog": None}
    assert expected in contents.problems[0]


def test_another_version_of_checkpoints_is_an_error(queue: Path) -> None:
    body = big(2, 2) + checkpoint(1, 0, 6, 6, 4)[2:-4]
    (queue / "checkpoint.head").write_bytes(body + crc(body))
    with pytest.raises(QueueError, match="version 2, not 1"):
        unread_events(str(queue))


# Port 10514 is 2912. The table for IPv4, then the one for IPv6.
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:2912 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 1
   1: 0A3C0102:2912 0A3C0101:8C54 01 00000000:00000040 00:00000000 00000000  1000        0 2
   2: 0A3C0102:2912 0A3C0101:8C55 08 00000000:00000010 00:00000000 00000000  1000        0 3
   3: 0A3C0102:2912 0A3C0101:8C56 06 00000000:00000000 00:00000000 00000000  1000        0 4
   4: 0A3C0102:B5AC 0A3C0101:2912 01 00000000:00000100 00:00000000 00000000  1000        0 5
   5: 0100007F:2580 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 6
  sl  local_address                         remote_address                        st tx_queue ...
   0: 0000000000000000FFFF00000A3C0102:2912 00000000000000FF0A3C0101:8C60 01 00000000:00000002
"""
UDP = """\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
 2216: 00000000:2912 00000000:0000 07 00000000:00000300 00:00000000 00000000  1000        0 7
"""


def test_sockets_are_counted_for_ipv4_and_ipv6() -> None:
    found = sockets_at(10514, TCP, UDP)
    assert found == Sockets(listening=True, connections=3, unread=0x40 + 0x10 + 2, unread_udp=0x300)


def test_an_unused_port() -> None:
    assert sockets_at(514, TCP, UDP) == Sockets()


def test_bytes_that_arrive_after_the_port_closed_count_too() -> None:
    closing = Closing()
    closing.look(Sockets(True, 2, 100))
    closing.look(Sockets(True, 3, 40))
    # The port is closed, but two connections are still open and receive more bytes.
    closing.look(Sockets(False, 2, 70))
    closing.look(Sockets(False, 1, 10))
    closing.look(Sockets())
    assert closing.seen == Sockets(True, 3, 70)


def test_the_report_of_a_drained_queue_and_of_lost_bytes() -> None:
    text = stop_report("w3", "/srv/elk/logstash/queue", Sockets(True, 2, 1), 0, QueueContents())
    assert "w3: 2 connections over TCP were open" in text
    assert "1 byte lay unread in them" in text
    assert text.endswith("Its queue is drained.")


def test_the_report_without_connections() -> None:
    text = stop_report("w3", "/q", Sockets(True, 0, 0, 512), 143, QueueContents())
    assert "no connection over TCP was open" in text
    assert "Datagrams of about 512 bytes" in text
    assert "exit code" not in text


def test_the_report_of_a_port_that_was_never_seen_open() -> None:
    text = stop_report("w3", "/q", Sockets(), 0, QueueContents())
    assert "it was not observed how Logstash closed its port" in text
    assert "no connection" not in text
    assert text.endswith("Its queue is drained.")


@pytest.mark.parametrize(
    ("contents", "code", "expected"),
    [
        (QueueContents(1), 0, r"queue in /q is NOT drained: it holds 1 event\.$"),
        (QueueContents(7), 137, r"it holds 7 events\..*did not stop cleanly \(exit code 137\)\.$"),
        (QueueContents(7), 255, r"\(exit code 255\)\. It ends itself when Elasticsearch takes"),
        (
            QueueContents(None, problems=["x is damaged"]),
            None,
            r"unknown number of events \(x is damaged\)",
        ),
    ],
)
def test_the_report_of_a_queue_that_is_not_drained(
    contents: QueueContents, code: int | None, expected: str
) -> None:
    import re

    assert re.search(expected, stop_report("w3", "/q", Sockets(True, 1), code, contents))
