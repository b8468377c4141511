# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run versions of ansible-core that need a newer Python than this machine has.

They run in a container of the lab's host image, which is Debian 13 with Python 3.13. pip downloads
their packages here, for that Python, and they are unpacked into .cache/newer_core. So nothing must
be installed in the container. It uses the network of this machine and reaches the hosts of the lab.

tests/scenarios/single_host/installed uses this: the lab has built the image.
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
# The version of PyPI's package `ansible` for each ansible-core. It contains the current collections
# for that core, which are newer than those in .venv.
CORES = {"2.20.10": "13.8.0", "2.21.5": "14.5.0"}
NEWEST = list(CORES)[-1]
# The package that tasks of the collection import on the controller, and the one that runs tests.
ALSO = ("cryptography", "pytest")
# Tests of the programs of the lab, which do not use Ansible.
NOT_OURS = (
    *("tests/unit/lab", "tests/unit/lab_kibana", "tests/unit/lab_logstash"),
    # These use git, and not Ansible.
    *(f"tests/unit/{name}.py" for name in ("docs/test_docs", "test_hints")),
    "tests/unit/tests/tools/test_proven.py",
    # These compare with community.docker, which the collection does not need.
    "tests/unit/plugins/module_utils/swarm/test_service_result.py",
    "tests/unit/tests/tools/test_peers.py",
    # It needs the Elasticsearch client, which the collection does not use.
    "tests/unit/tests/harness/test_load.py",
)
# Marks warnings and deprecations in the output of ansible-core.
WARNING = "WARNING]"


@dataclass(frozen=True)
class Core:
    """One ansible-core with its collections, in a folder."""

    version: str

    @property
    def folder(self) -> Path:
        contents = "\0".join((self.version, CORES[self.version], PYTHON, *ALSO))
        return CACHE / f"{self.version}-{hashlib.sha256(contents.encode()).hexdigest()[:8]}"

    @property
    def site(self) -> Path:
        """Python packages."""
        return self.folder / "site"

    @property
    def collections(self) -> Path:
        """The collections of PyPI's package."""
        return self.folder / "pypi" / "ansible_collections"

    def fetch(self) -> None:
        """Download and unpack everything, unless an earlier run has completed that."""
        if self.folder.exists():
            return
        part = self.folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        wheels = part / "wheels"
        wheels.mkdir(parents=True)
        names = (f"ansible-core=={self.version}", f"ansible=={CORES[self.version]}", *ALSO)
        # pip of an older Python cannot install these packages, but it can download them.
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
        """The docker command for a container that has only these folders of this machine."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        mounts = [f"{folder}:{folder}" for folder in (self.folder, *folders)]
        settings = {
            "PYTHONPATH": str(self.site),
            # Keeps compiled files for the next run.
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
    """The newest host image that a lab has built on this machine."""
    listed = subprocess.run(
        ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "elk-lab/host"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    if not listed:
        raise SystemExit("There is no host image. Start a lab first: make hosts")
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
    """The warnings in the output of a run, including deprecations.

    >>> warnings("ok: [m1]\\n[DEPRECATION WARNING]: gone soon\\n[WARNING]: look\\n")
    ['[DEPRECATION WARNING]: gone soon', '[WARNING]: look']
    """
    return [line for line in output.splitlines() if WARNING in line]


def playbooks() -> list[str]:
    return [f"elk.swarm.{path.stem}" for path in sorted((ROOT / "playbooks").glob("*.yml"))]


def syntax(core: Core, image: str, folder: Path) -> list[str]:
    """Problems of an ansible-core with the playbooks of the collection in a folder."""
    inventory = folder / "ansible_collections/elk/swarm/inventories/example"
    words = core.docker(image, folder, work=folder, **package.only(folder))
    words += ["python3", "-m", "ansible", "playbook", "--syntax-check", "-i", str(inventory)]
    done = run([*words, *playbooks()])
    return [done.stdout] if done.returncode else warnings(done.stdout)


def unit(core: Core, image: str) -> list[str]:
    """Output of the collection's unit tests with an ansible-core, if any test fails."""
    # Python finds the collections there like those of PyPI's package.
    path = os.pathsep.join((str(core.site), str(core.collections.parent)))
    words = core.docker(image, ROOT, work=ROOT, PYTHONPATH=path)
    words += ["python3", "-m", "pytest", "-q", "-o", f"cache_dir={core.folder / 'pytest'}"]
    words += ["tests/unit", *(f"--ignore={name}" for name in NOT_OURS)]
    done = run(words)
    return [done.stdout] if done.returncode else []
