# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the markup of Ansible's documentation to Markdown that is also read well as it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

_MARKUP = re.compile(
    r"\b(?:(?P<code>C|V|E|RV|O|M|P)\((?P<text>(?:\\.|[^)\\])*)\)"
    r"|B\((?P<bold>[^)]*)\)"
    r"|I\((?P<italic>[^)]*)\)"
    r"|U\((?P<url>[^)]*)\)"
    r"|L\((?P<label>[^,)]*),\s*(?P<target>[^)]*)\)"
    r"|HORIZONTALLINE\b)"
)


def _replace(match: re.Match[str]) -> str:
    if match["code"]:
        text = re.sub(r"\\(.)", r"\1", match["text"])
        if match["code"] in ("O", "RV"):
            # elk.swarm.service#module:image says where the option is, the reader wants its name.
            text = re.sub(r"^[\w.]+#\w+:(?:\w+:)?", "", text)
        elif match["code"] == "P":
            text = text.partition("#")[0]
        return f"`{text}`"
    if match["bold"] is not None:
        return f"**{match['bold']}**"
    if match["italic"] is not None:
        return f"*{match['italic']}*"
    if match["url"] is not None:
        return f"<{match['url']}>"
    if match["label"] is not None:
        return f"[{match['label']}]({match['target']})"
    return "---"


def prose(text: str) -> str:
    """One paragraph of documentation.

    >>> prose("Keeps O(pki_ca_key) in C(a) of L(the guide, https://x.test).")
    'Keeps `pki_ca_key` in `a` of [the guide](https://x.test).'
    >>> prose("See O(elk.swarm.service#module:image) and M(elk.swarm.service).")
    'See `image` and `elk.swarm.service`.'
    """
    return _MARKUP.sub(_replace, " ".join(text.split()))


def paragraphs(description: object) -> list[str]:
    """The paragraphs of a description, which may be a text or a list of texts."""
    texts = description if isinstance(description, list) else [description]
    return [prose(str(text)) for text in texts if text is not None and str(text).strip()]


def code(text: str) -> str:
    """Text as code for a cell of a table, whatever is in it.

    >>> code("{{ a | first }}")
    '`{{ a \\\\| first }}`'
    >>> code("")
    '`""`'
    """
    flat = " ".join(text.split()).replace("|", "\\|") or '""'
    fence = "``" if "`" in flat else "`"
    return f"{fence}{flat}{fence}"


def literal(value: object) -> str:
    """A value the way it stands in YAML on one line.

    >>> literal(True), literal("a"), literal([]), literal({"a": 1})
    ('true', 'a', '[]', '{"a": 1}')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table. Cells must have no line break."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return lines


def cell(texts: Iterable[str]) -> str:
    """Paragraphs in one cell. A bar that is not part of code would end the cell."""
    joined = "<br>".join(texts)
    return re.sub(r"(?<!\\)\|", r"\\|", joined)


def write_pages(folder: Path, pages: dict[str, str]) -> list[str]:
    """Make the Markdown files of a folder equal to pages. Returns the names it changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = stale_pages(folder, pages)
    for name in changed:
        if name in pages:
            (folder / name).write_text(pages[name])
        else:
            (folder / name).unlink()
    return changed


def stale_pages(folder: Path, pages: dict[str, str]) -> list[str]:
    """Names of files in the folder that are missing, differ, or should not be there."""
    present = {path.name: path.read_text() for path in folder.glob("*.md")}
    return sorted(
        name for name in present.keys() | pages.keys() if present.get(name) != pages.get(name)
    )
