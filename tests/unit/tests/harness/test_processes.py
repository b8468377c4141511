# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.harness.processes import kill_all
from tests.harness.wait import wait_for

# Starts a child that leaves the session, as workers of Ansible do, and tells its process id.
PROGRAM = """
import os, time
child = os.fork()
if not child:
    os.setsid()
    if os.fork():
        print(os.getpid(), flush=True)
time.sleep(600)
"""


def is_gone(process: int) -> bool:
    try:
        # Without a parent that waits for it, it stays as a zombie.
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_child_with_a_session_of_its_own_is_killed_too() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, start_new_session=True
    ) as program:
        assert program.stdout is not None
        worker = int(program.stdout.readline())
        assert os.getsid(worker) == worker != program.pid
        kill_all(program.pid)
    wait_for(lambda: is_gone(worker), 10, "the end of the worker")
