"""The platform under load, its nodes, and playbook runs on it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from elasticsearch import Elasticsearch

from tests.harness.load import Load
from tests.harness.playbook import Outcome

if TYPE_CHECKING:
    from tests.harness.lab import Lab, Run

# Seconds for which a client waits for an answer. Its default of 10 s is too short on a busy
# machine, and with some requests Elasticsearch waits for 60 s.
REQUEST_TIMEOUT = 70
SERVICE = "elk_elasticsearch"
LOCK = f"{SERVICE}-roll"
# Options of a client for tests in which a host dies during a request. Without them the request ends
# with a time-out, even if other nodes can answer. If the elected master was on that host, it takes
# 95 s until other nodes take over its shards: 30 s until it counts as lost as a master, 30 s of
# further waiting, 30 s until it counts as lost as a node. A refused connection is an attempt too.
PATIENT = {"request_timeout": 10, "retry_on_timeout": True, "max_retries": 30}
MOVED = re.compile(r"([\w.-]+) \([^)]*\) moved: ")


def moved(outcome: Outcome) -> list[str]:
    """Names of the nodes that restarted in a run, in order."""
    return MOVED.findall(outcome.text)


@dataclass
class Platform:
    """The platform of one lab, seen through a client and through Docker."""

    lab: Lab
    load: Load | None = None
    # More options for the client, if its defaults are not enough.
    client: dict[str, Any] = field(default_factory=dict)
    # Variables of single hosts, in addition to the inventory of the lab.
    own: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Hosts of the lab that are not in the inventory.
    without: set[str] = field(default_factory=set)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        if self.load:
            self.load.stop()

    @property
    def hosts(self) -> list[str]:
        return [name for name in self.lab.names if name not in self.without]

    def connect_as(self, **login: Any) -> Elasticsearch:
        """The official client with the addresses of all nodes."""
        return Elasticsearch(
            [f"https://{self.lab.address(host)}:9200" for host in self.hosts],
            ca_certs=str(self.lab.kept("ca.crt")),
            **{"request_timeout": REQUEST_TIMEOUT, **login, **self.client},
        )

    def connect(self) -> Elasticsearch:
        return self.connect_as(basic_auth=("elastic", self.lab.secret("elastic_password")))

    def arguments(self, playbook: str, *options: str, **variables: Any) -> list[str]:
        more = self.lab.home / "own.json"
        more.write_text(json.dumps({"all": {"hosts": self.own}}))
        os.environ["ELK_LAB_WITHOUT"] = ",".join(sorted(self.without))
        return [f"--inventory={more}", f"--extra-vars={json.dumps(variables)}", *options, playbook]

    def run(self, playbook: str, *options: str, **variables: Any) -> Outcome:
        run = self.lab.run(*self.arguments(playbook, *options, **variables))
        code = run.finish()
        self.lab.report(
            run, " ".join([playbook, *options, str(variables or ""), str(self.own or "")])
        )
        return Outcome(code, run.text)

    def kill_in_the_second_turn(self, playbook: str, task: str, **variables: Any) -> Run:
        run = self.lab.run(*self.arguments(playbook, **variables))
        try:
            self.lab.wait_for(run, "Tell how it went", "start")
            self.lab.wait_for(run, task, "start")
        finally:
            run.kill()
        self.lab.report(run, f"{playbook} until it was killed")
        return run

    # -- load

    def begin_load(self, *hosts: str) -> None:
        """Start clients that write and search on all nodes, and send lines to hosts in turn."""
        self.load = Load(self.connect, [self.lab.address(host) for host in hosts])
        self.load.start()

    def end_load(self) -> None:
        """Stop the clients; check that no acknowledged document and no line is missing."""
        load = self.load
        assert load is not None
        load.stop()
        documents = load.missing_documents()
        lines, twice = load.missing_lines()
        with self.lab.shown():
            print(
                f"\nwrites {load.counts['write']}, searches {load.counts['search']} "
                f"({load.counts['search again']} repeated because their node left), slowest "
                f"{load.slowest:.1f} s; requests that failed: {len(load.failures)}; acknowledged "
                f"documents missing: {len(documents)} of {len(load.acknowledged)}; lines missing: "
                f"{len(lines)} of {load.lines}, {twice} found more than once, "
                f"{load.counts['connections']} connections"
            )
        assert load.lines > 0
        assert (load.failures, documents, lines) == ([], set(), set())

    # -- the current state

    def nodes(self) -> dict[str, tuple[str, str]]:
        """Id and version of each node of the cluster, by name."""
        with self.connect() as client:
            found = client.nodes.info(filter_path="nodes.*.name,nodes.*.version")["nodes"]
        return {one["name"]: (key, one["version"]) for key, one in found.items()}

    def containers(self) -> dict[str, str]:
        command = f"docker ps -q --no-trunc --filter name=^{SERVICE}"
        return {host: self.lab.read(host, command) for host in self.hosts}

    def elected(self) -> str:
        with self.connect() as client:
            return str(client.cat.master(format="json")[0]["node"])

    def health(self) -> tuple[str, int]:
        with self.connect() as client:
            health = client.cluster.health()
        return health["status"], health["number_of_nodes"]

    def settings(self) -> dict[str, Any]:
        with self.connect() as client:
            found: dict[str, Any] = client.cluster.get_settings(flat_settings=True)["persistent"]
        return found

    def locks(self) -> str:
        return self.lab.read("m1", f"docker config ls -q --filter name={LOCK}")

    def services(self) -> list[str]:
        names = self.lab.read("m1", "docker service ls --format '{{.Name}}'").split()
        return [name for name in names if name.startswith(SERVICE)]

    def at_rest(self) -> None:
        """A rolling restart has left nothing: no setting, no lock, no second service."""
        assert self.health() == ("green", len(self.hosts))
        assert not [name for name in self.settings() if "allocation.enable" in name]
        assert not [name for name in self.settings() if "elk_roll" in name]
        assert not self.locks()
        assert len(self.services()) == 1
