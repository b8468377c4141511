# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-core versions that this machine's Python is too old for.

They run in a container of the lab's host image, which is Debian 13 with its Python 3.13. What they
need is fetched here with pip, for that Python, and unpacked into .cache/newer_core: nothing is
installed in the container, so it needs no network of its own for that. It shares the machine's
network, and reaches the lab's hosts as the machine does.

tests/scenarios/single_host/installed uses this: the image is there because a lab stands.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import package
from repo import ROOT

CACHE = ROOT / ".cache" / "newer_core"
PYTHON = "3.13"
# PyPI's package `ansible` by the ansible-core that it is made for: it brings the collections that
# are current with that core, which are newer than those in .venv.
CORES = {"2.20.10": "13.8.0", "2.21.5": "14.5.0"}
NEWEST = list(CORES)[-1]
# What tasks of the collection import on the controller, and what runs the tests.
ALSO = ("cryptography", "pytest")
# Tests of the lab's own programs, which know nothing of Ansible.
NOT_OURS = (
    *("tests/unit/lab", "tests/unit/lab_kibana", "tests/unit/lab_logstash"),
    # They read what git knows, and nothing of Ansible.
    *(f"tests/unit/{name}.py" for name in ("docs/test_docs", "test_expressions", "test_hints")),
    "tests/unit/tests/tools/test_proven.py",
    # The load on the lab's clusters, with a client that the collection does not need.
    "tests/unit/tests/harness/test_load.py",
)
# What an ansible-core says before it takes something away, or about something that looks wrong.
WARNING = "WARNING]"


@dataclass(frozen=True)
class Core:
    """One ansible-core with its collections, in a folder."""

    version: str

    @property
    def folder(self) -> Path:
        wanted = "\0".join((self.version, CORES[self.version], PYTHON, *ALSO))
        return CACHE / f"{self.version}-{hashlib.sha256(wanted.encode()).hexdigest()[:8]}"

    @property
    def site(self) -> Path:
        """Python packages."""
        return self.folder / "site"

    @property
    def collections(self) -> Path:
        """The collections of PyPI's package."""
        return self.folder / "pypi" / "ansible_collections"

    def fetch(self) -> None:
        """Download and unpack, unless that was done to its end before."""
        if self.folder.exists():
            return
        part = self.folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        wheels = part / "wheels"
        wheels.mkdir(parents=True)
        names = (f"ansible-core=={self.version}", f"ansible=={CORES[self.version]}", *ALSO)
        # pip of an older Python refuses to install these, and has no objection to downloading them.
        command = [sys.executable, "-m", "pip", "download", "-q", "--dest", str(wheels)]
        command += ["--only-binary", ":all:", "--python-version", PYTHON, *names]
        subprocess.run(command, check=True)
        needed = package.needed(package.pypi_collections())
        prefixes = tuple(f"ansible_collections/{name.replace('.', '/')}/" for name in needed)
        for wheel in wheels.iterdir():
            with zipfile.ZipFile(wheel) as packed:
                if wheel.name.startswith("ansible-"):
                    ours = [name for name in packed.namelist() if name.startswith(prefixes)]
                    packed.extractall(part / "pypi", ours)
                else:
                    packed.extractall(part / "site")
        shutil.rmtree(wheels)
        part.rename(self.folder)

    def docker(self, image: str, *folders: Path, work: Path, **variables: str) -> list[str]:
        """The words before a command; of this machine the container has only the given folders."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        mounts = [f"{folder}:{folder}" for folder in (self.folder, *folders)]
        settings = {
            "PYTHONPATH": str(self.site),
            # The next run finds everything compiled.
            "PYTHONPYCACHEPREFIX": str(self.folder / "compiled"),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "ANSIBLE_NOCOLOR": "1",
            **variables,
        }
        return [
            *("docker", "run", "--rm", "--init", "--network", "host", "-w", str(work)),
            *(word for mount in mounts for word in ("-v", mount)),
            *(word for pair in settings.items() for word in ("-e", "=".join(pair))),
            image,
        ]


def host_image() -> str:
    """The newest host image that a lab has built here."""
    listed = subprocess.run(
        ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "elk-lab/host"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    if not listed:
        raise SystemExit("There is no host image: bring up a lab first, with `make hosts`.")
    return listed[0]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def warnings(output: str) -> list[str]:
    """What a run was warned of, deprecations included.

    >>> warnings("ok: [m1]\\n[DEPRECATION WARNING]: gone soon\\n[WARNING]: look\\n")
    ['[DEPRECATION WARNING]: gone soon', '[WARNING]: look']
    """
    return [line for line in output.splitlines() if WARNING in line]


def playbooks() -> list[str]:
    return [f"elk.swarm.{path.stem}" for path in sorted((ROOT / "playbooks").glob("*.yml"))]


def syntax(core: Core, image: str, folder: Path) -> list[str]:
    """Problems of a core with the playbooks of a collection that is installed in a folder."""
    inventory = folder / "ansible_collections/elk/swarm/inventories/example"
    words = core.docker(image, folder, work=folder, **package.only(folder))
    words += ["python3", "-m", "ansible", "playbook", "--syntax-check", "-i", str(inventory)]
    done = run([*words, *playbooks()])
    return [done.stdout] if done.returncode else warnings(done.stdout)


def unit(core: Core, image: str) -> list[str]:
    """Unit tests of the collection that fail with a core."""
    # Found as PyPI's package would be found.
    path = os.pathsep.join((str(core.site), str(core.collections.parent)))
    words = core.docker(image, ROOT, work=ROOT, PYTHONPATH=path)
    words += ["python3", "-m", "pytest", "-q", "-o", f"cache_dir={core.folder / 'pytest'}"]
    words += ["tests/unit", *(f"--ignore={name}" for name in NOT_OURS)]
    done = run(words)
    return [done.stdout] if done.returncode else []
