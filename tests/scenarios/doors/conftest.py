"""A platform that an earlier commit set up, and an attacker in one of its containers."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.fixtures import lab, nothing_fails
from tests.harness.platform import Platform
from tests.harness.playbook import ROOT, Outcome, playbook_command, playbook_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.lab import Lab

__all__ = ["lab", "nothing_fails"]

# The last commit with which every certificate can join the cluster.
BEFORE = "162fd22"
KIBANA_CERTS = "/usr/share/kibana/config/certs"
# Seconds until an attacker's node has joined, or has logged twice that it cannot.
PATIENCE = 240
# What a node logs every ten seconds while no master accepts it.
OUTSIDE = "master not discovered yet"

# Runs in the network namespace of a container. A server reports a refused client certificate only
# after the handshake, so the script reads one byte.
HANDSHAKE = """
import socket, ssl, sys
address, certificate, key = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
if certificate:
    context.load_cert_chain(certificate, key)
try:
    with socket.create_connection((address, 9300), timeout=10) as plain:
        with context.wrap_socket(plain) as wrapped:
            wrapped.settimeout(3)
            print("closed" if wrapped.recv(1) == b"" else "answered")
except TimeoutError:
    print("accepted")
except (ssl.SSLError, ConnectionResetError) as error:
    print("refused:", error)
