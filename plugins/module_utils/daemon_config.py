# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker daemon's configuration file: what it should say and whether the daemon has read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# Dropping one of these from a file that somebody else wrote would make the daemon start on other,
# empty data, or not at all.
KEEP = ("data-root", "exec-root", "storage-driver", "userns-remap")


class ConfigError(ValueError):
    """The wanted configuration cannot be used."""


def merge(defaults: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Options over defaults; dictionaries merge, and an option of null removes a default."""
    merged = dict(defaults)
    driver = options.get("log-driver")
    if driver is not None and driver != defaults.get("log-driver"):
        # Options of one log driver are unknown to another, and the daemon refuses them.
        merged.pop("log-opts", None)
    for name, value in options.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = {**merged[name], **value}
        else:
            merged[name] = value
    return merged


def refuse(options: Mapping[str, Any]) -> None:
    """Raise for what cannot work in a swarm."""
    if options.get("live-restore"):
        raise ConfigError(
            "live-restore is true, but it excludes swarm mode: Docker refuses to be both. "
            "Remove it from docker_engine_daemon_options."
        )


def render(options: Mapping[str, Any]) -> str:
    return json.dumps(options, indent=2, sort_keys=True) + "\n"


def parse(text: str) -> dict[str, Any] | None:
    """The present file; None when it is no JSON object, empty when there is none."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def dropped(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Keys that must not vanish from a file just because nobody thought of them."""
    return [name for name in KEEP if present.get(name) and name not in wanted]


def restart_needed(written: int | None, started: int | None) -> bool:
    """Whether a running daemon has older settings than the file.

    Two time stamps of files tell this even after a run that was killed between writing and
    restarting. A daemon that does not run reads the file when it starts.
    """
    return started is not None and written is not None and written >= started
