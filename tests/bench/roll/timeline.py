# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A picture of a rolling restart: a row for each node, a bar for each phase."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FIRST, LAST = "Be the only one that moves nodes", "Let others move nodes again"
# The first task of each phase of a node restart, and the name of the phase.
TURN = {
    "Note what moves": "prepare",
    "Stop the node": "stop",
    "Note when it starts": "start",
    "Let shards move again, and wait until none lacks a copy": "recovery",
    "Note that it has been restarted": "plan",
}
# The phases that a node needs, from the command until the controller sees the result.
OWN = ("stop", "start", "recovery")
COLOURS = {
    "plan": "#9aa3b2",
    "prepare": "#e0a100",
    "stop": "#c0432f",
    "start": "#2f6fc0",
    "recovery": "#2c9a5f",
}
WIDTH, LEFT, ROW, BAR, TOP = 960, 90, 34, 20, 46


@dataclass(frozen=True)
class Phase:
    """A phase of one node, or of all if `node` is empty; `began` counts from the start."""

    node: str
    name: str
    began: float
    seconds: float


def phases(tasks: Iterable[dict[str, Any]]) -> list[Phase]:
    """The phases of a rolling restart, from what `bench_times` wrote about its tasks.

    >>> times = [(FIRST, 5), *((task, 6 + 2 * n) for n, task in enumerate(TURN)), (LAST, 20)]
    >>> tasks = [{"task": t, "began": b, "seconds": 1, "hosts": ["m1"]} for t, b in times]
    >>> [(one.node, one.name, one.began, one.seconds) for one in phases(tasks)][:3]
    [('', 'plan', 0, 1), ('m1', 'prepare', 1, 2), ('m1', 'stop', 3, 2)]
    """
    found: list[Phase] = []
    begin: float | None = None
    node, name, since = "", "plan", 0
    for task in tasks:
        title = str(task["task"])
        if begin is None:
            if title == FIRST:
                begin = task["began"]
            continue
        now = task["began"] - begin
        if title in TURN or title == LAST:
            found.append(Phase(node, name, since, now - since))
            name, since = TURN.get(title, "plan"), now
            node = "" if name == "plan" else str(task["hosts"][0])
        if title == LAST:
            break
    return found


def wall(found: Sequence[Phase]) -> float:
    """Seconds from the start of the first phase to the end of the last one.

    >>> wall([Phase("", "plan", 0, 2), Phase("m1", "stop", 2, 3.5)])
    5.5
    """
    return found[-1].began + found[-1].seconds


def node_times(found: Iterable[Phase]) -> dict[str, dict[str, float]]:
    """Seconds that each node needed, by phase.

    >>> stop, prepare = Phase("m1", "stop", 2, 3.5), Phase("m1", "prepare", 5.5, 1)
    >>> node_times([Phase("", "plan", 0, 2), stop, prepare])
    {'m1': {'stop': 3.5}}
    """
    needed: dict[str, dict[str, float]] = {}
    for phase in found:
        if phase.name in OWN:
            needed.setdefault(phase.node, {})[phase.name] = phase.seconds
    return needed


def step_of(total: float) -> int:
    """Seconds between two marks of the axis, which has ten marks at most.

    >>> step_of(95), step_of(300)
    (10, 30)
    """
    return next(step for step in (5, 10, 20, 30, 60, 120, 300, 600, 3600) if total / step <= 10)


def draw(found: Sequence[Phase], title: str) -> str:
    """The picture as one complete SVG."""
    nodes = list(dict.fromkeys(phase.node for phase in found))
    total = wall(found)
    scale = (WIDTH - LEFT - 20) / total
    height = TOP + ROW * len(nodes) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
        f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
    ]
    place = LEFT
    for name, colour in COLOURS.items():
        parts.append(f'<rect x="{place}" y="14" width="13" height="13" rx="3" fill="{colour}"/>')
        parts.append(f'<text x="{place + 19}" y="25" fill="#1d2330">{escape(name)}</text>')
        place += 100
    end = TOP + ROW * len(nodes)
    for second in range(0, int(total) + 1, step_of(total)):
        x = LEFT + second * scale
        parts.append(
            f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{end}" stroke="#e1e4ea"/>'
            f'<text x="{x:.1f}" y="{end + 20}" text-anchor="middle" fill="#5b6475">{second} s'
            "</text>"
        )
    for number, node in enumerate(nodes):
        y = TOP + ROW * number + (ROW - BAR) / 2
        parts.append(
            f'<text x="{LEFT - 12}" y="{y + 15:.1f}" text-anchor="end" fill="#1d2330">'
            f"{escape(node or 'all')}</text>"
        )
        for phase in found:
            if phase.node == node:
                label = f"{node or 'all'}: {phase.name}, {phase.seconds:.1f} s"
                parts.append(
                    f'<rect x="{LEFT + phase.began * scale:.1f}" y="{y:.1f}" height="{BAR}"'
                    f' width="{max(phase.seconds * scale, 1):.1f}" rx="2"'
                    f' fill="{COLOURS[phase.name]}"><title>{escape(label)}</title></rect>'
                )
    return "\n".join([*parts, "</svg>\n"])


def page(picture: str, title: str, table: Sequence[Sequence[str]]) -> str:
    """The picture and its numbers as one page."""
    head, *rows = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in table]
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        "</title><style>body{font:15px system-ui,sans-serif;max-width:980px;margin:2rem auto}"
        "td{padding:.2rem 1rem .2rem 0;font-variant-numeric:tabular-nums}thead{font-weight:600}"
        f"</style></head><body><h1>{escape(title)}</h1>\n{picture}<table><thead><tr>{head}</tr>"
        f"</thead><tbody>\n{body}\n</tbody></table></body></html>\n"
    )
