# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a message or a page asks an operator to type exists: playbooks, variables, values, pages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from messages import anchors, messages
from repo import ROOT, source_files

if TYPE_CHECKING:
    from collections.abc import Iterator

# A sentence, and not a name, a path or an expression.
SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]{2,} ?(?:[a-z]{2,}|-e|\0|[a-z]+/)")
EXPRESSION = re.compile(r" (?:\||==|!=|not in|is not|in) ")

# NAME stands for any of them.
PLAYBOOK = re.compile(r"(?<![\w./-])playbooks/(?!NAME\b)(\w+)\.yml|(?<![\w./-])(site)\.yml")
# Behind a command, and behind one of the words with which a message names a playbook.
BARE = re.compile(
    r"(?:\b[Rr]un|\b[Ww]ith|\banew with|ansible-playbook(?: -i \S+)?) (\w+)\.yml(?![\w.])"
)
INSTALLED = re.compile(r"ansible-playbook [^`\n]*?\belk\.swarm\.(\w+)")
EXTRA = re.compile(r"-e ['\"]?(\w+)=")
RENEWAL = re.compile(r"\brotate=([a-z_,]+)")
SETTING = re.compile(r"(?<![\w./-])([a-z]+_[a-z_]+): (?:true|false|\"\"|[0-9])")
ORDER = re.compile(
    r"\b(?:[Ss]et|[Cc]orrect|[Ll]ower|[Rr]aise|[Cc]hange|[Cc]hoose|[Ss]horten) ([a-z]+_[a-z_]+)\b"
)
PAGE = re.compile(r"(?<![\w/-])(docs/[\w/-]+(?:\.md)?)(?:#([\w-]+))?")


@dataclass(frozen=True)
class Known:
    """What an operator can type."""

    playbooks: frozenset[str]
    variables: frozenset[str]
    # By playbook, the names in it.
    names: dict[str, frozenset[str]] = field(default_factory=dict)
    renewals: frozenset[str] = frozenset()
    # Of the modules.
    options: frozenset[str] = frozenset()


def options(spec: dict[str, Any]) -> Iterator[str]:
    for entry in spec["argument_specs"].values():
        yield from entry.get("options") or {}


