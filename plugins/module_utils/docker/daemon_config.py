# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker daemon's configuration file: its content, and how the running daemon adopts it.

The daemon reads most options when it starts. It reads some of them again on a reload, which stops
no container. What the running daemon has read is known from time stamps, from a note in /run, and,
for a few options, from the daemon itself.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Without one of these from an existing file, the daemon would start with other, empty data, or
# not at all.
KEEP = ("data-root", "exec-root", "storage-driver", "userns-remap")


class ConfigError(ValueError):
    """The desired configuration is not valid."""


def merge(defaults: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Options over defaults; dictionaries merge, and an option of null removes a default."""
    merged = dict(defaults)
    driver = options.get("log-driver")
    if driver is not None and driver != defaults.get("log-driver"):
        # The daemon refuses options that belong to another log driver.
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
    """Raise for an option that cannot work in a swarm."""
    if options.get("live-restore"):
        raise ConfigError(
            "live-restore is true, but it excludes swarm mode: Docker refuses the two together. "
            "Remove it from docker_engine_daemon_options."
        )


def render(options: Mapping[str, Any]) -> str:
    return json.dumps(options, indent=2, sort_keys=True) + "\n"


def parse(text: str) -> dict[str, Any] | None:
    """Parse the present file; None if it is no JSON object, {} if there is no file."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def dropped(present: Mapping[str, Any], desired: Mapping[str, Any]) -> list[str]:
    """Keys of the present file that must not be lost and that the new configuration lacks."""
    return [name for name in KEEP if present.get(name) and name not in desired]


NOTHING, RELOAD, RESTART = "nothing", "reload", "restart"

# Options that a reload reads, by Docker's documentation, in every Engine since 20.10. live-restore
# is one of them, but cannot be used in a swarm.
RELOADABLE = frozenset(
    [
        "authorization-plugins",
        "debug",
        "default-runtime",
        "features",
        "insecure-registries",
        "labels",
        "live-restore",
        "max-concurrent-downloads",
        "max-concurrent-uploads",
        "max-download-attempts",
        "registry-mirrors",
        "runtimes",
        "shutdown-timeout",
    ]
)
# A reload sets these back to Docker's default when the file lacks them. The others keep their value
# until the daemon restarts.
RESET_BY_RELOAD = frozenset(
    ["features", "max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts"]
)


@dataclass(frozen=True)
class Daemon:
    """The facts about a running daemon that decide whether it needs a reload or a restart."""

    # Time stamp of its start.
    started: int
    # The configuration that it has read; None if unknown.
    loaded: Mapping[str, Any] | None = None
    # The content of the file now; the daemon may not have read it yet.
    present: Mapping[str, Any] = field(default_factory=dict)
    # Options whose present value the daemon itself reports.
    live: Mapping[str, Any] = field(default_factory=dict)
    # Whether its program on the disk was replaced after the start.
    replaced: bool = False


@dataclass(frozen=True)
class Step:
    """What the daemon needs to adopt its configuration, and why."""

    kind: str = NOTHING
    reasons: tuple[str, ...] = ()


def loaded(
    present: Mapping[str, Any] | None,
    written: int | None,
    started: int,
    note: Mapping[str, Any] | None,
) -> Mapping[str, Any] | None:
    """The configuration that the running daemon has read; None if unknown.

    If the file is older than the daemon, the daemon started with it. Time stamps show this even
    after a killed run. If the file is newer, only the note helps; it names its daemon by the time
    of its start.
    """
    noted = _noted(note, started)
    if written is None:
        return noted if noted is not None else {}
    return present if written < started else noted


def _noted(note: Mapping[str, Any] | None, started: int) -> Mapping[str, Any] | None:
    if note is None or note.get("started") != started:
        return None
    config = note.get("config")
    return config if isinstance(config, Mapping) else None


def note_of(started: int, config: Mapping[str, Any]) -> dict[str, Any]:
    """The note that :func:`loaded` reads."""
    return {"started": started, "config": dict(config)}


def step(daemon: Daemon | None, desired: Mapping[str, Any]) -> Step:
    """Decide what a daemon needs to adopt a configuration; a stopped daemon needs nothing."""
    if daemon is None:
        return Step()
    if daemon.replaced:
        return Step(RESTART, ("the program on the disk was replaced after the daemon started",))
    if daemon.loaded is None:
        return Step(RESTART, ("the file is newer than the daemon, which may not have read it",))
    restart: list[str] = []
    reload: list[str] = []
    # An option in none of the files may come from the daemon's command line, so it is left alone.
    in_files = {*daemon.loaded, *desired, *(daemon.live.keys() & daemon.present.keys())}
    for name in sorted(in_files):
        if name not in RELOADABLE:
            same = (
                name in daemon.loaded and name in desired and daemon.loaded[name] == desired[name]
            )
            if not same and (name in daemon.loaded or name in desired):
                restart.append(f"{name} is only read when the daemon starts")
            continue
        now = daemon.live.get(name, daemon.loaded.get(name))
        if same_value(name, now, desired.get(name)):
            continue
        if name in desired or name in RESET_BY_RELOAD:
            reload.append(f"{name} is read by a reload")
        else:
            restart.append(f"{name} was removed from the file, and a reload keeps its last value")
    if restart:
        return Step(RESTART, tuple(restart))
    return Step(RELOAD, tuple(reload)) if reload else Step()


def same_value(name: str, one: Any, other: Any) -> bool:
    """Whether two values of a reloadable option mean the same; None equals empty and false."""
    if name == "insecure-registries":
        return _registries(one) == _registries(other)
    if name == "registry-mirrors":
        # Docker adds a slash to the end of the address.
        return {str(item).rstrip("/") for item in one or ()} == {
            str(item).rstrip("/") for item in other or ()
        }
    if name == "labels":
        return set(one or ()) == set(other or ())
    return (one or None) == (other or None)


# Docker never verifies the certificates of these, and always lists them.
LOOPBACK = frozenset(["127.0.0.0/8", "::1/128"])


def _registries(value: Any) -> set[str]:
    """Registries as Docker stores them: without a scheme, and networks without host bits."""
    found = set()
    for item in value or ():
        name = re.sub(r"^https?://", "", str(item))
        with contextlib.suppress(ValueError):
            name = str(ipaddress.ip_network(name, strict=False)) if "/" in name else name
        found.add(name)
    return found - LOOPBACK


def live_options(info: Mapping[str, Any]) -> dict[str, Any]:
    """The options that the daemon itself reports in ``/info``; empty if it reports none."""
    registries = info.get("RegistryConfig")
    if not isinstance(registries, Mapping):
        return {}
    indexes = registries.get("IndexConfigs") or {}
    unverified = [name for name, index in indexes.items() if not (index or {}).get("Secure", True)]
    networks = [str(network) for network in registries.get("InsecureRegistryCIDRs") or []]
    return {
        "debug": bool(info.get("Debug")),
        "labels": list(info.get("Labels") or []),
        "registry-mirrors": list(registries.get("Mirrors") or []),
        "insecure-registries": sorted(_registries([*unverified, *networks])),
    }


def not_adopted(desired: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """Options whose reported value differs from the file although the daemon has read the file."""
    return [
        f"{name}: the file has {desired[name]!r}, the daemon has {live[name]!r}"
        for name in sorted(desired.keys() & live.keys())
        if not same_value(name, live[name], desired[name])
    ]
