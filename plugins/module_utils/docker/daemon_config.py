# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker daemon's configuration file: what it should say, and how the daemon gets to it.

Most options are read when the daemon starts. Some are also taken from the file when it is told to
reload, which stops no container. What the running daemon has read is known from time stamps, from a
note that is kept beside the daemon's run files, and, for a few options, from the daemon itself.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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


NOTHING, RELOAD, RESTART = "nothing", "reload", "restart"

# Options that Docker documents as read by a reload, in every Engine from 20.10 on. live-restore is
# one of them, but has no place in a swarm.
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
# A reload without these options in the file goes back to Docker's own value. The others keep the
# value that they have, until the daemon starts anew.
FORGOTTEN = frozenset(
    ["features", "max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts"]
)


@dataclass(frozen=True)
class Daemon:
    """A running daemon, as far as it matters here."""

    # Time stamp of its start.
    started: int
    # What it has read; None where nobody knows.
    loaded: Mapping[str, Any] | None = None
    # What the file says now, read or not.
    present: Mapping[str, Any] = field(default_factory=dict)
    # Options whose present value the daemon itself tells.
    live: Mapping[str, Any] = field(default_factory=dict)
    # Whether its program has been replaced on the disk since it started.
    replaced: bool = False


@dataclass(frozen=True)
class Step:
    """What brings the running daemon to its configuration, and why nothing less does."""

    kind: str = NOTHING
    reasons: tuple[str, ...] = ()


def loaded(
    present: Mapping[str, Any] | None,
    written: int | None,
    started: int,
    note: Mapping[str, Any] | None,
) -> Mapping[str, Any] | None:
    """What the running daemon has read, None where nobody knows.

    Two time stamps of files tell it even after a run that was killed: a file older than the daemon
    is what the daemon started with. Of a daemon older than its file only the note can tell, which
    names the daemon it speaks of by its start.
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


def step(daemon: Daemon | None, wanted: Mapping[str, Any]) -> Step:
    """Decide what a daemon needs to run with a configuration; one that does not run, nothing."""
    if daemon is None:
        return Step()
    if daemon.replaced:
        return Step(RESTART, ("the program on the disk is another one than the one that runs",))
    if daemon.loaded is None:
        return Step(RESTART, ("the file is newer than the daemon, and nobody saw it read",))
    restart: list[str] = []
    reload: list[str] = []
    # An option that no file speaks of may come from the daemon's command line, which is not ours.
    spoken = {*daemon.loaded, *wanted, *(daemon.live.keys() & daemon.present.keys())}
    for name in sorted(spoken):
        if name not in RELOADABLE:
            same = name in daemon.loaded and name in wanted and daemon.loaded[name] == wanted[name]
            if not same and (name in daemon.loaded or name in wanted):
                restart.append(f"{name} is only read when the daemon starts")
            continue
        now = daemon.live.get(name, daemon.loaded.get(name))
        if same_value(name, now, wanted.get(name)):
            continue
        if name in wanted or name in FORGOTTEN:
            reload.append(f"{name} is read by a reload")
        else:
            restart.append(f"{name} is gone from the file, and a reload keeps its last value")
    if restart:
        return Step(RESTART, tuple(restart))
    return Step(RELOAD, tuple(reload)) if reload else Step()


def same_value(name: str, one: Any, other: Any) -> bool:
    """Whether two values of a reloadable option mean the same; none is like empty or false."""
    if name == "insecure-registries":
        return _registries(one) == _registries(other)
    if name == "registry-mirrors":
        # Docker adds the slash at the end of an address.
        return {str(item).rstrip("/") for item in one or ()} == {
            str(item).rstrip("/") for item in other or ()
        }
    if name == "labels":
        return set(one or ()) == set(other or ())
    return (one or None) == (other or None)


# Docker never asks these for a certificate, and always lists them.
LOOPBACK = frozenset(["127.0.0.0/8", "::1/128"])


def _registries(value: Any) -> set[str]:
    """Registries as Docker keeps them: without a scheme, networks without bits behind the mask."""
    found = set()
    for item in value or ():
        name = re.sub(r"^https?://", "", str(item))
        with contextlib.suppress(ValueError):
            name = str(ipaddress.ip_network(name, strict=False)) if "/" in name else name
        found.add(name)
    return found - LOOPBACK


def live_options(info: Mapping[str, Any]) -> dict[str, Any]:
    """Options as the daemon itself tells them in ``/info``; empty when it tells none."""
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


def not_taken(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """Options that the daemon tells another value of than the file, after it has read the file."""
    return [
        f"{name}: the file says {wanted[name]!r}, the daemon {live[name]!r}"
        for name in sorted(wanted.keys() & live.keys())
        if not same_value(name, live[name], wanted[name])
    ]
