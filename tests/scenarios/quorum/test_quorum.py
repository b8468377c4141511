"""Each of two managers is lost, and the other rebuilds the quorum. One story, in this order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.scenarios.quorum.conftest import NODES, SURVIVING, Watch

if TYPE_CHECKING:
    from tests.scenarios.quorum.conftest import Patient

RECOVER = "playbooks/recover_quorum.yml"
NOTHING_CHANGED = "Nothing was changed."


def lose(platform: Patient, host: str) -> None:
    platform.lab.docker("kill", host)
    survivor = next(name for name in ("m1", "m2") if name != host)
    platform.wait_until(
        f"{survivor} has no majority after {host} died",
        60,
        lambda: not platform.docker_says(survivor, "docker node ls"),
    )


def assert_recovered(platform: Patient, survivor: str, state: str, seen: Any) -> None:
    """One manager leads the swarm, and everything else is as before."""
    assert f"{survivor} Ready Leader" in platform.docker_says(survivor, NODES)
    assert platform.docker_says(survivor, SURVIVING) == state
    assert platform.health() == ("green", 2)
    assert platform.voting_exclusions() == []
    assert "red" not in seen


def test_the_platform_comes_up(platform: Patient) -> None:
    outcome = platform.run("site.yml")
    assert outcome.code == 0, outcome.output
    platform.begin_load(*platform.hosts)


def test_the_lost_manager_must_be_named(platform: Patient) -> None:
    for variables in ({}, {"swarm_lost": "m7"}, {"swarm_lost": "w1"}):
        outcome = platform.run(RECOVER, **variables)
        assert outcome.code != 0
        assert "-e swarm_lost=m1" in outcome.text


def test_nothing_is_forced_while_there_is_a_majority(platform: Patient) -> None:
    before = platform.containers()
    outcome = platform.run(RECOVER, swarm_lost="m1")
    assert outcome.code == 0, outcome.output
    assert "m2 reaches a majority of the managers: nothing is forced." in outcome.text
    assert outcome.changed == {}
    assert platform.containers() == before


def test_a_host_that_answers_is_not_lost(platform: Patient) -> None:
    platform.lab.read("m1", "systemctl stop docker.socket docker")
    try:
        platform.wait_until(
            "m2 has no majority", 60, lambda: not platform.docker_says("m2", "docker node ls")
        )
        outcome = platform.run(RECOVER, swarm_lost="m1")
    finally:
        platform.lab.read("m1", "systemctl start docker")
    assert outcome.code != 0
    assert f"{NOTHING_CHANGED} m1 answers, so it is not lost." in outcome.text
    platform.wait_until("three green nodes", 180, lambda: platform.health() == ("green", 3))


def test_the_second_manager_rebuilds_the_quorum(platform: Patient) -> None:
    state = platform.docker_says("m2", SURVIVING)
    lose(platform, "m1")
    with Watch(platform) as watch:
        checked = platform.run(RECOVER, "--check", swarm_lost="m1")
        assert checked.code == 0, checked.output
        assert "It would carry on alone" in checked.text
        assert not platform.docker_says("m2", "docker node ls")
        outcome = platform.run(RECOVER, swarm_lost="m1")
        assert outcome.code == 0, outcome.output
    assert_recovered(platform, "m2", state, watch.seen)
    again = platform.run(RECOVER, swarm_lost="m1")
    assert again.code == 0, again.output
    assert again.changed == {}


def test_the_dead_manager_is_a_manager_again_after_its_start(platform: Patient) -> None:
    platform.lab.docker("start", "m1")
    platform.wait_until(
        "m1 is a manager again",
        180,
        lambda: "m1 Ready Reachable" in platform.docker_says("m2", NODES),
    )
    platform.wait_until("three green nodes", 180, lambda: platform.health() == ("green", 3))
    outcome = platform.run("playbooks/cluster.yml")
    assert outcome.code == 0, outcome.output
    assert outcome.changed == {}


def test_a_run_that_was_killed_is_finished_by_the_next(platform: Patient) -> None:
    state = platform.docker_says("m1", SURVIVING)
    lose(platform, "m2")
    with Watch(platform) as watch:
        run = platform.lab.run(*platform.arguments(RECOVER, swarm_lost="m2"))
        try:
            platform.lab.wait_for(run, "Make this manager the only one", "changed")
        finally:
            run.kill()
        outcome = platform.run(RECOVER, swarm_lost="m2")
        assert outcome.code == 0, outcome.output
        assert "m1 reaches a majority of the managers: nothing is forced." in outcome.text
    assert_recovered(platform, "m1", state, watch.seen)
    platform.lab.docker("start", "m2")
    platform.wait_until("three green nodes", 180, lambda: platform.health() == ("green", 3))


def test_nothing_is_missing(platform: Patient) -> None:
    platform.end_load()
