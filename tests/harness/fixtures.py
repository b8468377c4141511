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
    """The lab of ELK_LAB, with a directory for the files of runs on the controller."""
    state = LabState.load(Path(os.environ.get("ELK_LAB", ROOT / ".lab")).resolve())
    assert state is not None, "there is no lab in ELK_LAB"
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    # A short path, because names of sockets are limited.
    home = Path(tempfile.mkdtemp(prefix="elk"))
    yield Lab(state, home, capture.global_and_fixture_disabled)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def client(lab: Lab) -> Iterator[Elasticsearch]:
    """The official client, logged in as elastic."""
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
    """No request of the clients fails during a test."""
    yield
    if platform.load:
        assert not platform.load.failures, "\n".join(platform.load.failures)
