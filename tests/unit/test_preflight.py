# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check of preflight: silent on a good site, and clear on a bad one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils import preflight

GIB = preflight.GIB

NAMES = {"m1": 11, "m2": 12, "m3": 13, "w1": 21, "w2": 22}

SETTINGS: dict[str, Any] = {
    "preflight_memory_reserved": "512m",
    "docker_engine_address_pools": [],
    "docker_engine_daemon_options": {},
    "swarm_accept_even_managers": False,
    "swarm_default_address_pools": [],
    "network_subnet": "192.168.8.0/21",
    "logstash_publish_mode": "ingress",
    "logstash_replicas": 2,
    "kibana_memory": "1g",
    "kibana_publish_mode": "ingress",
    "kibana_replicas": 1,
}

DEBIAN = {"id": "debian", "version": "13", "family": "debian", "name": "Debian 13"}
ROCKY = {"id": "rocky", "version": "9.6", "family": "redhat", "name": "Rocky Linux 9.6"}


class Lab:
    """A site that is right in everything, to be broken in one place."""

    def __init__(self) -> None:
        self.groups: dict[str, list[str]] = {
            "swarm_managers": ["m1", "m2", "m3"],
            "swarm_workers": ["w1", "w2"],
        }
        self.settings = copy.deepcopy(SETTINGS)
        self.resolved: dict[str, list[str]] = {}
        self.declared: dict[str, dict[str, Any]] = {}
        self.survey: dict[str, dict[str, Any]] = {}
        for name, number in NAMES.items():
            self.declared[name] = {
                "address": f"10.20.0.{number}",
                "node_name": name,
                "docker_engine_source": "distribution",
                "elasticsearch_heap": "",
                "elasticsearch_memory": "4g",
                "elasticsearch_node_roles": ["master", "data"],
                "kibana_memory": "1g",
                "logstash_memory": "2g",
            }
            self.survey[name] = {
                "memory": 8 * GIB,
                "addresses": [f"10.20.0.{number}", "172.17.0.1"],
                "routes": [{"network": "10.20.0.0/24", "device": "eth0", "gateway": ""}],
                "nodename": name,
                "distribution": DEBIAN,
                "ipvs": True,
            }

    def site(self) -> preflight.Site:
        hosts = {
            name: preflight.Host(
                name, self.declared[name], self.survey[name], self.resolved.get(name, ())
            )
            for name in self.declared
        }
        return preflight.Site(self.groups, hosts, self.settings)

    def findings(self, *accepted: str) -> list[preflight.Finding]:
        return preflight.examine(self.site(), accepted)

    def only(self) -> preflight.Finding:
        found = self.findings()
        assert len(found) == 1, found
        return found[0]


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_a_good_site_has_no_findings(lab: Lab) -> None:
    assert lab.findings() == []


def test_a_small_good_site_has_no_problems() -> None:
    lab = Lab()
    lab.groups = {"swarm_managers": ["m1"]}
    lab.settings["logstash_replicas"] = 1
    for name in ("m2", "m3", "w1", "w2"):
        del lab.declared[name]
    assert [f for f in lab.findings() if not f.warning] == []


def test_every_finding_names_its_check_and_a_mend(lab: Lab) -> None:
    lab.groups["swarm_managers"] = []
    lab.settings["network_subnet"] = "10.20.0.7/24"
    for found in lab.findings():
        assert found.check in preflight.CHECKS
        assert found.where
        assert found.wrong.endswith(".")
        assert found.mend.endswith(".")


# Inventory


def test_no_manager(lab: Lab) -> None:
    lab.groups["swarm_managers"] = []
    assert any(
        f.where == "group swarm_managers" and "begins with a manager" in f.wrong
        for f in lab.findings()
    )


def test_a_host_in_both_groups(lab: Lab) -> None:
    lab.groups["swarm_workers"].append("m1")
    found = lab.only()
    assert (found.check, found.where) == ("groups", "m1")
    assert "in swarm_managers and in swarm_workers" in found.wrong


@pytest.mark.parametrize("service", ["elasticsearch", "logstash", "kibana"])
def test_a_service_on_a_host_outside_the_swarm(lab: Lab, service: str) -> None:
    lab.groups[service] = ["m1", "m2", "m3", "stranger"]
    found = lab.only()
    assert (found.check, found.where) == ("groups", "stranger")
    assert f"the group {service}" in found.wrong


def test_an_empty_service_group(lab: Lab) -> None:
    lab.groups["elasticsearch"] = []
    found = lab.only()
    assert found.where == "group elasticsearch"
    assert "is empty" in found.wrong


