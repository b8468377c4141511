# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of pages are valid, and the messages that pages quote are those of the code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from messages import anchors, messages, prose, python_texts, yaml_texts
from repo import ROOT, source_files

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [name for name in source_files() if name.endswith(".md") and not name.startswith(".")]
SYMPTOMS = "docs/troubleshooting.md"
LINK = re.compile(r"(?<!\\)\]\(([^()\s]+)\)|<img [^>]*src=\"([^\"]+)\"|srcset=\"([^\"]+)\"")
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:")


def broken_links(root: Path, name: str) -> list[str]:
    """Links of a page that lead to no file, or to no heading."""
    page = root / name
    found: list[str] = []
    for match in LINK.finditer(prose(page.read_text())):
        link = next(part for part in match.groups() if part)
        if ELSEWHERE.match(link):
            continue
        path, _hash, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or not target.is_relative_to(root):
            found.append(f"{name}: {link} leads nowhere")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text()):
            found.append(f"{name}: {link} has no such heading")
    return found


@pytest.mark.parametrize("name", PAGES)
def test_links_are_valid(name: str) -> None:
    assert broken_links(ROOT, name) == []


def test_an_invalid_link_is_reported(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# The *second* `one`\n\n```\n# no heading\n```\n")
    (tmp_path / "a.md").write_text(
        "[1](b.md#the-second-one) [2](gone.md) [3](b.md#no-heading) [4](https://x.test/)\n"
        '`[5](code.md)` <img src="gone.svg"> [6](#here) [7](/etc/passwd)\n'
    )
    assert broken_links(tmp_path, "b.md") == []
    assert broken_links(tmp_path, "a.md") == [
        "a.md: gone.md leads nowhere",
        "a.md: b.md#no-heading has no such heading",
        "a.md: gone.svg leads nowhere",
        "a.md: #here has no such heading",
        "a.md: /etc/passwd leads nowhere",
    ]


# Messages -----------------------------------------------------------------------------------------


def printed(quote: str, texts: tuple[str, ...]) -> bool:
    """Whether one of the texts matches the quote, in which … stands for any text."""
    pattern = re.compile(".*".join(re.escape(part.strip()) for part in quote.split("…")))
    return any(pattern.search(text) for text in texts)


def quotes(page: str) -> list[str]:
    """The messages that a page quotes: its lines that begin with >, joined to paragraphs."""
    found = re.findall(r"(?m)(?:^ *> .*\n?)+", page)
    return [" ".join(re.sub(r"(?m)^ *> ?|`", "", quote).split()) for quote in found]


def test_a_quote_must_match_one_text() -> None:
    texts = tuple(python_texts('raise E(f"{a}: the disk {b} is " "full. Make room")'))
    texts += tuple(yaml_texts([{"fail_msg": "Host {{ h | default('gone') }} is\nnot there."}]))
    assert printed("…: the disk … is full.", texts)
    assert printed("Host … is not there.", texts)
    assert not printed("the disk … is empty.", texts)
    assert not printed("is not there. … Host", texts)
    assert list(python_texts('"""About."""\nRETURN = "x: y"\na = "z"')) == ["z"]
    assert quotes("text\n> one\n> two\n\n> `three`\n") == ["one two", "three"]


@pytest.mark.parametrize("quote", quotes((ROOT / SYMPTOMS).read_text()))
def test_messages_in_troubleshooting_are_those_of_the_code(quote: str) -> None:
    assert max(len(part.strip()) for part in quote.split("…")) >= 12, "too short to tell apart"
    assert printed(quote, tuple(text for _name, text in messages()))
