# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions mean what they look like: tests and filters bind more tightly than ~ and +."""

from __future__ import annotations

import re
import warnings

import pytest
import yaml
from jinja2 import nodes

from repo import ROOT
from tests.unit.expressions import ENVIRONMENT, Loader, sources, templates


def operands(node: nodes.Node) -> list[nodes.Node]:
    """What ~ joins, what is calculated with, and what stands on the right of a comparison."""
    if isinstance(node, nodes.Concat):
        return list(node.nodes)
    if isinstance(node, nodes.Compare):
        return [operand.expr for operand in node.ops]
    if isinstance(node, nodes.BinExpr) and not isinstance(node, (nodes.And, nodes.Or)):
        return [node.left, node.right]
    return []


def misread(template: str) -> list[str]:
    """Tests and filters of a template that look at less than the eye does."""
    found: list[str] = []
    with warnings.catch_warnings():
        # A \. in a regular expression, which Ansible lets through.
        warnings.simplefilter("ignore", DeprecationWarning)
        tree = ENVIRONMENT.parse(template)
    for test in tree.find_all(nodes.Test):
        if isinstance(test.node, nodes.Const):
            found.append(f"'is {test.name}' tests only the constant {test.node.value!r}")
    for node in tree.find_all((nodes.Concat, nodes.BinExpr, nodes.Compare)):
        for part in operands(node):
            if isinstance(part, nodes.Test) and not isinstance(part.node, nodes.Const):
                found.append(f"'is {part.name}' tests only a part of what stands before it")
            elif isinstance(part, nodes.Filter) and isinstance(part.node, nodes.Const):
                found.append(f"'| {part.name}' filters only the constant {part.node.value!r}")
    return found


@pytest.mark.parametrize(
    ("template", "says"),
    [
        (
            "{{ 'x' if path ~ '.next' is file else '' }}",
            "'is file' tests only the constant '.next'",
        ),
        ("{{ not a + b is defined }}", "'is defined' tests only a part"),
        ("{{ a == b is changed }}", "'is changed' tests only a part"),
        ("{{ folder ~ '/name' | quote }}", "'| quote' filters only the constant '/name'"),
        ("{% if path ~ '.next' is file %}x{% endif %}", "'is file' tests only the constant"),
    ],
)
def test_what_looks_at_less_than_the_eye_is_found(template: str, says: str) -> None:
    assert [found for found in misread(template) if found.startswith(says)]


@pytest.mark.parametrize(
    "template",
    [
        "{{ (path ~ '.next') is file }}",
        "{{ (folder ~ '/name') | quote }}",
        "{{ 'on ' ~ hosts | join(', ') }}",
        "{{ groups['a'] + groups['b'] | default([]) }}",
        "{{ a is changed and b is not defined }}",
        "{{ a is changed == b }}",
    ],
)
def test_what_means_what_it_looks_like_is_left_alone(template: str) -> None:
    assert misread(template) == []


def test_an_expression_without_braces_is_read_as_well() -> None:
    task = {"name": "a ~ 'b' is file", "when": ["a ~ 'b' is file"], "vars": {"x": "{{ a }}"}}
    assert list(templates(task)) == ["{{ a ~ 'b' is file }}", "{{ a }}"]


@pytest.mark.parametrize("name", sources())
def test_tests_and_filters_mean_what_they_look_like(name: str) -> None:
    text = (ROOT / name).read_text()
    if name.endswith(".j2"):
        found = misread(text)
    else:
        documents = yaml.load_all(text, Loader)
        found = [line for part in documents for one in templates(part) for line in misread(one)]
    assert found == [], f"{name}: put what is meant into brackets"


def test_there_is_something_to_read() -> None:
    assert len(sources()) > 150
    assert any(re.search(r"\{\{.*?\bis file\b", (ROOT / name).read_text()) for name in sources())
