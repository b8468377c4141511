"""The filter that reads one variable of many hosts."""

from __future__ import annotations

from ansible_collections.elk.swarm.plugins.filter.host_values import host_values

HOSTVARS = {
    "m1": {"elk_address": "10.0.0.1", "ansible_host": "bastion"},
    "m2": {"ansible_host": "10.0.0.2"},
    "w1": {"roles": []},
}


def test_first_defined_variable_wins() -> None:
    assert host_values(["m1", "m2"], HOSTVARS, ["elk_address", "ansible_host"]) == [
        "10.0.0.1",
        "10.0.0.2",
    ]


def test_a_host_without_any_gets_its_own_name() -> None:
    assert host_values(["w1"], HOSTVARS, ["elk_address", "ansible_host"]) == ["w1"]


def test_a_default_may_be_anything_even_none() -> None:
    assert host_values(["m1"], HOSTVARS, ["roles"], default=["master"]) == [["master"]]
    assert host_values(["m1"], HOSTVARS, ["roles"], default=None) == [None]


def test_an_empty_value_is_a_value() -> None:
    assert host_values(["w1"], HOSTVARS, ["roles"], default=["master"]) == [[]]


def test_order_is_that_of_the_list() -> None:
    assert host_values(["w1", "m1"], HOSTVARS, ["elk_address"]) == ["w1", "10.0.0.1"]


def test_dots_lead_into_a_variable() -> None:
    known = {"m1": {"ansible_facts": {"nodename": "one"}}, "m2": {"ansible_facts": {}}}
    names = ["elk_node_name", "ansible_facts.nodename"]
    assert host_values(["m1", "m2"], known, names) == ["one", "m2"]


def test_values_by_host_have_the_order_of_the_list() -> None:
    found = host_values(["w1", "m1"], HOSTVARS, ["roles"], default="none", by_host=True)
    assert found == {"w1": [], "m1": "none"}
    assert list(found) == ["w1", "m1"]
