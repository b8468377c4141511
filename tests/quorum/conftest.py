"""The platform while a manager is lost, under load."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from elasticsearch import ApiError, Elasticsearch, TransportError

from tests.interrupted.conftest import lab
from tests.under_load.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["lab"]

NODES = "docker node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}'"
# Of everything that has to outlive the loss of a manager.
KEPT = (
    "docker service ls -q | sort; docker network ls -q --no-trunc --filter driver=overlay | sort;"
    " for node in $(docker node ls -q | sort); do"
    " docker node inspect --format '{{.ID}} {{json .Spec.Labels}}' $node; done"
)


class Patient(Platform):
    """A platform whose clients try again when a host dies in the middle of a request.

    Without that option a request that a dead host has taken ends as a time-out, whatever the others
    could have answered. If it had the elected master, 95 s go by until its shards are taken over:
    30 until it is missed as a master, 30 in which it is waited for once more, 30 until it is missed
    as a node.
    """

    def connect(self) -> Elasticsearch:
        return Elasticsearch(
            [f"https://{self.lab.address(host)}:9200" for host in self.hosts],
            ca_certs=str(self.lab.kept("ca.crt")),
            basic_auth=("elastic", self.lab.secret("elastic_password")),
            retry_on_timeout=True,
            max_retries=12,
        )

    def votes_taken(self) -> list[str]:
        """Names of the nodes that must not vote on who is master."""
        with self.connect() as client:
            state = client.cluster.state(metric="metadata")["metadata"]["cluster_coordination"]
        return [one["node_name"] for one in state["voting_config_exclusions"]]

    def docker_says(self, host: str, command: str) -> str:
        """What a command prints, empty when there is no majority to answer."""
        done = self.lab.shell(host, f"timeout 20 bash -c {json.dumps(command)}")
        return done.stdout.strip() if done.returncode == 0 else ""

    def wait_until(self, what: str, seconds: float, condition: Any) -> None:
        begun = time.monotonic()
        while not condition():
            assert time.monotonic() - begun < seconds, f"{what}: not within {seconds} s"
            time.sleep(1)
        with self.lab.shown():
            print(f"\n{time.monotonic() - begun:6.1f} s  {what}", flush=True)


@dataclass
class Watch:
    """Looks at the cluster's status without a pause."""

    platform: Patient
    seen: Counter[str] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        with self.platform.connect() as client:
            while not self._stop.wait(0.5):
                try:
                    self.seen[client.cluster.health(timeout="1s")["status"]] += 1
                except (ApiError, TransportError):
                    # For as long as no master is elected, nobody knows.
                    self.seen["unknown"] += 1


@pytest.fixture(scope="session")
def platform(lab: Any) -> Iterator[Patient]:
    platform = Patient(lab)
    yield platform
    if platform.load:
        platform.load.stop()
