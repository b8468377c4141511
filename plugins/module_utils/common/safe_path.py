# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders at paths that another user may be able to change.

A path is walked from / one name at a time, each from the open folder before it, and never through a
link that another user could have made. A link is followed only where nobody but root and the user
of this process can change it or the way to it. Files are read only if they are regular, and only up
to a limit. Files are replaced as a whole, by a draft beside them.
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
# More than any file has that a module reads as a whole.
LIMIT = 16 * MIB
MAX_NAMES = 1_000_000
MAX_LINKS = 40
# Deeper than any service nests its folders, and each level holds an open file.
MAX_DEPTH = 200
_PIECE = 64 * 1024
KEPT_ATTRIBUTES = ("security.selinux",)
# An access list outlives a change of owner, and new files inherit the default one.
ACCESS_LISTS = ("system.posix_acl_access", "system.posix_acl_default")

# With O_PATH a folder can be walked through that cannot be listed.
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
    """Something on the way to a path that is not used; the text says what to type."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(errno.EPERM, text, path)

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


class LinkError(UnsafePathError):
    """A link that another user could have made, or can change."""

    def __init__(self, path: str, text: str, last: bool) -> None:
        super().__init__(path, text)
        # Whether the link is the path itself and not a folder above it.
        self.last = last


def kind_of(mode: int) -> str:
    return next((word for test, word in _KINDS if test(mode)), "special file")


def _owners() -> frozenset[int]:
    """Users who can do without a trick whatever this process does."""
    return frozenset({0, os.geteuid()})


def _writable_by_others(status: os.stat_result) -> bool:
    if status.st_uid not in _owners() or status.st_mode & stat.S_IWOTH:
        return True
    # A group of root is one of containers too. People often have a group of their own.
    own_group = os.geteuid() != 0 and status.st_gid == os.getegid()
    return bool(status.st_mode & stat.S_IWGRP) and not own_group


def _advice(folder: Folder, status: os.stat_result, path: str) -> str:
    """Whose it is, and what to type."""
    text = f"owner {status.st_uid}, in {folder.path} of owner {folder.status_of_self().st_uid}"
    if folder.open_to_others:
        text += ", which users other than root can write"
    # A name may be chosen so that a shell reads more in it than one path.
    here, it = shlex.quote(folder.path), shlex.quote(path)
    command = f"rm -r {it}" if stat.S_ISDIR(status.st_mode) else f"rm {it}"
    return f"{text}. Look with `ls -ld {here} {it}` who made it; to remove it: {command}"


@dataclass
class Folder:
    """An open folder. What is in it is reached by name and never through a link."""

    fd: int
    # Where it really is, without links.
    path: str
    # Whether nobody else can put another folder in its place.
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
        """Whether nobody else can put something else in the place of an entry."""
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

    # -- what is in it -----------------------------------------------------------------------

    def status(self, name: str) -> os.stat_result:
        """Of a link, its own."""
        try:
            return os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except OSError as error:
            error.filename = self.join(name)
            raise

    def enter(self, name: str) -> Folder:
        """A folder in this one."""
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
        """A handle of this folder itself, to list it or to set its rights."""
        try:
            return os.open(".", _LIST, dir_fd=self.fd)
        except OSError as error:
            error.filename = self.path
            raise

    def names(self, limit: int = MAX_NAMES) -> list[str]:
        """What is in this folder, sorted."""
        handle = self.listing()
        try:
            with os.scandir(handle) as entries:
                found = [entry.name for entry in itertools.islice(entries, limit + 1)]
        finally:
            os.close(handle)
        if len(found) > limit:
            raise UnsafePathError(
                self.path,
                f"has more than {limit} entries, which is more than such a folder ever has. Look"
                f" with `ls -fl {shlex.quote(self.path)} | head` what they are",
            )
        return sorted(found)

    def open(self, name: str, flags: int = _READ) -> int:
        """A handle of a regular file in this folder."""
        path = self.join(name)
        # Before it is opened, because to open a device can do something.
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
            raise UnsafePathError(path, f"is a {kind} and no regular file: {advice}")

    def file(self, name: str) -> BinaryIO:
        return os.fdopen(self.open(name), "rb")

    def read(self, name: str, limit: int = LIMIT) -> bytes:
        content = bytearray()
        with self.file(name) as file:
            # In small pieces, because the kernel refuses to fill a large one from /proc/sys.
            while len(content) <= limit and (piece := file.read(_PIECE)):
                content += piece
        if len(content) > limit:
            path = self.join(name)
            raise UnsafePathError(
                path,
                f"has more than {limit} bytes, which is more than such a file ever has: "
                + _advice(self, self.status(name), path),
            )
        return bytes(content)

    # -- changes -----------------------------------------------------------------------------

    def make(self, name: str) -> Folder:
        """A new folder in this one, open to nobody else until it has its rights."""
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
                made.path, "was exchanged while it was made: " + _advice(self, status, made.path)
            )
        return made

    def set_rights(self, owner: int, group: int, mode: int) -> None:
        """Take this folder, whoever had it before."""
        handle = self.listing()
        try:
            for attribute in ACCESS_LISTS:
                # Few folders have one, and not every system knows them.
                with contextlib.suppress(OSError, AttributeError):
                    os.removexattr(handle, attribute)
            os.fchown(handle, owner, group)
            # Afterwards, because a change of owner may take away bits of the mode.
            os.fchmod(handle, mode)
        except OSError as error:
            error.filename = self.path
            raise
        finally:
            os.close(handle)
            self._status = None

    def unlink(self, name: str) -> None:
        """Remove what is no folder. Of a link, what it leads to stays."""
        try:
            os.unlink(name, dir_fd=self.fd)
        except OSError as error:
            error.filename = self.join(name)
            raise

    def remove(self, name: str, depth: int = 0) -> None:
        """Remove an entry with all that is in it, and nothing that a link leads to."""
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
        """Remove all that is in this folder."""
        if depth > MAX_DEPTH:
            raise UnsafePathError(
                self.path,
                f"lies more than {MAX_DEPTH} folders deep, so it was made to be in the way. Look"
                " who writes there, and remove it by hand",
            )
        for name in self.names():
            # A service that just ends may remove it first.
            with contextlib.suppress(FileNotFoundError):
                self.remove(name, depth)


def mount_id(handle: int) -> object:
    """What tells one mount from another, also two of the same disk."""
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
    """How far a path leads."""

    folder: Folder
    # The names that are not folders: the last one may be a file, or nothing may be there.
    rest: list[str]
    # The link whose target is not there, or that is not followed.
    link: str = ""

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *reason: object) -> None:
        self.folder.close()

    def status(self) -> os.stat_result | None:
        """Of the first name that is no folder, or of the folder; None where nothing is there."""
        if not self.rest:
            return self.folder.status_of_self()
        try:
            return self.folder.status(self.rest[0])
        except FileNotFoundError:
            return None

    def entry(self) -> str:
        """The name of a file that is there; else the error that says why there is none."""
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
    """Walk a path as far as there are folders. ``follow`` is about a link at its very end."""
    text = os.fspath(path)
    if not os.path.isabs(text):
        text = os.path.join(os.getcwd(), text)
    pending = [name for name in reversed(text.split("/")) if name not in ("", ".")]
    current, links = Folder.root(), 0
    # The links whose targets are being walked, and how many names are left behind each.
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
    """A folder that is there; the caller closes it."""
    place = find(path, follow=follow)
    if place.rest:
        with place:
            if place.link and not follow:
                raise place.folder.link_error(place.rest[0], last=True)
            place.no_folder()
    return place.folder


def status(path: StrPath, *, follow: bool = False) -> os.stat_result | None:
    """What stands at a path; None where nothing does."""
    with find(path, follow=follow) as place:
        return None if len(place.rest) > 1 else place.status()


def exists(path: StrPath) -> bool:
    """Whether something stands at a path. A link without a target is nothing."""
    return status(path, follow=True) is not None


def names(path: StrPath) -> list[str]:
    with open_folder(path) as folder:
        return folder.names()


def open_file(path: StrPath) -> BinaryIO:
    """A regular file, to be read."""
    with find(path) as place:
        return place.folder.file(place.entry())


def status_of(file: BinaryIO) -> os.stat_result:
    """Of a file that is open."""
    return os.fstat(file.fileno())


def read_bytes(path: StrPath, limit: int = LIMIT) -> bytes:
    """The whole file, which must be a regular one and no larger than the limit."""
    with find(path) as place:
        return place.folder.read(place.entry(), limit)


def read_text(path: StrPath, limit: int = LIMIT, errors: str = "strict") -> str:
    return read_bytes(path, limit).decode("utf-8", errors)


def write_in_place(path: StrPath, text: str) -> None:
    """Write to a file that is there, as the switches of the kernel want it."""
    with find(path) as place:
        handle = place.folder.open(place.entry(), _WRITE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def draft_name(name: str) -> str:
    """Always the same, so that what a killed process leaves is used up by the next."""
    return f".{name}.new"


class Draft:
    """A file that is written and has its rights, but not its name yet.

    Without an owner, group or mode it has those of the file that it replaces.
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
        """Remove the draft unless it was put in its place."""
        if self.pending:
            with contextlib.suppress(OSError):
                self.folder.unlink(self.draft)
            self.pending = False
        self.folder.close()

    def put(self) -> None:
        """Give the file its name: whoever reads sees the old file or the new one."""
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
                path, "was exchanged while it was written: " + _advice(self.folder, written, path)
            )

    def _write(
        self, content: bytes, owner: int | None, group: int | None, mode: int | None
    ) -> None:
        before, label = self._replaced()
        # Not used up but removed: its maker may still have it open.
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
            # A full disk is one of a place.
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
            wanted = (
                own.st_uid if owner is None else owner,
                own.st_gid if group is None else group,
            )
            if wanted != (own.st_uid, own.st_gid):
                os.fchown(handle, *wanted)
            os.fchmod(handle, 0o644 if mode is None else mode)
            self.inode = own.st_ino

    def _replaced(self) -> tuple[os.stat_result | None, dict[str, bytes]]:
        """Rights and label of the file that is there now, if it is a regular one."""
        try:
            handle = self.folder.open(self.name)
        except IsADirectoryError:
            raise
        except OSError:
            # Nothing, a link, or something else that the new file takes the place of.
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
    """Replace a file as a whole. A link in its place goes, and what it leads to stays."""
    with Draft(path, content, owner, group, mode) as draft:
        draft.put()


