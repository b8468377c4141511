# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small text files and their folders on a host: what is there, and what is wrong with it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Found:
    """What stands at a path."""

    # One of: absent, directory, file, link, other.
    kind: str
    content: bytes = b""


def inspect(path: str) -> Found:
    """Look at a path. A link is told as one, so that nothing is written through it."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Found("absent")
    if stat.S_ISLNK(status.st_mode):
        return Found("link")
    if stat.S_ISDIR(status.st_mode):
        return Found("directory")
    if not stat.S_ISREG(status.st_mode):
        return Found("other")
    with open(path, "rb") as handle:
        return Found("file", handle.read())


def folder_error(path: str, found: Found) -> str:
    """Why a path cannot be a folder; empty if it can. A link to a folder is one."""
    if found.kind in ("absent", "directory") or (found.kind == "link" and os.path.isdir(path)):
        return ""
    return f"{path}: is no folder and has to be one. Move it away."


def file_error(path: str, found: Found) -> str:
    """Why a path cannot be a file; empty if it can. A link is replaced by the file."""
    if found.kind in ("absent", "file", "link"):
        return ""
    return f"{path}: is no file and has to be one. Move it away."


def mode_error(path: str, mode: str) -> str:
    """Why a mode is none; empty if it is one."""
    if mode and len(mode) <= 4 and set(mode) <= set("01234567"):
        return ""
    return f"{path}: mode is {mode!r}: write octal digits as '0640'."


def content_diff(path: str, found: Found, content: str) -> Mapping[str, str]:
    """Before and after in the form that Ansible shows."""
    return {
        "before_header": path if found.kind == "file" else f"{path} ({found.kind})",
        "after_header": path,
        "before": found.content.decode("utf-8", errors="replace"),
        "after": content,
    }
