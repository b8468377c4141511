# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long elk.swarm.volume takes, against docker_volume and against a loop.

    python3 tests/bench/volumes/run.py                            # in a new lab of one host
    python3 tests/bench/volumes/run.py --lab .lab --repeats 3     # in an existing lab

Tasks of both kinds alternate in one play, so that other work on the machine affects both equally.
Measured are the whole task of Ansible (send, start, read the result) and the module alone, started
on the host as Ansible starts it. Most of both is what every module costs; ping shows how much.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import REPORT, WORK, hosts, play, ratio, write_section

from lab.state import Lab

THEIRS, OURS = "community.docker.docker_volume", "elk.swarm.volume"
PRESENT = 1000
HEADING = "## Volumes"
TWENTY = [{"name": f"bench-{number:02}"} for number in range(20)]
OWNER = {"owner": 1000, "group": 0, "mode": "0770"}
BAR_ONE, BAR_LIST, BAR_AGAIN = 0.5, 0.15, 2.0
PING = "ansible.builtin.ping"

# Runs on the host: starts the modules that Ansible has left there in turn, and prints the processor
# seconds and the seconds of each start.
ALONE = """
import glob, json, os, resource, statistics, subprocess, sys, time
found = {}
for path in sorted(glob.glob("/home/*/.ansible/tmp/*/AnsiballZ_*.py"), key=os.path.getmtime):
    found[os.path.basename(path)[10:-3]] = path
times = {name: [] for name in found}
for _turn in range(int(sys.argv[1])):
    for name, path in found.items():
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run([sys.executable, path], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        times[name].append((used, time.monotonic() - start))
print(json.dumps({n: [statistics.median(t) for t in zip(*all)] for n, all in times.items()}))
"""

TEXT = """\
{heading}

Measured by `tests/bench/volumes/run.py` on {today}: one host of the lab, {cores} cores for it and
the controller together, load before the start {load:.1f}. The seconds are those of a whole task of
Ansible (send, start, read the result), the median of {repeats} runs that alternate.

Most of the time of a task with one volume is what Ansible needs for any module: `ping`, which does
nothing, takes more than half as long as docker_volume. Without that part the table shows the work
of the modules themselves. A list needs that part only once.

| | | bar | |
|---|---|---|---|
| One existing volume, with {present} others, ratio to docker_volume: the whole task | {one} |
| the same, processor time of the module alone | {module} |
| the same, without the time of ping | {added} |
| 20 volumes created in one call: ratio to a loop of docker_volume | {made} |
| 20 volumes created in one call: ratio to a loop of elk.swarm.volume | {own} |
| 20 volumes with owners, second run: seconds | {again} |

| Task | seconds |
|---|---|
{rows}

| Module alone, one volume with {present} others | processor seconds | seconds |
|---|---|---|
{modules}
"""


def loop(module: str) -> dict[str, Any]:
    return {module: {"name": "{{ item.name }}"}, "loop": TWENTY}


def remove(names: list[dict[str, str]]) -> dict[str, Any]:
    return {"name": "-", OURS: {"state": "absent", "volumes": names}}


def many() -> list[dict[str, str]]:
    return [{"name": f"bench-many-{number:04}"} for number in range(PRESENT)]


