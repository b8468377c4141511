# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Active swap, and whether it fits into memory."""

from __future__ import annotations

from ansible_collections.elk.swarm.plugins.module_utils.host import swap

SWAPS = """\
Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority
/dev/vda2                               partition\t2097148\t\t1048576\t\t-2
/swap\\040file                           file\t\t1024\t\t0\t\t-3
"""


def test_swap_devices() -> None:
    assert swap.devices(SWAPS) == [
        swap.Device("/dev/vda2", 2097148 * 1024, 1 << 30),
        swap.Device("/swap file", 1 << 20, 0),
    ]
    assert swap.devices(SWAPS.splitlines()[0]) == []


def test_swap_that_does_not_fit_into_memory_blocks() -> None:
    found = swap.devices(SWAPS)
    assert swap.blocker(found, "MemAvailable:    1048576 kB\n") == ""
    blocker = swap.blocker(found, "MemAvailable:    1048575 kB\n")
    assert "1024 MiB of swap are used, and only 1023 MiB of memory are available" in blocker
    assert "host_tuning_swap: keep" in blocker


def test_the_text_does_not_change_during_normal_use() -> None:
    busy, idle = swap.Device("/dev/vda2", 1 << 30, 5), swap.Device("/dev/vda2", 1 << 30, 0)
    assert swap.show([busy], False) == swap.show([idle], False)
    assert swap.show([], True) == "swap.target is masked\n"
