# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the role logstash, rendered by Ansible, must process lines as documented."""

from __future__ import annotations

import json
import re
import ssl
import sys
import textwrap
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ansible_collections.elk.swarm.plugins.module_utils.logstash.syslog_probe import (
    FORMATS,
    PROTOCOLS,
    Sender,
    faults,
    is_own,
    make_hit,
    make_lines,
)
from repo import ROOT
from tests.harness import syslog_truth
from tests.harness.role_checks import complaint_template
from tests.unit.roles.evaluation import Case, evaluate

IMAGE = ROOT / "lab" / "images" / "logstash"
if str(IMAGE) not in sys.path:
    sys.path.insert(0, str(IMAGE))

from logstash_stand_in import dates  # noqa: E402
from logstash_stand_in import event as event_module  # noqa: E402
from logstash_stand_in.elasticsearch import tls_context  # noqa: E402
from logstash_stand_in.errors import ConfigurationError  # noqa: E402
from logstash_stand_in.event import Event  # noqa: E402
from logstash_stand_in.inputs import Input, Lines  # noqa: E402
from logstash_stand_in.log import Logger  # noqa: E402
from logstash_stand_in.pipeline import Program  # noqa: E402
from logstash_stand_in.settings import read_config, read_pipelines, read_settings  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

ROLE = ROOT / "roles" / "logstash"
FILES = ("logstash.yml", "pipelines.yml", "syslog.conf")
DOCUMENTED = ROOT / "docs" / "troubleshooting.md"
TAG = "_syslog_unparsed"

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "more": {
        "logstash_workers": 3,
        "logstash_dead_letter_queue": False,
        "logstash_syslog_timezone": "+02:00",
        "logstash_unparsed_tag": "no-syslog",
        "elk_syslog_udp_buffer": "8388608",
        "logstash_api_host": "0.0.0.0",
        "elk_logstash_password": 'it"has$signs#{and}\\more',
        "elk_syslog_index": "other-index",
    },
    # The tables come from a machine whose zone is UTC.
    "utc": {"logstash_syslog_timezone": "UTC"},
    "memory": {"logstash_queue_type": "memory", "elk_logstash_password": "it's"},
}

