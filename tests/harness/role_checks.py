# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the checks of a role into one template, because a loop is much faster than tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from pathlib import Path


def complaint_template(role: Path) -> str:
    """The messages of all checks of a role that fail, or nothing."""
    text = ""
    for task in yaml.safe_load((role / "tasks" / "check.yml").read_text()):
        # Anything else would be left out without a word.
        assert task.keys() == {"name", "ansible.builtin.assert"}, task
        check = task["ansible.builtin.assert"]
        conditions = [check["that"]] if isinstance(check["that"], str) else check["that"]
        every = " and ".join(f"({condition})" for condition in conditions)
        text += "{% if not (" + every + ") %}" + check["fail_msg"] + "\n{% endif %}"
    return text
