# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipeline language, its conditions and the check of options."""

from __future__ import annotations

import pytest
from logstash_stand_in import lang
from logstash_stand_in.conditions import compile_condition
from logstash_stand_in.errors import ConfigurationError
from logstash_stand_in.event import Event
from logstash_stand_in.options import check
from logstash_stand_in.pipeline import Program


def test_a_pipeline_becomes_a_tree() -> None:
    config = lang.parse("""
      # a comment
      input { syslog { port => 514 tags => ["a", 'b'] } udp { port => 1 codec => json { } } }
      filter {
        if [a] == "x" { mutate { add_field => { "k" => "v" "l" => 2 } } }
        else if [b] { mutate { } } else { }
      }
      """)
    first, second = config.inputs
    assert isinstance(first, lang.Plugin)
    assert isinstance(second, lang.Plugin)
    assert (first.name, first.options) == ("syslog", [("port", 514), ("tags", ["a", "b"])])
    codec = dict(second.options)["codec"]
    assert (codec.name, codec.kind) == ("json", "codec")
    (branch,) = config.filters
    assert isinstance(branch, lang.Branch)
    assert [test is None for test, _nodes in branch.arms] == [False, False, True]


def test_comments_stand_around_the_entries_of_a_hash() -> None:
    text = "filter { mutate { # a\nadd_field => { # b\n'a' => 1 # c\n} # d\nid => 'e' } }"
    (plugin,) = lang.parse(text).filters
    assert isinstance(plugin, lang.Plugin)
    assert plugin.options == [("add_field", {"a": 1}), ("id", "e")]


def test_strings_keep_their_backslashes() -> None:
    config = lang.parse(r"""filter { mutate { gsub => ["message", "[\r\n]+\z", ""] } }""")
    (plugin,) = config.filters
    assert isinstance(plugin, lang.Plugin)
    assert plugin.options == [("gsub", ["message", r"[\r\n]+\z", ""])]


@pytest.mark.parametrize(
    "text",
    [
        "input { syslog { port => 514 }",
        "input { syslog { port = 514 } }",
        "input { syslog { port => 514, host => 'a' } }",
        'input { syslog { host => "open } }',
        "inputs { }",
        "filter { if { mutate { } } }",
        "filter { mutate { add_field => { 'a' => 1 'a' => 2 } } }",
        "filter { mutate { add_field => { 'a' => 1\n# between\n'b' => 2 } } }",
        "filter { mutate { add_field => { 'a' => 1# no white space\n'b' => 2 } } }",
    ],
)
def test_syntax_errors_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        lang.parse(text)


def test_a_syntax_error_has_line_and_column() -> None:
    with pytest.raises(ConfigurationError, match=r"line 3, column 10 \(byte 29\)"):
        lang.parse("input {\n  syslog {\n    port = 514\n  }\n}\n")


EVENT = {
    "message": "ab\ncd",
    "tags": ["x", "y"],
    "n": 5,
    "zero": 0,
    "empty": "",
    "no": False,
    "a": {"b": "deep"},
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('[a][b] == "deep"', True),
        ('[a][b] != "deep"', False),
        ('"x" in [tags]', True),
        ('"z" not in [tags]', True),
        ("[n] in [4, 5]", True),
        ('"dee" in [a][b]', True),
        ('"x" in [missing]', False),
        ("[n] >= 5 and [n] < 6", True),
        ("[missing] < 6", False),
        ("[zero] and [n]", True),
        ("[empty]", False),
        ("[no] or [missing]", False),
        ("![missing]", True),
        ('!("x" in [tags])', False),
        ("[message] =~ /^cd$/", True),
        ("[message] =~ /ab.cd/", False),
        ('[message] !~ "q"', True),
        ("[missing] =~ /a/", False),
        ('[n] == 5 or [n] == 6 and [a][b] == "no"', True),
        ('([n] == 5 or [n] == 6) and [a][b] == "no"', False),
    ],
)
def test_conditions(condition: str, expected: bool) -> None:
    config = lang.parse(f"filter {{ if {condition} {{ mutate {{ }} }} }}")
    (branch,) = config.filters
    assert isinstance(branch, lang.Branch)
    test = branch.arms[0][0]
    assert test is not None
    assert compile_condition(test)(Event(dict(EVENT))) is expected


def options_of(text: str, environment: dict[str, str] | None = None) -> dict[str, object]:
    config = lang.parse(text)
    (node,) = [*config.inputs, *config.filters, *config.outputs]
    assert isinstance(node, lang.Plugin)
    return check(node, environment or {})


def test_options_are_typed_and_have_defaults() -> None:
    options = options_of(
        'output { elasticsearch { hosts => "https://a:9200" timeout => "15" '
        'ssl_enabled => true password => "${PW}-${MORE:x}" } }',
        {"PW": "s"},
    )
    assert options["hosts"] == ["https://a:9200"]
    assert options["timeout"] == 15
    assert options["ssl_enabled"] is True
    assert options["password"] == "s-x"
    assert options["retry_max_interval"] == 64
    assert options["codec"] == ("plain", {"charset": "UTF-8", "enable_metric": True})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input { syslog { prot => 514 } }", "Unknown setting 'prot' for syslog"),
        ("input { syslog { debug => true } }", "obsolete"),
        ("input { syslog { port => many } }", "Expected number"),
        ("input { syslog { use_labels => 1 } }", "Expected boolean"),
        ("input { tcp { } }", "Missing a required setting for the tcp input plugin"),
        ("input { kafka { } }", "Couldn't find any input plugin named 'kafka'"),
        ("filter { mutate { add_field => [1] } }", "even number"),
        ("output { elasticsearch { ssl => true } }", "obsolete"),
        ('output { elasticsearch { ssl_verification_mode => "certificate" } }', "Expected one of"),
        (
            'output { elasticsearch { ssl_certificate_authorities => "/nowhere/ca.crt" } }',
            "File does not exist",
        ),
        ('output { elasticsearch { user => "${NOBODY}" } }', "Cannot evaluate"),
    ],
)
def test_wrong_options_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        options_of(text)


@pytest.mark.parametrize(
    "options",
    [
        'user => "a" password => "b" api_key => "c"',
        'user => "a"',
        'action => "delete"',
        'data_stream => "true" index => "x"',
        'hosts => ["http://a:9200"] ssl_enabled => true',
        'hosts => ["https://a:9200"] ssl_enabled => false',
    ],
)
def test_the_elasticsearch_output_refuses_contradictory_options(options: str) -> None:
    with pytest.raises(ConfigurationError):
        Program(
            "input { udp { port => 1 } } output { elasticsearch { manage_template => false "
            + options
            + " } }",
            "test",
            "main",
            {},
        )


def test_two_plugins_may_not_share_an_id() -> None:
    with pytest.raises(ConfigurationError, match="id a"):
        Program(
            'input { udp { id => "a" port => 1 } } filter { mutate { id => "a" } }',
            "test",
            "main",
            {},
        )
