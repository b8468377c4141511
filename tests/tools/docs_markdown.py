# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the markup of Ansible's documentation to Markdown that is also readable as text."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
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
            # From elk.swarm.service#module:image the reader only needs the name of the option.
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
    """Convert one paragraph of documentation.

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
    """Any text as code for a cell of a table.

    >>> code("{{ a | first }}")
    '`{{ a \\\\| first }}`'
    >>> code("")
    '`""`'
    """
    flat = " ".join(text.split()).replace("|", "\\|") or '""'
    fence = "``" if "`" in flat else "`"
    return f"{fence}{flat}{fence}"


def literal(value: object) -> str:
    """A value as one line of YAML.

    >>> literal(True), literal("a"), literal([]), literal({"a": 1})
    ('true', 'a', '[]', '{"a": 1}')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table. Cells must not contain line breaks."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return lines


def cell(texts: Iterable[str]) -> str:
    """Paragraphs in one cell; bars are escaped, because they would end the cell."""
    joined = "<br>".join(texts)
    return re.sub(r"(?<!\\)\|", r"\\|", joined)


def write_pages(folder: Path, pages: dict[str, str]) -> list[str]:
    """Make the Markdown files of a folder equal to pages. Return the names of changed files."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = stale_pages(folder, pages)
    for name in changed:
        if name in pages:
            (folder / name).write_text(pages[name])
        else:
            (folder / name).unlink()
    return changed


def stale_pages(folder: Path, pages: dict[str, str]) -> list[str]:
    """Names of files that are missing in the folder, differ, or must not exist."""
    present = {path.name: path.read_text() for path in folder.glob("*.md")}
    return sorted(
        name for name in present.keys() | pages.keys() if present.get(name) != pages.get(name)
    )


def stale_files(files: dict[Path, str]) -> list[Path]:
    """Files that are missing or differ."""
    return [path for path, text in files.items() if not path.is_file() or path.read_text() != text]


def check_or_write(
    arguments: list[str] | None,
    subject: str,
    folder: Path,
    pages: dict[str, str],
    problems: Callable[[], list[str]],
    *,
    beside: dict[Path, str] | None = None,
    unreadable: Sequence[str] = (),
) -> int:
    """The command line of a tool that checks sources and writes pages. Return the exit code.

    --docs writes the pages into folder, and the files of beside, unless something was unreadable;
    --check prints problems() and the names of outdated pages.
    """
    parser = argparse.ArgumentParser()
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="fail if anything is wrong")
    action.add_argument("--docs", action="store_true", help=f"write docs/{folder.name}")
    files = beside or {}
    if parser.parse_args(arguments).docs:
        for text in unreadable:
            print(text, file=sys.stderr)
        if not unreadable:
            for name in write_pages(folder, pages):
                print(f"docs/{folder.name}/{name}")
            for path in stale_files(files):
                path.write_text(files[path])
                print(path)
        return 1 if unreadable else 0

    found = [*unreadable, *problems()]
    stale = [f"docs/{folder.name}/{name}" for name in stale_pages(folder, pages)]
    stale += [str(path) for path in stale_files(files)]
    found += [f"{name} is not up to date with the {subject}: run `make docs`" for name in stale]
    for text in found:
        print(text)
    print(f"{subject}: {len(pages) - 1} pages, {len(found)} problems")
    return 1 if found else 0
