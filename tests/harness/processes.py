"""Kill a program with everything that it has started."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def kill_all(program: int) -> None:
    """Kill a process and all its descendants at once, also those with a session of their own.

    Workers of Ansible have one. After the end of the run they would go on with their task.
    """
    stopped: set[int] = set()
    # Stopped processes start no others.
    while found := {program, *_descendants(program)} - stopped:
        for process in found:
            _send(process, signal.SIGSTOP)
        stopped |= found
    for process in stopped:
        _send(process, signal.SIGKILL)


def _send(process: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, what)


def _descendants(program: int) -> set[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # The name before the last parenthesis can contain anything.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
    family = {program}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family - {program}
