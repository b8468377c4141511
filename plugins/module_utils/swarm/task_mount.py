# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a running task has mounted what it was to mount, as container, volume and kernel say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_plan import same_driver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Expected:
    """What a task is to mount at a path."""

    target: str
    kind: str
    # A path of the host, or the name of a volume.
    source: str
    driver: str = ""
    # What the kernel may call the file system; empty when it does not matter.
    filesystems: Sequence[str] = ()


@dataclass(frozen=True)
class Found:
    """What one container has mounted there; empty strings for nothing."""

    kind: str = ""
    source: str = ""
    driver: str = ""
    # Of the volume itself, which Docker asks its driver for.
    volume_driver: str = ""
    # None when the kernel could not be asked.
    filesystem: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "type": self.kind,
            "source": self.source,
            "driver": self.volume_driver or self.driver,
            "filesystem": self.filesystem,
        }


def found_mount(container: Mapping[str, Any], target: str, filesystem: str | None = None) -> Found:
    """What a container of the Engine's list has mounted at a path."""
    for mount in container.get("Mounts") or ():
        if mount.get("Destination") == target:
            kind = str(mount.get("Type") or "")
            source = mount.get("Name") if kind == "volume" else mount.get("Source")
            return Found(kind, str(source or ""), str(mount.get("Driver") or ""), "", filesystem)
    return Found(filesystem=filesystem)


def filesystem_at(mountinfo: str, target: str) -> str:
    """What the kernel calls the file system at a path, by a process's table of mounts.

    >>> filesystem_at("9 1 0:5 / /data rw - nfs4 nas:/x rw", "/data")
    'nfs4'
    """
    kind = ""
    for line in mountinfo.splitlines():
        fields, _dash, rest = line.partition(" - ")
        parts = fields.split()
        if len(parts) > 4 and _unescaped(parts[4]) == target:
            # The last one lies over those before it.
            kind = rest.split()[0] if rest.split() else ""
    return kind


def _unescaped(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)


def wrong(expected: Expected, found: Found) -> list[str]:
    """In what a mount is not the one expected, as ends of a sentence."""
    if not found.kind:
        return [f"nothing is mounted at {expected.target}, expected {_shown(expected)}"]
    if (found.kind, found.source) != (expected.kind, expected.source):
        actual = f"{found.kind} {found.source}"
        return [f"{actual} is mounted at {expected.target}, expected {_shown(expected)}"]
    told = []
    for driver, whose in ((found.driver, "mount"), (found.volume_driver, "volume")):
        if expected.driver and not same_driver(expected.driver, driver):
            told.append(
                f"the {whose} {expected.source} has the driver {driver or '(none)'}, expected"
                f" {expected.driver}"
            )
    if expected.filesystems and found.filesystem is not None:
        if found.filesystem not in expected.filesystems:
            told.append(
                f"the file system at {expected.target} is {found.filesystem or '(none)'}, expected"
                f" {' or '.join(expected.filesystems)}"
            )
    return told


def _shown(expected: Expected) -> str:
    driver = f" of driver {expected.driver}" if expected.driver else ""
    return f"{expected.kind} {expected.source}{driver}"


def verdict(host: str, service: str, expected: Expected, found: Mapping[str, Found]) -> str:
    """What is wrong on a host with the containers of a service, by their ids; empty if nothing."""
    if not found:
        return (
            f"{host}: no task of {service} runs here, so nothing can be seen of what it mounts."
            f" Next command on a manager: docker service ps --no-trunc {service}"
        )
    told = [
        f"{host}: the task of {service} is not on its storage: {text}. Next command on {host}:"
        f" docker inspect --format '{{{{json .Mounts}}}}' {container[:12]}"
        for container, one in found.items()
        for text in wrong(expected, one)
    ]
    return ". ".join(told)