# The complaint of the role's checks about variables; None if there is none.
CHECKS: dict[str, tuple[dict[str, Any], str | None]] = {
    "defaults": ({}, None),
    "too many replicas": ({"logstash_replicas": 4}, "only 3 host(s) may run"),
    "as many replicas as hosts": ({"logstash_replicas": 3}, None),
    "short grace": ({"logstash_stop_grace_period": 70}, "logstash_stop_grace_period"),
    "grace for short retries": (
        {"logstash_stop_grace_period": 30, "logstash_retry_max_interval": 15},
        None,
    ),
    "grace shorter than a forced stop": (
        {"logstash_stop_grace_period": 25, "logstash_retry_max_interval": 5},
        "more than 25 s",
    ),
    "small limit": ({"logstash_memory": "700m"}, "logstash_memory"),
    "big heap": ({"logstash_heap": "4g", "logstash_memory": "5g"}, None),
    "small queue": ({"logstash_queue_max_bytes": "32mb"}, "logstash_queue_page_capacity"),
    "index": ({"elk_syslog_index": 'a" }'}, "elk_syslog_index"),
    "user": ({"elk_logstash_user": "a b"}, "elk_logstash_user"),
    "single quote": ({"elk_logstash_password": "it's"}, None),
    "double quote": ({"elk_logstash_password": 'a"b'}, None),
    "both quotes": ({"elk_logstash_password": "it's\"x"}, "cannot be written"),
    "variable": ({"elk_logstash_password": "a${HOME}"}, "cannot be written"),
    "backslash inside": ({"elk_logstash_password": "a\\b"}, None),
    "backslash last": ({"elk_logstash_password": "ab\\"}, "cannot be written"),
    "two lines": ({"elk_logstash_password": "a\nb"}, "cannot be written"),
    "empty": ({"elk_logstash_password": ""}, "cannot be written"),
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    tmp = tmp_path_factory.mktemp("logstash")
    credentials = tmp / "credentials"
    credentials.mkdir()
    (credentials / "ca.crt").write_text("a certificate\n")
    lookups = {
        file: "{{ lookup('ansible.builtin.template', '" + f"{ROLE}/templates/{file}.j2" + "') }}"
        for file in FILES
    }
    elk = ROOT / "roles" / "elk"
    values = evaluate(
        tmp,
        [
            *(Case(f"files of {name}", "files", own) for name, own in VARIANTS.items()),
            *(Case(f"check {name}", "complaint", own) for name, (own, _text) in CHECKS.items()),
        ],
        groups={
            "swarm_managers": {"hosts": {"m1": {"ansible_host": "10.60.0.11"}}},
            "swarm_workers": {"hosts": {"w1": {"elk_address": "w1.example.org"}, "w2": {}}},
        },
        local_dir=credentials,
        vars_files=[of / kind / "main.yml" for of in (elk, ROLE) for kind in ("defaults", "vars")],
        variables={"files": lookups, "complaint": complaint_template(ROLE)},
    )["m1"]
    return {
        "files": {name: values[f"files of {name}"] for name in VARIANTS},
        "complaint": {name: values[f"check {name}"] for name in CHECKS},
    }


@pytest.mark.parametrize("name", CHECKS)
def test_checks(rendered: dict[str, Any], name: str) -> None:
    expected, complaint = CHECKS[name][1], rendered["complaint"][name]
    if expected is None:
        assert not complaint
    else:
        assert expected in complaint


def in_container(files: dict[str, str], home: Path) -> Program:
    """Load files as the container would, from where the role mounts them."""
    (home / "pipeline").mkdir(parents=True)
    (home / "config").mkdir()
    certificate = ROOT / "tests/unit/lab_logstash/ca.crt"
    (home / "config" / "ca.crt").write_bytes(certificate.read_bytes())
    for name in FILES:
        folder = "pipeline" if name.endswith(".conf") else "config"
        (home / folder / name).write_text(files[name].replace("/usr/share/logstash", str(home)))
    environment = {"HOSTNAME": "node-1", "LS_JAVA_OPTS": "-Xmx1g"}
    settings = read_settings(home / "config", environment, {})
    (pipeline,) = read_pipelines(home / "config", environment, settings)
    program = Program(*read_config(pipeline), pipeline["pipeline.id"], environment)
    program.settings = pipeline  # type: ignore[attr-defined]
    return program


@pytest.fixture
def load(rendered: dict[str, Any], tmp_path: Path) -> Callable[[str], Program]:
    return lambda variant: in_container(rendered["files"][variant], tmp_path / variant)


def test_no_suite_of_the_output_is_cbc(load: Callable[[str], Program]) -> None:
    (output,) = load("plain").outputs
    assert output.options["ssl_supported_protocols"] == ["TLSv1.3", "TLSv1.2"]
    suites = output.options["ssl_cipher_suites"]
    assert len(suites) == 9
    assert all(suite.endswith(("GCM_SHA384", "GCM_SHA256", "POLY1305_SHA256")) for suite in suites)
    context = tls_context(output.options, Logger("test"))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert not [cipher for cipher in context.get_ciphers() if not cipher["aead"]]


def test_the_files_are_accepted(load: Callable[[str], Program]) -> None:
    program = load("plain")
    settings = program.settings  # type: ignore[attr-defined]
    assert settings["node.name"] == "node-1"
    assert settings["pipeline.id"] == "syslog"
    assert settings["queue.type"] == "persisted"
    assert settings["queue.max_bytes"] == 1 << 30
    assert settings["api.http.host"] == "127.0.0.1"
    assert settings["pipeline.unsafe_shutdown"] is True
    assert settings["dead_letter_queue.enable"] is True
    assert settings["dead_letter_queue.max_bytes"] == 256 << 20
    assert [one.name for one in program.inputs] == ["tcp", "udp"]
    for one in program.inputs:
        assert (one.options["host"], one.options["port"]) == ("0.0.0.0", 10514)
    (output,) = program.outputs
    options = output.options
    assert options["hosts"] == [
        "https://10.60.0.11:9200",
        "https://w1.example.org:9200",
        "https://w2:9200",
    ]
    assert (options["index"], options["action"]) == ("syslog-msg", "create")
    assert options["user"] == "logstash_writer"
    assert len(options["password"]) == 32
    assert options["ssl_verification_mode"] == "full"
    assert options["ssl_certificate_authorities"][0].endswith("/config/ca.crt")


def test_other_variables_arrive(
    rendered: dict[str, Any], load: Callable[[str], Program], tmp_path: Path
) -> None:
    program = load("more")
    settings = program.settings  # type: ignore[attr-defined]
    assert settings["pipeline.workers"] == 3
    assert settings["dead_letter_queue.enable"] is False
    assert zone(program) == "+02:00"
    assert zone(load("plain")) is None
    assert program.inputs[1].options["receive_buffer_bytes"] == 8388608
    assert "receive_buffer_bytes" not in load("memory").inputs[1].options
    (data,) = received(program, "udp", b"no header")
    assert "no-syslog" in program.filter(Event(data)).tags()
    assert program.outputs[0].options["password"] == 'it"has$signs#{and}\\more'
    assert program.outputs[0].options["index"] == "other-index"
    program = in_container(rendered["files"]["memory"], tmp_path / "again")
    assert program.settings["queue.type"] == "memory"  # type: ignore[attr-defined]
    # Without a queue on the disk a forced end would lose events.
    assert program.settings["pipeline.unsafe_shutdown"] is False  # type: ignore[attr-defined]
    assert program.outputs[0].options["password"] == "it's"


def zone(program: Program) -> str | None:
    (date,) = [one for one in program.filters if one.name == "date"]
    found: str | None = date.options.get("timezone")
    return found


def test_the_pipeline_is_the_same_in_each_run(rendered: dict[str, Any]) -> None:
    files = rendered["files"]
    with_zone = files["utc"]["syslog.conf"].replace('        timezone => "UTC"\n', "")
    assert with_zone == files["plain"]["syslog.conf"]


def test_each_tag_is_documented(rendered: dict[str, Any]) -> None:
    tags = set(re.findall(r'"(_[a-z_]+)"', rendered["files"]["plain"]["syslog.conf"]))
    assert TAG in tags
    assert {tag for tag in tags if f"`{tag}`" not in DOCUMENTED.read_text()} == set()


def test_an_option_that_does_not_exist_is_reported(
    rendered: dict[str, Any], load: Callable[[str], Program]
) -> None:
    files = rendered["files"]
    files["wrong"] = {
        **files["plain"],
        "syslog.conf": files["plain"]["syslog.conf"].replace("ssl_enabled =>", "ssl_enable =>"),
    }
    with pytest.raises(ConfigurationError, match="Unknown setting 'ssl_enable'"):
        load("wrong")


@pytest.fixture
def through(utc: Program) -> Callable[[str], Event]:
    """Send one datagram through the input and the filters."""

    def send(text: str) -> Event:
        (data,) = received(utc, "udp", text.encode())
        return utc.filter(Event(data))

    return send


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_rfc_3164(through: Callable[[str], Event], end: str) -> None:
    line = "<34>Nov 21 00:00:01 myhost sshd[12]: text of it"
    event = through(line + end)
    assert event.data["message"] == "text of it"
    assert event.get("[event][original]") == line
    assert event.get("[host][hostname]") == "myhost"
    assert event.get("[process]") == {"name": "sshd", "pid": 12}
    assert event.get("[log][syslog][priority]") == 34
    assert "tags" not in event.data


HEAD = "<165>1 2026-11-21T00:00:01.123456+02:00 host.example.org app 77 ID47"
WHEN = "2026-11-20T22:00:01.123Z"
ONE = '[exampleSDID@32473 iut="3" eventSource="Application"]'
ESCAPED = r'[a@1 x="q\"u\]o\\"][b@2]'


@pytest.mark.parametrize(
    ("line", "message", "data"),
    [
        (f"{HEAD} - text of it", "text of it", None),
        (f"{HEAD} {ONE} text of it", "text of it", ONE),
        (f"{HEAD} {ESCAPED} text ] of it", "text ] of it", ESCAPED),
        (f"{HEAD} - \ufefftext of it", "text of it", None),
        (f"{HEAD} {ONE} \ufefftext of it", "text of it", ONE),
        (f"{HEAD} {ONE}", "", ONE),
        (f"{HEAD} -", "", None),
        (f"{HEAD} - ", "", None),
        (f"{HEAD} - false", "false", None),
        (f"{HEAD} - two\nlines", "two\nlines", None),
        (f"{len(HEAD) + 7} {HEAD} - text", "text", None),
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_rfc_5424(
    through: Callable[[str], Event], line: str, message: str, data: str | None, end: str
) -> None:
    event = through(line + end)
    assert event.data["message"] == message
    assert event.get("[event][original]") == line
    assert event.data["@timestamp"] == WHEN
    assert event.get("[host]") == {"ip": "192.0.2.7", "hostname": "host.example.org"}
    assert event.get("[process]") == {"name": "app", "pid": 77}
    assert event.get("[system][syslog][structured_data]") == data
    assert event.get("[log][syslog]") == {
        "priority": 165,
        "version": "1",
        "msgid": "ID47",
        "facility": {"code": 20, "name": "local4"},
        "severity": {"code": 5, "name": "Notice"},
    }
    assert event.tags() == []
    assert "@metadata" not in event.to_document()


def test_rfc_5424_with_no_values(through: Callable[[str], Event]) -> None:
    event = through("<0>1 - - - - - -")
    assert event.get("[log][syslog]") == {
        "priority": 0,
        "version": "1",
        "facility": {"code": 0, "name": "kernel"},
        "severity": {"code": 0, "name": "Emergency"},
    }
    assert event.get("[host]") == {"ip": "192.0.2.7"}
    assert event.get("[process]") is None
    assert event.tags() == ["_syslog_no_date"]


def test_rfc_5424_with_a_process_id_that_is_no_number(
    through: Callable[[str], Event],
) -> None:
    event = through("<34>1 2026-11-21T00:00:01Z host app main-1 - - text")
    assert event.get("[process]") == {"name": "app"}
    assert event.get("[log][syslog][procid]") == "main-1"


def test_facilities_have_the_same_names_in_both_formats(
    through: Callable[[str], Event],
) -> None:
    for priority in range(1, 192):
        old = through(f"<{priority}>Nov 21 00:00:01 h a: x").get("[log][syslog]")
        new = through(f"<{priority}>1 2026-11-21T00:00:01Z h a - - - x").get("[log][syslog]")
        assert {**old, "version": "1"} == new


@pytest.mark.parametrize(
    ("line", "message", "tags"),
    [
        ("just a line", "just a line", ["_syslog_no_priority", "_syslog_no_date", TAG]),
        ('<187>date=2026 level="error"', 'date=2026 level="error"', ["_syslog_no_date", TAG]),
        (
            "text with <34>1 2026-11-21T00:00:01Z host app - - - inside",
            "text with <34>1 2026-11-21T00:00:01Z host app - - - inside",
            ["_syslog_no_priority", "_syslog_no_date", TAG],
        ),
        (
            '<34>1 2026-11-21T00:00:01Z host app - - [open x="1" text',
            '[open x="1" text',
            ["_syslog_no_structured_data"],
        ),
        ("<34>1 2026-11-21T00:00:01Z host app - - false", "false", ["_syslog_no_structured_data"]),
        ("<34>Nov 21 00:00:01 host app: false", "false", []),
        ("<34>false", "false", ["_syslog_no_date", TAG]),
        (f"<34>1 2026-11-21T00:00:01Z {'h' * 1025} app - - - x", "x", ["_syslog_oversize"]),
    ],
)
def test_what_is_not_sure_is_tagged(
    through: Callable[[str], Event], line: str, message: str, tags: list[str]
) -> None:
    event = through(line)
    assert event.data["message"] == message
    assert event.get("[event][original]") == line
    assert event.tags() == tags
    assert event.get("[log][syslog][priority]") == (
        13 if "_syslog_no_priority" in tags else int(line[1:].partition(">")[0])
    )


def test_a_replay_makes_the_same_ids_and_equal_lines_have_different_ones(utc: Program) -> None:
    def ids(queue: list[str]) -> list[str]:
        events = [utc.filter(Event(json.loads(one))) for one in queue]
        return [str(event.get("[@metadata][id]")) for event in events]

    sent = b"<34>Nov 21 00:00:01 h app: x\n" * 20
    for transport in ("tcp", "udp"):
        # In the queue events stand as JSON.
        queue = [json.dumps(received(utc, transport, sent)[0]) for _ in range(20)]
        assert len(set(ids(queue))) == 20
        assert ids(queue) == ids(queue)
    assert utc.outputs[0].options["document_id"] == "%{[@metadata][id]}"
    queue = [json.dumps(one) for one in received(utc, "tcp", sent)]
    assert len(set(ids(queue))) == 20


def test_what_the_queue_has_from_before_an_update_is_not_parsed_again(utc: Program) -> None:
    """The input syslog made such events: a time in seconds, no port, and its own fields."""
    queued: dict[str, Any] = {
        "@timestamp": "2026-11-21T00:00:01.000Z",
        "@version": "1",
        "message": "<13>Nov 22 00:00:01 other su: x\n",
        "event": {"original": "<34>Nov 21 00:00:01 h app: <13>Nov 22 00:00:01 other su: x\n"},
        "host": {"ip": "192.0.2.7", "hostname": "h"},
        "process": {"name": "app"},
        "log": {"syslog": {"priority": 34, "facility": {"code": 4}, "severity": {"code": 2}}},
        "service": {"type": "system"},
    }
    events = [utc.filter(Event(json.loads(json.dumps(queued)))) for _ in range(20)]
    # Equal lines of one second would have the same id, and Elasticsearch would refuse all but one.
    assert len({event.get("[@metadata][id]") for event in events}) == 20
    assert events[0].to_document() == {
        **queued,
        "message": queued["message"].rstrip(),
        "event": {"original": queued["event"]["original"].rstrip()},
    }
    # The count of what the workers hold needs one filter that receives every event.
    assert utc.filters[0].events_in == max(one.events_in for one in utc.filters)


@pytest.mark.parametrize(
    ("date", "taken"),
    [
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ("9999-12-31T23:59:59z", "9999-12-31T23:59:59.000Z"),
        ("9998-12-31T23:59:59-01:00", "9999-01-01T00:59:59.000Z"),
        ("2026-11-21 00:00:01.9999 +01:00", "2026-11-20T23:00:01.999Z"),
        ("Nov 21 00:00:01.0000", "2026-11-21T00:00:01.000Z"),
        # The first or the last day, which the zone carries out of the four digits.
        ("9999-12-31T23:59:59-01:00", None),
        ("9999-12-31 23:59:59 -0100", None),
        ("0000-01-01T00:00:00+01:00", None),
        ("00-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59", None),
        ("Dec 31 9999 23:59:59", None),
        ("9999 Dec 31 23:59:59.123", None),
        ("Dec 31 23:59:59 9999", None),
        ("Jan  1 0000 00:00:00", None),
    ],
)
def test_no_zone_makes_a_year_that_elasticsearch_refuses(
    utc: Program,
    mappings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    date: str,
    taken: str | None,
) -> None:
    monkeypatch.setattr(dates, "now", lambda zone: datetime(2026, 11, 29, tzinfo=zone))
    monkeypatch.setattr(event_module, "timestamp_now", lambda: ARRIVED)
    (data,) = received(utc, "udp", f"<34>{date} h app: x".encode())
    event = utc.filter(Event(data))
    assert event.data["@timestamp"] == (taken or ARRIVED)
    assert event.tags() == ([] if taken else ["_syslog_no_date"])
    assert event.get("[host][hostname]") == "h"
    assert not syslog_truth.refused(mappings, event.to_document())


@pytest.mark.parametrize(
    "line",
    [
        "\r" * 20_000 + "x",
        "\0" * 20_000 + "x",
        "<34>" + " " * 20_000 + "x",
        "<34>1 2026-11-21T00:00:01Z " + "h" * 20_000,
        "<34>1 2026-11-21T00:00:01Z h a - - " + '[a b="c"]' * 2000 + "x",
        '<34>1 2026-11-21T00:00:01Z h a - - [a b="' + "\\" * 20_001,
        "<34>Nov 21 00:00:01 " + "a." * 10_000 + ":",
        "<34>" + "1:" * 10_000,
        "<34>" + "%A-" * 7000,
    ],
)
def test_no_line_takes_long(through: Callable[[str], Event], line: str) -> None:
    begin = time.process_time()
    through(line)
    assert time.process_time() - begin < 1


def test_no_repetition_takes_memory_for_each_character(utc: Program) -> None:
    """JRuby 9.4.13 needs none for (?>x*) with one class; a line of 20 MB ended it for (?m:.*)."""
    (grok,) = [one.options for one in utc.filters if one.name == "grok"]
    patterns = [*grok["match"]["message"], *grok["pattern_definitions"].values()]
    one_class = re.compile(r"\(\?>(?:\.| |\[(?:\\.|[^\]\\])+\])[*+]\)")
    in_a_class = re.compile(r"\[(?:\\.|[^\]\\])+\]|\\.")
    unbounded = [
        one for one in patterns if re.search(r"[*+]", in_a_class.sub("x", one_class.sub("", one)))
    ]
    # These need memory for each element, and the lookahead bounds their number.
    (data,) = unbounded
    assert data.startswith(r"(?!(?:(?>[^\x22\[\\]*)[\x22\[\\]){50000})(?>")


@pytest.mark.parametrize(
    ("quotes", "tags"), [(49_000, []), (50_000, ["_syslog_no_structured_data"])]
)
def test_structured_data_has_a_largest_size(
    through: Callable[[str], Event], quotes: int, tags: list[str]
) -> None:
    data = "[a" + ' b="c"' * (quotes // 2) + "]"
    event = through(f"{HEAD} {data} text")
    assert event.tags() == tags
    assert event.data["message"] == (f"{data} text" if tags else "text")
    assert event.get("[host][hostname]") == "host.example.org"


TRUTH = syslog_truth.load("syslog")
PEER = ("192.0.2.7", 40000)
ARRIVED = "2026-11-29T00:00:00.123456789Z"


@pytest.fixture(scope="module")
def mappings() -> dict[str, Any]:
    """The mappings of the index template, which hold no expressions."""
    template = ROOT / "roles" / "elasticsearch" / "templates" / "index_template.yml.j2"
    text = template.read_text()
    part = yaml.safe_load(textwrap.dedent(text[text.index("  mappings:") :]))
    mappings: dict[str, Any] = part["mappings"]
    return mappings


def received(program: Program, transport: str, sent: bytes) -> list[dict[str, Any]]:
    """What the input for this transport makes of what is sent, as the queue keeps it."""
    (one,) = [one for one in program.inputs if one.name == transport]
    assert isinstance(one, Input)
    events: list[dict[str, Any]] = []
    one.attach(events.extend)
    if transport == "udp":
        one.datagrams([(sent, PEER)])
    else:
        lines = Lines(one, PEER)
        lines.feed(sent)
        lines.end()
    return [json.loads(json.dumps(event)) for event in events]


def document(event: Event) -> dict[str, Any]:
    """The document for one event, with the words of the tables for what differs in each run."""
    found = event.to_document()
    if found["@timestamp"] == ARRIVED:
        found["@timestamp"] = syslog_truth.ARRIVAL
    assert found["host"]["ip"] == PEER[0]
    found["host"]["ip"] = syslog_truth.SENDER
    return found


@pytest.fixture(scope="module")
def utc(rendered: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Program:
    return in_container(rendered["files"]["utc"], tmp_path_factory.mktemp("utc") / "home")


@pytest.mark.parametrize("case", TRUTH, ids=[case.name for case in TRUTH])
def test_lines_become_what_the_real_logstash_makes_of_them(
    utc: Program,
    mappings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    case: syslog_truth.Case,
) -> None:
    monkeypatch.setattr(dates, "now", lambda zone: datetime(2026, 11, 29, tzinfo=zone))
    monkeypatch.setattr(event_module, "timestamp_now", lambda: ARRIVED)
    documents = [
        document(utc.filter(Event(data))) for data in received(utc, case.transport, case.sent)
    ]
    assert documents == case.documents
    refused = [n for n, one in enumerate(documents) if syslog_truth.refused(mappings, one)]
    assert tuple(refused) == case.refused


@pytest.mark.parametrize("transport", PROTOCOLS)
def test_the_smoke_test_finds_no_fault_in_its_lines(utc: Program, transport: str) -> None:
    sender = Sender()
    for line in make_lines("run1", 0, len(FORMATS), FORMATS, sender):
        end = b"\n" if transport == "tcp" else b""
        (data,) = received(utc, transport, line.wire.encode() + end)
        source = utc.filter(Event(data)).to_document()
        hit = make_hit({"_index": "i", "_id": "1", "_source": source})
        assert faults(line, hit, sender, TAG) == []
        # Only what is surely its own is deleted.
        assert is_own(hit, "run1", sender)
