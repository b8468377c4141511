# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Logstash still holds: files as the real one writes them, and tables as the kernel does."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.logstash.queue import (
    Closing,
    Flow,
    Left,
    QueueError,
    Sockets,
    can_drain,
    read_queues,
    sockets_at,
    told,
    unread_events,
)

if TYPE_CHECKING:
    from pathlib import Path


def big(number: int, size: int) -> bytes:
    return number.to_bytes(size, "big", signed=True)


def crc(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


def checkpoint(page: int, oldest: int, unacked: int, first: int, count: int) -> bytes:
    """FileCheckpointIO of Logstash 9, field by field."""
    body = (
        big(1, 2) + big(page, 4) + big(oldest, 4) + big(unacked, 8) + big(first, 8) + big(count, 4)
    )
    return body + crc(body)


def page(first: int, count: int, size: int = 4096) -> bytes:
    """MmapPageIOV2 of Logstash 9: full length from the beginning, zeros where nothing is yet."""
    data = b"\x02"
    for number in range(first, first + count):
        event = b"event %d" % number
        data += big(number, 8) + big(len(event), 4) + event + crc(event)
    return data.ljust(size, b"\0")


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    """Events 1 to 5 in a page that is done, 6 to 9 at the head; 1 to 3 acknowledged."""
    place = tmp_path / "queue" / "syslog"
    place.mkdir(parents=True)
    (place / "page.0").write_bytes(page(1, 5))
    (place / "checkpoint.0").write_bytes(checkpoint(0, 0, 4, 1, 5))
    (place / "page.1").write_bytes(page(6, 4))
    (place / "checkpoint.head").write_bytes(checkpoint(1, 0, 6, 6, 4))
    return place


def test_what_was_not_acknowledged_is_counted_over_all_pages(queue: Path) -> None:
    assert unread_events(str(queue)) == 2 + 4
    left = read_queues(str(queue.parent))
    assert (left.events, left.pipelines, left.problems) == (6, {"syslog": 6}, [])
    assert left.bytes > 0


def test_a_drained_queue_is_empty_although_its_page_is_there(queue: Path) -> None:
    (queue / "page.0").unlink()
    (queue / "checkpoint.0").unlink()
    (queue / "checkpoint.head").write_bytes(checkpoint(1, 1, 10, 6, 4))
    left = read_queues(str(queue.parent))
    assert (left.events, left.bytes, left.problems) == (0, 0, [])


def test_after_a_kill_the_head_knows_more_than_its_checkpoint(queue: Path) -> None:
    (queue / "checkpoint.head").write_bytes(checkpoint(1, 0, 0, 0, 0))
    assert unread_events(str(queue)) == 2 + 4
    (queue / "page.1").write_bytes(page(6, 9))
    assert unread_events(str(queue)) == 2 + 9


def test_an_event_that_was_cut_off_does_not_count(queue: Path) -> None:
    content = bytearray((queue / "page.1").read_bytes())
    content[content.index(b"event 9")] = 0
    (queue / "page.1").write_bytes(content)
    assert unread_events(str(queue)) == 2 + 3


def test_a_page_that_is_gone_was_acknowledged(queue: Path) -> None:
    (queue / "checkpoint.0").unlink()
    assert unread_events(str(queue)) == 4


def test_a_new_queue_is_empty(queue: Path) -> None:
    (queue / "page.1").write_bytes(page(1, 0))
    (queue / "checkpoint.head").write_bytes(checkpoint(1, 1, 0, 0, 0))
    assert unread_events(str(queue)) == 0


def test_no_directory_is_no_event(tmp_path: Path) -> None:
    assert read_queues(str(tmp_path / "queue")) == Left()
    (tmp_path / "queue" / "syslog").mkdir(parents=True)
    assert read_queues(str(tmp_path / "queue")).events == 0


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("checkpoint.head", checkpoint(1, 0, 6, 6, 4)[:-1] + b"x", "damaged"),
        ("checkpoint.head", b"short", "damaged"),
        ("checkpoint.head", big(2, 2) + checkpoint(1, 0, 6, 6, 4)[2:], "damaged"),
        ("page.1", b"\x01" + page(6, 4)[1:], "no page of version 2"),
        ("checkpoint.head", None, "no checkpoint.head"),
    ],
)
def test_what_cannot_be_read_is_told_and_never_taken_as_empty(
    queue: Path, name: str, content: bytes | None, says: str
) -> None:
    if content is None:
        (queue / name).unlink()
    else:
        (queue / name).write_bytes(content)
    with pytest.raises(QueueError, match=says):
        unread_events(str(queue))
    left = read_queues(str(queue.parent))
    assert left.events is None
    assert left.pipelines == {"syslog": None}
    assert says in left.problems[0]


