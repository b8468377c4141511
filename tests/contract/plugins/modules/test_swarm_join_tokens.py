# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""swarm_join_tokens while the managers change the swarm or have no leader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fake_engine import NO_LEADER, FakeEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MODULE = "swarm_join_tokens"
SPEC = {"Name": "default", "Labels": {"kept": "yes"}}


class Joined(FakeEngine):
    """A swarm that records the requests for new tokens."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.version = 7
        self.requests: list[tuple[dict[str, str], Any]] = []

    def _swarm(self, method: str, rest: list[str], query: Any, body: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, {"Version": {"Index": self.version}, "Spec": SPEC}
        assert rest == ["update"]
        if self.out_of_sequence:
            self.out_of_sequence -= 1
            self.version += 1
        if int(query.pop("version")) != self.version:
            return 500, {"message": "rpc error: code = Unknown desc = update out of sequence"}
        self.requests.append((query, body))
        return 200, None


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Joined]:
    with Joined(tmp_path) as fake:
        yield fake


@pytest.fixture
def rotate(call: Callable[..., Any], engine: Joined) -> Callable[..., Any]:
    def run(*, check: bool = False, **options: Any) -> Any:
        return call(MODULE, {"docker_host": engine.host, **options}, check=check)

    return run


def test_both_tokens_are_rotated_and_nothing_else(
    rotate: Callable[..., Any], engine: Joined
) -> None:
    assert rotate().changed
    assert engine.requests == [({"rotateWorkerToken": "true", "rotateManagerToken": "true"}, SPEC)]


def test_one_token_alone(rotate: Callable[..., Any], engine: Joined) -> None:
    assert rotate(roles=["manager"])["roles"] == ["manager"]
    assert engine.requests == [({"rotateManagerToken": "true"}, SPEC)]


def test_check_mode_rotates_nothing(rotate: Callable[..., Any], engine: Joined) -> None:
    assert rotate(check=True).changed
    assert engine.requests == []


def test_it_waits_for_another_change(rotate: Callable[..., Any], engine: Joined) -> None:
    engine.out_of_sequence = 2
    engine.refusals = [("GET /swarm", 500, NO_LEADER)]
    assert rotate().changed
    assert len(engine.requests) == 1


def test_without_a_majority_it_fails(rotate: Callable[..., Any], engine: Joined) -> None:
    engine.refuse_always = (500, NO_LEADER)
    result = rotate(wait_timeout=0)
    assert result.failed
    assert "does not have a leader" in result["msg"] or "majority" in result["msg"]
