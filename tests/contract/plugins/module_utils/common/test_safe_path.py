# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attacks of user 1000 of a host on paths that root uses.

Each test is an attack. ``victim`` is a folder that only root can write, and it never changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import stat
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from repo import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Call = Callable[..., Any]

USER = 1000
SECONDS = 20


@pytest.fixture(autouse=True)
def _as_root() -> None:
    assert os.geteuid() == 0, "these tests give files to another user: run them as root"


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "victim"
    folder.mkdir(mode=0o700)
    (folder / "file").write_text("root's")
    before = snapshot(folder)
    yield folder
    assert snapshot(folder) == before


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder of user 1000, as /etc/elk/elasticsearch once was."""
    folder = tmp_path / "elk" / "elasticsearch"
    folder.mkdir(parents=True)
    os.chown(folder, USER, 0)
    folder.chmod(0o750)
    return folder


def snapshot(folder: Path) -> list[tuple[str, int, int, int, bytes]]:
    return [
        (
            str(path),
            path.lstat().st_uid,
            path.lstat().st_gid,
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted([folder, *folder.rglob("*")])
    ]


def link(path: Path, target: Path | str) -> None:
    path.symlink_to(target)
    os.chown(path, USER, USER, follow_symlinks=False)


def owned(path: Path) -> tuple[int, int, int]:
    found = path.lstat()
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


@contextlib.contextmanager
def nothing_waits(fifo: Path) -> Iterator[None]:
    """Release a reader that blocks at the FIFO, so that a test fails and does not hang."""

    def release() -> None:
        with contextlib.suppress(OSError):
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))

    timer = threading.Timer(SECONDS / 4, release)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


# -- writes ----------------------------------------------------------------------------------


def role_arguments(elk: Path) -> dict[str, Any]:
    """The arguments of the role elasticsearch."""
    return {
        "directories": [
            {"path": str(elk), "mode": "0750"},
            {"path": f"{elk}/elasticsearch", "mode": "0750"},
            {"path": f"{elk}/elasticsearch/secrets", "mode": "0750"},
        ],
        "files": [{"path": f"{elk}/elasticsearch/jvm.options", "content": "-x\n", "mode": "0440"}],
    }


def test_a_link_as_folder_is_replaced(call: Call, theirs: Path, victim: Path) -> None:
    link(theirs / "secrets", victim)
    arguments = role_arguments(theirs.parent)
    assert call("host_files", arguments, check=True).changed
    made = call("host_files", arguments)
    assert made.changed
    assert [owned(path) for path in (theirs.parent, theirs, theirs / "secrets")] == [
        (0, 0, 0o750)
    ] * 3
    assert not (theirs / "secrets").is_symlink()
    assert not call("host_files", arguments).changed


def test_a_link_as_file_is_replaced(call: Call, theirs: Path, victim: Path) -> None:
    link(theirs / "jvm.options", victim / "file")
    assert call("host_files", role_arguments(theirs.parent)).changed
    assert owned(theirs / "jvm.options") == (0, 0, 0o440)


def test_a_file_that_its_creator_has_open(call: Call, theirs: Path) -> None:
    path = theirs / "jvm.options"
    path.write_text("-x\n")
    os.chown(path, USER, 0)
    path.chmod(0o440)
    with path.open("r+") as still_open:
        assert call("host_files", role_arguments(theirs.parent)).changed
        still_open.write("-javaagent:evil")
        still_open.flush()
    assert path.read_text() == "-x\n"
    assert owned(path) == (0, 0, 0o440)


@pytest.mark.parametrize("last", ["pki", "pki/deeper"])
def test_a_link_inside_a_path_is_refused(call: Call, theirs: Path, victim: Path, last: str) -> None:
    link(theirs / "pki", victim)
    directory = {"path": f"{theirs}/{last}/new", "mode": "0777"}
    result = call("host_files", {"directories": [directory]})
    assert result.failed
    assert result.msg.startswith("Nothing was changed.")
    assert f"{theirs}/pki is a link and is not followed: owner 1000" in result.msg
    assert f"rm {theirs}/pki" in result.msg


@pytest.mark.parametrize("check", [True, False])
def test_a_secret_is_not_written_through_a_link(
    call: Call, theirs: Path, victim: Path, check: bool
) -> None:
    link(theirs / "secrets", victim)
    arguments = {"path": f"{theirs}/secrets/elastic_password", "content": "x", "owner": USER}
    result = call("private_file", arguments, check=check)
    assert result.failed
    assert f"{theirs}/secrets is a link and is not followed: owner 1000" in result.msg
    assert f"rm {theirs}/secrets" in result.msg


@pytest.mark.parametrize("name", ["key", ".key.new"])
def test_a_link_in_place_of_a_secret_or_its_draft_is_replaced(
    call: Call, theirs: Path, victim: Path, name: str
) -> None:
    link(theirs / name, victim / "file")
    arguments = {"path": f"{theirs}/key", "content": "root's", "owner": USER, "group": 0}
    assert call("private_file", arguments).changed
    assert owned(theirs / "key") == (USER, 0, 0o400)
    assert os.listdir(theirs) == ["key"]
    assert not call("private_file", arguments).changed


def test_a_link_in_place_of_a_bind_directory_is_refused(
    call: Call, theirs: Path, victim: Path
) -> None:
    link(theirs / "data", victim)
    for path in (f"{theirs}/data", f"{theirs}/data/new"):
        result = call("bind_directory", {"paths": [path], "mode": "0777"})
        assert result.failed
        assert "data is a link and is not followed: owner 1000" in result.msg


def test_a_link_of_the_operator_is_followed(call: Call, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "srv").symlink_to(tmp_path / "disk")
    assert call("bind_directory", {"paths": [f"{tmp_path}/srv/elk/data"]}).changed
    assert owned(tmp_path / "disk" / "elk" / "data") == (USER, 0, 0o770)
    assert call("host_files", {"directories": [{"path": f"{tmp_path}/srv/etc"}]}).changed
    assert (tmp_path / "disk" / "etc").is_dir()


# -- reads -----------------------------------------------------------------------------------


def survey(call: Call, path: Path) -> Any:
    return call("host_survey", {"files": [str(path)], "docker_socket": "/nowhere"})


@pytest.mark.parametrize("module", ["host_survey", "host_files", "private_file"])
def test_no_module_blocks_at_a_fifo(call: Call, theirs: Path, module: str) -> None:
    path = theirs / "cluster_uuid"
    os.mkfifo(path)
    os.chown(path, USER, USER)
    file = {"path": str(path), "content": "x"}
    arguments = {"host_survey": {"files": [str(path)]}, "host_files": {"files": [file]}}
    with nothing_waits(path):
        result = call(module, arguments.get(module, file))
    assert result.failed
    assert str(path) in result.msg


def test_the_error_for_a_fifo_says_what_to_type(call: Call, theirs: Path) -> None:
    path = theirs / "cluster_uuid"
    os.mkfifo(path)
    os.chown(path, USER, USER)
    with nothing_waits(path):
        message = survey(call, path).msg
    assert (
        f"{path}: is a FIFO, not a regular file: owner 1000, in {theirs} of owner 1000" in message
    )
    assert f"to remove it: rm {path}" in message


def test_a_link_is_not_read(call: Call, theirs: Path) -> None:
    for target in ("/etc/shadow", "/dev/zero"):
        link(theirs / "cluster_uuid", target)
        result = limited(f"survey = call('host_survey', {{'files': ['{theirs}/cluster_uuid']}})")
        assert "cluster_uuid is a link and is not followed" in result
        (theirs / "cluster_uuid").unlink()


def test_a_note_that_is_too_long_is_refused(call: Call, theirs: Path) -> None:
    with (theirs / "cluster_uuid").open("wb") as file:
        file.truncate(2**40)
    result = limited(f"survey = call('host_survey', {{'files': ['{theirs}/cluster_uuid']}})")
    assert "has more than 65536 bytes" in result


def limited(code: str) -> str:
    """The output of a program with limits for memory and time."""

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))

    done = subprocess.run(
        [sys.executable, "-c", f"{HELP}\n{code}"],
        env={**os.environ, "PYTHONPATH": str(ROOT / ".collections")},
        preexec_fn=limits,
        timeout=SECONDS,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


HELP = """
import json, runpy
from ansible.module_utils import basic
from ansible_collections.elk.swarm.plugins.module_utils.logstash.queue import read_queues
def call(name, arguments):
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    runpy.run_module("ansible_collections.elk.swarm.plugins.modules." + name, run_name="__main__")
"""


# -- the queue of a compromised Logstash -----------------------------------------------------


def checkpoint(page: int, oldest: int, unacked: int, first: int, count: int) -> bytes:
    body = struct.pack(">hiiqqi", 1, page, oldest, unacked, first, count)
    return body + struct.pack(">I", zlib.crc32(body))


def sparse(path: Path, begin: bytes, size: int) -> None:
    with path.open("wb") as file:
        file.write(begin)
        file.truncate(size)


def queue_problems(queue: Path) -> list[str]:
    text = limited(f"print(json.dumps(read_queues({str(queue.parent)!r}).as_dict()))")
    left = json.loads(text.splitlines()[-1])
    assert left["events"] is None, left
    return list(left["problems"])


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    folder = tmp_path / "queue" / "syslog"
    folder.mkdir(parents=True)
    for path in (folder.parent, folder):
        os.chown(path, USER, 0)
    (folder / "checkpoint.head").write_bytes(checkpoint(1, 0, 1, 1, 0))
    (folder / "page.1").write_bytes(b"\x02")
    return folder


@pytest.mark.parametrize("name", ["checkpoint.head", "checkpoint.0", "page.1"])
@pytest.mark.parametrize("kind", ["fifo", "zero", "shadow", "sparse"])
def test_a_queue_with_a_wrong_kind_of_file(queue: Path, name: str, kind: str) -> None:
    path = queue / name
    path.unlink(missing_ok=True)
    if kind == "fifo":
        os.mkfifo(path)
        (problem,) = queue_problems(queue)
        assert "is a FIFO, not a regular file" in problem
    elif kind == "sparse":
        sparse(path, b"", 2**40)
        (problem,) = queue_problems(queue)
        assert name in problem
    else:
        link(path, "/dev/zero" if kind == "zero" else "/etc/shadow")
        (problem,) = queue_problems(queue)
        assert f"{name} is a link and is not followed: owner 1000" in problem


@pytest.mark.parametrize("name", ["queue", "syslog"])
def test_a_link_as_queue(tmp_path: Path, queue: Path, victim: Path, name: str) -> None:
    place = queue if name == "syslog" else queue.parent
    place.rename(tmp_path / "away")
    os.chown(tmp_path, USER, 0)
    link(place, tmp_path / "away")
    (problem,) = queue_problems(queue)
    assert f"{name} is a link and is not followed" in problem


def test_an_event_of_the_maximum_size(queue: Path) -> None:
    sparse(queue / "page.1", b"\x02" + struct.pack(">qi", 1, 2**31 - 64), 2**31 - 1)
    (problem,) = queue_problems(queue)
    assert "page.1 has 2147483647 bytes; the limit is 1073741824" in problem


def test_a_queue_with_the_maximum_number_of_pages(queue: Path) -> None:
    (queue / "checkpoint.head").write_bytes(checkpoint(2**31 - 1, 0, 1, 1, 0))
    (queue / "checkpoint.7").write_bytes(checkpoint(7, 0, 3, 1, 4))
    text = limited(f"print(json.dumps(read_queues({str(queue.parent)!r}).as_dict()))")
    assert json.loads(text.splitlines()[-1])["events"] == 2


@pytest.mark.parametrize(
    "numbers", [(7, 0, 1, 2**62, 4), (7, 0, 0, 1, 2**31 - 1), (7, 0, -9, 1, 4)]
)
def test_impossible_counts(queue: Path, numbers: tuple[int, int, int, int, int]) -> None:
    (queue / "checkpoint.head").write_bytes(checkpoint(9, 0, 1, 1, 0))
    (queue / "checkpoint.7").write_bytes(checkpoint(*numbers))
    text = limited(f"print(json.dumps(read_queues({str(queue.parent)!r}).as_dict()))")
    events = json.loads(text.splitlines()[-1])["events"]
    assert events is None or events <= numbers[4] == 4


# -- removals --------------------------------------------------------------------------------


def reset(elk: Path, **more: Any) -> dict[str, Any]:
    return {"config_dir": str(elk), "data_dir": f"{elk.parent}/data", **more}


@pytest.mark.parametrize("place", ["", "pki", "elasticsearch/secrets", "elasticsearch"])
def test_reset_removes_links_but_not_their_targets(
    call: Call, theirs: Path, victim: Path, place: str
) -> None:
    elk = theirs.parent
    path = elk / place
    if path.exists():
        theirs.rmdir()
        if path == elk:
            elk.rmdir()
    link(path, victim)
    for check in (True, False):
        result = call("platform_files", reset(elk), check=check)
        assert result.changed
    assert not elk.exists()
    assert not elk.is_symlink()


@pytest.mark.parametrize("whose", [USER, 0])
def test_reset_of_data_follows_only_links_of_root(
    call: Call, tmp_path: Path, theirs: Path, victim: Path, whose: int
) -> None:
    data, disk = tmp_path / "data", tmp_path / "disk"
    data.mkdir()
    (disk / "nodes").mkdir(parents=True)
    link(data / "elasticsearch", victim if whose else disk)
    os.chown(data / "elasticsearch", whose, whose, follow_symlinks=False)
    (data / "theirs").mkdir()
    result = call(
        "platform_files", reset(theirs.parent, remove_data=True, data=["elasticsearch", "logstash"])
    )
    assert result.changed
    assert (data / "theirs").is_dir()
    # The data behind a link of the operator is removed.
    assert (data / "elasticsearch").is_symlink() == (whose == 0)
    assert (disk / "nodes").exists() == (whose == USER)


@pytest.mark.parametrize("name", ["..", ".", "", "elasticsearch/nodes", "/etc"])
def test_reset_of_data_stays_in_its_directory(call: Call, theirs: Path, name: str) -> None:
    result = call("platform_files", reset(theirs.parent, remove_data=True, data=[name]))
    assert "is no name of a directory" in result.msg
    assert theirs.exists()
