# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: next_command
type: notification
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Print the host, the cause and the next command after a failed run
description:
  - If a host failed or was unreachable, prints after the summary which host it was, at which task
    and why, and what to type next. Prints nothing after a successful run.
  - A playbook cannot print this. When a host is unreachable and C(any_errors_fatal) ends the play,
    no later task and no later play runs on the hosts.
requirements:
  - C(callbacks_enabled = elk.swarm.next_command) in C(ansible.cfg).
"""

import sys
from typing import Any

from ansible.plugins.callback import CallbackBase

from ansible_collections.elk.swarm.plugins.module_utils.controller.run_summary import (
    Failure,
    Host,
    closing,
)

HIDDEN = "the reason is hidden because it contains a secret"


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "elk.swarm.next_command"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._play: Any = None
        # The last failure of each host, because the message of a rescue comes after its cause.
        self._failures: dict[str, Failure] = {}

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            self._record(result, unreachable=False)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._record(result, unreachable=True)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        # The statistics do not count a failure that was rescued.
        failed = {**stats.failures, **stats.dark}
        text = closing(failure for name, failure in self._failures.items() if name in failed)
        if text:
            # If the output is a file or a pipe, the summary is still in a buffer.
            sys.stdout.flush()
            # To stderr, because a program may read stdout, for example as JSON.
            self._display.display(text, color="red", stderr=True)

    def _record(self, result: Any, unreachable: bool) -> None:
        name = result.host.get_name()
        delegated = (result.result.get("_ansible_delegated_vars") or {}).get(
            "ansible_delegated_host"
        )
        host = delegated if delegated and delegated != "localhost" else name
        self._failures[name] = Failure(
            Host.from_variables(host, self._variables(host)),
            result.task_name,
            self._message(result.result),
            unreachable,
        )

    def _variables(self, name: str) -> dict[str, Any]:
        manager = self._play.get_variable_manager()
        host = manager._inventory.get_host(name)
        return dict(manager.get_vars(play=self._play, host=host)) if host else {}

    @staticmethod
    def _message(result: dict[str, Any]) -> str:
        for item in result.get("results") or []:
            if isinstance(item, dict) and (item.get("failed") or item.get("unreachable")):
                return str(item.get("msg") or HIDDEN)
        return str(result.get("msg") or (HIDDEN if "censored" in result else "no reason was given"))
