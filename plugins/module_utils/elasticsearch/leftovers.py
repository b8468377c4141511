# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What restricts allocation and voting, and which run or person has set it.

A run of this collection stores a mark together with each setting. A setting with a mark was left by
a killed run, and the next run continues or removes it. A setting without a mark belongs to a
person: it blocks, and nothing here changes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import (
    ENABLE,
    EXCLUDE,
    EXCLUDE_NAME,
    LEAVE,
    MARK,
    MOVE,
    PRIMARIES,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CLEAR_VOTES = "DELETE _cluster/voting_config_exclusions?wait_for_removal=false"


@dataclass(frozen=True)
class Leftovers:
    """The settings and voting exclusions in force that no cluster has in normal operation."""

    # The value of ENABLE; empty if all shards may be allocated.
    restricted: str = ""
    # Whether a rolling restart has restricted allocation.
    held: bool = False
    # The node of an interrupted removal, and the node of an interrupted move of data.
    removing: str = ""
    moving: str = ""
    # All settings that keep shards off nodes, by name.
    exclusions: Mapping[str, str] = field(default_factory=dict)

    @property
    def foreign(self) -> dict[str, str]:
        """The exclusions that no mark explains."""
        marks = {self.removing, self.moving} - {""}
        return {
            key: value
            for key, value in sorted(self.exclusions.items())
            if key != EXCLUDE_NAME or value not in marks
        }

    def restriction_blockers(self, *, resumes: bool = False) -> list[str]:
        """Why shards cannot be allocated. A rolling restart `resumes` one that was interrupted."""
        if not self.restricted or (self.held and resumes):
            return []
        if self.held:
            problem = (
                f"{ENABLE} is {self.restricted}: a rolling restart was interrupted. Run "
                "playbooks/site.yml, which finishes it and removes this setting"
            )
            return [problem]
        problem = (
            f"{ENABLE} is {self.restricted}, and no rolling restart has set it: somebody restricts "
            "the allocation of shards. Find out who, and set it to null"
        )
        return [problem]

    def removal_blockers(self, node: str = "") -> list[str]:
        """The interrupted removal of another node than `node`."""
        if self.removing in ("", node):
            return []
        problem = (
            f"The removal of {self.removing} was interrupted. Finish it first: "
            f"playbooks/remove_host.yml -e remove_host={self.removing}"
        )
        return [problem]

    def move_blockers(self) -> list[str]:
        """An interrupted move of data, for runs that cannot continue it."""
        if not self.moving:
            return []
        problem = (
            f"The move of the data of {self.moving} was interrupted. Finish it first: "
            "playbooks/move_storage.yml; or set elasticsearch_storage back and run "
            "playbooks/site.yml"
        )
        return [problem]

    def exclusion_blockers(self, node: str | None = None) -> list[str]:
        """Shards that a person keeps off nodes; with `node`, only off the node of this name."""
        return [
            f"{key} is {value}: somebody takes shards off nodes. Wait for that to end, then set it "
            "to null"
            for key, value in self.foreign.items()
            if node is None or (key == EXCLUDE_NAME and node in value.split(","))
        ]


def leftovers_of(settings: Mapping[str, Any]) -> Leftovers:
    """Read the settings that were set explicitly, with flat names.

    >>> leftovers_of({ENABLE: "primaries", MARK: "elk"}).held
    True
    >>> leftovers_of({EXCLUDE_NAME: "w1", MOVE: "w1"}).foreign
    {}
    """
    enabled = str(settings.get(ENABLE) or "all")
    return Leftovers(
        restricted="" if enabled == "all" else enabled,
        # With another value, a person has restricted allocation after that run.
        held=bool(settings.get(MARK)) and enabled in ("all", PRIMARIES),
        removing=str(settings.get(LEAVE) or ""),
        moving=str(settings.get(MOVE) or ""),
        exclusions={
            key: str(value) for key, value in settings.items() if key.startswith(EXCLUDE) and value
        },
    )


def voting_blockers(nodes: Sequence[str]) -> list[str]:
    """Why `nodes`, which are excluded from voting, block a restart or a removal."""
    if not nodes:
        return []
    problem = (
        f"{', '.join(nodes)} is excluded from voting, so the cluster survives the loss of fewer "
        "masters than it seems. If no run removes that node now, clear this with "
        f"{CLEAR_VOTES}"
    )
    return [problem]
