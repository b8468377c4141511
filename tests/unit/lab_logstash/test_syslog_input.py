# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the syslog input parses lines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from logstash_stand_in import lang
from logstash_stand_in.event import Event
from logstash_stand_in.inputs import SyslogInput
from logstash_stand_in.options import check

FAILURE = "_grokparsefailure_sysloginput"


def syslog_input(options: str) -> SyslogInput:
    (node,) = lang.parse(f"input {{ syslog {{ {options} }} }}").inputs
    assert isinstance(node, lang.Plugin)
    return SyslogInput("syslog", check(node, {}), "main")


def parse(data: bytes | str, options: str = 'timezone => "UTC"') -> Event:
    one = syslog_input(options)
    return Event(one.parse(data.encode() if isinstance(data, str) else data, "192.0.2.7"))


def test_a_line_of_rfc_3164() -> None:
    event = parse("<34>Nov 21 00:00:01 myhost sshd[12]: text of it\n")
    assert event.data["message"] == "text of it\n"
    assert event.get("[event][original]") == "<34>Nov 21 00:00:01 myhost sshd[12]: text of it\n"
    assert event.get("[host]") == {"ip": "192.0.2.7", "hostname": "myhost"}
    assert event.get("[process]") == {"name": "sshd", "pid": 12}
    assert event.get("[service][type]") == "system"
    assert event.get("[log][syslog]") == {
        "priority": 34,
        "facility": {"code": 4, "name": "security/authorization"},
        "severity": {"code": 2, "name": "Critical"},
    }
    assert event.data["@timestamp"].endswith("-11-21T00:00:01.000Z")
    assert "timestamp" not in event.data
    assert "tags" not in event.data


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("<34>Nov  1 00:00:01 h app: x\n", {"[process][name]": "app", "message": "x\n"}),
        ("<34>Nov 1 00:00:01 h app: x\n", {"[process][name]": "app", "message": "x\n"}),
        (
            "<34>2026-11-21T00:00:01.123+02:00 host app[7]: x\r\n",
            {"@timestamp": "2026-11-20T22:00:01.123Z", "[process][pid]": 7, "message": "x\r\n"},
        ),
        (
            "<13>Nov 21 00:00:01 just words here\n",
            {"[host][hostname]": "just", "message": "words here\n", "[process][name]": None},
        ),
        ("61 <34>Nov 21 00:00:01 h app: x\n", {"message": "x\n", "[log][syslog][priority]": 34}),
        (
            "<192>Nov 21 00:00:01 h app: x\n",
            {"[log][syslog][facility][code]": 24, "[log][syslog][facility][name]": None},
        ),
        (
            "<34>Nov 21 00:00:01 fe80::1%eth0 app[1]: x\n",
            {"[host][hostname]": "fe80::1%eth0 app[1]:", "message": "x\n"},
        ),
        ("<34>0001-01-01T00:00:00Z h app: x\n", {"@timestamp": "0001-01-01T00:00:00.000Z"}),
        ("<34>26-11-21T00:00:00Z h app: x\n", {"@timestamp": "0026-11-21T00:00:00.000Z"}),
        ('<34>Nov 21 00:00:01 h app: {"a": 1}\0\n', {"message": '{"a": 1}\0\n'}),
    ],
)
def test_other_lines_that_are_parsed(line: str, expected: dict[str, Any]) -> None:
    event = parse(line)
    assert {name: event.get(name) for name in expected} == expected
    assert "tags" not in event.data


@pytest.mark.parametrize(
    "line",
    [
        "<165>1 2026-11-21T00:00:01.123456Z host app 7 ID47 - text\n",
        "test\n",
        "\n",
        "<189>30: *Nov 21 00:00:01.123: %SYS-5-CONFIG_I: Configured from console\n",
        "<0>Nov 21 00:00:01 h app: x\n",
    ],
)
def test_lines_that_are_not_parsed_stay_whole(line: str) -> None:
    before = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    event = parse(line)
    assert event.data["message"] == line
    assert event.tags() == [FAILURE]
    assert event.get("[log][syslog]") == {
        "priority": 13,
        "facility": {"code": 1, "name": "user-level"},
        "severity": {"code": 5, "name": "Notice"},
    }
    assert event.data["@timestamp"] >= before


@pytest.mark.parametrize("date", ["Dez 21 00:00:01", "Mär  1 00:00:01", "2026-11-21T000001Z"])
def test_dates_that_are_found_and_not_understood(date: str) -> None:
    event = parse(f"<35>{date} h app: x\n")
    assert (event.get("[host][hostname]"), event.get("[log][syslog][priority]")) == ("h", 35)
    assert event.tags() == ["_dateparsefailure"]


def test_a_line_with_a_priority_of_20_digits_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    one = syslog_input('timezone => "UTC"')
    events: list[dict[str, Any]] = []
    one.attach(events.extend)
    stamp = b"Nov 21 00:00:01 h app: x"
    one.lines([b"<" + b"9" * 20 + b">" + stamp, b"<34>" + stamp], ("192.0.2.7", 1))
    assert [event["log"]["syslog"]["priority"] for event in events] == [34]
    assert "Error decoding data" in capsys.readouterr().out


def test_nul_in_bytes_that_are_not_utf_8_is_escaped() -> None:
    event = parse(b'<34>Nov 21 00:00:01 h app: \xff\0\x7f"\\#{a}\n')
    assert event.data["message"] == r"\xFF\u0000\u007F\"\\\#{a}\n"


def test_bytes_that_are_not_utf_8_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    event = parse(b"<34>Nov 21 00:00:01 h app: a\xff\xe9b\n")
    assert event.data["message"] == "a\\xFF\\xE9b\\n"
    assert "different character encoding" in capsys.readouterr().out


def test_long_lines_are_not_cut() -> None:
    assert len(parse("<34>Nov 21 00:00:01 h app: " + "x" * 200_000).data["message"]) == 200_000
