# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories for bind mounts: which are created, which are changed, which are refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.host.bind_directory import (
    GIB,
    Actual,
    Desired,
    inspect,
    mount_of,
    plan_directory,
    read_mounts,
)

DESIRED = Desired("/srv/elk/elasticsearch", 1000, 0, 0o770, 10 * GIB)
DISK = [("/", "ext4", False)]


def actual(kind: str = "directory", **other: Any) -> Actual:
    values: dict[str, Any] = {
        "kind": kind,
        "owner": 1000,
        "group": 0,
        "mode": 0o770,
        "free": 50 * GIB,
        "filesystem": "ext4",
    }
    return Actual(**{**values, **other})


class TestPlan:
    def test_created(self) -> None:
        step = plan_directory(DESIRED, actual("absent"))
        assert step.create
        assert step.errors == ()
        assert step.before == {"state": "absent"}
        assert step.after["mode"] == "0770"

    def test_unchanged(self) -> None:
        step = plan_directory(DESIRED, actual(empty=False))
        assert not step.changed
        assert (step.errors, step.warnings) == ((), ())

    def test_an_empty_directory_of_root_gets_the_desired_owner(self) -> None:
        step = plan_directory(DESIRED, actual(owner=0, mode=0o755))
        assert (step.own, step.mode, step.create) == (True, True, False)
        assert step.errors == ()

    def test_group_and_mode_of_a_directory_with_own_data_are_corrected(self) -> None:
        step = plan_directory(DESIRED, actual(group=1000, mode=0o777, empty=False))
        assert (step.own, step.mode) == (True, True)
        assert step.errors == ()

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            (actual(owner=33, empty=False), "belongs to user 33, not 1000, and contains data"),
            (
                actual(empty=False, foreign=(("nodes", 0),)),
                "contains entries of other users: nodes (user 0)",
            ),
            (actual(read_only=True), "the file system / is mounted read-only"),
            (actual("absent", read_only=True), "is mounted read-only"),
            (actual("absent", free=9 * GIB), "9.0 GB free on /, storage_min_free_gb is 10"),
            (actual("file"), "is a file, but must be a directory"),
            (
                actual("dangling", blocker="/srv/elk"),
                "/srv/elk is a symbolic link to a path that does not exist",
            ),
            (actual("loop", blocker="/srv/elk"), "/srv/elk is a symbolic link to itself"),
            (actual("blocked", blocker="/srv"), "/srv is not a directory"),
        ],
    )
    def test_refused(self, state: Actual, words: str) -> None:
        (error,) = plan_directory(DESIRED, state).errors
        assert error.startswith("/srv/elk/elasticsearch: ")
        assert words in error

    def test_little_space_for_existing_data_is_a_warning(self) -> None:
        step = plan_directory(DESIRED, actual(free=GIB, empty=False))
        assert step.errors == ()
        assert "1.0 GB free" in step.warnings[0]

    def test_a_file_system_in_memory_is_a_warning(self) -> None:
        step = plan_directory(DESIRED, actual("absent", filesystem="tmpfs"))
        assert step.errors == ()
        assert "lost after a reboot" in step.warnings[0]


class TestInspect:
    def test_directory(self, tmp_path: Path) -> None:
        (tmp_path / "lost+found").mkdir()
        state = inspect(str(tmp_path), os.getuid(), DISK)
        assert (state.kind, state.empty, state.foreign) == ("directory", True, ())
        assert state.free > 0

    def test_entries(self, tmp_path: Path) -> None:
        (tmp_path / "data").touch()
        mine = inspect(str(tmp_path), os.getuid(), DISK)
        assert (mine.empty, mine.foreign) == (False, ())
        other = inspect(str(tmp_path), os.getuid() + 1, DISK)
        assert other.foreign == (("data", os.getuid()),)

    def test_absent_takes_the_file_system_of_the_nearest_ancestor(self, tmp_path: Path) -> None:
        disk = [*DISK, (str(tmp_path), "xfs", True)]
        state = inspect(str(tmp_path / "a" / "b"), 1000, disk)
        assert (state.kind, state.mount) == ("absent", str(tmp_path))
        assert (state.filesystem, state.read_only) == ("xfs", True)
        assert state.free > 0

    def test_file(self, tmp_path: Path) -> None:
        (tmp_path / "f").touch()
        assert inspect(str(tmp_path / "f"), 1000, DISK).kind == "file"

    def test_file_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "f").touch()
        state = inspect(str(tmp_path / "f" / "a" / "b"), 1000, DISK)
        assert (state.kind, state.blocker) == ("blocked", str(tmp_path / "f"))

    @pytest.mark.parametrize("below", ["", "/a"])
    def test_link_to_nowhere(self, tmp_path: Path, below: str) -> None:
        (tmp_path / "l").symlink_to(tmp_path / "gone")
        state = inspect(f"{tmp_path}/l{below}", 1000, DISK)
        assert (state.kind, state.blocker) == ("dangling", str(tmp_path / "l"))

    def test_link_to_itself(self, tmp_path: Path) -> None:
        (tmp_path / "l").symlink_to(tmp_path / "l")
        assert inspect(str(tmp_path / "l"), 1000, DISK).kind == "loop"

    def test_link_to_a_directory(self, tmp_path: Path) -> None:
        (tmp_path / "disk").mkdir()
        (tmp_path / "l").symlink_to(tmp_path / "disk")
        state = inspect(str(tmp_path / "l"), 1000, [*DISK, (str(tmp_path / "disk"), "xfs", False)])
        assert (state.kind, state.filesystem) == ("directory", "xfs")


class TestMounts:
    TEXT = (
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "30 22 8:2 / /srv rw,noatime - xfs /dev/sdb1 rw\n"
        "31 22 8:3 / /srv/my\\040disk ro,noatime - ext4 /dev/sdc1 rw\n"
        "32 22 8:4 / /broken rw - ext4 /dev/sdd1 ro,errors=remount-ro\n"
        "33 30 0:9 / /srv rw shared:7 master:2 - tmpfs tmpfs rw\n"
        "nonsense\n"
    )

    def test_read(self) -> None:
        assert read_mounts(self.TEXT) == [
            ("/", "ext4", False),
            ("/srv", "xfs", False),
            ("/srv/my disk", "ext4", True),
            ("/broken", "ext4", True),
            ("/srv", "tmpfs", False),
        ]

    @pytest.mark.parametrize(
        ("path", "mount"),
        [
            ("/srv2/elk", ("/", "ext4", False)),
            # The later mount covers the earlier one.
            ("/srv/elk", ("/srv", "tmpfs", False)),
            ("/srv/my disk/x", ("/srv/my disk", "ext4", True)),
            ("/", ("/", "ext4", False)),
        ],
    )
    def test_the_longest_wins(self, path: str, mount: tuple[str, str, bool]) -> None:
        assert mount_of(path, read_mounts(self.TEXT)) == mount
