# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the documentation of modules, and write docs/modules from it.

ansible-doc reads every module, as it does for a user, so what it cannot read fails here too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from docs_markdown import cell, check_or_write, code, literal, paragraphs, prose, table
from repo import ROOT, tool

COLLECTION = "elk.swarm"
DOCS = ROOT / "docs" / "modules"
ATTRIBUTES = ("check_mode", "diff_mode", "idempotent")
HEADER = (
    "#!/usr/bin/python",
    "# Copyright (c) 2026, the elk.swarm authors",
    "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
)

# An action group sets options for all its modules, so each of them must have the option for the
# server of the group.
GROUPS = {"swarm": "docker_host", "elasticsearch": "urls"}


# Modules for the playbooks of users. Their options and results change only with a deprecation.
PUBLIC = (
    "elasticsearch_gate",
    "elasticsearch_resource",
    "elasticsearch_service_token",
    "elasticsearch_user",
    "overlay_network",
    "plugin",
    "plugin_info",
    "service",
    "service_info",
    "swarm_member",
    "swarm_member_info",
    "swarm_nodes",
    "volume",
    "volume_info",
)
FOR_ALL = (
    "For your own playbooks. The other modules are [for the roles of this collection]"
    "(for-the-roles.md)."
)
FOR_ROLES = (
    "The roles use these. They may change in any version. The modules for your playbooks are in "
    "the [first index](README.md)."
)
OURS = "For the roles of this collection: it may change in any version."


