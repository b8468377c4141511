# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A secret on the controller that gets its next value, while programs log in with it.

Besides the file that everybody reads there is one with the next value until that is in use, and one
with the former value until everybody has the new one. Which of them are there is all that a run has
to know to go on where another was killed:

    the file                    idle     nothing is under way
    the file, .next             made     the next one may be known to Elasticsearch already
    the file, .former           used     the new one holds, and some may still have the former one
    the file, .next, .former    made     killed on the way from the one to the other
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.elk.swarm.plugins.module_utils.controller.local_secret import (
    SecretError,
    keep,
    read,
)
from ansible_collections.elk.swarm.plugins.module_utils.host.private_file import State, write

if TYPE_CHECKING:
    from pathlib import Path

# Given by a variable, so nobody but its operator can change it.
GIVEN = "given"
IDLE, MADE, USED = "idle", "made", "used"
BEGIN, USE, END = STEPS = ("begin", "use", "end")
PRIVATE = 0o600


@dataclass(frozen=True)
class Turn:
    """How far it has come, and whether that is news."""

    stage: str
    changed: bool = False


def next_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.next")


def former_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.former")


def judge(
    *, current: str | None, following: str | None, former: str | None, value: str | None
) -> str:
    """The stage, from the content of the three files and from what the variable gives."""
    if value is not None and value != current:
        return GIVEN
    if following is not None:
        return MADE
    return USED if former is not None else IDLE


def stage_of(path: Path, value: str | None = None) -> str:
    return judge(
        current=read(path),
        following=read(next_of(path)),
        former=read(former_of(path)),
        value=value,
    )


def told(turn: Turn, name: str, path: Path) -> str:
    """What an operator should know of the secret that a variable of this name gives."""
    if turn.stage == GIVEN:
        return f"{name} stays: it is not what {path} holds, so it is set elsewhere. Renew it there"
    if turn.stage == USED:
        return f"{name} has its next value since a run that was broken off: the rest is done now"
    if turn.stage == MADE and not turn.changed:
        return f"{name}: the renewal that was broken off goes on"
    return f"{name} is renewed"


def begin(path: Path, value: str | None, length: int, *, write_it: bool) -> Turn:
    """Have the next value on the disk, unless one is under way. Without a length none is made."""
    stage = stage_of(path, value)
    if stage != IDLE or not length:
        return Turn(stage)
    if write_it:
        keep(next_of(path), length)
    return Turn(MADE, changed=True)


def use(path: Path, *, write_it: bool) -> Turn:
    """Have everybody read the next value, and keep the former one."""
    stage = stage_of(path)
    if stage != MADE:
        return Turn(stage)
    if write_it:
        current = read(path)
        if current is None:
            raise SecretError(f"{path} is not there. Put it back from your copy.")
        write(former_of(path), State(f"{current}\n".encode(), mode=PRIVATE))
        # At once, so that there is always one of them under this name.
        next_of(path).replace(path)
    return Turn(USED, changed=True)


def end(path: Path, *, write_it: bool) -> Turn:
    """Forget the former value, once nobody has it any more."""
    stage = stage_of(path)
    if stage != USED:
        return Turn(stage)
    if write_it:
        former_of(path).unlink()
    return Turn(IDLE, changed=True)
