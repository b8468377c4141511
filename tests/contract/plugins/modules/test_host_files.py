# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files and folders of a role: created, corrected, unchanged, and predicted in check mode."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Call = Callable[..., Any]

MODULE = "host_files"
MINE = {"owner": os.getuid(), "group": os.getgid()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def desired(home: Path) -> dict[str, Any]:
    return {
        "directories": [
            {"path": f"{home}/deep/role", "mode": "0750", **MINE},
            {"path": f"{home}/deep/role/secrets", "mode": "0500", **MINE},
        ],
        "files": [
            {"path": f"{home}/deep/role/options", "content": "a\nb\n", "mode": "0440", **MINE},
            {"path": f"{home}/deep/role/secrets/key", "content": "k", "mode": "0400", **MINE},
        ],
    }


def test_created_once_and_predicted(call: Call, tmp_path: Path) -> None:
    arguments = desired(tmp_path)
    paths = [item["path"] for kind in ("directories", "files") for item in arguments[kind]]
    predicted = call(MODULE, arguments, check=True)
    assert (predicted.changed, predicted["paths"]) == (True, paths)
    assert not (tmp_path / "deep").exists()

    result = call(MODULE, arguments)
    assert (result.changed, result["paths"]) == (True, paths)
    assert result["diff"] == predicted["diff"]
    role = tmp_path / "deep" / "role"
    assert (role / "options").read_text() == "a\nb\n"
    assert [mode(path) for path in (role.parent, role, role / "secrets")] == [0o755, 0o750, 0o500]
    assert [mode(path) for path in (role / "options", role / "secrets" / "key")] == [0o440, 0o400]

    for check in (True, False):
        again = call(MODULE, arguments, check=check)
        assert (again.changed, again["paths"], again["diff"]) == (False, [], [])


def test_only_what_differs_is_corrected(call: Call, tmp_path: Path) -> None:
    arguments = desired(tmp_path)
    call(MODULE, arguments)
    role = tmp_path / "deep" / "role"
    (role / "options").chmod(0o644)
    (role / "options").write_text("a\nx\n")
    (role / "secrets" / "key").chmod(0o444)
    role.chmod(0o777)
    wrong = [str(role), f"{role}/options", f"{role}/secrets/key"]
    predicted = call(MODULE, arguments, check=True)
    assert (predicted.changed, predicted["paths"]) == (True, wrong)
    assert mode(role) == 0o777
    assert (role / "options").read_text() == "a\nx\n"

    result = call(MODULE, arguments)
    assert (result.changed, result["paths"]) == (True, wrong)
    assert result["diff"] == predicted["diff"]
    texts = [item for item in result["diff"] if "after_header" in item]
    assert [(item["before"], item["after"]) for item in texts] == [("a\nx\n", "a\nb\n")]
    modes = [item for item in result["diff"] if "after_header" not in item]
    assert [item["before"]["mode"] for item in modes] == ["0777", "0644", "0444"]
    assert [item["after"]["mode"] for item in modes] == ["0750", "0440", "0400"]
    assert (role / "options").read_text() == "a\nb\n"
    assert not call(MODULE, arguments).changed


def test_a_link_is_replaced_and_its_target_is_not_changed(call: Call, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("theirs")
    link = tmp_path / "link"
    link.symlink_to(other)
    arguments = {"files": [{"path": str(link), "content": "theirs", **MINE}]}
    assert call(MODULE, arguments, check=True).changed
    assert link.is_symlink()
    assert call(MODULE, arguments).changed
    assert not link.is_symlink()
    assert (link.read_text(), other.read_text()) == ("theirs", "theirs")
    assert not call(MODULE, arguments).changed


def test_a_link_to_a_folder_is_a_folder(call: Call, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir(mode=0o755)
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    directory = {"path": str(tmp_path / "data"), "mode": "0755", **MINE}
    assert not call(MODULE, {"directories": [directory]}).changed


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {"files": [{"path": "{home}/folder", "content": ""}]},
            "is not a regular file, but must be",
        ),
        ({"directories": [{"path": "{home}/file"}]}, "is not a folder, but must be one"),
        ({"files": [{"path": "{home}/new", "content": "", "mode": "rw"}]}, "write octal digits"),
        ({"files": [{"path": "{home}/new", "content": "", "mode": "0999"}]}, "write octal digits"),
        ({"files": [{"path": "new", "content": ""}]}, "new: is not an absolute path"),
        ({"files": [{"path": "{home}/no/new", "content": ""}]}, "its folder does not exist"),
    ],
)
def test_one_error_and_nothing_is_changed(
    call: Call, tmp_path: Path, wrong: dict[str, Any], words: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("as it was")
    arguments = {
        kind: [{**one, "path": one["path"].format(home=tmp_path), **MINE} for one in entries]
        for kind, entries in wrong.items()
    }
    good = {"path": f"{tmp_path}/good", **MINE}
    arguments["directories"] = [good, *arguments.get("directories", [])]
    result = call(MODULE, arguments)
    assert result.failed
    assert words in result.msg
    assert result.msg.startswith("Nothing was changed.")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_missing_folder_is_an_error_except_in_check_mode(call: Call, tmp_path: Path) -> None:
    file = {"path": f"{tmp_path}/nowhere/file", "content": "", **MINE}
    assert call(MODULE, {"files": [file]}, check=True).changed
    result = call(MODULE, {"files": [file]})
    assert result.failed
    assert f"{tmp_path}/nowhere/file: its folder does not exist" in result.msg
    assert list(tmp_path.iterdir()) == []
