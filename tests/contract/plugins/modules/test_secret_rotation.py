# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules secret_rotation and private_file write and return, without any value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VALUE = "value-of-the-test-0123456789"


@pytest.fixture
def turn(call: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    path = tmp_path / "password"
    path.write_text(f"{VALUE}\n")

    def run(step: str, *, check: bool = False, **options: Any) -> Any:
        result = call("secret_rotation", {"path": str(path), "step": step, **options}, check=check)
        for one in tmp_path.iterdir():
            assert one.read_text().strip() not in result.output
        return result

    return run


def test_each_step_and_its_result(turn: Callable[..., Any], tmp_path: Path) -> None:
    options = {"value": VALUE, "variable": "app_password"}
    assert turn("begin", check=True, **options)["stage"] == "made"
    assert [one.name for one in tmp_path.iterdir()] == ["password"]
    first = turn("begin", **options)
    assert (first.changed, first["told"]) == (True, "app_password is renewed")
    again = turn("begin", **options)
    assert not again.changed
    assert again["told"] == "app_password: the interrupted rotation continues"
    assert turn("use").changed
    assert (tmp_path / "password").read_text() != f"{VALUE}\n"
    assert turn("end")["stage"] == "idle"
    assert [one.name for one in tmp_path.iterdir()] == ["password"]


def test_a_value_from_elsewhere(turn: Callable[..., Any], tmp_path: Path) -> None:
    result = turn("begin", value="from a vault", variable="app_password")
    assert (result.changed, result["stage"]) == (False, "given")
    assert result["told"].startswith("app_password is unchanged")
    assert "from a vault" not in result.output


def test_a_next_value_that_is_empty_is_an_error(call: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(f"{VALUE}\n")
    path.with_name("password.next").write_text("")
    result = call("secret_rotation", {"path": str(path), "step": "use"})
    assert result.failed
    assert "password.next is empty" in result["msg"]
    assert path.read_text() == f"{VALUE}\n"


def test_a_key_beside_its_certificate(call: Callable[..., Any], tmp_path: Path) -> None:
    key, certificate = tmp_path / "node.key", tmp_path / "node.crt"
    arguments = {
        "path": str(key),
        "content": VALUE,
        "beside": {"path": str(certificate), "content": "for all"},
    }
    assert call("private_file", arguments, check=True).changed
    assert list(tmp_path.iterdir()) == []
    first = call("private_file", arguments)
    assert first.changed
    assert VALUE not in first.output
    assert (key.read_text(), key.stat().st_mode & 0o777) == (VALUE, 0o400)
    assert (certificate.read_text(), certificate.stat().st_mode & 0o777) == ("for all", 0o644)
    assert not call("private_file", arguments).changed
    certificate.write_text("another one")
    assert call("private_file", arguments).changed
    assert certificate.read_text() == "for all"
