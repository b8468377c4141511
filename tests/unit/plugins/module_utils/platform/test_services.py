# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The descriptions of services, with what makes one wrong."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.elk.swarm.plugins.lookup import services as lookup
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    ALL,
    ALWAYS,
    CERTIFICATE,
    CHECK,
    CREDENTIAL,
    DATA,
    PORT,
    Certificate,
    Check,
    Credential,
    Data,
    Port,
    Service,
    ServiceError,
    Upgrade,
    check_names,
    parse,
    published_on,
    reduced,
    staying,
)
from repo import ROOT

HELLO: dict[str, Any] = {
    "title": "Hello",
    "kind": "replicated",
    "hosts": ["m1", "w1"],
    "replicas": "2",
    "labels": ["elk.hello"],
    "ports": [
        {"name": "hello", "port": "8443", "networks": ["192.0.2.0/24"], "publish": "ingress"},
        {"name": "admin", "port": 8444, "protocols": ["tcp", "udp"]},
    ],
    "data": [{"name": "hello", "storage": {"kind": "bind"}}, {"name": "hello_wal", "storage": {}}],
    "certificates": [{"name": "hello", "names": ["hello", "hello.example.org"], "config": "h-crt"}],
    "credentials": [
        {"name": "hello_password", "secret": "hello-ini", "renewal": "nothing breaks", "user": "h"},
    ],
    "service": "greeter",
    "purpose": "says hello",
    "image": "hello:1",
    "memory": "64m",
    "checks": [
        {"name": "hello_values", "where": "hello_port", "that": True, "wrong": "", "fix": ""},
    ],
}


def read(**changes: Any) -> Service:
    description = {key: one for key, one in {**HELLO, **changes}.items() if one != "left out"}
    [service] = parse({"hello": description}, "acme.tools.hello", "hello/meta/service.yml")
    return service


def test_values_get_their_types_and_fields_their_defaults() -> None:
    assert read() == Service(
        name="hello",
        role="acme.tools.hello",
        title="Hello",
        kind="replicated",
        group="hello",
        hosts=("m1", "w1"),
        replicas=2,
        labels=("elk.hello",),
        ports=(
            Port("hello", 8443, ("tcp",), "ingress", ("192.0.2.0/24",)),
            Port("admin", 8444, ("tcp", "udp"), "host", ()),
        ),
        data=(Data("hello", {"kind": "bind"}), Data("hello_wal", {})),
        certificates=(Certificate("hello", ("hello", "hello.example.org"), "h-crt"),),
        credentials=(Credential("hello_password", "hello-ini", "nothing breaks", user="h"),),
        service="greeter",
        purpose="says hello",
        image="hello:1",
        memory="64m",
        checks=(Check("hello_values", "hello_port", that=True),),
    )


def test_a_file_may_describe_several_services() -> None:
    agent = {"title": "Agent", "kind": "host", "hosts": ["m1"]}
    found = parse({"hello": HELLO, "agent": agent}, "hello", "service.yml")
    assert [(one.name, one.kind, one.replicas) for one in found] == [
        ("hello", "replicated", 2),
        ("agent", "host", 0),
    ]


