"""Hosts are added and removed under load. One story, in the order of this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.harness.platform import Platform

ADD, REMOVE = "playbooks/add_host.yml", "playbooks/remove_host.yml"
WIDE = "wide"
DATA = "/srv/elk/elasticsearch"


def members(platform: Platform) -> dict[str, str]:
    """Role of each node of the swarm, by name."""
    listed = platform.lab.read(
        "m1",
        "docker node ls -q | xargs docker node inspect "
        "--format '{{.Description.Hostname}} {{.Spec.Role}}'",
    )
    return dict(line.split() for line in listed.splitlines())


def excluded(platform: Platform) -> list[str]:
    """Settings and voting exclusions that keep shards or votes off nodes."""
    with platform.connect() as client:
        state = client.cluster.state(metric="metadata", filter_path="metadata.cluster_coordination")
    votes = state["metadata"]["cluster_coordination"]["voting_config_exclusions"]
    settings = [key for key in platform.settings() if "exclude" in key or "elk_leave" in key]
    return settings + [one["node_name"] for one in votes]


def at_rest(platform: Platform) -> None:
    platform.at_rest()
    assert set(platform.nodes()) == set(members(platform)) == set(platform.hosts)
    assert excluded(platform) == []
    labels = platform.lab.read("m1", "docker node ls -q --filter node.label=elk.joining")
    assert labels == ""


def changes_nothing(platform: Platform, playbook: str, **variables: Any) -> str:
    outcome = platform.run(playbook, **variables)
    assert (outcome.code, outcome.changed) == (0, {}), outcome.output
    return outcome.text


def refused(platform: Platform, playbook: str, reason: str, **variables: Any) -> None:
    """The run reports the reason and changes nothing."""
    before = platform.containers(), platform.settings(), members(platform)
    outcome = platform.run(playbook, **variables)
    assert outcome.code != 0, outcome.output
    assert "Nothing was changed." in outcome.text
    assert reason in outcome.text
    assert (platform.containers(), platform.settings(), members(platform)) == before
    assert excluded(platform) == []


# -- a worker is added and removed ---------------------------------------------------------------


def test_the_platform_comes_up_on_three_hosts(platform: Platform) -> None:
    platform.without = {"w2"}
    outcome = platform.run("site.yml")
    assert outcome.code == 0, outcome.output
    platform.begin_load("m1")


def test_a_new_host_joins_and_no_node_restarts(platform: Platform) -> None:
    before = platform.containers()
    platform.without = set()
    outcome = platform.run(ADD)
    assert "New are w2." in outcome.text
    assert outcome.code == 0, outcome.output
    assert "w2 is in the platform now" in outcome.text
    after = platform.containers()
    assert {host: after[host] for host in before} == before
    at_rest(platform)
    assert "No host of the inventory is new" in changes_nothing(platform, ADD)


def test_a_removal_that_would_lose_copies_is_refused(platform: Platform) -> None:
    with platform.connect() as client:
        client.indices.create(index=WIDE, settings={"number_of_shards": 1, "number_of_replicas": 3})
        client.cluster.health(index=WIDE, wait_for_status="green", timeout="60s")
    refused(platform, REMOVE, f"{WIDE} has 4 copies of each shard", remove_host="w2")
    with platform.connect() as client:
        client.indices.delete(index=WIDE)


def test_the_removal_of_the_last_host_of_logstash_is_refused(platform: Platform) -> None:
    only = {"elk_logstash_hosts": ["w2"]}
    reason = "without w2 0 host(s) may run it"
    refused(platform, REMOVE, reason, remove_host="w2", **only)


def test_check_mode_predicts_a_removal_and_changes_nothing(platform: Platform) -> None:
    before = platform.containers(), platform.settings(), members(platform)
    outcome = platform.run(REMOVE, "--check", remove_host="w2")
    assert outcome.code == 0, outcome.output
    assert "The removal of w2" in outcome.text
    assert (platform.containers(), platform.settings(), members(platform)) == before
    at_rest(platform)


def test_a_removal_that_was_killed_is_finished_by_the_next_run(platform: Platform) -> None:
    run = platform.lab.run(*platform.arguments(REMOVE, remove_host="w2"))
    try:
        platform.lab.wait_for(run, "Wait until it has no shard", "start")
    finally:
        run.kill()
    platform.lab.report(run, f"{REMOVE} until it was killed")
    assert len(excluded(platform)) == 2
    assert platform.locks()
    outcome = platform.run(REMOVE, remove_host="w2")
    assert outcome.code == 0, outcome.output
    assert "What is left of the removal of w2" in outcome.text
    assert "Now take it out of the inventory" in outcome.text
    assert platform.lab.read("w2", "docker info --format '{{.Swarm.LocalNodeState}}'") == "inactive"
    assert platform.lab.read("w2", f"ls -d {DATA}") == DATA
    assert "is neither in the swarm nor in the cluster" in changes_nothing(
        platform, REMOVE, remove_host="w2"
    )
    platform.without = {"w2"}
    at_rest(platform)


def test_a_run_without_it_in_the_inventory_changes_nothing(platform: Platform) -> None:
    changes_nothing(platform, "site.yml")


# -- a manager is removed and added --------------------------------------------------------------


def test_a_manager_is_removed_and_added_again(platform: Platform) -> None:
    outcome = platform.run(REMOVE, remove_host="m2")
    assert outcome.code == 0, outcome.output
    platform.without = {"m2", "w2"}
    at_rest(platform)
    platform.without = {"w2"}
    outcome = platform.run(ADD)
    assert outcome.code == 0, outcome.output
    assert members(platform)["m2"] == "manager"
    at_rest(platform)


def test_nothing_was_lost_while_hosts_were_added_and_removed(platform: Platform) -> None:
    platform.end_load()
