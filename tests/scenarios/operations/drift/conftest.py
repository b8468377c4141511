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
    """Records command line and environment of every process on this machine during the tests."""
    watching = Watch()
    yield watching
    watching.stop()


@pytest.fixture(scope="session", autouse=True)
def standing(watch: Watch) -> Iterator[Standing]:
    """The first run makes all secrets, so it runs with the most output, which could show them."""
    platform = Standing()
    platform.forget_secrets()
    code, output = platform.run("-vvv", "--diff", "site.yml", **platform.caching)
    assert code == 0, output[-6000:]
    yield platform
    # Only the first run caches facts.
    shutil.rmtree(platform.facts)
