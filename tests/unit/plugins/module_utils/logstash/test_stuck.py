# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why events wait."""

from __future__ import annotations

import re

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.logstash.flow import Flow
from ansible_collections.elk.swarm.plugins.module_utils.logstash.stuck import why_stuck


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        (Flow(sent=1), Flow(sent=2, refused=9), "takes fewer events than arrive"),
        (Flow(), Flow(refused=9), "refuses the documents.*403.*429"),
        # Logstash waits before it tries again.
        (Flow(refused=9), Flow(refused=9), "refuses the documents"),
        (Flow(refused=9), Flow(refused=9, failed=1), "does not answer"),
        (Flow(failed=1), Flow(failed=1), "does not answer"),
        (Flow(), Flow(), "does not take them"),
    ],
)
def test_why_events_wait(before: Flow, now: Flow, reason: str) -> None:
    assert re.search(reason, why_stuck(before.as_dict(), now.as_dict()))
