"""Scaling under load: tasks that stay lose no line, queues are drained, losses are reported."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.scenarios.operations.scale.conftest import RATE

if TYPE_CHECKING:
    from collections import Counter

    from tests.scenarios.operations.scale.conftest import Stage
    from tests.scenarios.operations.scale.flow import Stream

# Printed at the end of the run.
TABLE: list[str] = []


def account(stream: Stream, found: Counter[str]) -> tuple[list[int], int]:
    """Lines of a stream that are missing, and how many came more than once."""
    counts = [found[f"{stream.name} {number}"] for number in range(stream.sent)]
    missing = [number for number, count in enumerate(counts) if count == 0]
    return missing, sum(1 for count in counts if count > 1)


def test_lines_on_connections_to_tasks_that_stay_are_found_each_once(story: Stage) -> None:
    first, second, _third = story.platform.hosts
    found = story.facts["found"]
    for host in (first, second):
        (stream,) = story.senders[host].streams
        assert not stream.broken, "the connection lasted from the beginning to the end"
        assert stream.sent > 1000
        assert account(stream, found) == ([], 0)


def test_lines_that_the_removed_task_has_read_are_found(story: Stage) -> None:
    """Only the end of a stream may be missing: lines written after the task stopped reading."""
    _first, _second, third = story.platform.hosts
    first, without_elasticsearch, last = story.senders[third].streams
    # Logstash reads no more and leaves its connections open for some seconds. Without Elasticsearch
    # its stop makes no progress and is forced after 20 seconds.
    for stream, seconds in ((first, 4), (without_elasticsearch, 4 + 20), (last, 0)):
        missing, _twice = account(stream, story.facts["found"])
        assert missing == list(range(stream.sent - len(missing), stream.sent)), stream
        assert len(missing) <= seconds * RATE, stream


def test_the_removed_task_closes_its_connection(story: Stage) -> None:
    stream = story.facts["first stream of the third"]
    assert stream.broken
    assert story.facts["streams of the third"] == 1, "nothing answers there any more"


def test_its_queue_is_drained_and_lost_bytes_are_reported(story: Stage) -> None:
    run = story.runs["in"]
    third = story.platform.hosts[2]
    assert run.code == 0, run.output
    report = re.search(
        rf"{third}: 1 connection over TCP was open when Logstash closed its port. (\d+) bytes? lay "
        r"unread in it and are lost\..*? Its queue is drained\.",
        run.text,
    )
    assert report, run.text[-3000:]
    story.facts["unread"] = int(report[1])


def test_a_new_host_takes_lines_and_the_other_tasks_keep_running(story: Stage) -> None:
    at_first, out = story.facts["at first"], story.facts["scaled out"]
    assert set(out) == set(story.platform.hosts)
    assert {host: out[host] for host in at_first} == at_first
    assert story.facts["scaled in"] == at_first
    assert story.facts["labelled in"] == set(at_first)


def test_a_run_that_was_killed_is_finished_by_the_next(story: Stage) -> None:
    assert story.runs["out, killed"].code != 0
    assert story.facts["labelled after the kill"] == set(story.platform.hosts)
    assert story.runs["out"].code == 0, story.runs["out"].output
    assert story.runs["in, killed"].code != 0
    assert story.runs["in, undrained"].code == 0, story.runs["in, undrained"].output
    assert set(story.facts["left behind"]) == set(story.facts["at first"])


def test_a_second_run_changes_nothing(story: Stage) -> None:
    run = story.runs["out again"]
    assert run.code == 0, run.output
    assert run.changed == {}, run.output


def test_check_mode_predicts_a_run_and_changes_nothing(story: Stage) -> None:
    checked, real = story.runs["in, checked"], story.runs["in"]
    assert checked.code == 0, checked.output
    assert checked.changed_tasks == real.changed_tasks
    assert any("Remove the labels" in task for task in checked.changed_tasks)
    assert story.facts["after the check"] == story.facts["scaled out"]


def test_a_queue_that_cannot_be_drained_blocks_scaling_in(story: Stage) -> None:
    run = story.runs["in, refused"]
    assert run.code != 0
    said = r"The queue of logshipper on \S+ holds \d+ events \(Elasticsearch does not answer"
    assert re.search(said, run.text), run.output
    assert "logstash_leave_undrained" in run.text
    assert set(story.facts["after the refusal"]) == set(story.platform.hosts)
    assert run.changed == {}


def test_events_that_were_left_behind_are_reported_and_sent_later(story: Stage) -> None:
    third = story.platform.hosts[2]
    report = re.search(rf"{third} holds (\d+) event\(s\)", story.runs["in, undrained"].text)
    assert report, story.runs["in, undrained"].output
    story.facts["left"] = int(report[1])
    assert story.facts["left"] > 0
    assert "-e logstash_replicas=3" in story.runs["in, undrained"].text
    run = story.runs["out by the stack's own playbook"]
    assert run.code == 0, run.output
    assert f"{third} holds" not in run.text


def test_kibana_that_stays_never_fails(story: Stage) -> None:
    host = story.facts["kibana at first"]
    assert len(story.facts["kibana scaled out"]) == 2
    assert story.facts["kibana scaled in"] == {host}
    assert len(story.visitors[host].answers) > 100
    assert story.visitors[host].failures == []


def test_the_numbers_are_printed(story: Stage) -> None:
    found = story.facts["found"]
    TABLE.append("")
    TABLE.append("connection     sent   found    lost   twice  ended by")
    for stream in story.streams:
        missing, twice = account(stream, found)
        row = f"{stream.sent:8} {stream.sent - len(missing):7} {len(missing):7} {twice:7}"
        TABLE.append(f"{stream.name:10} {row}  {stream.broken or 'the test'}")
    TABLE.append(
        f"reported at the end of a task: {story.facts['unread']} bytes unread in 1 connection; "
        f"left behind and sent later: {story.facts['left']} events"
    )
    for host, visitor in story.visitors.items():
        requests, failed = len(visitor.answers), len(visitor.failures)
        TABLE.append(f"Kibana (a stand-in) on {host}: {requests} requests, {failed} failed")
    TABLE.append("")
    for name, run in story.runs.items():
        TABLE.append(f"{name:32} {run.seconds:6.1f} s  changed={sum(run.changed.values())}")
    assert len(TABLE) > len(story.runs)