@pytest.mark.parametrize(("count", "bears"), [(2, "none"), (4, "1")])
def test_an_even_number_of_managers(lab: Lab, count: int, bears: str) -> None:
    everyone = list(NAMES)
    lab.groups["swarm_managers"], lab.groups["swarm_workers"] = everyone[:count], everyone[count:]
    found = lab.only()
    assert not found.warning
    assert f"the loss of {bears}," in found.wrong
    assert "swarm_accept_even_managers: true" in found.mend
    lab.settings["swarm_accept_even_managers"] = True
    assert lab.only().warning


def test_one_manager_is_a_warning(lab: Lab) -> None:
    lab.groups["swarm_workers"] += ["m2", "m3"]
    lab.groups["swarm_managers"] = ["m1"]
    assert lab.only().warning
    assert "one manager" in lab.only().wrong


def test_many_managers_are_a_warning() -> None:
    names = [f"m{n}" for n in range(9)]
    site = preflight.Site({"swarm_managers": names}, {}, {})
    found = list(preflight.CHECKS["managers"](site))
    assert [f.warning for f in found] == [True]


def test_node_names_are_unique_whatever_their_case(lab: Lab) -> None:
    lab.declared["w2"]["node_name"] = lab.survey["w2"]["nodename"] = "W1"
    found = lab.only()
    assert found.where == "w1, w2"
    assert "share the node name w1" in found.wrong


def test_a_node_called_localhost(lab: Lab) -> None:
    lab.declared["w2"]["node_name"] = lab.survey["w2"]["nodename"] = "localhost.localdomain"
    assert "other hosts cannot use" in lab.only().wrong


def test_a_node_without_a_name(lab: Lab) -> None:
    lab.declared["w2"]["node_name"] = ""
    assert "no node name" in lab.only().wrong


def test_a_node_name_that_docker_does_not_use(lab: Lab) -> None:
    lab.declared["w2"]["node_name"] = "other"
    assert "Docker will call the host w2" in lab.only().wrong


def test_addresses_are_unique(lab: Lab) -> None:
    lab.declared["w2"]["address"] = "10.20.0.21"
    lab.survey["w2"]["addresses"] = ["10.20.0.21"]
    found = lab.only()
    assert found.where == "w1, w2"
    assert "share the address 10.20.0.21" in found.wrong


def test_an_address_the_host_does_not_have(lab: Lab) -> None:
    lab.declared["w2"]["address"] = "203.0.113.9"
    found = lab.only()
    assert (found.check, found.where) == ("addresses", "w2")
    assert "on none of its interfaces" in found.wrong
    assert "10.20.0.22" in found.mend


def test_a_name_that_resolves_is_an_address(lab: Lab) -> None:
    lab.declared["w2"]["address"] = "w2.example.org"
    lab.resolved["w2"] = ["10.20.0.22"]
    assert lab.findings() == []


def test_a_name_that_does_not_resolve(lab: Lab) -> None:
    lab.declared["w2"]["address"] = "w2.example.org"
    assert "no name that resolves" in lab.only().wrong


def test_a_loopback_address(lab: Lab) -> None:
    lab.declared["w2"]["address"] = "127.0.0.1"
    assert "loopback" in lab.only().wrong


def test_no_address(lab: Lab) -> None:
    lab.declared["w2"]["address"] = ""
    assert "has no address" in lab.only().wrong


def test_hosts_left_out_are_a_warning(lab: Lab) -> None:
    del lab.declared["w2"]
    found = lab.only()
    assert found.warning
    assert (found.check, found.where) == ("looked_at", "w2")


# Network


@pytest.mark.parametrize("text", ["no-net", "192.168.8.0/33", "192.168.8.0", "fd00::/64"])
def test_a_subnet_that_is_none(lab: Lab, text: str) -> None:
    lab.settings["network_subnet"] = text
    assert "is no IPv4 network" in lab.only().wrong


def test_host_bits_are_a_notice_that_says_what_is_used(lab: Lab) -> None:
    lab.settings["network_subnet"] = "192.168.8.0/20"
    found = lab.only()
    assert found.warning
    assert found.mend == "Write network_subnet: 192.168.0.0/20."


def test_a_public_subnet(lab: Lab) -> None:
    lab.settings["network_subnet"] = "8.8.0.0/21"
    assert "not a private range" in lab.only().wrong


def test_a_subnet_too_small(lab: Lab) -> None:
    lab.settings["network_subnet"] = "192.168.8.0/28"
    assert "has 16 addresses" in lab.only().wrong


