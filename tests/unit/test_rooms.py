# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package of module_utils may import which, and how much code a module carries to a host."""

from __future__ import annotations

import ast
import functools
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from repo import ROOT

UTILS = ROOT / "plugins" / "module_utils"
NAME = "ansible_collections.elk.swarm.plugins.module_utils"
# What each package may import, besides itself.
ARROWS: dict[str, set[str]] = {
    "common": set(),
    "docker": {"common"},
    "elasticsearch": {"common"},
    "host": {"common"},
    "controller": {"common", "host"},
    "logstash": {"common", "docker", "elasticsearch"},
    "swarm": {"common", "docker"},
    "platform": {"common", "controller", "docker", "elasticsearch", "host", "logstash", "swarm"},
}
# Lines of our own that Ansible may pack for one module. It reads all of them on the controller, in
# each run, and sends them to each host.
MOST_LINES = 3400
# Modules that do a lot, and the lines that each may have.
MORE_LINES = {"status_survey": 6000, "status_report": 4350, "service": 6900, "preflight": 6500}


@functools.cache
def helpers() -> dict[str, Path]:
    """Every helper, by its dotted name below module_utils."""
    return {
        ".".join(path.relative_to(UTILS).with_suffix("").parts): path
        for path in UTILS.rglob("*.py")
        if path.name != "__init__.py"
    }


def imported(source: str, known: set[str]) -> set[str]:
    """The helpers that a source imports, also inside of functions and for types only."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{NAME}."):
            module = str(node.module)[len(NAME) + 1 :]
            found |= {module} if module in known else {f"{module}.{one.name}" for one in node.names}
    return found


@functools.cache
def graph() -> dict[str, set[str]]:
    """What each helper imports."""
    paths = helpers()
    return {name: imported(path.read_text(), set(paths)) for name, path in paths.items()}


def closure(source: str) -> set[str]:
    """The helpers that Ansible packs for a module."""
    found: set[str] = set()
    left = imported(source, set(helpers()))
    while left:
        name = left.pop()
        found.add(name)
        left |= graph()[name] - found
    return found


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize(
    "source",
    [
        f"from {NAME}.docker import client",
        f"from {NAME}.docker.client import Engine",
        f"def f():\n    from {NAME}.docker.client import Engine",
        f"if TYPE_CHECKING:\n    from {NAME}.docker.client import Engine",
    ],
)
def test_every_form_of_an_import_is_seen(source: str) -> None:
    assert imported(source, {"docker.client"}) == {"docker.client"}


@pytest.mark.parametrize("name", sorted(helpers()))
def test_a_helper_imports_only_along_the_arrows(name: str) -> None:
    package = name.split(".")[0]
    others = {one.split(".")[0] for one in graph()[name]}
    assert others - {package} - ARROWS[package] == set()


def test_arrows_and_imports_have_no_circle() -> None:
    list(TopologicalSorter(ARROWS).static_order())
    list(TopologicalSorter(graph()).static_order())


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").rglob("*.py")), ids=lambda one: one.name)
def test_helpers_are_imported_by_their_full_name(path: Path) -> None:
    others = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        # `from NAME import docker` and `import NAME.docker.client` would not be counted.
        if (isinstance(node, ast.ImportFrom) and (node.level or node.module == NAME))
        or (isinstance(node, ast.Import) and any(one.name.startswith(NAME) for one in node.names))
    ]
    assert others == []


def test_no_module_carries_more_than_it_needs() -> None:
    paths = helpers()
    sizes = {}
    for module in sorted((ROOT / "plugins" / "modules").glob("*.py")):
        packed = closure(module.read_text())
        sizes[module.stem] = lines(module) + sum(lines(paths[name]) for name in packed)
    for module, size in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{module:32} {size:6}")
    assert set(MORE_LINES) - set(sizes) == set()
    bars = {module: MORE_LINES.get(module, MOST_LINES) for module in sizes}
    assert {module: size for module, size in sizes.items() if size > bars[module]} == {}
