# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks of a move of data, with a swarm, a cluster and disks that are stand-ins."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from repo import ROOT
from tests.certificates import issue
from tests.harness.playbook import Outcome, playbook_command, playbook_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STAND_IN = ROOT / "tests" / "fixtures" / "platform" / "module.py"
HOSTS = ("m1", "m2", "w1")
# What the restart of a node calls.
MODULES = (
    "bind_directory",
    "elasticsearch_allocation",
    "elasticsearch_gate",
    "elasticsearch_placement",
    "elasticsearch_roll_info",
    "host_files",
    "host_survey",
    "image_pull",
    "node_labels",
    "run_lock",
    "service",
    "service_info",
    "task_mount",
    "task_stopped",
    "volume",
)


class Indices(http.server.BaseHTTPRequestHandler):
    """Answers every request with an empty list."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_words: Any) -> None:
        """Stay silent."""


@dataclass
class Stage:
    """A collection whose modules are stand-ins, and the state of the platform."""

    folder: Path

    def __post_init__(self) -> None:
        collection = self.folder / "collections" / "ansible_collections" / "elk" / "swarm"
        (collection / "plugins" / "modules").mkdir(parents=True)
        for part in ("roles", "meta", "galaxy.yml"):
            (collection / part).symlink_to(ROOT / part)
        for path in (ROOT / "plugins").iterdir():
            if path.name != "modules":
                (collection / "plugins" / path.name).symlink_to(path)
        for path in (ROOT / "plugins" / "modules").glob("*.py"):
            target = STAND_IN if path.stem in MODULES else path
            (collection / "plugins" / "modules" / path.name).symlink_to(target)
        secrets = self.folder / "secrets"
        secrets.mkdir()
        (secrets / "transport-ca.crt").touch()
        # Any certificate: the stand-in for Elasticsearch speaks plain HTTP.
        issue("ca").write(self.folder, "ca")
        for host in HOSTS:
            (self.folder / host).mkdir()
        variables = {
            "ansible_connection": "local",
            "ansible_become": False,
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": f"{self.folder}/{{{{ inventory_hostname }}}}/tmp",
            "elk_local_dir": str(secrets),
            "elk_ca_file": str(self.folder / "ca.crt"),
            "elk_elasticsearch_hosts": list(HOSTS),
        }
        managers: dict[str, Any] = {"hosts": {host: {} for host in HOSTS}}
        (self.folder / "hosts.json").write_text(
            json.dumps({"all": {"vars": variables}, "swarm_managers": managers})
        )
        role = {"name": "elk.swarm.elasticsearch"}
        self._write_play(
            "start",
            {
                "ansible.builtin.import_role": {**role, "tasks_from": "defaults.yml"},
            },
            {
                "ansible.builtin.set_fact": {
                    "__elasticsearch_wanted_config": "{{ elasticsearch_config_hash }}"
                }
            },
            {"ansible.builtin.include_role": {**role, "tasks_from": "service.yml"}},
        )
        move = {"name": "elk.swarm.storage", "tasks_from": "move.yml"}
        self._write_play("move", {"ansible.builtin.import_role": move})

    def _write_play(self, name: str, *tasks: dict[str, Any]) -> None:
        """Write a play that knows what preflight would have found."""
        facts = {"nodename": "{{ inventory_hostname }}", "cacheable": True}
        survey = {
            "paths": ["/srv/elk/elasticsearch", "/srv/elk/logstash"],
            "files": ["/etc/elk/elasticsearch/cluster_uuid", "/etc/elk/storage.json"],
        }
        play = {
            "hosts": "swarm_managers",
            "gather_facts": False,
            "any_errors_fatal": True,
            "tasks": [
                {"ansible.builtin.set_fact": facts},
                {"elk.swarm.host_survey": survey, "register": "preflight_survey"},
                *tasks,
            ],
        }
        (self.folder / f"{name}.json").write_text(json.dumps([play]))

    def write(self, state: dict[str, Any]) -> None:
        (self.folder / "state.json").write_text(json.dumps(state))

    def read(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return state

    def run(self, play: str, kill_at: str = "", **variables: Any) -> Outcome:
        """Run a play. Kill it at a change of the platform; an empty text lets it end."""
        self.write({**self.read(), "changes": [], "kill_at": ""})
        words = ["-i", "hosts.json", f"{play}.json", "-e", json.dumps(variables)]
        process = subprocess.Popen(
            playbook_command(*words),
            cwd=self.folder,
            env=playbook_environment(
                ANSIBLE_HOME=str(self.folder / "home"),
                ANSIBLE_COLLECTIONS_PATH=str(self.folder / "collections"),
                ANSIBLE_LOCALHOST_WARNING="0",
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.write({**self.read(), "controller": process.pid, "kill_at": kill_at})
        output = process.communicate()[0]
        return Outcome(process.returncode, output)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Three nodes with data in directories, and three shards of two copies each."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Indices)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stage = Stage(tmp_path)
    ids = {host: f"id-{host}" for host in HOSTS}
    stage.write(
        {
            "labels": {host: {} for host in HOSTS},
            "services": {},
            "settings": {},
            "disks": {host: {"bind": ids[host]} for host in HOSTS},
            "running": {},
            "starting": [],
            "of_data": ids,
            "ids": 0,
            "shards": {"s0": ["m1", "m2"], "s1": ["m2", "w1"], "s2": ["w1", "m1"]},
            "notes": dict.fromkeys(HOSTS, ""),
            "locks": 0,
            "url": f"http://127.0.0.1:{server.server_port}",
        }
    )
    started = stage.run("start")
    assert started.code == 0, started.output
    stage.write({**stage.read(), "starting": []})
    yield stage
    server.shutdown()
    server.server_close()


def test_a_move_of_data_that_was_killed_is_finished_by_the_same_command(stage: Stage) -> None:
    """The stand-in ends a run with an error if a shard loses its last copy."""
    volume: dict[str, Any] = {"elasticsearch_storage": {"kind": "volume"}}
    assert stage.run("move", "m2 volume", **volume).code < 0
    killed = stage.read()
    assert killed["changes"] == [
        "m1 run_lock",
        "m1 service",
        "m2 elasticsearch_allocation excluded",
        "m2 elasticsearch_allocation held",
        "m2 node_labels",
        "m2 volume",
    ]
    assert sorted(killed["running"]) == ["m1", "w1"]
    assert killed["labels"]["m2"]["elk.es"] == "hold"

    # It begins with the node that is stopped, and that node was empty when it stopped.
    assert stage.run("move", "m2 node_labels", **volume).code < 0
    killed = stage.read()
    assert killed["changes"] == [
        "m1 elasticsearch_allocation free",
        "m2 host_files",
        "m2 node_labels",
    ]
    assert killed["starting"] == ["m2"]

    # It waits for the node that starts, and gives it shards again before another node stops.
    finished = stage.run("move", **volume)
    assert finished.code == 0, finished.output
    found = stage.read()
    assert found["changes"][0] == "m1 elasticsearch_allocation included"
    assert [one for one in found["changes"] if one.endswith("excluded")] == [
        "w1 elasticsearch_allocation excluded",
        "m1 elasticsearch_allocation excluded",
    ]
    assert found["running"] == dict.fromkeys(HOSTS, "volume")
    assert len({labels["elk.es"] for labels in found["labels"].values()}) == 1
    assert (found["settings"], len(found["services"]), found["locks"]) == ({}, 1, 0)
    assert {len(copies) for copies in found["shards"].values()} == {2}
