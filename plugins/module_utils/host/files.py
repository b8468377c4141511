# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small text files and their folders on a host: what is there, and what is wrong with it."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Found:
    """What stands at a path."""

    # One of: absent, directory, file, link, other.
    kind: str
    content: bytes = b""
    # Of a directory or a file.
    owner: int = 0
    group: int = 0
    mode: int = 0

    def rights(self) -> dict[str, Any]:
        return {"owner": self.owner, "group": self.group, "mode": f"{self.mode:04o}"}


def inspect(path: str, *, directory: bool) -> Found:
    """Look at a path.

    A link is shown as one, so that nothing is written through it. Only one to a directory counts as
    that directory, if nobody but root can have made it.
    """
    try:
        status = safe_path.status(path, follow=directory)
    except NotADirectoryError:
        return Found("absent")
    except safe_path.LinkError as error:
        if not error.last:
            raise
        return Found("link")
    if status is None:
        # A link without a target may lead to a disk that is not mounted.
        return Found("other" if safe_path.status(path) else "absent")
    if stat.S_ISLNK(status.st_mode):
        return Found("link")
    rights = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
    if stat.S_ISDIR(status.st_mode):
        return Found("directory", b"", *rights)
    if not stat.S_ISREG(status.st_mode):
        return Found("other")
    with safe_path.open_file(path) as handle:
        # A file with more than that differs in any case.
        return Found("file", handle.read(safe_path.LIMIT), *rights)


def folder_error(path: str, found: Found) -> str:
    """Why a path cannot be a folder; empty if it can. A link is replaced by the folder."""
    if found.kind in ("absent", "directory", "link"):
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