def one(module: str) -> dict[str, Any]:
    """A task with one existing volume among many."""
    arguments = {} if module == PING else {"name": many()[PRESENT // 2]["name"]}
    return {"name": f"{module}, one volume with {PRESENT} others", module: arguments}


def all_tasks(repeats: int) -> list[dict[str, Any]]:
    """The tasks; those with the same name are measured together."""
    tasks = [one(module) for _round in range(repeats) for module in (THEIRS, OURS)]
    tasks.append(remove(many()))
    for _round in range(repeats):
        for module in (THEIRS, OURS):
            tasks += [{"name": f"{module}, 20 made in a loop", **loop(module)}, remove(TWENTY)]
        tasks += [
            {"name": f"{OURS}, 20 made in one call", OURS: {"volumes": TWENTY}},
            remove(TWENTY),
        ]
    owned = {OURS: {"volumes": TWENTY, **OWNER}}
    tasks.append({"name": f"{OURS}, 20 with owners, first run", **owned})
    again = {"name": f"{OURS}, 20 with owners, second run", **owned}
    return [*tasks, *([again] * repeats), remove(TWENTY)]


def run(lab: Lab, work: Path, tasks: list[dict[str, Any]], **more: str) -> dict[str, float]:
    """Run tasks on the host, and return the median seconds of each kind of task."""
    book = work / "play.yml"
    target = {"hosts": lab.hosts[0].name, "become": True, "gather_facts": False, "tasks": tasks}
    book.write_text(json.dumps([target]))
    found: dict[str, list[float]] = {}
    for task in play(lab, book, work / "volumes.log", **more).tasks:
        if task["task"] != "-":
            found.setdefault(task["task"], []).append(task["seconds"])
    return {name: median(seconds) for name, seconds in found.items()}


def alone(lab: Lab, work: Path, repeats: int) -> dict[str, list[float]]:
    """Processor seconds and seconds of each module with one volume, started on the host."""
    tasks = [one(module) for module in (PING, THEIRS, OURS)]
    run(lab, work, tasks, ANSIBLE_KEEP_REMOTE_FILES="1", ANSIBLE_PIPELINING="0")
    container = lab.container(lab.hosts[0])
    done = subprocess.run(
        ["docker", "exec", "-i", container, "python3", "-", str(repeats)],
        input=ALONE,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


def measure_all(
    lab: Lab, work: Path, repeats: int
) -> tuple[dict[str, float], dict[str, list[float]]]:
    # docker_volume needs this package on a host.
    requests = {"ansible.builtin.apt": {"name": "python3-requests", "update_cache": True}}
    run(lab, work, [{"name": "-", **requests}, {"name": "-", OURS: {"volumes": many()}}])
    modules = alone(lab, work, 3 * repeats)
    return run(lab, work, all_tasks(repeats)), modules


def report(
    found: dict[str, float], modules: dict[str, list[float]], repeats: int, load: float
) -> str:
    ours = found[f"{OURS}, one volume with {PRESENT} others"]
    listed = found[f"{OURS}, 20 made in one call"]
    again = found[f"{OURS}, 20 with owners, second run"]
    return TEXT.format(
        heading=HEADING,
        today=f"{date.today():%Y-%m-%d}",
        cores=os.cpu_count(),
        load=load,
        repeats=repeats,
        present=PRESENT,
        one=ratio(ours / found[f"{THEIRS}, one volume with {PRESENT} others"], BAR_ONE),
        module=ratio(modules["volume"][0] / modules["docker_volume"][0], BAR_ONE),
        added=ratio(
            (modules["volume"][0] - modules["ping"][0])
            / (modules["docker_volume"][0] - modules["ping"][0]),
            BAR_ONE,
        ),
        made=ratio(listed / found[f"{THEIRS}, 20 made in a loop"], BAR_LIST),
        own=ratio(listed / found[f"{OURS}, 20 made in a loop"], BAR_LIST),
        again=ratio(again, BAR_AGAIN),
        rows="\n".join(f"| {name} | {seconds:.2f} |" for name, seconds in found.items()),
        modules="\n".join(
            f"| {name} | {used:.3f} | {seconds:.3f} |" for name, (used, seconds) in modules.items()
        ),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lab", type=Path, help="directory of an existing lab")
    parser.add_argument("--repeats", type=int, default=7, help="runs of each task (default 7)")
    parser.add_argument("--work", type=Path, default=WORK, help="lab and logs")
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    existing = Lab.load(options.lab.resolve()) if options.lab else None
    load = os.getloadavg()[0]
    with nullcontext(existing) if existing else hosts(work / "volumes", 1, prepared=True) as lab:
        assert lab is not None
        found, modules = measure_all(lab, work, options.repeats)
    text = report(found, modules, options.repeats, load)
    write_section(options.report, HEADING, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
