"""What fails or is killed in a roll, under load. The tests build on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.state import ELASTIC_VERSION
from tests.harness.platform import MOVED, moved

if TYPE_CHECKING:
    from tests.harness.platform import Platform

HEAP = "400m"


def test_the_platform_comes_up(platform: Platform) -> None:
    outcome = platform.run("site.yml")
    assert outcome.code == 0, outcome.output
    platform.begin_load("m1")


def test_a_logstash_that_does_not_start_is_rolled_back(platform: Platform) -> None:
    tasks = "docker service ps logshipper --filter desired-state=running"
    shown = f"{tasks} --format '{{{{.Node}}}} {{{{.Image}}}} {{{{.CurrentState}}}}'"
    spec = "docker service inspect --format '{{json .Spec.TaskTemplate.ContainerSpec}}' logshipper"

    def state() -> tuple[list[list[str]], str]:
        running = sorted(line.split()[:3] for line in platform.lab.read("m1", shown).splitlines())
        return running, platform.lab.read("m1", spec)

    before = state()
    # A new pipeline, whose tasks cannot start: one process is not enough for Logstash.
    wrong = {"logstash_syslog_timezone": "Europe/Berlin", "logstash_pids_limit": 1}
    outcome = platform.run("playbooks/stack.yml", **wrong)
    assert outcome.code != 0
    assert "Swarm has restored its previous specification, and its tasks run it." in outcome.text
    assert state() == before
    assert {status for _node, _image, status in before[0]} == {"Running"}
    # The only change is the removal of the pipeline that no task uses.
    outcome = platform.run("playbooks/stack.yml")
    assert (outcome.code, outcome.changed) == (0, {"m1": 1}), outcome.output
    assert state() == before


def test_a_refused_setting_stops_after_one_node_and_is_rolled_back(platform: Platform) -> None:
    """The setting of one host restarts that host's node, twice, and no other node."""
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
    image = f"{platform.lab.state.images_from}/kibana-stand-in:{ELASTIC_VERSION}"
    outcome = platform.run(
        "playbooks/stack.yml", elasticsearch_image=image, elasticsearch_join_timeout=30
    )
    assert outcome.code != 0
    assert "did not move, at" in outcome.text
    after = platform.containers()
    others = len(platform.hosts) - 1
    assert len([host for host in platform.hosts if after[host] == before[host]]) == others
    assert platform.health()[1] == others


def test_a_container_that_cannot_start_is_reported_with_the_daemons_reason(
    platform: Platform,
) -> None:
    """The same node again. The container that its daemon could not start stays on the host."""
    limits = [{"name": "nofile", "soft": 2**40, "hard": 2**40}]
    outcome = platform.run("playbooks/stack.yml", elasticsearch_ulimits=limits)
    assert outcome.code != 0
    assert "error setting rlimit" in outcome.text
    assert platform.health()[1] == len(platform.hosts) - 1


def test_another_heap_restarts_all_nodes_and_a_killed_run_is_resumed(platform: Platform) -> None:
    """The run begins with the node that the test before has stopped."""
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
