"""Everything that restarts Elasticsearch, under load. One story, in the order of this file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.harness.platform import LOCK, MOVED, moved

if TYPE_CHECKING:
    from tests.harness.platform import Platform

OLD, NEW = "9.1.0", "9.2.4"
HEAP = "400m"


def test_the_platform_comes_up_in_the_older_version(platform: Platform) -> None:
    outcome = platform.run("site.yml", elk_version=OLD)
    assert outcome.code == 0, outcome.output
    assert {version for _id, version in platform.nodes().values()} == {OLD}
    platform.begin_load("m1")


def test_an_image_that_does_not_exist_is_refused_before_anything_moves(platform: Platform) -> None:
    before = platform.containers()
    outcome = platform.run("playbooks/stack.yml", elk_version="9.2.99")
    assert outcome.code != 0
    assert "No node was touched." in outcome.text
    assert all(f"{host} cannot have the image" in outcome.text for host in platform.hosts)
    assert platform.containers() == before
    platform.at_rest()


def test_the_roll_of_another_operator_is_told_by_name(platform: Platform) -> None:
    before = platform.containers()
    holder = {"who": "eve@lap", "since": "2026-11-22T01:02:03Z", "run": "x", "purpose": "a roll"}
    platform.lab.read("m1", f"echo '{json.dumps(holder)}' | docker config create {LOCK} -")
    outcome = platform.run("playbooks/stack.yml", elk_version=NEW)
    assert outcome.code != 0
    assert f"eve@lap has the lock {LOCK} for a roll, since 2026-11-22T01:02:03Z" in outcome.text
    assert "elasticsearch_roll_unlock=true" in outcome.text
    assert platform.containers() == before
    # The lock stays, because it belongs to somebody else, until somebody says so: the next test.
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


def test_a_second_run_moves_none(platform: Platform) -> None:
    outcome = platform.run("playbooks/upgrade.yml", elk_version=NEW)
    assert (outcome.code, outcome.changed, moved(outcome)) == (0, {}, []), outcome.output
    assert "No node moves: all run what the variables ask for." in outcome.text


def test_no_way_leads_back_to_an_older_version(platform: Platform) -> None:
    before = platform.containers()
    for playbook in ("playbooks/stack.yml", "playbooks/rollback.yml"):
        outcome = platform.run(playbook, elk_version=OLD)
        assert outcome.code != 0
        assert f"{NEW} cannot become {OLD}" in outcome.text
        assert "Nothing was changed." in outcome.text
    assert platform.containers() == before
    platform.at_rest()


def test_a_logstash_that_does_not_start_is_put_back(platform: Platform) -> None:
    tasks = "docker service ps logshipper --filter desired-state=running"
    shown = f"{tasks} --format '{{{{.Node}}}} {{{{.Image}}}} {{{{.CurrentState}}}}'"
    asked = "docker service inspect --format '{{json .Spec.TaskTemplate.ContainerSpec}}' logshipper"

    def stands() -> tuple[list[list[str]], str]:
        running = sorted(line.split()[:3] for line in platform.lab.read("m1", shown).splitlines())
        return running, platform.lab.read("m1", asked)

    before = stands()
    outcome = platform.run("playbooks/stack.yml", logstash_syslog_timezone="Mars/Phobos")
    assert outcome.code != 0
    assert "Swarm has put its former specification back, and its tasks run that." in outcome.text
    assert stands() == before
    assert {state for _node, _image, state in before[0]} == {"Running"}
    # The pipeline that nobody runs goes, and that is all.
    outcome = platform.run("playbooks/stack.yml")
    assert (outcome.code, outcome.changed) == (0, {"m1": 1}), outcome.output
    assert stands() == before


def test_a_setting_that_is_refused_stops_after_one_node_and_is_put_back(platform: Platform) -> None:
    """The setting of one host moves that host's node, there and back, and no other."""
    before = platform.containers()
    platform.own = {"w1": {"elasticsearch_settings": {"no.such.setting": True}}}
    outcome = platform.run("playbooks/stack.yml")
    assert outcome.code != 0
    assert 'w1 did not move, at "' in outcome.text
    assert "no.such.setting" in outcome.text
    assert "Shards may move again." in outcome.text
    after = platform.containers()
    del before["w1"], after["w1"]
    assert after == before
    assert not [name for name in platform.settings() if "allocation.enable" in name]
    assert not platform.locks()

    platform.own = {}
    outcome = platform.run("playbooks/rollback.yml")
    assert outcome.code == 0, outcome.output
    assert moved(outcome) == ["w1"]
    platform.at_rest()


def test_an_image_that_does_not_start_stops_after_one_node(platform: Platform) -> None:
    before = platform.containers()
    image = f"{platform.lab.state.images_from}/kibana-stand-in:{NEW}"
    outcome = platform.run(
        "playbooks/stack.yml", elasticsearch_image=image, elasticsearch_join_timeout=30
    )
    assert outcome.code != 0
    assert "did not move, at" in outcome.text
    after = platform.containers()
    others = len(platform.hosts) - 1
    assert len([host for host in platform.hosts if after[host] == before[host]]) == others
    assert platform.health()[1] == others


def test_a_container_that_cannot_be_started_is_told_with_the_daemons_reason(
    platform: Platform,
) -> None:
    """The same node once more. What its daemon made and could not start lies there from now on."""
    limits = [{"name": "nofile", "soft": 2**40, "hard": 2**40}]
    outcome = platform.run("playbooks/stack.yml", elasticsearch_ulimits=limits)
    assert outcome.code != 0
    assert "error setting rlimit" in outcome.text
    assert platform.health()[1] == len(platform.hosts) - 1


def test_another_heap_moves_all_and_a_killed_run_is_gone_on_with(platform: Platform) -> None:
    """It begins with the node that the test before has left behind."""
    run = platform.kill_in_the_second_turn(
        "playbooks/stack.yml", "Wait until its container has ended", elasticsearch_heap=HEAP
    )
    (first,) = MOVED.findall(" ".join(run.text.split()))
    assert platform.locks()
    outcome = platform.run("site.yml", elasticsearch_heap=HEAP)
    assert outcome.code == 0, outcome.output
    assert sorted([first, *moved(outcome)]) == sorted(platform.hosts)
    for host in platform.hosts:
        assert f"-Xmx{HEAP}" in platform.lab.read(host, "cat /etc/elk/elasticsearch/jvm.options")
    platform.at_rest()


def test_nothing_was_lost(platform: Platform) -> None:
    platform.end_load()
