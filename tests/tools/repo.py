# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by all checks: the folder of the repository, and its files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tool(name: str) -> str:
    """The path of a tool in the Python environment of this program, or in PATH."""
    path = Path(sys.executable).parent / name
    if path.exists():
        return str(path)
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is neither in the folder of {sys.executable} nor in PATH")
    return found


def source_files(root: Path = ROOT) -> list[str]:
    """Files and links that belong to the repository: committed, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    names = {name for name in listed.stdout.split("\0") if name}
    return sorted(name for name in names if (root / name).exists())


def copy_sources(target: Path, root: Path = ROOT, without: tuple[str, ...] = ()) -> int:
    """Make the target equal to the files of the repository. Return how many were copied.

    Unchanged files are not touched, so that caches that depend on time stamps stay valid.
    """
    names = [name for name in source_files(root) if not name.startswith(without)]
    keep = set(names)
    if target.exists():
        for path in sorted(target.rglob("*"), reverse=True):
            name = path.relative_to(target).as_posix()
            if path.is_dir() and not path.is_symlink():
                if not any(path.iterdir()):
                    path.rmdir()
            elif name not in keep:
                path.unlink()
    copied = 0
    for name in names:
        source, copy = root / name, target / name
        if copy.is_file() and copy.read_bytes() == source.read_bytes():
            if (copy.stat().st_mode & 0o777) == (source.stat().st_mode & 0o777):
                continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy)
        copied += 1
    return copied
