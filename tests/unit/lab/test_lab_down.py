"""What is ended when a lab goes down: never more than it started, and no daemon forgotten."""

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
    """A process that looks as the lab's daemon does, with its number where that is kept."""
    process = subprocess.Popen(
        ["dockerd", "-c", WAIT, "--data-root", str(tmp_path / "docker")], executable=sys.executable
    )
    (tmp_path / "dockerd.pid").write_text(str(process.pid))
    # The kernel shows the words of a program a moment after it has started.
    while not Path(f"/proc/{process.pid}/cmdline").read_bytes():
        time.sleep(0.01)
    yield process
    process.kill()
    process.wait()


def take_down(directory: Path, monkeypatch: pytest.MonkeyPatch, containers: str = "") -> None:
    monkeypatch.setattr(Progress, "run", lambda *_command: containers)
    # Only its parent can see that a process has ended and is not yet forgotten.
    monkeypatch.setattr(machine, "wait_for", lambda *_what: None)
    down(directory, argparse.Namespace())


def test_the_daemon_is_ended_where_nothing_else_is_left(
    daemon: subprocess.Popen[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    take_down(tmp_path, monkeypatch)
    assert daemon.wait(10) == -15
    said = capsys.readouterr().out
    assert "No lab stands" in said
    assert "Docker daemon stopped" in said


def test_the_daemon_stays_while_other_containers_run_in_it(
    daemon: subprocess.Popen[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    take_down(tmp_path, monkeypatch, containers="0123456789ab\n")
    assert daemon.poll() is None
    assert "it stays" in capsys.readouterr().out


def test_another_process_under_its_number_is_left_alone(
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
    assert "No lab stands" in capsys.readouterr().out


def test_what_is_kept_of_a_platform_goes_with_its_hosts(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    (tmp_path / "certs").mkdir()
    secrets = ["ca.key", "certs/m1.key", "elastic_password", "kibana_token", "secret_hash_key"]
    for name in [*secrets, "status.html", "images.json"]:
        (tmp_path / name).write_text("a secret")
    lab.save()
    lab.forget()
    assert Lab.load(tmp_path) is None
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["images.json"]
