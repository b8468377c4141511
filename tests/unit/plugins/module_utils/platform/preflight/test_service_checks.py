# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service of an operator cannot take over names, labels, files or checks of the platform."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.examine import (
    checks_of,
    examine,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Host,
    Site,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.service_settings import (
    ServiceSettings,
    as_given,
)
from tests.unit.plugins.module_utils.platform.preflight.described import described

HELLO = {
    "title": "Hello",
    "kind": "replicated",
    "hosts": ["m1"],
    "replicas": 1,
    "service": "greeter",
    "labels": ["elk.hello"],
    "ports": [{"name": "hello", "port": 8443}],
    "data": [{"name": "hello", "storage": {}}],
    "certificates": [{"name": "hello", "names": ["hello"]}],
    "credentials": [{"name": "hello_password", "secret": "hello-ini", "renewal": "logs out"}],
}
SETTINGS = {"kibana_service_name": "kibana", "logstash_service_name": "logshipper"}


def site(name: str = "hello", **changes: Any) -> Site:
    raw = {name: {**HELLO, **changes}}
    own = [ServiceSettings.from_dict(one) for one in as_given(raw, raw, "hello", "service.yml")]
    return Site(groups={}, hosts={}, settings={}, services=[*described(SETTINGS), *own])


def condition(name: str) -> dict[str, Any]:
    return {"name": name, "where": "x", "that": True, "wrong": "", "fix": ""}


def problems(site: Site) -> list[Finding]:
    return examine(site, only=["service_names"])


def test_a_service_with_names_of_its_own_is_accepted() -> None:
    assert problems(site(checks=[condition("hello_values")])) == []


@pytest.mark.parametrize(("unit", "taken"), [("greeter.service", 0), ("other.service", 1)])
def test_a_port_of_its_own_unit_is_not_taken(unit: str, taken: int) -> None:
    listener = {"port": 8443, "protocol": "tcp", "process": "python3", "unit": unit}
    found = site(kind="host", replicas=None)
    host = Host("m1", {}, {"listeners": [listener], "docker": {"swarm": {"state": "active"}}})
    of_host = replace(found, groups={"swarm_managers": ["m1"]}, hosts={"m1": host})
    assert len(examine(of_host, only=["ports"])) == taken


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"labels": ["elk.es"]}, "elasticsearch and hello describe the same label elk.es."),
        ({"labels": ["elk.kibana"]}, "kibana and hello describe the same label elk.kibana."),
        ({"labels": ["elk.joining"]}, "hello: the platform itself uses the label elk.joining."),
        (
            {"labels": ["elk.es.restarted"]},
            "hello: the platform itself uses the label elk.es.restarted.",
        ),
        ({"labels": ["hello"]}, "hello.labels: hello must begin with elk. and have small letters "),
        ({"service": "kibana"}, "kibana and hello describe the same Swarm service kibana."),
        (
            {"ports": [{"name": "syslog", "port": 514}]},
            "logstash and hello describe the same port syslog.",
        ),
        ({"data": [{"name": "logstash", "storage": {}}]}, "hello.data[0].name: logstash must be "),
        (
            {"certificates": [{"name": "kibana", "names": ["kibana"]}]},
            "hello.certificates[0].name: kibana must be hello or begin with hello_.",
        ),
        (
            {"credentials": [{"name": "elastic_password", "secret": "x", "renewal": "x"}]},
            "hello: the platform itself uses the credential elastic_password.",
        ),
        (
            {"credentials": [{"name": "kibana_token", "secret": "x", "renewal": "x"}]},
            "kibana and hello describe the same credential kibana_token.",
        ),
        ({"checks": [condition("memory")]}, "hello: preflight itself has a check memory."),
        (
            {"checks": [condition("hello_password")]},
            "hello: a check and a credential have the same name hello_password.",
        ),
    ],
)
def test_a_name_that_is_in_use_is_refused(changes: dict[str, Any], wrong: str) -> None:
    found = [finding.wrong for finding in problems(site(**changes))]
    assert any(one.startswith(wrong) for one in found), found


def test_a_service_of_the_same_name_is_refused() -> None:
    [finding] = [
        one
        for one in problems(site("kibana", data=[], certificates=[]))
        if "the same se" in one.wrong
    ]
    assert finding.where == "elk_additional_service_roles"
    assert finding.wrong == "kibana and hello describe the same service kibana."


def test_a_service_replaces_no_check_of_preflight() -> None:
    ours, theirs = checks_of(site()), checks_of(site(checks=[condition("memory")]))
    assert theirs["memory"] is ours["memory"]
