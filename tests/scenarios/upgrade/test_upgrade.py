"""An upgrade under load, and what is refused before it. The tests build on each other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.harness.platform import LOCK, moved

if TYPE_CHECKING:
    from tests.harness.platform import Platform

OLD, NEW = "9.1.0", "9.2.4"


def test_the_platform_comes_up_in_the_older_version(platform: Platform) -> None:
    outcome = platform.run("site.yml", elk_version=OLD)
    assert outcome.code == 0, outcome.output
    assert {version for _id, version in platform.nodes().values()} == {OLD}
    platform.begin_load("m1")


def test_an_image_that_does_not_exist_is_refused_before_any_restart(platform: Platform) -> None:
    before = platform.containers()
    outcome = platform.run("playbooks/stack.yml", elk_version="9.2.99")
    assert outcome.code != 0
    assert "No node was touched." in outcome.text
    assert all(f"{host} cannot have the image" in outcome.text for host in platform.hosts)
    assert platform.containers() == before
    platform.at_rest()


def test_the_lock_of_another_operator_is_reported_with_its_owner(platform: Platform) -> None:
    before = platform.containers()
    holder = {"who": "eve@lap", "since": "2026-11-22T01:02:03Z", "run": "x", "purpose": "a roll"}
    platform.lab.read("m1", f"echo '{json.dumps(holder)}' | docker config create {LOCK} -")
    outcome = platform.run("playbooks/stack.yml", elk_version=NEW)
    assert outcome.code != 0
    assert f"eve@lap has the lock {LOCK} for a roll, since 2026-11-22T01:02:03Z" in outcome.text
    assert "elasticsearch_roll_unlock=true" in outcome.text
    assert platform.containers() == before
    # The lock of another operator stays until a run may release it, as in the next test.
    assert platform.locks()


def test_the_whole_stack_gets_a_new_version(platform: Platform) -> None:
    before, elected = platform.nodes(), platform.elected()
    outcome = platform.run("playbooks/upgrade.yml", elk_version=NEW, elasticsearch_roll_unlock=True)
    assert outcome.code == 0, outcome.output
    assert sorted(moved(outcome)) == sorted(platform.hosts)
    assert moved(outcome)[-1] == elected
    after = platform.nodes()
    assert {name: node for name, (node, _v) in after.items()} == {
        name: node for name, (node, _v) in before.items()
    }
    assert {version for _id, version in after.values()} == {NEW}
    images = platform.lab.read("m1", "docker service ls --format '{{.Image}}'")
    assert OLD not in images
    platform.at_rest()


def test_a_second_run_restarts_no_node(platform: Platform) -> None:
    outcome = platform.run("playbooks/upgrade.yml", elk_version=NEW)
    assert (outcome.code, outcome.changed, moved(outcome)) == (0, {}, []), outcome.output
    assert "No node moves: all run what the variables ask for." in outcome.text


def test_a_downgrade_is_refused(platform: Platform) -> None:
    before = platform.containers()
    for playbook in ("playbooks/stack.yml", "playbooks/rollback.yml"):
        outcome = platform.run(playbook, elk_version=OLD)
        assert outcome.code != 0
        assert f"{NEW} cannot become {OLD}" in outcome.text
        assert "Nothing was changed." in outcome.text
    assert platform.containers() == before
    platform.at_rest()


def test_nothing_was_lost(platform: Platform) -> None:
    platform.end_load()
