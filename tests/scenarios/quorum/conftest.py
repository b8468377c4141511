"""The platform while a manager is lost, under load."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from elasticsearch import ApiError, TransportError

from tests.harness.fixtures import lab, nothing_fails
from tests.harness.platform import PATIENT, Platform
from tests.harness.wait import wait_for
from tests.harness.watch import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["lab", "nothing_fails"]

NODES = "docker node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}'"
# Prints everything that must survive the loss of a manager.
SURVIVING = (
    "docker service ls -q | sort; docker network ls -q --no-trunc --filter driver=overlay | sort;"
    " for node in $(docker node ls -q | sort); do"
    " docker node inspect --format '{{.ID}} {{json .Spec.Labels}}' $node; done"
)


class Patient(Platform):
    """A platform whose managers may have no quorum."""

    def voting_exclusions(self) -> list[str]:
        """Names of the nodes that are excluded from voting."""
        with self.connect() as client:
            state = client.cluster.state(metric="metadata")["metadata"]["cluster_coordination"]
        return [one["node_name"] for one in state["voting_config_exclusions"]]

    def docker_says(self, host: str, command: str) -> str:
        """The output of a command; empty if it fails, as it does without a quorum."""
        done = self.lab.shell(host, f"timeout 20 bash -c {json.dumps(command)}")
        return done.stdout.strip() if done.returncode == 0 else ""

    def wait_until(self, what: str, seconds: float, condition: Callable[[], bool]) -> None:
        begun = time.monotonic()
        wait_for(condition, seconds, what)
        with self.lab.shown():
            print(f"\n{time.monotonic() - begun:6.1f} s  {what}", flush=True)


@dataclass
class Watch(Watcher):
    """Reads the cluster's status again and again."""

    seen: Counter[str] = field(default_factory=Counter)

    def watch(self) -> None:
        # One client for all reads, because it remembers which nodes do not answer.
        with self.platform.connect() as self._client:
            super().watch()

    def look(self) -> None:
        try:
            self.seen[self._client.cluster.health(timeout="1s")["status"]] += 1
        except (ApiError, TransportError):
            # The status is unknown while no master is elected.
            self.seen["unknown"] += 1


@pytest.fixture(scope="session")
def platform(lab: Any) -> Iterator[Patient]:
    with Patient(lab, client=PATIENT) as platform:
        yield platform
