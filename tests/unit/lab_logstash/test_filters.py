# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters, grok, dates and fields of events."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from logstash_stand_in import dates
from logstash_stand_in.errors import ConfigurationError
from logstash_stand_in.event import Event
from logstash_stand_in.grok import Grok, to_python
from logstash_stand_in.pipeline import Program


def filtered(text: str, **data: Any) -> Event:
    program = Program("input { udp { port => 1 } } filter { " + text + " }", "test", "main", {})
    return program.filter(Event(data))


def test_references_and_sprintf() -> None:
    event = Event({"@timestamp": "2026-11-21T03:04:05.678Z", "a": {"b": [1, "two"]}})
    event.set("[c][d]", 5)
    event.set("[@metadata][x]", "hidden")
    assert event.get("[a][b][1]") == "two"
    assert event.get("[c][d][e]") is None
    assert event.sprintf("%{[c][d]}-%{[a][b]}-%{none}-%{+YYYY.MM.dd}-%{[@metadata][x]}") == (
        "5-1,two-%{none}-2026.11.21-hidden"
    )
    assert "@metadata" not in event.to_document()
    assert event.remove("[c][d]") == 5
    assert event.get("[c]") == {}


def test_grok_names_types_and_overwriting() -> None:
    event = filtered(
        'grok { match => { "message" => '
        '"%{WORD:[user][name]} %{INT:n:int} %{GREEDYDATA:message}" }'
        ' overwrite => ["message"] add_tag => ["%{[user][name]}"] remove_tag => ["old"] }',
        message="joe 12 rest\nmore",
        tags=["old"],
    )
    assert event.data["user"] == {"name": "joe"}
    assert event.data["n"] == 12
    assert event.data["message"] == "rest\nmore"
    assert event.tags() == ["joe"]


def test_grok_without_overwrite_appends_to_text_and_keeps_numbers() -> None:
    event = filtered(
        'grok { match => { "message" => "%{INT:n:int} %{WORD:w}" } }', message="7 new", n=1, w="old"
    )
    assert (event.data["n"], event.data["w"]) == (1, ["old", "new"])


def test_grok_tags_an_event_that_does_not_match() -> None:
    event = filtered(
        'grok { match => { "message" => "\\A%{INT}\\z" } tag_on_failure => ["t"] }', message="x"
    )
    assert (event.data["message"], event.tags()) == ("x", ["t"])


def test_grok_refuses_unknown_patterns() -> None:
    with pytest.raises(ConfigurationError, match="NOSUCH"):
        Grok("%{NOSUCH:a}", {})


def test_ruby_expressions_become_python() -> None:
    assert to_python(r"\h+\z") == r"[0-9a-fA-F]+\Z"
    assert to_python(r"\\z") == r"\\z"
    assert to_python(r"[\s\h]\s(?m:.)\p{L}") == r"[ \t\r\n\f\v0-9a-fA-F][ \t\r\n\f\v](?s:.)[^\W\d_]"
    assert to_python(r"(?:a|b)++c") == r"(?>(?:a|b)+)c"


def test_a_repeated_repetition_is_refused_because_python_takes_it_as_possessive() -> None:
    with pytest.raises(ConfigurationError, match=r"\{n,m\}\+"):
        to_python("[a-z]{1,5}+")


def test_a_possessive_group_that_fails_in_its_middle_keeps_nothing_of_it() -> None:
    grok = Grok(r"\A%{PART:a}%{GREEDYDATA:b}\z", {"PART": r"(?:\[(?:x|y)*+\])++"})
    assert grok.match("[x][y") == [("a", "[x]"), ("b", "[y")]


@pytest.mark.parametrize(
    ("pattern", "text", "whole"),
    [
        ("IPV4", "10.1.2.255", True),
        ("IPV4", "10.1.2.256", False),
        ("IPV6", "fe80::1", True),
        ("IPV6", "2001:db8:0:0:0:0:0:1", True),
        ("IPORHOST", "host-1.example.org", True),
        ("TIMESTAMP_ISO8601", "2026-11-21T00:00:01.123456+02:00", True),
        ("SYSLOGTIMESTAMP", "Nov  1 00:00:01", True),
        ("SYSLOGTIMESTAMP", "Nov 41 00:00:01", False),
        ("SYSLOGPROG", "sshd[12]", True),
    ],
)
def test_core_patterns(pattern: str, text: str, whole: bool) -> None:
    assert (Grok(rf"\A%{{{pattern}}}\z", {}).match(text) is not None) is whole


