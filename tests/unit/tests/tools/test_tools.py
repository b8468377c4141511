# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools that check everything else are checked here: each must be able to say no."""

from __future__ import annotations

import ast
import doctest
import importlib.metadata
import sys
from typing import TYPE_CHECKING, Any

import pytest

import check
import module_docs
import newer_core
import package
import playbooks
import repo
import scenarios

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize(
    "name",
    ["docs_markdown", "newer_core", "tests.harness.playbook", "package", "sanity", "scenarios"],
)
def test_examples_in_the_tools_are_true(name: str) -> None:
    done = doctest.testmod(importlib.import_module(name))
    assert done.attempted > 0
    assert done.failed == 0


def test_a_failing_step_fails_the_run_and_only_its_output_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = "print('say why'); raise SystemExit(3)"
    steps = [
        check.Step("good", "", (sys.executable, "-c", "print('say nothing')")),
        check.Step("bad", "", (sys.executable, "-c", bad)),
        check.Step("absent", "", ("/nowhere/tool",)),
    ]
    monkeypatch.setattr(check, "steps", lambda: steps)
    assert check.main([]) == 1
    shown = capsys.readouterr().out
    assert "say why" in shown
    assert "--- bad: exit 3" in shown
    assert "--- absent: exit 127" in shown
    assert "say nothing" not in shown
    assert "checks: 1 passed, 2 failed" in shown
    assert check.main(["--only", "good"]) == 0
    with pytest.raises(SystemExit):
        check.main(["--only", "gone"])


def entry(**changes: Any) -> dict[str, Any]:
    text = {"type": "str", "description": "It."}
    doc = {
        "short_description": "S",
        "description": ["D."],
        "version_added": "0.1.0",
        "author": ["A"],
        "attributes": {name: {"support": "full"} for name in module_docs.ATTRIBUTES},
        "options": {"name": {**text, "required": True}, "size": {**text, "aliases": ["length"]}},
    }
    example = "- name: X\n  elk.swarm.thing:\n    name: a\n    length: b\n"
    returned = {"made": {**text, "returned": "always", "sample": "a"}}
    found = {"doc": doc, "examples": example, "return": returned}
    for key, value in changes.items():
        (found if key in found else doc)[key] = value
    return found


SOURCE = "\n".join(module_docs.HEADER)


def test_a_module_that_says_everything_has_no_problem() -> None:
    assert module_docs.problems("thing", entry(), SOURCE) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"version_added": ""}, "DOCUMENTATION has no version_added"),
        ({"attributes": {}}, "DOCUMENTATION lacks the attribute idempotent"),
        ({"options": {"name": {"description": "N."}}}, "option name has no type"),
        ({"options": {"name": {"type": "str"}}}, "option name has no description"),
        ({"examples": "- name: X\n  elk.swarm.thing: {}\n"}, "lacks the required name"),
        ({"examples": "- name: X\n  thing: {name: a}\n"}, "use elk.swarm.thing, not thing"),
        ({"examples": "- elk.swarm.thing: {name: a}\n"}, "a task has no name"),
        ({"examples": "- name: X\n  elk.swarm.thing: {name: a, nay: b}\n"}, "nay is no option"),
        ({"examples": "a: ["}, "EXAMPLES are not YAML"),
        ({"return": {}}, "RETURN is empty"),
        ({"return": {"made": {"type": "str", "description": "M."}}}, "RETURN made has no sample"),
    ],
)
def test_what_a_module_does_not_say_is_named(changes: dict[str, Any], text: str) -> None:
    found = module_docs.problems("thing", entry(**changes), SOURCE)
    assert [line for line in found if text in line], found


def test_a_module_begins_with_the_header() -> None:
    (found,) = module_docs.problems("thing", entry(), "import os\n")
    assert "header" in found


def test_public_modules_are_modules() -> None:
    there = module_docs.module_names(repo.ROOT / "plugins" / "modules")
    assert set(module_docs.PUBLIC) - set(there) == set()


def test_action_groups_hold_the_modules_that_can_take_their_options() -> None:
    options: dict[str, dict[str, Any]] = {
        "service": {"docker_host": {}},
        "user": {"urls": {}},
        "plain": {},
    }
    good = {"swarm": ["service"], "elasticsearch": ["user"]}
    assert module_docs.group_problems(good, options, list(options)) == []
    bad = {"swarm": ["plain", "gone"], "elasticsearch": ["user"], "other": []}
    assert len(module_docs.group_problems(bad, options, list(options))) == 4


