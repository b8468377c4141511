# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flags that a systemd unit passes to the Docker daemon, and options that they exclude.

The daemon does not start if an option is both a flag and in its file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence

# What `systemctl show` must print.
PROPERTIES = "LoadState,ExecStart,Environment,EnvironmentFiles"
# Flags whose option has another name in the file.
OPTIONS = {
    "H": "hosts",
    "D": "debug",
    "G": "group",
    "b": "bridge",
    "l": "log-level",
    "p": "pidfile",
    "s": "storage-driver",
    "host": "hosts",
    "add-runtime": "runtimes",
    "authorization-plugin": "authorization-plugins",
    "default-address-pool": "default-address-pools",
    "default-network-opt": "default-network-opts",
    "default-ulimit": "default-ulimits",
    "dns-opt": "dns-opts",
    "exec-opt": "exec-opts",
    "insecure-registry": "insecure-registries",
    "label": "labels",
    "log-opt": "log-opts",
    "registry-mirror": "registry-mirrors",
    "storage-opt": "storage-opts",
}
# The daemon joins these from both places.
JOINED = frozenset(["runtimes", "config-file", "validate"])


def properties(shown: str) -> dict[str, list[str]]:
    """The output of `systemctl show`: a property may stand in several lines."""
    found: dict[str, list[str]] = {}
    for line in shown.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            found.setdefault(name, []).append(value)
    return found


def environment_files(shown: str) -> list[str]:
    """The files with variables of the unit."""
    values = properties(shown).get("EnvironmentFiles", [])
    return [re.sub(r"^-| \(ignore_errors=\w+\)$", "", value) for value in values if value]


def variables(shown: str, files: Iterable[str]) -> dict[str, str]:
    """The unit's variables, from itself and from the texts of its files, which win."""
    found: dict[str, str] = {}
    inline = [word for value in properties(shown).get("Environment", []) for word in _words(value)]
    lines = [line for text in files for line in text.splitlines() if line.strip()[:1] not in "#;"]
    for word in [*inline, *lines]:
        name, equals, value = word.strip().partition("=")
        if equals:
            found[name.strip()] = value if word in inline else " ".join(_words(value))
    return found


def daemon_flags(shown: str, environment: Mapping[str, str]) -> list[str] | None:
    """The daemon's arguments, without the path of its file; None without a unit that starts it."""
    values = properties(shown)
    commands = re.findall(r"argv\[\]=(.*?) ;", " ".join(values.get("ExecStart", [])))
    if values.get("LoadState") not in (None, ["loaded"]) or not commands:
        return None
    program, *arguments = _words(commands[-1]) or [""]
    if program.rpartition("/")[2] != "dockerd":
        return None
    flags: list[str] = []
    for argument in arguments:
        alone = re.fullmatch(r"\$(\w+)", argument)
        if alone:
            # systemd splits a variable that stands alone.
            flags += _words(environment.get(alone[1], ""))
        else:
            flags.append(re.sub(r"\$\{(\w+)\}", lambda one: environment.get(one[1], ""), argument))
    return _without_file(flags)


def flag_options(flags: Iterable[str]) -> list[str]:
    """The options that flags set, as the file names them."""
    found = []
    for flag in flags:
        named = re.match(r"--([a-z][\w-]*)", flag) or re.match(r"-([a-zA-Z])", flag)
        if named:
            option = OPTIONS.get(named[1], named[1])
            if option not in JOINED and option not in found:
                found.append(option)
    return found


def conflicts(options: Iterable[str], flags: Iterable[str]) -> list[str]:
    """The options of the file that are flags as well."""
    given = set(flag_options(flags))
    return sorted(name for name in options if name in given)


def read_unit(show: Callable[[str], str], read: Callable[[str], str]) -> list[str] | None:
    """The daemon's arguments, from `systemctl show` and from the files of variables."""
    shown = show(PROPERTIES)
    return daemon_flags(shown, variables(shown, map(read, environment_files(shown))))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _without_file(flags: Sequence[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for flag in flags:
        if skip:
            skip = False
        elif flag == "--config-file":
            skip = True
        elif not flag.startswith("--config-file="):
            kept.append(flag)
    return kept
