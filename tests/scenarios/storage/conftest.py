# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform of one lab with storage of any kind, and documents that must not get lost."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from lab.plugins import NAME
from tests.harness.fixtures import client, lab
from tests.harness.playbook import Outcome
from tests.harness.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticsearch import Elasticsearch

    from tests.harness.lab import Lab

__all__ = ["client", "lab"]

PASSWORD = "hush-of-the-disk"
PRIVILEGES = [
    {"name": "network", "value": ["host"]},
    {"name": "mount", "value": ["/srv"]},
    {"name": "capabilities", "value": ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]},
]
TARGETS = {
    "elk_elasticsearch": "/usr/share/elasticsearch/data",
    "logshipper": "/usr/share/logstash/data",
}
INDEX = "proof"
DOCUMENTS = 300


@dataclass
class Platform:
    """The platform: its hosts, and runs of playbooks on it."""

    lab: Lab

    @property
    def hosts(self) -> list[str]:
        return self.lab.names

    @property
    def plugin(self) -> dict[str, Any]:
        """Storage on the lab's own plugin, with only the privileges that it needs."""
        return {
            "kind": "plugin",
            "plugin": f"{self.lab.state.images_from}/{NAME}:1",
            "alias": "disk",
            "plugin_options": {"PASSWORD": PASSWORD},
            "privileges": PRIVILEGES,
            "options": {"size": "2g"},
        }

    def run(self, *arguments: str, **variables: Any) -> Outcome:
        """Run a playbook. Its output must not show the password."""
        run = self.lab.run("-vv", "--diff", f"--extra-vars={json.dumps(variables)}", *arguments)
        code = run.finish()
        self.lab.report(run, " ".join(arguments))
        assert PASSWORD not in run.text
        return Outcome(code, run.text)

    def kill_move(self, task: str, moment: str, **variables: Any) -> None:
        """Move data, and kill the run at a moment of a task, as described in points.yml."""
        playbook = "playbooks/move_storage.yml"
        run = self.lab.run(f"--extra-vars={json.dumps(variables)}", playbook)
        try:
            self.lab.wait_for(run, task, moment)
        finally:
            run.kill()
        self.lab.report(run, f"{playbook} until {task}: {moment}")
        assert run.problems == []

    def task(self, host: str, service: str) -> dict[str, Any]:
        """The running container of a service on a host, as Docker reports it; may be empty."""
        listed = f"docker ps -q --no-trunc --filter name=^{service}"
        found = self.lab.read(host, listed).split()
        if not found:
            return {}
        container: dict[str, Any] = json.loads(self.lab.read(host, f"docker inspect {found[0]}"))[0]
        return container

    def mounted(self, host: str, service: str) -> tuple[str, str, str]:
        """Type, volume and driver of the mount of a task's data; a bind has a type only."""
        for mount in self.task(host, service)["Mounts"]:
            if mount["Destination"] == TARGETS[service]:
                if mount["Type"] == "bind":
                    return "bind", "", ""
                volume = self.lab.read(
                    host, f"docker volume inspect --format '{{{{.Driver}}}}' {mount['Name']}"
                )
                assert mount["Driver"] == volume
                return mount["Type"], mount["Name"], volume
        raise AssertionError(f"{service} on {host} has no {TARGETS[service]}")

    def wait_for_another_task(self, host: str, service: str, before: str) -> None:
        """Wait until a service has another container on a host than before."""
        wait_for(
            lambda: self.task(host, service).get("Id", before) != before,
            180,
            f"another task of {service} on {host}",
            errors=Exception,
        )


@dataclass
class Documents:
    """Documents that are written once and must exist from then on."""

    client: Elasticsearch
    nodes: int

    def write(self) -> None:
        settings = {"number_of_shards": 3, "number_of_replicas": 1}
        self.client.indices.create(index=INDEX, settings=settings)
        lines: list[dict[str, Any]] = []
        for number in range(DOCUMENTS):
            lines += [{"index": {"_id": str(number)}}, {"number": number}]
        response = self.client.bulk(index=INDEX, operations=lines, refresh=True)
        assert not response["errors"]

    def check(self) -> None:
        """Wait for a green cluster, then check the number and the content of the documents."""

        def green() -> bool:
            health = self.client.cluster.health()
            return bool(health["status"] == "green" and health["number_of_nodes"] == self.nodes)

        # A node that is down answers with an error.
        wait_for(green, 180, "green shards", errors=Exception)
        assert self.found(self.client)

    def found(self, client: Elasticsearch) -> bool:
        """Whether a search through all shards finds each document with its content."""
        found = client.search(
            index=INDEX,
            size=0,
            aggs={"sum": {"sum": {"field": "number"}}},
            track_total_hits=True,
            allow_partial_search_results=False,
        )
        count, numbers = found["hits"]["total"]["value"], found["aggregations"]["sum"]["value"]
        return bool((count, numbers) == (DOCUMENTS, sum(range(DOCUMENTS))))


@pytest.fixture(scope="session")
def platform(lab: Lab) -> Platform:
    return Platform(lab)


@pytest.fixture
def documents(client: Elasticsearch, platform: Platform) -> Documents:
    return Documents(client, len(platform.hosts))


@pytest.fixture
def exported(lab: Lab) -> Callable[[str], str]:
    """Lists a directory of the shared disk as a client of NFS sees it."""

    def listing(directory: str) -> str:
        url = f"nfs://{lab.state.nfs_address}/export/{directory}?version=4"
        command = ["docker", "exec", f"{lab.state.name}-nfs", "nfs-ls", url]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    return listing
