"""Files with secrets: replaced as a whole, and never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.host import private_file
from ansible_collections.elk.swarm.plugins.module_utils.host.private_file import (
    State,
    draft_of,
    look,
)

DESIRED = State(b"of great value", os.getuid(), os.getgid(), 0o400)


def test_a_file_gets_the_desired_state_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert look(path).differs(DESIRED)
    private_file.write(path, DESIRED)
    assert look(path) == DESIRED
    assert not look(path).differs(DESIRED)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "found",
    [
        State(),
        State(b"else", DESIRED.owner, DESIRED.group, DESIRED.mode),
        State(DESIRED.content, 4711, DESIRED.group, DESIRED.mode),
        State(DESIRED.content, DESIRED.owner, 4711, DESIRED.mode),
        State(DESIRED.content, DESIRED.owner, DESIRED.group, 0o644),
    ],
)
def test_every_difference_counts(found: State) -> None:
    assert found.differs(DESIRED)


def test_a_value_of_none_never_differs() -> None:
    assert not State(b"x", 1, 2, 0o444).differs(State(b"x"))


def test_the_draft_of_a_killed_run_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "key"
    draft_of(path).write_text("a longer text than the desired one")
    draft_of(path).chmod(0o666)
    private_file.write(path, DESIRED)
    assert look(path) == DESIRED
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_the_place_of_the_draft_is_not_followed(tmp_path: Path) -> None:
    path, other = tmp_path / "key", tmp_path / "other"
    other.write_text("mine")
    draft_of(path).symlink_to(other)
    private_file.write(path, DESIRED)
    assert other.read_text() == "mine"
    assert look(path) == DESIRED
    assert sorted(tmp_path.iterdir()) == [path, other]


def test_a_failed_write_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "key"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        private_file.write(path, DESIRED)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_content_is_never_shown() -> None:
    for found in (State(b"also of value", 1, 2, 0o644), DESIRED):
        assert "value" not in str(found.shown(DESIRED))
    assert State().shown(DESIRED) == {"state": "absent"}
    assert DESIRED.shown(DESIRED)["mode"] == "0400"


def test_files_that_belong_together_change_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    key.write_text("old")
    certificate.write_text("old")
    files = {key: DESIRED, certificate: State(b"for all", mode=0o644)}
    seen = []
    rename = os.rename

    def recorded_rename(source: str, target: str, **folders: int) -> None:
        seen.append((draft_of(key).exists(), draft_of(certificate).exists()))
        rename(source, target, **folders)

    monkeypatch.setattr(os, "rename", recorded_rename)
    private_file.write_together(files)
    # Before the first rename, both drafts are complete.
    assert seen == [(True, True), (False, True)]
    assert (look(key).content, look(certificate).content) == (b"of great value", b"for all")
    assert look(certificate).mode == 0o644
    assert sorted(tmp_path.iterdir()) == [certificate, key]


def test_if_one_file_cannot_be_written_none_is_replaced(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key", tmp_path / "nowhere" / "certificate"
    key.write_text("old")
    with pytest.raises(FileNotFoundError):
        private_file.write_together({key: DESIRED, certificate: State(b"x")})
    assert key.read_text() == "old"
    assert list(tmp_path.iterdir()) == [key]
