# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Swap: what is switched on, and whether it can be switched off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class Device:
    """A disk or file that the kernel swaps to, with sizes in bytes."""

    path: str
    size: int
    used: int


def devices(proc_swaps: str) -> list[Device]:
    """What /proc/swaps lists."""
    found = []
    for line in proc_swaps.splitlines()[1:]:
        words = line.split()
        if len(words) >= 5:
            # The kernel writes blanks in names as octal numbers.
            path = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), words[0])
            found.append(Device(path, int(words[2]) * KIB, int(words[3]) * KIB))
    return found


def why_not(found: Sequence[Device], meminfo: str) -> str:
    """Why swap cannot be switched off; empty if it can.

    What lies there has to go back into memory, and what does not fit costs a process its life.
    """
    available = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo, re.MULTILINE)
    used = sum(device.used for device in found)
    room = int(available.group(1)) * KIB if available else None
    if room is None or used <= room:
        return ""
    return (
        f"{used // MIB} MiB are swapped out, and {room // MIB} MiB of memory are left to take them "
        "back. Stop something on this host, or set host_tuning_swap: keep for it."
    )


def show(found: Sequence[Device], masked: bool) -> str:
    """Swap as a person reads it, without what changes by itself."""
    lines = [f"{device.path} {device.size // MIB} MiB" for device in found]
    lines.append(f"swap.target is {'masked' if masked else 'not masked'}")
    return "".join(f"{line}\n" for line in lines)
