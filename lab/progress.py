"""Steps with seconds on the screen, everything a command printed in a log file."""

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
    """Something a person has to mend; the text says what and how."""


class Progress:
    """Prints one line when a step ends; a failing command's last lines come with the error."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.started = time.monotonic()
        self._lock = threading.Lock()
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("")

    def say(self, text: str) -> None:
        """Print ``text`` behind the seconds since the start."""
        with self._lock:
            print(f"[{time.monotonic() - self.started:6.1f} s] {text}", flush=True)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Time what stands in the block and say that it is done."""
        begun = time.monotonic()
        yield
        self.say(f"{title} ({time.monotonic() - begun:.1f} s)")

    def run(
        self,
        *command: str,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        mend: str = "",
    ) -> str:
        """Run a command to its end and give its standard output; a failure is a LabError."""
        try:
            done = subprocess.run(
                command, env=env, input=stdin, capture_output=True, text=True, check=False
            )
        except FileNotFoundError as missing:
            raise LabError(f"{command[0]} is not installed. {mend}".strip()) from missing
        with self._lock, self.log.open("a") as log:
            log.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}[{done.returncode}]\n")
        if done.returncode:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
            raise LabError(
                f"`{' '.join(command)[:200]}` ended with {done.returncode}:\n{tail}\n"
                f"{mend or f'The whole output is in {self.log}.'}"
            )
        return done.stdout


def answers(*command: str) -> bool:
    """Whether a command exists and ends with 0. For looks, not for work: nothing is logged."""
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
    """Poll until the condition holds, or give up with a sentence."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"{what} did not happen within {seconds:.0f} s.")
        time.sleep(0.2)


def in_parallel(work: Sequence[Callable[[], object]], at_once: int = 4) -> None:
    """Run all and raise the first error; the others are let to their end."""
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        futures = [pool.submit(piece) for piece in work]
    for future in futures:
        future.result()


def fail(error: LabError) -> None:
    """Print an error for a person and end."""
    print(f"\nlab: {error}", file=sys.stderr, flush=True)
    raise SystemExit(1)
