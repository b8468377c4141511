"""The swarm as its first manager sees it."""

from __future__ import annotations

import json
from typing import Any


def test_every_host_is_a_ready_node_with_its_role(platform: Any, manager: Any) -> None:
    lines = manager.check_output("docker node ls --format '{{json .}}'").splitlines()
    nodes = {node["Hostname"]: node for node in map(json.loads, lines)}
    assert sorted(nodes) == sorted(platform.hosts)
    assert all(node["Status"] == "Ready" for node in nodes.values())
    managers = [name for name, node in nodes.items() if node["ManagerStatus"]]
    assert sorted(managers) == sorted(platform.managers)


def test_overlay_network_is_attachable(manager: Any) -> None:
    network = json.loads(manager.check_output("docker network inspect elknet"))[0]
    assert network["Driver"] == "overlay"
    assert network["Attachable"] is True
    assert network["IPAM"]["Config"][0]["Subnet"] == "192.168.8.0/21"


def test_services_run_the_expected_tasks(platform: Any, manager: Any) -> None:
    lines = manager.check_output("docker service ls --format '{{json .}}'").splitlines()
    services = {service["Name"]: service for service in map(json.loads, lines)}
    elasticsearch = [name for name in services if name.startswith("elk_elasticsearch-")]
    assert len(elasticsearch) == 1, "one generation"
    count = len(platform.hosts)
    assert services[elasticsearch[0]]["Mode"] == "global"
    assert services[elasticsearch[0]]["Replicas"] == f"{count}/{count}"
    shippers = min(2, count)
    assert services["logshipper"]["Replicas"].startswith(f"{shippers}/{shippers}")
    assert services["kibana"]["Replicas"].startswith("1/1")


def test_secrets_are_in_no_environment_and_in_no_config(platform: Any, manager: Any) -> None:
    names = manager.check_output("docker service ls -q").split()
    configs = manager.check_output("docker config ls -q").split()
    seen = manager.check_output("docker service inspect {}".format(" ".join(names)))
    seen += manager.check_output("docker config inspect {}".format(" ".join(configs)))
    secrets = ["elastic_password", "logstash_password", "kibana_token", "secret_hash_key"]
    # A lab whose registry asks for a login has one more.
    secrets += [path.name for path in platform.directory.glob("registry_password")]
    for secret in secrets:
        assert platform.secret(secret) not in seen, secret


def test_a_secret_file_is_readable_by_its_service_only(manager: Any) -> None:
    modes = manager.check_output(
        "docker service inspect --format "
        "'{{range .Spec.TaskTemplate.ContainerSpec.Secrets}}"
        "{{.File.UID}} {{.File.Mode}} {{end}}' logshipper kibana"
    )
    # 256 is 0400 in decimal, which is how the Engine prints it.
    assert set(modes.split()) == {"1000", "256"} or "-r--------" in modes
