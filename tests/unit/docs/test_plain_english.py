# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages that are written by hand avoid words that readers with school English stumble over."""

from __future__ import annotations

import re

import pytest

from messages import prose
from repo import ROOT

WORDS = re.compile(
    r"\b(?:told|foretold|whoever|spared|mend(?:s|ed|ing)?|(?:is|are) to be|has yet to|is said"
    r"|somebody|nobody|meanwhile|anew|of (?:its|their) own|by (?:itself|themselves)|a while)\b",
    re.IGNORECASE,
)
# `make docs` writes it from the results of tasks.
GENERATED_PART = re.compile(r"(?s)<!-- made by .*?<!-- end -->")
FOLDERS = ("*.md", "docs/*.md", "docs/decisions/*.md", "docs/runbooks/*.md", "lab/**/*.md")
# The first one is generated; a table of the second one still has a hard word.
EXCEPT = {"CHANGELOG.md"}
PAGES = sorted(
    {path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in ROOT.glob(folder)} - EXCEPT
)
# Other pages link to a decision by its title.
TITLES = [
    path.read_text().splitlines()[0].removeprefix("# ")
    for path in sorted(ROOT.glob("docs/decisions/0*.md"))
]


def hard_words(text: str) -> list[str]:
    """Hard words of a page, outside of code, titles of decisions and quotes of messages."""
    for title in TITLES:
        text = text.replace(title, "")
    text = prose(GENERATED_PART.sub("", text))
    lines = [line for line in text.splitlines() if not re.match(r" {4}| *>", line)]
    return WORDS.findall(" ".join(" ".join(lines).split()))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_in_plain_english(name: str) -> None:
    assert hard_words((ROOT / name).read_text()) == []


def test_hard_words_are_found_outside_of_quotes() -> None:
    page = f"""# A swarm of
its own

Nobody is to be mended `by itself`. See [{TITLES[18]}](0019.md).

```
told
```

    anew

> a while

- A plan for anyone
  whoever asks.

<!-- made by tests/tools/peers.py: volume -->
meanwhile
<!-- end -->
"""
    assert hard_words(page) == ["of its own", "Nobody", "is to be", "mended", "whoever"]
    assert "told" in TITLES[18]
    assert len(PAGES) > 50
