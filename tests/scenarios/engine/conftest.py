# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab that ELK_LAB names, runs of playbooks on it, and a watch on all its hosts."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.playbook import (
    ROOT,
    Outcome,
    lab_inventory,
    playbook_command,
    playbook_environment,
)
from tests.harness.processes import kill_all

if TYPE_CHECKING:
    from collections.abc import Iterator

WATCH = Path(__file__).with_name("watch.py").read_text()
# Seconds after which a run counts as hanging.
PATIENCE = 900


@dataclass
class Lab:
    """Hosts of two families: in each, one has its distribution's Docker, one has Docker's own."""

    inventory: dict[str, Any]
    folder: Path
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def vars(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.inventory["_meta"]["hostvars"]
        return found

    @property
    def hosts(self) -> list[str]:
        return list(self.vars)

    @property
    def repositories(self) -> str:
        """Address of the server that has all repositories."""
        url: str = self.vars["m1"]["docker_engine_repository_url"]
        return url.removesuffix("/linux")

    @cached_property
    def versions(self) -> tuple[str, str]:
        """Two versions of the Engine that Docker's repository has."""
        with urllib.request.urlopen(f"{self.repositories}/about.json", timeout=20) as answer:
            older, newer = json.load(answer)["versions"]
        return older, newer

    def ssh(self, host: str, *words: str) -> list[str]:
        known = self.vars[host]
        return [
            *("ssh", "-i", known["ansible_ssh_private_key_file"]),
            *shlex.split(known["ansible_ssh_common_args"]),
            f"{known['ansible_user']}@{known['ansible_host']}",
            shlex.join(["sudo", *words]),
        ]

    def on(self, host: str, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a command on a host, as root."""
        done = subprocess.run(
            self.ssh(host, *words), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode in codes, f"{host}: {words}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def start(
        self,
        *options: str,
        playbook: str = "playbooks/hosts.yml",
        version: str = "",
        **variables: Any,
    ) -> subprocess.Popen[str]:
        """Run a playbook; ``version`` is for the hosts with Docker's own packages."""
        own = {"docker_engine_source": "docker_ce", "docker_engine_version": version}
        more = self.folder / "more.json"
        more.write_text(json.dumps({"all": {"hosts": {"m2": own, "w2": own}}}))
        process = subprocess.Popen(
            playbook_command(
                "--inventory=inventories/lab",
                f"--inventory={more}",
                f"--extra-vars={json.dumps(variables)}",
                *options,
                playbook,
            ),
            cwd=ROOT,
            env=playbook_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def run(self, *options: str, **more: Any) -> Outcome:
        process = self.start(*options, **more)
        output, _nothing = process.communicate(timeout=PATIENCE)
        return Outcome(process.returncode, output)

    def run_until(self, words: str, *options: str, **more: Any) -> str:
        """Run until a line of the output has these words, then kill the whole run."""
        process = self.start(*options, **more)
        assert process.stdout is not None
        seen = ""
        for line in process.stdout:
            seen += line
            if words in line:
                break
        kill_all(process.pid)
        process.communicate(timeout=30)
        return seen

    def until_node_is_down(self, host: str) -> None:
        """Wait until the managers report a node as down."""
        state = ("docker", "node", "inspect", "--format", "{{.Status.State}}", host)
        deadline = time.monotonic() + 60
        while self.on("m1", *state) != "down":
            assert time.monotonic() < deadline, f"{host} is still reported as up"
            time.sleep(0.5)

    def containers(self) -> dict[str, list[str]]:
        """Ids of all containers, by host."""
        return {h: sorted(self.on(h, "docker", "ps", "-q").split()) for h in self.hosts}

    def daemons(self) -> dict[str, str]:
        """Process number of each host's daemon."""
        return {host: self.on(host, "cat", "/run/docker.pid") for host in self.hosts}


@dataclass
class Watch:
    """The state of each host since the start, as its own kernel and daemon report it."""

    lab: Lab
    seen: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def __enter__(self) -> Watch:
        for host in self.lab.hosts:
            process = subprocess.Popen(
                self.lab.ssh(host, "python3", "-u", "-c", WATCH),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
            )
            self.processes.append(process)
            self.seen[host] = []
            threading.Thread(target=self._read, args=(host, process), daemon=True).start()
        deadline = time.monotonic() + 60
        while not all(self.seen.values()):
            assert time.monotonic() < deadline, f"not every host reports: {self.seen}"
            time.sleep(0.1)
        return self

    def _read(self, host: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.seen[host].append(json.loads(line))

    def __exit__(self, *_: object) -> None:
        # Wait for the last report of each host.
        time.sleep(1)
        for process in self.processes:
            process.terminate()
            process.wait(timeout=20)

    def outages(self, host: str, service: str) -> list[tuple[float, float]]:
        """The times, from and to, at which a host had no daemon or no task of a service."""
        found = []
        since = None
        for look in self.seen[host]:
            whole = look["daemon"] and any(name.startswith(service) for name in look["services"])
            if not whole and since is None:
                since = look["at"]
            elif whole and since is not None:
                found.append((since, look["at"]))
                since = None
        if since is not None:
            found.append((since, float("inf")))
        return found

    def services(self, moment: float) -> list[str]:
        """All service tasks that ran in the swarm at a moment."""
        looks = [[o for o in looks if o["at"] <= moment][-1] for looks in self.seen.values()]
        return sorted(name for look in looks for name in look["services"])


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(lab_inventory(), tmp_path_factory.mktemp("lab"))
    yield made
    for process in made.running:
        if process.poll() is None:
            kill_all(process.pid)
