# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes Python's garbage collector ignore the objects that a test run keeps until its end.

Ansible starts a process for every task on every host. When the collector of such a process runs, it
visits all objects of the controller and so copies their memory. That was a seventh of the
controller's work in a play of small tasks.
"""

from __future__ import annotations

import gc
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: calm_collector
type: aggregate
short_description: Makes the garbage collector run less often
description: For the tests of this collection only.
requirements: [enabled in the configuration]
"""

# The thresholds of gc.set_threshold for the three generations of objects.
YOUNG, MIDDLE, OLD = 200_000, 50, 100


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "calm_collector"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, _playbook: Any) -> None:
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG, MIDDLE, OLD)
