# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every playbook that may write compares the controller with the hosts before its first role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from repo import ROOT

PREFLIGHT = "elk.swarm.preflight"
PLAYBOOKS_FOLDER = ROOT / "playbooks"
COMPARISON = "tasks/compare_secrets.yml"
CHECKS = "checks.yml"
# Playbooks that use no secrets or only read them. Reset compares in its role.
OTHERS = {"status", "volumes_audit", "volumes_clean", "fetch_secrets", "reset"}
IMPORTED = {"site", "checks"}
PLAYBOOKS = sorted(
    path.stem for path in PLAYBOOKS_FOLDER.glob("*.yml") if path.stem not in OTHERS | IMPORTED
)


def roles(items: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The roles that tasks include, in their order, each with its task."""
    for item in items:
        if "block" in item:
            yield from roles(item["block"])
        for action in ("ansible.builtin.include_role", "ansible.builtin.import_role"):
            if action in item:
                yield item[action]["name"], item
        if "role" in item:
            yield item["role"], item
        if "ansible.builtin.import_tasks" in item:
            tasks = PLAYBOOKS_FOLDER / item["ansible.builtin.import_tasks"]
            yield from roles(yaml.safe_load(tasks.read_text()))


def plays(name: str) -> Iterator[dict[str, Any]]:
    for play in yaml.safe_load((PLAYBOOKS_FOLDER / f"{name}.yml").read_text()):
        imported = play.get("ansible.builtin.import_playbook")
        yield from plays(imported.removesuffix(".yml")) if imported else [play]


def first_roles(name: str) -> list[tuple[str, dict[str, Any]]]:
    for play in plays(name):
        parts = [play.get(part) or [] for part in ("pre_tasks", "roles", "tasks", "post_tasks")]
        found = [role for part in parts for role in roles(part)]
        if found:
            return found
    return []


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_the_comparison_comes_first(name: str) -> None:
    first, task = first_roles(name)[0]
    assert first == PREFLIGHT
    if "ansible.builtin.include_role" in task:
        assert task["ansible.builtin.include_role"]["tasks_from"] == "controller.yml"
        assert task["when"] == "preflight_survey is not defined"


@pytest.mark.parametrize("name", ["cluster", "stack", "verify"])
def test_parts_of_a_run_compare_with_any_tags(name: str) -> None:
    """Every run checks argument specs, and this check makes the secrets that it reads."""
    _first, task = first_roles(name)[0]
    assert task["tags"] == ["always"]
    assert task["ansible.builtin.include_role"]["apply"] == {"tags": ["always"]}


def test_both_checks_stand_once() -> None:
    """All playbooks import one file for each."""
    every = sorted(PLAYBOOKS_FOLDER.rglob("*.yml"))
    found = {
        (str(path.relative_to(PLAYBOOKS_FOLDER)), bool(role.get("tasks_from")))
        for path in every
        for role in calls_of_preflight(path.read_text())
    }
    own = {
        # With the plan of the hosts between the comparison and the rest.
        ("add_host.yml", False),
        ("fetch_secrets.yml", True),
    }
    assert found == {(COMPARISON, True), (CHECKS, False)} | own


def calls_of_preflight(text: str) -> list[dict[str, Any]]:
    """The calls of the role in the text of a playbook."""
    call = rf"(?:name|role): {re.escape(PREFLIGHT)}\n(?: +tasks_from: (\w+\.yml))?"
    return [{"tasks_from": one[1]} for one in re.finditer(call, text)]


def test_a_reset_compares_before_it_plans() -> None:
    tasks = yaml.safe_load((ROOT / "roles/reset/tasks/main.yml").read_text())
    files = [
        task.get("ansible.builtin.include_tasks") or task.get("ansible.builtin.import_tasks")
        for task in tasks
    ]
    assert files.index("controller.yml") < files.index("plan.yml")


def test_no_default_makes_a_secret_before_the_comparison() -> None:
    found = []
    for path in ROOT.glob("roles/*/defaults/main.yml"):
        for text in yaml.safe_load(path.read_text()).values():
            if "elk.swarm.local_secret" in str(text):
                found.append(re.sub(r"\s+", " ", str(text)))
    assert len(found) == 6
    assert all("make=elk_make_secrets | default(true)" in text for text in found)
    role = yaml.safe_load((ROOT / "roles/preflight/vars/main.yml").read_text())
    # An undefined result would count as a success.
    assert "__preflight_checked is defined and" in role["elk_make_secrets"]
