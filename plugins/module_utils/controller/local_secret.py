# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A random text that is made once and then kept in a file.

Many processes may ask at the same time, and any of them may be killed at any moment: the file is
either not there or whole, and nothing has to be cleared away afterwards.
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
    """The secret, None where there is no file."""
    try:
        text = path.read_text(encoding="utf-8").rstrip("\n")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SecretError(f"{path} cannot be read: {error}.") from error
    if not text:
        raise SecretError(
            f"{path} is empty. Put the secret back from your copy; or remove the file, when what "
            "it opens does not exist yet, and a new one is made."
        )
    return text


def keep(path: Path, length: int, *, write: bool = True) -> str:
    """The secret in the file, which is made when it is not there.

    Without ``write`` a secret that is not there is one that nobody keeps, another one each time.
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
        # Another process was faster, and everybody has to have the same.
        return read(path) or keep(path, length)
    except OSError as error:
        raise SecretError(f"{path} cannot be written: {error.strerror or error}.") from error
    return made


def write_new(path: Path, text: str, mode: int) -> None:
    """Put a file in its place that is not there yet; FileExistsError when it is."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(path, text)
    path.chmod(mode)


def _write(path: Path, text: str) -> None:
    """Make the file with all of its content at once; FileExistsError if somebody else did."""
    try:
        # It has no name before it is whole, so a killed process leaves none behind.
        handle = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except (AttributeError, OSError):
        # Not every system and file system knows that.
        _write_by_name(path, text)
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
            # Only with a folder's handle does Python follow the link that stands for the file.
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
