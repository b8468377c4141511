# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of Elasticsearch: which upgrades are possible."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_VERSION = re.compile(r"^(\d+)\.(\d+)\.(\d+)(.*)$")

# The last minor version of a major version. Only from it an upgrade to the next major is possible.
LAST_MINOR = {7: 17, 8: 19}

# Elastic releases patches of several minor versions on the same day. This is the difference between
# their patch numbers: 9.0.5 came out with 9.1.2, so 3; 9.1.10 and 8.19.10 with 9.2.4, so 6.
# Source: the dates in Elastic's changelogs of 9.0.5 to 9.2.4, and of releases up to 9.3.4.
AHEAD = {
    ((8, 18), (9, 0)): 0,
    ((8, 19), (9, 1)): 0,
    ((8, 19), (9, 2)): 6,
    ((8, 19), (9, 3)): 11,
    ((9, 0), (9, 1)): 3,
    ((9, 1), (9, 2)): 6,
    ((9, 2), (9, 3)): 5,
}


def parse(version: str) -> tuple[int, int, int] | None:
    """The three numbers of a released version; None for any other text.

    >>> parse("9.2.4"), parse("9.3.0-SNAPSHOT")
    ((9, 2, 4), None)
    """
    found = _VERSION.match(version)
    if not found or found[4]:
        return None
    return int(found[1]), int(found[2]), int(found[3])


def brings_new_version(versions: Sequence[str], version: str) -> bool:
    """Whether no node runs this version yet.

    Once a node runs it, it is too late for a snapshot of the old version, and there is no way back.

    >>> brings_new_version(["9.1.0"], "9.2.4"), brings_new_version(["9.1.0", "9.2.4"], "9.2.4")
    (True, False)
    """
    return bool(versions) and version not in versions


def brings_new_major(versions: Sequence[str], version: str) -> bool:
    """Whether no node runs this major version yet.

    >>> brings_new_major(["8.19.5"], "9.1.5"), brings_new_major(["9.1.0"], "9.2.4")
    (True, False)
    """
    new = parse(version)
    known = [found for found in map(parse, versions) if found]
    return new is not None and bool(known) and new[0] not in {old[0] for old in known}


def path_problem(before: str, after: str) -> str:
    """Why a node cannot change from one version to the other, and what to do; empty if it can.

    >>> path_problem("9.1.0", "9.2.4")
    ''
    """
    old, new = parse(before), parse(after)
    if before == after:
        return ""
    if old is None or new is None:
        unreleased = after if new is None else before
        return (
            f"{unreleased} is not a released version. Nodes change only from one released version "
            "to another: set elk_version to one like 9.2.4"
        )
    if new < old:
        return (
            f"{before} cannot become {after}: Elasticsearch refuses data that a newer version has "
            f"opened, so no node can be downgraded. Set elk_version back to {before}, or to a "
            f"higher version. The only way back to {after} is a new cluster that restores a "
            "snapshot from before the upgrade"
        )
    if new[0] > old[0] + 1:
        last = f"{old[0]}.{LAST_MINOR.get(old[0], 'x')}"
        return (
            f"{before} cannot become {after}: a major version cannot be skipped. Go to the last "
            f"{last} first, then to {old[0] + 1}.x and its last minor version, then to {new[0]}.x"
        )
    if new[0] == old[0] + 1:
        last_minor = LAST_MINOR.get(old[0])
        early = old[:2] == (8, 18) and new[:2] == (9, 0)
        if last_minor is not None and old[1] < last_minor and not early:
            return (
                f"{before} cannot become {after}: an upgrade to a new major version must start "
                "from the last minor version of the previous one. Go to the last "
                f"{old[0]}.{last_minor} first"
            )
    ahead = AHEAD.get((old[:2], new[:2]))
    if ahead is not None and new[2] < old[2] - ahead:
        return (
            f"{before} cannot become {after}, which was released before it and may not understand "
            f"the data of {before}. Choose {new[0]}.{new[1]}.{old[2] - ahead} or a later one, also "
            "of a later minor version"
        )
    return ""
