"""`down` stops exactly what the lab started."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import machine
from lab.__main__ import down
from lab.progress import Progress
from lab.state import Lab

WAIT = "import time; time.sleep(20)"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that looks like the lab's daemon, with its pid file."""
    process = subprocess.Popen(
        ["dockerd", "-c", WAIT, "--data-root", str(tmp_path / "docker")], executable=sys.executable
    )
    (tmp_path / "dockerd.pid").write_text(str(process.pid))
    # The kernel shows the command line shortly after the start.
    while not Path(f"/proc/{process.pid}/cmdline").read_bytes():
        time.sleep(0.01)
    yield process
    process.kill()
    process.wait()


def take_down(directory: Path, monkeypatch: pytest.MonkeyPatch, containers: str = "") -> None:
    monkeypatch.setattr(Progress, "run", lambda *_command: containers)
    # The ended process stays a zombie until its parent, this test, waits for it.
    monkeypatch.setattr(machine, "wait_for", lambda *_what: None)
    down(directory, argparse.Namespace())


def test_the_daemon_is_stopped_when_it_has_no_containers(
    daemon: subprocess.Popen[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    take_down(tmp_path, monkeypatch)
    assert daemon.wait(10) == -15
    output = capsys.readouterr().out
    assert "There is no lab" in output
    assert "Docker daemon stopped" in output


def test_the_daemon_keeps_running_while_it_has_other_containers(
    daemon: subprocess.Popen[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    take_down(tmp_path, monkeypatch, containers="0123456789ab\n")
    assert daemon.poll() is None
    assert "keeps running" in capsys.readouterr().out


def test_another_process_with_the_same_pid_is_not_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen([sys.executable, "-c", WAIT]) as other:
        (tmp_path / "dockerd.pid").write_text(str(other.pid))
        take_down(tmp_path, monkeypatch)
        assert other.poll() is None
        assert not (tmp_path / "dockerd.pid").exists()
        other.kill()


def test_no_lab_and_no_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    take_down(tmp_path, monkeypatch)
    assert "There is no lab" in capsys.readouterr().out


def test_forget_removes_the_files_of_the_platform(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    (tmp_path / "certs").mkdir()
    secrets = ["ca.key", "certs/m1.key", "elastic_password", "kibana_token", "secret_hash_key"]
    secrets += ["elastic_password.former", "logstash_password.next"]
    for name in [*secrets, "status.html", "images.json"]:
        (tmp_path / name).write_text("a secret")
    lab.save()
    lab.forget()
    assert Lab.load(tmp_path) is None
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["images.json"]
