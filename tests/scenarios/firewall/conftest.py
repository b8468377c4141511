"""The lab that ELK_LAB names, seen from its hosts and from two outsiders."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab.state import Lab
from tests.harness.playbook import ROOT, Outcome, playbook_command, playbook_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

SCENARIO = ROOT / "molecule" / "firewall"

# Prints the result for each "protocol,address,port". For UDP only a refusal is visible.
PROBE = """
import socket, sys
for word in sys.argv[1:]:
    protocol, address, port = word.split(",")
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    probe = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    probe.settimeout(2 if protocol == "tcp" else 0.5)
    try:
        probe.connect((address, int(port)))
        if protocol == "udp":
            probe.send(b"<13>x")
            probe.recv(1)
        print(word, "open")
    except ConnectionRefusedError:
        print(word, "refused")
    except TimeoutError:
        print(word, "silent")
    except OSError as error:
        print(word, error.strerror)
"""


@dataclass(frozen=True)
class Target:
    """A port of a host."""

    protocol: str
    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.protocol},{self.address},{self.port}"


@dataclass(frozen=True)
class Place:
    """A place to probe from; `command` runs another command there."""

    name: str
    address: str
    command: tuple[str, ...]

    @property
    def address6(self) -> str:
        """The address that `give_ipv6` sets."""
        return f"fd00:60::{self.address.rpartition('.')[2]}"

    def give_ipv6(self) -> None:
        """Switch IPv6 on, because Docker switches it off in containers, as these hosts are."""
        switch = "/proc/sys/net/ipv6/conf/eth0/disable_ipv6"
        self.run("sh", "-c", f"grep -q 0 {switch} || echo 0 > {switch}")
        self.run("ip", "addr", "replace", f"{self.address6}/64", "dev", "eth0", "nodad")

    def run(self, *words: str, stdin: str = "") -> str:
        done = subprocess.run(
            [*self.command, *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{self.name}: {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def probe(self, *targets: Target) -> dict[str, str]:
        """The result of a packet to each target."""
        printed = self.run("python3", "-", *map(str, targets), stdin=PROBE)
        return dict(line.split(" ", 1) for line in printed.splitlines())


def inside(name: str, address: str, container: str) -> Place:
    return Place(name, address, ("docker", "exec", "-i", container))


class Site:
    """The platform's hosts by name, and runs of the role on them."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.hosts = {
            host.name: inside(host.name, host.address, lab.container(host)) for host in lab.hosts
        }
        self.managers = [host.name for host in lab.hosts if host.manager]

    def everywhere(self, *ports: tuple[str, int]) -> list[Target]:
        return [
            Target(protocol, host.address, port)
            for host in self.hosts.values()
            for protocol, port in ports
        ]

    def run_role(self, *options: str, playbook: str = "rules.yml") -> Outcome:
        done = subprocess.run(
            playbook_command(
                "--inventory=inventories/lab",
                f"--extra-vars=@{SCENARIO / 'vars' / 'rules.yml'}",
                *options,
                str(SCENARIO / playbook),
            ),
            cwd=ROOT,
            env=playbook_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return Outcome(done.returncode, done.stdout)

    def apply(self, **variables: Any) -> Outcome:
        return self.run_role(f"--extra-vars={json.dumps(variables)}")

    def check(self, **variables: Any) -> Outcome:
        return self.run_role("--check", "--diff", f"--extra-vars={json.dumps(variables)}")


@pytest.fixture(scope="session")
def site() -> Site:
    lab = Lab.load(Path(os.environ.get("ELK_LAB", ROOT / ".lab")))
    assert lab is not None, "there is no lab at ELK_LAB"
    return Site(lab)


def start_outsider(lab: Lab, last: int) -> Place:
    """A machine on the lab's network that is no host of the platform."""
    name, address = f"{lab.name}-outsider-{last}", lab.address(last)
    subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=False)
    inspected = ["docker", "inspect", "-f", "{{.Config.Image}}", lab.container(lab.hosts[0])]
    image = subprocess.run(inspected, check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run(
        [
            *("docker", "run", "-d", "--name", name, "--label", f"elk.lab={lab.directory}"),
            *("--cap-add", "NET_ADMIN", "--sysctl", "net.ipv6.conf.eth0.disable_ipv6=0"),
            *("--network", lab.name, "--ip", address, "--entrypoint", "sleep", image, "infinity"),
        ],
        check=True,
        capture_output=True,
    )
    return inside(name, address, name)


@pytest.fixture(scope="session")
def sender(site: Site) -> Iterator[Place]:
    """An outsider whose address may send syslog."""
    place = start_outsider(site.lab, 98)
    yield place
    subprocess.run(["docker", "rm", "-f", place.name], capture_output=True, check=True)


@pytest.fixture(scope="session")
def outsider(site: Site) -> Iterator[Place]:
    """An outsider who may do nothing."""
    place = start_outsider(site.lab, 99)
    yield place
    subprocess.run(["docker", "rm", "-f", place.name], capture_output=True, check=True)
