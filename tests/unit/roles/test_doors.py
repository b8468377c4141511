# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one role or playbook calls of another role has an entry in the argument specs of that role.

Ansible checks an entry in a run only for a tasks_from without .yml, and evaluates all of its
options for that. These tests check the callers instead, before any run.
"""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from repo import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS = "elk.swarm."
ROLES = ROOT / "roles"
CALLS = ("ansible.builtin.include_role", "ansible.builtin.import_role")
# Roles of services, whose files the playbooks find by name.
SERVICES = sorted(path.parts[-3] for path in ROLES.glob("*/meta/service.yml"))
# Calls of files whose names are variables.
FREE = ("{{ elk_service.", "{{ elasticsearch_work.")
# What a role does with a node that restarts, as it stands in elasticsearch_work.
WORK = re.compile(r"^ +role: elk\.swarm\.(\w+)\n((?: +\w+: .*\n)+)", re.MULTILINE)
PATTERNS = ("playbooks/**/*.yml", "roles/*/tasks/*.yml", "tests/fixtures/roles/*/tasks/*.yml")


@dataclass(frozen=True)
class Call:
    """A call of another role, with the variables that it gives."""

    file: Path
    role: str
    tasks_from: str
    # Variables of the call itself, and those of the blocks and the play around it.
    given: frozenset[str] = frozenset()
    around: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}: {self.role} {self.tasks_from}"

    @property
    def entry(self) -> str:
        return self.tasks_from.removesuffix(".yml")


def sources() -> list[Path]:
    return [path for pattern in PATTERNS for path in sorted(ROOT.glob(pattern))]


def called(
    value: Any, around: frozenset[str] = frozenset()
) -> Iterator[tuple[dict[str, Any], frozenset[str], frozenset[str]]]:
    """Every call in a file, with the names of its variables and of those around it."""
    if isinstance(value, list):
        for one in value:
            yield from called(one, around)
    elif isinstance(value, dict):
        own = frozenset(value.get("vars") or ())
        for action in CALLS:
            if action in value:
                yield value[action], own, around
        if "role" in value:
            yield {"name": value["role"]}, own, around
        for key in ("tasks", "pre_tasks", "post_tasks", "roles", "block", "rescue", "always"):
            yield from called(value.get(key), around | own)


@functools.cache
def calls() -> list[Call]:
    found = []
    for path in sources():
        for options, given, around in called(yaml.safe_load(path.read_text())):
            role = str(options["name"])
            if role.startswith(OURS):
                tasks = options.get("tasks_from", "main.yml")
                found.append(Call(path, role.removeprefix(OURS), tasks, given, around))
            else:
                assert role.startswith(FREE), f"{path}: {role}"
    return found


def by_name() -> list[Call]:
    """What the playbooks find by its name in the roles of services, and what a restart includes."""
    found = []
    for path in sources():
        text = path.read_text()
        for names in re.findall(r"\bfiles=(\[[^\]]+\])", text):
            for role in SERVICES:
                folder = ROLES / role / "tasks"
                files = [name for name in ast.literal_eval(names) if (folder / name).exists()]
                found += [Call(path, role, name) for name in files[:1]]
        for role, part in WORK.findall(text):
            work = re.findall(r"^ +(?:before|stopped): (\w+\.yml)$", part, re.MULTILINE)
            found += [Call(path, role, name) for name in work]
    return found


@functools.cache
def entries(role: str) -> dict[str, dict[str, Any]]:
    text = (ROLES / role / "meta" / "argument_specs.yml").read_text()
    specs: dict[str, dict[str, Any]] = yaml.safe_load(text)["argument_specs"]
    return {name: spec.get("options") or {} for name, spec in specs.items()}


def test_calls_are_found() -> None:
    assert len(calls()) > 60
    assert {"empty_node", "change_storage", "verify"} <= {call.entry for call in by_name()}


def options_of_the_file(path: Path) -> set[str]:
    """The options of a task file of a role: its own callers give them."""
    role, stem = path.parts[-3], path.stem
    return set(entries(role).get(stem, {})) if path.is_relative_to(ROLES) else set()


def missing(call: Call) -> set[str]:
    """What the entry needs and neither the call nor anything around it gives."""
    options = entries(call.role)[call.entry]
    needed = {name for name, one in options.items() if one.get("required")}
    # Also what a task of this file sets, or a play asks for.
    words = set(re.findall(r"\w+", call.file.read_text()))
    return needed - call.given - call.around - words - options_of_the_file(call.file)


def unknown(call: Call) -> set[str]:
    """What the call gives and the entry does not take. What begins with __ is private to a role."""
    own = {name for name in call.given if re.match(rf"(__)?{call.role}_", name)}
    return own - set(entries(call.role)[call.entry])


def test_a_call_has_an_entry() -> None:
    every = [*calls(), *by_name()]
    assert [str(call) for call in every if call.entry not in entries(call.role)] == []


def test_a_call_gives_what_the_entry_needs_and_nothing_else() -> None:
    assert {str(call): found for call in calls() if (found := missing(call) | unknown(call))} == {}


def test_no_entry_is_without_a_caller() -> None:
    known = {(call.role, call.entry) for call in [*calls(), *by_name()]}
    closed = {
        f"{path.parts[-3]}: {name}"
        for path in ROLES.glob("*/meta/argument_specs.yml")
        for name in entries(path.parts[-3])
        if name != "main" and (path.parts[-3], name) not in known
    }
    assert closed == set()


def test_no_call_switches_the_check_of_a_role_off() -> None:
    found = [path for path in sources() if "rolespec_validate" in path.read_text()]
    assert found == [], "call an entry of the role with tasks_from"


def test_no_run_evaluates_the_options_of_an_entry() -> None:
    """It would cost a task for each host and call, and show secrets when it fails."""
    assert [str(call) for call in calls() if not call.tasks_from.endswith(".yml")] == []
