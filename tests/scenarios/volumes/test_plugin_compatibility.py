"""Tasks written for docker_plugin, run with docker_plugin and with elk.swarm.plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.scenarios.volumes.plugin_host import ALIAS, CLEAN, PluginHost, lend_host

TASKS: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("plugin_compatibility.yml").read_text()
)
DIFFERS = "DIFFERS"

host = pytest.fixture(scope="module")(lend_host)


def outcomes(host: PluginHost, module: str) -> dict[str, tuple[bool, bool]]:
    """Whether each task changed something, and whether it failed, with one of the modules."""
    tasks = []
    for task in TASKS:
        renamed = {module if key == "docker_plugin" else key: task[key] for key in task}
        renamed["vars"] = {"remote": host.remote, "alias": ALIAS}
        tasks.append(renamed)
    # A task for docker_plugin names no privileges, because that module grants all of them.
    defaults = {"elk.swarm.plugin": {"grant_all": True}}
    results = host.results(tasks, module_defaults=defaults)
    host.sh(CLEAN)
    return {
        task["name"]: (bool(result["changed"]), bool(result.get("failed")))
        for task, result in zip(tasks, results, strict=True)
    }


def test_the_same_tasks_have_the_same_results(host: PluginHost) -> None:
    # Only docker_plugin needs requests.
    host.sh(
        "python3 -c 'import requests' 2>/dev/null || (apt-get update -q &&"
        " apt-get install -q -y --no-install-recommends python3-requests) >/dev/null 2>&1"
    )
    theirs = outcomes(host, "community.docker.docker_plugin")
    ours = outcomes(host, "elk.swarm.plugin")
    same = [name for name in theirs if not name.startswith(DIFFERS)]
    assert len(same) >= 12
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}
    documented = [name for name in theirs if name.startswith(DIFFERS)]
    assert [name for name in documented if ours[name] == theirs[name]] == []
    # Otherwise the test would also pass if every task failed.
    assert {theirs[name] for name in same} == {(True, False), (False, False), (False, True)}