def make_folder(path: StrPath, owner: int, group: int, mode: int) -> None:
    """Make a folder that is not there, and those above it with mode 0755."""
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
    """Make the folders above a path that are not there."""
    above = os.path.dirname(os.fspath(path))
    with find(above) as place:
        missing = bool(place.rest)
    if missing:
        make_folder(above, -1, -1, 0o755)


def set_folder_rights(path: StrPath, owner: int, group: int, mode: int) -> None:
    with open_folder(path) as folder:
        folder.set_rights(owner, group, mode)


def unlink(path: StrPath) -> None:
    """Remove what is no folder. Of a link, what it leads to stays."""
    with find(path, follow=False) as place:
        place.folder.unlink(place.entry())


def set_file_rights(path: StrPath, owner: int, group: int, mode: int) -> None:
    """Set the rights of a file in a folder that only root can write, as it is."""
    with find(path) as place:
        name = place.entry()
        handle = place.folder.open(name)
        try:
            status = os.fstat(handle)
            if status.st_nlink > 1 and place.folder.open_to_others:
                raise UnsafePathError(
                    place.folder.join(name),
                    "has another name elsewhere: "
                    + _advice(place.folder, status, place.folder.join(name)),
                )
            os.fchown(handle, owner, group)
            os.fchmod(handle, mode)
        finally:
            os.close(handle)


@contextlib.contextmanager
def parent_of(path: StrPath) -> Iterator[tuple[Folder, str]]:
    """The folder that holds a path, and the last name of the path."""
    text = os.path.normpath(os.fspath(path))
    with open_folder(os.path.dirname(text)) as folder:
        yield folder, os.path.basename(text)
