# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the duration of each task of a run to the file $BENCH_TIMES."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: bench_times
type: aggregate
short_description: Times of tasks as JSON
description: Writes the seconds of each task, with its play and role, to the file $BENCH_TIMES.
requirements: [enabled in the configuration]
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "bench_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.play = ""
        self.tasks: list[dict[str, Any]] = []
        self.start = self.since = time.monotonic()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self.close()
        self.play = play.get_name()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002
        self.close()
        role = task._role.get_name() if task._role else ""
        self.tasks.append(
            {
                "play": self.play,
                "role": role,
                "task": task.name,
                "hosts": [],
                # Both in seconds, the first one since Ansible started.
                "began": self.since - self.start,
                "seconds": None,
            }
        )

    def v2_runner_on_ok(self, result: Any) -> None:
        self.tasks[-1]["hosts"].append(result._host.get_name())

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self.close()
        hosts = {host: stats.summarize(host) for host in stats.processed}
        with open(os.environ["BENCH_TIMES"], "w", encoding="utf-8") as file:
            json.dump({"tasks": self.tasks, "hosts": hosts}, file)

    def close(self) -> None:
        """Count the time since the last event for the current task."""
        now = time.monotonic()
        if self.tasks and self.tasks[-1]["seconds"] is None:
            self.tasks[-1]["seconds"] = now - self.since
        self.since = now