def reads(name: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
    """The names in a playbook and in those that it imports."""
    text = (ROOT / "playbooks" / f"{name}.yml").read_text()
    found = frozenset(re.findall(r"\w+", text))
    for part in set(re.findall(r"import_playbook: (\w+)\.yml", text)) - seen - {name}:
        found |= reads(part, seen | {name})
    return found


@cache
def known() -> Known:
    books = frozenset(path.stem for path in ROOT.glob("playbooks/*.yml"))
    specs = [yaml.safe_load(path.read_text()) for path in ROOT.glob("roles/*/meta/*specs.yml")]
    renewal = (ROOT / "playbooks/rotate.yml").read_text()
    kinds = re.search(r"rotate_known: \[([^]]*)\]", renewal)
    assert kinds is not None
    return Known(
        books,
        frozenset(name for spec in specs for name in options(spec)),
        {name: reads(name) for name in books},
        frozenset(kinds[1].split(", ")),
        frozenset(
            name
            for page in ROOT.glob("docs/modules/*.md")
            for name in re.findall(r"(?m)^\| `(\w+)` \|", page.read_text())
        ),
    )


def playbooks_in(text: str) -> list[str]:
    found = [next(filter(None, pair)) for pair in PLAYBOOK.findall(text)]
    return [*found, *BARE.findall(text), *INSTALLED.findall(text)]


def faults(text: str, typed: Known) -> list[str]:
    """What a text asks for that does not exist."""
    books = playbooks_in(text)
    found = [f"no playbook {name}.yml" for name in books if name not in typed.playbooks]
    for name in EXTRA.findall(text):
        readers = [book for book in books if name in typed.names.get(book, ())]
        anyone = any(name in names for names in typed.names.values())
        if name in typed.variables or readers or (anyone and not books):
            continue
        found.append(f"nothing reads the variable {name}")
    for kinds in RENEWAL.findall(text):
        wrong = set(filter(None, kinds.split(","))) - typed.renewals
        found += [f"rotate.yml does not renew {kind}" for kind in sorted(wrong)]
    for page, anchor in PAGE.findall(text):
        path = ROOT / page
        if not path.exists():
            found.append(f"no page {page}")
        elif anchor and anchor not in anchors(path.read_text()):
            found.append(f"no heading {anchor} on {page}")
    return found


def settings(text: str, typed: Known) -> list[str]:
    """Variables to set, with their value or behind a verb, that no role has."""
    prefixes = tuple({f"{name.split('_')[0]}_" for name in typed.variables})
    return [
        f"no variable {name}"
        for name in dict.fromkeys([*SETTING.findall(text), *ORDER.findall(text)])
        if name.startswith(prefixes) and name not in typed.variables | typed.options
    ]


# Messages -----------------------------------------------------------------------------------------


HINTS = [
    (name, text)
    for name, text in messages()
    if SENTENCE.search(text)
    and not EXPRESSION.search(text)
    and (
        playbooks_in(text)
        or EXTRA.search(text)
        or PAGE.search(text)
        or SETTING.search(text)
        or ORDER.search(text)
    )
]
PAGES = [
    name
    for name in source_files()
    if name == "README.md" or re.match(r"docs/(?!modules/|roles/|decisions/).*\.md$", name)
]


@pytest.mark.parametrize(("name", "text"), HINTS)
def test_what_a_message_asks_for_exists(name: str, text: str) -> None:
    assert faults(text, known()) + settings(text, known()) == [], f"{name}: {text}"


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_asks_for_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    commands = re.findall(r"`([^`\n]+)`", text)
    commands += re.findall(r"(?m)^(?: {4}| *\$ ).*ansible-playbook .*", text)
    commands += [line for block in re.findall(r"(?ms)^```.*?^```", text) for line in block.split()]
    found = [fault for command in commands for fault in faults(command, known())]
    assert found == []


def test_the_hints_are_found() -> None:
    """The patterns see what they are made for: a renewal, a lock, a removal, pages."""
    text = " ".join(text for _name, text in HINTS)
    assert len(HINTS) > 40
    for part in (
        "rotate=passwords",
        "elasticsearch_roll_unlock=true",
        "docs/storage.md#",
        "site.yml",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Run playbooks/renew.yml -e rotate=passwords.", "no playbook renew.yml"),
        ("Begin anew with rest.yml and site.yml.", "no playbook rest.yml"),
        ("ansible-playbook -i hosts.yml elk.swarm.stat", "no playbook stat.yml"),
        ("If it is gone, type -e elasticsearch_unlock=true.", "nothing reads the variable"),
        ("Run playbooks/rotate.yml -e remove_host=w1.", "nothing reads the variable remove_host"),
        ("Run playbooks/rotate.yml -e rotate=passwords,token.", "rotate.yml does not renew token"),
        ("It stands in docs/runbooks/renew.md.", "no page docs/runbooks/renew.md"),
        ("See docs/storage.md#moving-house for it.", "no heading moving-house"),
    ],
)
def test_what_does_not_exist_is_named(text: str, fault: str) -> None:
    assert [found for found in faults(text, known()) if found.startswith(fault)]


def test_a_setting_that_does_not_exist_is_named() -> None:
    assert settings("Set swarm_accept_managers: true.", known()) == [
        "no variable swarm_accept_managers"
    ]
    assert settings("Correct docker_engine_options there.", known()) == [
        "no variable docker_engine_options"
    ]
    assert settings("Set swarm_accept_even_managers: true.", known()) == []


@pytest.mark.parametrize(
    "text",
    [
        "Run playbooks/remove_host.yml -e remove_host=w1.",
        "If it is gone, type -e elasticsearch_roll_unlock=true.",
        "Run site.yml again, see docs/storage.md#moving-data.",
        "Take it out with -e remove_host=\0 first.",
    ],
)
def test_what_exists_is_left_alone(text: str) -> None:
    assert faults(text, known()) == []
