# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file with a secret in it: what it is, what it should be, and the way from the one to the other.

The draft lies beside the file under a name that is always the same. Whoever is killed in between
leaves one closed draft at most, and the next one uses it up.
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
    """Content, numbers of owner and group, and mode. None for what need not be so."""

    content: bytes | None = None
    owner: int | None = None
    group: int | None = None
    mode: int | None = None

    def differs(self, wanted: State) -> bool:
        return any(
            value is not None and value != getattr(self, name)
            for name, value in vars(wanted).items()
        )

    def shown(self, wanted: State) -> dict[str, Any]:
        """What a person may see of it: never the content, only whether it is the wanted one."""
        if self.content is None:
            return {"state": "absent"}
        return {
            "state": "file",
            "content": "as wanted" if self.content == wanted.content else "something else",
            **{
                name: f"{value:04o}" if name == "mode" else value
                for name, value in (
                    ("owner", self.owner),
                    ("group", self.group),
                    ("mode", self.mode),
                )
                if getattr(wanted, name) is not None
            },
        }


def look(path: Path) -> State:
    """What is there now. OSError where that is no file.

    A link that another user could have made is nothing: the file takes its place.
    """
    try:
        with safe_path.open_file(path) as file:
            status = safe_path.status_of(file)
            # A file with more than that differs in any case.
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


def write(path: Path, wanted: State) -> None:
    """Put the wanted file in its place at once: whoever reads sees the old one or the new one."""
    write_together({path: wanted})


def write_together(files: Mapping[Path, State]) -> None:
    """Write all of them first, then put one after the other in its place.

    For files that are read together: in between is only the moment that a new name takes.
    """
    with contextlib.ExitStack() as stack:
        drafts = [
            stack.enter_context(
                safe_path.Draft(
                    path, wanted.content or b"", wanted.owner, wanted.group, wanted.mode
                )
            )
            for path, wanted in files.items()
        ]
        for draft in drafts:
            draft.put()
