# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hint for a refused login depends on the files of the controller."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.elk.swarm.plugins.module_utils.controller.login_hint import (
    GIVEN,
    KEPT,
    MISSING,
    RENEWED,
    Place,
    hint,
    state_of,
)
from repo import ROOT
from tests.harness.playbook import run_in_folder

VALUE, NEXT = "value-of-the-test", "next-value-of-the-test"
ROTATION = "playbooks/rotate.yml -e rotate=passwords"
RESET = (
    "`docker exec $(docker ps -q -f name=^elk_elasticsearch- | head -n 1) "
    "bin/elasticsearch-reset-password -u elastic -b` as root on m1"
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    path = tmp_path / "elastic_password"
    path.write_text(f"{VALUE}\n")
    host_file = "/etc/elk/elasticsearch/secrets/elastic_password"
    return Place("elk_elastic_password", path, "m1", host_file, "elk")


def begin_rotation(place: Place) -> None:
    place.path.with_name("elastic_password.next").write_text(f"{NEXT}\n")


def test_a_file_with_a_wrong_password(place: Place) -> None:
    text = hint(place, VALUE)
    assert text.startswith(f"elk_elastic_password, which comes from {place.path} on the controller")
    assert f"{place.host_file} on m1" in text
    assert RESET in text
    assert f"write the password that it prints into {place.path}" in text
    assert ROTATION not in text


def test_an_interrupted_rotation(place: Place) -> None:
    begin_rotation(place)
    text = hint(place, VALUE)
    assert f"Run {ROTATION}" in text
    assert f"{place.path}.next holds the next password" in text
    assert "reset-password" not in text


def test_no_advice_to_rotate_again_when_no_known_password_is_right(place: Place) -> None:
    begin_rotation(place)
    text = hint(place, VALUE, renewing=True)
    assert f"neither {place.path} nor {place.path}.next" in text
    assert RESET in text
    assert ROTATION not in text


def test_a_value_from_a_variable(place: Place) -> None:
    begin_rotation(place)
    for renewing in (False, True):
        text = hint(place, "from-a-vault", renewing=renewing)
        assert "which one of your variables sets" in text
        assert "set the variable to the password that it prints" in text
        assert ROTATION not in text
        assert "into" not in text


@pytest.mark.parametrize("content", [None, ""], ids=["no file", "empty file"])
def test_a_file_that_is_lost(place: Place, content: str | None) -> None:
    place.path.unlink()
    if content is not None:
        place.path.write_text(content)
    text = hint(place, VALUE)
    assert f"there is no password in {place.path} on the controller" in text
    assert RESET in text


def test_no_password_is_in_a_text(place: Place) -> None:
    texts = [hint(place, VALUE), hint(place, "from-a-vault")]
    begin_rotation(place)
    texts += [hint(place, VALUE), hint(place, VALUE, renewing=True), hint(place, "from-a-vault")]
    assert not [text for text in texts for secret in (VALUE, NEXT, "vault") if secret in text]


def test_states(place: Place) -> None:
    assert state_of(place.path, VALUE) == KEPT
    assert state_of(place.path, "another") == GIVEN
    begin_rotation(place)
    assert state_of(place.path, VALUE) == RENEWED
    place.path.unlink()
    assert state_of(place.path, VALUE) == MISSING


def test_the_variable_of_the_roles_follows_the_files(tmp_path: Path) -> None:
    """Without a rotation, with an interrupted one, and with a value from a variable."""
    (tmp_path / "elastic_password").write_text(f"{VALUE}\n")
    shown = ["{{ elk_login_from }}", "{{ __elasticsearch_login_lost }}"]

    def show(name: str, **variables: str) -> dict[str, Any]:
        copy = {"content": shown, "dest": f"{tmp_path}/{name}.json", "mode": "0600"}
        return {"name": f"Write {name}", "ansible.builtin.copy": copy, "vars": variables}

    role = {"name": "elk.swarm.elasticsearch", "tasks_from": "defaults.yml"}
    following = {"content": f"{NEXT}\n", "dest": f"{tmp_path}/elastic_password.next"}
    play = {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {
                "name": "Set the host's name",
                "ansible.builtin.set_fact": {"ansible_facts": {"nodename": "m1"}},
            },
            {
                "name": "Load the role's variables",
                "ansible.builtin.import_role": role,
            },
            show("kept"),
            show("given", elk_elastic_password="from-a-vault"),
            {
                "name": "Interrupt a rotation",
                "ansible.builtin.copy": {**following, "mode": "0600"},
            },
            show("renewed"),
        ],
    }
    variables = {
        "elk_local_dir": str(tmp_path),
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    hosts = {"all": {"vars": variables}, "swarm_managers": {"hosts": {"m1": {}}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(hosts))
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
    run_in_folder(tmp_path, "hosts.yml")
    found = {
        name: yaml.safe_load((tmp_path / f"{name}.json").read_text())
        for name in ("kept", "given", "renewed")
    }
    assert all(RESET in text and ROTATION not in text for text in found["kept"])
    assert all("one of your variables sets" in text for text in found["given"])
    usual, lost = found["renewed"]
    assert ROTATION in usual
    assert ROTATION not in lost
    assert RESET in lost


def test_a_rotation_checks_the_login_before_it_creates_a_next_password() -> None:
    rotation = (ROOT / "playbooks" / "rotate.yml").read_text()
    files = re.findall(r"tasks_from: (\w+\.yml)$|files=\['(rotate\.yml)'", rotation, re.MULTILINE)
    order = [one or other for one, other in files]
    assert order.index("check_login.yml") < order.index("rotate_begin.yml")
    check = (ROOT / "roles/elasticsearch/tasks/check_login.yml").read_text()
    (task,) = yaml.safe_load(check)
    assert task["elk.swarm.elasticsearch_login_info"]["login_from"] == (
        "{{ __elasticsearch_login_lost }}"
    )