def test_a_dictionary_and_back() -> None:
    service = read(group="watch")
    assert Service.from_dict(service.as_dict(secrets=True)) == service
    assert service.as_dict()["data"] == [{"name": "hello"}, {"name": "hello_wal"}]
    assert service.as_dict(frozenset({"hosts"})) == {
        "name": "hello",
        "role": "acme.tools.hello",
        "title": "Hello",
        "kind": "replicated",
        "group": "watch",
        "hosts": ["m1", "w1"],
    }


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"hostz": []},
            "hello.hostz: unknown, allowed are certificates, checks, credentials, data, group, ",
        ),
        ({"title": "left out"}, "hello: missing required arguments: title"),
        ({"title": None}, "hello.title: has no value"),
        (
            {"kind": "daemon"},
            "hello: value of kind must be one of: replicated, global, per_host, host, got: daemon",
        ),
        ({"replicas": "many"}, "hello: argument 'replicas' is of type"),
        ({"replicas": "left out"}, "hello.replicas: is missing, and kind replicated needs it"),
        (
            {"kind": "global"},
            "hello.replicas: only kind replicated has it, and the kind is global",
        ),
        ({"upgrade": {"first": True}}, "hello: upgrade.first. Supported parameters include: order"),
        (
            {"credentials": [{**HELLO["credentials"][0], "rotate": "keys"}]},
            "hello.credentials[0]: value of rotate must be one of: passwords, encryption_keys",
        ),
        ({"labels": ["node.hello"]}, "hello.labels: node.hello must begin with elk."),
        ({"ports": ["8443"]}, "hello: Elements value for option 'ports'"),
        ({"ports": [{"name": "hello"}]}, "hello.ports[0]: missing required arguments: port"),
        (
            {"ports": [{"name": "hello", "port": 1, "protocol": "tcp"}]},
            "hello.ports[0].protocol: unknown, allowed are name, networks, port, protocols",
        ),
        (
            {"ports": [HELLO["ports"][0], {"name": "x", "port": 1, "publish": "mesh"}]},
            "hello.ports[1]: value of publish must be one of: host, ingress, got: mesh",
        ),
        ({"ports": [{"name": "h1", "port": 1}]}, "hello.ports[0].name: h1 must have small"),
        (
            {"ports": [{"name": "h", "port": 65536}]},
            "hello.ports[0].port: 65536 is not between 1 and 65535",
        ),
        (
            {"kind": "host", "replicas": "left out"},
            "hello.ports[0].publish: ingress needs a service of the swarm, and the kind is host",
        ),
        (
            {"kind": "host", "replicas": "left out", "ports": []},
            "hello.image: needs a service of the swarm, and the kind is host; hello.labels: needs",
        ),
        (
            {"certificates": [{"name": "kibana", "names": []}]},
            "hello.certificates[0].name: kibana must be hello or begin with hello_",
        ),
        (
            {"credentials": [{"name": "../x", "secret": "a", "renewal": "b"}]},
            "hello.credentials[0].name: ../x must have small letters",
        ),
        (
            {"checks": [{"name": "a", "where": "b", "that": True}]},
            "hello.checks[0]: missing required arguments: fix, wrong",
        ),
        (
            {"status": ["health"]},
            "hello: value of status must be one or more of: elasticsearch_cluster, logstash_queue,",
        ),
        (
            {"status": ["logstash_queue"], "data": []},
            "hello.status: logstash_queue needs an entry of data with the queue",
        ),
        (
            {"data": [{"name": "../etc", "storage": {}}]},
            "hello.data[0].name: ../etc must be hello or begin with hello_",
        ),
    ],
)
def test_an_error_names_role_file_path_and_what_is_allowed(
    changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        read(**changes)
    begin = f"Role acme.tools.hello, hello/meta/service.yml: {says}"
    assert str(caught.value)[: len(begin)] == begin


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "it must be a dictionary of services by name"),
        ([HELLO], "it must be a dictionary of services by name"),
        ({"hello": None}, "hello: must be a dictionary with certificates, checks, cre"),
        ({"Hello": HELLO}, "Hello: must be three or more small letters"),
        # Its volumes would be those of Logstash.
        ({"ls": {"title": "L", "kind": "global", "hosts": []}}, "ls: must be three or more"),
    ],
)
def test_a_file_of_another_form_is_an_error(content: Any, says: str) -> None:
    with pytest.raises(ServiceError, match=says):
        parse(content, "hello", "service.yml")


def test_all_problems_of_a_file_are_in_one_error() -> None:
    with pytest.raises(ServiceError) as caught:
        read(titel="x", kind="daemon")
    assert "hello.titel: unknown" in str(caught.value)
    assert "value of kind" in str(caught.value)