def test_another_version_of_checkpoints_is_told(queue: Path) -> None:
    body = big(2, 2) + checkpoint(1, 0, 6, 6, 4)[2:-4]
    (queue / "checkpoint.head").write_bytes(body + crc(body))
    with pytest.raises(QueueError, match="version 2, known is 1"):
        unread_events(str(queue))


# Port 10514 is 2912. Two tables one behind the other, as they are read.
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


def test_sockets_of_a_port_are_counted_over_both_families() -> None:
    found = sockets_at(10514, TCP, UDP)
    assert found == Sockets(listening=True, connections=3, unread=0x40 + 0x10 + 2, unread_udp=0x300)


def test_a_port_nobody_uses() -> None:
    assert sockets_at(514, TCP, UDP) == Sockets()


def test_what_counts_is_the_last_look_before_the_port_closes_and_what_came_after() -> None:
    closing = Closing()
    closing.look(Sockets(True, 2, 100))
    closing.look(Sockets(True, 3, 40))
    # The listener is gone, two connections are not closed yet and get more.
    closing.look(Sockets(False, 2, 70))
    closing.look(Sockets(False, 1, 10))
    closing.look(Sockets())
    assert closing.seen == Sockets(True, 3, 70)


def test_flow_is_the_sum_of_the_pipelines_that_run() -> None:
    one = {"events": {"in": 5, "out": 3}, "queue": {"events_count": 2}}
    assert Flow.of({"pipelines": {"a": one, "b": one, "broken": None}}) == Flow(10, 6, 4)
    assert Flow.of({}) == Flow()


@pytest.mark.parametrize(
    ("sent", "queued", "fits"),
    [
        (0, 0, True),
        # Nothing goes out: an Elasticsearch that is away.
        (0, 1, False),
        # 100 a second for half of 60 seconds.
        (100, 3000, True),
        (100, 3001, False),
    ],
)
def test_whether_a_stop_can_drain_follows_from_the_pace(sent: int, queued: int, fits: bool) -> None:
    before, now = Flow(0, 1000, 50), Flow(0, 1000 + sent, queued)
    assert can_drain(before, now, 1.0, 60) is fits


def test_the_first_look_has_no_pace() -> None:
    now = Flow(100, 50, 50)
    assert not can_drain(now, now, 0.0, 90)


def test_a_drained_queue_and_what_was_lost_are_told() -> None:
    text = told("w3", "/srv/elk/logstash/queue", Sockets(True, 2, 1), 0, Left())
    assert "w3: 2 connections over TCP were open" in text
    assert "1 byte lay unread in them" in text
    assert text.endswith("Its queue is drained.")


def test_nobody_connected_is_told() -> None:
    text = told("w3", "/q", Sockets(True, 0, 0, 512), 143, Left())
    assert "no connection over TCP was open" in text
    assert "Datagrams of about 512 bytes" in text
    assert "exit code" not in text


def test_a_port_that_was_never_seen_open_lost_nobody_knows_what() -> None:
    text = told("w3", "/q", Sockets(), 0, Left())
    assert "nobody has seen how Logstash closed its port" in text
    assert "no connection" not in text
    assert text.endswith("Its queue is drained.")


@pytest.mark.parametrize(
    ("left", "code", "says"),
    [
        (Left(1), 0, r"queue in /q is NOT drained: it holds 1 event\.$"),
        (Left(7), 137, r"it holds 7 events\..*did not end by itself \(exit code 137\)"),
        (Left(None, problems=["x is damaged"]), None, r"unknown number of events \(x is damaged\)"),
    ],
)
def test_a_queue_that_was_not_drained_is_told(left: Left, code: int | None, says: str) -> None:
    import re

    assert re.search(says, told("w3", "/q", Sockets(True, 1), code, left))
