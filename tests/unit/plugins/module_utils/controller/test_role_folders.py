# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which task files of roles are called."""

from __future__ import annotations

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.controller.role_folders import (
    RoleFileError,
    of_own_collection,
    role_tasks,
)


def test_the_first_file_that_a_role_has_is_called() -> None:
    there = {"a": ["main.yml", "update.yml"], "b": ["main.yml"], "c": ["main.yaml"]}
    assert role_tasks(there, ["update.yml", "main.yml"]) == [
        {"role": "a", "tasks_from": "update.yml"},
        {"role": "b", "tasks_from": "main.yml"},
        {"role": "c", "tasks_from": "main.yaml"},
    ]


def test_a_role_without_an_optional_file_is_left_out() -> None:
    assert role_tasks({"a": ["main.yml"]}, ["update.yml"]) == []


def test_a_role_that_deploys_nothing_is_an_error() -> None:
    with pytest.raises(RoleFileError, match="Role a has no file tasks/main"):
        role_tasks({"a": ["verify.yml"]}, ["update.yml", "main.yml"])


@pytest.mark.parametrize(
    ("role", "taken"),
    [("storage", True), ("hello", False), ("elk.swarm.kibana", False), ("acme.x.storage", False)],
)
def test_names_of_the_collection_are_taken(role: str, taken: bool) -> None:
    assert of_own_collection(role) is taken
