# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file with a secret: its actual state, its desired state, and how it is replaced.

The draft is next to the file and always has the same name. A killed process leaves at most one
draft, and the next process replaces it.
"""

from __future__ import annotations

import contextlib
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class State:
    """Content, owner ID, group ID and mode. None means any value."""

    content: bytes | None = None
    owner: int | None = None
    group: int | None = None
    mode: int | None = None

    def differs(self, desired: State) -> bool:
        return any(
            value is not None and value != getattr(self, name)
            for name, value in vars(desired).items()
        )

    def shown(self, desired: State) -> dict[str, Any]:
        """The diff for the operator: never the content, only whether it is the desired one."""
        if self.content is None:
            return {"state": "absent"}
        return {
            "state": "file",
            "content": "as desired" if self.content == desired.content else "different",
            **{
                name: f"{value:04o}" if name == "mode" else value
                for name, value in (
                    ("owner", self.owner),
                    ("group", self.group),
                    ("mode", self.mode),
                )
                if getattr(desired, name) is not None
            },
        }


def look(path: Path) -> State:
    """The actual state. OSError if the path is not a regular file.

    A link that another user could have created counts as absent: the file replaces it.
    """
    try:
        with safe_path.open_file(path) as file:
            status = safe_path.status_of(file)
            # A larger file differs from the desired one in any case.
            content = file.read(safe_path.LIMIT)
    except FileNotFoundError:
        return State()
    except safe_path.LinkError as error:
        if not error.last:
            raise
        return State()
    return State(content, status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))


def draft_of(path: Path) -> Path:
    return path.with_name(safe_path.draft_name(path.name))


def write(path: Path, desired: State) -> None:
    """Replace the file in one step: a reader sees the old file or the new one."""
    write_together({path: desired})


def write_together(files: Mapping[Path, State]) -> None:
    """Write all drafts first, then rename one after the other.

    For files that are read together: between them is only the time of a rename.
    """
    with contextlib.ExitStack() as stack:
        drafts = [
            stack.enter_context(
                safe_path.Draft(
                    path, desired.content or b"", desired.owner, desired.group, desired.mode
                )
            )
            for path, desired in files.items()
        ]
        for draft in drafts:
            draft.put()
