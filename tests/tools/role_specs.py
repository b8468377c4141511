# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the defaults and argument specs of each role, and write their tables in docs/roles.

Each role also gets a short README from its specs: a Galaxy server refuses a role without one.

A role defines its variables twice: defaults/main.yml has their values, meta/argument_specs.yml
describes them and lets Ansible check the values of a user. If the two differ, one of them is wrong.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from docs_markdown import cell, check_or_write, code, literal, paragraphs, prose, table
from repo import ROOT

DOCS = ROOT / "docs" / "roles"

TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "path": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
    "raw": (object,),
    "bytes": (str, int),
    "bits": (str, int),
}


@dataclass(frozen=True)
class Role:
    """The files of a role. defaults or spec is None if the file is missing."""

    name: str
    defaults: dict[str, Any] | None
    spec: dict[str, Any] | None
    errors: list[str] = field(default_factory=list)
    # What describes its service to other roles, empty if it has none.
    service: str = ""
    # What other roles and playbooks call besides main: the specs of task files, by name.
    doors: dict[str, dict[str, Any]] = field(default_factory=dict)
    # The names of its task files.
    tasks: frozenset[str] = frozenset()

    @property
    def prefix(self) -> str:
        return f"{self.name}_"

    @property
    def options(self) -> dict[str, Any]:
        found = (self.spec or {}).get("options")
        return found if isinstance(found, dict) else {}


def _read(path: Path, errors: list[str]) -> Any:
    try:
        return yaml.safe_load(path.read_text())
    except FileNotFoundError:
        return None
    except yaml.YAMLError as error:
        errors.append(f"{path.parent.name}/{path.name} is not YAML: {error}")
        return None


def load_role(folder: Path) -> Role:
    errors: list[str] = []
    defaults_file = folder / "defaults" / "main.yml"
    defaults = _read(defaults_file, errors)
    if defaults is None and defaults_file.exists():
        defaults = {}  # a role may have no variables
    specs = _read(folder / "meta" / "argument_specs.yml", errors) or {}
    doors = dict(specs.get("argument_specs", {})) if isinstance(specs, dict) else {}
    spec = doors.pop("main", None)
    service_file = folder / "meta" / "service.yml"
    service = service_file.read_text() if service_file.exists() else ""
    tasks = frozenset(path.stem for path in (folder / "tasks").glob("*.yml"))
    return Role(folder.name, defaults, spec, errors, service, doors, tasks)


def load_roles(folder: Path) -> list[Role]:
    """All roles. A folder without files is not a role."""
    return [
        load_role(path)
        for path in sorted(folder.iterdir())
        if path.is_dir() and any(item.is_file() for item in path.rglob("*"))
    ]


def is_template(value: object) -> bool:
    """Whether a value, or a part of it, is a template."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, dict):
        return any(is_template(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(is_template(part) for part in value)
    return False


def same(left: object, right: object) -> bool:
    """Equality that distinguishes true from 1, and 1 from "1", at every depth."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def _fits(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind in ("bool", "raw")
    return isinstance(value, TYPES.get(kind, (object,)))


def _text_problems(name: str, entry: dict[str, Any], *keys: str) -> list[str]:
    """What is wrong with the texts of an entry or an option."""
    found: list[str] = []
    for key in keys:
        value = entry.get(key)
        if not paragraphs(value):
            found.append(f"{name} has no {key}")
        elif not all(
            isinstance(one, str) for one in (value if isinstance(value, list) else [value])
        ):
            found.append(f"{name} has a {key} that is no text: quote what has a colon")
    return found


def _option_problems(name: str, option: object) -> list[str]:
    """What is wrong with an option and its suboptions."""
    if not isinstance(option, dict):
        return [f"{name}: its entry in the specs is no mapping"]
    found = _text_problems(f"{name}:", option, "description")
    kind = option.get("type")
    if kind is None:
        found.append(f"{name}: has no type")
    elif kind not in TYPES:
        found.append(f"{name}: type {kind} is unknown")
    elif kind == "list" and not option.get("elements"):
        found.append(f"{name}: a list needs elements")
    default, choices = option.get("default"), option.get("choices")
    if default is not None:
        if kind in TYPES and not _fits(default, kind):
            found.append(f"{name}: default {literal(default)} is no {kind}")
        if option.get("required"):
            found.append(f"{name}: is required and has a default")
        values = default if isinstance(default, list) else [default]
        if isinstance(choices, list) and not all(value in choices for value in values):
            found.append(f"{name}: default {literal(default)} is none of its choices")
    for part, inner in (option.get("options") or {}).items():
        found += _option_problems(f"{name}.{part}", inner)
    return found


def _default_problems(name: str, value: object, option: dict[str, Any]) -> list[str]:
    """How the default in the specs differs from the one in defaults/main.yml."""
    if option.get("required"):
        return [f"{name}: is required in the specs, so defaults/main.yml must not set it"]
    if is_template(value):
        # Ansible would ignore it, but a reader would believe it.
        if "default" in option:
            return [f"{name}: defaults/main.yml computes it, so the specs must not give a default"]
        return []
    if value is None:
        if option.get("default") is not None:
            return [f"{name}: is null in defaults/main.yml and {option['default']!r} in the specs"]
        return []
    if "default" not in option:
        return [f"{name}: the specs lack its default {literal(value)}"]
    if not same(value, option["default"]):
        in_defaults, in_specs = (
            f"{literal(one)} ({type(one).__name__})" for one in (value, option["default"])
        )
        return [f"{name}: is {in_defaults} in defaults/main.yml and {in_specs} in the specs"]
    return []


