# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file systems of a host: whether they are writable, and their free space."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ESCAPE = re.compile(r"\\([0-7]{3})")


def mounts(text: str) -> dict[str, frozenset[str]]:
    r"""Options by mount point, from /proc/mounts; of several at one point the last one counts.

    >>> sorted(mounts("/dev/a /srv\\040x ext4 ro,noatime 0 0")["/srv x"])
    ['noatime', 'ro']
    """
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 4:
            place = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), words[1])
            found[place] = frozenset(words[3].split(","))
    return found


def mount_of(path: str, known: Iterable[str]) -> str:
    """The mount point of a path.

    >>> mount_of("/srv/elk/x", ["/", "/srv/elk", "/srv/e"])
    '/srv/elk'
    """
    places = [one for one in known if path == one or path.startswith(one.rstrip("/") + "/")]
    return max(places, key=len, default="/")


def nearest(path: str) -> str:
    """The path, or its nearest parent that exists."""
    place = os.path.realpath(path)
    while not os.path.exists(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    return place


def survey(
    paths: Iterable[str],
    table: str,
    statvfs: Callable[[str], Any] = os.statvfs,
) -> list[dict[str, Any]]:
    """The facts about the file systems of these paths for the status report."""
    known = mounts(table)
    found = []
    for path in dict.fromkeys(paths):
        place = nearest(path)
        mount = mount_of(place, known)
        try:
            about = statvfs(place)
        except OSError:
            # The check of the service reports a file system that does not answer.
            continue
        found.append(
            {
                "path": path,
                "mount": mount,
                # The kernel sets the flag; a remount after an error is visible in the table.
                "read_only": bool(about.f_flag & os.ST_RDONLY)
                or "ro" in known.get(mount, frozenset()),
                "total": about.f_frsize * about.f_blocks,
                "available": about.f_frsize * about.f_bavail,
                "inodes": about.f_files,
                "inodes_free": about.f_favail,
            }
        )
    return found
