# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of roles, as Ansible finds them, and the task files in them."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

MAIN = "main.yml"
COLLECTION = "elk.swarm"


class RoleNotFoundError(ValueError):
    """There is no such role."""


class RoleFileError(ValueError):
    """A role lacks a file that it needs."""


def search_path(variables: Mapping[str, Any], roles_path: Iterable[str] | None) -> list[str]:
    """Where Ansible looks for a role that is not part of a collection."""
    playbook, running = variables.get("playbook_dir"), variables.get("role_path")
    return [
        *([os.path.join(playbook, "roles")] if playbook else []),
        *map(os.path.expanduser, roles_path or ()),
        *([os.path.dirname(running)] if running else []),
        *([playbook] if playbook else []),
    ]


def find(role: str, search: Iterable[str]) -> str:
    """The folder of a role."""
    candidates = list(of_collection(role)) or [os.path.join(path, role) for path in search]
    folder = next((path for path in candidates if os.path.isdir(path)), "")
    if not folder:
        raise RoleNotFoundError(f"Role {role} was not found. Tried were {', '.join(candidates)}.")
    return folder


def of_collection(role: str) -> Iterable[str]:
    """The folder of a role with the name of its collection."""
    namespace, _dot, rest = role.partition(".")
    collection, _dot, name = rest.partition(".")
    if not name:
        return
    try:
        package = import_module(f"ansible_collections.{namespace}.{collection}")
    except ImportError:
        raise RoleNotFoundError(
            f"Role {role} was not found: collection {namespace}.{collection} is not installed."
        ) from None
    for path in package.__path__:
        yield os.path.join(path, "roles", *name.split("."))


def of_own_collection(role: str) -> bool:
    """Whether a name without a collection is that of a role of this collection.

    Tasks of a collection that include a role by such a name get the role of the collection.
    """
    return "." not in role and any(map(os.path.isdir, of_collection(f"{COLLECTION}.{role}")))


def has_tasks(folder: str, file: str) -> bool:
    """Whether a role has this task file, under one of the names that Ansible takes."""
    return any(one in task_files(folder) for one in _spellings(file))


def task_files(folder: str) -> frozenset[str]:
    """The names of the files in the folder tasks of a role."""
    tasks = os.path.join(folder, "tasks")
    names = os.listdir(tasks) if os.path.isdir(tasks) else ()
    return frozenset(name for name in names if os.path.isfile(os.path.join(tasks, name)))


def _spellings(file: str) -> tuple[str, str]:
    return file, f"{os.path.splitext(file)[0]}.yaml"


def role_tasks(there: Mapping[str, Container[str]], files: Sequence[str]) -> list[dict[str, str]]:
    """By role, the first of these task files that is there.

    A role without any is left out. But every role needs its main.yml, without which nothing would
    be deployed.

    Args:
        there: By role, the files that it has.
        files: The files to look for. A file may also end with .yaml.

    Raises:
        RoleFileError: A role has no main.yml, and this is one of the files.
    """
    found = []
    for role, names in there.items():
        fits = [one for file in files for one in _spellings(file) if one in names]
        if fits:
            found.append({"role": role, "tasks_from": fits[0]})
        elif MAIN in files:
            raise RoleFileError(f"Role {role} has no file tasks/{MAIN}, which deploys its service.")
    return found
