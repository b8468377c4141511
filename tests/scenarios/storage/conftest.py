# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform of one lab, set up with storage of any kind, and documents to miss."""

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
    """The platform, by its hosts and its playbooks."""

    lab: Lab

    @property
    def hosts(self) -> list[str]:
        return self.lab.names

    @property
    def plugin(self) -> dict[str, Any]:
        """Storage on the lab's own plugin, which gets only what it needs."""
        return {
            "kind": "plugin",
            "plugin": f"{self.lab.state.images_from}/{NAME}:1",
            "alias": "disk",
            "plugin_options": {"PASSWORD": PASSWORD},
            "privileges": PRIVILEGES,
            "options": {"size": "2g"},
        }

    def run(self, *arguments: str, **variables: Any) -> Outcome:
        """Run a playbook. Whatever it says, it says no secret."""
        run = self.lab.run("-vv", "--diff", f"--extra-vars={json.dumps(variables)}", *arguments)
        code = run.finish()
        self.lab.told(run, " ".join(arguments))
        assert PASSWORD not in run.text
        return Outcome(code, run.text)

    def task(self, host: str, service: str) -> dict[str, Any]:
        """The running container of a service on a host, as Docker has it; empty without one."""
        listed = f"docker ps -q --no-trunc --filter name=^{service}"
        found = self.lab.read(host, listed).split()
        if not found:
            return {}
        container: dict[str, Any] = json.loads(self.lab.read(host, f"docker inspect {found[0]}"))[0]
        return container

    def mounted(self, host: str, service: str) -> tuple[str, str, str]:
        """Type, volume and driver of where a task has its data; a directory is a type only."""
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

    def another_task(self, host: str, service: str, before: str) -> None:
        """Wait until a service has another container on a host than before."""
        wait_for(
            lambda: self.task(host, service).get("Id", before) != before,
            180,
            f"another task of {service} on {host}",
            errors=Exception,
        )


@dataclass
class Documents:
    """What was written once, and has to be there ever after."""

    client: Elasticsearch
    nodes: int

    def write(self) -> None:
        settings = {"number_of_shards": 3, "number_of_replicas": 1}
        self.client.indices.create(index=INDEX, settings=settings)
        lines: list[dict[str, Any]] = []
        for number in range(DOCUMENTS):
            lines += [{"index": {"_id": str(number)}}, {"number": number}]
        told = self.client.bulk(index=INDEX, operations=lines, refresh=True)
        assert not told["errors"]

    def whole(self) -> None:
        """Wait for a green cluster; then all are there, by number and by what is in them."""

        def green() -> bool:
            health = self.client.cluster.health()
            return bool(health["status"] == "green" and health["number_of_nodes"] == self.nodes)

        # A node that is away answers with an error.
        wait_for(green, 180, "green shards", errors=Exception)
        found = self.client.search(
            index=INDEX, size=0, aggs={"sum": {"sum": {"field": "number"}}}, track_total_hits=True
        )
        assert found["hits"]["total"]["value"] == DOCUMENTS
        assert found["aggregations"]["sum"]["value"] == sum(range(DOCUMENTS))


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