def test_a_subnet_over_a_route(lab: Lab) -> None:
    for name in ("m1", "w1"):
        lab.survey[name]["routes"].append(
            {"network": "192.168.10.0/24", "device": "eth1", "gateway": "10.20.0.1"}
        )
    found = lab.only()
    assert found.where == "network_subnet"
    assert "192.168.10.0/24 dev eth1 of m1, w1" in found.wrong


@pytest.mark.parametrize(
    ("name", "value", "owner"),
    [
        ("swarm_default_address_pools", ["192.168.0.0/16"], "swarm_default_address_pools"),
        (
            "docker_engine_address_pools",
            [{"base": "192.168.0.0/16", "size": 24}],
            "default-address-pools",
        ),
        (
            "docker_engine_daemon_options",
            {"default-address-pools": [{"base": "192.168.8.0/22", "size": 24}]},
            "default-address-pools",
        ),
        ("docker_engine_daemon_options", {"bip": "192.168.9.1/24"}, "bip"),
    ],
)
def test_a_subnet_inside_a_pool(lab: Lab, name: str, value: Any, owner: str) -> None:
    lab.settings[name] = value
    found = lab.only()
    assert (found.check, found.where) == ("subnet_pools", "network_subnet")
    assert owner in found.wrong


def test_a_subnet_over_the_ingress_network(lab: Lab) -> None:
    lab.settings["network_subnet"] = "10.0.0.0/20"
    assert "ingress" in lab.only().wrong


def test_a_pool_that_is_no_network(lab: Lab) -> None:
    lab.settings["swarm_default_address_pools"] = ["10.30.0.0/99"]
    assert lab.only().where == "swarm_default_address_pools"


@pytest.mark.parametrize("service", ["logstash", "kibana"])
def test_ingress_without_ipvs(lab: Lab, service: str) -> None:
    other = "kibana" if service == "logstash" else "logstash"
    lab.settings[f"{other}_publish_mode"] = "host"
    lab.survey["w1"]["ipvs"] = False
    found = lab.only()
    assert found.where == f"{service}_publish_mode"
    assert "w1 has none" in found.wrong
    assert f"Set {service}_publish_mode: host" in found.mend


def test_no_ipvs_is_fine_without_ingress(lab: Lab) -> None:
    lab.settings.update(logstash_publish_mode="host", kibana_publish_mode="host")
    lab.survey["w1"]["ipvs"] = False
    assert lab.findings() == []


# Services


def test_an_unknown_publish_mode(lab: Lab) -> None:
    lab.settings["logstash_publish_mode"] = "hots"
    assert lab.only().where == "logstash_publish_mode"


def test_more_logstash_than_hosts(lab: Lab) -> None:
    lab.groups["logstash"] = ["w1", "w2"]
    lab.settings["logstash_replicas"] = 3
    found = lab.only()
    assert found.where == "logstash_replicas"
    assert "is 3, but logstash has 2 hosts" in found.wrong


def test_kibana_replicas_only_matter_on_host_ports(lab: Lab) -> None:
    lab.groups["kibana"] = ["w1"]
    lab.settings["kibana_replicas"] = 2
    assert lab.findings() == []
    lab.settings["kibana_publish_mode"] = "host"
    assert "kibana has 1 host" in next(
        f.wrong for f in lab.findings() if f.where == "kibana_replicas"
    )


@pytest.mark.parametrize("value", [0, -1, "many"])
def test_replicas_must_be_a_number(lab: Lab, value: Any) -> None:
    lab.settings["kibana_replicas"] = value
    assert lab.only().where == "kibana_replicas"


@pytest.mark.parametrize("roles", [["data"], ["master", "voting_only"], []])
def test_no_node_may_become_master(lab: Lab, roles: list[str]) -> None:
    for declared in lab.declared.values():
        declared["elasticsearch_node_roles"] = roles
    assert "no node may become master" in lab.only().wrong


def test_two_master_eligible_nodes_are_a_warning(lab: Lab) -> None:
    for name in ("m3", "w1", "w2"):
        lab.declared[name]["elasticsearch_node_roles"] = ["data"]
    assert lab.only().warning
    lab.declared["m3"]["elasticsearch_node_roles"] = ["master", "voting_only"]
    assert lab.findings() == []


# Hosts


@pytest.mark.parametrize("value", ["4gb ram", "-1", "four"])
def test_a_size_that_is_none(lab: Lab, value: str) -> None:
    lab.declared["w1"]["elasticsearch_memory"] = value
    found = lab.only()
    assert (found.check, found.where) == ("sizes", "elasticsearch_memory of w1")


