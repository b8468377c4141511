# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long site.yml takes: compared with a shell script, without changes, and with more hosts.

    make bench                                    # everything, a quarter of an hour
    python3 tests/bench/provision/run.py --hosts 3 --sizes 1,3 --repeats 1 --report /tmp/bench.md

It measures everything at once and in new labs, because times of different days cannot be compared.
Other work on the machine makes the numbers useless; the report shows the load.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from measuring import (  # noqa: E402
    REPORT,
    WORK,
    Run,
    hosts,
    measure,
    play,
    ratio,
    say,
)

from lab.state import ELASTIC_VERSION, SSH_USER, Lab  # noqa: E402

LAST_PLAY = "The platform works, seen from outside"
BAR_SHELL, BAR_AGAIN, BAR_GROWTH = 1.5, 0.15, 1.5
# A new report keeps the text that a person has written below this line.
BY_HAND = "## What the numbers say"
PACKAGES = "docker.io docker-cli containerd runc ca-certificates iptables"
ORDER = (
    *("start", "facts", "preflight", "host_tuning", "firewall", "docker_engine"),
    *("swarm", "network", "storage", "pki"),
    *("elasticsearch", "logstash", "kibana", "verify"),
)
# The steps of the script, and the roles that do the same.
STEPS = {
    "hosts": ("facts", "preflight", "host_tuning", "firewall", "docker_engine"),
    "swarm": ("swarm", "network"),
    "files": ("storage", "pki"),
    "elasticsearch": ("elasticsearch",),
    "logstash": ("logstash",),
    "kibana": ("kibana",),
    "verify": ("verify",),
}


def warm_up(work: Path) -> None:
    """Fill the package cache, so that the first measurement does not have to."""
    with hosts(work / "warm", 1, prepared=False) as lab:
        fetch = f"apt-get -qq update && apt-get -qq -y --download-only install {PACKAGES}"
        words = ["ssh", lab.hosts[0].name, f"sudo sh -c '{fetch}'"]
        command = [sys.executable, "-m", "lab", "--state", str(lab.directory), *words]
        measure(command, work / "warm.log", {})


def by_shell(lab: Lab, work: Path) -> Run:
    lines = [f"{h.name} {h.address} {'manager' if h.manager else 'worker'}" for h in lab.hosts]
    (lab.directory / "hosts.txt").write_text("\n".join(lines) + "\n")
    log = work / "shell.log"
    run = measure(
        [HERE / "provision.sh", lab.directory / "shell", lab.directory / "hosts.txt"],
        log,
        {
            "SSH_USER": SSH_USER,
            "SSH_KEY": str(lab.ssh_key),
            "KNOWN_HOSTS": str(lab.known_hosts),
            "REGISTRY": lab.images_from,
            "VERSION": ELASTIC_VERSION,
        },
    )
    words = [line.split() for line in log.read_text().splitlines() if line.startswith("STEP ")]
    run.parts = {name: int(milliseconds) / 1000 for _step, name, milliseconds in words}
    return run


def by_site(lab: Lab, log: Path, *, again: bool) -> Run:
    run = play(lab, "site.yml", log)
    if again and run.changed:
        raise SystemExit(
            f"The second run made {run.changed} changes, so it measures nothing: {log}"
        )
    for task in run.tasks:
        part = part_of(task)
        run.parts[part] = run.parts.get(part, 0.0) + (task["seconds"] or 0.0)
    run.parts["start"] = max(0.0, run.seconds - sum(run.parts.values()))
    return run


def part_of(task: dict[str, Any]) -> str:
    if task["play"] == LAST_PLAY:
        return "verify"
    role = str(task["role"]).rsplit(".", 1)[-1]
    if role == "elk":
        return "facts"
    return role or "facts"


def seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


@dataclass
class Results:
    hosts: int
    sizes: list[int]
    load: float
    shell: Run | None = None
    first: Run | None = None
    again: list[Run] = field(default_factory=list)
    by_size: dict[int, list[Run]] = field(default_factory=dict)


def middle(runs: Sequence[Run], what: str = "seconds") -> float:
    return median(getattr(run, what) for run in runs)


TEXT = """\
# How long site.yml takes

Measured by `make bench` on {today}, everything at once: {cores} cores for the controller and all
hosts together, Python {python} and ansible-core {ansible} on the controller, load before the start
{load}. [lab/README.md](../lab/README.md) describes the hosts.

| | ratio | bar | |
|---|---|---|---|
| First run of {hosts} bare hosts, compared with the shell script | {shell_ratio} |
| Run without changes, compared with the first run, {hosts} hosts | {again_ratio} |
| Run without changes, {large} hosts compared with {small} | {growth_ratio} |

The shell script is [provision.sh](../tests/bench/provision/provision.sh): the same steps over plain
ssh to all hosts at once, only for these hosts, with no checks before, no second run and no
diagnosis.

| Run | seconds | processor seconds, controller | processor seconds, whole machine |
|---|---|---|---|
{runs}

For repeated runs the table shows the median. Elasticsearch works during the measurement, and the
last column includes that.

## Where the time goes

Seconds, {hosts} hosts. `start` is Ansible itself: it reads inventory, playbooks and roles. `facts`
includes the checks of the shared variables.

| Part | shell | first run | without changes |
|---|---|---|---|
{parts}

The longest tasks of a run without changes:

| seconds | part | task |
|---|---|---|
{longest}

"""


