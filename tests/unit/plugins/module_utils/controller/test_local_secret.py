"""Secrets on the controller: created once, complete or absent, the same for all processes."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.controller import local_secret
from ansible_collections.elk.swarm.plugins.module_utils.controller.local_secret import (
    SecretError,
    keep,
)
from repo import ROOT


def test_a_secret_is_made_once_and_readable_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "password"
    made = keep(path, 48)
    assert len(made) == 48
    assert set(made) <= set(local_secret.CHARACTERS)
    assert path.read_text() == made + "\n"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert keep(path, 32) == made


def test_check_mode_creates_no_file_and_reads_an_existing_one(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "password"
    assert len(keep(path, 48, write=False)) == 48
    assert list(tmp_path.iterdir()) == []
    assert keep(path, 48) == keep(path, 48, write=False)


def test_two_secrets_differ(tmp_path: Path) -> None:
    assert keep(tmp_path / "one", 32) != keep(tmp_path / "two", 32)


@pytest.mark.parametrize("unnamed", [True, False], ids=["unnamed file", "named file"])
def test_processes_at_the_same_time_get_the_same_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unnamed: bool
) -> None:
    if not unnamed:
        monkeypatch.delattr(os, "O_TMPFILE")
    path = tmp_path / "password"
    with ThreadPoolExecutor(16) as pool:
        got = set(pool.map(lambda _number: keep(path, 32), range(64)))
    assert got == {path.read_text().strip()}
    assert list(tmp_path.iterdir()) == [path]


def test_the_slower_process_takes_the_existing_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "password"
    write = local_secret._write

    def slower_write(target: Path, text: str) -> None:
        target.write_text("of the other one\n")
        write(target, text)

    monkeypatch.setattr(local_secret, "_write", slower_write)
    assert keep(path, 32) == "of the other one"


def test_a_process_killed_while_it_writes_leaves_nothing(tmp_path: Path) -> None:
    killed = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from ansible_collections.elk.swarm.plugins.module_utils.controller import local_secret\n"
        "os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)\n"
        "local_secret.keep(Path(sys.argv[2]), 32)\n"
    )
    command = [sys.executable, "-c", killed, str(ROOT / ".collections"), str(tmp_path / "password")]
    assert subprocess.run(command, check=False).returncode == -9
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.touch()
    with pytest.raises(SecretError, match=r"password is empty\. Put the secret back"):
        keep(path, 32)
    assert path.read_text() == ""


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SecretError, match=r"file/password cannot be .*Not a directory"):
        keep(tmp_path / "file" / "password", 32)
