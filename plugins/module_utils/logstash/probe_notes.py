# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notes of smoke tests, so that documents which arrive after their end are found and removed.

A note lies there while a smoke test runs, and after it for as long as lines are missing: lines that
wait in a queue arrive days later. A smoke test that was killed leaves an empty note, because the
number of lines that it had sent is unknown.

A smoke test holds a lock on its note while it lives. The kernel takes the lock away from a process
that is killed, and by that a note of the past is told from one of another test at the same moment.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PREFIX = ".smoke-test-"
# A line that has not arrived by then was lost, as datagrams are.
LONGEST_WAIT = 14 * 24 * 3600
# The word goes into a search: nothing else is taken from a file's name.
_RUN = re.compile(r"run[0-9a-z]{1,64}")


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

    @property
    def missing(self) -> int | None:
        """The number of lines that had not arrived; None when it is unknown."""
        words = self._words()
        return int(words[0]) if words and words[0].isdecimal() else None

    @property
    def waited(self) -> bool:
        """Whether a later smoke test has waited for them already."""
        return self._words()[1:] == ["waited"]

    def _words(self) -> list[str]:
        self.file.seek(0)
        return self.file.read(40).split()

    @property
    def expired(self) -> bool:
        """Whether its lines are not waited for any more."""
        return time.time() - os.fstat(self.file.fileno()).st_mtime > LONGEST_WAIT

    def keep(self, missing: int, *, waited: bool = False) -> None:
        """Leave the note for a later smoke test, because so many lines may still arrive."""
        # The age counts from when lines were first missing.
        age = os.fstat(self.file.fileno())
        first = self.missing is None
        self.file.seek(0)
        self.file.truncate()
        self.file.write(f"{missing}{' waited' if waited else ''}\n")
        self.file.flush()
        if not first:
            os.utime(self.file.fileno(), (age.st_atime, age.st_mtime))
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
    """Notes of smoke tests that were killed, or ended before all of their lines had arrived."""
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
        note = Note(path, file)
        if not path.exists():
            # Its owner has dropped it between the look at the folder and the lock.
            note.release()
        elif not _RUN.fullmatch(note.run):
            note.release()
        else:
            found.append(note)
    return found
