# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders at paths that another user may be able to change.

A path is opened from / one name at a time, each relative to the open folder before it. A link is
followed only if no user except root and the user of this process can change it or a folder above
it. Only regular files are read, and only up to a limit. A file is replaced as a whole by a draft in
the same folder.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shlex
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    StrPath: TypeAlias = "str | os.PathLike[str]"

MIB = 1024**2
# Larger than any file that a module reads as a whole.
LIMIT = 16 * MIB
MAX_NAMES = 1_000_000
MAX_LINKS = 40
# Deeper than the folders of any service. Each level needs an open file descriptor.
MAX_DEPTH = 200
_PIECE = 64 * 1024
KEPT_ATTRIBUTES = ("security.selinux",)
# An access list survives a change of owner, and new files inherit the default one.
ACCESS_LISTS = ("system.posix_acl_access", "system.posix_acl_default")

# O_PATH opens a folder even without permission to list it.
_STEP = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_KINDS = (
    (stat.S_ISLNK, "link"),
    (stat.S_ISDIR, "folder"),
    (stat.S_ISREG, "regular file"),
    (stat.S_ISFIFO, "FIFO"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "character device"),
    (stat.S_ISBLK, "block device"),
)


class UnsafePathError(OSError):
    """A part of a path is unsafe, so it is not used; the text contains what to type."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(errno.EPERM, text, path)

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


class LinkError(UnsafePathError):
    """A link that another user could have created or can change."""

    def __init__(self, path: str, text: str, last: bool) -> None:
        super().__init__(path, text)
        # Whether the link is the last part of the path.
        self.last = last


def kind_of(mode: int) -> str:
    return next((word for test, word in _KINDS if test(mode)), "special file")


def _owners() -> frozenset[int]:
    """Users who already have the rights of this process."""
    return frozenset({0, os.geteuid()})


def _writable_by_others(status: os.stat_result) -> bool:
    if status.st_uid not in _owners() or status.st_mode & stat.S_IWOTH:
        return True
    # Containers can have root's group, so only a non-root user's own group is trusted.
    own_group = os.geteuid() != 0 and status.st_gid == os.getegid()
    return bool(status.st_mode & stat.S_IWGRP) and not own_group


def _advice(folder: Folder, status: os.stat_result, path: str) -> str:
    """The owner, and what to type."""
    text = f"owner {status.st_uid}, in {folder.path} of owner {folder.status_of_self().st_uid}"
    if folder.open_to_others:
        text += ", which users other than root can write"
    # Quoted, because a name may contain shell syntax.
    here, it = shlex.quote(folder.path), shlex.quote(path)
    command = f"rm -r {it}" if stat.S_ISDIR(status.st_mode) else f"rm {it}"
    return f"{text}. Check with `ls -ld {here} {it}` who created it; to remove it: {command}"


@dataclass
class Folder:
    """An open folder. Its entries are opened by name, and links are not followed."""

    fd: int
    # The real path, without links.
    path: str
    # Whether no other user can replace the folder.
    fixed: bool
    _status: os.stat_result | None = field(default=None, repr=False)

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    @classmethod
    def root(cls) -> Folder:
        return cls(os.open("/", _STEP), "/", True)

    def join(self, name: str) -> str:
        return os.path.normpath(os.path.join(self.path, name))

    def status_of_self(self) -> os.stat_result:
        if self._status is None:
            self._status = os.fstat(self.fd)
        return self._status

    @property
    def open_to_others(self) -> bool:
        return _writable_by_others(self.status_of_self())

    def _fixes(self, status: os.stat_result) -> bool:
        """Whether no other user can replace an entry."""
        if not self.fixed:
            return False
        own = self.status_of_self()
        sticky = bool(own.st_mode & stat.S_ISVTX) and own.st_uid in _owners()
        return not self.open_to_others or (sticky and status.st_uid in _owners())

    def trusts_link(self, status: os.stat_result) -> bool:
        return self.fixed and not self.open_to_others and status.st_uid in _owners()

    def link_error(self, name: str, last: bool) -> LinkError:
        path = self.join(name)
        status = self.status(name)
        advice = _advice(self, status, path)
        return LinkError(path, f"{path} is a link and is not followed: {advice}", last)

    # -- reads -------------------------------------------------------------------------------

    def status(self, name: str) -> os.stat_result:
        """The status of an entry; of a link, the status of the link itself."""
        try:
            return os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except OSError as error:
            error.filename = self.join(name)
            raise

    def enter(self, name: str) -> Folder:
        """Open a folder in this one."""
        path = self.join(name)
        try:
            opened = os.open(name, _STEP, dir_fd=self.fd)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                with contextlib.suppress(FileNotFoundError):
                    if stat.S_ISLNK(self.status(name).st_mode):
                        raise self.link_error(name, last=False) from None
            error.filename = path
            raise
        status = os.fstat(opened)
        return Folder(opened, path, self.fixed if name == ".." else self._fixes(status), status)

    def listing(self) -> int:
        """A file descriptor of this folder, to list it or to set its rights."""
        try:
            return os.open(".", _LIST, dir_fd=self.fd)
        except OSError as error:
            error.filename = self.path
            raise

    def names(self, limit: int = MAX_NAMES) -> list[str]:
        """The names of the entries, sorted."""
        handle = self.listing()
        try:
            with os.scandir(handle) as entries:
                found = [entry.name for entry in itertools.islice(entries, limit + 1)]
        finally:
            os.close(handle)
        if len(found) > limit:
            raise UnsafePathError(
                self.path,
                f"has more than {limit} entries, which is too many for such a folder. Check with"
                f" `ls -fl {shlex.quote(self.path)} | head` what they are",
            )
        return sorted(found)

    def open(self, name: str, flags: int = _READ) -> int:
        """A file descriptor of a regular file in this folder."""
        path = self.join(name)
        # Checked before the open, because opening a device can have an effect.
        status = self.status(name)
        if stat.S_ISLNK(status.st_mode):
            raise self.link_error(name, last=True)
        self._regular(status, path)
        try:
            handle = os.open(name, flags, dir_fd=self.fd)
        except OSError as error:
            error.filename = path
            raise
        try:
            self._regular(os.fstat(handle), path)
        except OSError:
            os.close(handle)
            raise
        return handle

    def _regular(self, status: os.stat_result, path: str) -> None:
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(status.st_mode):
            advice = _advice(self, status, path)
            kind = kind_of(status.st_mode)
            raise UnsafePathError(path, f"is a {kind}, not a regular file: {advice}")

    def file(self, name: str) -> BinaryIO:
        return os.fdopen(self.open(name), "rb")

    def read(self, name: str, limit: int = LIMIT) -> bytes:
        content = bytearray()
        with self.file(name) as file:
            # In small pieces, because the kernel refuses large reads from /proc/sys.
            while len(content) <= limit and (piece := file.read(_PIECE)):
                content += piece
        if len(content) > limit:
            path = self.join(name)
            raise UnsafePathError(
                path,
                f"has more than {limit} bytes, which is too many for such a file: "
                + _advice(self, self.status(name), path),
            )
        return bytes(content)

    # -- changes -----------------------------------------------------------------------------

    def make(self, name: str) -> Folder:
        """Create a folder in this one. Only this user can use it until its rights are set."""
        try:
            os.mkdir(name, 0o700, dir_fd=self.fd)
        except OSError as error:
            error.filename = self.join(name)
            raise
        made = self.enter(name)
        status = made.status_of_self()
        if status.st_uid != os.geteuid():
            made.close()
            raise UnsafePathError(
                made.path, "was replaced while it was created: " + _advice(self, status, made.path)
            )
        return made

    def set_rights(self, owner: int, group: int, mode: int) -> None:
        """Set owner, group and mode of this folder, and remove its access lists."""
        handle = self.listing()
        try:
            for attribute in ACCESS_LISTS:
                # Few folders have one, and not every system supports them.
                with contextlib.suppress(OSError, AttributeError):
                    os.removexattr(handle, attribute)
            os.fchown(handle, owner, group)
            # After the owner, because a change of owner may clear bits of the mode.
            os.fchmod(handle, mode)
        except OSError as error:
            error.filename = self.path
            raise
        finally:
            os.close(handle)
            self._status = None

    def unlink(self, name: str) -> None:
        """Remove an entry that is not a folder. The target of a link is not removed."""
        try:
            os.unlink(name, dir_fd=self.fd)
        except OSError as error:
            error.filename = self.join(name)
            raise

    def remove(self, name: str, depth: int = 0) -> None:
        """Remove an entry and everything in it, but not the targets of links."""
        if not stat.S_ISDIR(self.status(name).st_mode):
            self.unlink(name)
            return
        with self.enter(name) as inner:
            if mount_id(inner.fd) != mount_id(self.fd):
                raise OSError(
                    errno.EBUSY,
                    "another file system is mounted there, unmount it first",
                    inner.path,
                )
            inner.clear(depth + 1)
        try:
            os.rmdir(name, dir_fd=self.fd)
        except OSError as error:
            error.filename = self.join(name)
            raise

    def clear(self, depth: int = 0) -> None:
        """Remove everything in this folder."""
        if depth > MAX_DEPTH:
            raise UnsafePathError(
                self.path,
                f"is more than {MAX_DEPTH} folders deep, probably on purpose. Check who writes"
                " there, and remove it by hand",
            )
        for name in self.names():
            # A service that is stopping may remove it first.
            with contextlib.suppress(FileNotFoundError):
                self.remove(name, depth)


def mount_id(handle: int) -> object:
    """An ID that differs between mounts, even of the same disk."""
    try:
        with open(f"/proc/self/fdinfo/{handle}", encoding="ascii") as file:
            for line in file:
                if line.startswith("mnt_id:"):
                    return line
    except OSError:
        pass
    return os.fstat(handle).st_dev


# -- paths -----------------------------------------------------------------------------------


@dataclass
class Place:
    """The part of a path that exists as folders, and the rest of its names."""

    folder: Folder
    # The names that are not folders: the last one may be a file, or nothing may exist.
    rest: list[str]
    # The link whose target does not exist, or that is not followed.
    link: str = ""

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *reason: object) -> None:
        self.folder.close()

    def status(self) -> os.stat_result | None:
        """Status of the first name in ``rest``, or of the folder; None if nothing exists."""
        if not self.rest:
            return self.folder.status_of_self()
        try:
            return self.folder.status(self.rest[0])
        except FileNotFoundError:
            return None

    def entry(self) -> str:
        """The name of the file; raises an error if the path cannot be one."""
        if not self.rest:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self.folder.path)
        if len(self.rest) > 1:
            self.no_folder()
        return self.rest[0]

    def no_folder(self) -> NoReturn:
        code = errno.ENOENT if self.status() is None else errno.ENOTDIR
        path = self.link or self.folder.join(self.rest[0])
        raise OSError(code, os.strerror(code), path)


def find(path: StrPath, *, follow: bool = True) -> Place:
    """Open a path as far as its folders exist. ``follow`` applies to a link at its end."""
    text = os.fspath(path)
    if not os.path.isabs(text):
        text = os.path.join(os.getcwd(), text)
    pending = [name for name in reversed(text.split("/")) if name not in ("", ".")]
    current, links = Folder.root(), 0
    # The links whose targets are open now, and the number of names that remain after each.
    followed: list[tuple[str, int]] = []
    try:
        while pending:
            name = pending.pop()
            while followed and len(pending) < followed[-1][1]:
                followed.pop()
            try:
                status = current.status(name)
            except FileNotFoundError:
                link = followed[0][0] if followed else ""
                return Place(current, [name, *reversed(pending)], link)
            if stat.S_ISLNK(status.st_mode):
                if not pending and not follow:
                    return Place(current, [name], current.join(name))
                if not current.trusts_link(status):
                    raise current.link_error(name, not pending)
                links += 1
                if links > MAX_LINKS:
                    code = errno.ELOOP
                    raise OSError(code, os.strerror(code), current.join(name))
                followed.append((current.join(name), len(pending)))
                target = os.readlink(name, dir_fd=current.fd)
                steps = [step for step in reversed(target.split("/")) if step not in ("", ".")]
                pending.extend(steps)
                if target.startswith("/"):
                    current.close()
                    current = Folder.root()
                continue
            if not stat.S_ISDIR(status.st_mode):
                return Place(current, [name, *reversed(pending)], "")
            before, current = current, current.enter(name)
            before.close()
        return Place(current, [])
    except BaseException:
        current.close()
        raise


def open_folder(path: StrPath, *, follow: bool = True) -> Folder:
    """Open an existing folder; the caller closes it."""
    place = find(path, follow=follow)
    if place.rest:
        with place:
            if place.link and not follow:
                raise place.folder.link_error(place.rest[0], last=True)
            place.no_folder()
    return place.folder


def status(path: StrPath, *, follow: bool = False) -> os.stat_result | None:
    """The status of a path; None if it does not exist."""
    with find(path, follow=follow) as place:
        return None if len(place.rest) > 1 else place.status()


def exists(path: StrPath) -> bool:
    """Whether a path exists. A link without a target does not count."""
    return status(path, follow=True) is not None


def names(path: StrPath) -> list[str]:
    with open_folder(path) as folder:
        return folder.names()


def open_file(path: StrPath) -> BinaryIO:
    """Open a regular file for reading."""
    with find(path) as place:
        return place.folder.file(place.entry())


def status_of(file: BinaryIO) -> os.stat_result:
    """The status of an open file."""
    return os.fstat(file.fileno())


def read_bytes(path: StrPath, limit: int = LIMIT) -> bytes:
    """The content of a regular file that is not larger than the limit."""
    with find(path) as place:
        return place.folder.read(place.entry(), limit)


def read_text(path: StrPath, limit: int = LIMIT, errors: str = "strict") -> str:
    return read_bytes(path, limit).decode("utf-8", errors)


def write_in_place(path: StrPath, text: str) -> None:
    """Write to an existing file without replacing it, as kernel files require."""
    with find(path) as place:
        handle = place.folder.open(place.entry(), _WRITE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def draft_name(name: str) -> str:
    """Always the same name, so that the next process replaces the draft of a killed one."""
    return f".{name}.new"


class Draft:
    """A complete file with its rights, but not yet with its final name.

    An owner, group or mode of None is taken from the file that it replaces.
    """

    def __init__(
        self,
        path: StrPath,
        content: bytes,
        owner: int | None = None,
        group: int | None = None,
        mode: int | None = None,
    ) -> None:
        place = find(path, follow=False)
        self.folder = place.folder
        self.pending = False
        self.inode = 0
        try:
            self.name = place.entry()
            self.draft = draft_name(self.name)
            self._write(content, owner, group, mode)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the draft unless it has its final name."""
        if self.pending:
            with contextlib.suppress(OSError):
                self.folder.unlink(self.draft)
            self.pending = False
        self.folder.close()

    def put(self) -> None:
        """Rename the draft to its final name: a reader sees the old file or the new one."""
        descriptor = self.folder.fd
        try:
            os.rename(self.draft, self.name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        except OSError as error:
            error.filename = self.folder.join(self.name)
            raise
        self.pending = False
        written = self.folder.status(self.name)
        if written.st_ino != self.inode:
            path = self.folder.join(self.name)
            raise UnsafePathError(
                path, "was replaced while it was written: " + _advice(self.folder, written, path)
            )

    def _write(
        self, content: bytes, owner: int | None, group: int | None, mode: int | None
    ) -> None:
        before, label = self._replaced()
        # Removed and not reused, because its creator may still have it open.
        with contextlib.suppress(FileNotFoundError):
            self.folder.unlink(self.draft)
        try:
            handle = os.open(self.draft, _CREATE, 0o600, dir_fd=self.folder.fd)
        except OSError as error:
            error.filename = self.folder.join(self.draft)
            raise
        self.pending = True
        try:
            self._fill(handle, content, owner, group, mode, before, label)
        except OSError as error:
            # The error names the path, for example if the disk is full.
            error.filename = error.filename or self.folder.join(self.draft)
            raise

    def _fill(
        self,
        handle: int,
        content: bytes,
        owner: int | None,
        group: int | None,
        mode: int | None,
        before: os.stat_result | None,
        label: dict[str, bytes],
    ) -> None:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
            for attribute, value in label.items():
                with contextlib.suppress(OSError):
                    os.setxattr(handle, attribute, value)
            if before is not None:
                owner = before.st_uid if owner is None else owner
                group = before.st_gid if group is None else group
                mode = stat.S_IMODE(before.st_mode) if mode is None else mode
            own = os.fstat(handle)
            desired = (
                own.st_uid if owner is None else owner,
                own.st_gid if group is None else group,
            )
            if desired != (own.st_uid, own.st_gid):
                os.fchown(handle, *desired)
            os.fchmod(handle, 0o644 if mode is None else mode)
            self.inode = own.st_ino

    def _replaced(self) -> tuple[os.stat_result | None, dict[str, bytes]]:
        """Rights and SELinux label of the file to replace, if it is a regular file."""
        try:
            handle = self.folder.open(self.name)
        except IsADirectoryError:
            raise
        except OSError:
            # Nothing, a link, or another kind of file that the new file replaces.
            return None, {}
        try:
            label = {}
            for attribute in KEPT_ATTRIBUTES:
                with contextlib.suppress(OSError, AttributeError):
                    label[attribute] = os.getxattr(handle, attribute)
            return os.fstat(handle), label
        finally:
            os.close(handle)


def write(
    path: StrPath,
    content: bytes,
    owner: int | None = None,
    group: int | None = None,
    mode: int | None = None,
) -> None:
    """Replace a file as a whole. A link is replaced too, and its target does not change."""
    with Draft(path, content, owner, group, mode) as draft:
        draft.put()


def make_folder(path: StrPath, owner: int, group: int, mode: int) -> None:
    """Create a folder, and its missing parents with mode 0755."""
    with find(path) as place:
        folder, rest = place.folder, list(place.rest)
        if rest and (place.link or place.status() is not None):
            place.no_folder()
        try:
            while rest:
                inner = folder.make(rest.pop(0))
                if rest:
                    inner.set_rights(-1, -1, 0o755)
                folder.close()
                folder = inner
            folder.set_rights(owner, group, mode)
        finally:
            folder.close()


def make_parents(path: StrPath) -> None:
    """Create the missing parents of a path."""
    above = os.path.dirname(os.fspath(path))
    with find(above) as place:
        missing = bool(place.rest)
    if missing:
        make_folder(above, -1, -1, 0o755)


def set_folder_rights(path: StrPath, owner: int, group: int, mode: int) -> None:
    with open_folder(path) as folder:
        folder.set_rights(owner, group, mode)


def unlink(path: StrPath) -> None:
    """Remove an entry that is not a folder. The target of a link is not removed."""
    with find(path, follow=False) as place:
        place.folder.unlink(place.entry())


def set_file_rights(path: StrPath, owner: int, group: int, mode: int) -> None:
    """Set the rights of a file without replacing it, in a folder that only root can write."""
    with find(path) as place:
        name = place.entry()
        handle = place.folder.open(name)
        try:
            status = os.fstat(handle)
            if status.st_nlink > 1 and place.folder.open_to_others:
                raise UnsafePathError(
                    place.folder.join(name),
                    "has another hard link: "
                    + _advice(place.folder, status, place.folder.join(name)),
                )
            os.fchown(handle, owner, group)
            os.fchmod(handle, mode)
        finally:
            os.close(handle)


@contextlib.contextmanager
def parent_of(path: StrPath) -> Iterator[tuple[Folder, str]]:
    """The folder of a path, and the last name of the path."""
    text = os.path.normpath(os.fspath(path))
    with open_folder(os.path.dirname(text)) as folder:
        yield folder, os.path.basename(text)
