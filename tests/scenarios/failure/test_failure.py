"""Rolls that are interrupted. One story, in the order of this file."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.harness.platform import moved
from tests.harness.playbook import Outcome
from tests.harness.wait import wait_for

if TYPE_CHECKING:
    from tests.harness.platform import Platform
    from tests.scenarios.failure.conftest import Watch

RESTART = "playbooks/restart.yml"
# The first task of each phase; the run is killed when the task begins.
BOUNDARIES = (
    "Hold back shards that would move while the node is away",
    "Stop the node",
    "Note when it starts",
    "Wait until it is back in the cluster",
    "Let shards move again, and wait until none lacks a copy",
    "Note that it has been restarted",
    "Tell how it went",
)
LABEL = "site.rack"
LABELLED = f"docker node inspect --format '{{{{index .Spec.Labels \"{LABEL}\"}}}}' m1 m2 m3"


def green(platform: Platform) -> bool:
    return platform.health() == ("green", len(platform.hosts))


def test_the_platform_comes_up(platform: Platform) -> None:
    outcome = platform.run("site.yml")
    assert outcome.code == 0, outcome.output
    platform.begin_load(*platform.hosts)


@pytest.mark.parametrize("task", BOUNDARIES)
def test_a_roll_is_killed(platform: Platform, watch: Watch, task: str) -> None:
    """Each run begins with the state that the run before left."""
    run = platform.lab.run(*platform.arguments(RESTART))
    try:
        platform.lab.wait_for(run, task, "start")
    finally:
        run.kill()
    platform.lab.report(run, f"{RESTART}, killed at {task!r}")
    assert watch.faults == []
    assert platform.locks()


def test_two_operators_while_labels_change(platform: Platform, watch: Watch) -> None:
    """This run finishes what the killed ones began, although others interfere."""
    stop, changes = threading.Event(), []

    def label() -> None:
        while not stop.wait(0.5):
            host = platform.hosts[len(changes) % len(platform.hosts)]
            change = f"docker node update --label-add {LABEL}={len(changes)} {host}"
            # Docker refuses if the roll has just changed the node; the next loop tries it again.
            if platform.lab.shell("m2", change).returncode == 0:
                changes.append(host)

    other = threading.Thread(target=label, daemon=True)
    other.start()
    try:
        run = platform.lab.run(*platform.arguments(RESTART))
        platform.lab.wait_for(run, "Wait until its container has ended", "start")
        second = platform.run(RESTART)
        code = run.finish()
    finally:
        stop.set()
        other.join()
    platform.lab.report(run, f"{RESTART}, with {len(changes)} label changes by another operator")
    assert second.code != 0
    assert "has the lock elk_elasticsearch-roll for a roll of Elasticsearch" in second.text
    assert moved(second) == []
    assert code == 0, run.text
    assert moved(Outcome(code, run.text))
    labels = platform.lab.read("m1", LABELLED).split()
    last = {host: number for number, host in enumerate(changes)}
    assert labels == [str(last[host]) for host in ("m1", "m2", "m3")]
    assert watch.faults == []
    platform.at_rest()


def test_the_leading_manager_dies_between_two_node_restarts(
    platform: Platform, watch: Watch
) -> None:
    leader = platform.lab.read("m1", "docker node ls --format '{{.Hostname}} {{.ManagerStatus}}'")
    assert "m1 Leader" in leader
    run = platform.lab.run(*platform.arguments(RESTART))
    try:
        platform.lab.wait_for(run, "Tell how it went", "start")
        watch.dead.add("m1")
        platform.lab.docker("kill", "m1")
        code = run.finish()
    finally:
        run.kill()
    platform.lab.report(run, f"{RESTART}, the leader died")
    first = moved(Outcome(code, run.text))
    assert code != 0
    assert "m1" in run.text.split("The run failed:")[-1]
    # No other node has been touched.
    assert len(first) == 1
    assert watch.faults == []

    # The cluster reports green until it misses the dead node.
    wait_for(lambda: platform.health()[1] == 2, 240, "two nodes")
    platform.lab.docker("start", "m1")
    wait_for(lambda: green(platform), 240, "three green nodes")
    watch.dead.clear()
    outcome = platform.run(RESTART)
    assert outcome.code == 0, outcome.output
    assert sorted([*first, *moved(outcome)]) == platform.hosts
    platform.at_rest()


def test_nothing_was_lost(platform: Platform) -> None:
    platform.end_load()
