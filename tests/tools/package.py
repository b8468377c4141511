# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection from this clone, and use what was built.

The build must hold everything that users need and nothing that a lab or a run has left here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from repo import ROOT, source_files, tool

# What users install. Everything else in the repository is of use only in a clone.
SHIPPED = (
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "docs/",
    "inventories/example/",
    "inventories/ha/",
    "meta/",
    "playbooks/",
    "plugins/",
    "roles/",
)
NOT_SHIPPED = re.compile(
    r"^\.|^(lab|molecule|tests|inventories/lab)/|(^|/)(credentials|__pycache__)/"
    r"|\.(key|pem|pyc|p12|tar\.gz)$"
)
# What ansible-galaxy adds by itself.
ADDED = {"MANIFEST.json", "FILES.json"}


def content_problems(packed: set[str], sources: list[str]) -> list[str]:
    """What is in the build and should not be, and what is missing in it."""
    wanted = {name for name in sources if name.startswith(SHIPPED) and not NOT_SHIPPED.search(name)}
    found = [f"{name} is missing in the build" for name in sorted(wanted - packed)]
    for name in sorted(packed - ADDED):
        if NOT_SHIPPED.search(name):
            found.append(f"{name} must not be in the build: see build_ignore in galaxy.yml")
        elif name not in sources:
            found.append(f"{name} is in the build and is no file of the repository")
    return found


def _run(command: list[str], cwd: Path, **environment: str) -> list[str]:
    done = subprocess.run(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", **environment},
    )
    return [] if done.returncode == 0 else [f"$ {' '.join(command[1:])}", done.stdout.rstrip()]


def main() -> int:
    found: list[str] = []
    with tempfile.TemporaryDirectory(prefix="elk-swarm-") as name:
        work = Path(name)
        galaxy = tool("ansible-galaxy")
        found += _run([galaxy, "collection", "build", "--output-path", name], ROOT)
        archives = list(work.glob("elk-swarm-*.tar.gz"))
        if archives:
            with tarfile.open(archives[0]) as archive:
                packed = {item.name for item in archive.getmembers() if not item.isdir()}
            found += content_problems(packed, source_files())
            size = archives[0].stat().st_size // 1024
            # No network and no other folder: the dependencies are those that come with Ansible.
            place = {"ANSIBLE_COLLECTIONS_PATH": name, "HOME": name}
            install = [galaxy, "collection", "install", "--offline", "--no-deps", "-p", name]
            found += _run([*install, str(archives[0])], work, **place)
            inventory = work / "ansible_collections/elk/swarm/inventories/example"
            for book in sorted((ROOT / "playbooks").glob("*.yml")):
                command = [tool("ansible-playbook"), "--syntax-check", "-i", str(inventory)]
                found += _run([*command, f"elk.swarm.{book.stem}"], work, **place)
            print(f"{archives[0].name}: {len(packed)} files, {size} KiB")
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
