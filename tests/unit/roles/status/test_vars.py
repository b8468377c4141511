# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role status asks of hosts and servers, from the descriptions of the services."""

from __future__ import annotations

from typing import Any

import pytest

from repo import ROOT
from tests.unit.roles.evaluation import Case, evaluate

CHANGED = {
    "logstash_service_name": "ingest",
    "elk_data_dir": "/data",
    "kibana_service_name": "dashboards",
    "kibana_port": "443",
    "pki_service_names": ["logs.example.org"],
    "elk_elasticsearch_port": 9201,
}
ONLY_KIBANA = {"elk_service_roles": ["elk.swarm.kibana"]}
SWITCHED_OFF = {"kibana_replicas": 0}


def server(service: str, port: int, hosts: dict[str, str], **changes: Any) -> dict[str, Any]:
    server = {"service": service, "port": port, "addresses": hosts}
    return {**server, "names": [], "path": "", "required": False, **changes}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    tmp = tmp_path_factory.mktemp("status")
    local_dir = tmp / "local"
    (local_dir / "certs").mkdir(parents=True)
    (local_dir / "certs" / "kibana.crt").write_text("A certificate\n")
    (tmp / "roles").symlink_to(ROOT / "tests" / "fixtures" / "roles")
    # Whoever asks for more than the units need fails.
    own = {"elk_additional_service_roles": ["ticker"], "kibana_replicas": "many"}
    names = ("servers", "queues", "certificates", "clusters")
    variants: dict[str, dict[str, Any]] = {
        "defaults": {"elk_local_dir": str(local_dir)},
        "changed": CHANGED,
        "only": ONLY_KIBANA,
        "off": SWITCHED_OFF,
        "nothing": {"elk_local_dir": str(tmp), **ONLY_KIBANA},
    }
    return evaluate(
        tmp,
        [
            Case(f"{variant} {name}", f"__status_{name}", variables)
            for variant, variables in variants.items()
            for name in names
        ]
        + [Case("units", "__status_units", own)],
        groups={
            "swarm_managers": {"hosts": {"m1": {"ansible_host": "192.0.2.1"}, "m2": {}}},
            "kibana": {"hosts": {"m2": {"elk_address": "192.0.2.2"}}},
        },
        local_dir=local_dir,
        vars_files=[
            ROOT / "roles" / role / kind / "main.yml"
            for role in ("elk", "status")
            for kind in ("defaults", "vars")
        ],
    )["m1"]


def test_clients_use_the_ports_with_tls(found: dict[str, Any]) -> None:
    both = {"m1": "192.0.2.1", "m2": "192.0.2.2"}
    kibana = {"required": True, "path": "/api/status"}
    assert found["defaults servers"] == [
        server("elasticsearch", 9200, both),
        server("kibana", 5601, {"m2": "192.0.2.2"}, names=["kibana"], **kibana),
    ]
    assert found["changed servers"] == [
        server("elasticsearch", 9201, both),
        server(
            "dashboards",
            443,
            {"m2": "192.0.2.2"},
            names=["dashboards", "logs.example.org"],
            **kibana,
        ),
    ]


def test_nobody_has_to_answer_for_a_service_that_is_switched_off(found: dict[str, Any]) -> None:
    assert [one["addresses"] for one in found["off servers"]][1] == {}


def test_the_queues_of_the_services_that_ask_for_it(found: dict[str, Any]) -> None:
    assert found["defaults queues"] == {"logshipper": "/srv/elk/logstash"}
    assert found["changed queues"] == {"ingest": "/data/logstash"}
    assert found["only queues"] == {}


def test_elasticsearch_is_asked_only_for_a_service_that_shows_it(found: dict[str, Any]) -> None:
    assert [one["name"] for one in found["defaults clusters"]] == ["elasticsearch"]
    assert found["only clusters"] == []


def test_the_certificates_that_the_controller_has(found: dict[str, Any]) -> None:
    assert found["defaults certificates"] == {"kibana": "A certificate"}
    assert found["nothing certificates"] == {}


def test_only_the_fields_that_units_need_are_evaluated(found: dict[str, Any]) -> None:
    assert found["units"] == ["ticker.service"]
