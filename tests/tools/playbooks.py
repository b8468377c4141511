# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that playbooks and inventories can be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from repo import ROOT, tool

# The lab creates this inventory; without a lab it is empty.
LAB_INVENTORY = "lab"


def playbooks(root: Path) -> list[Path]:
    """Every playbook."""
    found = [*root.glob("site.yml"), *root.glob("playbooks/*.yml")]
    for path in root.glob("molecule/*/*.yml"):
        content = yaml.safe_load(path.read_text()) if path.name != "molecule.yml" else None
        if isinstance(content, list) and any(
            isinstance(play, dict) and ("hosts" in play or "import_playbook" in play)
            for play in content
        ):
            found.append(path)
    return sorted(found)


def inventories(root: Path) -> list[Path]:
    return sorted(
        path for path in root.glob("inventories/*") if path.is_dir() and path.name != LAB_INVENTORY
    )


def _run(command: list[str]) -> list[str]:
    """The output of a command if it fails."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
            "ANSIBLE_NOCOLOR": "1",
        },
    )
    return [] if done.returncode == 0 else [f"$ {' '.join(command[1:])}", done.stdout.rstrip()]


def main() -> int:
    found: list[str] = []
    folders, books = inventories(ROOT), playbooks(ROOT)
    for folder in folders:
        found += _run([tool("ansible-inventory"), "-i", str(folder), "--list"])
    if folders and books:
        command = [tool("ansible-playbook"), "--syntax-check", "-i", str(folders[0])]
        # One command reads all playbooks. If it fails, check each to find the wrong one.
        if _run([*command, *map(str, books)]):
            for book in books:
                found += _run([*command, str(book)])
    print("\n".join(found))
    print(f"{len(folders)} inventories, {len(books)} playbooks")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
