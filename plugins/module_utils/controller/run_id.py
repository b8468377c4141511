# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which run of Ansible this is, and which others live on this controller.

A process is told apart from a later one of the same number by when it began, and from one of
another boot or container by the boot and the name space of its numbers.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from pathlib import Path
from typing import Any


def _words(proc: Path, pid: int | str) -> bytes:
    with contextlib.suppress(OSError):
        return (proc / str(pid) / "cmdline").read_bytes()
    return b""


def _fields(proc: Path, pid: int | str) -> list[str]:
    """What the kernel says of a process, from its state on; the name before may hold anything."""
    with contextlib.suppress(OSError):
        return (proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return []


def _place(proc: Path) -> str:
    boot = space = ""
    with contextlib.suppress(OSError):
        boot = (proc / "sys" / "kernel" / "random" / "boot_id").read_text().strip()[:8]
    with contextlib.suppress(OSError):
        space = os.readlink(proc / "self" / "ns" / "pid").strip("pid:[]")
    return f"{boot}-{space}"


def _name(proc: Path, place: str, pid: int | str) -> str:
    fields = _fields(proc, pid)
    return f"{place}-{pid}-{fields[19]}" if len(fields) > 19 else f"{place}-{pid}"


def head_of(proc: Path, pid: int) -> int:
    """The process that the others of a run were forked from: they keep its command line."""
    words = _words(proc, pid)
    while True:
        fields = _fields(proc, pid)
        parent = int(fields[1]) if len(fields) > 1 else 0
        if not words or parent < 2 or _words(proc, parent) != words:
            return pid
        pid = parent


def controller_run(proc: Path = Path("/proc"), pid: int | None = None) -> dict[str, Any]:
    """Who runs this, under which name, and the names of all runs that live here."""
    place = _place(proc)
    living = []
    with contextlib.suppress(OSError):
        for entry in proc.iterdir():
            if entry.name.isdigit() and b"ansible" in _words(proc, entry.name):
                living.append(_name(proc, place, entry.name))
    return {
        "who": f"{getpass.getuser()}@{socket.gethostname()}",
        "run": _name(proc, place, head_of(proc, os.getpid() if pid is None else pid)),
        "living": sorted(living),
        # Without the kernel's list of processes nobody can be told to be dead.
        "sees": bool(living),
    }