def report(results: Results) -> str:
    assert results.shell
    assert results.first
    small, large = results.sizes[0], results.sizes[-1]
    again = middle(results.again)
    growth = middle(results.by_size[large]) / middle(results.by_size[small])
    runs = [
        row(f"shell script, {results.hosts} bare hosts", [results.shell]),
        row(f"site.yml, {results.hosts} bare hosts", [results.first]),
    ]
    for size, measured in results.by_size.items():
        kind = f"the same {size}" if size == results.hosts else f"{size} prepared"
        runs.append(row(f"site.yml without changes, {kind} hosts", measured))
    return TEXT.format(
        today=f"{date.today():%Y-%m-%d}",
        cores=os.cpu_count(),
        python=platform.python_version(),
        ansible=version("ansible-core"),
        load=f"{results.load:.1f}",
        hosts=results.hosts,
        small=small,
        large=large,
        shell_ratio=ratio(results.first.seconds / results.shell.seconds, BAR_SHELL),
        again_ratio=ratio(again / results.first.seconds, BAR_AGAIN),
        growth_ratio=ratio(growth, BAR_GROWTH),
        runs="\n".join(runs),
        parts="\n".join(parts(results.shell, results.first, results.again[0])),
        longest="\n".join(longest(results.again[0])),
    )


def row(name: str, runs: Sequence[Run]) -> str:
    numbers = (middle(runs, what) for what in ("seconds", "controller", "machine"))
    return f"| {name} | " + " | ".join(f"{number:.1f}" for number in numbers) + " |"


def parts(shell: Run, first: Run, again: Run) -> Iterator[str]:
    """A line for each role; each step of the script is shown beside the first of its roles."""
    heads = {roles[0]: step for step, roles in STEPS.items()}
    members = {role for roles in STEPS.values() for role in roles}
    for part in [*ORDER, *sorted(first.parts.keys() - set(ORDER))]:
        by_script = "(in the step above)" if part in members else ""
        if part in heads:
            by_script = seconds(shell.parts.get(heads[part]))
        row = (part, by_script, seconds(first.parts.get(part)), seconds(again.parts.get(part)))
        yield "| " + " | ".join(row) + " |"


def longest(run: Run, number: int = 12) -> Iterator[str]:
    for task in sorted(run.tasks, key=lambda one: -(one["seconds"] or 0.0))[:number]:
        name = str(task["task"]).split(" - ", 1)[0]
        yield f"| {seconds(task['seconds'])} | {part_of(task)} | {name} |"


def text_by_hand(path: Path) -> str:
    """The text that a person wrote about the earlier numbers."""
    text = path.read_text() if path.exists() else ""
    return text[text.index(BY_HAND) :] if BY_HAND in text else f"{BY_HAND}\n\nNothing yet.\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hosts", type=int, default=5, help="bare hosts (default 5)")
    parser.add_argument("--sizes", default="3,5,7", help="prepared hosts (default 3,5,7)")
    parser.add_argument("--repeats", type=int, default=2, help="runs without changes (default 2)")
    parser.add_argument("--work", type=Path, default=WORK, help="labs and logs")
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    work = options.work.resolve()
    work.mkdir(mode=0o700, parents=True, exist_ok=True)

    results = Results(options.hosts, sizes, os.getloadavg()[0])
    if results.load > 1:
        say(f"The load is {results.load:.1f}: other work on this machine changes the numbers.")
    warm_up(work)

    with hosts(work / "shell", options.hosts, prepared=False) as lab:
        results.shell = by_shell(lab, work)
        say(f"shell script: {results.shell.seconds:.0f} s")

    with hosts(work / "site", options.hosts, prepared=False) as lab:
        results.first = by_site(lab, work / "first.log", again=False)
        say(f"site.yml from bare hosts: {results.first.seconds:.0f} s")
        for number in range(options.repeats):
            results.again.append(by_site(lab, work / f"again{number}.log", again=True))
            say(f"site.yml without changes: {results.again[-1].seconds:.1f} s")
    if options.hosts in sizes:
        # After the first run, bare hosts are the same as prepared ones.
        results.by_size[options.hosts] = results.again

    for size in sizes:
        if size in results.by_size:
            continue
        with hosts(work / f"prepared{size}", size, prepared=True) as lab:
            by_site(lab, work / f"{size}-first.log", again=False)
            runs = results.by_size.setdefault(size, [])
            for number in range(options.repeats):
                runs.append(by_site(lab, work / f"{size}-again{number}.log", again=True))
                say(f"site.yml without changes, {size} hosts: {runs[-1].seconds:.1f} s")
    results.by_size = dict(sorted(results.by_size.items()))

    text = report(results)
    options.report.write_text(text + "\n" + text_by_hand(options.report))
    print(text)
    say(f"written to {options.report}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
