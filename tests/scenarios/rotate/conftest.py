"""The platform while its secrets are rotated, under load."""

from __future__ import annotations

import base64
import re
import socket
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from elasticsearch import AuthenticationException, Elasticsearch

from tests.harness.fixtures import lab, nothing_fails
from tests.harness.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["lab", "nothing_fails"]

CLIENT, SECRET = "load", "not-one-that-is-renewed"
# The secret files on the controller.
SECRET_FILES = (
    "ca.key",
    "transport-ca.key",
    "elastic_password",
    "logstash_password",
    "kibana_token",
    "kibana_encryption_key",
    "kibana_saved_objects_key",
    "kibana_reporting_key",
    "certs/m1.key",
    "certs/m2.key",
    "certs/w1.key",
    "certs/m1.transport.key",
    "certs/m2.transport.key",
    "certs/w1.transport.key",
    "certs/kibana.key",
)


@dataclass
class Renewed(Platform):
    """A platform whose clients log in as a separate user, which no run changes."""

    login: tuple[str, str] = field(default=(CLIENT, SECRET), repr=False)

    def connect(self) -> Elasticsearch:
        return self.connect_as(basic_auth=self.login)

    def make_client(self) -> None:
        with super().connect() as client:
            client.security.put_user(username=CLIENT, password=SECRET, roles=["superuser"])

    def lets_in(self, **login: Any) -> bool:
        with self.connect_as(**login) as client:
            try:
                client.security.authenticate()
            except AuthenticationException:
                return False
        return True

    def secrets(self) -> dict[str, str]:
        return {name: self.lab.secret(name) for name in SECRET_FILES}

    def unfinished(self) -> list[str]:
        """Files on the controller that belong to an unfinished rotation."""
        found = [*self.lab.directory.glob("*.next"), *self.lab.directory.glob("*.former")]
        return sorted(path.name for path in found)

    def authorities(self, name: str = "ca.crt") -> list[str]:
        """Certificates of the authorities in a file, the one that signs first."""
        return re.findall(
            r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n",
            self.lab.kept(name).read_text(),
            re.DOTALL,
        )

    def served(self, authority: str | None = None) -> dict[str, str]:
        """The certificate of each node on port 9200, as text; the authority must have signed it."""
        trusted = authority or self.lab.kept("ca.crt").read_text()
        context = ssl.create_default_context(cadata=trusted)
        shown = {}
        for host in self.hosts:
            address = self.lab.address(host)
            with (
                socket.create_connection((address, 9200), timeout=10) as plain,
                context.wrap_socket(plain, server_hostname=address) as wrapped,
            ):
                shown[host] = base64.b64encode(
                    wrapped.getpeercert(binary_form=True) or b""
                ).decode()
        return shown

    def certificates(self) -> dict[str, str]:
        """The same certificates, from the controller's files."""
        texts = {host: self.lab.kept(f"certs/{host}.crt").read_text() for host in self.hosts}
        return {
            host: base64.b64encode(ssl.PEM_cert_to_DER_cert(text)).decode()
            for host, text in texts.items()
        }

    def tasks(self, service: str) -> list[str]:
        command = f"docker ps -q --no-trunc --filter name=^{service}[.]"
        return sorted(one for host in self.hosts for one in self.lab.read(host, command).split())

    def kibana_settings(self) -> str:
        """The kibana.yml with which the one task of Kibana runs."""
        [container] = self.tasks("kibana")
        read = f"docker exec {container} cat /usr/share/kibana/config/kibana.yml"
        return "".join(self.lab.shell(host, read).stdout for host in self.hosts)

    def tokens(self) -> dict[str, str]:
        return {
            role: self.lab.read("m1", f"docker swarm join-token -q {role}")
            for role in ("worker", "manager")
        }

    def service_tokens(self) -> set[str]:
        with self.connect() as client:
            found = client.security.get_service_credentials(namespace="elastic", service="kibana")
        return set(found["tokens"])

    def nothing_to_do(self) -> None:
        outcome = self.run("site.yml")
        assert outcome.code == 0, outcome.output
        assert outcome.changed == {}

    def kill(self, task: str, **variables: Any) -> None:
        """Kill a rotation when a task begins."""
        run = self.lab.run(*self.arguments("playbooks/rotate.yml", **variables))
        try:
            self.lab.wait_for(run, task, "start")
        finally:
            run.kill()
        self.lab.report(run, f"until it was killed at {task!r}")


@pytest.fixture(scope="session")
def platform(lab: Any) -> Iterator[Renewed]:
    with Renewed(lab) as platform:
        yield platform
