# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No expression is long: what needs more than two hundred characters is a filter with tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.unit import expressions

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 200


def too_long(name: str) -> list[str]:
    """The file, the line and the length of each expression that is too long."""
    found: list[str] = []
    for line, key, template in expressions.placed(name):
        lengths = [(first, len(part)) for first, part in expressions.parts(template)]
        # Statements in a value of YAML calculate it together.
        if key and "{%" in template:
            lengths = [(1, sum(length for _first, length in lengths))]
        found += [
            f"{name}:{line + first - 1}: {key or 'template'} has {length} characters"
            for first, length in lengths
            if length > LONGEST
        ]
    return found


LONG = " + ".join(["variable"] * 20)
SHORT = " + ".join(["variable"] * 18)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"a: 1\nb: '{{{{ {LONG} }}}}'\n", "x.yml:2: b has 217 characters"),
        (f"- when:\n    - a\n    - {LONG}\n", "x.yml:3: when has 217 characters"),
        (f"- until: {LONG}\n", "x.yml:1: until has 217 characters"),
        (f"- that: {LONG}\n", "x.yml:1: that has 217 characters"),
        (f"- failed_when: {LONG}\n", "x.yml:1: failed_when has 217 characters"),
        (f"- changed_when: {LONG}\n", "x.yml:1: changed_when has 217 characters"),
        (f"- loop: {LONG}\n", "x.yml:1: loop has 217 characters"),
        (f"---\na: 1\n---\nb: '{{{{ {LONG} }}}}'\n", "x.yml:4: b has 217 characters"),
        (f"a: '{{% set b = {SHORT} %}}{{{{ {SHORT} }}}}'\n", "x.yml:1: a has 398 characters"),
    ],
)
def test_a_long_expression_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    monkeypatch.setattr(expressions, "ROOT", tmp_path)
    (tmp_path / "x.yml").write_text(text)
    assert too_long("x.yml") == [says]


def test_templates_are_read_by_expression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expressions, "ROOT", tmp_path)
    text = f"{{{{ {SHORT} }}}}\n{{% if {LONG} %}}{{{{ {SHORT} }}}}\n{{% endif %}}\n"
    (tmp_path / "x.j2").write_text(text)
    assert too_long("x.j2") == ["x.j2:2: template has 220 characters"]


def test_the_text_around_expressions_and_their_spaces_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expressions, "ROOT", tmp_path)
    text = f"{'text ' * 50} {{{{ {SHORT}{' ' * 100}}}}} {'text ' * 50} {{{{ {SHORT} }}}}"
    (tmp_path / "x.yml").write_text(yaml.safe_dump({"msg": text, "name": "n" * 300}))
    assert too_long("x.yml") == []


@pytest.mark.parametrize("name", expressions.sources())
def test_no_expression_is_long(name: str) -> None:
    found = too_long(name)
    assert not found, f"{'; '.join(found)}: name its parts, or write a filter with tests"
