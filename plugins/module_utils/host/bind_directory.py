# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories on a host that containers bind: what is there, and what must not be touched.

Data is never given another owner and never removed. What belongs to somebody else is an error.
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
# A fresh ext4 file system has it; it is nobody's data.
IGNORED_ENTRIES = frozenset({"lost+found"})
IN_MEMORY = frozenset({"tmpfs", "ramfs"})


@dataclass(frozen=True)
class Wanted:
    """The directory as it should be."""

    path: str
    owner: int
    group: int
    mode: int
    min_free: int = 0


@dataclass(frozen=True)
class Found:
    """What stands at a path, and the file system that holds it or would hold it."""

    # One of: absent, directory, file, dangling, loop, blocked.
    kind: str
    # For a blocked path the ancestor that is no directory.
    blocker: str = ""
    owner: int = 0
    group: int = 0
    mode: int = 0
    # Entries that have another owner than wanted, and whether there are any entries.
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
        """Whether anything has to be done."""
        return self.create or self.own or self.mode


def plan_directory(wanted: Wanted, found: Found) -> Step:
    """Decide for one directory."""
    path = wanted.path
    blocked = _blocked(wanted, found)
    if blocked:
        return Step(path, errors=(blocked,))

    errors: list[str] = []
    warnings: list[str] = []
    exists = found.kind == "directory"
    create = not exists
    own = exists and (found.owner, found.group) != (wanted.owner, wanted.group)
    mode = exists and found.mode != wanted.mode
    if found.read_only:
        errors.append(
            f"{path}: the file system {found.mount} is mounted read-only. Mount it for writing, or"
            " set elk_data_dir to another one."
        )
    if exists and found.owner != wanted.owner and not found.empty:
        errors.append(
            f"{path}: belongs to user {found.owner}, not {wanted.owner}, and holds data. Nobody's"
            " data is given another owner here: if it is to be used, run"
            f" 'chown -R {wanted.owner}:{wanted.group} {path}' yourself, else move it away or set"
            " elk_data_dir to another place."
        )
    elif exists and found.foreign:
        shown = ", ".join(f"{name} (user {owner})" for name, owner in found.foreign[:3])
        errors.append(
            f"{path}: holds entries of other users: {shown}. The service runs as user"
            f" {wanted.owner} and could not write them. Move them away, or run"
            f" 'chown -R {wanted.owner}:{wanted.group} {path}' yourself."
        )
    if found.free < wanted.min_free:
        text = (
            f"{path}: {found.free / GIB:.1f} GB free on {found.mount}, storage_min_free_gb is"
            f" {wanted.min_free / GIB:g}. Make room, or set elk_data_dir to a larger file system."
        )
        # Where data already lies, stopping every later run would help nobody.
        (errors if create else warnings).append(text)
    if found.filesystem in IN_MEMORY:
        warnings.append(
            f"{path}: lies on {found.filesystem} ({found.mount}), so its data is gone after a"
            " reboot. Set elk_data_dir to a place on a disk."
        )
    return Step(
        path,
        create=create,
        own=own,
        mode=mode,
        errors=tuple(errors),
        warnings=tuple(warnings),
        before=_shown(found.owner, found.group, found.mode) if exists else {"state": "absent"},
        after=_shown(wanted.owner, wanted.group, wanted.mode),
    )


def _blocked(wanted: Wanted, found: Found) -> str:
    path = wanted.path
    if found.kind == "file":
        return f"{path}: is a file and has to be a directory. Move it away."
    if found.kind == "dangling":
        return (
            f"{path}: {found.blocker} is a symbolic link to a place that does not exist. Mount or"
            " make its target, or remove the link."
        )
    if found.kind == "loop":
        return f"{path}: {found.blocker} is a symbolic link to itself. Remove it."
    if found.kind == "blocked":
        return f"{path}: {found.blocker} is no directory, so nothing can be made in it."
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
    """Give the mount that holds a path; of two on one point the later one covers the other."""
    best = ("/", "", False)
    for point, kind, read_only in mounts:
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best[0]):
            best = (point, kind, read_only)
    return best


def inspect(path: str, owner: int, mounts: Iterable[tuple[str, str, bool]]) -> Found:
    """Look at a path; follows links that only root can have made."""
    try:
        place = safe_path.find(path)
    except safe_path.UnsafePathError:
        raise
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return Found(kind="loop", blocker=str(error.filename))
    with place:
        status = place.status()
        if place.rest:
            if place.link:
                return Found(kind="dangling", blocker=place.link)
            if status is not None:
                kind = "blocked" if len(place.rest) > 1 else "file"
                return Found(kind=kind, blocker=place.folder.join(place.rest[0]))
        real = place.folder.path
        space = os.statvfs(place.folder.fd)
        mount, filesystem, read_only = mount_of(real, mounts)
        free = space.f_bavail * space.f_frsize
        if status is None:
            return Found(
                kind="absent", free=free, mount=mount, filesystem=filesystem, read_only=read_only
            )
        entries = _entries(place.folder)
        return Found(
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
    """Give name and owner of what stands in a directory."""
    entries = []
    for name in folder.names():
        if name in IGNORED_ENTRIES:
            continue
        # A running service may remove a file between the listing and the look at it.
        with contextlib.suppress(FileNotFoundError):
            entries.append((name, folder.status(name).st_uid))
    return entries
