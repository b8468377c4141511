# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notes of smoke tests under way, so that a killed one's documents can be found and removed.

A smoke test holds a lock on its note while it lives. The kernel takes the lock away from a process
that is killed, and by that a note of the past is told from one of another test at the same moment.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PREFIX = ".smoke-test-"


@dataclass
class Note:
    """The note of one smoke test, locked by this process."""

    path: Path
    file: IO[str]

    @property
    def run(self) -> str:
        """The word by which the documents are found."""
        return self.path.name[len(PREFIX) :]

    def drop(self) -> None:
        """Nothing is left of the smoke test."""
        self.path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Let the note go; if its file is still there, the next smoke test takes it up."""
        self.file.close()


def take(folder: Path, run: str) -> Note:
    """Write the note of a smoke test that is about to begin."""
    path = folder / f"{PREFIX}{run}"
    # Not open(path, "x") alone: a file with this name and no lock would look like one of the past.
    draft = folder / f"{PREFIX}{run}.new"
    handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    file = os.fdopen(handle, "r+", encoding="utf-8")
    fcntl.flock(file, fcntl.LOCK_EX)
    os.rename(draft, path)
    return Note(path, file)


def left_behind(folder: Path) -> list[Note]:
    """Notes of smoke tests that were killed."""
    found = []
    for path in sorted(folder.glob(f"{PREFIX}*")):
        try:
            file = path.open("r+", encoding="utf-8")
        except OSError:
            # Its owner has just dropped it, or it is another user's.
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        if path.suffix == ".new":
            # Killed before it had sent anything.
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            file.close()
            continue
        found.append(Note(path, file))
    return found
