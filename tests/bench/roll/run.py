# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a roll takes, against what its nodes need by themselves.

    python3 tests/bench/roll/run.py                  # on five hosts of its own
    python3 tests/bench/roll/run.py --lab .lab       # on a platform that stands

Each node has to stop, to start and to get its shards back, one after the other; a roll cannot be
shorter than the sum of that. What it takes more is the price of looking before each step.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from contextlib import nullcontext
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from measuring import REPORT, WORK, hosts, play, ratio, say, write_section  # noqa: E402
from timeline import drawn, page, phases, wall  # noqa: E402

from lab.state import Lab  # noqa: E402

BAR = 1.15
HEADING = "## A roll"
TOLD = re.compile(
    r"([\w.-]+) \([^)]*\) moved: .*?stopped in ([\d.]+) s, back in ([\d.]+) s, green in ([\d.]+) s"
)
TEXT = """\
{heading}

Measured by `tests/bench/roll/run.py` on {today}: `restart.yml` on {hosts} hosts of the lab, {cores}
cores for them and the controller together, load before the start {load:.1f}.

| | ratio | bar | |
|---|---|---|---|
| The roll against the sum of stop, start and recovery of its nodes | {ratio} |

![A row for each node, a bar for each phase]({picture})

{table}

The whole of `restart.yml`, with the checks before and after, took {whole:.0f} s. *Spared* waits
until the others can do without the node, *plan* reads anew what is left; both are there so that no
two nodes are away at once.
"""


def own_seconds(text: str) -> dict[str, tuple[float, float, float]]:
    """Seconds in which each node stopped, started and got its shards back, as the run told.

    >>> own_seconds("m1 (x) moved: a -> b; stopped in 4.5 s, back in 30 s, green in 1 s")
    {'m1': (4.5, 30.0, 1.0)}
    >>> own_seconds("m1 (x) moved: a -> b; stopped\\n in 4.5 s, back\\n in 30 s, green in 1 s")
    {'m1': (4.5, 30.0, 1.0)}
    """
    return {
        name: (float(stop), float(start), float(recovery))
        # Ansible folds what is long, at any space.
        for name, stop, start, recovery in TOLD.findall(" ".join(text.split()))
    }


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
        log = work / "roll.log"
        run = play(lab, "playbooks/restart.yml", log)
        own = own_seconds(log.read_text())
        if len(own) != len(lab.hosts):
            raise SystemExit(f"{len(own)} of {len(lab.hosts)} nodes told how they moved: {log}")

    found = phases(run.tasks)
    rolled, needed = wall(found), sum(map(sum, own.values()))
    title = f"A roll of {len(own)} nodes, {date.today():%Y-%m-%d}"
    picture = drawn(found, title)
    options.report.with_name("roll.svg").write_text(picture)
    rows = [
        ("node", "stop", "start", "recovery", "turn"),
        *(
            (
                node,
                *(f"{part:.1f}" for part in own[node]),
                f"{sum(phase.seconds for phase in found if phase.node == node):.1f}",
            )
            for node in own
        ),
        (
            "all",
            *(f"{sum(parts):.1f}" for parts in zip(*own.values(), strict=True)),
            f"{rolled:.1f}",
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
            hosts=len(own),
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
