# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""daemon_config: the file is judged together with the flags of the daemon's unit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.elk.swarm.plugins.modules import daemon_config as module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

UNIT = """\
LoadState=loaded
ExecStart={ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// $OPTIONS ; ignore_errors=no }
Environment=OPTIONS=--mtu=1400
"""
OPTIONS = {"debug": True}


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with a unit, and an Engine that cannot validate."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "unit").write_text(UNIT)
    program(folder, "systemctl", f"cat {tmp_path}/unit")
    program(folder, "dockerd", "echo 'unknown flag: --validate' >&2; exit 125")

    def get_bin_path(_module: AnsibleModule, name: str, **_options: Any) -> str | None:
        return str(folder / name) if (folder / name).exists() else None

    monkeypatch.setattr(AnsibleModule, "get_bin_path", get_bin_path)
    return folder


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    def runner(options: dict[str, Any]) -> dict[str, Any]:
        arguments = {
            "options": options,
            "path": str(tmp_path / "daemon.json"),
            "pidfile": str(tmp_path / "docker.pid"),
        }
        with patch_module_args(arguments), pytest.raises(SystemExit):
            module.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return runner


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("name", ["hosts", "mtu"])
def test_an_option_that_is_a_flag_as_well_is_refused(
    tmp_path: Path, run: Callable[..., dict[str, Any]], name: str
) -> None:
    result = run({name: []})
    assert result["failed"]
    assert f"docker.service passes {name} as a flag" in result["msg"]
    assert "Nothing was written" in result["msg"]
    assert not (tmp_path / "daemon.json").exists()


@pytest.mark.usefixtures("programs")
def test_other_options_are_written(tmp_path: Path, run: Callable[..., dict[str, Any]]) -> None:
    result = run(OPTIONS)
    assert (result["changed"], result["validated"]) == (True, False)
    assert json.loads((tmp_path / "daemon.json").read_text()) == OPTIONS
    # Without null, which removes what a role sets.
    assert not run({**OPTIONS, "hosts": None})["changed"]


def test_the_daemon_gets_its_flags(
    tmp_path: Path, programs: Path, run: Callable[..., dict[str, Any]]
) -> None:
    program(programs, "dockerd", f'echo "$*" >> {tmp_path}/calls')
    assert run(OPTIONS)["validated"]
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert call.endswith(" -H fd:// --mtu=1400")


def test_flags_that_the_daemon_dislikes_say_nothing_about_the_file(
    programs: Path, run: Callable[..., dict[str, Any]]
) -> None:
    program(programs, "dockerd", 'case "$*" in *fd://*) echo no sockets; exit 1;; esac')
    assert run(OPTIONS)["validated"]


def test_a_conflict_that_only_the_daemon_sees(
    programs: Path, run: Callable[..., dict[str, Any]]
) -> None:
    words = "the following directives are specified both as a flag and in the file: debug"
    program(programs, "dockerd", f'case "$*" in *fd://*) echo "{words}"; exit 1;; esac')
    result = run(OPTIONS)
    assert result["failed"]
    assert words in result["msg"]


def test_before_docker_is_installed(
    tmp_path: Path, programs: Path, run: Callable[..., dict[str, Any]]
) -> None:
    (tmp_path / "unit").write_text("LoadState=not-found\n")
    (programs / "dockerd").unlink()
    assert run({"hosts": ["fd://"]})["changed"]
