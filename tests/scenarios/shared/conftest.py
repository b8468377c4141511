"""What the tests of a running platform share: its addresses, its CA, its password."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from elasticsearch import Elasticsearch

from tests.harness.platform import REQUEST_TIMEOUT
from tests.harness.playbook import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Platform:
    """The lab as its inventory describes it."""

    groups: dict[str, Any]

    @property
    def managers(self) -> list[str]:
        return list(self.groups["swarm_managers"]["hosts"])

    @property
    def hosts(self) -> list[str]:
        return self.managers + list(self.groups["swarm_workers"]["hosts"])

    def address(self, host: str) -> str:
        return str(self.groups["_meta"]["hostvars"][host]["ansible_host"])

    @property
    def urls(self) -> list[str]:
        return [f"https://{self.address(host)}:9200" for host in self.hosts]

    @property
    def directory(self) -> Path:
        return Path(self.groups["_meta"]["hostvars"][self.managers[0]]["elk_local_dir"])

    @property
    def ca(self) -> Path:
        return self.directory / "ca.crt"

    def secret(self, name: str) -> str:
        return (self.directory / name).read_text().strip()

    def fetch(
        self, url: str, login: str | None = None, context: ssl.SSLContext | None = None
    ) -> tuple[int, str]:
        """Status and body of a verified HTTPS request, also of an HTTP error."""
        request = urllib.request.Request(url)
        if login:
            request.add_header("Authorization", "Basic " + b64encode(login.encode()).decode())
        context = context or ssl.create_default_context(cafile=str(self.ca))
        try:
            with urllib.request.urlopen(request, timeout=20, context=context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@pytest.fixture(scope="session")
def platform() -> Platform:
    inventory = subprocess.run(
        [sys.executable, "-m", "lab", "inventory"],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    return Platform(json.loads(inventory.stdout))


@pytest.fixture(scope="session")
def client(platform: Platform) -> Iterator[Elasticsearch]:
    """The official client, with all nodes and the lab's CA."""
    with Elasticsearch(
        platform.urls,
        ca_certs=str(platform.ca),
        basic_auth=("elastic", platform.secret("elastic_password")),
        request_timeout=REQUEST_TIMEOUT,
    ) as connected:
        yield connected


@pytest.fixture(scope="session")
def manager(platform: Platform) -> Any:
    """The first manager, as root."""
    import testinfra

    inventory = ROOT / "inventories" / "lab"
    return testinfra.get_host(
        f"ansible://{platform.managers[0]}?ansible_inventory={inventory}&sudo=True"
    )


@pytest.fixture(scope="session")
def serving(platform: Platform, manager: Any) -> Any:
    """Returns the addresses of the hosts on which a service's tasks run."""

    def addresses(service: str) -> list[str]:
        listed = manager.check_output(
            "docker service ps -f desired-state=running --format '{{.Node}}' " + service
        )
        return [platform.address(node) for node in listed.split()]

    return addresses
