# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of the probe, and the comparison with the documents that were found."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.logstash.syslog_probe import (
    LINGER,
    Hit,
    Line,
    Sender,
    Sent,
    Target,
    dig,
    explain_send,
    faults,
    make_hit,
    make_lines,
    run_word,
    send_tcp,
    send_udp,
    settle_accounts,
    sources,
    summary,
    wait_for_lines,
    wire_form,
)

NOW = datetime(2026, 11, 5, 7, 8, 9, 123456, tzinfo=UTC)
SENDER = Sender("host1", "app1", 42)
TAG = "parsefailure"
RUN = run_word("0" * 32)
ALL = ("rfc3164", "rfc5424", "plain")


def parcel(count: int = 3, index: int = 0, formats: tuple[str, ...] = ALL) -> Sent:
    lines = make_lines(RUN, index, count, formats, SENDER, NOW)
    return Sent(Target("192.0.2.1", 514 + index, "tcp"), lines, count)


def hit(line: Line, **changes: Any) -> Hit:
    values: dict[str, Any] = {"index": "i", "id": line.key, "routing": None, "message": line.text}
    if line.format == "plain":
        values["tags"] = ["_grokparsefailure_sysloginput"]
    else:
        values.update(hostname="host1", app="app1")
    return Hit(**{**values, **changes})


def test_lines_in_each_format() -> None:
    assert wire_form("t", "rfc3164", SENDER, NOW) == "<14>Nov  5 07:08:09 host1 app1[42]: t"
    assert (
        wire_form("t", "rfc5424", SENDER, NOW)
        == "<14>1 2026-11-05T07:08:09.123456Z host1 app1 42 probe - t"
    )
    assert wire_form("t", "plain", SENDER, NOW) == "t"


def test_lines_are_unique_and_the_formats_alternate() -> None:
    lines = parcel(7).lines + parcel(7, index=1).lines
    assert len({line.text for line in lines}) == 14
    assert [line.format for line in lines[:4]] == [*ALL, "rfc3164"]
    # The standard analyzer splits at all characters that are not letters or digits.
    for line in lines:
        words = re.findall(r"[A-Za-z0-9]+", line.text)
        assert RUN in words
        assert line.key in words


def test_targets_without_duplicates() -> None:
    item = {"address": "a", "port": 514, "protocols": ["tcp", "udp"]}
    found = sources([item, {**item, "protocols": ["udp"]}])
    assert [str(target) for target in found] == ["a:514/tcp", "a:514/udp"]
    assert str(Target("2001:db8::1", 514, "tcp")) == "[2001:db8::1]:514/tcp"


def test_balanced() -> None:
    sent = parcel()
    (account,) = settle_accounts([sent], [hit(line) for line in sent.lines], SENDER, TAG)
    assert account.balanced
    assert account.report()["found"] == 3


def test_missing_duplicate_and_unparsed_lines() -> None:
    first, second = parcel(), parcel(index=1)
    hits = [
        hit(first.lines[0]),
        hit(first.lines[0], id="again"),
        hit(first.lines[2]),
        hit(second.lines[0]),
        hit(second.lines[1], hostname=None),
        hit(second.lines[2]),
    ]
    accounts = settle_accounts([first, second], hits, SENDER, TAG)
    assert summary(accounts) == {
        "sent": 6,
        "found": 5,
        "missing": 1,
        "duplicates": 1,
        "unparsed": 1,
    }
    assert accounts[0].missing == [first.lines[1].text]
    sentence = accounts[0].sentence()
    assert sentence.startswith("192.0.2.1:514/tcp: 1 of 3 lines were not found")
    assert "found more than once" in sentence
    assert "host.hostname is None" in accounts[1].sentence()


def test_two_lines_joined_into_one_document_are_found_and_wrong() -> None:
    sent = parcel(2, formats=("plain",))
    joined = hit(sent.lines[0], message="\n".join(line.text for line in sent.lines))
    (account,) = settle_accounts([sent], [joined], SENDER, TAG)
    assert (account.found, len(account.missing), len(account.unparsed)) == (2, 0, 2)


def test_lines_that_were_never_sent_are_not_missing() -> None:
    sent = parcel()
    sent.count, sent.error = 1, "connection reset"
    (account,) = settle_accounts([sent], [hit(sent.lines[0])], SENDER, TAG)
    assert (account.sent, account.missing) == (1, [])
    assert not account.balanced
    assert "connection reset" in account.sentence()


