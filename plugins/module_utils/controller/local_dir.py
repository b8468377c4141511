# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the controller keeps the secrets of a platform: never where Ansible reads an inventory.

If an inventory is a folder, Ansible reads every file below it and takes the content for host names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

# Names that Ansible ignores in every inventory folder.
_ALWAYS_IGNORED = (r"^\.", r"^host_vars$", r"^group_vars$", r"^vars_plugins$")
OLD_NAME = "credentials"
# If one of these exists, an earlier run has used the folder.
_FIRST_FILES = ("ca.crt", "elastic_password", "secret_hash_key")


@dataclass(frozen=True)
class Inventory:
    """The inventory sources of a run, and the names that Ansible ignores in folders."""

    sources: Sequence[str]
    ignored_patterns: Sequence[str] = ()
    ignored_endings: Sequence[str] = ()

    def _ignores(self, name: str) -> bool:
        endings = [rf"{re.escape(ending)}$" for ending in self.ignored_endings]
        patterns = (*_ALWAYS_IGNORED, *self.ignored_patterns, *endings)
        return any(re.search(pattern, name) for pattern in patterns)

    def reader_of(self, folder: str) -> str:
        """The inventory source that reads the files in a folder, empty for none."""
        target = os.path.realpath(folder)
        for source in self.sources:
            if not os.path.isdir(source):
                continue
            root = os.path.realpath(source)
            if target == root or (
                target.startswith(f"{root}{os.sep}")
                and not any(
                    self._ignores(name) for name in os.path.relpath(target, root).split(os.sep)
                )
            ):
                return source
            if self._links_to(root, target):
                return source
        return ""

    def _links_to(self, root: str, folder_to_find: str) -> bool:
        """Whether a link below an inventory leads to the folder or to one of its parents."""
        for folder, names, _files in os.walk(root):
            names[:] = [name for name in names if not self._ignores(name)]
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    target = os.path.realpath(path)
                    if folder_to_find == target or folder_to_find.startswith(f"{target}{os.sep}"):
                        return True
        return False


def beside(folder: str) -> str:
    """A secrets folder next to ``folder``, with a name that no other platform uses."""
    return f"{folder.rstrip(os.sep)}-{OLD_NAME}"


def better(folder: str, inventory: Inventory) -> str:
    """A secrets folder that no inventory of the run reads."""
    found = beside(folder)
    while True:
        reader = inventory.reader_of(found)
        if not reader or os.path.dirname(os.path.realpath(reader)) == os.path.realpath(reader):
            return found
        found = beside(os.path.abspath(reader))


def default(inventory_dir: str, inventory: Inventory) -> str:
    """The folder for the secrets of the hosts of an inventory.

    A folder with the secrets of an earlier run stays in use; a check refuses it if an inventory
    reads it. Otherwise the folder is next to the inventory file, or next to the inventory folder.
    """
    old = os.path.join(inventory_dir, OLD_NAME)
    new = better(inventory_dir, inventory)
    for folder in (new, old):
        if any(os.path.exists(os.path.join(folder, name)) for name in _FIRST_FILES):
            return folder
    return new if inventory.reader_of(old) else old
