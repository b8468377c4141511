# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared by all measurements: their own hosts, timed commands, sections of the report."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "tools")]

# These imports need the path above.
from lab.state import Lab  # noqa: E402
from scenarios import processors  # noqa: E402
from tests.harness.playbook import playbook_command  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REPORT = ROOT / "docs" / "bench.md"
WORK = ROOT / ".lab" / "bench"
CALLBACKS = Path(__file__).resolve().parent / "callback_plugins"


@dataclass
class Run:
    """One measured command."""

    seconds: float
    # Processor seconds of the command on the controller, and of the whole machine.
    controller: float
    machine: float
    parts: dict[str, float] = field(default_factory=dict)
    # For a playbook: what `bench_times` wrote about each task, and the number of changes.
    tasks: list[dict[str, Any]] = field(default_factory=list)
    changed: int = 0


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def busy() -> float:
    """Seconds for which the processors of this machine have worked since it started."""
    idle, spent = processors()
    return (spent - idle) / os.sysconf("SC_CLK_TCK")


def measure(command: Sequence[str | Path], log: Path, environment: dict[str, str]) -> Run:
    """Run a command; its output goes to a file, which the error message names."""
    log.parent.mkdir(parents=True, exist_ok=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    start, busy_before = time.monotonic(), busy()
    with log.open("w") as output:
        code = subprocess.run(
            [str(word) for word in command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            check=False,
        ).returncode
    seconds = time.monotonic() - start
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code:
        print("".join(log.read_text().splitlines(keepends=True)[-40:]), file=sys.stderr)
        raise SystemExit(f"{command[0]} ended with exit code {code}; its output is in {log}")
    controller = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return Run(seconds, controller, busy() - busy_before)


@contextmanager
def hosts(state: Path, number: int, *, prepared: bool) -> Iterator[Lab]:
    """A separate lab, which is always removed at the end."""
    command = [sys.executable, "-m", "lab", "--state", str(state)]
    kind = ["--prepared"] if prepared else []
    subprocess.run([*command, "down"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(state, ignore_errors=True)
    say(f"lab of {number} {'prepared' if prepared else 'bare'} hosts")
    up = ["up", "--hosts", str(number), "--managers", str(managers_of(number)), *kind]
    try:
        measure([*command, *up], state.with_suffix(".up.log"), {})
        lab = Lab.load(state)
        assert lab is not None
        yield lab
    finally:
        subprocess.run([*command, "down"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(state, ignore_errors=True)


def managers_of(number: int) -> int:
    return 3 if number > 5 else min(2, number)


def play(lab: Lab, book: str | Path, log: Path, *options: str, **environment: str) -> Run:
    """Run a playbook on a lab and measure each of its tasks."""
    times = log.with_suffix(".json")
    run = measure(
        playbook_command("-i", "inventories/lab", *options, str(book)),
        log,
        {
            "ELK_LAB": str(lab.directory),
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "bench_times",
            "BENCH_TIMES": str(times),
            **environment,
        },
    )
    written = json.loads(times.read_text())
    changed = sum(host["changed"] for host in written["hosts"].values())
    return replace(run, tasks=written["tasks"], changed=changed)


def ratio(value: float, limit: float) -> str:
    return f"**{value:.2f}** | {limit:g} | {'met' if value <= limit else 'missed'}"


def write_section(report: Path, heading: str, text: str) -> None:
    """Replace one section of the report, or add it at the end; keep all other sections."""
    before = report.read_text() if report.exists() else ""
    rest = re.sub(rf"(?ms)^{heading}\n.*?(?=^## |\Z)", "", before).rstrip()
    report.write_text(f"{rest}\n\n{text}".lstrip())
    print(text)
    say(f"written to {report}")
