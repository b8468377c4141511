# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks call files of each service's role, also of an operator's own, and in which order."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from repo import ROOT
from tests.unit.roles.recording import Run, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INCLUDE = "ansible.builtin.include_role"
GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "swarm_managers": {"m1": {"ansible_host": "192.0.2.1"}},
    "swarm_workers": {"w1": {"ansible_host": "192.0.2.2"}},
}
ELASTICSEARCH, LOGSTASH, KIBANA = (
    f"elk.swarm.{name}" for name in ("elasticsearch", "logstash", "kibana")
)
PASSWORD = "{{ lookup('elk.swarm.local_secret', elk_local_dir ~ '/hello_password', make=false) }}"
# An operator's own: it keeps a password and has neither update.yml nor rotate.yml.
HELLO: dict[str, Any] = {
    "title": "Hello",
    "kind": "replicated",
    "hosts": "{{ elk_hosts }}",
    "replicas": 1,
    "upgrade": {"order": 25},
    "credentials": [
        {
            "name": "hello_password",
            "variable": "hello_password",
            "user": "hello",
            "secret": "hello-ini",
            "renewal": "nothing breaks",
        }
    ],
}
# Another, which Swarm runs on every host.
WATCH = {"title": "Watch", "kind": "global", "hosts": "{{ elk_hosts }}"}
DEPLOYED = [ELASTICSEARCH, LOGSTASH, KIBANA, "hello", "watch"]
# By the playbook, the roles and their files in the order of the calls.
CALLS: dict[str, list[tuple[str, str]]] = {
    "stack": [(role, "main") for role in DEPLOYED],
    "add_host": [(role, "main") for role in DEPLOYED],
    "verify": [(role, "verify") for role in DEPLOYED[:4]],
    "scale": [
        (role, file)
        for file in ("scale", "verify", "report")
        for role in (LOGSTASH, KIBANA, "hello")
        if (role, file) != ("hello", "report")
    ],
    "upgrade": [(role, "main") for role in (ELASTICSEARCH, KIBANA, "hello", LOGSTASH, "watch")],
    "remove_host": [(role, "main") for role in (LOGSTASH, KIBANA, "hello")],
}
NEWS = [(ELASTICSEARCH, "update"), (LOGSTASH, "update"), (KIBANA, "main")]
OTHERS = [("hello", "main"), ("watch", "main")]
OWN = [(ELASTICSEARCH, "rotate"), (KIBANA, "rotate")]
ROTATIONS: dict[str, list[tuple[str, str]]] = {
    "ca": [*NEWS, *OTHERS] * 2,
    "passwords": [*OWN, *NEWS[1:], *OTHERS[:1], (ELASTICSEARCH, "rotated")],
    "join_tokens": [],
}


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def roles(folder: Path) -> None:
    """The roles of the operator, beside the playbook."""
    # It shows with which password it is deployed.
    shown = {"elk.swarm.volume_info": {"name": "hello with {{ hello_password }}"}}
    main = [{"name": "Deploy Hello", **shown, "run_once": True}]
    hello = folder / "roles" / "hello"
    write(hello / "meta" / "service.yml", {"hello": HELLO})
    write(hello / "meta" / "main.yml", {"dependencies": [{"role": "elk.swarm.elk"}]})
    write(hello / "defaults" / "main.yml", {"hello_password": PASSWORD})
    for file in ("main", "verify", "scale"):
        write(hello / "tasks" / f"{file}.yml", main)
    write(folder / "roles" / "watch" / "meta" / "service.yml", {"watch": WATCH})
    write(folder / "roles" / "watch" / "tasks" / "main.yml", [])


def plays(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text())
    return found


