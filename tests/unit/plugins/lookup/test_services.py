# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup finds roles, and evaluates their descriptions as the role itself would."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ansible_collections.elk.swarm.plugins.filter import (
    client_servers,
    publish_options,
    published_ports,
)
from ansible_collections.elk.swarm.plugins.lookup import services
from tests.harness.playbook import run_in_folder

if TYPE_CHECKING:
    from pathlib import Path

NEVER = "{{ lookup('ansible.builtin.file', '/does/not/exist') }}"
HELLO: dict[str, Any] = {
    "title": "Hello",
    "kind": "replicated",
    "hosts": "{{ hello_hosts }}",
    "replicas": "{{ hello_replicas }}",
    "ports": [{"name": "hello", "port": "{{ hello_port }}", "networks": "{{ hello_networks }}"}],
    "data": [{"name": "hello", "storage": "{{ hello_storage }}"}],
}
DEFAULTS = {
    "hello_hosts": "{{ groups['hello'] | default(base_hosts) }}",
    "hello_replicas": "{{ hello_hosts | length }}",
    "hello_port": 8443,
    "hello_networks": ["{{ hello_office }}"],
    "hello_office": "192.0.2.0/24",
    "hello_password": NEVER,
    "hello_storage": {"kind": "cifs", "password": NEVER},
}
MET = {
    "name": "plain_values",
    "where": "plain",
    "that": "{{ 1 < 2 }}",
    "wrong": NEVER,
    "fix": NEVER,
}
NOT_MET = {
    "name": "plain_values",
    "where": "plain_port",
    "that": "{{ 1 > 2 }}",
    "wrong": "{{ 1 }} is not more than 2.",
    "fix": "Set it to {{ 2 + 1 }}.",
}
# A condition that gives the last value in it, which may be a password.
NO_CONDITION = {**NOT_MET, "that": "{{ 'user' and 'a-password' }}"}
WITHOUT_ANSWER = {**NOT_MET, "that": "{{ 'many' | human_to_bytes > 2 }}"}
QUERIES = {
    "defaults": "'hello'",
    "inventory": "'hello'",
    "task": "'hello'",
    "fields": "'hello', fields=['hosts']",
    "secrets": "'plain', secrets=true",
    "leaving": "'hello', fields=['hosts']",
    "values": "'credentials', fields=['credentials'], secrets=true",
    "no_values": "'credentials', fields=['credentials']",
    "no_variable": "'no_variable', fields=['credentials'], secrets=true",
    "folder": "'folder'",
    "two": "'hello', 'plain'",
    "collection": "'elk.swarm.controller_of_nothing'",
    "checks": "'checks', fields=['checks']",
    "bad_check": "'bad_check', fields=['checks']",
    "unchecked": "'unchecked', unchecked=true, "
    "fields=['replicas', 'memory', 'ports', 'data', 'checks']",
    "unchecked_form": "'undefined_field', unchecked=true",
    "no_role": "'helo'",
    "no_file": "'base'",
    "undefined": "'undefined'",
    "wrong": "'wrong'",
    "no_collection": "'acme.tools.hello'",
}

