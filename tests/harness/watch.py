"""Look at the platform repeatedly during a test."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Self

from tests.harness.platform import Platform

# Seconds between two looks.
PAUSE = 0.5


@dataclass
class Watcher:
    """Looks repeatedly, in a separate thread, from the start of a block to its end."""

    platform: Platform
    _stop: threading.Event = field(default_factory=threading.Event, init=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._stop.set()
        self._thread.join()

    def watch(self) -> None:
        while not self._stop.wait(PAUSE):
            self.look()

    def look(self) -> None:
        raise NotImplementedError
