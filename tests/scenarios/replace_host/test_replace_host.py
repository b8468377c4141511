"""A worker and a manager die, and other hosts take their places. One story, in this order."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.harness.playbook import ROOT
from tests.scenarios.quorum.conftest import NODES

if TYPE_CHECKING:
    from tests.scenarios.quorum.conftest import Patient

REPLACE = "playbooks/replace_host.yml"
RECOVER = "playbooks/recover_quorum.yml"
NOTHING_CHANGED = "Nothing was changed."


def swarm(platform: Patient) -> list[str]:
    """Name, state and part of each node of the swarm."""
    return sorted(platform.docker_says("m1", NODES).splitlines())


def kept_off(platform: Patient) -> list[str]:
    """What keeps shards or votes off nodes."""
    settings = [key for key in platform.settings() if "exclude" in key or "elk_" in key]
    return settings + platform.votes_taken()


def refused(platform: Patient, reason: str, **variables: Any) -> None:
    """It says why, and changes nothing."""
    before = swarm(platform), platform.settings(), platform.nodes()
    outcome = platform.run(REPLACE, **variables)
    assert outcome.code != 0, outcome.output
    assert NOTHING_CHANGED in outcome.text
    assert reason in outcome.text
    assert (swarm(platform), platform.settings(), platform.nodes()) == before
    assert kept_off(platform) == []


def lose(platform: Patient, host: str) -> None:
    platform.lab.docker("kill", host)
    platform.without.add(host)


def in_the_cluster(platform: Patient) -> set[str]:
    """As the master has it: nodes that died are not asked."""
    with platform.connect() as client:
        found = client.cluster.state(metric="nodes")["nodes"]
    return {one["name"] for one in found.values()}


def missed(platform: Patient, host: str) -> None:
    platform.wait_until(
        f"the swarm misses {host}",
        120,
        lambda: any(line.split()[:2] == [host, "Down"] for line in swarm(platform)),
    )
    platform.wait_until(
        f"the cluster misses {host}", 180, lambda: host not in in_the_cluster(platform)
    )


def set_up_anew(platform: Patient, host: str) -> None:
    """Another machine under the name of one that is dead, with nothing of it."""
    lab = platform.lab
    command = ["docker", "rm", "--volumes", lab.container(host)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    # As the scenario brings it up: what stands is left alone, what is missing is made anew.
    shape = ["--hosts", str(len(lab.names)), "--managers", str(lab.state.managers), "--prepared"]
    subprocess.run(
        [sys.executable, "-m", "lab", "--state", str(lab.directory), "up", *shape],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    platform.without.remove(host)


def replaced(platform: Patient) -> None:
    """Every host of the inventory is in, and nobody else; every shard has its copies."""
    platform.at_rest()
    names = {line.split()[0] for line in swarm(platform)}
    assert names == set(platform.nodes()) == set(platform.hosts)
    assert all("Ready" in line for line in swarm(platform))
    assert kept_off(platform) == []
    assert platform.docker_says("m1", "docker node ls -q --filter node.label=elk.joining") == ""


def test_the_platform_comes_up_on_three_hosts(platform: Patient) -> None:
    platform.without = {"w2"}
    outcome = platform.run("site.yml")
    assert outcome.code == 0, outcome.output
    platform.begin_load("m1")


def test_who_is_lost_has_to_be_said(platform: Patient) -> None:
    refused(platform, "-e replace_dead=NAME")


def test_a_host_that_lives_is_not_replaced(platform: Patient) -> None:
    platform.without = {"w1"}
    refused(platform, "The swarm sees w1 as ready", replace_dead="w1", replace_with="w2")


# -- a worker dies -------------------------------------------------------------------------------


def test_a_lost_host_is_not_in_the_inventory(platform: Patient) -> None:
    # For the next test, in which only ssh comes back.
    platform.lab.read("w1", "systemctl disable docker.service docker.socket")
    lose(platform, "w1")
    missed(platform, "w1")
    platform.without = {"w2"}
    refused(platform, "w1 stands in the inventory and does not answer", replace_dead="w1")


def test_a_host_that_still_answers_is_not_replaced(platform: Patient) -> None:
    platform.lab.docker("start", "w1")
    platform.wait_until(
        "w1 answers to ssh",
        60,
        lambda: platform.lab.shell("w1", "systemctl is-active ssh").returncode == 0,
    )
    refused(platform, "its Docker was in a swarm before", replace_dead="w1")
    platform.without = {"w1"}
    refused(platform, "w1 still takes connections at", replace_dead="w1", replace_with="w2")
    platform.lab.docker("kill", "w1")


def test_a_check_tells_and_changes_nothing(platform: Patient) -> None:
    before = swarm(platform), platform.settings(), platform.nodes()
    outcome = platform.run(REPLACE, "--check", replace_dead="w1", replace_with="w2")
    assert outcome.code == 0, outcome.output
    assert "The replacement of w1:" in outcome.text
    assert "w2 takes its place" in outcome.text
    assert (swarm(platform), platform.settings(), platform.nodes()) == before


def test_a_replacement_that_was_killed_is_finished_by_the_next_run(platform: Patient) -> None:
    variables = {"replace_dead": "w1", "replace_with": "w2"}
    run = platform.lab.run(*platform.arguments(REPLACE, **variables))
    try:
        platform.lab.wait_for(run, "Strike it off the swarm's list", "changed")
    finally:
        run.kill()
    platform.lab.told(run, f"{REPLACE} until it was killed")
    assert not any(line.startswith("w1 ") for line in swarm(platform))
    outcome = platform.run(REPLACE, **variables)
    assert outcome.code == 0, outcome.output
    assert "w1 is replaced by w2" in outcome.text
    replaced(platform)


def test_the_next_run_changes_nothing(platform: Patient) -> None:
    outcome = platform.run(REPLACE, replace_dead="w1", replace_with="w2")
    assert (outcome.code, outcome.changed) == (0, {}), outcome.output
    assert "The swarm has no node w1 to strike off" in outcome.text


def test_nothing_is_missing_so_far(platform: Patient) -> None:
    platform.end_load()
    # From here on the clients have the new host's address, as an operator's have then. Of the three
    # that they had, two will be dead and one about to be restarted.
    platform.begin_load("m1")
    # What has been written a moment ago has its only copy where it was written.
    platform.wait_until("three green nodes", 60, lambda: platform.health() == ("green", 3))


# -- one of two managers dies --------------------------------------------------------------------


def test_a_lost_majority_is_recovered_first(platform: Patient) -> None:
    lose(platform, "m2")
    platform.wait_until("m1 has no majority", 60, lambda: not platform.docker_says("m1", NODES))
    outcome = platform.run(REPLACE, replace_dead="m2")
    assert outcome.code != 0
    assert NOTHING_CHANGED in outcome.text
    assert "playbooks/recover_quorum.yml -e swarm_lost=m2" in outcome.text
    platform.without.remove("m2")
    outcome = platform.run(RECOVER, swarm_lost="m2")
    assert outcome.code == 0, outcome.output
    platform.without.add("m2")


def test_a_host_that_was_struck_off_earlier_is_not_let_in_as_it_is(platform: Patient) -> None:
    missed(platform, "m2")
    platform.lab.docker("start", "w1")
    platform.without = {"m2"}
    platform.wait_until(
        "w1 answers to ssh",
        60,
        lambda: platform.lab.shell("w1", "systemctl is-active ssh").returncode == 0,
    )
    reason = "w1 answers, and its Docker was in a swarm before. Run docker swarm leave --force"
    refused(platform, reason, replace_dead="m2", replace_with="w1")
    platform.lab.docker("kill", "w1")
    platform.without = {"m2", "w1"}


def test_a_manager_that_was_set_up_anew_takes_its_own_place(platform: Patient) -> None:
    set_up_anew(platform, "m2")
    outcome = platform.run(REPLACE, replace_dead="m2")
    assert outcome.code == 0, outcome.output
    assert "m2 is replaced by m2" in outcome.text
    replaced(platform)
    assert "m2 Ready Reachable" in swarm(platform)
    refused(platform, "if it is the new host of that name, it is in already", replace_dead="m2")


def test_nothing_is_missing(platform: Patient) -> None:
    platform.end_load()