# What tasks set.
VARIABLES: dict[str, dict[str, Any]] = {
    "task": {"hello_port": 17},
    "leaving": {"elk_hosts_leaving": "{{ ['m1'] }}"},
}


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def plain(**changes: Any) -> dict[str, Any]:
    storage = {"kind": "volume"}
    data = [{"name": "plain", "storage": storage}]
    return {"plain": {"title": "P", "kind": "global", "hosts": ["m1"], "data": data, **changes}}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The answers to all queries, or the errors."""
    folder = tmp_path_factory.mktemp("services")
    roles = folder / "roles"
    write(roles / "base" / "defaults" / "main.yml", {"base_hosts": ["m1", "w1"]})
    write(roles / "hello" / "meta" / "main.yml", {"dependencies": [{"role": "base"}]})
    write(roles / "hello" / "meta" / "service.yml", {"hello": HELLO})
    write(roles / "hello" / "defaults" / "main.yml", DEFAULTS)
    write(roles / "plain" / "meta" / "service.yml", plain())
    token = {"name": "plain_token", "secret": "s", "renewal": "r"}
    key = {**token, "name": "plain_key", "variable": "plain_key"}
    write(roles / "credentials" / "meta" / "service.yml", plain(credentials=[token, key]))
    write(roles / "credentials" / "defaults" / "main.yml", {"plain_key": "{{ 'of the role' }}"})
    write(roles / "no_variable" / "meta" / "service.yml", plain(credentials=[key]))
    write(roles / "folder" / "meta" / "service.yml", {"folder": HELLO | {"data": []}})
    write(roles / "folder" / "defaults" / "main" / "one.yml", DEFAULTS | {"hello_port": 1})
    write(roles / "folder" / "defaults" / "main" / "two.yml", {"hello_port": 2, "base_hosts": []})
    write(roles / "undefined" / "meta" / "service.yml", plain(hosts="{{ nobody_sets_this }}"))
    write(roles / "checks" / "meta" / "service.yml", plain(checks=[MET, NOT_MET]))
    write(roles / "bad_check" / "meta" / "service.yml", plain(checks=[WITHOUT_ANSWER]))
    odd = {"hello_replicas": "many", "hello_port": 65536, "hello_networks": "all"}
    odd_service = {**HELLO, "certificates": [{"name": "hello", "names": NEVER}]}
    odd_service |= {
        "memory": "{{ hello_memory }}",
        "checks": [NOT_MET, WITHOUT_ANSWER, NO_CONDITION],
    }
    write(roles / "unchecked" / "meta" / "service.yml", {"hello": odd_service})
    write(roles / "unchecked" / "defaults" / "main.yml", DEFAULTS | odd | {"hello_memory": 7})
    write(roles / "undefined_field" / "meta" / "service.yml", plain(imaeg="x"))
    write(roles / "wrong" / "meta" / "service.yml", plain(kind="daemon"))
    answers = folder / "answers"
    answers.mkdir()
    tasks: list[dict[str, Any]] = []
    for name, query in QUERIES.items():
        content = f"{{{{ query('elk.swarm.services', {query}) | to_json }}}}"
        host = "w1" if name == "inventory" else "m1"
        copy = {"content": content, "dest": str(answers / name), "mode": "0600"}
        task = {
            "name": name,
            "ansible.builtin.copy": copy,
            "when": f"inventory_hostname == '{host}'",
            # The next task notes the error, which is what the test compares.
            "ignore_errors": True,
            "register": name,
            "vars": VARIABLES.get(name, {}),
        }
        error = {
            "content": "{{ {'error': " + name + ".msg} | to_json }}",
            "dest": str(answers / name),
            "mode": "0600",
        }
        note = {
            "name": f"{name} failed",
            "ansible.builtin.copy": error,
            "when": f"{name} is failed",
        }
        tasks += [task, note]
    write(folder / "play.yml", [{"hosts": "all", "gather_facts": False, "tasks": tasks}])
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {"m1": {}, "w1": {"hello_replicas": "1", "hello_office": "198.51.100.0/24"}}
    write(folder / "hosts.yml", {"all": {"vars": local, "hosts": hosts}})
    run_in_folder(folder, "hosts.yml")
    return {path.name: json.loads(path.read_text()) for path in answers.iterdir()}


def test_a_role_beside_the_playbook_is_evaluated_with_its_defaults(found: dict[str, Any]) -> None:
    assert found["defaults"] == [
        {
            "name": "hello",
            "role": "hello",
            "title": "Hello",
            "kind": "replicated",
            "group": "hello",
            "hosts": ["m1", "w1"],
            "replicas": 2,
            "service": "hello",
            "purpose": "",
            "image": "",
            "memory": "",
            "labels": [],
            "ports": [
                {
                    "name": "hello",
                    "port": 8443,
                    "protocols": ["tcp"],
                    "publish": "host",
                    "tls": False,
                    "networks": ["192.0.2.0/24"],
                }
            ],
            "data": [{"name": "hello"}],
            "certificates": [],
            "credentials": [],
            "status": [],
            "upgrade": {"order": 50},
        }
    ]


def test_variables_of_the_host_and_of_the_task_win_over_defaults(found: dict[str, Any]) -> None:
    [service] = found["inventory"]
    assert (service["replicas"], service["ports"][0]["networks"]) == (1, ["198.51.100.0/24"])
    assert found["task"][0]["ports"][0]["port"] == 17


def test_only_what_is_asked_for_is_there(found: dict[str, Any]) -> None:
    assert set(found["fields"][0]) == {"name", "role", "title", "kind", "group", "hosts"}
    assert found["secrets"][0]["data"] == [{"name": "plain", "storage": {"kind": "volume"}}]


def test_a_host_that_leaves_the_platform_has_no_service(found: dict[str, Any]) -> None:
    assert found["leaving"][0]["hosts"] == ["w1"]


def test_values_of_credentials_are_those_that_the_role_sees(found: dict[str, Any]) -> None:
    token, key = found["values"][0]["credentials"]
    assert "value" not in token
    assert (key["value"], key["rotate"]) == ("of the role", "passwords")
    assert all("value" not in one for one in found["no_values"][0]["credentials"])


def test_texts_of_a_check_are_evaluated_only_where_it_fails(found: dict[str, Any]) -> None:
    [service] = found["checks"]
    assert service["checks"] == [
        {"name": "plain_values", "where": "plain", "that": True, "wrong": "", "fix": ""},
        {
            "name": "plain_values",
            "where": "plain_port",
            "that": False,
            "wrong": "1 is not more than 2.",
            "fix": "Set it to 3.",
        },
    ]
    assert "checks" not in found["secrets"][0]


def test_unchecked_values_come_with_their_variables(found: dict[str, Any]) -> None:
    [service] = found["unchecked"]
    assert (service["replicas"], service["memory"]) == ("many", 7)
    assert service["variables"]["replicas"] == "hello_replicas"
    assert service["variables"]["memory"] == "hello_memory"
    [port] = service["ports"]
    assert (port["port"], port["networks"], port["protocols"]) == (65536, "all", ["tcp"])
    assert port["variables"]["port"] == "hello_port"
    assert port["variables"]["publish"] == "hello.ports[0].publish of role unchecked"
    [data] = service["data"]
    assert data["name"] == "hello"
    assert "storage" not in data
    assert [one["that"] for one in service["checks"]] == [False, None, None]
    assert service["checks"][1]["wrong"].startswith("cannot be checked: ")
    assert "The condition gives neither true nor false." in service["checks"][2]["wrong"]
    assert "a-password" not in str(service)
    assert set(service["checks"][0]) == set(NOT_MET)


def test_defaults_may_be_a_folder(found: dict[str, Any]) -> None:
    [service] = found["folder"]
    assert (service["ports"][0]["port"], service["hosts"]) == (2, [])


def test_the_services_come_in_the_order_of_the_roles(found: dict[str, Any]) -> None:
    assert [one["name"] for one in found["two"]] == ["hello", "plain"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_role", "Role helo was not found. Tried were "),
        ("no_file", "Role base has no file "),
        ("bad_check", "roles/bad_check/meta/service.yml cannot be evaluated"),
        ("unchecked_form", "undefined_field/meta/service.yml: plain.imaeg: unknown, allowed are"),
        ("undefined", "'nobody_sets_this' is undefined"),
        ("undefined", "roles/undefined/meta/service.yml cannot be evaluated"),
        ("no_variable", "the variable plain_key of a credential is not set"),
        ("wrong", "roles/wrong/meta/service.yml: plain: value of kind must be one of"),
        ("collection", "Role elk.swarm.controller_of_nothing was not found. Tried were "),
        ("no_collection", "collection acme.tools is not installed"),
    ],
)
def test_an_error_says_what_is_wrong_and_where(found: dict[str, Any], name: str, says: str) -> None:
    assert says in found[name]["error"]


def test_the_examples_run(tmp_path: Path) -> None:
    plugins = (services, published_ports, client_servers, publish_options)
    tasks = [task for plugin in plugins for task in yaml.safe_load(plugin.EXAMPLES)]
    write(tmp_path / "play.yml", [{"hosts": "all", "gather_facts": False, "tasks": tasks}])
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    managers: dict[str, Any] = {"swarm_managers": {"hosts": {"m1": {}}}}
    write(tmp_path / "hosts.yml", {"all": {"vars": local}, **managers})
    output = run_in_folder(tmp_path, "hosts.yml")
    assert "msg: 5601" in output
    assert "msg: Logstash runs on m1" in output
    assert "172.16.0.0/12" in output
    assert "published_port: 5601" in output
