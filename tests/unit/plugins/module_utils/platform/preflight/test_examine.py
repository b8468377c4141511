# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check of preflight: silent on a good site, and clear on a bad one."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.filter.service_storage import service_storage
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.examine import (
    CHECKS,
    SUBJECTS,
    examine,
    report,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.foreign_names import (
    FOREIGN,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    REGISTERED,
    Finding,
    Host,
    Site,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import (
    GIB,
    MIB,
    parse_size,
    show_size,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.variables import (
    read_vocabulary,
)
from ansible_collections.elk.swarm.plugins.modules.preflight import vocabulary
from repo import ROOT
from tests.unit.plugins.module_utils.platform.preflight.described import described

NAMES = {"m1": 11, "m2": 12, "m3": 13, "w1": 21, "w2": 22}

SETTINGS: dict[str, Any] = {
    "received": 1000.0,
    "elk_version": "9.2.4",
    "elk_manager": "m1",
    "elk_config_dir": "/etc/elk",
    "elk_data_dir": "/srv/elk",
    "elk_elasticsearch_port": 9200,
    "preflight_own_variables": [],
    "docker_engine_version": "",
    "swarm_listen_port": 2377,
    "storage_min_free_gb": 10.0,
    "elasticsearch_image": "docker.elastic.co/elasticsearch/elasticsearch:9.2.4",
    "elasticsearch_index_replicas": 1,
    "elasticsearch_memory": "4g",
    "elasticsearch_setting_names": [],
    "logstash_memory": "2g",
    "logstash_image": "docker.elastic.co/logstash/logstash:9.2.4",
    "logstash_port": 514,
    "kibana_image": "docker.elastic.co/kibana/kibana:9.2.4",
    "kibana_port": 5601,
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


VOCABULARY = read_vocabulary(
    {
        "elasticsearch": {
            "defaults/main.yml": "elasticsearch_memory: 4g\nelasticsearch_heap: ''\n",
            "meta/argument_specs.yml": "    options:\n      elasticsearch_needed:\n",
            "vars/main.yml": "\n__elasticsearch_dir: /x\nelasticsearch_dir: /x\n"
            "elasticsearch_map:\n  kibana_key: 1\n",
            "tasks/main.yml": "- set_fact:\n    elasticsearch_labels: 1\n"
            "  register: elasticsearch_before\n  when: elasticsearch_dir and elasticsearch_extra\n"
            "  register: __elasticsearch_seen\n"
            "  ansible.builtin.set_fact:\n    __elasticsearch_plan: >-\n      {{ 1 }}\n"
            "    __elasticsearch_turn: 1\n  vars:\n    __elasticsearch_line: 1\n",
        },
        "elk": {"defaults/main.yml": "elk_elasticsearch_port: 9200\n"},
        "network": {
            "defaults/main.yml": "network_subnet: 192.168.8.0/21\n",
            "vars/main.yml": "__network_x: 1\n",
        },
    }
)


def disk(total: int, free: int, exists: bool = False, empty: bool = True) -> dict[str, Any]:
    return {"total": total * GIB, "free": free * GIB, "exists": exists, "empty": empty}


class Lab:
    """A correct site, in which each test breaks one thing."""

    def __init__(self) -> None:
        self.groups: dict[str, list[str]] = {
            "swarm_managers": ["m1", "m2", "m3"],
            "swarm_workers": ["w1", "w2"],
        }
        self.settings = copy.deepcopy(SETTINGS)
        self.variables: dict[str, list[str]] = {}
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
                "argument_errors": [],
                "sent": 998.0,
            }
            self.survey[name] = {
                "memory": 8 * GIB,
                "addresses": [f"10.20.0.{number}", "172.17.0.1"],
                "routes": [{"network": "10.20.0.0/24", "device": "eth0", "gateway": ""}],
                "nodename": name,
                "distribution": DEBIAN,
                "ipvs": True,
                "time": 999.0,
                "features": {"overlay": True, "vxlan": None, "memory_cgroup": True},
                "disks": {"/srv/elk": disk(100, 50), "/srv/elk/elasticsearch": disk(100, 50)},
                "files": {"/etc/elk/elasticsearch/cluster_uuid": ""},
                "listeners": [],
                "docker": {"version": "", "swarm": {"state": "inactive"}},
            }

    def listen(self, host: str, port: int, protocol: str, process: str) -> None:
        self.survey[host]["listeners"].append(
            {"protocol": protocol, "port": port, "address": "0.0.0.0", "process": process}
        )

    def join(self, cluster: str = "c1") -> None:
        """Make the hosts one swarm, as after a run."""
        managers = self.groups["swarm_managers"]
        for name, survey in self.survey.items():
            survey["docker"] = {
                "version": "26.1.5+dfsg1",
                "swarm": {
                    "state": "active",
                    "node_id": f"id-{name}",
                    "manager": name in managers,
                    "cluster_id": cluster if name in managers else "",
                    "managers": [f"id-{manager}" for manager in managers],
                },
            }

    def site(self) -> Site:
        services = described(self.settings)
        hosts = {}
        for name, declared in self.declared.items():
            ports = [port for service in services for port in service.ports]
            of_services = {
                "memory": {
                    one.name: declared[one.memory.variable]
                    for one in services
                    if one.memory.variable in declared
                },
                "networks": {port.name: declared.get(port.networks.variable) for port in ports},
                "storage": declared.get("storage"),
            }
            hosts[name] = Host(
                name,
                {**declared, "services": of_services},
                self.survey[name],
                self.resolved.get(name, ()),
            )
        return Site(
            self.groups, hosts, self.settings, self.variables, VOCABULARY, services=services
        )

    def findings(self, *accepted: str) -> list[Finding]:
        return examine(self.site(), accepted)

    def only(self) -> Finding:
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
    lab.settings["elasticsearch_index_replicas"] = 0
    for name in ("m2", "m3", "w1", "w2"):
        del lab.declared[name]
    assert [f for f in lab.findings() if not f.warning] == []


def test_every_finding_names_its_check_and_a_fix(lab: Lab) -> None:
    lab.groups["swarm_managers"] = []
    lab.settings["network_subnet"] = "10.20.0.7/24"
    for found in lab.findings():
        assert found.check in CHECKS
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
    site = Site({"swarm_managers": names}, {}, {})
    found = list(CHECKS["managers"](site))
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
def test_an_invalid_subnet(lab: Lab, text: str) -> None:
    lab.settings["network_subnet"] = text
    assert "is no IPv4 network" in lab.only().wrong


def test_host_bits_are_a_notice_with_the_network_that_is_used(lab: Lab) -> None:
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


@pytest.mark.parametrize("value", [-1, "many"])
def test_replicas_must_be_a_number(lab: Lab, value: Any) -> None:
    lab.settings["kibana_replicas"] = value
    assert lab.only().where == "kibana_replicas"
    assert lab.only().check == "replicas"


@pytest.mark.parametrize("value", [0, "0"])
@pytest.mark.parametrize("name", ["logstash_replicas", "kibana_replicas"])
def test_zero_replicas_must_be_accepted(lab: Lab, name: str, value: Any) -> None:
    lab.settings[name] = value
    found = lab.only()
    assert (found.where, found.check) == (name, "no_replicas")
    assert "preflight_accept: [no_replicas]" in found.mend


@pytest.mark.parametrize("roles", [["data"], ["data", "master", "voting_only"]])
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
def test_an_invalid_size(lab: Lab, value: str) -> None:
    lab.declared["w1"]["elasticsearch_memory"] = value
    found = lab.only()
    assert (found.check, found.where) == ("sizes", "elasticsearch_memory of w1")


def test_services_that_do_not_fit_into_a_host(lab: Lab) -> None:
    lab.survey["m1"]["memory"] = 6 * GIB
    found = lab.only()
    assert (found.check, found.where) == ("memory", "m1")
    assert "elasticsearch_memory 4g + logstash_memory 2g" in found.wrong
    assert "elasticsearch_memory for it to 3584m" in found.mend


def test_memory_counts_only_services_of_the_host(lab: Lab) -> None:
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
    lab.declared["w1"]["docker_engine_distribution_packages"] = ["moby-engine"]
    assert lab.findings() == []


@pytest.mark.parametrize("base", ["10.0.0.0/16", "10.0.0.128/25"])
def test_bridges_of_hosts_stay_out_of_the_ingress_network(lab: Lab, base: str) -> None:
    lab.settings["docker_engine_address_pools"] = [{"base": base, "size": 26}]
    found = lab.only()
    assert (found.check, found.where) == ("pools", "docker_engine_address_pools")
    assert "from which Swarm takes the ingress network" in found.wrong
    lab.settings["swarm_default_address_pools"] = ["10.201.0.0/16"]
    assert lab.findings() == []


@pytest.mark.parametrize(
    ("source", "packages", "says"),
    [
        ("distribution", ["docker-ce", "containerd.io"], "docker_engine_source: docker_ce for it"),
        ("docker_ce", ["docker.io"], "docker_engine_source: distribution for it"),
        ("distribution", ["podman-docker"], "Remove it there first"),
    ],
)
def test_an_engine_of_another_origin_is_not_removed(
    lab: Lab, source: str, packages: list[str], says: str
) -> None:
    for declared in lab.declared.values():
        declared["docker_engine_source"] = source
    assert lab.findings() == []
    lab.survey["w1"]["packages"] = {name: {"version": "28.1"} for name in packages}
    lab.survey["w1"]["docker"]["containers"] = 3
    found = lab.only()
    assert (found.check, found.where, found.warning) == ("engine_origin", "w1", False)
    assert "3 containers would stop." in found.wrong
    assert says in found.mend
    assert [f.warning for f in lab.findings("engine_origin")] == [True]


def test_the_own_engine_and_named_packages_are_no_finding(lab: Lab) -> None:
    lab.survey["w1"]["packages"] = {"docker.io": {}, "containerd": {}}
    lab.declared["w2"]["docker_engine_distribution_packages"] = ["docker-ce", "containerd.io"]
    lab.survey["w2"]["packages"] = {"docker-ce": {}, "containerd.io": {}}
    assert lab.findings() == []


def test_the_snap_of_docker_is_in_the_way(lab: Lab) -> None:
    lab.survey["w1"]["docker"]["snap"] = True
    assert "the snap docker" in lab.only().wrong


def test_ipvs_that_modprobe_does_not_load(lab: Lab) -> None:
    """The module exists, and a hardened host does not load it."""
    lab.survey["w1"]["ipvs_blocked"] = True
    assert [f.where for f in lab.findings()] == ["logstash_publish_mode", "kibana_publish_mode"]
    assert "keeps w1 from loading it" in lab.findings()[0].wrong
    lab.settings.update(logstash_publish_mode="host", kibana_publish_mode="host")
    assert lab.findings() == []


def test_live_restore(lab: Lab) -> None:
    lab.settings["docker_engine_daemon_options"] = {"live-restore": True}
    assert "excludes swarm mode" in lab.only().wrong


# Variables

GOOD_NAMES = [
    "elasticsearch_memory",
    "elasticsearch_needed",
    "elasticsearch_before",
    "inventory_dir",
]


def test_known_and_foreign_variables_are_no_finding(lab: Lab) -> None:
    lab.variables = {
        name: [*GOOD_NAMES, "elasticsearch_extra", "elasticsearch_labels", "my_heap"]
        for name in NAMES
    }
    assert lab.findings() == []


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("elasticsearch_memmory", "elasticsearch_memory"),
        ("elasticsearch_heap_size", "elasticsearch_heap"),
        ("elasticsearch_port", "elk_elasticsearch_port"),
        ("network_subnets", "network_subnet"),
    ],
)
def test_a_misspelt_variable(lab: Lab, name: str, known: str) -> None:
    lab.variables = {host: [name] if host in ("m1", "w1") else [] for host in NAMES}
    found = lab.only()
    assert (found.check, found.where) == ("variables", f"{name} of m1, w1")
    assert not found.warning
    assert f"Did you mean {known}?" in found.mend
    lab.settings["preflight_own_variables"] = [name]
    assert lab.findings() == []


@pytest.mark.parametrize(
    ("name", "warning"),
    [("network_interface", True), ("elk_backup", False), ("elasticsearch_url", False)],
)
def test_a_name_similar_to_none(lab: Lab, name: str, warning: bool) -> None:
    """network_ is an everyday word, which another role may use."""
    lab.variables = {host: [name] for host in NAMES}
    found = lab.only()
    assert (found.where, found.warning) == (name, warning)
    lab.settings["preflight_own_variables"] = [name]
    assert lab.findings() == []


@pytest.mark.parametrize(
    ("name", "use", "warning"),
    [
        ("elasticsearch_version", "elk_version", False),
        ("elasticsearch_http_port", "elk_elasticsearch_port", False),
        ("elasticsearch_clustername", "elasticsearch_cluster_name", False),
        ("es_heap_size", "elasticsearch_heap", True),
        ("docker_users", "docker_engine_users", True),
        ("docker_swarm_addr", "swarm_advertise_address", True),
    ],
)
def test_a_variable_of_another_role(lab: Lab, name: str, use: str, warning: bool) -> None:
    lab.variables = {host: [name] for host in NAMES}
    found = lab.only()
    assert (found.check, found.where, found.warning) == ("variables", name, warning)
    assert f"Use {use}." in found.mend
    lab.settings["preflight_own_variables"] = [name]
    assert lab.findings() == []


def test_the_table_of_foreign_names_names_variables_that_exist() -> None:
    options = vocabulary(str(ROOT / "roles")).options
    assert not set(FOREIGN) & options
    for name, use in FOREIGN.items():
        first = use.partition(",")[0].partition(" and ")[0]
        assert use.startswith("nothing: ") or first in options, f"{name}: {use}"


def test_a_value_that_a_role_computes(lab: Lab) -> None:
    lab.variables = {host: ["elasticsearch_dir"] for host in NAMES}
    assert "is computed by a role" in lab.only().wrong


@pytest.mark.parametrize("name", ["__elasticsearch_dir", "__elasticsearch_line", "__network_x"])
def test_a_variable_that_is_private_to_a_role(lab: Lab, name: str) -> None:
    lab.variables = {host: [name] for host in NAMES}
    found = lab.only()
    assert (found.check, found.where, found.warning) == ("variables", name, False)
    role = name.removeprefix("__").partition("_")[0]
    assert f"is private to the role {role}," in found.wrong
    lab.settings["preflight_own_variables"] = [name]
    assert lab.findings() == []


@pytest.mark.parametrize(
    "name",
    [
        *("__elasticsearch_seen", "__elasticsearch_plan", "__elasticsearch_turn"),
        # Facts of roles of others, such as those of linux-system-roles.
        *("__network_is_booted", "__elasticsearch", "__hello_x", "__x"),
    ],
)
def test_facts_of_roles_and_names_of_others_are_not_private(lab: Lab, name: str) -> None:
    """Ansible lists what tasks set among the variables of a host."""
    lab.variables = {host: [name] for host in NAMES}
    assert lab.findings() == []


def test_entries_for_other_roles_have_no_options_of_users() -> None:
    entries = (f"  {name}:\n    options:\n      elk_{name}:\n" for name in ("main", "door"))
    specs = "".join(["argument_specs:\n", *entries])
    words = read_vocabulary({"elk": {"meta/argument_specs.yml": specs}})
    assert words.options == {"elk_main"}


def test_an_argument_error_of_several_hosts_is_one_finding(lab: Lab) -> None:
    for name in ("m1", "w1"):
        lab.declared[name]["argument_errors"] = ["value of x must be one of: a, b, got: c"]
    found = lab.only()
    assert (found.check, found.where) == ("kinds", "variables of m1, w1")
    assert found.wrong == "value of x must be one of: a, b, got: c."


def test_a_text_for_a_list_names_the_variable_and_how_to_write_it(lab: Lab) -> None:
    lab.settings["docker_engine_daemon_options"] = '{"mtu":1450}'
    for name in NAMES:
        lab.declared[name]["text_values"] = ["docker_engine_daemon_options"]
    found = lab.only()
    assert (found.check, found.where) == ("kinds", "docker_engine_daemon_options")
    assert "is a text" in found.wrong
    assert """-e '{"docker_engine_daemon_options": ["one", "two"]}'""" in found.mend


def test_a_value_of_the_wrong_type_does_not_hide_the_other_problems(lab: Lab) -> None:
    lab.settings["docker_engine_daemon_options"] = "fast"
    lab.settings["elk_version"] = "9.2"
    with pytest.raises(AttributeError):
        lab.findings()
    for declared in lab.declared.values():
        declared["argument_errors"] = ["argument 'docker_engine_daemon_options' is no dict"]
    assert [f.check for f in lab.findings()] == ["kinds", "versions"]


def test_elk_manager_must_be_a_manager(lab: Lab) -> None:
    lab.settings["elk_manager"] = "w1"
    assert lab.only().where == "elk_manager"


# Versions and images


@pytest.mark.parametrize(
    ("username", "password", "where"),
    [
        (True, False, "elk_registry_password"),
        (False, True, "elk_registry_username"),
        (True, True, None),
        (False, False, None),
    ],
)
def test_half_a_login_at_the_registry(
    lab: Lab, username: bool, password: bool, where: str | None
) -> None:
    lab.settings |= {"elk_registry_username": username, "elk_registry_password": password}
    if where is None:
        assert lab.findings() == []
    else:
        found = lab.only()
        assert (found.where, found.warning) == (where, False)
        assert found.wrong.endswith(f"and {where} is empty.")


@pytest.mark.parametrize("version", ["9.2", "v9.2.4", "9.3.0-SNAPSHOT", "", "9.2.4 ", None])
def test_an_invalid_version(lab: Lab, version: Any) -> None:
    lab.settings["elk_version"] = version
    if version == "9.2.4 ":
        assert lab.findings() == []
    else:
        assert "is no version" in lab.only().wrong


@pytest.mark.parametrize(
    ("version", "warning"), [("8.19.0", False), ("9.0.0", None), ("9.10.1", None), ("10.0.0", True)]
)
def test_versions_of_the_stack(lab: Lab, version: str, warning: bool | None) -> None:
    lab.settings["elk_version"] = version
    assert [f.warning for f in lab.findings()] == ([] if warning is None else [warning])


@pytest.mark.parametrize(
    ("image", "wrong"),
    [
        ("elasticsearch", "has no tag"),
        ("registry:5000/elasticsearch", "has no tag"),
        ("elasticsearch:latest", "has the tag latest"),
        ("registry:5000/a/elasticsearch:9.2.4-icu", ""),
        ("elasticsearch@sha256:0123", ""),
        ("elasticsearch:latest@sha256:0123", ""),
        ("two words:1", "is no image"),
        ("", "is no image"),
    ],
)
def test_images(lab: Lab, image: str, wrong: str) -> None:
    lab.settings["elasticsearch_image"] = image
    if wrong:
        assert wrong in lab.only().wrong
    else:
        assert lab.findings() == []


@pytest.mark.parametrize(
    ("version", "good"),
    [("", True), ("20.10.24+dfsg1", True), ("26.1.5", True), ("19.03.15", False), ("1.13", False)],
)
def test_the_engine_of_a_host(lab: Lab, version: str, good: bool) -> None:
    lab.survey["w1"]["docker"]["version"] = version
    assert (lab.findings() == []) is good
    if not good:
        assert (lab.only().check, lab.only().where) == ("engine_version", "w1")


@pytest.mark.parametrize(
    ("version", "good"),
    [("5:28.*", True), ("20.*", True), ("20.10*", True), ("19*", False), ("5:19.03.15~3", False)],
)
def test_the_desired_engine(lab: Lab, version: str, good: bool) -> None:
    lab.settings["docker_engine_version"] = version
    assert (lab.findings() == []) is good


@pytest.mark.parametrize(
    ("present", "desired", "good"),
    [
        ("28.5.1", "28.5.2", True),
        ("28.5.1", "28.*", True),
        ("26.1.5+dfsg1", "26.1.5", True),
        ("28.5.1", "28.4.*", False),
        ("28.5.1", "5:27.5.1-1~debian.13~trixie", False),
        ("28.5.10", "28.5.9", False),
        ("", "28.5.9", True),
    ],
)
def test_a_downgrade_of_the_engine_must_be_allowed(
    lab: Lab, present: str, desired: str, good: bool
) -> None:
    lab.survey["w1"]["docker"]["version"] = present
    lab.declared["w1"]["docker_engine_version"] = desired
    assert (lab.findings() == []) is good
    if not good:
        assert (lab.only().check, lab.only().where) == ("engine_version", "w1")
        assert "docker_engine_allow_downgrade" in lab.only().mend
    lab.declared["w1"]["docker_engine_allow_downgrade"] = True
    assert lab.findings() == []


# Networks of Docker itself


def test_a_subnet_over_dockers_bridges(lab: Lab) -> None:
    lab.settings["network_subnet"] = "172.18.0.0/21"
    assert "docker_gwbridge" in lab.only().wrong
    lab.settings["docker_engine_address_pools"] = [{"base": "10.99.0.0/16", "size": 24}]
    assert lab.findings() == []


def test_a_pool_that_hosts_are_in(lab: Lab) -> None:
    lab.settings["swarm_default_address_pools"] = ["10.20.0.0/16"]
    found = lab.only()
    assert (found.check, found.where) == ("pools", "swarm_default_address_pools")
    assert "10.20.0.11 of m1" in found.wrong


def test_hosts_in_dockers_default_for_the_ingress_network(lab: Lab) -> None:
    lab.survey["w1"]["addresses"].append("10.0.0.7")
    assert not lab.only().warning
    lab.settings.update(logstash_publish_mode="host", kibana_publish_mode="host")
    assert lab.only().warning


def test_pools_that_overlap(lab: Lab) -> None:
    lab.settings["swarm_default_address_pools"] = ["10.30.0.0/16", "10.30.7.0/24"]
    assert "overlap" in lab.only().wrong


# Roles of nodes and copies


def test_no_node_holds_data(lab: Lab) -> None:
    for declared in lab.declared.values():
        declared["elasticsearch_node_roles"] = ["master"]
    assert lab.only().check == "data_nodes"


def test_a_node_without_roles_has_all_roles(lab: Lab) -> None:
    for declared in lab.declared.values():
        declared["elasticsearch_node_roles"] = None
    assert lab.findings() == []


@pytest.mark.parametrize(("replicas", "good"), [(0, True), ("1", True), (2, False), (9, False)])
def test_copies_need_nodes(lab: Lab, replicas: Any, good: bool) -> None:
    for name in ("m1", "m2", "m3"):
        lab.declared[name]["elasticsearch_node_roles"] = ["master"]
    lab.settings["elasticsearch_index_replicas"] = replicas
    assert (lab.findings() == []) is good


def test_an_unknown_role(lab: Lab) -> None:
    lab.declared["w1"]["elasticsearch_node_roles"] = ["dta", "data"]
    found = lab.only()
    assert found.where == "elasticsearch_node_roles of w1"
    assert found.mend == "Write data if you mean that."


def test_voting_only_without_master(lab: Lab) -> None:
    lab.declared["w1"]["elasticsearch_node_roles"] = ["data", "voting_only"]
    assert "voting_only without master" in lab.only().wrong


# Ports


@pytest.mark.parametrize("port", [0, 65536])
def test_an_invalid_port(lab: Lab, port: int) -> None:
    lab.settings["kibana_port"] = port
    assert lab.only().where == "kibana_port"


@pytest.mark.parametrize("port", [514, 7946, 9200, 2377])
def test_one_port_for_two_services(lab: Lab, port: int) -> None:
    lab.settings["kibana_port"] = port
    assert f"want the same port {port}" in lab.only().wrong


def test_a_port_in_use(lab: Lab) -> None:
    for name in ("m1", "w1"):
        lab.listen(name, 514, "udp", "rsyslogd")
        lab.listen(name, 514, "tcp", "rsyslogd")
    found = lab.only()
    assert (found.check, found.where) == ("ports", "m1, w1")
    assert found.wrong == "port 514/tcp and udp (logstash_port) is taken by rsyslogd."
    assert "choose another logstash_port" in found.mend


@pytest.mark.parametrize(
    ("host", "port", "protocol"),
    [("w1", 2377, "tcp"), ("m1", 9200, "udp"), ("m1", 22, "tcp"), ("m1", 5601, "udp")],
)
def test_a_port_that_this_host_does_not_need(lab: Lab, host: str, port: int, protocol: str) -> None:
    lab.listen(host, port, protocol, "sshd")
    assert lab.findings() == []


def test_a_host_port_only_matters_where_a_task_runs(lab: Lab) -> None:
    lab.settings["logstash_publish_mode"] = "host"
    lab.listen("m3", 514, "udp", "rsyslogd")
    assert lab.findings() == []
    lab.listen("m2", 514, "udp", "rsyslogd")
    assert lab.only().where == "m2"


@pytest.mark.parametrize("process", ["dockerd", "docker-proxy", ""])
def test_ports_that_the_platform_itself_uses(lab: Lab, process: str) -> None:
    lab.join()
    for name in NAMES:
        for port in (9200, 514, 5601, 2377, 7946):
            lab.listen(name, port, "tcp", process)
    assert lab.findings() == []


def test_a_foreign_program_on_a_port_of_a_running_platform(lab: Lab) -> None:
    lab.join()
    lab.listen("w1", 514, "udp", "rsyslogd")
    lab.listen("m1", 2377, "tcp", "dockerd")
    assert lab.only().where == "w1"


def test_a_container_outside_of_the_swarm(lab: Lab) -> None:
    lab.listen("w1", 9200, "tcp", "docker-proxy")
    assert "a container outside of the swarm" in lab.only().wrong


# What the role host_tuning sets only on request


@pytest.mark.parametrize(
    ("swap", "present", "desired", "variable", "warns"),
    [
        (2 * GIB, 60, -1, "check", True),
        (2 * GIB, 1, -1, "check", False),
        (2 * GIB, 60, 1, "check", False),
        (2 * GIB, 1, 60, "check", True),
        (0, 60, -1, "check", False),
        (2 * GIB, 60, -1, "keep", False),
        (2 * GIB, 60, -1, "disabled", False),
    ],
)
def test_swap_that_may_take_the_heap(
    lab: Lab, swap: int, present: int, desired: int, variable: str, warns: bool
) -> None:
    lab.survey["w1"] |= {"swap": swap, "swappiness": present}
    lab.declared["w1"] |= {"host_tuning_swap": variable, "host_tuning_swappiness": desired}
    found = lab.findings()
    assert [(f.check, f.where, f.warning) for f in found] == (
        [("swap", "host_tuning_swap", True)] if warns else []
    )
    assert all(f.wrong.startswith("w1 may swap") for f in found)


def test_swap_of_a_host_without_elasticsearch(lab: Lab) -> None:
    lab.groups["elasticsearch"] = ["m1", "m2", "m3", "w2"]
    lab.survey["w1"] |= {"swap": GIB, "swappiness": 60}
    lab.declared["w1"] |= {"host_tuning_swap": "check", "host_tuning_swappiness": -1}
    assert lab.findings() == []


@pytest.mark.parametrize(
    ("is_set", "container", "variable", "warns"),
    [
        (False, False, "check", True),
        (False, True, "check", False),
        (True, False, "check", False),
        (None, False, "check", False),
        (False, False, "keep", False),
        (False, False, "chrony", False),
    ],
)
def test_a_clock_that_nothing_sets(
    lab: Lab, is_set: bool | None, container: bool, variable: str, warns: bool
) -> None:
    lab.survey["w1"]["clock"] = {"is_set": is_set, "container": container}
    lab.declared["w1"]["host_tuning_time_sync"] = variable
    assert [(f.check, f.warning) for f in lab.findings()] == (
        [("time_sync", True)] if warns else []
    )


def test_a_time_service_that_the_distribution_does_not_carry(lab: Lab) -> None:
    lab.survey["w1"]["distribution"] = ROCKY
    lab.declared["w1"] |= {
        "host_tuning_time_sync": "timesyncd",
        "docker_engine_source": "docker_ce",
    }
    found = lab.only()
    assert (found.check, found.where, found.warning) == ("time_sync", "w1", False)


@pytest.mark.parametrize(
    ("present", "variable", "warns"),
    [
        ("always", "check", True),
        ("madvise", "check", False),
        ("", "check", False),
        ("always", "keep", False),
        ("always", "never", False),
    ],
)
def test_huge_pages_for_every_process(lab: Lab, present: str, variable: str, warns: bool) -> None:
    for name in ("w1", "w2"):
        lab.survey[name]["transparent_huge_pages"] = present
        lab.declared[name]["host_tuning_transparent_huge_pages"] = variable
    found = lab.findings()
    assert [(f.check, f.warning) for f in found] == ([("huge_pages", True)] if warns else [])
    assert all(f.wrong.startswith("w1, w2 give every process") for f in found)


# Firewalls


@pytest.mark.parametrize(
    "name",
    [
        "firewall_addresses",
        "firewall_elasticsearch_networks",
        "firewall_kibana_networks",
        "firewall_syslog_networks",
    ],
)
def test_an_invalid_network_of_the_firewall(lab: Lab, name: str) -> None:
    lab.declared["w1"][name] = ["10.30.0.0/16", "fd00::/8", "10.30.0.0/33"]
    found = lab.only()
    assert (found.check, found.where) == ("firewall_networks", f"{name} of w1")
    assert found.wrong == "10.30.0.0/33 is no network and no address."


@pytest.mark.parametrize(
    ("manage", "active", "addresses", "warns"),
    [
        ("auto", True, [], True),
        ("auto", True, ["10.21.0.21"], False),
        ("auto", False, [], False),
        ("always", False, [], True),
        ("never", True, [], False),
    ],
)
def test_an_interface_without_addresses_for_the_rules(
    lab: Lab, manage: str, active: bool, addresses: list[str], warns: bool
) -> None:
    for name in NAMES:
        lab.declared[name]["swarm_addresses"] = [lab.declared[name]["address"]]
        lab.declared[name]["firewall_manage"] = manage
    lab.survey["m1"]["units"] = {"ufw.service": {"exists": True, "active": active}}
    lab.declared["w1"] |= {
        "swarm_addresses": ["10.20.0.21", "eth1"],
        "firewall_addresses": addresses,
    }
    assert [(f.check, f.where, f.warning) for f in lab.findings()] == (
        [("firewall_addresses", "w1", True)] if warns else []
    )


# Disks, clocks, kernels


@pytest.mark.parametrize(
    ("total", "free", "warning"),
    [
        (100, 16, None),
        (100, 14, True),
        (100, 4, False),
        # On large disks a fixed size is enough.
        (10_000, 300, None),
        (10_000, 150, True),
        (10_000, 90, False),
        # A new platform on a small disk.
        (12, 9, False),
    ],
)
def test_disks(lab: Lab, total: int, free: int, warning: bool | None) -> None:
    lab.survey["w1"]["disks"]["/srv/elk"] = disk(total, free)
    found = lab.findings()
    assert [(f.check, f.where, f.warning) for f in found] == (
        [] if warning is None else [("disk", "w1", warning)]
    )


def test_a_small_disk_in_use_is_no_finding(lab: Lab) -> None:
    lab.survey["w1"]["disks"]["/srv/elk"] = disk(12, 9, exists=True)
    assert lab.findings() == []


def test_own_watermarks_turn_off_the_checks_of_disks(lab: Lab) -> None:
    lab.survey["w1"]["disks"]["/srv/elk"] = disk(1000, 12)
    assert not lab.only().warning
    lab.settings["elasticsearch_setting_names"] = [
        "cluster.routing.allocation.disk.watermark.low",
    ]
    assert lab.findings() == []


@pytest.mark.parametrize(
    ("time", "warning"),
    [
        (998.0, None),
        (1000.0, None),
        # Within the time of the request and the tolerance.
        (1004.9, None),
        (993.1, None),
        (1006.0, True),
        (992.0, True),
        (1061.0, False),
        (937.0, False),
    ],
)
def test_clocks(lab: Lab, time: float, warning: bool | None) -> None:
    lab.survey["w1"]["time"] = time
    found = lab.findings()
    assert [(f.check, f.where, f.warning) for f in found] == (
        [] if warning is None else [("clock", "w1", warning)]
    )


def test_a_slow_request_is_no_wrong_clock(lab: Lab) -> None:
    lab.settings["received"] = 1200.0
    lab.survey["w1"]["time"] = 1150.0
    assert lab.findings() == []


def test_when_all_hosts_agree_the_controller_is_wrong(lab: Lab) -> None:
    for survey in lab.survey.values():
        survey["time"] = 1500.0
    found = lab.only()
    assert found.where == "this machine"
    assert "500 s or more behind" in found.wrong


@pytest.mark.parametrize("feature", ["overlay", "vxlan", "memory_cgroup"])
def test_a_kernel_without_a_feature(lab: Lab, feature: str) -> None:
    lab.survey["w1"]["features"][feature] = None
    assert lab.findings() == []
    lab.survey["w1"]["features"][feature] = False
    assert (lab.only().check, lab.only().where) == ("kernel", "w1")


def test_another_storage_driver_needs_no_overlay(lab: Lab) -> None:
    lab.survey["w1"]["features"]["overlay"] = False
    lab.settings["docker_engine_daemon_options"] = {"storage-driver": "btrfs"}
    assert lab.findings() == []


# What is there already


def remember(lab: Lab, host: str, uuid: str) -> None:
    lab.survey[host]["files"]["/etc/elk/elasticsearch/cluster_uuid"] = uuid


def test_hosts_of_one_cluster(lab: Lab) -> None:
    for name in NAMES:
        remember(lab, name, "one")
        lab.survey[name]["disks"]["/srv/elk/elasticsearch"] = disk(100, 50, True, False)
    assert lab.findings() == []


def test_hosts_of_two_clusters(lab: Lab) -> None:
    remember(lab, "m1", "one")
    remember(lab, "w1", "two")
    found = lab.only()
    assert found.check == "data_directory"
    assert "one (m1); two (w1)" in found.wrong


def test_data_without_a_note(lab: Lab) -> None:
    lab.survey["w2"]["disks"]["/srv/elk/elasticsearch"] = disk(100, 50, True, False)
    found = lab.only()
    assert (found.where, found.warning) == ("w2", True)


def test_one_swarm(lab: Lab) -> None:
    lab.join()
    assert lab.findings() == []


def test_a_swarm_that_waits_for_other_hosts(lab: Lab) -> None:
    lab.join()
    lab.survey["w1"]["docker"]["swarm"] = {"state": "inactive"}
    lab.survey["m2"]["docker"]["swarm"] = {"state": "inactive"}
    assert lab.findings() == []


@pytest.mark.parametrize(("host", "manager"), [("w1", True), ("m1", False)])
def test_another_role_in_the_swarm(lab: Lab, host: str, manager: bool) -> None:
    lab.join()
    lab.survey[host]["docker"]["swarm"].update(manager=manager)
    found = lab.only()
    assert (found.check, found.where) == ("membership", host)


def test_two_swarms(lab: Lab) -> None:
    lab.join()
    lab.survey["m3"]["docker"]["swarm"]["cluster_id"] = "c2"
    assert "c1 (m1, m2); c2 (m3)" in lab.only().wrong


def test_a_worker_of_another_swarm(lab: Lab) -> None:
    lab.join()
    lab.survey["w2"]["docker"]["swarm"]["managers"] = ["id-stranger"]
    assert "no manager of this inventory" in lab.only().wrong
    # A manager that was not checked may be in that swarm.
    lab.survey["m3"] = {}
    assert [f.check for f in lab.findings()] == ["looked_at"]


@pytest.mark.parametrize("state", ["locked", "error"])
def test_a_locked_or_broken_swarm(lab: Lab, state: str) -> None:
    lab.survey["w2"]["docker"]["swarm"] = {"state": state, "error": "why"}
    assert f"({state}: why)" in lab.only().wrong


def test_a_member_that_does_not_reach_the_others(lab: Lab) -> None:
    lab.join()
    lab.survey["m2"]["docker"]["swarm"] = {"state": "pending"}
    for port, process in ((9200, "docker-proxy"), (2377, "dockerd"), (7946, "dockerd")):
        lab.listen("m2", port, "tcp", process)
    assert lab.findings() == []


def test_a_daemon_that_does_not_answer(lab: Lab) -> None:
    lab.survey["m2"]["docker"] = {"silent": True, "swarm": {"state": "inactive"}}
    lab.listen("m2", 9200, "tcp", "docker-proxy")
    found = lab.only()
    assert (found.check, found.where) == ("daemon", "m2")
    assert "does not answer" in found.wrong


# Storage


def store(lab: Lab, service: str, value: dict[str, Any], *hosts: str) -> None:
    """Set the variable on some or all hosts, as the role preflight passes it on."""
    for name in hosts or lab.declared:
        summary = service_storage(value, service, name)["told"]
        lab.declared[name].setdefault("storage", {})[service] = summary


def test_storage_on_volumes(lab: Lab) -> None:
    store(lab, "elasticsearch", {"kind": "plugin", "plugin": "disk:1"})
    store(lab, "logstash", {"kind": "volume"})
    # Such a host needs no free space in the data directory.
    lab.survey["w1"]["disks"]["/srv/elk"] = disk(100, 0)
    assert lab.findings() == []


def test_a_problem_of_storage_is_one_finding(lab: Lab) -> None:
    store(lab, "elasticsearch", {"kind": "plugin", "plugin": "disk"})
    found = lab.only()
    assert found.check == "storage"
    assert found.where == "elasticsearch_storage.plugin"
    assert "has no tag" in found.wrong
    store(lab, "elasticsearch", {"kind": "plugin", "plugin": "disk:1"})
    store(lab, "logstash", {"kind": "nfs", "server": "nas", "path": "x"}, "w1")
    problems = [one.where for one in lab.findings()]
    assert problems == ["logstash_storage.path of w1"]


def test_problems_that_the_specs_report_are_skipped(lab: Lab) -> None:
    store(lab, "elasticsearch", {"kind": "ramdisk"})
    assert lab.findings() == []


def test_one_service_has_one_kind_of_storage(lab: Lab) -> None:
    store(lab, "elasticsearch", {"kind": "volume"}, "w2")
    found = lab.only()
    assert found.where == "elasticsearch_storage"
    assert "bind (m1, m2, m3, w1); volume (w2)" in found.wrong
    store(lab, "elasticsearch", {"kind": "plugin", "plugin": "disk:1", "options": {"size": "1g"}})
    big = {"kind": "plugin", "plugin": "disk:1", "options": {"size": "2g"}}
    store(lab, "elasticsearch", big, "w2")
    assert lab.findings() == []


def test_data_stays_on_its_storage(lab: Lab) -> None:
    store(lab, "elasticsearch", {"kind": "volume"})
    data = lab.survey["m2"]["disks"]
    data["/srv/elk/elasticsearch"] = disk(100, 50, exists=True, empty=False)
    found = lab.only()
    assert (found.where, found.check) == ("m2", "storage_change")
    assert "elasticsearch has its data on bind, and elasticsearch_storage asks" in found.wrong
    assert "docs/storage.md#moving-data" in found.mend
    del data["/srv/elk/elasticsearch"]
    note = {"kind": "volume", "volume": "es-m2", "driver": "local", "options": {}}
    lab.survey["m2"]["files"]["/etc/elk/storage.json"] = json.dumps({"elasticsearch": note})
    assert lab.findings() == []
    store(lab, "elasticsearch", {"kind": "bind"})
    assert "has its data on volume, and elasticsearch_storage asks for bind" in lab.only().wrong


def test_a_wrong_place_can_be_corrected_before_the_first_cluster(lab: Lab) -> None:
    place = {"kind": "nfs", "server": "192.0.2.10", "path": "/new"}
    store(lab, "elasticsearch", place)
    old = {"kind": "nfs", "volume": "es-m2", "driver": "local", "options": {"device": ":/old"}}
    files = lab.survey["m2"]["files"]
    files["/etc/elk/storage.json"] = json.dumps({"elasticsearch": old})
    assert lab.findings() == []
    # One host of Elasticsearch remembers a cluster.
    lab.survey["m1"]["files"]["/etc/elk/elasticsearch/cluster_uuid"] = "abc"
    assert lab.only().check == "storage_change"


# The report


def test_all_problems_are_in_one_list(lab: Lab) -> None:
    lab.groups["swarm_workers"].append("m1")
    lab.settings["network_subnet"] = "nonsense"
    lab.survey["w1"]["ipvs"] = False
    problems = [f for f in lab.findings() if not f.warning]
    assert [p.check for p in problems] == ["groups", "subnet", "ipvs", "ipvs"]
    text = report(problems)
    assert text.startswith("4 problems must be fixed first; nothing was changed:")
    assert "\n  4. kibana_publish_mode: " in text
    assert text.count("Fix: ") == 4


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
    assert parse_size(text) == size


def test_show_size_and_parse_size_match() -> None:
    for size in (GIB, 3 * GIB // 2, 31 * GIB, 100 * MIB):
        assert parse_size(show_size(size)) == size


def test_every_check_is_run() -> None:
    folder = ROOT / "plugins" / "module_utils" / "platform" / "preflight"
    with_checks = {path.stem for path in folder.glob("*.py") if "@check(" in path.read_text()}
    assert with_checks == {one.__name__.rsplit(".", 1)[-1] for one in SUBJECTS}
    assert set(CHECKS) == set(REGISTERED)