def test_services_that_do_not_fit_into_a_host(lab: Lab) -> None:
    lab.survey["m1"]["memory"] = 6 * GIB
    found = lab.only()
    assert (found.check, found.where) == ("memory", "m1")
    assert "elasticsearch_memory 4g + logstash_memory 2g" in found.wrong
    assert "elasticsearch_memory for it to 3584m" in found.mend


def test_memory_counts_only_what_is_placed_there(lab: Lab) -> None:
    # Two tasks of Logstash go to the first two hosts, so the third needs no room for one.
    lab.survey["m3"]["memory"] = 6 * GIB
    assert lab.findings() == []


def test_a_hosts_own_limit_counts(lab: Lab) -> None:
    lab.survey["w1"]["memory"] = 2 * GIB
    lab.declared["w1"]["elasticsearch_memory"] = "1g"
    assert lab.findings() == []


def test_no_room_for_kibana(lab: Lab) -> None:
    lab.groups["kibana"] = ["m1"]
    lab.survey["m1"]["memory"] = 7 * GIB
    found = lab.only()
    assert (found.check, found.where) == ("memory", "kibana_memory")


def test_a_heap_above_half_of_the_limit(lab: Lab) -> None:
    for declared in lab.declared.values():
        declared["elasticsearch_heap"] = "3g"
    found = lab.only()
    assert found.where == "elasticsearch_heap"
    assert "more than half of elasticsearch_memory (4g)" in found.wrong
    assert "2g or less" in found.mend


def test_a_heap_with_long_pointers(lab: Lab) -> None:
    lab.survey["m3"]["memory"] = 128 * GIB
    lab.declared["m3"].update(elasticsearch_memory="100g", elasticsearch_heap="32g")
    found = lab.only()
    assert found.where == "elasticsearch_heap of m3"
    assert "more than 31g" in found.wrong


def test_an_unsupported_distribution_can_be_accepted(lab: Lab) -> None:
    lab.survey["w1"]["distribution"] = {"id": "debian", "version": "11", "name": "Debian 11"}
    found = lab.only()
    assert (found.check, found.where) == ("distribution", "w1")
    assert "runs Debian 11" in found.wrong
    assert [f.warning for f in lab.findings("distribution")] == [True]


@pytest.mark.parametrize(
    ("release", "good"),
    [
        (ROCKY, True),
        ({**ROCKY, "version": "8.10"}, False),
        ({"id": "ubuntu", "version": "24.04", "family": "debian"}, True),
        ({"id": "ubuntu", "version": "20.04", "family": "debian"}, False),
        ({"id": "fedora", "version": "10", "family": "redhat"}, False),
        ({}, False),
    ],
)
def test_distributions(lab: Lab, release: dict[str, str], good: bool) -> None:
    lab.survey["w1"]["distribution"] = release
    lab.declared["w1"]["docker_engine_source"] = "docker_ce"
    assert (lab.findings() == []) is good


def test_an_engine_that_the_distribution_does_not_have(lab: Lab) -> None:
    lab.survey["w1"]["distribution"] = ROCKY
    found = lab.only()
    assert (found.check, found.where) == ("engine_source", "w1")
    assert "docker_engine_source: docker_ce" in found.mend


def test_live_restore(lab: Lab) -> None:
    lab.settings["docker_engine_daemon_options"] = {"live-restore": True}
    assert "excludes swarm mode" in lab.only().wrong


# The whole


def test_all_problems_come_in_one_list(lab: Lab) -> None:
    lab.groups["swarm_workers"].append("m1")
    lab.settings["network_subnet"] = "nonsense"
    lab.survey["w1"]["ipvs"] = False
    problems = [f for f in lab.findings() if not f.warning]
    assert [p.check for p in problems] == ["groups", "subnet", "ipvs", "ipvs"]
    text = preflight.report(problems)
    assert text.startswith("4 problems to mend")
    assert "\n  4. kibana_publish_mode: " in text
    assert text.count("Mend: ") == 4


def test_an_unknown_check_cannot_be_accepted(lab: Lab) -> None:
    found = lab.findings("disributon")
    assert [(f.where, f.warning) for f in found] == [("preflight_accept", False)]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4g", 4 * GIB),
        ("4GiB", 4 * GIB),
        ("1.5g", GIB * 3 // 2),
        ("512m", GIB // 2),
        ("1048576", 1 << 20),
        (2048, 2048),
        ("", None),
        ("g", None),
    ],
)
def test_sizes(text: Any, size: int | None) -> None:
    assert preflight.parse_size(text) == size


def test_a_shown_size_can_be_read_again() -> None:
    for size in (GIB, 3 * GIB // 2, 31 * GIB, 100 * preflight.MIB):
        assert preflight.parse_size(preflight.show_size(size)) == size
