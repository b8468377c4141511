"""Fixtures that several scenarios share; a conftest.py imports those that it needs."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from elasticsearch import Elasticsearch

from lab.state import Lab as LabState
from tests.harness.lab import Lab
from tests.harness.platform import REQUEST_TIMEOUT, Platform
from tests.harness.playbook import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> Iterator[Lab]:
    """The lab that ELK_LAB names, and a directory for what runs leave on the controller."""
    state = LabState.load(Path(os.environ.get("ELK_LAB", ROOT / ".lab")).resolve())
    assert state is not None, "no lab stands there"
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    # Short, because the names of sockets are.
    home = Path(tempfile.mkdtemp(prefix="elk"))
    yield Lab(state, home, capture.global_and_fixture_disabled)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def client(lab: Lab) -> Iterator[Elasticsearch]:
    """The official client, as elastic."""
    with Elasticsearch(
        lab.url,
        ca_certs=str(lab.kept("ca.crt")),
        basic_auth=("elastic", lab.secret("elastic_password")),
        request_timeout=REQUEST_TIMEOUT,
    ) as connected:
        yield connected


@pytest.fixture(scope="session")
def platform(lab: Lab) -> Iterator[Platform]:
    with Platform(lab) as platform:
        yield platform


@pytest.fixture(autouse=True)
def nothing_fails(platform: Platform) -> Iterator[None]:
    """Whatever a test does, nobody who writes or searches is told of an error."""
    yield
    if platform.load:
        assert not platform.load.failures, "\n".join(platform.load.failures)
