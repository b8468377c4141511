"""Tasks of community.docker, run with only the modules' names changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from tests.scenarios.volumes.conftest import Host

TASKS = Path(__file__).with_name("compat.yml")
THEIRS, OURS = "community.docker.docker_volume", "elk.swarm.volume"


def outcomes(host: Host, text: str) -> list[tuple[str, bool, bool]]:
    """Name, changed and failed of each task that is compared."""
    tasks: list[dict[str, Any]] = [{**task, "ignore_errors": True} for task in yaml.safe_load(text)]
    results, _output = host.play(tasks)
    host.clean()
    return [
        (task["name"], bool(result["changed"]), bool(result.get("failed")))
        for task, result in zip(tasks, results, strict=True)
        if "ansible.builtin" not in json.dumps(task)
    ]


def test_the_same_tasks_have_the_same_results(host: Host) -> None:
    # What community.docker needs on a host.
    host.shell("apt-get -qq update && apt-get -qq -y install python3-requests")
    text = TASKS.read_text()
    theirs, ours = outcomes(host, text), outcomes(host, text.replace(THEIRS, OURS))
    assert len(theirs) >= 30
    # The two runs use different modules, and the tasks change something.
    assert {changed for _name, changed, _failed in theirs} == {True, False}
    assert THEIRS not in text.replace(THEIRS, OURS)
    pairs = [pair for pair in zip(theirs, ours, strict=True) if pair[0] != pair[1]]
    differing = {one[0] for one, _other in pairs}
    documented = {
        task["name"] for task in yaml.safe_load(text) if "differs" in task.get("vars", {})
    }
    assert differing == documented, pairs
