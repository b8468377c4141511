# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which task files of roles are called."""

from __future__ import annotations

from ansible_collections.elk.swarm.plugins.module_utils.controller.role_folders import role_tasks


def test_the_first_file_that_a_role_has_is_called() -> None:
    there = {"a": ["main.yml", "update.yml"], "b": ["main.yml"], "c": ["verify.yml"]}
    assert role_tasks(there, ["update.yml", "main.yml"]) == [
        {"role": "a", "tasks_from": "update.yml"},
        {"role": "b", "tasks_from": "main.yml"},
    ]
