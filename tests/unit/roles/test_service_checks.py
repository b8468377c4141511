# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that roles of services describe, for themselves and for preflight."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.roles.evaluation import Case, evaluate

if TYPE_CHECKING:
    from pathlib import Path

LOGSTASH = "query('elk.swarm.services', 'elk.swarm.logstash', fields=['checks'], unchecked=true)"
KIBANA = "query('elk.swarm.services', 'elk.swarm.kibana', fields=['checks'], unchecked=true)"
# The variable, its value, the check, what it says and how to fix it, as regular expressions.
BAD: list[tuple[str, Any, str, str, str]] = [
    ("elk_syslog_index", "Syslog", "role_names", "^'Syslog' is no name that fits", "small letters"),
    ("elk_logstash_user", "log stash", "role_names", "no name that fits", "letters, digits"),
    ("logstash_unparsed_tag", "a b", "role_names", "no name that fits", "letters, digits"),
    ("logstash_unparsed_tag", "a\n", "role_names", "no name that fits", "letters, digits"),
    ("logstash_syslog_timezone", "Europe/Nowhere", "role_names", "is no time zone", "UTC"),
    (
        "logstash_heap",
        "800m",
        "logstash_values",
        "^1g is less than logstash_heap .800m. and 300m together, so the kernel would end Logstash",
        "^Set logstash_memory to 1100m or more, or lower logstash_heap.$",
    ),
    (
        "logstash_stop_grace_period",
        "60",
        "logstash_values",
        "60 s is not more than logstash_retry_max_interval .64 s. and 10 s together",
        "75 or more",
    ),
    ("logstash_stop_grace_period", 0, "logstash_values", "^0 s is not more than", "75 or more"),
    (
        "logstash_queue_max_bytes",
        "32mb",
        "logstash_values",
        "32mb is less than one page of the queue .logstash_queue_page_capacity, 64mb.",
        "64mb or more",
    ),
    ("elk_logstash_password", "both ' and \"", "logstash_values", "no escaping", "kinds of quotes"),
    ("elk_logstash_password", "a${b}", "logstash_values", "no escaping", "kinds of quotes"),
    ("elk_logstash_password", "a\\", "logstash_values", "no escaping", "kinds of quotes"),
    ("elk_logstash_password", "a\nb", "logstash_values", "no escaping", "kinds of quotes"),
    ("elk_logstash_password", "", "logstash_values", "no escaping", "kinds of quotes"),
    ("kibana_public_base_url", "logs.example.org", "kibana_values", "no address", "like https"),
    ("kibana_public_base_url", "https://a.example.org/", "kibana_values", "no address", "like"),
    ("kibana_public_base_url", "https://me@example.org", "kibana_values", "no address", "like"),
    ("kibana_public_base_url", "https://a.example/b?c=d", "kibana_values", "no address", "like"),
    (
        "kibana_settings",
        {"server.rewriteBasePath": "true"},
        "kibana_values",
        "only below its base path",
        "Let the proxy remove",
    ),
    ("kibana_reporting_key", "short", "kibana_values", "^has 5 characters", "a longer one"),
    ("kibana_encryption_key", 12345, "kibana_values", "^has 5 characters", "a longer one"),
]
URL = {"kibana_public_base_url": "https://logs.example.org/kibana"}
MORE = [
    Case("logstash defaults", LOGSTASH),
    Case("kibana defaults", KIBANA),
    Case(
        "short retries",
        LOGSTASH,
        {"logstash_retry_max_interval": 5, "logstash_stop_grace_period": 25},
    ),
    Case("both reasons", LOGSTASH, {"logstash_stop_grace_period": 20}),
    Case("other path", KIBANA, {**URL, "kibana_settings": {"server.basePath": "/logs"}}),
    Case(
        "no path",
        KIBANA,
        {
            "kibana_public_base_url": "https://logs.example.org",
            "kibana_settings": {"server.basePath": "/logs"},
        },
    ),
    Case("empty path", KIBANA, {**URL, "kibana_settings": {"server.basePath": ""}}),
    Case("same path", KIBANA, {**URL, "kibana_settings": {"server.basePath": "/kibana"}}),
    *(
        Case(f"zone {zone}", LOGSTASH, {"logstash_syslog_timezone": zone})
        for zone in ("", "UTC", "+02:00", "Europe/Berlin")
    ),
    Case("own password", LOGSTASH, {"elk_logstash_password": 'with "one" kind'}),
    Case("no size", LOGSTASH, {"logstash_heap": "plenty"}),
    Case(
        "sentences",
        LOGSTASH.replace(", unchecked=true", "") + " | elk.swarm.failed_checks",
        {"logstash_queue_max_bytes": "32mb"},
    ),
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The checks of all cases, from one run of Ansible."""
    folder: Path = tmp_path_factory.mktemp("checks")
    cases = [
        Case(f"{name} {value}", KIBANA if name.startswith("kibana") else LOGSTASH, {name: value})
        for name, value, *_rest in BAD
    ]
    groups: dict[str, Any] = {"swarm_managers": {"hosts": {"m1": {}}}}
    variables = {"elk_make_secrets": False}
    found = evaluate(folder, [*cases, *MORE], groups=groups, local_dir=folder, variables=variables)
    return found["m1"]


def failed(services: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for service in services for one in service["checks"] if one["that"] is not True]


@pytest.mark.parametrize(("name", "value", "check", "wrong", "fix"), BAD)
def test_a_wrong_value(
    answers: dict[str, Any], name: str, value: Any, check: str, wrong: str, fix: str
) -> None:
    (found,) = failed(answers[f"{name} {value}"])
    where = "logstash_memory" if name == "logstash_heap" else name
    assert (found["name"], found["where"], found["that"]) == (check, where, False)
    assert re.search(wrong, found["wrong"])
    assert re.search(fix, found["fix"])
    assert found["wrong"].endswith(".")
    assert found["fix"].endswith(".")


@pytest.mark.parametrize(
    "name",
    [
        "logstash defaults",
        "kibana defaults",
        "same path",
        "own password",
        "zone ",
        "zone UTC",
        "zone +02:00",
        "zone Europe/Berlin",
    ],
)
def test_good_values(answers: dict[str, Any], name: str) -> None:
    (service,) = answers[name]
    assert service["checks"]
    assert failed([service]) == []
    assert {one["wrong"] + one["fix"] for one in service["checks"]} == {""}


def test_a_stop_needs_time_although_retries_are_short(answers: dict[str, Any]) -> None:
    (found,) = failed(answers["short retries"])
    assert "25 s is not more than 25 s" in found["wrong"]
    assert "26 or more" in found["fix"]
    (found,) = failed(answers["both reasons"])
    assert found["fix"] == "Set it to 75 or more."


def test_a_base_path_is_that_of_the_public_address(answers: dict[str, Any]) -> None:
    (found,) = failed(answers["other path"])
    assert found["wrong"] == (
        "server.basePath is /logs, and kibana_public_base_url (https://logs.example.org/kibana) "
        "has the path /kibana: Kibana does not start with two paths."
    )
    (found,) = failed(answers["no path"])
    assert "(https://logs.example.org) has no path: Kibana" in found["wrong"]
    (found,) = failed(answers["empty path"])
    assert found["wrong"].startswith("server.basePath is empty, and kibana_public_base_url (")


def test_a_value_that_a_condition_cannot_use(answers: dict[str, Any]) -> None:
    (unknown,) = failed(answers["no size"])
    assert (unknown["where"], unknown["that"]) == ("logstash_memory", None)
    assert unknown["wrong"].startswith("cannot be checked: ")


def test_the_role_says_the_same(answers: dict[str, Any]) -> None:
    (sentence,) = answers["sentences"]
    assert sentence.startswith("logstash_queue_max_bytes: 32mb is less than one page of the queue")
    assert sentence.endswith("64mb). Set it to 64mb or more.")
