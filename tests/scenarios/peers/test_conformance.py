"""Tasks for modules of community.docker, run with them and with ours."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import ansible_collections.community.docker as community_docker
import pytest
import yaml

import peers
from peers import Results, Subject

if TYPE_CHECKING:
    from tests.scenarios.peers.conftest import PeerHost


def collection_version() -> str:
    """The version of community.docker on the controller."""
    manifest = Path(next(iter(community_docker.__path__))) / "MANIFEST.json"
    about = yaml.safe_load(manifest.read_text())["collection_info"]
    return f"{about['version']} (ansible {metadata.version('ansible')})"


@pytest.mark.parametrize("subject", peers.subjects(), ids=lambda one: one.peer)
def test_the_same_tasks_have_the_recorded_results(host: PeerHost, subject: Subject) -> None:
    found = peers.compare(subject, lambda ours: host.play(subject, ours=ours))
    # Otherwise the test would also pass if every task failed. A module that reads is always ok.
    outcomes = {outcome.partition(",")[0] for _peer, outcome in found.values()}
    assert len(outcomes) > 1 or (subject.ours.endswith("_info") and outcomes == {"ok"})
    results = Results(host.engine, collection_version(), found)
    path = peers.results_path(subject)
    if os.environ.get("RECORD"):
        peers.write_results(subject, results, path)
        return
    recorded = peers.read_results(path).tasks
    assert {name: pair for name, pair in found.items() if recorded.get(name) != pair} == {}
    assert peers.problems(subject, results) == []
