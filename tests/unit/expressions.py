# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with Ansible's templates, and the expressions in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from jinja2 import Environment

from repo import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

# Values that Ansible reads as an expression without braces around it.
BARE = frozenset({"when", "failed_when", "changed_when", "until", "that", "break_when"})
# Data of tests, with templates of Docker.
DATA = ROOT / "tests" / "scenarios" / "peers"
FOLDERS = ("roles", "playbooks", "molecule", "inventories", "lab", "tests")
# With the statements that Ansible knows beside those of Jinja.
ENVIRONMENT = Environment(autoescape=False, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])


class Loader(yaml.SafeLoader):
    """Reads what has a tag of Ansible, such as !vault or !unsafe, as plain text."""


def _plain(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


Loader.add_multi_constructor("!", _plain)


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Each text in a file of YAML, with its key."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from texts(part, str(name))
    elif isinstance(value, list):
        for part in value:
            yield from texts(part, key)
    elif isinstance(value, str):
        yield key, value


def templates(value: Any) -> Iterator[str]:
    """Every template in a file of YAML; an expression without braces gets them."""
    for key, text in texts(value):
        if "{{" in text or "{%" in text:
            yield text
        elif key in BARE:
            yield f"{{{{ {text} }}}}"


def placed(name: str) -> Iterator[tuple[int, str, str]]:
    """Every value with a template in a file: its line, its key, and the value."""
    text = (ROOT / name).read_text()
    if name.endswith(".j2"):
        yield 1, "", text
        return
    for document in yaml.compose_all(text, Loader):
        for line, key, value in _scalars(document):
            if "{{" in value or "{%" in value:
                yield line, key, value
            elif key in BARE or key == "loop":
                yield line, key, f"{{{{ {value} }}}}"


def _scalars(node: yaml.Node | None, key: str = "") -> Iterator[tuple[int, str, str]]:
    if isinstance(node, yaml.MappingNode):
        for name, part in node.value:
            yield from _scalars(part, str(name.value))
    elif isinstance(node, yaml.SequenceNode):
        for part in node.value:
            yield from _scalars(part, key)
    elif isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str":
        yield node.start_mark.line + 1, key, node.value


def parts(template: str) -> Iterator[tuple[int, str]]:
    """Each expression and each statement of a template, with its line, as one line of text."""
    words: list[str] = []
    first = 1
    for line, token, word in ENVIRONMENT.lex(template):
        if token in {"variable_begin", "block_begin"}:
            words, first = [], line
        elif token in {"variable_end", "block_end"}:
            yield first, " ".join("".join(words).split())
        else:
            words.append(word)


def sources(*folders: str) -> list[str]:
    """The files in these folders that may hold templates."""
    return sorted(
        str(path.relative_to(ROOT))
        for folder in folders or FOLDERS
        for pattern in ("*.yml", "*.j2")
        for path in (ROOT / folder).rglob(pattern)
        if DATA not in path.parents
    )
