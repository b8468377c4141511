# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are written whole: whenever a run is killed, there is the old one or the new."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def draft(module: AnsibleModule, text: str) -> str:
    """Path of a new file with this text, which goes with the module unless it is put in place."""
    handle, path = tempfile.mkstemp(prefix="draft-")
    module.add_cleanup_file(path)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def put(module: AnsibleModule, source: str, path: str | Path) -> None:
    """Move a draft to its place; folders that are not there are made, 0755.

    An existing file keeps its owner and mode. A new one gets what the umask leaves.
    """
    Path(path).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    module.atomic_move(source, str(path))


def write(module: AnsibleModule, path: str | Path, text: str) -> None:
    """Have a file with this text."""
    put(module, draft(module, text), path)


def read_by_all(module: AnsibleModule, path: str | Path, changed: bool) -> bool:
    """Have a file that root owns and everybody may read; whether that or ``changed`` is news."""
    wanted = {"path": str(path), "mode": "0644", "owner": "root", "group": "root"}
    rights = module.load_file_common_arguments(wanted)
    return bool(module.set_fs_attributes_if_different(rights, changed))
