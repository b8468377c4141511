# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file systems of a host, from its mount table and from the kernel."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

from ansible_collections.elk.swarm.plugins.module_utils.host.file_system import (
    mount_of,
    mounts,
    nearest,
    survey,
)

TABLE = """\
/dev/vda1 / ext4 rw,relatime 0 0
/dev/vdb1 /srv ext4 ro,relatime,errors=remount-ro 0 0
/dev/vdc1 /mnt/two\\040words xfs rw 0 0
"""


def answer(flag: int = 0) -> SimpleNamespace:
    return SimpleNamespace(
        f_flag=flag, f_frsize=4096, f_blocks=100, f_bavail=40, f_files=10, f_favail=4
    )


def test_table() -> None:
    known = mounts(TABLE)
    assert list(known) == ["/", "/srv", "/mnt/two words"]
    # "errors=remount-ro" is not the option "ro".
    assert "ro" in known["/srv"]
    assert "ro" not in known["/"]


def test_the_innermost_mount_counts() -> None:
    assert mount_of("/srv/elk", ["/", "/srv", "/srv/e"]) == "/srv"
    assert mount_of("/srvx", ["/", "/srv"]) == "/"


def test_a_path_that_does_not_exist_yet(tmp_path: Path) -> None:
    assert nearest(str(tmp_path / "a" / "b")) == str(tmp_path)


def test_read_only_by_the_table_or_by_the_kernel() -> None:
    assert survey(["/"], TABLE, lambda _path: answer())[0]["read_only"] is False
    assert survey(["/"], TABLE, lambda _path: answer(os.ST_RDONLY))[0]["read_only"] is True
    table = TABLE + f"none {Path('/').resolve()} ext4 ro 0 0\n"
    assert survey(["/"], table, lambda _path: answer())[0]["read_only"] is True


def test_sizes() -> None:
    (one,) = survey(["/"], TABLE, lambda _path: answer())
    assert (one["total"], one["available"]) == (409600, 163840)
    assert (one["inodes"], one["inodes_free"]) == (10, 4)


def test_a_file_system_that_does_not_answer_is_left_out() -> None:
    def broken(_path: str) -> SimpleNamespace:
        raise OSError(5, "Input/output error")

    assert survey(["/"], TABLE, broken) == []
