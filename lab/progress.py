"""Prints steps with their duration; writes the output of every command to a log file."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path


class LabError(Exception):
    """An error that a person must fix; the text says what is wrong and what to do."""


class Progress:
    """Prints one line when a step ends; an error holds the last lines of the failed command."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.started = time.monotonic()
        self._lock = threading.Lock()
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("")

    def report(self, text: str) -> None:
        """Print the seconds since the start, and ``text``."""
        with self._lock:
            print(f"[{time.monotonic() - self.started:6.1f} s] {text}", flush=True)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Measure the block and print its title and duration at its end."""
        started = time.monotonic()
        yield
        self.report(f"{title} ({time.monotonic() - started:.1f} s)")

    def run(
        self,
        *command: str,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        hint: str = "",
    ) -> str:
        """Run a command and return its standard output; a failure raises LabError."""
        try:
            done = subprocess.run(
                command, env=env, input=stdin, capture_output=True, text=True, check=False
            )
        except FileNotFoundError as missing:
            raise LabError(f"{command[0]} is not installed. {hint}".strip()) from missing
        with self._lock, self.log.open("a") as log:
            log.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}[{done.returncode}]\n")
        if done.returncode:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
            raise LabError(
                f"`{' '.join(command)[:200]}` exited with {done.returncode}:\n{tail}\n"
                f"{hint or f'The whole output is in {self.log}.'}"
            )
        return done.stdout


def succeeds(*command: str) -> bool:
    """Whether a command exists and exits with 0. For checks only: nothing is logged."""
    try:
        return (
            subprocess.run(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
            ).returncode
            == 0
        )
    except FileNotFoundError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll until the condition is true; raise LabError after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"{what} did not happen within {seconds:.0f} s.")
        time.sleep(0.2)


def in_parallel(work: Sequence[Callable[[], object]], at_once: int = 4) -> None:
    """Run all jobs to their end, then raise the first error."""
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        futures = [pool.submit(piece) for piece in work]
    for future in futures:
        future.result()


def fail(error: LabError) -> None:
    """Print the error and exit with 1."""
    print(f"\nlab: {error}", file=sys.stderr, flush=True)
    raise SystemExit(1)
