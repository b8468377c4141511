# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kernel_parameters: lines of other files that would win at the next boot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.elk.swarm.plugins.modules import kernel_parameters as module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RETRIES = {"name": "net.ipv4.tcp_retries2", "value": "5"}
MARK = "# Taken out by the role host_tuning of elk.swarm: "


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., dict[str, Any]]:
    """Run the module in this process, with the folders of a host of its own."""
    etc, lib, live = (tmp_path / name for name in ("etc", "lib", "proc"))
    for folder in (etc, lib, live):
        folder.mkdir()
    (live / RETRIES["name"]).write_text("5\n")
    monkeypatch.setattr(module, "FOLDERS", (str(etc), str(lib)))
    monkeypatch.setattr(module, "EDITABLE", f"{etc}/")
    monkeypatch.setattr(module, "live_path", lambda name: live / name)

    def runner(*, check: bool = False, **options: Any) -> dict[str, Any]:
        path = str(etc / "90-elk-swarm.conf")
        arguments = {"path": path, "parameters": [RETRIES], **options}
        with (
            patch_module_args({**arguments, "_ansible_check_mode": check, "_ansible_diff": True}),
            pytest.raises(SystemExit),
        ):
            module.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert not result.get("failed"), result
        return result

    return runner


def test_lines_are_taken_out_once(tmp_path: Path, run: Callable[..., dict[str, Any]]) -> None:
    local = tmp_path / "etc" / "99-local.conf"
    text = "net.ipv4.tcp_retries2 = 15\nvm.swappiness = 1\n"
    local.write_text(text)
    local.chmod(0o640)
    # Two names of one file, as of /etc/sysctl.conf.
    (tmp_path / "etc" / "99-zz.conf").symlink_to(local)

    predicted = run(check=True, conflicting_lines="take_out")
    assert local.read_text() == text
    done = run(conflicting_lines="take_out")
    assert local.read_text() == f"{MARK}net.ipv4.tcp_retries2 = 15\nvm.swappiness = 1\n"
    assert local.stat().st_mode & 0o777 == 0o640
    for result in (predicted, done):
        assert result["changed"]
        assert result["corrected"] == [str(local)]
        assert result["overridden"] == []
        assert not result.get("warnings")
        assert [one["before_header"] for one in result["diff"]] == [
            str(tmp_path / "etc" / "90-elk-swarm.conf"),
            str(local),
        ]
        assert result["diff"][1]["after"] == f"{MARK}{text}"
    again = run(conflicting_lines="take_out")
    assert not again["changed"]
    assert again["corrected"] == []


def test_by_default_they_are_named_only(tmp_path: Path, run: Callable[..., dict[str, Any]]) -> None:
    local = tmp_path / "etc" / "99-local.conf"
    local.write_text("net.ipv4.tcp_retries2 = 15\n")
    run()
    result = run()
    assert not result["changed"]
    assert str(local) in result["overridden"][0]
    assert local.read_text() == "net.ipv4.tcp_retries2 = 15\n"


def test_files_of_packages_are_named_and_stay(
    tmp_path: Path, run: Callable[..., dict[str, Any]]
) -> None:
    package = tmp_path / "lib" / "99-package.conf"
    package.write_text("net.ipv4.tcp_retries2 = 15\n")
    result = run(conflicting_lines="take_out")
    assert str(package) in result["overridden"][0]
    assert result["corrected"] == []
    assert package.read_text() == "net.ipv4.tcp_retries2 = 15\n"


def test_bytes_that_are_no_text_stay(tmp_path: Path, run: Callable[..., dict[str, Any]]) -> None:
    local = tmp_path / "etc" / "99-local.conf"
    local.write_bytes(b"# caf\xe9\nnet.ipv4.tcp_retries2 = 15\n")
    run(conflicting_lines="take_out")
    assert local.read_bytes().startswith(b"# caf\xe9\n" + MARK.encode())
