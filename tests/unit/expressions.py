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


def sources(*folders: str) -> list[str]:
    """The files in these folders that may hold templates."""
    return sorted(
        str(path.relative_to(ROOT))
        for folder in folders or FOLDERS
        for pattern in ("*.yml", "*.j2")
        for path in (ROOT / folder).rglob(pattern)
        if DATA not in path.parents
    )