def _door_problems(role: Role) -> list[str]:
    """What is wrong with the entries for the task files that others call."""
    found: list[str] = []
    for name, spec in role.doors.items():
        if name not in role.tasks:
            found.append(f"{name}: is an entry of the specs and no task file")
        found += _text_problems(f"{name}: its entry", spec, "short_description", "description")
        for option, about in (spec.get("options") or {}).items():
            found += _option_problems(f"{name}: {option}", about)
    return found


def problems(role: Role) -> list[str]:
    """Everything that is wrong with the variables of a role, one sentence each."""
    found = list(role.errors)
    if role.defaults is None:
        found.append("defaults/main.yml is missing")
    if role.spec is None:
        found.append("meta/argument_specs.yml has no entry main")
    defaults = role.defaults or {}
    if role.spec is not None:
        found += _text_problems("the entry main", role.spec, "short_description", "description")
        for name in defaults:
            if name not in role.options:
                found.append(f"{name}: is in defaults/main.yml and not in the specs")
    for name, option in role.options.items():
        found += _option_problems(name, option)
        if name in defaults and isinstance(option, dict):
            found += _default_problems(name, defaults[name], option)
        elif role.defaults is not None and not (option or {}).get("required"):
            found.append(f"{name}: is in the specs and not in defaults/main.yml")
    found += _door_problems(role)
    for name in sorted(defaults.keys() | role.options.keys()):
        # What a service tells another role may have its name, as firewall_kibana_networks.
        if not name.startswith(role.prefix) and not re.search(rf"\b{name}\b", role.service):
            found.append(
                f"{name}: does not begin with {role.prefix}, and meta/service.yml does not use it"
            )
    return [f"{role.name}: {text}" for text in found]


def _kind(option: dict[str, Any]) -> str:
    kind = str(option.get("type", ""))
    if kind == "list":
        kind = f"list of {option.get('elements', 'raw')}"
    if option.get("choices"):
        kind += ": " + ", ".join(code(literal(choice)) for choice in option["choices"])
    return kind


def _rows(
    options: dict[str, Any], defaults: dict[str, Any], above: str = ""
) -> list[tuple[str, str, str, str]]:
    rows: list[tuple[str, str, str, str]] = []
    for name, option in options.items():
        value = defaults.get(name, option.get("default"))
        if option.get("required"):
            shown = "*required*"
        else:
            shown = "" if value is None else code(literal(value))
        text = cell(paragraphs(option.get("description")))
        rows.append((code(above + name), _kind(option), shown, text))
        inner = option.get("options")
        if isinstance(inner, dict):
            mark = "[]." if option.get("type") == "list" else "."
            rows += _rows(inner, {}, f"{above}{name}{mark}")
    return rows


def _door_rows(role: Role) -> list[tuple[str, str, str]]:
    return [
        (
            code(f"{name}.yml"),
            cell(paragraphs(spec.get("short_description"))),
            ", ".join(map(code, spec.get("options") or {})),
        )
        for name, spec in role.doors.items()
    ]


def page(role: Role) -> str:
    """The page of a role: what it does, and its variables."""
    spec = role.spec or {}
    lines = [f"# Role `elk.swarm.{role.name}`", ""]
    lines += [f"**{prose(str(spec.get('short_description', '')))}**", ""]
    for text in paragraphs(spec.get("description", [])):
        lines += [text, ""]
    rows = _rows(role.options, role.defaults or {})
    if rows:
        lines += table(("Variable", "Type", "Default", "What it does"), rows)
    else:
        lines.append("It has no variables.")
    if role.doors:
        lines += ["", "## Task files for playbooks and other roles", ""]
        lines += ["Call them with `tasks_from`. They need the variables in the last column.", ""]
        lines += table(("Task file", "What it does", "Variables"), _door_rows(role))
    if role.name != "elk":
        lines += ["", "The variables that all roles share are in [elk](elk.md)."]
    lines += ["", "Made by `make docs` from the role's argument specs.", ""]
    return "\n".join(lines)


def pages(roles: list[Role]) -> dict[str, str]:
    documented = [role for role in roles if role.spec is not None]
    made = {f"{role.name}.md": page(role) for role in documented}
    rows = [
        (
            f"[`{role.name}`]({role.name}.md)",
            cell(paragraphs((role.spec or {}).get("short_description"))),
        )
        for role in documented
    ]
    index = ["# Roles", "", *table(("Role", "What it does"), rows), ""]
    made["README.md"] = "\n".join(index)
    return made


def readme(role: Role) -> str:
    """The README of a role: what it does, and where its variables are."""
    spec = role.spec or {}
    lines = [f"# elk.swarm.{role.name}", ""]
    lines += [f"{prose(str(spec.get('short_description', '')))}.", ""]
    for text in paragraphs(spec.get("description", [])):
        lines += [text, ""]
    lines += [f"Its variables: [docs/roles/{role.name}.md](../../docs/roles/{role.name}.md).", ""]
    return "\n".join(lines)


def readmes(folder: Path, roles: list[Role]) -> dict[Path, str]:
    """The README of every documented role."""
    return {folder / r.name / "README.md": readme(r) for r in roles if r.spec is not None}


def main(arguments: list[str] | None = None) -> int:
    home = ROOT / "roles"
    roles = load_roles(home)
    return check_or_write(
        arguments,
        "specs",
        DOCS,
        pages(roles),
        lambda: [text for role in roles for text in problems(role)],
        beside=readmes(home, roles),
    )


if __name__ == "__main__":
    sys.exit(main())
