# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has the many runs of the tests share what Ansible makes of each module.

A run packs every module that it uses with all that the module imports, and throws that away at its
end. Finding out what is imported was a quarter of the controller's work in a run of site.yml
without changes. Here the folder for it leads to one that stays, named by the sources that go in.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from pathlib import Path

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__

DOCUMENTATION = """
name: kept_modules
type: aggregate
short_description: Keeps packed modules for the next run
description: For the tests of this collection only.
requirements: [enabled in the configuration]
"""

ROOT = Path(__file__).resolve().parents[3]
# Of Ansible itself, below the folder for temporary files of a run.
CACHE = "ansiballz_cache"


def name(root: Path) -> str:
    """Changes with all that is packed: our sources, and the versions of what is not ours."""
    digest = hashlib.sha256(f"{__version__} {sys.version}".encode())
    sources = [*(root / "plugins").rglob("*.py"), root / "tests" / "requirements.txt"]
    for path in sorted(sources):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def keep(root: Path, temporary: Path) -> Path:
    """Lead Ansible's folder in ``temporary`` to the one that stays, which is returned."""
    place = root / ".cache" / "modules" / name(root)
    place.mkdir(parents=True, exist_ok=True)
    # A run that has packed something already goes on without.
    with contextlib.suppress(FileExistsError):
        (temporary / CACHE).symlink_to(place)
    return place


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kept_modules"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        keep(ROOT, Path(constants.DEFAULT_LOCAL_TMP))