def tasks_of(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        if "block" in task:
            yield from tasks_of(task["block"])
        else:
            yield task


def loops(name: str) -> list[dict[str, Any]]:
    """The loops of a playbook, with a module in the place of the role, and what they need."""
    found = []
    for play in plays(name):
        for task in tasks_of([*play.get("pre_tasks", []), *play.get("tasks", [])]):
            if INCLUDE in task and "loop" in task:
                assert task["loop_control"]["label"] == "{{ elk_service.role }}"
                role = task.pop(INCLUDE)
                called = f"{{{{ case }}}} {role['name']} {role['tasks_from']}"
                found.append({**task, "elk.swarm.volume_info": {"name": called}, "run_once": True})
            elif "ansible.builtin.set_fact" in task:
                found.append(task)
    for task in found:
        task["vars"] = {**task.get("vars", {}), "case": name}
    return found


def variables(*names: str) -> dict[str, Any]:
    return {
        key: value
        for name in names
        for play in plays(name)
        for key, value in play.get("vars", {}).items()
        if not key.startswith(("elk_", "membership_"))
    }


def called(found: Run, case: str) -> list[tuple[str, str]]:
    names = [one.arguments["name"].split() for one in found.of("volume_info")]
    return [(role, file.removesuffix(".yml")) for name, role, file in names if name == case]


SEE = {
    "name": "See the shared variables",
    "ansible.builtin.import_role": {"name": "elk.swarm.elk", "rolespec_validate": False},
}


def played(folder: Path, tasks: list[dict[str, Any]], given: dict[str, Any]) -> Run:
    roles(folder)
    local = {"elk_local_dir": str(folder), "elk_additional_service_roles": ["hello", "watch"]}
    found = run(
        folder,
        [SEE, *tasks],
        groups=GROUPS,
        modules=["volume_info"],
        answers={},
        variables={**given, **local},
    )
    assert found.code == 0, found.output
    return found


@pytest.fixture(scope="module")
def looped(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("loops")
    return played(folder, [task for name in CALLS for task in loops(name)], variables(*CALLS))


@pytest.mark.parametrize("name", CALLS)
def test_each_playbook_calls_the_services_in_its_order(looped: Run, name: str) -> None:
    assert called(looped, name) == CALLS[name]


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Several rotations, one after the other."""
    tasks = [
        {**task, "vars": {"case": kind, "rotate": kind}}
        for kind in ROTATIONS
        for task in loops("rotate")
    ]
    return played(tmp_path_factory.mktemp("rotated"), tasks, variables("rotate"))


@pytest.mark.parametrize("kind", ROTATIONS)
def test_who_gets_what_is_renewed(rotated: Run, kind: str) -> None:
    assert called(rotated, kind) == ROTATIONS[kind]


# -- the story of a rotation ---------------------------------------------------------------------

RECORDED = [
    "elasticsearch_login_info",
    "elasticsearch_service_token",
    "elasticsearch_user",
    "node_labels",
    "private_file",
    "secret_rotation",
    "service",
    "service_info",
    "volume_info",
]
KEYS = ["kibana_encryption_key", "kibana_saved_objects_key", "kibana_reporting_key"]
# As Elasticsearch makes them: their names are elk and old.
TOKEN, FORMER_TOKEN = (
    base64.b64encode(b"\x00\x01\x00\x01elastic/kibana/%s:abc" % name).decode().rstrip("=")
    for name in (b"elk", b"old")
)
SERVICE = {"exists": True, "service": {"Spec": {}}, "tasks": [], "nodes": []}


def rotate(folder: Path, *arguments: str, kinds: str, **given: Any) -> Run:
    """Rotate without the lock and the authority."""
    roles(folder)
    local_dir = folder / "local"
    (local_dir / "certs").mkdir(parents=True)
    for name in (
        "ca.crt",
        "certs/kibana.crt",
        "certs/kibana.key",
        "elastic_password",
        "hello_password",
        "logstash_password",
        "secret_hash_key",
        *KEYS,
    ):
        (local_dir / name).write_text(f"{name}{'-' * 48}")
        (local_dir / name).chmod(0o600)
    for name in ("elastic_password", "hello_password", "logstash_password"):
        (local_dir / f"{name}.next").write_text(f"next {name}")
    (local_dir / "kibana_token").write_text(TOKEN)
    (local_dir / "kibana_token.former").write_text(FORMER_TOKEN)
    [play] = [one for one in plays("rotate") if one.get("hosts", "").startswith("swarm")]
    left_out = ("elk.swarm.pki", "elk.swarm.swarm", "elk.swarm.preflight")
    tasks = [
        one
        for one in tasks_of(play["tasks"])
        if one.get(INCLUDE, {}).get("name") not in left_out
        and one.get(INCLUDE, {}).get("tasks_from") != "lock.yml"
        and one.get("ansible.builtin.import_tasks") != "tasks/compare_secrets.yml"
    ]
    made = {"stage": "made", "told": "It is renewed", "changed": True}
    token = str(local_dir / "kibana_token")
    nodename = {"nodename": "{{ inventory_hostname }}", "cacheable": True}
    return run(
        folder,
        [{"name": "Know the nodes", "ansible.builtin.set_fact": nodename}, *tasks],
        groups=GROUPS,
        modules=RECORDED,
        answers={
            "elasticsearch_login_info": [({}, {"holds": "password"})],
            "elasticsearch_service_token": [({"name": "elk-2"}, {"token": "next"})],
            "secret_rotation": [
                ({"step": "begin", "path": token}, {"stage": "idle", "told": "The token"}),
                ({"step": "begin"}, made),
            ],
            "service_info": [({}, SERVICE)],
        },
        variables={
            **variables("rotate"),
            "elk_local_dir": str(local_dir),
            "elk_additional_service_roles": ["hello", "watch"],
            "rotate": kinds,
            **given,
        },
        arguments=arguments,
    )


def story(found: Run) -> list[str]:
    """The steps in words, without repetitions."""
    told = {
        "secret_rotation": "{step} {path}",
        "elasticsearch_login_info": "login",
        "elasticsearch_user": "tell {name}",
        "elasticsearch_service_token": "token {name}",
        "private_file": "write {path}",
        "service": "update {name} {replicas}",
        "volume_info": "deploy {name}",
    }
    steps = [
        told[one.module].format(**{**one.arguments, "path": one.arguments.get("path", "")})
        for one in found.calls
        if one.module in told
    ]
    local = [step.replace(step[step.find("/") : step.rfind("/") + 1], "") for step in steps]
    return list(dict.fromkeys(local))


def test_the_steps_of_a_rotation(tmp_path: Path) -> None:
    found = rotate(tmp_path, kinds="passwords,encryption_keys")
    assert found.code == 0, found.output
    services = ["logstash_password", *KEYS, "hello_password"]
    assert story(found) == [
        "login",
        # On the controller before Elasticsearch is told.
        *(f"begin {name}" for name in [*services, "elastic_password", "kibana_token"]),
        "tell elastic",
        "use elastic_password",
        "write elastic_password",
        "token elk-2",
        "write kibana_token.next",
        "use kibana_token",
        "write kibana_former_saved_objects_keys",
        *(f"use {name}" for name in KEYS),
        # Last, because Elasticsearch then refuses the running tasks; the first service is last.
        "tell hello",
        "use hello_password",
        "tell logstash_writer",
        "use logstash_password",
        "update logshipper -1",
        "update kibana 1",
        f"deploy hello with hello_password{'-' * 48}",
        "token old",
        # Last, because Elasticsearch can refuse to delete the token, and the next run has to go on.
        *(f"end {name}" for name in ["kibana_token", "elastic_password", *services]),
    ]
    begun = {
        one.arguments["variable"]: (one.arguments["value"][:14], one.arguments.get("length"))
        for one in found.of("secret_rotation")
        if "value" in one.arguments
    }
    # The defaults of the roles, which the playbook does not see.
    assert begun["hello_password"] == ("hello_password", 32)
    assert begun["kibana_encryption_key"] == ("kibana_encrypt", 48)
    assert begun["elk_elastic_password"] == ("elastic_passwo", None)


def test_a_check_only_begins(tmp_path: Path) -> None:
    found = rotate(tmp_path, "--check", kinds="passwords,encryption_keys")
    assert found.code == 0, found.output
    assert {step.split()[0] for step in story(found)} == {"login", "begin", "update", "deploy"}
    assert "Logstash, Kibana, Hello would get new tasks" in " ".join(found.output.split())


def test_keys_ask_elasticsearch_for_nothing(tmp_path: Path) -> None:
    # The password is not renewed, so nobody asks the vault that it would come from.
    found = rotate(tmp_path, kinds="encryption_keys", hello_password="{{ of_a_vault }}")
    assert found.code == 0, found.output
    assert story(found) == [
        *(f"begin {name}" for name in KEYS),
        "write kibana_former_saved_objects_keys",
        *(f"use {name}" for name in KEYS),
        "update kibana 1",
        *(f"end {name}" for name in KEYS),
    ]
