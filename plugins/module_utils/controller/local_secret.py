# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A random secret that is created once and kept in a file.

Many processes may call this at the same time, and each may be killed at any moment. The file is
complete or absent, and a killed process leaves nothing to clean up.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import string
import tempfile
from pathlib import Path

CHARACTERS = string.ascii_letters + string.digits


class SecretError(Exception):
    """A file that cannot be used; the text says what to do."""


def read(path: Path) -> str | None:
    """The secret, None if there is no file."""
    try:
        text = path.read_text(encoding="utf-8").rstrip("\n")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SecretError(f"{path} cannot be read: {error}.") from error
    if not text:
        raise SecretError(
            f"{path} is empty. Put the secret back from your copy. If nothing uses the secret yet, "
            "remove the file, and the next run creates a new one."
        )
    return text


def keep(path: Path, length: int, *, write: bool = True) -> str:
    """The secret in the file; creates the file if it does not exist.

    Without ``write``, a missing file stays missing, and each call returns another random text.
    """
    found = read(path)
    if found is not None:
        return found
    made = "".join(secrets.choice(CHARACTERS) for _position in range(length))
    if not write:
        return made
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, made + "\n")
    except FileExistsError:
        # Another process was faster, and all processes must use the same secret.
        return read(path) or keep(path, length)
    except OSError as error:
        raise SecretError(f"{path} cannot be written: {error.strerror or error}.") from error
    return made


def write_new(path: Path, text: str, mode: int) -> None:
    """Create a new file; FileExistsError if it exists."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(path, text)
    path.chmod(mode)


def _write(path: Path, text: str) -> None:
    """Create the file with its content in one step; FileExistsError if it exists."""
    try:
        # The file has no name until it is complete, so a killed process leaves nothing behind.
        handle = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except (AttributeError, OSError):
        # Not every system and file system supports O_TMPFILE.
        _write_by_name(path, text)
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
            # Python follows the link to the open file only with the handle of a folder.
            os.link(f"/proc/self/fd/{handle}", path.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def _write_by_name(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        os.link(name, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
