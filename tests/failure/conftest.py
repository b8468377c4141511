"""The platform while rolls are broken off, and somebody who watches each host meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.interrupted.conftest import lab
from tests.under_load.platform import PATIENT, SERVICE, Platform, nothing_fails
from tests.under_load.watch import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.interrupted.conftest import Lab

__all__ = ["lab", "nothing_fails"]

RUNNING = f"docker ps --quiet --filter status=running --filter name=^{SERVICE}"


@dataclass
class Watch(Watcher):
    """Looks without a pause how many nodes run on each host."""

    # Hosts that are dead just now, and so missed.
    dead: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    looks: int = 0

    def look(self) -> None:
        running = {}
        for host in sorted(set(self.platform.hosts) - self.dead):
            done = self.platform.lab.shell(host, RUNNING)
            if done.returncode == 0:
                running[host] = len(done.stdout.split())
        at = time.strftime("%H:%M:%S")
        twice = [host for host, number in running.items() if number > 1]
        away = [host for host, number in running.items() if number == 0]
        if twice:
            self.faults.append(f"{at}: more than one container on the data of {twice}")
        if len(away) > 1:
            self.faults.append(f"{at}: {away} are down at once")
        self.looks += 1


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
