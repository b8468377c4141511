# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run all checks that need no host, three steps at a time.

A step is a command. Its output is shown only if it fails. Three steps run on two processors because
one of them mostly waits.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from repo import ROOT, tool

COLLECTION = ".collections/ansible_collections/elk/swarm"


@dataclass(frozen=True)
class Step:
    name: str
    about: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    step: Step
    code: int
    output: str
    seconds: float


def steps() -> list[Step]:
    """All steps, the longest first, so that the lanes end at about the same time."""
    python = sys.executable
    ours = str(ROOT / "tests" / "tools")
    mypy_targets = (f"{COLLECTION}/plugins", "lab", "tests/tools")
    concise = ("--output-format", "concise")
    # In several processes, of which contract tests need more, because they mostly wait. The tests
    # of one file stay in one process, because they share slow fixtures.
    unit = ("-q", "-n", "2", "--dist", "loadscope", "tests/unit")
    contract = ("-q", "-n", "4", "--dist", "loadscope", "tests/contract")
    return [
        Step("unit", "tests/unit", (tool("pytest"), *unit)),
        Step("contract", "tests/contract", (tool("pytest"), *contract)),
        Step("sanity", "ansible-test sanity", (python, f"{ours}/sanity.py")),
        Step("ansible-lint", "roles and playbooks", (tool("ansible-lint"), "--nocolor", "-q")),
        Step("importer", "galaxy-importer", (python, f"{ours}/package.py", "importer")),
        Step("docs", "antsibull-docs", (python, f"{ours}/package.py", "docs")),
        Step("package", "build, install, EE", (python, f"{ours}/package.py", "package")),
        Step("playbooks", "playbooks, inventories", (python, f"{ours}/playbooks.py")),
        Step("yaml", "yamllint", (tool("yamllint"), "--strict", "--format", "parsable", ".")),
        Step("types", "mypy --strict", (tool("mypy"), *mypy_targets)),
        Step("modules", "module documentation", (python, f"{ours}/module_docs.py", "--check")),
        Step("specs", "specs = defaults = docs", (python, f"{ours}/role_specs.py", "--check")),
        Step("lint", "ruff check", (tool("ruff"), "check", *concise, ".")),
        Step("format", "ruff format", (tool("ruff"), "format", "--check", *concise, ".")),
        Step("changelog", "changelog fragments", (tool("antsibull-changelog"), "lint")),
    ]


def run(step: Step) -> Result:
    start = time.monotonic()
    # Tools call each other by name, and must find those of the same Python environment.
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = {**os.environ, "PATH": path, "NO_COLOR": "1", "PY_COLORS": "0"}
    try:
        done = subprocess.run(
            step.command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            env=environment,
        )
        code, output = done.returncode, done.stdout
    except OSError as error:
        code, output = 127, str(error)
    return Result(step, code, output, time.monotonic() - start)


def run_all(selected: Sequence[Step], lanes: int) -> Iterable[Result]:
    """The results, in the order in which the steps end."""
    with ThreadPoolExecutor(max_workers=lanes) as pool:
        for future in as_completed([pool.submit(run, step) for step in selected]):
            yield future.result()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", metavar="NAME", help="run only this step")
    parser.add_argument("--list", action="store_true", help="show the steps")
    parser.add_argument("--jobs", type=int, default=3, help="steps at a time, default 3")
    options = parser.parse_args(arguments)

    known = {step.name: step for step in steps()}
    if options.list:
        for step in known.values():
            print(f"{step.name:13} {step.about}")
        return 0
    unknown = set(options.only or ()) - known.keys()
    if unknown:
        parser.error(f"no step {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    selected = [step for step in known.values() if not options.only or step.name in options.only]

    start = time.monotonic()
    failed: list[Result] = []
    for result in run_all(selected, max(1, options.jobs)):
        mark = "ok" if result.code == 0 else "FAILED"
        print(f"{mark:7} {result.step.name:13} {result.seconds:6.1f} s", flush=True)
        if result.code:
            failed.append(result)
    for result in failed:
        command = " ".join(result.step.command)
        print(
            f"\n--- {result.step.name}: exit {result.code}\n$ {command}\n{result.output.rstrip()}"
        )
    passed = len(selected) - len(failed)
    seconds = time.monotonic() - start
    print(f"\nchecks: {passed} passed, {len(failed)} failed, {seconds:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
