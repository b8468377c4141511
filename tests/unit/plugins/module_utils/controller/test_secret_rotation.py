# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation of a secret, and how a run continues where another was killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.controller import secret_rotation
from ansible_collections.elk.swarm.plugins.module_utils.controller.local_secret import SecretError
from ansible_collections.elk.swarm.plugins.module_utils.controller.secret_rotation import (
    GIVEN,
    IDLE,
    MADE,
    USED,
    Rotation,
    begin,
    describe,
    end,
    former_of,
    next_of,
    stage_from,
    use,
)

OLD = "old-value"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(f"{OLD}\n")
    path.chmod(0o600)
    return path


def files(path: Path) -> dict[str, str]:
    return {one.name: one.read_text().rstrip("\n") for one in path.parent.iterdir()}


@pytest.mark.parametrize(
    ("following", "former", "value", "stage"),
    [
        (None, None, OLD, IDLE),
        (None, None, None, IDLE),
        ("new", None, OLD, MADE),
        # Killed between made and used.
        ("new", OLD, OLD, MADE),
        (None, "older", OLD, USED),
        (None, None, "from a vault", GIVEN),
        ("new", "older", "from a vault", GIVEN),
    ],
)
def test_stages(following: str | None, former: str | None, value: str | None, stage: str) -> None:
    assert stage_from(current=OLD, following=following, former=former, value=value) == stage


def test_a_value_that_is_in_no_file_is_set_elsewhere() -> None:
    assert stage_from(current=None, following=None, former=None, value="from a vault") == GIVEN


def test_a_whole_rotation(secret: Path) -> None:
    assert begin(secret, OLD, 32, write_it=True) == Rotation(MADE, changed=True)
    new = next_of(secret).read_text().strip()
    assert (len(new), next_of(secret).stat().st_mode & 0o777) == (32, 0o600)
    assert files(secret) == {"password": OLD, "password.next": new}
    assert use(secret, write_it=True) == Rotation(USED, changed=True)
    assert files(secret) == {"password": new, "password.former": OLD}
    assert {one.stat().st_mode & 0o777 for one in secret.parent.iterdir()} == {0o600}
    assert end(secret, write_it=True) == Rotation(IDLE, changed=True)
    assert files(secret) == {"password": new}


def test_a_repeated_step_changes_nothing(secret: Path) -> None:
    begin(secret, OLD, 32, write_it=True)
    before = files(secret)
    assert begin(secret, OLD, 32, write_it=True) == Rotation(MADE)
    assert files(secret) == before
    use(secret, write_it=True)
    before = files(secret)
    assert use(secret, write_it=True) == Rotation(USED)
    # No new rotation begins while a program may use the former value.
    assert begin(secret, before["password"], 32, write_it=True) == Rotation(USED)
    assert files(secret) == before
    end(secret, write_it=True)
    assert end(secret, write_it=True) == Rotation(IDLE)


def test_a_former_value_is_kept_until_the_next_is_in_use(secret: Path) -> None:
    former_of(secret).write_text("older")
    begin_again = begin(secret, OLD, 32, write_it=True)
    assert begin_again == Rotation(USED)
    next_of(secret).write_text("new")
    assert end(secret, write_it=True) == Rotation(MADE)
    assert files(secret)["password.former"] == "older"


def test_a_kill_between_the_copy_and_the_rename(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(secret, OLD, 32, write_it=True)
    new = next_of(secret).read_text().strip()

    def killed(self: Path, target: Path) -> None:
        raise KeyboardInterrupt(str(target))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            use(secret, write_it=True)
    assert files(secret) == {"password": OLD, "password.next": new, "password.former": OLD}
    assert use(secret, write_it=True) == Rotation(USED, changed=True)
    assert files(secret) == {"password": new, "password.former": OLD}


def test_check_mode_predicts_and_writes_nothing(secret: Path) -> None:
    assert begin(secret, OLD, 32, write_it=False) == Rotation(MADE, changed=True)
    assert files(secret) == {"password": OLD}
    next_of(secret).write_text("new")
    before = files(secret)
    assert use(secret, write_it=False) == Rotation(USED, changed=True)
    assert files(secret) == before
    next_of(secret).unlink()
    former_of(secret).write_text("older")
    before = files(secret)
    assert end(secret, write_it=False) == Rotation(IDLE, changed=True)
    assert files(secret) == before


def test_a_value_from_a_variable_gets_no_next_value(secret: Path) -> None:
    assert begin(secret, "from a vault", 32, write_it=True) == Rotation(GIVEN)
    assert files(secret) == {"password": OLD}


def test_a_length_of_0_makes_no_next_value(secret: Path) -> None:
    assert begin(secret, None, 0, write_it=True) == Rotation(IDLE)
    assert files(secret) == {"password": OLD}


def test_a_next_value_without_a_current_value_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "password"
    next_of(path).write_text("new")
    with pytest.raises(SecretError, match="Put it back from your copy"):
        use(path, write_it=True)
    assert files(path) == {"password.next": "new"}


@pytest.mark.parametrize(
    ("rotation", "words"),
    [
        (Rotation(GIVEN), "app_password is unchanged: it is not what /secure/password holds"),
        (Rotation(MADE, changed=True), "app_password is renewed"),
        (Rotation(IDLE), "app_password is renewed"),
        (Rotation(MADE), "app_password: the interrupted rotation continues"),
        (Rotation(USED), "app_password has its next value from an interrupted run"),
    ],
)
def test_descriptions(rotation: Rotation, words: str) -> None:
    assert describe(rotation, "app_password", Path("/secure/password")).startswith(words)


def test_steps_match_the_module_options() -> None:
    assert secret_rotation.STEPS == ("begin", "use", "end")
