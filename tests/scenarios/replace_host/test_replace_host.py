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
    """Name, status and manager status of each node of the swarm."""
    return sorted(platform.docker_says("m1", NODES).splitlines())


def exclusions(platform: Patient) -> list[str]:
    """Settings and voting exclusions that keep shards or votes off nodes."""
    settings = [key for key in platform.settings() if "exclude" in key or "elk_" in key]
    return settings + platform.voting_exclusions()


def refused(platform: Patient, reason: str, **variables: Any) -> None:
    """The run reports the reason and changes nothing."""
    before = swarm(platform), platform.settings(), platform.nodes()
    outcome = platform.run(REPLACE, **variables)
    assert outcome.code != 0, outcome.output
    assert NOTHING_CHANGED in outcome.text
    assert reason in outcome.text
    assert (swarm(platform), platform.settings(), platform.nodes()) == before
    assert exclusions(platform) == []


def lose(platform: Patient, host: str) -> None:
    platform.lab.docker("kill", host)
    platform.without.add(host)


def in_the_cluster(platform: Patient) -> set[str]:
    """The nodes in the master's cluster state; dead nodes are not asked."""
    with platform.connect() as client:
        found = client.cluster.state(metric="nodes")["nodes"]
    return {one["name"] for one in found.values()}


def wait_until_missed(platform: Patient, host: str) -> None:
    platform.wait_until(
        f"the swarm misses {host}",
        120,
        lambda: any(line.split()[:2] == [host, "Down"] for line in swarm(platform)),
    )
    platform.wait_until(
        f"the cluster misses {host}", 180, lambda: host not in in_the_cluster(platform)
    )


def make_empty_host(platform: Patient, host: str) -> None:
    """Replace a dead machine by an empty one with the same name."""
    lab = platform.lab
    command = ["docker", "rm", "--volumes", lab.container(host)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    # The scenario's own command: it keeps hosts that exist and makes the missing one.
    shape = ["--hosts", str(len(lab.names)), "--managers", str(lab.state.managers), "--prepared"]
    subprocess.run(
        [sys.executable, "-m", "lab", "--state", str(lab.directory), "up", *shape],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    platform.without.remove(host)


def assert_replaced(platform: Patient) -> None:
    """The members are the hosts of the inventory, and every shard has its copies."""
    platform.at_rest()
    names = {line.split()[0] for line in swarm(platform)}
    assert names == set(platform.nodes()) == set(platform.hosts)
    assert all("Ready" in line for line in swarm(platform))
    assert exclusions(platform) == []
    assert platform.docker_says("m1", "docker node ls -q --filter node.label=elk.joining") == ""


def test_the_platform_comes_up_on_three_hosts(platform: Patient) -> None:
    platform.without = {"w2"}
    outcome = platform.run("site.yml")
    assert outcome.code == 0, outcome.output
    platform.begin_load("m1")


def test_the_lost_host_must_be_named(platform: Patient) -> None:
    refused(platform, "-e replace_dead=NAME")


def test_a_running_host_is_not_replaced(platform: Patient) -> None:
    platform.without = {"w1"}
    refused(platform, "The swarm sees w1 as ready", replace_dead="w1", replace_with="w2")


# -- a worker dies -------------------------------------------------------------------------------


def test_a_lost_host_must_not_be_in_the_inventory(platform: Patient) -> None:
    # For the next test, in which only ssh comes back.
    platform.lab.read("w1", "systemctl disable docker.service docker.socket")
    lose(platform, "w1")
    wait_until_missed(platform, "w1")
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


def test_check_mode_predicts_and_changes_nothing(platform: Patient) -> None:
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
    platform.lab.report(run, f"{REPLACE} until it was killed")
    assert not any(line.startswith("w1 ") for line in swarm(platform))
    outcome = platform.run(REPLACE, **variables)
    assert outcome.code == 0, outcome.output
    assert "w1 is replaced by w2" in outcome.text
    assert_replaced(platform)


def test_the_next_run_changes_nothing(platform: Patient) -> None:
    outcome = platform.run(REPLACE, replace_dead="w1", replace_with="w2")
    assert (outcome.code, outcome.changed) == (0, {}), outcome.output
    assert "The swarm has no node w1 to strike off" in outcome.text


def test_nothing_is_missing_so_far(platform: Patient) -> None:
    platform.end_load()
    # From here on the clients have the new host's address, as an operator's clients would. Of their
    # three old addresses, two will be dead and one will restart.
    platform.begin_load("m1")
    # Until the cluster is green, new documents may have only one copy.
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


def test_a_removed_host_is_refused_while_its_docker_is_in_a_swarm(platform: Patient) -> None:
    wait_until_missed(platform, "m2")
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


def test_an_empty_manager_replaces_the_dead_one_of_the_same_name(platform: Patient) -> None:
    make_empty_host(platform, "m2")
    outcome = platform.run(REPLACE, replace_dead="m2")
    assert outcome.code == 0, outcome.output
    assert "m2 is replaced by m2" in outcome.text
    assert_replaced(platform)
    assert "m2 Ready Reachable" in swarm(platform)
    reason = "if it is the new host of that name, it is in the platform already"
    refused(platform, reason, replace_dead="m2")


def test_nothing_is_missing(platform: Patient) -> None:
    platform.end_load()
