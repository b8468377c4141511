"""What runs leave behind, and where it holds the value of a secret."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.harness.playbook import ROOT
from tests.scenarios.operations.drift.standing import SECRETS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenarios.operations.drift.standing import Standing

# The hosts are containers on this machine, so one watch sees their processes and the controller's.
# It keeps everything and searches later: some secrets are made only while it watches.
WATCH = """
import json, os, select, sys
seen, looks = {}, {}
while not select.select([sys.stdin], [], [], 0.1)[0]:
    pids = [pid for pid in os.listdir("/proc") if pid.isdigit()]
    # A process that executes another program does so soon after its start.
    looks = {pid: looks.get(pid, 0) + 1 for pid in pids}
    for pid in pids:
        if looks[pid] > 4:
            continue
        for part in ("cmdline", "environ"):
            try:
                with open(f"/proc/{pid}/{part}", "rb") as file:
                    data = file.read()
                if data and (part, data) not in seen:
                    with open(f"/proc/{pid}/comm") as file:
                        comm = file.read().strip()
                    seen[part, data] = (comm, os.stat(f"/proc/{pid}").st_uid)
            except OSError:
                pass
json.dump([[*key, data.decode("latin-1"), *who] for (*key, data), who in seen.items()], sys.stdout)
"""

# Runs on a host, as root. It reads the texts to search for from stdin.
SEARCH = r"""
import base64, json, os, stat, subprocess, sys
needles = {name: [text.encode() for text in texts] for name, texts in json.load(sys.stdin).items()}
found = []

def look(place, data, mode="", owner=""):
    for name, texts in needles.items():
        if any(text in data for text in texts):
            found.append([name, place, mode, owner])

def output(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout

def docker(*words):
    return output("docker", *words).decode()

containers = docker("ps", "-aq").split()
manager = docker("info", "-f", "{{.Swarm.ControlAvailable}}").strip() == "true"
roots = ["/etc", "/srv", "/tmp", "/var/tmp", "/root", "/home", "/run", "/var/log", "/var/spool",
         "/var/lib/docker/containers", "/var/lib/docker/swarm", "/var/lib/docker/network"]
if containers:
    roots += docker("inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", *containers).split()
files = 0
for root in roots:
    for folder, _folders, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            try:
                known = os.lstat(path)
                if not stat.S_ISREG(known.st_mode) or known.st_size > 200_000_000:
                    continue
                with open(path, "rb") as file:
                    data = file.read()
            except OSError:
                continue
            files += 1
            mode, owner = f"{stat.S_IMODE(known.st_mode):04o}", f"{known.st_uid}:{known.st_gid}"
            look(path, data, mode, owner)

look("journal", output("journalctl", "--no-pager", "--output", "export"))
if containers:
    look("docker inspect", docker("inspect", *containers).encode())
for kind in ("service", "config", "secret", "node", "network"):
    ids = docker(kind, "ls", "-q").split() if manager or kind == "network" else []
    if ids:
        text = docker(kind, "inspect", *ids)
        look(f"docker {kind} inspect", text.encode())
        if kind == "config":
            for item in json.loads(text):
                look(f"config {item['Spec']['Name']}", base64.b64decode(item["Spec"]["Data"]))
for container in containers:
    look(f"log of {container}", output("docker", "logs", container))
json.dump({"files": files, "found": found}, sys.stdout)
"""


class Watch:
    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = subprocess.Popen(
            [sys.executable, "-c", WATCH],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        # (cmdline or environ, its text, name and user of the process)
        self.seen: list[tuple[str, str, str, int]] = []

    def stop(self) -> list[tuple[str, str, str, int]]:
        if self._process is not None:
            printed, _none = self._process.communicate("end\n")
            self._process = None
            self.seen = [tuple(item) for item in json.loads(printed)]
        return self.seen


@dataclass(frozen=True)
class Place:
    """A row of docs/security.md: a secret may be in this file, with this mode and owner."""

    secrets: frozenset[str]
    where: str
    path: str
    mode: str
    owner: str

    def covers(self, secret: str, where: str, path: str, mode: str, owner: str) -> bool:
        return (
            any(fnmatch.fnmatch(secret, pattern) for pattern in self.secrets)
            and self.where == where
            and fnmatch.fnmatch(path, self.path)
            and (self.mode, self.owner) == (mode, owner)
        )


def documented() -> list[Place]:
    """The table under "Where each secret lives" in docs/security.md."""
    text = (ROOT / "docs" / "security.md").read_text()
    section = text.split("## Where each secret lives")[1].split("\n## ")[0]
    places = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 5:
            secrets = frozenset(re.findall(r"`([^`]+)`", cells[0]))
            places.append(Place(secrets, cells[1], cells[2].strip("`"), cells[3], cells[4]))
    return places


def key_text(path: Path) -> str:
    """Part of a PEM file that holds nothing but the private number: the public key is no secret."""
    lines = path.read_text().splitlines()
    return lines[2][:24]


def needles(standing: Standing) -> dict[str, list[str]]:
    """The texts of each secret, by its name in docs/security.md, in all forms it can have."""
    values = {name: standing.secret(name) for name in SECRETS}
    for role in ("manager", "worker"):
        values[f"join_token_{role}"] = standing.sh("m1", f"docker swarm join-token -q {role}")
    found = {name: [value, b64encode(value.encode()).decode()] for name, value in values.items()}
    # As a browser or a client sends it.
    for user, name in (("elastic", "elastic_password"), ("logstash_writer", "logstash_password")):
        found[name].append(b64encode(f"{user}:{values[name]}".encode()).decode())
    for name in ("ca.key", "transport-ca.key"):
        found[name] = [key_text(standing.directory / name)]
    for path in (standing.directory / "certs").glob("*.key"):
        found[f"{path.stem}.key"] = [key_text(path)]
    assert all(len(text) >= 24 for texts in found.values() for text in texts)
    return found


def search_host(standing: Standing, host: str, secrets: dict[str, list[str]]) -> dict[str, Any]:
    done = subprocess.run(
        standing.ssh(host, "python3", "-c", SEARCH),
        input=json.dumps(secrets),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))
