# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker daemon that runs on this host, and the note about what it has read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.docker import daemon_config as plan
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import EngineError

if TYPE_CHECKING:
    from ansible_collections.elk.swarm.plugins.module_utils.docker.client import Engine

# In /run, because a reboot also ends the daemon that the note describes.
NOTE = Path("/run/elk.swarm/docker-daemon.json")


def stamp(path: Path) -> int | None:
    """The time when a file was last written; None if there is no file."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def process(pidfile: Path) -> tuple[int, bool] | None:
    """When the daemon started and whether its program was replaced since; None if none runs."""
    try:
        pid = safe_path.read_text(pidfile).strip()
        name = safe_path.read_text(f"/proc/{pid}/comm")
        program = os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None
    started = stamp(pidfile)
    if "dockerd" not in name or started is None:
        return None
    return started, program.endswith(" (deleted)")


def read_config(path: Path) -> Mapping[str, Any] | None:
    """Read the configuration file; {} if there is no file, None if it is no JSON object."""
    try:
        return plan.parse(safe_path.read_text(path))
    except OSError:
        return {}


def look(path: Path, pidfile: Path, engine: Engine | None) -> plan.Daemon | None:
    """The running daemon; None if none runs. Without an engine, its live options stay unknown."""
    found = process(pidfile)
    if found is None:
        return None
    started, replaced = found
    present = read_config(path)
    try:
        live = plan.live_options(engine.request("GET", "/info")) if engine else {}
    except EngineError:
        # Without an answer, what the daemon has read counts instead.
        live = {}
    return plan.Daemon(
        started=started,
        loaded=plan.loaded(present, stamp(path), started, read_note()),
        present=present or {},
        live=live,
        replaced=replaced,
    )


def read_note(path: Path = NOTE) -> Mapping[str, Any] | None:
    try:
        found = json.loads(safe_path.read_text(path))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, Mapping) else None


def write_note(started: int, config: Mapping[str, Any], path: Path = NOTE) -> None:
    """Note what the daemon has read, unless the note already says so."""
    note = plan.note_of(started, config)
    if read_note(path) == note:
        return
    safe_path.make_parents(path)
    safe_path.write(path, json.dumps(note).encode(), mode=0o600)
