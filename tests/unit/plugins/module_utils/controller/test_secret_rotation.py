# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret gets its next value, and whoever kills a run on the way leaves enough to go on."""

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
    Turn,
    begin,
    end,
    former_of,
    judge,
    next_of,
    told,
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
        # Killed on the way from the one to the other.
        ("new", OLD, OLD, MADE),
        (None, "older", OLD, USED),
        (None, None, "from a vault", GIVEN),
        ("new", "older", "from a vault", GIVEN),
    ],
)
def test_how_far_it_has_come(
    following: str | None, former: str | None, value: str | None, stage: str
) -> None:
    assert judge(current=OLD, following=following, former=former, value=value) == stage


def test_a_value_that_no_file_has_comes_from_elsewhere() -> None:
    assert judge(current=None, following=None, former=None, value="from a vault") == GIVEN


def test_the_whole_way(secret: Path) -> None:
    assert begin(secret, OLD, 32, write_it=True) == Turn(MADE, changed=True)
    new = next_of(secret).read_text().strip()
    assert (len(new), next_of(secret).stat().st_mode & 0o777) == (32, 0o600)
    assert files(secret) == {"password": OLD, "password.next": new}
    assert use(secret, write_it=True) == Turn(USED, changed=True)
    assert files(secret) == {"password": new, "password.former": OLD}
    assert {one.stat().st_mode & 0o777 for one in secret.parent.iterdir()} == {0o600}
    assert end(secret, write_it=True) == Turn(IDLE, changed=True)
    assert files(secret) == {"password": new}


def test_a_step_that_was_done_changes_nothing(secret: Path) -> None:
    begin(secret, OLD, 32, write_it=True)
    before = files(secret)
    assert begin(secret, OLD, 32, write_it=True) == Turn(MADE)
    assert files(secret) == before
    use(secret, write_it=True)
    before = files(secret)
    assert use(secret, write_it=True) == Turn(USED)
    # As long as somebody may have the former one, no other is begun.
    assert begin(secret, before["password"], 32, write_it=True) == Turn(USED)
    assert files(secret) == before
    end(secret, write_it=True)
    assert end(secret, write_it=True) == Turn(IDLE)


def test_a_former_value_stays_as_long_as_the_next_is_not_in_use(secret: Path) -> None:
    former_of(secret).write_text("older")
    begin_again = begin(secret, OLD, 32, write_it=True)
    assert begin_again == Turn(USED)
    next_of(secret).write_text("new")
    assert end(secret, write_it=True) == Turn(MADE)
    assert files(secret)["password.former"] == "older"


def test_killed_between_the_copy_and_the_new_name(
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
    assert use(secret, write_it=True) == Turn(USED, changed=True)
    assert files(secret) == {"password": new, "password.former": OLD}


def test_a_check_tells_and_writes_nothing(secret: Path) -> None:
    assert begin(secret, OLD, 32, write_it=False) == Turn(MADE, changed=True)
    assert files(secret) == {"password": OLD}
    next_of(secret).write_text("new")
    before = files(secret)
    assert use(secret, write_it=False) == Turn(USED, changed=True)
    assert files(secret) == before
    next_of(secret).unlink()
    former_of(secret).write_text("older")
    before = files(secret)
    assert end(secret, write_it=False) == Turn(IDLE, changed=True)
    assert files(secret) == before


def test_what_is_given_gets_no_next_value(secret: Path) -> None:
    assert begin(secret, "from a vault", 32, write_it=True) == Turn(GIVEN)
    assert files(secret) == {"password": OLD}


def test_without_a_length_somebody_else_makes_it(secret: Path) -> None:
    assert begin(secret, None, 0, write_it=True) == Turn(IDLE)
    assert files(secret) == {"password": OLD}


def test_a_next_value_needs_one_to_follow(tmp_path: Path) -> None:
    path = tmp_path / "password"
    next_of(path).write_text("new")
    with pytest.raises(SecretError, match="Put it back from your copy"):
        use(path, write_it=True)
    assert files(path) == {"password.next": "new"}


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (Turn(GIVEN), "app_password stays: it is not what /secure/password holds"),
        (Turn(MADE, changed=True), "app_password is renewed"),
        (Turn(IDLE), "app_password is renewed"),
        (Turn(MADE), "app_password: the renewal that was broken off goes on"),
        (Turn(USED), "app_password has its next value since a run that was broken off"),
    ],
)
def test_what_is_told(turn: Turn, words: str) -> None:
    assert told(turn, "app_password", Path("/secure/password")).startswith(words)


def test_steps_are_those_of_the_module() -> None:
    assert secret_rotation.STEPS == ("begin", "use", "end")
