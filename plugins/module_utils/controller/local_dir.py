# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the controller keeps the secrets of a platform: never where Ansible reads an inventory.

Ansible reads every file below a folder that is named as an inventory, and takes what stands in it
for names of hosts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

# What Ansible leaves out of every folder.
_ALWAYS_IGNORED = (r"^\.", r"^host_vars$", r"^group_vars$", r"^vars_plugins$")
OLD_NAME = "credentials"
# One of these is there when a first run was here.
_MADE_FIRST = ("ca.crt", "elastic_password", "secret_hash_key")


@dataclass(frozen=True)
class Inventory:
    """What Ansible was given as inventory, and what it leaves out of folders."""

    sources: Sequence[str]
    ignored_patterns: Sequence[str] = ()
    ignored_endings: Sequence[str] = ()

    def _ignores(self, name: str) -> bool:
        endings = [rf"{re.escape(ending)}$" for ending in self.ignored_endings]
        patterns = (*_ALWAYS_IGNORED, *self.ignored_patterns, *endings)
        return any(re.search(pattern, name) for pattern in patterns)

    def reader_of(self, folder: str) -> str:
        """The inventory that reads the files in a folder, empty for none."""
        wanted = os.path.realpath(folder)
        for source in self.sources:
            if not os.path.isdir(source):
                continue
            root = os.path.realpath(source)
            if wanted == root or (
                wanted.startswith(f"{root}{os.sep}")
                and not any(
                    self._ignores(name) for name in os.path.relpath(wanted, root).split(os.sep)
                )
            ):
                return source
            if self._leads_to(root, wanted):
                return source
        return ""

    def _leads_to(self, root: str, wanted: str) -> bool:
        """Whether a link below an inventory leads to a folder, or to one above it."""
        for folder, names, _files in os.walk(root):
            names[:] = [name for name in names if not self._ignores(name)]
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    target = os.path.realpath(path)
                    if wanted == target or wanted.startswith(f"{target}{os.sep}"):
                        return True
        return False


def beside(folder: str) -> str:
    """A folder for the secrets that no inventory in ``folder`` reads, and that no other shares."""
    return f"{folder.rstrip(os.sep)}-{OLD_NAME}"


def better(folder: str, inventory: Inventory) -> str:
    """A folder that none of the inventories reads."""
    found = beside(folder)
    while True:
        reader = inventory.reader_of(found)
        if not reader or os.path.dirname(os.path.realpath(reader)) == os.path.realpath(reader):
            return found
        found = beside(os.path.abspath(reader))


def default(inventory_dir: str, inventory: Inventory) -> str:
    """The folder for the secrets of the hosts of an inventory.

    Where a first run has made them stays as it is, and a folder that an inventory reads is refused
    by a check. Otherwise it lies in the folder of an inventory file, and beside an inventory that
    is a folder.
    """
    old = os.path.join(inventory_dir, OLD_NAME)
    new = better(inventory_dir, inventory)
    for folder in (new, old):
        if any(os.path.exists(os.path.join(folder, name)) for name in _MADE_FIRST):
            return folder
    return new if inventory.reader_of(old) else old
