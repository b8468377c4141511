# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles of replicated services ask of Swarm, in which order, and what they say."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.elk.swarm.plugins.filter.publish_options import publish_options
from ansible_collections.elk.swarm.plugins.modules.service import argument_spec
from repo import ROOT
from tests.unit.roles.recording import Call, Run, run

ROLE = ROOT / "roles" / "replicated_service"
NAME = "elk.swarm.replicated_service"
SPECS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
CALLERS = {"kibana": "__kibana_service", "logstash": "__logstash_service"}

MODULES = ["logstash_queue", "node_labels", "service", "service_info", "task_mount"]
GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "swarm_managers": {"m1": {"ansible_host": "192.0.2.1"}},
    "swarm_workers": {"w1": {"ansible_host": "192.0.2.2"}},
}
IMAGE = "docker.elastic.co/kibana/kibana:9.2.4"
SECRETS = (
    "elastic_password",
    "kibana_encryption_key",
    "kibana_reporting_key",
    "kibana_saved_objects_key",
    "logstash_password",
    "secret_hash_key",
)
FILES = ("ca.crt", "kibana_token", "certs/kibana.crt", "certs/kibana.key")
# With what the descriptions do not say.
ON_HOSTS: dict[str, Any] = {
    "kibana_publish_mode": "host",
    "kibana_memory_reservation": "1g",
    "kibana_replicas": 1,
    "logstash_publish_mode": "host",
    "logstash_memory_reservation": "512m",
    "logstash_storage": {"kind": "volume"},
}


def role(name: str, tasks_from: str = "main.yml") -> dict[str, Any]:
    named = {"name": f"elk.swarm.{name}", "tasks_from": tasks_from}
    return {"name": f"Call {name}", "ansible.builtin.include_role": named}


def task(node: str) -> dict[str, str]:
    state = {"state": "running", "desired_state": "running"}
    return {"node": node, "container_id": f"c-{node}", **state}


def service(image: str, *nodes: str) -> dict[str, Any]:
    spec = {"TaskTemplate": {"ContainerSpec": {"Image": image}}}
    tasks = [task(node) for node in nodes]
    return {"exists": True, "service": {"Spec": spec}, "tasks": tasks, "nodes": list(nodes)}


def played(
    folder: Path,
    *tasks: dict[str, Any],
    variables: dict[str, Any] | None = None,
    answers: dict[str, Any] | None = None,
) -> Run:
    """Run roles on two hosts; both run Logstash and Kibana, that of w1 is younger."""
    local_dir = folder / "local"
    (local_dir / "certs").mkdir(parents=True)
    for name in (*SECRETS, *FILES):
        (local_dir / name).write_text(f"{name}{'-' * 48}")
        (local_dir / name).chmod(0o600)
    seen: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"host": host}, {"node": host, "containers": [f"c-{host}"], "left": {}})
        for host in ("m1", "w1")
    ]
    nodename = {"nodename": "{{ inventory_hostname }}", "cacheable": True}
    return run(
        folder,
        [{"name": "Know the nodes", "ansible.builtin.set_fact": nodename}, *tasks],
        groups=GROUPS,
        modules=MODULES,
        answers={
            "service_info": [
                ({"name": "kibana"}, service(f"{IMAGE}@sha256:0", "w1", "m1")),
                ({"name": "logshipper"}, service("logstash", "m1", "w1")),
            ],
            "logstash_queue": seen,
            **(answers or {}),
        },
        variables={"elk_local_dir": str(local_dir), **(variables or {})},
    )


def given(value: Any) -> Any:
    """A value without the options that are left out."""
    if isinstance(value, dict):
        return {key: given(one) for key, one in value.items() if one is not None}
    return [given(one) for one in value] if isinstance(value, list) else value


def arguments(call: Call) -> dict[str, Any]:
    """What the module makes of the arguments, with a hash for the content of a file."""
    result = ArgumentSpecValidator(argument_spec()).validate(call.arguments)
    assert result.error_messages == []
    found: dict[str, Any] = given({key: result.validated_parameters[key] for key in call.arguments})
    for one in [*found["configs"], *found["secrets"]]:
        one["data"] = sha256(one["data"].encode()).hexdigest()[:16]
    assert found.pop("secret_hash_key")
    return found


def services(found: Run) -> dict[str, Any]:
    """The last arguments by the name of the service."""
    assert found.code == 0, found.output
    return {call.arguments["name"]: arguments(call) for call in found.of("service")}


