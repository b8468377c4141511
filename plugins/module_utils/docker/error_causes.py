# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's errors when it cannot start a container, and their remedies."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """A kind of task error that a retry does not fix, and its remedy."""

    kind: str
    pattern: re.Pattern[str]
    remedy: str


def _cause(kind: str, pattern: str, remedy: str) -> Cause:
    return Cause(kind, re.compile(pattern, re.IGNORECASE), remedy)


# The order matters: the first pattern that matches gives the cause.
CAUSES: tuple[Cause, ...] = (
    _cause(
        "no such image",
        r"no such image|manifest unknown|manifest for .* not found|pull access denied|"
        r"repository does not exist|invalid reference format",
        # Swarm does not report why a pull failed.
        "its name or tag is wrong, the registry does not answer, or the disk is full; to see "
        "which, run on that host: docker pull IMAGE",
    ),
    _cause(
        "disk full",
        r"no space left on device|disk quota exceeded",
        "free space on that host: df -h shows where, docker system df shows what Docker stores",
    ),
    _cause(
        "no image for this platform",
        r"no matching manifest|exec format error",
        "use an image built for the architecture of that host",
    ),
    _cause(
        "bind source missing",
        r"bind source path does not exist|error mounting .* no such file or directory",
        "create the path on that host, with the owner that the image needs, or exclude the host "
        "with a placement constraint",
    ),
    _cause(
        "file system unknown",
        r"failed to mount local volume.*no such device",
        "load the kernel module of that file system on that host (modprobe nfs, cifs or ceph), "
        "or use another kind of storage",
    ),
    _cause(
        "mount refused",
        r"invalid mount config|invalid volume specification|not a shared mount|"
        r"error while mounting volume|failed to mount local volume|"
        r"error looking up volume plugin|volume plugin .* not found",
        "correct the mount, or install the volume's plugin on that host",
    ),
    _cause(
        "port in use",
        r"host-mode port already in use|port is already allocated|address already in use|"
        r"failed to bind (?:host )?port|bind for \S+:\d+ failed",
        "free the port on that host (ss -ltnup shows which process uses it) or publish another one",
    ),
    _cause(
        "executable not found",
        r"executable file not found|exec: .*no such file or directory|exec: .*permission denied",
        "correct command or args, or the image's entrypoint",
    ),
    _cause(
        "ulimit refused",
        r"error setting rlimit|invalid ulimit|ulimit option",
        "lower ulimits, or raise the limits of the docker and containerd units on that host",
    ),
    _cause(
        "log driver missing",
        r"no log driver named|logger:.*(?:not found|unknown)",
        "correct logging.driver, or install its plugin on that host",
    ),
    _cause(
        "capability or sysctl refused",
        r"unknown capability|invalid capability|sysctl .* is not (?:in|whitelisted|allowed)",
        "correct cap_add, cap_drop or sysctls",
    ),
    _cause(
        "user unknown",
        r"unable to find (?:user|group)|no matching entries in passwd file",
        "correct user or groups, or add them to the image",
    ),
)


def cause_of(error: str) -> Cause | None:
    for cause in CAUSES:
        if cause.pattern.search(error):
            return cause
    return None
