"""The platform while rolls are interrupted, and a watch on each host."""

from __future__ import annotations

import math
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.harness.fixtures import lab, nothing_fails
from tests.harness.platform import PATIENT, SERVICE, Platform
from tests.harness.watch import PAUSE, Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.lab import Lab

__all__ = ["lab", "nothing_fails"]

# Runs on a host until its input ends, and prints again and again how many nodes run there. One
# command for each count took about a third of the machine.
COUNT = f"""
import http.client, json, select, socket, sys, urllib.parse
filters = json.dumps({{"status": ["running"], "name": ["^{SERVICE}"]}})
while not select.select([sys.stdin], [], [], {PAUSE})[0]:
    connection = http.client.HTTPConnection("docker")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect("/var/run/docker.sock")
    connection.request("GET", "/containers/json?filters=" + urllib.parse.quote(filters))
    print(len(json.loads(connection.getresponse().read())), flush=True)
    connection.close()
"""
# Seconds after which a count is out of date.
STALE = 4 * PAUSE


class Counter:
    """The counts of one host, until it dies or `end` is called."""

    def __init__(self, container: str) -> None:
        self._process = subprocess.Popen(
            ["docker", "exec", "--interactive", container, "python3", "-c", COUNT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._last, self._at = 0, -math.inf
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self._last, self._at = int(line), time.monotonic()

    @property
    def nodes(self) -> int | None:
        """How many run there now; None if that is unknown."""
        return self._last if time.monotonic() - self._at < STALE else None

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def end(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._reader.join()


@dataclass
class Watch(Watcher):
    """Checks again and again how many nodes run on each host."""

    # Hosts that a test has killed; they are not checked.
    dead: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    looks: int = 0
    _counters: dict[str, Counter] = field(default_factory=dict)

    def __exit__(self, *reason: object) -> None:
        super().__exit__(*reason)
        for counter in self._counters.values():
            counter.end()

    def look(self) -> None:
        running = {}
        for host in sorted(set(self.platform.hosts) - self.dead):
            counter = self._counters.get(host)
            if counter and counter.ended:
                counter.end()
                counter = None
            if not counter:
                counter = self._counters[host] = Counter(self.platform.lab.container(host))
            number = counter.nodes
            if number is not None:
                running[host] = number
        at = time.strftime("%H:%M:%S")
        twice = [host for host, number in running.items() if number > 1]
        down = [host for host, number in running.items() if number == 0]
        if twice:
            self.faults.append(f"{at}: more than one container on the data of {twice}")
        if len(down) > 1:
            self.faults.append(f"{at}: {down} are down at once")
        self.looks += len(running)


@pytest.fixture(scope="session")
def platform(lab: Lab) -> Iterator[Platform]:
    with Platform(lab, client=PATIENT) as platform:
        yield platform


@pytest.fixture
def watch(platform: Platform) -> Iterator[Watch]:
    with Watch(platform) as watch:
        yield watch
    assert watch.looks > 0
    assert watch.faults == []
