# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notes of smoke tests: with them a later run removes documents that arrive after the test.

A note exists while a smoke test runs, and longer if lines are missing: lines in a queue can arrive
days later. A smoke test that was killed leaves an empty note, because it is unknown how many lines
it sent.

A smoke test holds a lock on its note while it runs. The kernel releases the lock of a killed
process, so a note without a lock belongs to a test that has ended.
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
# A line that is missing for longer was lost, for example a datagram.
LONGEST_WAIT = 14 * 24 * 3600
# The word from the file's name goes into a search, so nothing else is accepted.
_RUN = re.compile(r"run[0-9a-z]{1,64}")


@dataclass
class Note:
    """The note of one smoke test, locked by this process."""

    path: Path
    file: IO[str]

    @property
    def run(self) -> str:
        """The word that finds the documents of the test."""
        return self.path.name[len(PREFIX) :]

    def drop(self) -> None:
        """Delete the note, because no line of the smoke test is missing."""
        self.path.unlink(missing_ok=True)
        self.release()

    @property
    def missing(self) -> int | None:
        """The number of missing lines; None if it is unknown."""
        words = self._words()
        return int(words[0]) if words and words[0].isdecimal() else None

    @property
    def waited(self) -> bool:
        """Whether a later smoke test has already waited for the missing lines."""
        return self._words()[1:] == ["waited"]

    def _words(self) -> list[str]:
        self.file.seek(0)
        return self.file.read(40).split()

    @property
    def expired(self) -> bool:
        """Whether the note is so old that its missing lines will not arrive."""
        return time.time() - os.fstat(self.file.fileno()).st_mtime > LONGEST_WAIT

    def keep(self, missing: int, *, waited: bool = False) -> None:
        """Keep the note for a later smoke test, because ``missing`` lines may still arrive."""
        # Keep the time stamp: the age counts from the first time that lines were missing.
        status = os.fstat(self.file.fileno())
        first = self.missing is None
        self.file.seek(0)
        self.file.truncate()
        self.file.write(f"{missing}{' waited' if waited else ''}\n")
        self.file.flush()
        if not first:
            os.utime(self.file.fileno(), (status.st_atime, status.st_mtime))
        self.release()

    def release(self) -> None:
        """Release the lock; if the file still exists, the next smoke test handles it."""
        self.file.close()


def take(folder: Path, run: str) -> Note:
    """Create the note of a smoke test before it sends lines."""
    path = folder / f"{PREFIX}{run}"
    # Lock the file before it gets its name: without a lock it would look like an old note.
    draft = folder / f"{PREFIX}{run}.new"
    handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    file = os.fdopen(handle, "r+", encoding="utf-8")
    fcntl.flock(file, fcntl.LOCK_EX)
    os.rename(draft, path)
    return Note(path, file)


def left_behind(folder: Path) -> list[Note]:
    """Notes of smoke tests that were killed, or ended before all their lines arrived."""
    found = []
    for path in sorted(folder.glob(f"{PREFIX}*")):
        try:
            file = path.open("r+", encoding="utf-8")
        except OSError:
            # Its smoke test has just deleted it, or it belongs to another user.
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        if path.suffix == ".new":
            # The smoke test was killed before it sent a line.
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            file.close()
            continue
        note = Note(path, file)
        if not path.exists():
            # Its smoke test has deleted it since the folder was listed.
            note.release()
        elif not _RUN.fullmatch(note.run):
            note.release()
        else:
            found.append(note)
    return found
