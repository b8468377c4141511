# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a roll takes, against what its nodes need by themselves.

    python3 tests/bench/roll/run.py                  # on five hosts of its own
    python3 tests/bench/roll/run.py --lab .lab       # on a platform that stands

Each node has to stop, to start and to get its shards back, one after the other; a roll cannot be
shorter than the sum of that. What it takes more is the price of looking before each step. The clock
is that of the controller: each of the three lasts from the order until it is seen to be done.
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
from timeline import OWN, drawn, own, page, phases, wall  # noqa: E402

from lab.state import Lab  # noqa: E402

BAR = 1.15
HEADING = "## A roll"
TEXT = """\
{heading}

Measured by `tests/bench/roll/run.py` on {today}: `restart.yml` on {hosts} hosts of the lab, {cores}
cores for them and the controller together, load before the start {load:.1f}.

| | ratio | bar | |
|---|---|---|---|
| The roll against the sum of stop, start and recovery of its nodes | {ratio} |

![A row for each node, a bar for each phase]({picture})

{table}

*Stop*, *start* and *recovery* are what a node needs by itself, each from the order until it is seen
to be done. In them are what Swarm takes for it (two seconds before it ends a container, a look at
its health every two seconds) and the tasks of Ansible that order and look. All other phases are the
price of the roll: *plan* reads anew what is left, *spare* has the others do without the node. They
are there so that no two nodes are away at once. The whole of `restart.yml`, with the checks before
and after, took {whole:.0f} s.
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
    standing = Lab.load(options.lab.resolve()) if options.lab else None
    made = hosts(work / "roll", options.hosts, prepared=True)
    with nullcontext(standing) if standing else made as lab:
        assert lab is not None
        if not standing:
            play(lab, "site.yml", work / "roll-site.log")
        load = os.getloadavg()[0]
        say(f"{len(lab.hosts)} nodes are restarted, load {load:.1f}")
        run = play(lab, "playbooks/restart.yml", work / "roll.log")

    found = phases(run.tasks)
    nodes = own(found)
    if len(nodes) != len(lab.hosts):
        raise SystemExit(f"{len(nodes)} of {len(lab.hosts)} nodes moved: {work / 'roll.log'}")
    rolled, needed = wall(found), sum(sum(node.values()) for node in nodes.values())
    title = f"A roll of {len(nodes)} nodes, {date.today():%Y-%m-%d}"
    picture = drawn(found, title)
    options.report.with_name("roll.svg").write_text(picture)
    turns = {
        node: [*parts.values(), sum(phase.seconds for phase in found if phase.node == node)]
        for node, parts in nodes.items()
    }
    sums = [sum(column) for column in zip(*turns.values(), strict=True)]
    rows = [
        ("node", *OWN, "whole turn"),
        *(
            (node, *(f"{seconds:.1f}" for seconds in row))
            for node, row in [*turns.items(), ("all", [*sums[:-1], rolled])]
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
    say(f"the page is {work / 'roll.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
