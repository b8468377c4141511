# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry that requires a login: which requests contain which credentials."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.docker.registry_login import (
    auth_for,
    registry_of,
)
from tests.contract.fake_engine import FakeEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PASSWORD = "registry-password-that-must-not-come-out"
IMAGE = "registry.example.org:5000/team/web:1"
LOGIN = {"registry_url": "registry.example.org:5000", "username": "deploy", "password": PASSWORD}
SENT = {
    "username": "deploy",
    "password": PASSWORD,
    "serveraddress": "registry.example.org:5000",
}
REFUSAL = "no basic auth credentials"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with FakeEngine(tmp_path) as fake:
        fake.registry_login = SENT
        yield fake


@pytest.fixture
def pull(call: Callable[..., Any], engine: FakeEngine) -> Callable[..., Any]:
    def run(*, check: bool = False, **options: Any) -> Any:
        arguments = {"name": IMAGE, "docker_host": engine.host, "registry_login": LOGIN, **options}
        result = call("image_pull", arguments, check=check)
        assert PASSWORD not in result.output
        return result

    return run


def decoded(header: str | None) -> Any:
    return json.loads(base64.urlsafe_b64decode(header)) if header else None


def test_check_apply_check_apply(pull: Callable[..., Any], engine: FakeEngine) -> None:
    assert pull(check=True).changed
    assert engine.writes() == []
    assert pull()["diff"] == {"before": "", "after": f"{IMAGE}\n"}
    assert engine.images == [IMAGE]
    for check in (True, False):
        again = pull(check=check)
        assert not again.changed
        assert again["image"].startswith("sha256:")
    assert engine.writes() == ["POST /images/create"]


@pytest.mark.parametrize(
    "login", [None, {**LOGIN, "registry_url": "other.example.org"}, {**LOGIN, "username": "x"}]
)
def test_a_pull_without_the_right_login(
    pull: Callable[..., Any], engine: FakeEngine, login: dict[str, str] | None
) -> None:
    result = pull(registry_login=login)
    assert result.failed
    assert f"Pulling {IMAGE} failed" in result.msg
    assert REFUSAL in result.msg
    assert engine.images == []


def test_only_requests_that_make_swarm_pull_contain_the_login(
    call: Callable[..., Any], engine: FakeEngine
) -> None:
    def web(**options: Any) -> Any:
        engine.calls.clear()
        engine.logins.clear()
        arguments = {"name": "web", "image": IMAGE, "docker_host": engine.host, "replicas": 1}
        arguments |= {"stability_window": 0, "wait_timeout": 5, "registry_login": LOGIN, **options}
        result = call("service", arguments)
        assert PASSWORD not in result.output
        assert not result.failed, result.msg
        return result

    for changes in ({}, {"env": {"A": "2"}}, {"env": {"A": "2"}, "resolve_image": True}):
        assert web(**changes).changed
        with_login = {
            call for call, login in zip(engine.calls, engine.logins, strict=True) if login == SENT
        }
        assert {method for method, path in with_login if path.startswith("/services")} == {"POST"}
        assert len(with_login) == 1 + ("resolve_image" in changes)
        assert {login is None or login == SENT for login in engine.logins} == {True}
    # A new password alone restarts no task.
    assert not web(
        env={"A": "2"}, resolve_image=True, registry_login={**LOGIN, "password": PASSWORD + "2"}
    ).changed
    web(env={"A": "3"}, registry_login={**LOGIN, "registry_url": "other.example.org"})
    assert set(map(str, engine.logins)) == {"None"}


@pytest.mark.parametrize(
    ("url", "image", "sent"),
    [
        ("registry.example.org", "registry.example.org/web", True),
        ("https://registry.example.org/v2/", "registry.example.org/web:1", True),
        ("10.60.0.2:5000/lab0", "10.60.0.2:5000/lab0/web:1@sha256:" + "a" * 64, True),
        ("localhost", "localhost/web", True),
        ("docker.io", "team/web", True),
        ("https://index.docker.io/v1/", "web", True),
        ("registry.example.org", "registry.example.org:5000/web", False),
        ("registry.example.org", "team/web", False),
        ("registry.example.org", "web:1", False),
        ("registry.example.org", "registry.example.org.evil.example/web", False),
        ("docker.io", "registry.example.org/web", False),
    ],
)
def test_credentials_are_sent_only_to_their_registry(url: str, image: str, sent: bool) -> None:
    login = {"registry_url": url, "username": "u", "password": "p"}
    header = decoded(auth_for(image, login, {}))
    assert header == (
        {"username": "u", "password": "p", "serveraddress": registry_of(image)} if sent else None
    )


def test_without_credentials_of_the_task_those_of_the_user_are_used() -> None:
    pair = base64.b64encode(b"me:mine").decode()
    config = {"auths": {"registry.example.org:5000": {"auth": pair}}}
    assert decoded(auth_for(IMAGE, None, config))["username"] == "me"
    assert (
        decoded(auth_for(IMAGE, {**LOGIN, "registry_url": "docker.io"}, config))["username"] == "me"
    )
    assert decoded(auth_for(IMAGE, LOGIN, config)) == SENT
