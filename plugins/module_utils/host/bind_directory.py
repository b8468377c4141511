# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories on a host for bind mounts: what exists, and what must change.

The owner of data never changes, and data is never removed. Data of another user is an error.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path

if TYPE_CHECKING:
    from collections.abc import Iterable

GIB = 1024**3
# A new ext4 file system contains it; it is not data.
IGNORED_ENTRIES = frozenset({"lost+found"})
IN_MEMORY = frozenset({"tmpfs", "ramfs"})


@dataclass(frozen=True)
class Desired:
    """The desired directory."""

    path: str
    owner: int
    group: int
    mode: int
    min_free: int = 0


@dataclass(frozen=True)
class Actual:
    """What exists at a path, and the file system of the path."""

    # One of: absent, directory, file, dangling, loop, blocked.
    kind: str
    # For a blocked path, the parent that is not a directory.
    blocker: str = ""
    owner: int = 0
    group: int = 0
    mode: int = 0
    # Whether there are no entries, and the entries with another owner than desired.
    empty: bool = True
    foreign: tuple[tuple[str, int], ...] = ()
    free: int = 0
    mount: str = "/"
    filesystem: str = ""
    read_only: bool = False


@dataclass(frozen=True)
class Step:
    """What to do for one directory."""

    path: str
    create: bool = False
    own: bool = False
    mode: bool = False
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether the step changes anything."""
        return self.create or self.own or self.mode


def plan_directory(desired: Desired, actual: Actual) -> Step:
    """Plan the step for one directory."""
    path = desired.path
    blocked = _blocked(desired, actual)
    if blocked:
        return Step(path, errors=(blocked,))

    errors: list[str] = []
    warnings: list[str] = []
    exists = actual.kind == "directory"
    create = not exists
    own = exists and (actual.owner, actual.group) != (desired.owner, desired.group)
    mode = exists and actual.mode != desired.mode
    if actual.read_only:
        errors.append(
            f"{path}: the file system {actual.mount} is mounted read-only. Mount it read-write,"
            " or set elk_data_dir to another one."
        )
    if exists and actual.owner != desired.owner and not actual.empty:
        errors.append(
            f"{path}: belongs to user {actual.owner}, not {desired.owner}, and contains data. This"
            " module never changes the owner of data. To use this data, run"
            f" 'chown -R {desired.owner}:{desired.group} {path}' yourself. Otherwise move it away,"
            " or set elk_data_dir to another place."
        )
    elif exists and actual.foreign:
        shown = ", ".join(f"{name} (user {owner})" for name, owner in actual.foreign[:3])
        errors.append(
            f"{path}: contains entries of other users: {shown}. The service runs as user"
            f" {desired.owner} and cannot write them. Move them away, or run"
            f" 'chown -R {desired.owner}:{desired.group} {path}' yourself."
        )
    if actual.free < desired.min_free:
        text = (
            f"{path}: {actual.free / GIB:.1f} GB free on {actual.mount}, storage_min_free_gb is"
            f" {desired.min_free / GIB:g}. Make room, or set elk_data_dir to a larger file system."
        )
        # Only a warning for a directory in use, because an error would stop every later run.
        (errors if create else warnings).append(text)
    if actual.filesystem in IN_MEMORY:
        warnings.append(
            f"{path}: is on {actual.filesystem} ({actual.mount}), so its data is lost after a"
            " reboot. Set elk_data_dir to a place on a disk."
        )
    return Step(
        path,
        create=create,
        own=own,
        mode=mode,
        errors=tuple(errors),
        warnings=tuple(warnings),
        before=_shown(actual.owner, actual.group, actual.mode) if exists else {"state": "absent"},
        after=_shown(desired.owner, desired.group, desired.mode),
    )


def _blocked(desired: Desired, actual: Actual) -> str:
    path = desired.path
    if actual.kind == "file":
        return f"{path}: is a file, but must be a directory. Move it away."
    if actual.kind == "dangling":
        return (
            f"{path}: {actual.blocker} is a symbolic link to a path that does not exist. Mount or"
            " create its target, or remove the link."
        )
    if actual.kind == "loop":
        return f"{path}: {actual.blocker} is a symbolic link to itself. Remove it."
    if actual.kind == "blocked":
        return f"{path}: {actual.blocker} is not a directory, so nothing can be created in it."
    return ""


def _shown(owner: int, group: int, mode: int) -> dict[str, str]:
    return {
        "state": "directory",
        "owner": str(owner),
        "group": str(group),
        "mode": f"{mode:04o}",
    }


def read_mounts(text: str) -> list[tuple[str, str, bool]]:
    """Read ``/proc/self/mountinfo``: mount point, type of file system, read-only."""
    mounts = []
    for line in text.splitlines():
        left, _separator, right = line.partition(" - ")
        fields, rest = left.split(), right.split()
        if len(fields) < 6 or len(rest) < 3:
            continue
        point = fields[4]
        for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
            point = point.replace(code, char)
        options = {*fields[5].split(","), *rest[2].split(",")}
        mounts.append((point, rest[0], "ro" in options))
    return mounts


def mount_of(path: str, mounts: Iterable[tuple[str, str, bool]]) -> tuple[str, str, bool]:
    """The mount of a path; of two at one mount point, the later one covers the other."""
    best = ("/", "", False)
    for point, kind, read_only in mounts:
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best[0]):
            best = (point, kind, read_only)
    return best


def inspect(path: str, owner: int, mounts: Iterable[tuple[str, str, bool]]) -> Actual:
    """Inspect a path; follow links that only root can have created."""
    try:
        place = safe_path.find(path)
    except safe_path.UnsafePathError:
        raise
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return Actual(kind="loop", blocker=str(error.filename))
    with place:
        status = place.status()
        if place.rest:
            if place.link:
                return Actual(kind="dangling", blocker=place.link)
            if status is not None:
                kind = "blocked" if len(place.rest) > 1 else "file"
                return Actual(kind=kind, blocker=place.folder.join(place.rest[0]))
        real = place.folder.path
        space = os.statvfs(place.folder.fd)
        mount, filesystem, read_only = mount_of(real, mounts)
        free = space.f_bavail * space.f_frsize
        if status is None:
            return Actual(
                kind="absent", free=free, mount=mount, filesystem=filesystem, read_only=read_only
            )
        entries = _entries(place.folder)
        return Actual(
            kind="directory",
            owner=status.st_uid,
            group=status.st_gid,
            mode=stat.S_IMODE(status.st_mode),
            empty=not entries,
            foreign=tuple(sorted(one for one in entries if one[1] != owner)),
            free=free,
            mount=mount,
            filesystem=filesystem,
            read_only=read_only,
        )


def _entries(folder: safe_path.Folder) -> list[tuple[str, int]]:
    """Name and owner of each entry of a directory."""
    entries = []
    for name in folder.names():
        if name in IGNORED_ENTRIES:
            continue
        # A running service may remove a file after the listing.
        with contextlib.suppress(FileNotFoundError):
            entries.append((name, folder.status(name).st_uid))
    return entries
