# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has Python's garbage collector leave alone what a run of the tests keeps to its end anyway.

Ansible starts a process for every task on every host. Each of them goes through all that the
controller has loaded as soon as its collector runs, and thereby copies it. A seventh of the
controller's work in a play of small tasks was that.
"""

from __future__ import annotations

import gc
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: calm_collector
type: aggregate
short_description: Has the garbage collector run less often
description: For the tests of this collection only.
requirements: [enabled in the configuration]
"""

# New objects between two looks at the youngest, and how many of those until the older ones.
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
