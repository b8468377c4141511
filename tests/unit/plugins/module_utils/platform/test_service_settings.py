# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of services as they are given, with the names of their variables."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.platform.service_settings import (
    ServiceSettings,
    Setting,
    as_given,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import ServiceError

SOURCE: dict[str, Any] = {
    "title": "Hello",
    "kind": "replicated",
    "hosts": [],
    "replicas": "{{ hello_replicas }}",
    "memory": "{{ hello_memory | default('1g') }}",
    "ports": [{"name": "hello", "port": "{{ hello_port }}"}],
    "certificates": [{"name": "hello", "names": {}}],
    "credentials": [{"name": "hello_key", "secret": "hello-ini", "renewal": "nothing breaks"}],
}
VALUES = {**SOURCE, "replicas": "2", "memory": 7, "ports": [{"name": "hello", "port": "x"}]}


def read(source: Any = None, **values: Any) -> ServiceSettings:
    content = {"hello": {**VALUES, **values}}
    before = {"hello": SOURCE if source is None else source}
    [service] = as_given(content, before, "hello", "service.yml")
    return ServiceSettings.from_dict(service)


def test_each_value_has_the_name_of_its_variable() -> None:
    service = read()
    assert service.replicas == Setting("hello_replicas", "2")
    assert service.replicas.number == 2
    # An expression has no name of its own.
    assert service.memory == Setting("hello.memory of role hello", 7)
    assert service.image == Setting("hello.image of role hello", None)
    [port] = service.ports
    assert (port.port, port.port.number) == (Setting("hello_port", "x"), 0)
    assert port.publish == Setting("hello.ports[0].publish of role hello", "host")
    assert (service.service, service.certificates[0].name) == ("hello", "hello")


def test_an_empty_value_is_not_one_that_is_left_out() -> None:
    """A limit or an image that a variable empties is still checked."""
    service = read(image=None, memory=None)
    assert (service.image.value, service.memory.value) == ("", "")


@pytest.mark.parametrize("source", ["{{ hello }}", {"ports": "{{ hello_ports }}"}])
def test_a_variable_may_give_more_than_one_value(source: Any) -> None:
    assert read(source).ports[0].port.variable == "hello.ports[0].port of role hello"


def test_data_keeps_a_task_on_the_first_hosts() -> None:
    places = ["m1", "w1", "w2"]
    assert (read().moves, read().hosts(places)) == (True, places)
    keeps = read(data=[{"name": "hello", "storage": {}}])
    assert (keeps.moves, keeps.hosts(places)) == (False, ["m1", "w1"])
    everywhere = read(kind="global", data=[{"name": "hello", "storage": {}}])
    assert (everywhere.moves, everywhere.hosts(places)) == (False, places)


def test_fields_that_are_left_out_are_empty() -> None:
    [facts] = as_given({"hello": VALUES}, {"hello": SOURCE}, "hello", "f", frozenset({"ports"}))
    service = ServiceSettings.from_dict(facts)
    assert (service.credentials, service.replicas.value, len(service.ports)) == ((), None, 1)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "it must be a dictionary of services by name"),
        ({"hello": "text"}, "hello: must be a dictionary with"),
        ({"hello": {**VALUES, "prots": []}}, "hello.prots: unknown, allowed are"),
        ({"hello": {**VALUES, "ports": [{"name": "a"}]}}, "missing required arguments: port"),
    ],
)
def test_another_form_is_an_error_of_the_role(content: Any, says: str) -> None:
    with pytest.raises(ServiceError, match=f"Role hello, service.yml: .*{says}"):
        as_given(content, {"hello": SOURCE}, "hello", "service.yml")
