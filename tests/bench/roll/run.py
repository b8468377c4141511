# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a rolling restart takes, compared with what its nodes need.

    python3 tests/bench/roll/run.py                  # in a new lab of five hosts
    python3 tests/bench/roll/run.py --lab .lab       # on an existing platform

Each node must stop, start and recover its shards, one node after the other. A rolling restart
cannot be shorter than the sum of that; the rest of its time is for the checks before each step. The
controller measures each of the three, from the command until it sees the result.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import nullcontext
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from measuring import REPORT, WORK, hosts, play, ratio, say, write_section  # noqa: E402
from timeline import OWN, draw, node_times, page, phases, wall  # noqa: E402

from lab.state import Lab  # noqa: E402

BAR = 1.15
HEADING = "## A roll"
TEXT = """\
{heading}

Measured by `tests/bench/roll/run.py` on {today}: `restart.yml` on {hosts} hosts of the lab, {cores}
cores for them and the controller together, load before the start {load:.1f}.

| | ratio | bar | |
|---|---|---|---|
| The rolling restart, compared with the sum of stop, start and recovery of its nodes | {ratio} |

![A row for each node, a bar for each phase]({picture})

{table}

*Stop*, *start* and *recovery* are what a node needs, each from the command until the controller
sees the result. They include the time of Swarm (two seconds before it stops a container, a health
check every two seconds) and of the tasks of Ansible that send the commands and wait. All other
phases are the price of a rolling restart: *plan* reads which nodes remain, *prepare* makes the
others ready for the absence of the node. They make sure that no two nodes are away at the same
time. The whole of `restart.yml`, with the checks before and after, took {whole:.0f} s.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lab", type=Path, help="directory of a lab with a platform")
    parser.add_argument("--hosts", type=int, default=5, help="hosts, if there is none (default 5)")
    parser.add_argument("--work", type=Path, default=WORK, help="lab, logs and the page")
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    existing = Lab.load(options.lab.resolve()) if options.lab else None
    new_lab = hosts(work / "roll", options.hosts, prepared=True)
    with nullcontext(existing) if existing else new_lab as lab:
        assert lab is not None
        if not existing:
            play(lab, "site.yml", work / "roll-site.log")
        load = os.getloadavg()[0]
        say(f"{len(lab.hosts)} nodes are restarted, load {load:.1f}")
        run = play(lab, "playbooks/restart.yml", work / "roll.log")

    found = phases(run.tasks)
    nodes = node_times(found)
    if len(nodes) != len(lab.hosts):
        raise SystemExit(f"{len(nodes)} of {len(lab.hosts)} nodes restarted: {work / 'roll.log'}")
    rolled, needed = wall(found), sum(sum(node.values()) for node in nodes.values())
    title = f"Rolling restart of {len(nodes)} nodes, {date.today():%Y-%m-%d}"
    picture = draw(found, title)
    options.report.with_name("roll.svg").write_text(picture)
    restarts = {
        node: [*parts.values(), sum(phase.seconds for phase in found if phase.node == node)]
        for node, parts in nodes.items()
    }
    sums = [sum(column) for column in zip(*restarts.values(), strict=True)]
    rows = [
        ("node", *OWN, "whole restart"),
        *(
            (node, *(f"{seconds:.1f}" for seconds in row))
            for node, row in [*restarts.items(), ("all", [*sums[:-1], rolled])]
        ),
    ]
    (work / "roll.html").write_text(page(picture, title, rows))
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    write_section(
        options.report,
        HEADING,
        TEXT.format(
            heading=HEADING,
            today=f"{date.today():%Y-%m-%d}",
            hosts=len(nodes),
            cores=os.cpu_count(),
            load=load,
            ratio=ratio(rolled / needed, BAR),
            picture="roll.svg",
            table="\n".join([head, "|---" * 5 + "|", *body]),
            whole=run.seconds,
        ),
    )
    say(f"written to {work / 'roll.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
