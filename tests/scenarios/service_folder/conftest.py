"""The platform with services that are folders of the tests."""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.harness.fixtures import lab, nothing_fails
from tests.harness.platform import Platform
from tests.harness.playbook import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["lab", "nothing_fails"]

SERVICES = Path(__file__).with_name("services.yml")
HELLO_PORT = 8443


@dataclass
class Extended(Platform):
    """A platform whose inventory has the services of services.yml."""

    replicas: int = 1

    def arguments(self, playbook: str, *options: str, **variables: Any) -> list[str]:
        inventory = yaml.safe_load(SERVICES.read_text())
        for group in inventory.values():
            # A host that has left is in no group.
            for host in self.without & set(group.get("hosts", ())):
                del group["hosts"][host]
        file = self.lab.home / "services.json"
        file.write_text(json.dumps(inventory))
        # The lab has no firewall, and without one the role makes no rules.
        given = {"hello_replicas": self.replicas, "firewall_manage": "always", **variables}
        return super().arguments(playbook, f"--inventory={file}", *options, **given)

    def tasks(self, service: str) -> dict[str, str]:
        """By host, the container of a service."""
        command = f"docker ps -q --no-trunc --filter name=^{service}[.]"
        found = {host: self.lab.read(host, command) for host in self.hosts}
        return {host: one for host, one in found.items() if one}

    def count(self, host: str, password: str = "") -> tuple[int, str]:
        """Ask Hello on a host: the status of its answer, and the text."""
        login = base64.b64encode(f"hello:{password or self.password}".encode()).decode()
        context = ssl.create_default_context(cafile=str(self.lab.kept("ca.crt")))
        with (
            socket.create_connection((self.lab.address(host), HELLO_PORT), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="hello") as wrapped,
        ):
            wrapped.sendall(f"GET /count HTTP/1.0\r\nAuthorization: Basic {login}\r\n\r\n".encode())
            with wrapped.makefile("rb") as answer:
                head, _empty, text = answer.read().decode().partition("\r\n\r\n")
        return int(head.split()[1]), text.strip()

    @property
    def password(self) -> str:
        return self.lab.secret("hello_password")

    def broker(self, host: str) -> str:
        """The answer of Broker on a host."""
        address = self.lab.address(host)
        return self.lab.read(
            "controller", f"curl -sf --noproxy '*' --max-time 10 http://{address}:9393/"
        )

    def ticker(self, host: str) -> str:
        """The process of Ticker on a host, 0 without one."""
        return self.lab.read(host, "systemctl show --property MainPID --value ticker.service")


@pytest.fixture(scope="session")
def platform(lab: Any) -> Iterator[Extended]:
    os.environ["ANSIBLE_ROLES_PATH"] = str(ROOT / "tests" / "fixtures" / "roles")
    with Extended(lab) as platform:
        yield platform