def module_names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def read_modules(names: list[str]) -> tuple[dict[str, Any], list[str]]:
    """The output of ansible-doc for each module, and errors for those that it cannot read."""
    if not names:
        return {}, []
    run = subprocess.run(
        [tool("ansible-doc"), "--json", "--type", "module", *(f"{COLLECTION}.{n}" for n in names)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
    )
    try:
        read = json.loads(run.stdout) if run.stdout.strip() else {}
    except json.JSONDecodeError:
        read = {}
    found = {
        name.rpartition(".")[2]: entry
        for name, entry in read.items()
        if isinstance(entry, dict) and "doc" in entry
    }
    missing = [f"{name}: ansible-doc cannot read it" for name in names if name not in found]
    if missing:
        missing += [f"ansible-doc: {line}" for line in run.stderr.splitlines() if line.strip()]
    return found, missing


def _described(name: str, values: dict[str, Any], inner: str, needs: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for key, value in (values or {}).items():
        path = f"{name}.{key}" if name else key
        if not paragraphs(value.get("description")):
            found.append(f"{path} has no description")
        if "type" not in value:
            found.append(f"{path} has no type")
        found += [f"{path} has no {need}" for need in needs if need not in value]
        found += _described(path, value.get(inner) or {}, inner, ())
    return found


def _examples(name: str, text: str, options: dict[str, Any]) -> list[str]:
    try:
        tasks = yaml.safe_load(text or "")
    except yaml.YAMLError as error:
        return [f"EXAMPLES are not YAML: {error}"]
    if not isinstance(tasks, list):
        return ["EXAMPLES are no list of tasks"]
    known = set(options) | {alias for o in options.values() for alias in o.get("aliases") or ()}
    found: list[str] = []
    shown = False
    queue = list(tasks)
    while queue:
        task = queue.pop(0)
        if not isinstance(task, dict):
            found.append(f"EXAMPLES: {task!r} is no task")
            continue
        for part in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks"):
            queue += task.get(part) or []
        if not task.get("name"):
            found.append("EXAMPLES: a task has no name")
        call = f"{COLLECTION}.{name}"
        if name in task:
            found.append(f"EXAMPLES: use {call}, not {name}")
        if call in task:
            shown = True
            given = task[call] or {}
            if isinstance(given, dict):
                for option in given.keys() - known:
                    found.append(f"EXAMPLES: {option} is no option of the module")
                for option, about in options.items():
                    names = {option, *(about.get("aliases") or ())}
                    if about.get("required") and not names & given.keys():
                        if "module_defaults" not in (text or ""):
                            found.append(f"EXAMPLES: a task lacks the required {option}")
    if not shown:
        found.append(f"EXAMPLES never call {COLLECTION}.{name}")
    return found


def problems(name: str, entry: dict[str, Any], source: str) -> list[str]:
    """Everything that is wrong with the documentation of a module, one sentence each."""
    doc = entry["doc"]
    found: list[str] = []
    if tuple(source.splitlines()[: len(HEADER)]) != HEADER:
        found.append("does not start with the header of all modules")
    for key in ("short_description", "description", "version_added", "author"):
        if not doc.get(key):
            found.append(f"DOCUMENTATION has no {key}")
    for attribute in ATTRIBUTES:
        about = (doc.get("attributes") or {}).get(attribute) or {}
        if not about.get("support"):
            found.append(f"DOCUMENTATION lacks the attribute {attribute}")
        elif about["support"] == "partial" and not about.get("details"):
            found.append(f"attribute {attribute}: partial needs details")
    options = doc.get("options") or {}
    found += [f"option {text}" for text in _described("", options, "suboptions", ())]
    found += _examples(name, entry.get("examples") or "", options)
    returned = entry.get("return") or {}
    if not returned:
        found.append("RETURN is empty")
    found += [
        f"RETURN {text}"
        for text in _described("", returned, "contains", ("returned", "sample"))
        if not (text.endswith("no sample") and "contains" in returned.get(text.split()[0], {}))
    ]
    return [f"{name}: {text}" for text in found]


def group_problems(
    groups: dict[str, list[str]], options: dict[str, dict[str, Any]], all_names: list[str]
) -> list[str]:
    """Differences between the action groups of meta/runtime.yml and the modules."""
    found: list[str] = []
    for group, option in GROUPS.items():
        members = set(groups.get(group) or [])
        expected = {name for name, has in options.items() if option in has}
        for name in sorted(expected - members):
            found.append(f"meta/runtime.yml: {name} has {option} and is not in group {group}")
        for name in sorted(members & set(options) - expected):
            found.append(f"meta/runtime.yml: {name} is in group {group} and has no {option}")
        for name in sorted(members - set(all_names)):
            found.append(f"meta/runtime.yml: group {group} names {name}, which is no module")
    found += [f"meta/runtime.yml: unknown group {g}" for g in sorted(groups.keys() - GROUPS.keys())]
    return found


def _rows(values: dict[str, Any], inner: str, above: str = "") -> list[tuple[str, str, str, str]]:
    rows: list[tuple[str, str, str, str]] = []
    for name, value in values.items():
        kind = str(value.get("type", "str"))
        if value.get("elements"):
            kind += f" of {value['elements']}"
        if value.get("choices"):
            choices = value["choices"]
            kind += ": " + ", ".join(code(literal(choice)) for choice in choices)
        if inner == "contains":
            third = prose(str(value.get("returned", "")))
        elif value.get("required"):
            third = "*required*"
        else:
            third = "" if value.get("default") is None else code(literal(value["default"]))
        text = cell(paragraphs(value.get("description")))
        rows.append((code(above + name), kind, third, text))
        mark = "[]." if value.get("type") == "list" else "."
        rows += _rows(value.get(inner) or {}, inner, f"{above}{name}{mark}")
    return rows


def page(name: str, entry: dict[str, Any]) -> str:
    doc = entry["doc"]
    lines = [f"# Module `{COLLECTION}.{name}`", "", f"**{prose(doc['short_description'])}**", ""]
    if name not in PUBLIC:
        lines += [OURS, ""]
    for text in paragraphs(doc.get("description", [])):
        lines += [text, ""]
    options = dict(sorted((doc.get("options") or {}).items()))
    if options:
        lines += ["## Options", ""]
        head = ("Option", "Type", "Default", "What it does")
        lines += [*table(head, _rows(options, "suboptions")), ""]
    lines += ["## Support", ""]
    rows = []
    for attribute, about in sorted((doc.get("attributes") or {}).items()):
        details = paragraphs(about.get("details")) or paragraphs(about.get("description"))
        rows.append((code(attribute), str(about.get("support", "")), cell(details)))
    lines += [*table(("Attribute", "Support", "Details"), rows), ""]
    notes = paragraphs(doc.get("notes", []))
    if notes:
        lines += ["## Notes", "", *(f"- {note}" for note in notes), ""]
    lines += ["## Examples", "", "```yaml", (entry.get("examples") or "").strip(), "```", ""]
    returned = entry.get("return") or {}
    if returned:
        lines += ["## Returned values", ""]
        lines += table(("Name", "Type", "Returned", "What it is"), _rows(returned, "contains"))
        lines.append("")
    lines += ["Made by `make docs` from the module's own documentation.", ""]
    return "\n".join(lines)


def _index(title: str, text: str, modules: dict[str, Any]) -> str:
    rows = [
        (f"[`{name}`]({name}.md)", cell([prose(entry["doc"]["short_description"])]))
        for name, entry in sorted(modules.items())
    ]
    return "\n".join([f"# {title}", "", text, "", *table(("Module", "What it does"), rows), ""])


def pages(modules: dict[str, Any]) -> dict[str, str]:
    """A page for each module, and two indexes: public modules, and those for the roles."""
    made = {f"{name}.md": page(name, entry) for name, entry in modules.items()}
    public = {name: entry for name, entry in modules.items() if name in PUBLIC}
    ours = {name: entry for name, entry in modules.items() if name not in PUBLIC}
    made["README.md"] = _index("Modules", FOR_ALL, public)
    made["for-the-roles.md"] = _index("Modules for the roles of this collection", FOR_ROLES, ours)
    return made


def all_problems(names: list[str], modules: dict[str, Any]) -> list[str]:
    """All problems of the modules and the action groups."""
    folder = ROOT / "plugins" / "modules"
    found: list[str] = []
    for name, entry in sorted(modules.items()):
        found += problems(name, entry, (folder / f"{name}.py").read_text())
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    has = {name: entry["doc"].get("options") or {} for name, entry in modules.items()}
    return found + group_problems(runtime.get("action_groups") or {}, has, names)


def main(arguments: list[str] | None = None) -> int:
    names = module_names(ROOT / "plugins" / "modules")
    modules, unreadable = read_modules(names)
    return check_or_write(
        arguments,
        "modules",
        DOCS,
        pages(modules),
        lambda: all_problems(names, modules),
        unreadable=unreadable,
    )


if __name__ == "__main__":
    sys.exit(main())
