# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A refused login: the error contains the right advice once, and the advice works.

`rotate` makes the calls of `roles/elasticsearch/tasks/rotate.yml` in their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.controller.login_hint import Place, hint
from tests.contract.fake_elasticsearch import FakeCluster

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMER, FORGOTTEN, RESET = "what-was-before-it", "what-nobody-knows", "what-the-reset-printed"
ROTATION = "Run playbooks/rotate.yml -e rotate=passwords"
RESET_COMMAND = "bin/elasticsearch-reset-password -u elastic -b` as root on m1"


class Controller:
    """The files of a controller, and the module calls of a run with their content."""

    def __init__(self, folder: Path, cluster: FakeCluster, call: Callable[..., Any]) -> None:
        self.path = folder / "elastic_password"
        self.next = folder / "elastic_password.next"
        self.path.write_text(f"{FORMER}\n")
        self.cluster, self._call = cluster, call
        self.place = Place("elk_elastic_password", self.path, "m1", "/etc/elk/password", "elk")

    @property
    def password(self) -> str:
        return self.path.read_text().strip()

    def login(self, password: str | None = None, *, renewing: bool = False) -> dict[str, Any]:
        used = password or self.password
        return {
            "urls": self.cluster.urls,
            "username": "elastic",
            "password": used,
            "login_from": hint(self.place, self.password, renewing=renewing),
            "doubt_timeout": 0,
        }

    def look(self) -> Any:
        """As site.yml does before it changes anything."""
        return self._call("elasticsearch_roll_info", {**self.login(), "version": "9.2.4"})

    def turn(self, step: str) -> Any:
        options = {"path": str(self.path), "step": step, "value": self.password}
        return self._call("secret_rotation", options)

    def check(self) -> Any:
        following = self.next.read_text().strip() if self.next.exists() else self.password
        options = {**self.login(renewing=True), "next_password": following}
        return self._call("elasticsearch_login_info", options)

    def set_next(self, holds: str) -> None:
        following = self.next.read_text().strip()
        used = self.password if holds == "password" else following
        user = {"name": "elastic", "builtin": True, "user_password": following}
        result = self._call("elasticsearch_user", {**self.login(used), **user})
        assert not result.failed, result.msg

    def rotate(self) -> Any:
        """What rotate.yml does with the password of elastic; the first failure or last result."""
        checked = self.check()
        if checked.failed:
            return checked
        assert not self.turn("begin").failed
        self.set_next(checked["holds"])
        assert not self.turn("use").failed
        return self.turn("end")


@pytest.fixture
def controller(cluster: FakeCluster, call: Callable[..., Any], tmp_path: Path) -> Controller:
    cluster.passwords["elastic"] = FORMER
    made = Controller(tmp_path, cluster, call)
    assert not made.look().failed
    return made


def test_a_lost_password_is_set_again(controller: Controller) -> None:
    controller.cluster.passwords["elastic"] = FORGOTTEN
    refused = controller.look()
    assert refused.failed
    assert refused.msg.count(RESET_COMMAND) == 1, "once, not once for each node"
    assert ROTATION not in refused.msg
    # What the command prints is written into the file that the message names.
    assert f"write the password that it prints into {controller.path}" in refused.msg
    controller.cluster.passwords["elastic"] = RESET
    controller.path.write_text(f"{RESET}\n")
    assert not controller.look().failed


def test_a_lost_password_is_not_rotated(controller: Controller) -> None:
    """A next password next to it would look like an interrupted rotation."""
    controller.cluster.passwords["elastic"] = FORGOTTEN
    refused = controller.rotate()
    assert refused.failed
    assert RESET_COMMAND in refused.msg
    assert ROTATION not in refused.msg
    assert not controller.next.exists()
    assert ROTATION not in controller.look().msg


def test_an_interrupted_rotation_is_finished(controller: Controller) -> None:
    controller.turn("begin")
    controller.set_next("password")
    refused = controller.look()
    assert refused.failed
    assert refused.msg.count(ROTATION) == 1
    assert RESET_COMMAND not in refused.msg
    assert not controller.rotate().failed
    assert controller.password != FORMER
    assert not controller.next.exists()
    assert not controller.look().failed


def test_a_rotation_that_cannot_be_finished_leads_to_a_new_password(
    controller: Controller,
) -> None:
    controller.turn("begin")
    controller.cluster.passwords["elastic"] = FORGOTTEN
    assert ROTATION in controller.look().msg
    refused = controller.rotate()
    assert refused.failed
    assert f"neither {controller.path} nor {controller.next}" in refused.msg
    assert RESET_COMMAND in refused.msg
    assert ROTATION not in refused.msg
    controller.cluster.passwords["elastic"] = RESET
    controller.path.write_text(f"{RESET}\n")
    # The login works, and so does the rotation.
    assert not controller.look().failed
    assert not controller.rotate().failed
    assert not controller.look().failed


def test_no_password_is_in_a_message(controller: Controller) -> None:
    controller.turn("begin")
    controller.cluster.passwords["elastic"] = FORGOTTEN
    following = controller.next.read_text().strip()
    for result in (controller.look(), controller.rotate()):
        assert FORMER not in result.output
        assert following not in result.output
