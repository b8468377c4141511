"""One platform for all tests of this directory, watched from its first moment."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.operations.drift.standing import Standing
from tests.scenarios.operations.drift.traces import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def watch() -> Iterator[Watch]:
    """Takes down what every process on this machine shows while the tests run."""
    watching = Watch()
    yield watching
    watching.stop()


@pytest.fixture(scope="session", autouse=True)
def standing(watch: Watch) -> Iterator[Standing]:
    """The run that makes everything is the one in which a secret could show: it says all it can."""
    platform = Standing()
    platform.forget_secrets()
    code, output = platform.run("-vvv", "--diff", "site.yml", **platform.caching)
    assert code == 0, output[-6000:]
    yield platform
    # No run but this one keeps facts.
    shutil.rmtree(platform.facts)
