# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of roles, as Ansible finds them, and the task files in them."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any


class RoleNotFoundError(ValueError):
    """There is no such role."""


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


def role_tasks(there: Mapping[str, Container[str]], files: Sequence[str]) -> list[dict[str, str]]:
    """By role, the first of these task files that is there. A role without any is left out."""
    found = (
        (role, next((file for file in files if file in names), "")) for role, names in there.items()
    )
    return [{"role": role, "tasks_from": file} for role, file in found if file]