def test_a_lane_beyond_the_number_begins_from_the_end_while_processors_are_idle() -> None:
    lanes = scenarios.Lanes(["a", "b", "c"], number=2)
    assert [lanes.take(1), lanes.take(3)] == ["a", ""]
    lanes.idle = scenarios.SPARE + 0.1
    # Once: what began has not been measured yet.
    assert [lanes.take(3), lanes.take(3), lanes.take(2)] == ["c", "", "b"]


def test_nothing_begins_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = {"a": True, "b": False, "c": True}
    monkeypatch.setattr(scenarios.Lanes, "run", lambda _lanes, scenario, _lane: ends[scenario])
    lanes = scenarios.Lanes(list(ends), number=1)
    lanes.work(1)
    assert list(lanes.took) == ["a", "b"]
    assert (lanes.failed, lanes.waiting) == (["b"], ["c"])
    assert "1 passed, 1 failed" in lanes.table()


def test_playbooks_are_told_from_lists_of_tasks(tmp_path: Path) -> None:
    (tmp_path / "molecule/one").mkdir(parents=True)
    (tmp_path / "molecule/one/molecule.yml").write_text("{}")
    (tmp_path / "molecule/one/verify.yml").write_text("- hosts: all\n")
    (tmp_path / "molecule/one/tasks.yml").write_text("- name: A task\n")
    (tmp_path / "site.yml").write_text("[]")
    assert [path.name for path in playbooks.playbooks(tmp_path)] == ["verify.yml", "site.yml"]


@pytest.mark.parametrize(
    "name",
    [
        ".lab/ca.key",
        ".venv/bin/python",
        "lab/machine.py",
        "inventories/example/credentials/elastic_password",
        "inventories/example-credentials/elastic_password",
        "roles/pki/files/node.key",
        "plugins/modules/__pycache__/service.pyc",
    ],
)
def test_what_a_lab_or_a_run_makes_is_not_published(name: str) -> None:
    (found,) = package.content_problems({name, "MANIFEST.json"}, [name])
    assert found.startswith(f"{name} must not be in the build")


def test_what_users_need_is_published_and_nothing_unknown() -> None:
    sources = ["roles/a/tasks/main.yml", "Makefile", "inventories/lab/hosts.yml"]
    assert package.content_problems({"roles/a/tasks/main.yml"}, sources) == []
    missing, unknown = package.content_problems({"notes.txt"}, sources)
    assert missing == "roles/a/tasks/main.yml is missing in the build"
    assert unknown == "notes.txt is in the build and is no file of the repository"


def test_a_copy_follows_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    (source / "a").mkdir(parents=True)
    (source / "a/one").write_text("1")
    (source / "two").write_text("2")
    names = ["a/one", "two"]
    monkeypatch.setattr(repo, "source_files", lambda _root: names)
    assert repo.copy_sources(copy, source) == 2
    assert repo.copy_sources(copy, source) == 0
    (source / "two").write_text("changed")
    names.remove("a/one")
    assert repo.copy_sources(copy, source) == 1
    assert [path.name for path in copy.rglob("*")] == ["two"]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def not_among(there: set[str], tests: set[Path]) -> set[str]:
    """Packages and collections that tests, or what they import of ours, need beside those given."""
    foreign = importlib.metadata.packages_distributions().keys() - there
    left = set(tests)
    seen: set[Path] = set()
    missing: set[str] = set()
    while left:
        seen.add(path := left.pop())
        for name in imported(path):
            file = name.replace(".", "/")
            ours = {folder / f"{file}.py" for folder in (repo.ROOT, repo.ROOT / "tests/tools")}
            left |= {one for one in ours if one.exists()} - seen
            collection = ".".join(name.split(".")[:3])
            if name.split(".")[0] in foreign or (
                name.startswith("ansible_collections.") and collection not in there
            ):
                missing.add(f"{path.relative_to(repo.ROOT)} imports {name}")
    return missing


def test_unit_tests_for_a_newer_core_need_nothing_that_it_comes_without() -> None:
    there = {"ansible", "ansible_collections", "jinja2", "yaml", *newer_core.ALSO}
    for name in ("elk.swarm", *package.needed(package.pypi_collections())):
        there.add(f"ansible_collections.{name}")
    ignored = {repo.ROOT / name for name in newer_core.NOT_OURS}
    assert [path for path in ignored if not path.exists()] == []
    tests = set((repo.ROOT / "tests/unit").rglob("test_*.py"))
    ours = {one for one in tests if ignored.isdisjoint((one, *one.parents))}
    assert not_among(there, ours) == set()
    found = not_among(there - {"pytest"}, ours)
    assert "tests/unit/tests/tools/test_tools.py imports pytest" in found
