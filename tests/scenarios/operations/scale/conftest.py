"""What the tests of scaling share: the platform, its playbooks, and one story for all of them."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from server_name import kibana_context
from tests.harness.playbook import Outcome, playbook_command, playbook_environment
from tests.harness.processes import kill_all
from tests.harness.wait import wait_for
from tests.scenarios.operations.scale.flow import Sender, Stream, Visitor
from tests.scenarios.shared.conftest import ROOT, Platform, client, platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticsearch import Elasticsearch

__all__ = ["client", "platform"]

# Lines a second over each connection.
RATE = 40.0
PATIENCE = 400
# Runs in one container: its connections to Elasticsearch then fail at once.
CUT = "iptables -A OUTPUT -p tcp --dport 9200 -j REJECT --reject-with tcp-reset"


class Run(Outcome):
    """How a run of a playbook ended, and what it did."""

    @property
    def changed_tasks(self) -> list[str]:
        """Names of the tasks that changed something, or would."""
        found: list[str] = []
        task = ""
        for line in self.output.splitlines():
            if head := re.match(r"TASK \[(?:elk\.swarm\.)?(.*?)\] \*", line):
                task = head[1]
            elif line.startswith("changed: ") and task not in found:
                found.append(task)
        return found


@dataclass
class Stage:
    """The lab while lines flow to it."""

    platform: Platform
    client: Elasticsearch
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    senders: dict[str, Sender] = field(default_factory=dict)
    visitors: dict[str, Visitor] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    # -- hosts

    def on_host(self, host: str, command: str) -> str:
        known = self.platform.groups["_meta"]["hostvars"][host]
        words = [
            "ssh",
            "-i",
            known["ansible_ssh_private_key_file"],
            *shlex.split(known["ansible_ssh_common_args"]),
            f"{known['ansible_user']}@{known['ansible_host']}",
            f"sudo sh -c {shlex.quote(command)}",
        ]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{host}: {command}: {done.stderr}"
        return done.stdout.strip()

    def containers(self, service: str) -> dict[str, str]:
        """Host to id of the container of a service that runs there."""
        command = f"docker ps -q --no-trunc --filter label=com.docker.swarm.service.name={service}"
        found = {host: self.on_host(host, command) for host in self.platform.hosts}
        return {host: container for host, container in found.items() if container}

    def labels(self, label: str) -> set[str]:
        listed = self.on_host(
            self.platform.managers[0],
            f"docker node ls -q --filter node.label={label} "
            "| xargs -r docker node inspect --format '{{.Description.Hostname}}'",
        )
        return set(listed.split())

    # -- playbooks

    def scale(
        self, name: str, *options: str, playbook: str = "scale.yml", kill_at: str = ""
    ) -> Run:
        """Run the playbook; with ``kill_at`` kill it as soon as a line matches."""
        begun = time.monotonic()
        lines: list[str] = []
        with subprocess.Popen(
            playbook_command("--inventory=inventories/lab", f"playbooks/{playbook}", *options),
            cwd=ROOT,
            env=playbook_environment(PYTHONUNBUFFERED="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            killed = False
            task = ""
            for line in process.stdout:
                lines.append(line)
                if line.startswith("TASK ["):
                    task = line
                if kill_at and not killed and re.search(kill_at, f"{task.strip()} {line}"):
                    kill_all(process.pid)
                    killed = True
                if time.monotonic() - begun > PATIENCE:
                    kill_all(process.pid)
                    raise AssertionError("".join(lines))
        assert killed == bool(kill_at), f"{kill_at} was never seen:\n{''.join(lines)}"
        self.runs[name] = Run(process.returncode, "".join(lines), time.monotonic() - begun)
        # pytest shows this when a test fails.
        print(f"--- {name}\n{self.runs[name].output}")
        return self.runs[name]

    # -- lines

    def send_to(self, host: str) -> Sender:
        sender = Sender(host, self.platform.address(host), self.run, RATE)
        self.senders[host] = sender
        sender.start()
        return sender

    def visit(self, host: str) -> Visitor:
        url = f"https://{self.platform.address(host)}:5601/api/status"
        context = kibana_context(self.platform.ca)
        self.visitors[host] = Visitor(host, url, context)
        self.visitors[host].start()
        return self.visitors[host]

    @property
    def streams(self) -> list[Stream]:
        return [stream for sender in self.senders.values() for stream in sender.streams]

    def count(self) -> int:
        self.client.indices.refresh(index="syslog-msg")
        query = {"match_phrase": {"message": self.run}}
        return int(self.client.count(index="syslog-msg", query=query)["count"])

    def collect(self) -> Counter[str]:
        """How often each line is in the index."""
        # Wait until no new line has arrived for 3 seconds.
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < 3:
            now = self.count()
            if now != seen:
                seen, since = now, time.monotonic()
            time.sleep(0.5)
        from elasticsearch import helpers

        found: Counter[str] = Counter()
        query = {"query": {"match_phrase": {"message": self.run}}, "_source": ["message"]}
        for hit in helpers.scan(self.client, index="syslog-msg", query=query, size=5000):
            found[hit["_source"]["message"].split(" ", 1)[1]] += 1
        return found


@pytest.fixture(scope="session")
def stage(platform: Platform, client: Elasticsearch) -> Iterator[Stage]:
    stage = Stage(platform, client)
    yield stage
    for one in [*stage.senders.values(), *stage.visitors.values()]:
        one.stop()


@pytest.fixture(scope="session")
def story(stage: Stage) -> Stage:
    """2 -> 3 -> 2 -> 3 -> 2 -> 3 under a flow of lines; the tests check the result."""
    first, second, third = stage.platform.hosts
    facts = stage.facts
    facts["at first"] = stage.containers("logshipper")
    assert set(facts["at first"]) == {first, second}
    (kibana,) = stage.containers("kibana")
    facts["kibana at first"] = kibana
    for host in (first, second, third):
        stage.send_to(host)
    stage.visit(kibana)
    wait_for(lambda: stage.count() > 50, 60, "lines in the index")

    out = ("-e", "logstash_replicas=3", "-e", "kibana_replicas=2")
    stage.scale("out, killed", *out, kill_at=r"Label the hosts of Logstash.*changed: \[")
    facts["labelled after the kill"] = stage.labels("elk.logstash")
    stage.scale("out", *out)
    facts["scaled out"] = stage.containers("logshipper")
    facts["kibana scaled out"] = set(stage.containers("kibana"))
    stage.scale("out again", *out)
    wait_for(lambda: stage.senders[third].streams, 60, "a connection to the third")
    mark = stage.senders[third].streams[0]
    wait_for(lambda: mark.sent > 100, 60, "lines to the third")

    stage.scale("in, checked", "--check")
    facts["after the check"] = stage.containers("logshipper")
    assert not mark.broken
    stage.scale("in")
    facts["scaled in"] = stage.containers("logshipper")
    facts["labelled in"] = stage.labels("elk.logstash")
    facts["kibana scaled in"] = set(stage.containers("kibana"))
    facts["first stream of the third"] = mark
    facts["streams of the third"] = len(stage.senders[third].streams)

    leave_events_behind(stage, third)

    for one in [*stage.senders.values(), *stage.visitors.values()]:
        one.stop()
    facts["found"] = stage.collect()
    return stage


def leave_events_behind(stage: Stage, host: str) -> None:
    """Remove a task whose queue cannot be drained, because it does not reach Elasticsearch."""
    facts = stage.facts
    stage.scale("out for the second time", "-e", "logstash_replicas=3")
    wait_for(lambda: len(stage.senders[host].streams) > 1, 60, "a second connection")
    container = stage.containers("logshipper")[host]
    stage.on_host(
        host, f"nsenter -n -t $(docker inspect -f '{{{{.State.Pid}}}}' {container}) {CUT}"
    )
    stage.scale("in, refused", "-e", "logstash_drain_timeout=4")
    facts["after the refusal"] = stage.containers("logshipper")
    allowed = ("-e", "logstash_leave_undrained=true")
    removal = r"Remove the labels from hosts that lose Logstash.*changed: \["
    stage.scale("in, killed", *allowed, kill_at=removal)
    stage.scale("in, undrained", *allowed)
    facts["left behind"] = stage.containers("logshipper")
    # site.yml does the same when the number of replicas changes.
    out = ("-e", "logstash_replicas=3")
    stage.scale("out by the stack's own playbook", *out, playbook="stack.yml")
    wait_for(lambda: len(stage.senders[host].streams) > 2, 60, "a third connection")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    from tests.scenarios.operations.scale.test_scale import TABLE

    for line in TABLE:
        terminalreporter.write_line(line)
