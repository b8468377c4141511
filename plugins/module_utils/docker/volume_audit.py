# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All volumes of all hosts as one table, and which of those that somebody names may go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common.tables import Cell, Column, Table
from ansible_collections.elk.swarm.plugins.module_utils.common.text import one_line
from ansible_collections.elk.swarm.plugins.module_utils.common.units import age_text, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What the module volume_info has answered for a host, or {} of one that was not asked.
Answer = Mapping[str, Any]

COLUMNS = (
    Column("host"),
    Column("volume"),
    Column("driver"),
    Column("size", numeric=True),
    Column("age", numeric=True),
    Column("orphan"),
    Column("why"),
)
_ORPHAN = {True: "yes", False: "no", None: "unknown"}


@dataclass(frozen=True)
class Cleaning:
    """What goes from which host, what is gone already, and what speaks against all of it."""

    # By host, each as an item of the option ``volumes`` of the module volume.
    remove: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    gone: Sequence[str] = ()
    errors: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def problem(told: Answer) -> str:
    """Why nothing is known of a host's volumes, empty if they are known."""
    if told.get("volumes") is not None:
        return ""
    return one_line(str(told.get("msg") or "it was not asked")).rstrip(".")


def table(found: Mapping[str, Answer], named: Iterable[str] | None = None) -> Table:
    """The volumes of all hosts, or those which are named as ``host/volume``."""
    wanted = None if named is None else set(named)
    rows = []
    shown = []
    for host, told in found.items():
        for volume in told.get("volumes") or ():
            if wanted is None or f"{host}/{volume['name']}" in wanted:
                rows.append(_row(host, volume))
                shown.append(volume)
    problems = {host: problem(told) for host, told in found.items()}
    away = [f"Nothing is known of {host}: {why}" for host, why in problems.items() if why]
    return Table("Volumes", COLUMNS, rows, ". ".join([_summary(shown), *away]))


def _row(host: str, volume: Mapping[str, Any]) -> list[Cell]:
    return [
        Cell(host),
        Cell(str(volume["name"])),
        Cell(str(volume["driver"])),
        Cell(size(volume.get("size"))),
        Cell(age_text(volume.get("age"))),
        Cell(_ORPHAN[volume.get("orphan")]),
        Cell(str(volume.get("reason") or "")),
    ]


def _summary(volumes: Sequence[Mapping[str, Any]]) -> str:
    orphans = [volume for volume in volumes if volume.get("orphan")]
    held = sum(volume.get("size") or 0 for volume in orphans)
    many = "1 volume" if len(volumes) == 1 else f"{len(volumes)} volumes"
    alone = "1 orphan" if len(orphans) == 1 else f"{len(orphans)} orphans"
    return f"{many}, {alone} with {size(held)} in {'it' if len(orphans) == 1 else 'them'}"


def plan_cleaning(named: Sequence[Any], found: Mapping[str, Answer]) -> Cleaning:
    """Decide which of the volumes named as ``host/volume`` go; one that may not go keeps all."""
    remove: dict[str, list[Mapping[str, str]]] = {}
    gone, errors = [], []
    if not named:
        errors.append("volumes_clean is empty: name what is to go, like w1/scratch")
    for text in dict.fromkeys(str(one) for one in named):
        host, slash, name = text.partition("/")
        if not slash or not host or not name:
            errors.append(f"'{text}' in volumes_clean is not HOST/VOLUME, like w1/scratch")
            continue
        if host not in found:
            errors.append(f"'{text}' in volumes_clean: the inventory has no host {host}")
            continue
        why = problem(found[host])
        if why:
            errors.append(f"{host} cannot be asked for {name}: {why}")
            continue
        entries = {entry["name"]: entry for entry in found[host]["volumes"]}
        if name not in entries:
            gone.append(text)
        elif entries[name].get("orphan") is not True:
            errors.append(f"{text} is no orphan: {entries[name].get('reason')}")
        else:
            remove.setdefault(host, []).append({"volume_name": name})
    return Cleaning({} if errors else remove, tuple(gone), tuple(errors))
