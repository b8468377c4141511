# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are replaced as a whole: a killed run leaves the old file or the new one."""

from __future__ import annotations

import os
import stat
import tempfile
from typing import TYPE_CHECKING

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path

if TYPE_CHECKING:
    from pathlib import Path

    from ansible.module_utils.basic import AnsibleModule


def draft(module: AnsibleModule, text: str) -> str:
    """Path of a temporary file with this text, for a program that checks it."""
    handle, path = tempfile.mkstemp(prefix="draft-")
    module.add_cleanup_file(path)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def write(path: str | Path, text: str) -> None:
    """Write a file with this text, and its missing parent folders with mode 0755.

    An existing file keeps its owner and mode. All users can read a new one.
    """
    safe_path.make_parents(path)
    safe_path.write(path, text.encode("utf-8"))


def make_readable_by_all(module: AnsibleModule, path: str | Path, changed: bool) -> bool:
    """Give a file to root with mode 0644; True if that changed it, otherwise ``changed``."""
    found = safe_path.status(path, follow=True)
    if found is None:
        return changed
    if (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 0, 0o644):
        return changed
    if not module.check_mode:
        safe_path.set_file_rights(path, 0, 0, 0o644)
    return True
