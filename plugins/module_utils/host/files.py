# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small text files and their folders on a host: what exists, and what is wrong with it."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Actual:
    """What exists at a path."""

    # One of: absent, directory, file, link, other.
    kind: str
    content: bytes = b""
    # Only for a directory or a file.
    owner: int = 0
    group: int = 0
    mode: int = 0

    def rights(self) -> dict[str, Any]:
        return {"owner": self.owner, "group": self.group, "mode": f"{self.mode:04o}"}


def inspect(path: str, *, directory: bool) -> Actual:
    """Inspect a path.

    A link has the kind "link", so that nothing is written through it. With ``directory``, a link to
    a directory that only root can have created counts as that directory.
    """
    try:
        status = safe_path.status(path, follow=directory)
    except NotADirectoryError:
        return Actual("absent")
    except safe_path.LinkError as error:
        if not error.last:
            raise
        return Actual("link")
    if status is None:
        # The target of a dangling link may be on a disk that is not mounted.
        return Actual("other" if safe_path.status(path) else "absent")
    if stat.S_ISLNK(status.st_mode):
        return Actual("link")
    rights = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
    if stat.S_ISDIR(status.st_mode):
        return Actual("directory", b"", *rights)
    if not stat.S_ISREG(status.st_mode):
        return Actual("other")
    with safe_path.open_file(path) as handle:
        # A larger file differs from the desired one in any case.
        return Actual("file", handle.read(safe_path.LIMIT), *rights)


def folder_error(path: str, found: Actual) -> str:
    """Why a path cannot be a folder; empty if it can. A link is replaced by the folder."""
    if found.kind in ("absent", "directory", "link"):
        return ""
    return f"{path}: is not a folder, but must be one. Move it away."


def file_error(path: str, found: Actual) -> str:
    """Why a path cannot be a file; empty if it can. A link is replaced by the file."""
    if found.kind in ("absent", "file", "link"):
        return ""
    return f"{path}: is not a regular file, but must be one. Move it away."


def mode_error(path: str, mode: str) -> str:
    """Why a mode is not valid; empty if it is."""
    if mode and len(mode) <= 4 and set(mode) <= set("01234567"):
        return ""
    return f"{path}: mode is {mode!r}: write octal digits such as '0640'."


def content_diff(path: str, found: Actual, content: str) -> Mapping[str, str]:
    """The diff for Ansible: before and after."""
    return {
        "before_header": path if found.kind == "file" else f"{path} ({found.kind})",
        "after_header": path,
        "before": found.content.decode("utf-8", errors="replace"),
        "after": content,
    }
