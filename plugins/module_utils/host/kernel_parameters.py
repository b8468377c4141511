# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kernel parameters: the lines of a sysctl file and the live values that must change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True)
class Parameter:
    """One desired value; with `minimum`, a higher existing value is kept."""

    name: str
    value: str
    minimum: bool = False


@dataclass(frozen=True)
class Plan:
    """Content of the file, and the live values to write."""

    content: str
    live: Mapping[str, str]


# Before a line of another file that is taken out.
MARK = "# Taken out by the role host_tuning of elk.swarm: "


def assignment(line: str) -> tuple[str, str] | None:
    """Name and value of a line; a leading dash only means that errors are ignored."""
    found = re.match(r"\s*-?\s*([^#;=\s][^=\s]*)\s*=\s*(.*?)\s*$", line)
    return (found[1].replace("/", "."), " ".join(found[2].split())) if found else None


def parse(text: str) -> dict[str, str]:
    """Assignments of a sysctl.d file."""
    return dict(filter(None, map(assignment, text.splitlines())))


def number(value: str) -> int:
    return int(value) if re.fullmatch(r"-?\d+", value) else 0


def make_plan(
    parameters: Sequence[Parameter], others: Iterable[Mapping[str, str]], live: Mapping[str, str]
) -> Plan:
    """Plan the writes from the other sysctl files and the live values.

    The content of the file depends only on files, never on live values. A live value may be shared
    with other hosts (containers) or set by hand temporarily, and must not get into a file.
    """
    files = list(others)
    lines: list[str] = []
    writes: dict[str, str] = {}
    for parameter in parameters:
        value, current = parameter.value, live.get(parameter.name, "")
        if parameter.minimum:
            for found in (values[parameter.name] for values in files if parameter.name in values):
                if number(found) > number(value):
                    value = found
            satisfied = current != "" and number(current) >= number(parameter.value)
        else:
            satisfied = current == value
        lines.append(f"{parameter.name} = {value}")
        if not satisfied:
            writes[parameter.name] = value
    return Plan(content="\n".join(lines) + "\n", live=writes)


def is_later(path: str, own: str) -> bool:
    """Whether systemd reads a file after ours, so that its values win.

    It reads them in the order of their names, whatever their folder. /etc/sysctl.conf has no number
    and comes after most names.
    """
    return path.rpartition("/")[2] > own.rpartition("/")[2]


def is_enough(name: str, value: str, desired: str, minimums: Iterable[str]) -> bool:
    return number(value) >= number(desired) if name in minimums else value == desired


def overriding(
    content: str, minimums: Iterable[str], own: str, others: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """Files that win over ours at the next boot with a value that is not enough, in words."""
    minimums = frozenset(minimums)
    last: dict[str, tuple[str, str]] = {}
    for path, values in sorted(others.items(), key=lambda item: item[0].rpartition("/")[2]):
        if is_later(path, own):
            last.update({name: (path, value) for name, value in values.items()})
    return [
        f"{last[name][0]} sets {name} = {last[name][1]}, and {own} needs {desired}"
        for name, desired in parse(content).items()
        if name in last and not is_enough(name, last[name][1], desired, minimums)
    ]


def without_conflicts(text: str, content: str, minimums: Iterable[str]) -> str:
    """A later file without the lines whose value is not enough; they stay as comments."""
    desired, minimums = parse(content), frozenset(minimums)
    lines = []
    for line in text.splitlines(keepends=True):
        name, value = assignment(line) or ("", "")
        wrong = name in desired and not is_enough(name, value, desired[name], minimums)
        lines.append(f"{MARK}{line}" if wrong else line)
    return "".join(lines)
