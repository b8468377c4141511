# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as its users have it: installed, and run from a folder with an inventory only."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import newer_core
import package
from repo import ROOT, tool
from tests.harness.playbook import Outcome, lab_inventory

if TYPE_CHECKING:
    from collections.abc import Iterator

LAB = Path(os.environ.get("ELK_LAB", ROOT / ".lab"))


@dataclass(frozen=True)
class Installed(Outcome):
    """The result of a run of the installed collection; the output has each task's path."""

    @property
    def warnings(self) -> list[str]:
        """Warnings of the run, except the one about a single manager, which is true of the lab."""
        found = newer_core.warnings(self.output)
        return [line for line in found if "Use three managers" not in line]

    @property
    def paths(self) -> set[str]:
        """The files that hold the tasks that ran."""
        return set(re.findall(r"(?m)^task path: (\S+):\d+$", self.output))


@dataclass(frozen=True)
class User:
    """A user who has installed the collection and written an inventory."""

    home: Path
    archive: Path

    @property
    def inventory(self) -> Path:
        return self.home / "inventory"

    @property
    def work(self) -> Path:
        """The folder in which the commands run; it is empty and has no ansible.cfg."""
        return self.home / "work"

    def collections(self, core: newer_core.Core | None) -> Path:
        """A folder with the collection and what it depends on, for one ansible-core."""
        folder = self.home / (core.version if core else "installed")
        if not folder.exists():
            source = core.collections if core else package.pypi_collections()
            assert package.install(self.archive, folder, source) == []
        return folder

    def play(self, book: str, *more: str, core: newer_core.Core | None = None) -> Installed:
        """Run a playbook of the collection, with this machine's Ansible or a newer one."""
        folder = self.collections(core)
        words = ["-vv", "-i", str(self.inventory), f"elk.swarm.{book}", *more]
        if core is None:
            command, settings = [tool("ansible-playbook"), *words], package.place(folder)
        else:
            image, only = newer_core.host_image(), package.only(folder)
            inside = core.docker(image, self.home, LAB, work=self.work, **only)
            command = [*inside, "python3", "-m", "ansible", "playbook", *words]
            settings = dict(os.environ)
        done = subprocess.run(
            command,
            cwd=self.work,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Installed(done.returncode, done.stdout)


def write_inventory(folder: Path) -> None:
    """Write an inventory of the lab's hosts as a user would, and the lab's variables."""
    known = lab_inventory()
    hosts = known.pop("_meta")["hostvars"]
    groups: dict[str, Any] = {
        group: {"hosts": {name: hosts[name] for name in about["hosts"]}}
        for group, about in known.items()
    }
    (folder / "group_vars").mkdir(parents=True)
    # As docs/walk-through.md recommends; otherwise Ansible warns that it discovers Python.
    groups["all"] = {"vars": {"ansible_python_interpreter": "auto_silent"}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(groups))
    shutil.copy(ROOT / "inventories/lab/group_vars/all.yml", folder / "group_vars")


@pytest.fixture(scope="session")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    home = tmp_path_factory.mktemp("user")
    assert not home.is_relative_to(ROOT)
    found = User(home, package.build(home))
    write_inventory(found.inventory)
    found.work.mkdir()
    return found


@pytest.fixture(scope="session")
def cores() -> dict[str, newer_core.Core]:
    """Every newer ansible-core, ready to run."""
    found = {version: newer_core.Core(version) for version in newer_core.CORES}
    for core in found.values():
        core.fetch()
    return found


@pytest.fixture(scope="session", autouse=True)
def unit(cores: dict[str, newer_core.Core]) -> Iterator[Future[list[str]]]:
    """Unit tests with the newest core. They run while the first playbook waits for the hosts."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        image = newer_core.host_image()
        yield pool.submit(newer_core.unit, cores[newer_core.NEWEST], image)
