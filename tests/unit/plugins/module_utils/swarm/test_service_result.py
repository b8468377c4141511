# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The return value in the form of docker_swarm_service."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import ansible_collections.community.docker as peer

from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_result import swarm_service

SPEC: dict[str, Any] = {
    "Name": "web",
    "Labels": {"a": "1"},
    "Mode": {"Replicated": {"Replicas": 2}},
    "TaskTemplate": {
        "ContainerSpec": {
            "Image": "web:1",
            "Env": ["B=2", "API_PASSWORD=hidden", "A"],
            "Hosts": ["192.0.2.1 a b", "2001:db8::1 c"],
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5, "StartInterval": 7},
            "Mounts": [
                {
                    "Type": "volume",
                    "Target": "/v",
                    "VolumeOptions": {"DriverConfig": {"Name": "d", "Options": {"x": "y"}}},
                }
            ],
            "Configs": [
                {
                    "ConfigID": "c1",
                    "ConfigName": "c",
                    "File": {"Name": "c", "UID": "0", "GID": "0", "Mode": 292},
                }
            ],
        },
        "Resources": {"Limits": {"NanoCPUs": 500_000_000}},
        "Networks": [{"Target": "n1", "Aliases": ["x"]}],
        "Placement": {"Preferences": [{"Spread": {"SpreadDescriptor": "node.labels.z"}}]},
        "ForceUpdate": 0,
    },
    "UpdateConfig": {"Parallelism": 2},
    "RollbackConfig": {"Parallelism": 3},
    "EndpointSpec": {"Mode": "vip", "Ports": [{"TargetPort": 80, "PublishMode": "host"}]},
}


def test_every_name_is_one_of_docker_swarm_service() -> None:
    folder = Path(next(iter(peer.__path__)))
    source = (folder / "plugins/modules/docker_swarm_service.py").read_text()
    facts = source[source.index("def get_facts") : source.index("def can_update_networks")]
    assert set(swarm_service(SPEC)) == set(re.findall(r"'(\w+)': self\.", facts))


def test_values_are_in_the_form_of_docker_swarm_service() -> None:
    found = swarm_service(SPEC)
    assert found["env"] == ["A", "API_PASSWORD=********", "B=2"]
    assert found["hosts"] == {"a": "192.0.2.1", "b": "192.0.2.1", "c": "2001:db8::1"}
    assert found["healthcheck"] == {"test": ["CMD", "true"], "interval": 5}
    assert found["healthcheck_disabled"] is False
    assert found["mounts"][0]["driver_config"] == {"name": "d", "options": {"x": "y"}}
    assert found["configs"][0]["config_id"] == "c1"
    assert found["limit_cpu"] == 0.5
    assert found["networks"] == [{"id": "n1", "aliases": ["x"]}]
    assert found["placement_preferences"] == [{"spread": "node.labels.z"}]
    assert found["publish"][0] == {
        "protocol": "tcp",
        "mode": "host",
        "published_port": None,
        "target_port": 80,
    }
    assert (found["update_parallelism"], found["rollback_config"]["parallelism"]) == (2, 3)
    assert (found["mode"], found["replicas"]) == ("replicated", 2)


def test_what_a_service_does_not_have_is_null() -> None:
    found = swarm_service({"Mode": {"Global": {}}})
    assert found.pop("mode") == "global"
    assert set(found.values()) == {None}


def test_a_disabled_check() -> None:
    spec = {"TaskTemplate": {"ContainerSpec": {"Healthcheck": {"Test": ["NONE"]}}}}
    found = swarm_service(spec)
    assert (found["healthcheck"], found["healthcheck_disabled"]) == (None, True)
