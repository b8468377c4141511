# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login to Elasticsearch stands once, and tasks take it as module defaults."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from repo import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GROUP = "elasticsearch"
DEFAULTS = {f"group/elk.swarm.{GROUP}": "{{ elk_elasticsearch_login }}"}
LOGIN = "elk_elasticsearch_login"
# Options of the login that differ from it in single tasks, and why.
OTHERS = {
    # The next password may be the right one, and the hint must not say to rotate again.
    ("elasticsearch/tasks/check_login.yml", "login_from"),
    # A run that was killed may have set the next password.
    ("elasticsearch/tasks/rotate_passwords.yml", "password"),
    # Only the hosts that are left answer.
    ("elasticsearch/tasks/spare.yml", "urls"),
    ("elasticsearch/tasks/spared.yml", "urls"),
    # It runs on the controller, where the certificate has another path.
    ("logstash/tasks/verify.yml", "ca_path"),
}
FILES = sorted([*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/**/*.yml")])


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


MODULES = {f"elk.swarm.{name}" for name in read("meta/runtime.yml")["action_groups"][GROUP]}


def logins(value: Any, inside: bool = False) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Every task of a module that logs in: its name, its options, whether it has the login."""
    if isinstance(value, list):
        for one in value:
            yield from logins(one, inside)
    elif isinstance(value, dict):
        inside = inside or value.get("module_defaults") == DEFAULTS
        for module in MODULES & set(value):
            yield value.get("name", module), value[module] or {}, inside
        for part in value.values():
            if isinstance(part, list):
                yield from logins(part, inside)


def found() -> list[tuple[Path, str, dict[str, Any], bool]]:
    return [(path, *login) for path in FILES for login in logins(yaml.safe_load(path.read_text()))]


def test_every_module_that_logs_in_takes_the_login() -> None:
    assert len(found()) > 30
    assert [f"{path}: {name}" for path, name, _options, inside in found() if not inside] == []


def test_no_task_gives_a_login_of_its_own() -> None:
    options = read("roles/elk/vars/main.yml")[LOGIN]
    given = {
        (str(path.relative_to(ROOT / "roles")), name)
        for path, _task, own, _inside in found()
        for name in own
        if name in options
    }
    assert given == OTHERS


def test_the_login_is_the_whole_login() -> None:
    login = read("roles/elk/vars/main.yml")[LOGIN]
    assert set(login) == {"urls", "ca_path", "username", "password", "login_from"}


def test_the_user_stands_once() -> None:
    user = re.compile(r"username: \"?elastic\b")
    places = [
        path.relative_to(ROOT)
        for path in [*FILES, *sorted(ROOT.glob("roles/*/vars/*.yml"))]
        for _match in user.finditer(path.read_text())
    ]
    assert list(map(str, places)) == [
        # The survey of the status must not fail without a login.
        "roles/status/tasks/look.yml",
        "roles/elk/vars/main.yml",
        # The one that a run checks before it changes anything.
        "roles/preflight/vars/main.yml",
    ]


@pytest.mark.parametrize(
    ("task", "inside"),
    [
        ({"elk.swarm.elasticsearch_user": {"name": "x"}}, False),
        ({"module_defaults": DEFAULTS, "block": [{"elk.swarm.elasticsearch_user": None}]}, True),
    ],
)
def test_a_task_without_the_login_is_seen(task: dict[str, Any], inside: bool) -> None:
    assert [one[2] for one in logins([task])] == [inside]
