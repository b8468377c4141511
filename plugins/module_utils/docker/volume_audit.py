# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All volumes of all hosts as one table, and the check of a list of volumes to remove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common.tables import Cell, Column, Table
from ansible_collections.elk.swarm.plugins.module_utils.common.text import one_line
from ansible_collections.elk.swarm.plugins.module_utils.common.units import age_text, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# The result of the module volume_info for a host, or {} if the host was not asked.
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
    """The volumes to remove, those that are already gone, and the errors that stop the removal."""

    # By host; each volume as an item of the option ``volumes`` of the module volume.
    remove: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    gone: Sequence[str] = ()
    errors: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def problem(answer: Answer) -> str:
    """Why a host's volumes are unknown; empty if they are known."""
    if answer.get("volumes") is not None:
        return ""
    return one_line(str(answer.get("msg") or "it was not asked")).rstrip(".")


def table(found: Mapping[str, Answer], named: Iterable[str] | None = None) -> Table:
    """The volumes of all hosts, or only those that ``named`` lists as ``host/volume``."""
    selected = None if named is None else set(named)
    rows = []
    shown = []
    for host, answer in found.items():
        for volume in answer.get("volumes") or ():
            if selected is None or f"{host}/{volume['name']}" in selected:
                rows.append(_row(host, volume))
                shown.append(volume)
    problems = {host: problem(answer) for host, answer in found.items()}
    unknown = [f"The volumes of {host} are unknown: {why}" for host, why in problems.items() if why]
    return Table("Volumes", COLUMNS, rows, ". ".join([_summary(shown), *unknown]))


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
    total = sum(volume.get("size") or 0 for volume in orphans)
    volume_count = "1 volume" if len(volumes) == 1 else f"{len(volumes)} volumes"
    orphan_count = "1 orphan" if len(orphans) == 1 else f"{len(orphans)} orphans"
    place = "it" if len(orphans) == 1 else "them"
    return f"{volume_count}, {orphan_count} with {size(total)} in {place}"


def plan_cleaning(named: Sequence[Any], found: Mapping[str, Answer]) -> Cleaning:
    """Decide which of the volumes named as ``host/volume`` to remove; one error keeps them all."""
    remove: dict[str, list[Mapping[str, str]]] = {}
    gone, errors = [], []
    if not named:
        errors.append("volumes_clean is empty: name the volumes to remove, like w1/scratch")
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
