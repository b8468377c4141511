# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role preflight hands over of the services, and what the checks make of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.examine import examine
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import Host, Site
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import GIB
from ansible_collections.elk.swarm.plugins.module_utils.platform.service_settings import (
    ServiceSettings,
)
from repo import ROOT
from tests.unit.roles.evaluation import Case, evaluate

if TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import Finding

HELLO: dict[str, Any] = {
    "hello": {
        "title": "Hello",
        "kind": "replicated",
        "group": "greeters",
        "hosts": "{{ hello_hosts }}",
        "replicas": "{{ hello_replicas }}",
        "purpose": "says hello",
        "image": "{{ hello_image }}",
        "memory": "{{ hello_memory }}",
        "ports": [{"name": "hello", "port": "{{ hello_port }}", "networks": ["192.0.2.0/24"]}],
        "data": [{"name": "hello", "storage": "{{ hello_storage }}"}],
        "certificates": [{"name": "hello", "names": [], "config": "hello-c", "secret": "hello-k"}],
        "credentials": [
            {
                "name": "hello_password",
                "variable": "hello_password",
                "user": "greeter",
                "secret": "hello-ini",
                "renewal": "everybody must then log in again",
            }
        ],
        "checks": [
            {
                "name": "hello_values",
                "where": "hello_word",
                "that": "{{ hello_word is match('[a-z]+') }}",
                "wrong": "{{ hello_word }} is no word.",
                "fix": "Use small letters.",
            }
        ],
    }
}
DEFAULTS = {
    "hello_hosts": ["m1"],
    "hello_replicas": 1,
    "hello_image": "hello:1",
    "hello_memory": "64m",
    "hello_port": 8443,
    "hello_storage": {"kind": "bind"},
    "hello_password": "not-to-be-seen",
    "hello_word": "hello",
}
SPECS = {
    "argument_specs": {
        "main": {
            "options": {
                "hello_port": {"type": "int"},
                "hello_hosts": {"type": "list"},
                "hello_password": {"type": "str"},
            }
        }
    }
}
# What a test sets, and the check and the place of each problem.
WRONG: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "nothing": ({}, []),
    "port": ({"hello_port": 65536}, [("port_numbers", "hello_port")]),
    "same port": ({"hello_port": 9200}, [("port_numbers", "elk_elasticsearch_port, hello_port")]),
    "taken port": ({"hello_port": 8080}, [("ports", "m1")]),
    "image": ({"hello_image": "hello"}, [("images", "hello_image")]),
    "memory": ({"hello_memory": "99g"}, [("memory", "m1"), ("memory", "kibana_memory")]),
    "size": ({"hello_memory": "much"}, [("sizes", "hello_memory")]),
    "replicas": ({"hello_replicas": 2}, [("replicas", "hello_replicas")]),
    "none": ({"hello_replicas": 0}, [("no_replicas", "hello_replicas")]),
    "storage": ({"hello_storage": {"kind": "plugin"}}, [("storage", "hello_storage.plugin")]),
    "word": ({"hello_word": "HELLO"}, [("hello_values", "hello_word")]),
}
EXPRESSIONS = {
    "services": "__preflight_services",
    "of_host": "__preflight_host_services",
    "ports": "__preflight_ports",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("preflight")
    role = folder / "roles" / "hello"
    for name, content in (
        ("meta/service.yml", HELLO),
        ("meta/argument_specs.yml", SPECS),
        ("defaults/main.yml", DEFAULTS),
    ):
        (role / name).parent.mkdir(parents=True, exist_ok=True)
        (role / name).write_text(json.dumps(content))
    secrets = folder / "secrets"
    secrets.mkdir()
    for name in ("hello_password", "logstash_password", "kibana_token"):
        (secrets / name).write_text(f"{name} of this platform\n")
    cases = [
        Case(f"{name} {part}", expression, values)
        for name, (values, _problems) in WRONG.items()
        for part, expression in EXPRESSIONS.items()
    ]
    more = {
        "data": "__preflight_data",
        "options": "__preflight_options | list",
        "variables": "__preflight_secret_variables",
        "certificates": "__preflight_certificates",
        "logins": "__preflight_service_logins",
    }
    return evaluate(
        folder,
        [*cases, *(Case(name, expression) for name, expression in more.items())],
        groups={
            "swarm_managers": {"hosts": {"m1": {"elk_logstash_password": "set"}}},
            "greeters": {"hosts": {"m1": {}}},
        },
        local_dir=secrets,
        variables={
            "elk_additional_service_roles": ["hello"],
            "elk_data_dir": "/srv/elk",
            "elk_node_name": "m1",
        },
        vars_files=[ROOT / "roles" / role / "vars" / "main.yml" for role in ("elk", "preflight")],
    )["m1"]


def findings(found: dict[str, Any], name: str) -> list[Finding]:
    services = [ServiceSettings.from_dict(one) for one in found[f"{name} services"]]
    survey = {
        "memory": 16 * GIB,
        "ipvs": True,
        "listeners": [{"port": 8080, "protocol": "tcp", "process": "java"}],
        "distribution": {"id": "debian", "version": "13", "family": "debian"},
        "nodename": "m1",
        "addresses": ["192.0.2.1"],
    }
    declared = {"address": "192.0.2.1", "node_name": "m1", "services": found[f"{name} of_host"]}
    settings = {"elk_data_dir": "/srv/elk", "swarm_listen_port": 2377}
    groups = {"swarm_managers": ["m1"], "greeters": ["m1"]}
    site = Site(groups, {"m1": Host("m1", declared, survey)}, settings, services=services)
    return [one for one in examine(site) if not one.warning]


@pytest.mark.parametrize("name", WRONG)
def test_a_service_of_the_operator_is_checked(found: dict[str, Any], name: str) -> None:
    _values, problems = WRONG[name]
    assert [(one.check, one.where) for one in findings(found, name)] == problems


def test_messages_name_the_variable_and_the_service(found: dict[str, Any]) -> None:
    (taken,) = findings(found, "taken port")
    assert taken.wrong == "port 8080/tcp (hello_port) is taken by java."
    (none,) = findings(found, "none")
    assert none.wrong == "is 0, so that nothing says hello."
    (replicas,) = findings(found, "replicas")
    assert "put more hosts into the group greeters" in replicas.mend
    (word,) = findings(found, "word")
    assert (word.wrong, word.mend) == ("HELLO is no word.", "Use small letters.")


def test_a_check_of_a_service_can_be_accepted(found: dict[str, Any]) -> None:
    services = [ServiceSettings.from_dict(one) for one in found["word services"]]
    site = Site({"swarm_managers": ["m1"]}, {}, {}, services=services)
    accepted = examine(site, ["hello_values"])
    assert [one.warning for one in accepted if one.check == "hello_values"] == [True]
    assert not [one for one in accepted if one.check == "accept"]
    # A playbook that compares only the controller knows no conditions of services.
    assert examine(Site({}, {}, {}), ["hello_values"], only=["local_dir"]) == []


def test_what_the_host_is_asked_for(found: dict[str, Any]) -> None:
    assert found["nothing ports"] == [9200, 514, 5601, 8443]
    assert found["data"] == [f"/srv/elk/{name}" for name in ("elasticsearch", "logstash", "hello")]
    assert {"hello_port", "hello_hosts", "kibana_port", "pki_valid_days"} <= set(found["options"])
    assert not {"hello_password", "elk_logstash_password"} & set(found["options"])


def test_the_secrets_of_services(found: dict[str, Any]) -> None:
    assert found["variables"]["hello_password"] == "hello_password"
    assert found["variables"]["logstash_password"] == "elk_logstash_password"
    assert "kibana_token" not in found["variables"]
    assert found["certificates"] == {"kibana": "kibana", "hello": "hello"}
    # The inventory sets the password of Logstash, and a new value may differ from the present one.
    assert found["logins"] == [
        {"name": "kibana_token", "username": None, "values": ["kibana_token of this platform"]},
        {
            "name": "hello_password",
            "username": "greeter",
            "values": ["hello_password of this platform"],
        },
    ]
    for name, value in found.items():
        assert name == "logins" or "not-to-be-seen" not in json.dumps(value)