def test_secrets_are_removed_before_they_are_evaluated() -> None:
    raw = {"hello": {**HELLO, "data": [{"name": "hello", "storage": "{{ a_vault }}"}]}}
    assert reduced(raw)["hello"]["data"] == [{"name": "hello", "storage": {}}]
    assert reduced(raw, secrets=True) == raw
    assert reduced(raw, frozenset({"hosts"})) == {
        "hello": {"title": "Hello", "kind": "replicated", "hosts": ["m1", "w1"]}
    }


@pytest.mark.parametrize("raw", [None, "text", {"hello": None}, {"hello": {"data": "x"}}])
def test_a_wrong_form_is_left_for_the_validation(raw: Any) -> None:
    assert reduced(raw) == raw


def test_a_service_without_its_other_fields_is_no_error() -> None:
    fields = frozenset({"hosts"})
    [service] = parse(reduced({"hello": HELLO}, fields), "hello", "service.yml", fields)
    assert (service.hosts, service.ports, service.replicas) == (("m1", "w1"), (), 0)


def test_names_are_used_once() -> None:
    ours, theirs = read(), read()
    with pytest.raises(ServiceError) as caught:
        check_names([ours, theirs])
    assert "acme.tools.hello and acme.tools.hello describe the same port admin" in str(caught.value)
    assert "describe the same label elk.hello" in str(caught.value)
    assert "describe the same Swarm service greeter" in str(caught.value)
    check_names([ours])


def test_with_the_mesh_every_host_publishes_a_port() -> None:
    assert [port.name for port in published_on([read()], "m1")] == ["admin", "hello"]
    assert [port.name for port in published_on([read()], "elsewhere")] == ["hello"]


@pytest.mark.parametrize(
    ("changes", "one"),
    [
        ({}, True),
        ({"data": []}, True),
        ({"data": [], "ports": [HELLO["ports"][0]]}, False),
        ({"ports": [HELLO["ports"][0]]}, True),
        ({"data": [], "ports": [], "kind": "global", "replicas": "left out"}, True),
    ],
)
def test_data_and_ports_of_a_host_allow_one_task(changes: dict[str, Any], one: bool) -> None:
    assert read(**changes).one_per_host is one


def test_a_group_that_the_inventory_lacks_means_every_host() -> None:
    assert read().places({"hello": ["w1"]}, ["m1", "w1"]) == ["w1"]
    assert read(group="watch").places({"hello": ["w1"]}, ["m1", "w1"]) == ["m1", "w1"]


def test_the_lookup_can_be_asked_for_every_field() -> None:
    options = yaml.safe_load(lookup.DOCUMENTATION)["options"]
    assert set(options["fields"]["choices"]) == ALL - ALWAYS
    returned = yaml.safe_load(lookup.RETURN)["_raw"]["contains"]
    assert set(returned) == {"name", "role", *ALL}


@pytest.mark.parametrize("name", sorted({*ALL, *PORT, *DATA, *CERTIFICATE, *CREDENTIAL, *CHECK}))
def test_the_docs_explain_every_field(name: str) -> None:
    assert f"| `{name}` |" in (ROOT / "docs" / "services.md").read_text()


def test_a_role_is_upgraded_at_once() -> None:
    assert (read().upgrade, read(upgrade={"order": "5"}).upgrade) == (Upgrade(50), Upgrade(5))
    agent = {"title": "Agent", "kind": "host", "hosts": ["m1"], "upgrade": {"order": 10}}
    with pytest.raises(ServiceError, match="its services need one upgrade"):
        parse({"hello": HELLO, "agent": agent}, "hello", "service.yml")


def test_hosts_that_leave_are_left_out_and_the_order_stays() -> None:
    assert staying(("w2", "m1", "w1"), ["m1", "m2"]) == ["w2", "w1"]
