# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The id of this Ansible run, and the ids of all runs on this controller.

An id contains the boot, the PID namespace, the PID and the start time of a process, because another
process may have the same PID later, after a boot or in another container.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from pathlib import Path
from typing import Any


def _command_line(proc: Path, pid: int | str) -> bytes:
    with contextlib.suppress(OSError):
        return (proc / str(pid) / "cmdline").read_bytes()
    return b""


def _fields(proc: Path, pid: int | str) -> list[str]:
    """The fields of /proc/PID/stat after the process name, which may contain any character."""
    with contextlib.suppress(OSError):
        return (proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return []


def _boot_and_namespace(proc: Path) -> str:
    boot = namespace = ""
    with contextlib.suppress(OSError):
        boot = (proc / "sys" / "kernel" / "random" / "boot_id").read_text().strip()[:8]
    with contextlib.suppress(OSError):
        namespace = os.readlink(proc / "self" / "ns" / "pid").strip("pid:[]")
    return f"{boot}-{namespace}"


def _process_id(proc: Path, prefix: str, pid: int | str) -> str:
    fields = _fields(proc, pid)
    return f"{prefix}-{pid}-{fields[19]}" if len(fields) > 19 else f"{prefix}-{pid}"


def head_of(proc: Path, pid: int) -> int:
    """The first process of a run. It forks the others, which have the same command line."""
    command_line = _command_line(proc, pid)
    while True:
        fields = _fields(proc, pid)
        parent = int(fields[1]) if len(fields) > 1 else 0
        if not command_line or parent < 2 or _command_line(proc, parent) != command_line:
            return pid
        pid = parent


def controller_run(proc: Path = Path("/proc"), pid: int | None = None) -> dict[str, Any]:
    """The user and id of this run, and the ids of all runs on this controller."""
    prefix = _boot_and_namespace(proc)
    living = []
    with contextlib.suppress(OSError):
        for entry in proc.iterdir():
            if entry.name.isdigit() and b"ansible" in _command_line(proc, entry.name):
                living.append(_process_id(proc, prefix, entry.name))
    return {
        "who": f"{getpass.getuser()}@{socket.gethostname()}",
        "run": _process_id(proc, prefix, head_of(proc, os.getpid() if pid is None else pid)),
        "living": sorted(living),
        # Without the kernel's list of processes, no other run can be called dead.
        "sees": bool(living),
    }
