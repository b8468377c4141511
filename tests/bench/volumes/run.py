# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long elk.swarm.volume takes, against docker_volume and against a loop.

    python3 tests/bench/volumes/run.py                            # on a host of its own
    python3 tests/bench/volumes/run.py --lab .lab --repeats 3     # on one that stands

Tasks of both kinds take turns in one play, so that other work on the machine spoils both alike.
A task is measured as Ansible has it, sent, started, its result read, and the module alone, started
on the host as Ansible starts it. Of both most is what every module costs, which ping tells.
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

# Run on the host: starts what Ansible has left there, in turns, and tells the processor seconds and
# the seconds of each start.
ALONE = """
import glob, json, os, resource, statistics, subprocess, sys, time
found = {}
for path in sorted(glob.glob("/home/*/.ansible/tmp/*/AnsiballZ_*.py"), key=os.path.getmtime):
    found[os.path.basename(path)[10:-3]] = path
times = {name: [] for name in found}
for _turn in range(int(sys.argv[1])):
    for name, path in found.items():
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run([sys.executable, path], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        times[name].append((used, time.monotonic() - begun))
print(json.dumps({n: [statistics.median(t) for t in zip(*all)] for n, all in times.items()}))
"""

TEXT = """\
{heading}

Measured by `tests/bench/volumes/run.py` on {today}: one host of the lab, {cores} cores for it and
the controller together, load before the start {load:.1f}. Seconds are those of a whole task as
Ansible has it, sent, started and its result read; the median of {repeats}, taking turns.

Most of a task about one volume is what Ansible takes for any module: `ping`, which does nothing,
takes more than half of what docker_volume takes. What the modules themselves do is seen by leaving
that out. It is what a list saves, too: it is paid once.

| | | bar | |
|---|---|---|---|
| One volume that is there, with {present} others, ratio to docker_volume: the whole task | {one} |
| the same, processor time of the module alone | {module} |
| the same, of that what it takes more than ping | {added} |
| 20 volumes made in one call: ratio to a loop of docker_volume | {made} |
| 20 volumes made in one call: ratio to a loop of elk.swarm.volume | {own} |
| 20 volumes with owners, second run: seconds | {again} |

| Task | seconds |
|---|---|
{rows}

| Module alone, about one volume with {present} others | processor seconds | seconds |
|---|---|---|
{modules}
"""


def looped(module: str) -> dict[str, Any]:
    return {module: {"name": "{{ item.name }}"}, "loop": TWENTY}


def gone(names: list[dict[str, str]]) -> dict[str, Any]:
    return {"name": "-", OURS: {"state": "absent", "volumes": names}}


def many() -> list[dict[str, str]]:
    return [{"name": f"bench-many-{number:04}"} for number in range(PRESENT)]


def one(module: str) -> dict[str, Any]:
    """A task about a volume that is there, among many."""
    arguments = {} if module == PING else {"name": many()[PRESENT // 2]["name"]}
    return {"name": f"{module}, one volume with {PRESENT} others", module: arguments}


def turns(repeats: int) -> list[dict[str, Any]]:
    """The tasks; those named alike are measured together."""
    tasks = [one(module) for _round in range(repeats) for module in (THEIRS, OURS)]
    tasks.append(gone(many()))
    for _round in range(repeats):
        for module in (THEIRS, OURS):
            tasks += [{"name": f"{module}, 20 made in a loop", **looped(module)}, gone(TWENTY)]
        tasks += [{"name": f"{OURS}, 20 made in one call", OURS: {"volumes": TWENTY}}, gone(TWENTY)]
    owned = {OURS: {"volumes": TWENTY, **OWNER}}
    tasks.append({"name": f"{OURS}, 20 with owners, first run", **owned})
    again = {"name": f"{OURS}, 20 with owners, second run", **owned}
    return [*tasks, *([again] * repeats), gone(TWENTY)]


def run(lab: Lab, work: Path, tasks: list[dict[str, Any]], **more: str) -> dict[str, float]:
    """Run tasks on the host, and give the median seconds of each kind of task."""
    book = work / "play.yml"
    target = {"hosts": lab.hosts[0].name, "become": True, "gather_facts": False, "tasks": tasks}
    book.write_text(json.dumps([target]))
    found: dict[str, list[float]] = {}
    for task in play(lab, book, work / "volumes.log", **more).tasks:
        if task["task"] != "-":
            found.setdefault(task["task"], []).append(task["seconds"])
    return {name: median(seconds) for name, seconds in found.items()}


def alone(lab: Lab, work: Path, repeats: int) -> dict[str, list[float]]:
    """Processor seconds and seconds of each module about one volume, started on the host."""
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


def measured(lab: Lab, work: Path, repeats: int) -> tuple[dict[str, float], dict[str, list[float]]]:
    # What docker_volume needs on a host.
    requests = {"ansible.builtin.apt": {"name": "python3-requests", "update_cache": True}}
    run(lab, work, [{"name": "-", **requests}, {"name": "-", OURS: {"volumes": many()}}])
    modules = alone(lab, work, 3 * repeats)
    return run(lab, work, turns(repeats)), modules


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
    parser.add_argument("--lab", type=Path, help="directory of a lab that stands")
    parser.add_argument("--repeats", type=int, default=7, help="runs of each task (default 7)")
    parser.add_argument("--work", type=Path, default=WORK, help="lab and logs")
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    standing = Lab.load(options.lab.resolve()) if options.lab else None
    load = os.getloadavg()[0]
    with nullcontext(standing) if standing else hosts(work / "volumes", 1, prepared=True) as lab:
        assert lab is not None
        found, modules = measured(lab, work, options.repeats)
    text = report(found, modules, options.repeats, load)
    write_section(options.report, HEADING, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
