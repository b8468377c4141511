# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a running task has the expected mount; the container, volume and kernel report it."""

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
    """The mount that a task must have at a path."""

    target: str
    kind: str
    # A path of the host, or the name of a volume.
    source: str
    driver: str = ""
    # The kernel's names of the allowed file systems; empty allows any.
    filesystems: Sequence[str] = ()


@dataclass(frozen=True)
class Found:
    """The mount that one container has there; empty strings if there is none."""

    kind: str = ""
    source: str = ""
    driver: str = ""
    # The driver of the volume itself, as Docker's list of volumes reports it.
    volume_driver: str = ""
    # None if the kernel's table of mounts could not be read.
    filesystem: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "type": self.kind,
            "source": self.source,
            "driver": self.volume_driver or self.driver,
            "filesystem": self.filesystem,
        }


def found_mount(container: Mapping[str, Any], target: str, filesystem: str | None = None) -> Found:
    """The mount at a path of a container from the Engine's list."""
    for mount in container.get("Mounts") or ():
        if mount.get("Destination") == target:
            kind = str(mount.get("Type") or "")
            source = mount.get("Name") if kind == "volume" else mount.get("Source")
            return Found(kind, str(source or ""), str(mount.get("Driver") or ""), "", filesystem)
    return Found(filesystem=filesystem)


def filesystem_at(mountinfo: str, target: str) -> str:
    """The kernel's name of the file system at a path, from a process's table of mounts.

    >>> filesystem_at("9 1 0:5 / /data rw - nfs4 nas:/x rw", "/data")
    'nfs4'
    """
    kind = ""
    for line in mountinfo.splitlines():
        fields, _dash, rest = line.partition(" - ")
        parts = fields.split()
        if len(parts) > 4 and _unescaped(parts[4]) == target:
            # A later mount covers an earlier one at the same path.
            kind = rest.split()[0] if rest.split() else ""
    return kind


def _unescaped(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)


def wrong(expected: Expected, found: Found) -> list[str]:
    """How a mount differs from the expected one, each as a part of a sentence."""
    if not found.kind:
        return [f"nothing is mounted at {expected.target}, expected {_shown(expected)}"]
    if (found.kind, found.source) != (expected.kind, expected.source):
        actual = f"{found.kind} {found.source}"
        return [f"{actual} is mounted at {expected.target}, expected {_shown(expected)}"]
    differences = []
    for driver, owner in ((found.driver, "mount"), (found.volume_driver, "volume")):
        if expected.driver and not same_driver(expected.driver, driver):
            differences.append(
                f"the {owner} {expected.source} has the driver {driver or '(none)'}, expected"
                f" {expected.driver}"
            )
    if expected.filesystems and found.filesystem is not None:
        if found.filesystem not in expected.filesystems:
            differences.append(
                f"the file system at {expected.target} is {found.filesystem or '(none)'}, expected"
                f" {' or '.join(expected.filesystems)}"
            )
    return differences


def _shown(expected: Expected) -> str:
    driver = f" of driver {expected.driver}" if expected.driver else ""
    return f"{expected.kind} {expected.source}{driver}"


def verdict(host: str, service: str, expected: Expected, found: Mapping[str, Found]) -> str:
    """What is wrong with the mounts of a service's containers on a host; empty if nothing is."""
    if not found:
        return (
            f"{host}: no task of {service} runs here, so its mounts cannot be checked."
            f" Next command on a manager: docker service ps --no-trunc {service}"
        )
    problems = [
        f"{host}: the task of {service} does not use its storage: {text}. Next command on {host}:"
        f" docker inspect --format '{{{{json .Mounts}}}}' {container[:12]}"
        for container, one in found.items()
        for text in wrong(expected, one)
    ]
    return ". ".join(problems)