@pytest.mark.parametrize(
    ("number", "changes", "word"),
    [
        (0, {"message": "with\n"}, "message"),
        (0, {"tags": ["_grokparsefailure"]}, "tagged _grokparsefailure"),
        (0, {"tags": ["other"]}, ""),
        (1, {"app": "other"}, "process.name"),
        (1, {"hostname": "other"}, "host.hostname"),
        (2, {"tags": []}, "no tag"),
        (2, {"hostname": None}, ""),
        (2, {"message": "cut"}, "message"),
    ],
)
def test_faults(number: int, changes: dict[str, Any], word: str) -> None:
    line = parcel().lines[number]
    wrong = faults(line, hit(line, **changes), SENDER, TAG)
    assert (word in wrong[0]) if word else (wrong == [])


def test_fields_nested_and_dotted() -> None:
    assert dig({"host": {"hostname": "h"}}, "host.hostname") == "h"
    assert dig({"host.hostname": "h"}, "host.hostname") == "h"
    assert dig({"host": "h"}, "host.hostname") is None
    raw = {"_index": "i", "_id": "1", "_source": {"message": "m", "tags": "one"}}
    assert make_hit(raw).tags == ["one"]


def test_explanations() -> None:
    assert "docker service ps" in explain_send(ConnectionRefusedError(111, "refused"))
    assert "cannot be resolved" in explain_send(socket.gaierror(-2, "unknown"))
    assert "firewall" in explain_send(TimeoutError("late"))
    assert "No route" in explain_send(OSError(113, "No route to host"))


def test_datagrams_are_sent_at_a_steady_rate() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(2)
        lines = make_lines(RUN, 0, 5, ("plain",), SENDER, NOW)
        sent = Sent(Target("127.0.0.1", receiver.getsockname()[1], "udp"), lines)
        pauses: list[float] = []
        send_udp(sent, 1.0, 10.0, pauses.append)
        got = [receiver.recv(1000).decode() for _ in lines]
    assert got == [line.text for line in lines]
    assert sent.count == 5
    # The fake sleep returns at once, so each pause counts from the start: 0.1, 0.2, 0.3, 0.4 s.
    assert pauses == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.09)


class FakeFinder:
    """Lines that arrive one after the other."""

    def __init__(self, *looks: list[Hit]) -> None:
        self.looks = list(looks)
        self.fetched = 0

    def refresh(self) -> None:
        if len(self.looks) > 1:
            self.looks.pop(0)

    def count(self) -> int:
        return len(self.looks[0])

    def fetch(self) -> list[Hit]:
        self.fetched += 1
        return self.looks[0]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def wait(finder: FakeFinder, expected: int, seconds: float) -> tuple[int, float]:
    clock = Clock()
    hits, waited = wait_for_lines(finder, expected, seconds, clock=clock, sleep=clock.sleep)  # type: ignore[arg-type]
    return len(hits), waited


def test_the_wait_ends_with_the_last_line() -> None:
    hits = [hit(line) for line in parcel().lines]
    finder = FakeFinder([], [], hits[:1], hits)
    found, waited = wait(finder, 3, 60)
    assert found == 3
    assert waited < 2
    assert finder.fetched == 1


def test_duplicates_do_not_end_the_wait() -> None:
    first, second, third = (hit(line) for line in parcel().lines)
    finder = FakeFinder([], [first, first, second], [first, first, second, third])
    assert wait(finder, 3, 60)[0] == 4


def test_the_wait_ends_after_the_timeout() -> None:
    found, waited = wait(FakeFinder([], [hit(parcel().lines[0])]), 3, 5)
    assert found == 1
    assert waited == pytest.approx(5, abs=0.1)


def test_a_receiver_that_answers_without_end_is_dropped() -> None:
    with socket.create_server(("127.0.0.1", 0)) as receiver:

        def answer() -> None:
            client, _address = receiver.accept()
            with client, contextlib.suppress(OSError):
                while True:
                    client.sendall(b"x" * 4096)

        threading.Thread(target=answer, daemon=True).start()
        start = time.monotonic()
        send_tcp(Sent(Target("127.0.0.1", receiver.getsockname()[1], "tcp"), []), 1.0)
        assert LINGER <= time.monotonic() - start < 10 * LINGER
