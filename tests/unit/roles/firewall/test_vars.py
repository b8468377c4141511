# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports that the role firewall guards, from the descriptions of the services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.modules.preflight import vocabulary
from repo import ROOT
from tests.unit.roles.evaluation import Case, evaluate

if TYPE_CHECKING:
    import json
import json
from pathlib import Path

PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]
CONTROLLER = "198.51.100.9"
CHANGED = {
    "kibana_publish_mode": "host",
    "logstash_publish_mode": "host",
    "kibana_port": "443",
    "firewall_kibana_networks": [],
    "firewall_syslog_networks": ["10.2.0.0/16"],
    "firewall_elasticsearch_networks": ["10.1.0.0/16"],
    "firewall_controller": False,
}


def port(
    name: str, number: int, networks: list[str], protocols: tuple[str, ...] = ("tcp",)
) -> dict[str, Any]:
    return {"name": name, "port": number, "protocols": list(protocols), "networks": networks}


def test_the_networks_of_each_service_reach_its_ports(tmp_path: Path) -> None:
    role = tmp_path / "roles" / "hello" / "meta"
    role.mkdir(parents=True)
    open_port = {"name": "hello", "port": 8080, "networks": ["10.3.0.0/16"]}
    hello = {"title": "Hello", "kind": "per_host", "hosts": ["m2"], "ports": [open_port]}
    (role / "service.yml").write_text(json.dumps({"hello": hello}))
    found = evaluate(
        tmp_path,
        [
            Case("defaults", "__firewall_published"),
            Case("changed", "__firewall_published", CHANGED),
            Case("own", "__firewall_published", {"elk_additional_service_roles": ["hello"]}),
        ],
        groups={
            "swarm_managers": {"hosts": {"m1": {}, "m2": {}, "w1": {}}},
            "elasticsearch": {"hosts": {"m1": {}}},
            "logstash": {"hosts": {"m2": {}}},
            "kibana": {"hosts": {"w1": {}}},
        },
        local_dir=tmp_path,
        hosts="swarm_managers",
        variables={"__firewall_look": {"controller": CONTROLLER}},
        vars_files=[
            ROOT / "roles" / role / kind / "main.yml"
            for role, kind in (
                ("elk", "defaults"),
                ("elk", "vars"),
                ("firewall", "defaults"),
                ("firewall", "vars"),
            )
        ],
    )
    kibana = port("kibana", 5601, [*PRIVATE, CONTROLLER])
    syslog = port("syslog", 514, [*PRIVATE, CONTROLLER], ("tcp", "udp"))
    assert found == {
        "m1": {
            "defaults": [port("elasticsearch", 9200, [CONTROLLER]), kibana, syslog],
            "changed": [port("elasticsearch", 9200, ["10.1.0.0/16"])],
            "own": [port("elasticsearch", 9200, [CONTROLLER]), kibana, syslog],
        },
        "m2": {
            "defaults": [kibana, syslog],
            "changed": [port("syslog", 514, ["10.2.0.0/16"], ("tcp", "udp"))],
            "own": [port("hello", 8080, ["10.3.0.0/16", CONTROLLER]), kibana, syslog],
        },
        "w1": {
            "defaults": [kibana, syslog],
            "changed": [port("kibana", 443, [])],
            "own": [kibana, syslog],
        },
    }


def test_preflight_knows_the_variables_that_the_services_define() -> None:
    known = vocabulary(str(ROOT / "roles")).options
    names = {f"firewall_{name}_networks" for name in ("elasticsearch", "kibana", "syslog")}
    assert names - known == set()
