# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Swap: which devices are active, and whether swap can be turned off."""

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
    """The active swap devices, from /proc/swaps."""
    found = []
    for line in proc_swaps.splitlines()[1:]:
        words = line.split()
        if len(words) >= 5:
            # The kernel writes a space in a name as an octal number.
            path = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), words[0])
            found.append(Device(path, int(words[2]) * KIB, int(words[3]) * KIB))
    return found


def blocker(found: Sequence[Device], meminfo: str) -> str:
    """Why swap cannot be turned off; empty if it can.

    The used swap must fit into available memory, otherwise the kernel kills processes.
    """
    available = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo, re.MULTILINE)
    used = sum(device.used for device in found)
    room = int(available.group(1)) * KIB if available else None
    if room is None or used <= room:
        return ""
    return (
        f"{used // MIB} MiB of swap are used, and only {room // MIB} MiB of memory are available. "
        "Stop a program on this host, or set host_tuning_swap: keep for it."
    )


def show(found: Sequence[Device], masked: bool) -> str:
    """Swap as text, without values that change during normal use."""
    lines = [f"{device.path} {device.size // MIB} MiB" for device in found]
    lines.append(f"swap.target is {'masked' if masked else 'not masked'}")
    return "".join(f"{line}\n" for line in lines)