@pytest.mark.parametrize(
    ("pattern", "text", "moment"),
    [
        ("ISO8601", "2026-11-21T00:00:01.123456+02:00", "2026-11-20T22:00:01.123Z"),
        ("ISO8601", "2026-11-21T00:00:01Z", "2026-11-21T00:00:01.000Z"),
        ("yyyy-MM-dd HH:mm:ss,SSS", "2026-01-02 03:04:05,6", "2026-01-02T03:04:05.600Z"),
        ("ISO8601", "2026-11-21 00:00:01.5Z", None),
        ("ISO8601", "2026-11-21 00:00:01.500", "2026-11-21T00:00:01.500Z"),
        ("ISO8601", "2026-11-21T000001Z", None),
        ("MMM d HH:mm:ss.SSS", "Nov 21 00:00:01.1234", None),
        ("MMM d yyyy HH:mm:ss ZZZ", "Nov 21 2026 00:00:01 CET", "2026-11-20T23:00:01.000Z"),
        ("MMM d yyyy HH:mm:ss ZZZ", "Nov 21 2026 00:00:01 CEST", None),
        ("ISO8601", "9999-12-31T23:59:59.5-01:00", "+10000-01-01T00:59:59.500Z"),
        ("ISO8601", "0000-01-01T00:00:00+01:00", "-0001-12-31T23:00:00.000Z"),
        ("ISO8601", "0001-01-01T00:00:00+01:00", "0000-12-31T23:00:00.000Z"),
        ("UNIX", "1", "1970-01-01T00:00:01.000Z"),
    ],
)
def test_dates(pattern: str, text: str, moment: str | None) -> None:
    if moment is None:
        with pytest.raises((ValueError, ConfigurationError)):
            dates.parser_for(pattern)(text, UTC)
        return
    assert dates.to_timestamp(dates.parser_for(pattern)(text, UTC)) == moment


def test_a_date_without_a_year_gets_the_nearest() -> None:
    assert dates.guess_year(1, datetime(2026, 12, 31, tzinfo=UTC)) == 2027
    assert dates.guess_year(12, datetime(2026, 1, 1, tzinfo=UTC)) == 2025
    assert dates.guess_year(3, datetime(2026, 11, 1, tzinfo=UTC)) == 2026


def test_an_invalid_date_is_tagged() -> None:
    event = filtered('date { match => ["t", "ISO8601"] }', t="yesterday")
    assert event.tags() == ["_dateparsefailure"]


def test_mutate_runs_in_a_fixed_order() -> None:
    event = filtered(
        r'mutate { copy => { "b" => "c" } gsub => ["b", "[\r\n]+\z", ""] rename => { "a" => "b" }'
        ' convert => { "n" => "integer" } remove_field => ["n2"] split => { "list" => "," } }',
        a="x\ny\r\n",
        n="5",
        n2=1,
        list="1,2",
    )
    assert (event.data["b"], event.data["c"], event.data["n"]) == ("x\ny", "x\ny", 5)
    assert "a" not in event.data
    assert "n2" not in event.data
    assert event.data["list"] == ["1", "2"]


@pytest.mark.parametrize(
    ("options", "text"),
    [("concatenate_sources => true base64encode => true", "|[b][c]|2|a|one|"), ("", "2")],
)
def test_fingerprint(options: str, text: str) -> None:
    event = filtered(
        'fingerprint { method => "SHA256" target => "[@metadata][id]" source => ["a", "[b][c]"] '
        + options
        + " }",
        a="one",
        b={"c": 2},
    )
    digest = hashlib.sha256((text if options else "one").encode())
    expected = base64.b64encode(digest.digest()).decode() if options else digest.hexdigest()
    assert event.get("[@metadata][id]") == expected


def test_fingerprint_without_a_source() -> None:
    ids = [
        filtered('fingerprint { method => "UUID" target => "id" }', message="x").get("id")
        for _ in range(2)
    ]
    assert len(set(ids)) == 2
    assert all(len(one) == 36 for one in ids)


def test_syslog_pri() -> None:
    event = filtered("syslog_pri { }", log={"syslog": {"priority": 165}})
    assert event.get("[log][syslog][facility]") == {"code": 20, "name": "local4"}
    assert event.get("[log][syslog][severity]") == {"code": 5, "name": "notice"}
