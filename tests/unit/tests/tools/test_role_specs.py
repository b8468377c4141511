# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles say their variables twice. These tests hold the tool that compares the two."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import docs_markdown
import role_specs
from repo import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def option(**changes: Any) -> dict[str, Any]:
    return {"type": "int", "description": "How many.", "default": 2, **changes}


def role(
    defaults: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    name: str = "net",
) -> role_specs.Role:
    texts = {"short_description": "A net", "description": ["It connects."]}
    spec = None if options is None else {**texts, "options": options}
    return role_specs.Role(name, defaults, spec)


def test_a_role_that_agrees_with_itself_has_no_problem() -> None:
    assert role_specs.problems(role({"net_size": 2}, {"net_size": option()})) == []


@pytest.mark.parametrize(
    ("defaults", "options", "text"),
    [
        ({"net_size": 2}, {}, "net_size: is in defaults/main.yml and not in the specs"),
        ({}, {"net_size": option()}, "net_size: is in the specs and not in defaults/main.yml"),
        ({"net_size": 3}, {"net_size": option()}, "net_size: is 3 (int) in defaults/main.yml"),
        ({"net_size": 2}, {"net_size": option(default=None)}, "is 2 (int)"),
        (
            {"net_size": "2"},
            {"net_size": option()},
            "net_size: is 2 (str) in defaults/main.yml and 2 (int) in the specs",
        ),
        (
            {"net_on": True},
            {"net_on": option(type="bool", default=1)},
            "net_on: is true (bool) in defaults/main.yml and 1 (int) in the specs",
        ),
        (
            {"net_size": "{{ hosts | length }}"},
            {"net_size": option()},
            "net_size: defaults/main.yml computes it, so the specs must not give a default",
        ),
        (
            {"net_list": ["a", "{{ b }}"]},
            {"net_list": option(type="list", elements="str", default=["a"])},
            "net_list: defaults/main.yml computes it",
        ),
        ({"net_size": None}, {"net_size": option()}, "net_size: is null in defaults/main.yml"),
        ({"net_size": 2}, {"net_size": option(description="")}, "net_size: has no description"),
        (
            {"net_size": 2},
            {"net_size": option(description=["Two parts.", {"That is": "a colon."}])},
            "net_size: has a description that is no text: quote what has a colon",
        ),
        ({"net_size": 2}, {"net_size": option(type=None)}, "net_size: has no type"),
        ({"net_size": 2}, {"net_size": option(type="number")}, "net_size: type number is unknown"),
        ({"net_size": 2}, {"net_size": option(type="str")}, "net_size: default 2 is no str"),
        ({"net_size": 2}, {"net_size": option(choices=[1])}, "default 2 is none of its choices"),
        (
            {"net_list": []},
            {"net_list": option(type="list", default=[])},
            "net_list: a list needs elements",
        ),
        (
            {"net_size": 2},
            {"net_size": option(required=True)},
            "net_size: is required in the specs, so defaults/main.yml must not set it",
        ),
        ({"size": 2}, {"size": option()}, "size: does not begin with net_"),
        (
            {"net_of": {}},
            {"net_of": option(type="dict", default={}, options={"a": {"type": "str"}})},
            "net_of.a: has no description",
        ),
        (None, {}, "defaults/main.yml is missing"),
        ({}, None, "meta/argument_specs.yml has no entry main"),
    ],
)
def test_every_difference_is_named(
    defaults: dict[str, Any] | None, options: dict[str, Any] | None, text: str
) -> None:
    found = role_specs.problems(role(defaults, options))
    assert [line for line in found if f"net: {text}" in line or text in line], found


@pytest.mark.parametrize(
    ("texts", "wrong"),
    [
        ({"description": ["It joins."]}, "has no short_description"),
        ({"short_description": "Join"}, "has no description"),
        (
            {"short_description": "Join", "description": [{"It joins": "a net."}]},
            "has a description that is no text: quote what has a colon",
        ),
    ],
)
def test_every_entry_needs_its_texts(texts: dict[str, Any], wrong: str) -> None:
    """Without them there is no documentation of the whole role."""
    tasks = frozenset({"join"})
    main = role_specs.Role("net", {}, texts)
    other = replace(role({}, {}), doors={"join": texts}, tasks=tasks)
    assert role_specs.problems(main) == [f"net: the entry main {wrong}"]
    assert role_specs.problems(other) == [f"net: join: its entry {wrong}"]


