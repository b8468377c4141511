# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rotation of a secret on the controller, while programs log in with it.

Next to the file that all programs read, there is a file with the next value until it is in use, and
then a file with the former value until all programs have the new one. A run continues where another
was killed, because the files that exist show how far the rotation is:

    the file                    idle     no rotation
    the file, .next             made     Elasticsearch may know the next value already
    the file, .former           used     the new value is valid, some programs may use the former
    the file, .next, .former    made     killed between made and used
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

# A variable sets the value, so only the operator can change it.
GIVEN = "given"
IDLE, MADE, USED = "idle", "made", "used"
BEGIN, USE, END = STEPS = ("begin", "use", "end")
PRIVATE = 0o600


@dataclass(frozen=True)
class Rotation:
    """The stage of a rotation, and whether the step changed it."""

    stage: str
    changed: bool = False


def next_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.next")


def former_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.former")


def stage_from(
    *, current: str | None, following: str | None, former: str | None, value: str | None
) -> str:
    """The stage, from the content of the three files and from the value of the variable."""
    if value is not None and value != current:
        return GIVEN
    if following is not None:
        return MADE
    return USED if former is not None else IDLE


def stage_of(path: Path, value: str | None = None) -> str:
    return stage_from(
        current=read(path),
        following=read(next_of(path)),
        former=read(former_of(path)),
        value=value,
    )


def describe(rotation: Rotation, name: str, path: Path) -> str:
    """The stage in words, for the operator. ``name`` is the variable of the secret."""
    if rotation.stage == GIVEN:
        return (
            f"{name} is unchanged: it is not what {path} holds, so it is set elsewhere. "
            "Change it there"
        )
    if rotation.stage == USED:
        return f"{name} has its next value from an interrupted run: this run finishes the rotation"
    if rotation.stage == MADE and not rotation.changed:
        return f"{name}: the interrupted rotation continues"
    return f"{name} is renewed"


def begin(path: Path, value: str | None, length: int, *, write_it: bool) -> Rotation:
    """Write the next value, unless a rotation is in progress or the length is 0."""
    stage = stage_of(path, value)
    if stage != IDLE or not length:
        return Rotation(stage)
    if write_it:
        keep(next_of(path), length)
    return Rotation(MADE, changed=True)


def use(path: Path, *, write_it: bool) -> Rotation:
    """Make the next value the value of the file, and keep the former one."""
    stage = stage_of(path)
    if stage != MADE:
        return Rotation(stage)
    if write_it:
        current = read(path)
        if current is None:
            raise SecretError(f"{path} does not exist. Put it back from your copy.")
        write(former_of(path), State(f"{current}\n".encode(), mode=PRIVATE))
        # One atomic rename, so there is always a file with this name.
        next_of(path).replace(path)
    return Rotation(USED, changed=True)


def end(path: Path, *, write_it: bool) -> Rotation:
    """Delete the former value, once no program uses it."""
    stage = stage_of(path)
    if stage != USED:
        return Rotation(stage)
    if write_it:
        former_of(path).unlink()
    return Rotation(IDLE, changed=True)