"""


@dataclass
class Attacked(Platform):
    """The platform, and what an attacker in its containers tries."""

    rogues: list[str] = field(default_factory=list)

    # -- the earlier commit

    def set_up_as_before(self) -> Outcome:
        """Run site.yml of the earlier commit, taken from this clone's history."""
        folder = self.lab.home / "before"
        packed = subprocess.run(
            ["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=False
        )
        assert packed.returncode == 0, (
            f"This clone has no commit {BEFORE}, with which this scenario sets up a platform. "
            f"Fetch the whole history with `git fetch --unshallow`. {packed.stderr.decode()}"
        )
        folder.mkdir()
        subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)
        # The earlier lab cannot read the state that this one writes.
        inventory = Path("inventories", "lab", "hosts.py")
        (folder / inventory).write_text(f'#!/bin/sh\nexec {ROOT / inventory} "$@"\n')
        done = subprocess.run(
            playbook_command("--inventory=inventories/lab", "site.yml"),
            cwd=folder,
            env=playbook_environment(
                ANSIBLE_CONFIG=str(folder / "ansible.cfg"),
                ANSIBLE_HOME=str(self.lab.home / "home"),
                # Without the callbacks that keep packed modules: those are of this commit.
                ANSIBLE_CALLBACKS_ENABLED="elk.swarm.next_command",
                ELK_LAB=str(self.lab.directory),
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        return Outcome(done.returncode, done.stdout + done.stderr)

    # -- what is in a container

    def container_of(self, service: str) -> tuple[str, str]:
        """Host and id of the one running container of a service."""
        command = f"docker ps -q --no-trunc --filter name=^{service}[.]"
        for host in self.hosts:
            for container in self.lab.read(host, command).split():
                return host, container
        raise AssertionError(f"no container of {service}")

    def kibana_files(self) -> dict[str, str]:
        """What an attacker in Kibana's container can read: authority, certificate and key."""
        host, container = self.container_of("kibana")
        return {
            name: self.lab.read(host, f"docker exec {container} cat {KIBANA_CERTS}/{name}") + "\n"
            for name in ("ca.crt", "kibana.crt", "kibana.key")
        }

    def overlay_addresses(self) -> list[str]:
        """Addresses of the nodes in the overlay network."""
        template = '{{with index .NetworkSettings.Networks "elknet"}}{{.IPAddress}}{{end}}'
        return [
            self.lab.read(host, f"docker inspect -f {shlex.quote(template)} {container}")
            for host, container in self.containers().items()
        ]

    # -- attacks

    def handshakes(self, service: str, certificate: str = "", key: str = "") -> list[str]:
        """How port 9300 of each node answers a client in a container of a service."""
        host, container = self.container_of(service)
        folder = "/tmp/doors-handshake"
        self.lab.read(host, f"rm -rf {folder}; mkdir -m 0700 {folder}")
        files = ["", ""]
        if certificate:
            files = [f"{folder}/certificate", f"{folder}/key"]
            for path, text in zip(files, (certificate, key), strict=True):
                done = self.lab.shell(host, f"cat > {path}", text)
                assert done.returncode == 0, done.stderr
        pid = self.lab.read(host, f"docker inspect -f '{{{{.State.Pid}}}}' {container}")
        answers = []
        for address in self.overlay_addresses():
            command = shlex.join(
                ["nsenter", "--target", pid, "--net", "python3", "-", address, *files]
            )
            done = self.lab.shell(host, command, HANDSHAKE)
            answers.append(done.stdout.strip() or done.stderr.strip())
        self.lab.read(host, f"rm -rf {folder}")
        return answers

    def start_rogue(self, name: str, files: dict[str, str]) -> None:
        """Start an attacker's node on the overlay, with the files of Kibana's container."""
        settings = {
            "cluster.name": "elk",
            "node.name": name,
            "node.roles": [],
            "network.host": "0.0.0.0",
            "network.publish_host": "_eth0_",
            "discovery.seed_hosts": ["es-nodes"],
            "xpack.security.enabled": True,
            "xpack.security.http.ssl.enabled": False,
            "xpack.security.transport.ssl.enabled": True,
            "xpack.security.transport.ssl.verification_mode": "none",
            "xpack.security.transport.ssl.key": "certs/kibana.key",
            "xpack.security.transport.ssl.certificate": "certs/kibana.crt",
            "xpack.security.transport.ssl.certificate_authorities": ["certs/ca.crt"],
        }
        folder = f"/tmp/{name}"
        texts = {f"certs/{one}": text for one, text in files.items()}
        texts["elasticsearch.yml"] = json.dumps(settings)
        self.lab.read("m1", f"rm -rf {folder}; mkdir -p {folder}/certs")
        for one, text in texts.items():
            done = self.lab.shell("m1", f"cat > {folder}/{one}", text)
            assert done.returncode == 0, done.stderr
        image = self.lab.read(
            "m1", f"docker inspect -f '{{{{.Config.Image}}}}' {self.containers()['m1']}"
        )
        home = "/usr/share/elasticsearch/config"
        self.rogues.append(name)
        self.lab.read(
            "m1",
            f"chown -R 1000:0 {folder}; docker run --detach --name {name} --network elknet"
            f" --env ES_JAVA_OPTS='-Xms256m -Xmx256m' -v {folder}/certs:{home}/certs:ro"
            f" -v {folder}/elasticsearch.yml:{home}/elasticsearch.yml:ro {image}",
        )

    def joins(self, name: str) -> bool:
        """Whether the node joins; the wait is long enough for one that may join."""
        return self._becomes_true(lambda: name in self.members())

    def stays_outside(self, name: str) -> bool:
        """Whether the node logs twice that no master accepts it, and has not joined by then."""
        logs = f"docker logs {name} 2>&1"
        refused = self._becomes_true(lambda: self.lab.read("m1", logs).count(OUTSIDE) > 1)
        return refused and name not in self.members()

    def _becomes_true(self, condition: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(1)
        return True

    def members(self) -> set[str]:
        """Names of the nodes in the master's cluster state; the nodes themselves are not asked."""
        with self.connect() as client:
            state = client.cluster.state(metric="nodes", filter_path="nodes.*.name")
        return {str(node["name"]) for node in state["nodes"].values()}

    def end_rogue(self, name: str) -> None:
        """Remove an attacker's node."""
        self.lab.read("m1", f"docker rm --force {name}; rm -rf /tmp/{name}")
        self.rogues.remove(name)

    def __exit__(self, *reason: object) -> None:
        super().__exit__(*reason)
        for name in list(self.rogues):
            self.end_rogue(name)

    # -- trust

    def trusted(self, host: str, name: str) -> list[str]:
        """Certificates of the authorities in a file on a host."""
        text = self.lab.read(host, f"cat /etc/elk/pki/{name}") + "\n"
        return re.findall(
            r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", text, re.DOTALL
        )


@pytest.fixture(scope="session")
def platform(lab: Lab) -> Iterator[Attacked]:
    with Attacked(lab) as platform:
        yield platform