@pytest.mark.parametrize(
    ("defaults", "entry"),
    [
        ({"net_size": "{{ x }}"}, {"type": "str", "description": "Computed."}),
        ({"net_size": None}, {"type": "str", "description": "Not set."}),
        ({}, {"type": "str", "description": "The user's.", "required": True}),
        ({"net_size": ""}, {"type": "str", "description": "Empty.", "default": ""}),
    ],
)
def test_what_needs_no_default_in_the_specs(defaults: dict[str, Any], entry: Any) -> None:
    assert role_specs.problems(role(defaults, {"net_size": entry})) == []


def test_files_are_read_as_ansible_reads_them(tmp_path: Path) -> None:
    (tmp_path / "net/defaults").mkdir(parents=True)
    (tmp_path / "net/meta").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "net/defaults/main.yml").write_text("---\nnet_mode: '0644'\n")
    (tmp_path / "net/meta/argument_specs.yml").write_text(
        "argument_specs:\n  main:\n    short_description: A\n    description: B\n    options:\n"
        "      net_mode: {type: str, description: Mode., default: '0644'}\n"
    )
    (read,) = role_specs.load_roles(tmp_path)
    assert (read.name, read.defaults) == ("net", {"net_mode": "0644"})
    assert role_specs.problems(read) == []
    (tmp_path / "net/defaults/main.yml").write_text("a: [")
    (read,) = role_specs.load_roles(tmp_path)
    assert any("is not YAML" in text for text in role_specs.problems(read))


def test_a_page_shows_what_is_used_when_nothing_is_set() -> None:
    options = {
        "net_name": {"type": "str", "description": ["Name.", "See O(net_parts)."]},
        "net_parts": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "description": "Parts | pieces.",
            "options": {
                "kind": {"type": "str", "description": "K.", "choices": ["a"], "required": True}
            },
        },
    }
    text = role_specs.page(role({"net_name": "{{ a | first }}", "net_parts": []}, options))
    assert r"| `net_name` | str | `{{ a \| first }}` | Name.<br>See `net_parts`. |" in text
    assert r"| `net_parts` | list of dict | `[]` | Parts \| pieces. |" in text
    assert "| `net_parts[].kind` | str: `a` | *required* | K. |" in text


def test_pages_that_are_stale_missing_or_too_many_are_named(tmp_path: Path) -> None:
    pages = role_specs.pages([role({"net_size": 2}, {"net_size": option()})])
    assert docs_markdown.stale_pages(tmp_path, pages) == ["README.md", "net.md"]
    assert docs_markdown.write_pages(tmp_path, pages) == ["README.md", "net.md"]
    assert docs_markdown.stale_pages(tmp_path, pages) == []
    (tmp_path / "gone.md").write_text("old")
    (tmp_path / "net.md").write_text("by hand")
    assert docs_markdown.write_pages(tmp_path, pages) == ["gone.md", "net.md"]
    assert not (tmp_path / "gone.md").exists()


def test_a_readme_that_is_missing_or_stale_is_named(tmp_path: Path) -> None:
    one = role({"net_size": 2}, {"net_size": option()})
    path = tmp_path / "net" / "README.md"
    path.parent.mkdir()
    wanted = role_specs.readmes(tmp_path, [one])
    assert docs_markdown.stale_files(wanted) == [path]
    path.write_text(wanted[path])
    assert docs_markdown.stale_files(wanted) == []
    assert wanted[path].startswith("# elk.swarm.net\n\nA net.\n")
    path.write_text("by hand")
    assert docs_markdown.stale_files(wanted) == [path]


@pytest.mark.parametrize("one", role_specs.load_roles(ROOT / "roles"), ids=lambda found: found.name)
def test_the_roles_of_this_collection(one: role_specs.Role) -> None:
    assert role_specs.problems(one) == []


def test_a_variable_may_be_named_after_the_role_that_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "web"
    for part in ("defaults", "meta"):
        (folder / part).mkdir(parents=True)
    (folder / "defaults" / "main.yml").write_text("wall_web_networks: []\nwall_other: []\n")
    (folder / "meta" / "service.yml").write_text('web: {networks: "{{ wall_web_networks }}"}\n')
    found = [
        one for one in role_specs.problems(role_specs.load_role(folder)) if "does not begin" in one
    ]
    assert found == [
        "web: wall_other: does not begin with web_, and meta/service.yml does not use it"
    ]