@pytest.fixture(scope="module")
def defaults(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return played(tmp_path_factory.mktemp("defaults"), role("logstash"), role("kibana"))


@pytest.fixture(scope="module")
def on_hosts(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Kibana gets another image too, and one task instead of two."""
    return played(
        tmp_path_factory.mktemp("on_hosts"),
        role("logstash"),
        role("kibana"),
        variables={**ON_HOSTS, "elk_version": "9.3.0"},
    )


@pytest.mark.parametrize("variant", ["defaults", "on_hosts"])
def test_the_services_are_those_of_platforms_that_run(
    variant: str, request: pytest.FixtureRequest
) -> None:
    """A difference restarts containers: services.json changes only with a note in the changelog."""
    expected = json.loads(Path(__file__).with_name("services.json").read_text())
    assert services(request.getfixturevalue(variant)) == expected[variant]


def test_all_tasks_stop_before_kibana_gets_another_image(on_hosts: Run) -> None:
    calls = [one.arguments for one in on_hosts.of("service") if one.arguments["name"] == "kibana"]
    assert [one["replicas"] for one in calls] == [0, 1]


def test_the_same_image_stops_nothing(defaults: Run) -> None:
    replicas = [one.arguments["replicas"] for one in defaults.of("service")]
    assert replicas == [2, 1]


def test_the_youngest_task_goes_where_people_know_the_host(on_hosts: Run) -> None:
    labels = [one.arguments["labels"] for one in on_hosts.of("node_labels")]
    assert labels == [
        {"elk.logstash": {"m1": "true", "w1": "true"}},
        {"elk.kibana": {"m1": "true", "w1": None}},
        {"elk.kibana": {"m1": "true", "w1": "true"}},
    ]


def test_scaling_compares_first_and_reports_at_the_end(tmp_path: Path) -> None:
    found = played(
        tmp_path,
        role("logstash", "scale.yml"),
        role("kibana", "scale.yml"),
        role("kibana", "report.yml"),
        role("logstash", "report.yml"),
    )
    assert found.code == 0, found.output
    compared = [(one.check, one.arguments["replicas"]) for one in found.of("service")]
    assert compared == [(True, -1), (False, 2), (True, -1), (False, 1)]
    assert "msg: Kibana runs 1 task(s), on m1, w1." in found.output
    assert "msg: Logstash runs 2 task(s), on m1, w1." in found.output
    assert "TASK [elk.swarm.replicated_service : Deploy the service of Kibana]" in found.output


def test_a_service_that_differs_is_not_scaled(tmp_path: Path) -> None:
    refusal = {"failed": True, "msg": "It differs."}
    found = played(
        tmp_path,
        role("kibana", "scale.yml"),
        answers={"service": [({"on_difference": "fail"}, refusal)]},
    )
    assert found.code != 0
    assert len(found.of("service")) == 1
    assert "It differs. Nothing was changed." in found.output


def test_a_host_that_leaves_the_platform_gets_no_task(tmp_path: Path) -> None:
    found = played(
        tmp_path, role("logstash"), role("kibana"), variables={"membership_leaving": "m1"}
    )
    assert found.code == 0, found.output
    labels: dict[str, dict[str, str | None]] = {}
    for one in found.of("node_labels"):
        for name, values in one.arguments["labels"].items():
            labels.setdefault(name, {}).update(values)
    assert labels == {
        "elk.logstash": {"w1": "true", "m1": None},
        "elk.kibana": {"w1": "true", "m1": None},
    }
    assert [one.arguments["replicas"] for one in found.of("service")][-2:] == [1, 1]


def test_an_update_keeps_the_number_of_tasks(tmp_path: Path) -> None:
    found = played(tmp_path, role("logstash", "update.yml"))
    assert [one.arguments["replicas"] for one in found.of("service")] == [-1]
    assert found.of("node_labels") == []


def test_only_the_role_of_a_service_may_call(tmp_path: Path) -> None:
    found = played(tmp_path, role("replicated_service", "scale_finish.yml"))
    assert found.code != 0
    assert "Only the role of a service may call the role" in found.output
    assert found.calls == []


def options(entry: str) -> dict[str, Any]:
    found: dict[str, Any] = SPECS[entry].get("options") or {}
    return found


def test_every_file_has_an_entry_or_is_part_of_another() -> None:
    files = {path.stem: path.read_text() for path in (ROLE / "tasks").glob("*.yml")}
    parts = re.findall(r"builtin\.(?:include|import)_tasks: (\w+)\.yml", "\n".join(files.values()))
    assert set(SPECS) - set(files) == set()
    assert set(files) - set(SPECS) - set(parts) == set()


@pytest.mark.parametrize("name", CALLERS)
def test_callers_give_the_options_of_the_specs(name: str) -> None:
    spec = options("deploy")["replicated_service_options"]["options"]
    variables = yaml.safe_load((ROOT / "roles" / name / "vars" / "main.yml").read_text())
    keys = set(variables[CALLERS[name]])
    assert keys - set(spec) == set()
    assert {key for key, one in spec.items() if one.get("required")} - keys == set()


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "roles").glob("*/tasks/*.yml")),
    ids=lambda one: f"{one.parts[-3]}-{one.stem}",
)
def test_callers_give_the_variables_of_the_specs(path: Path) -> None:
    text = path.read_text()
    calls = re.findall(rf"name: {re.escape(NAME)}\n +tasks_from: (\w+)\.yml\n", text)
    assert text.count(f"name: {NAME}\n") == len(calls)
    known = {name for entry in calls for name in options(entry)}
    # A file that only passes a call on gets them from its own caller.
    found = set(re.findall(r"^ +(replicated_service_\w+):", text, re.MULTILINE))
    if path.parts[-3] != ROLE.name and calls:
        assert found - known - set(options("deploy")) == set()
        assert set(calls) - set(SPECS) == set()


def test_each_protocol_of_a_port_is_published() -> None:
    ports = [
        {"name": "syslog", "port": 514, "protocols": ["tcp", "udp"], "publish": "host"},
        {"name": "api", "port": 9600, "protocols": ["tcp"], "publish": "ingress"},
    ]
    published = publish_options(ports, {"syslog": 10514})
    assert [(one["protocol"], one["target_port"], one["mode"]) for one in published] == [
        ("tcp", 10514, "host"),
        ("udp", 10514, "host"),
        ("tcp", 9600, "ingress"),
    ]
