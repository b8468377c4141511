# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packages of the Docker Engine: which a host needs, and how those that it has differ."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DOCKER_CE = "docker_ce"
EPOCH = re.compile(r"^[0-9]+:")
NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*")


@dataclass(frozen=True)
class Desired:
    """What the operator asks for, and the distribution of the host."""

    source: str
    # Empty: what the repository offers.
    version: str
    # Of the distribution, where it calls them otherwise.
    named: tuple[str, ...]
    family: str
    distribution: str
    release: int

    @property
    def versioned(self) -> tuple[str, ...]:
        """The packages with the version of the Engine."""
        if self.source == DOCKER_CE:
            return ("docker-ce", "docker-ce-cli")
        if self.named:
            return self.named
        # Debian 13 moved the client out of docker.io. Elsewhere it is still part of it.
        split = self.distribution == "Debian" and self.release >= 13
        return ("docker.io", "docker-cli") if split else ("docker.io",)

    @property
    def runtime(self) -> tuple[str, ...]:
        return ("containerd.io",) if self.source == DOCKER_CE else ("containerd", "runc")

    @property
    def support(self) -> tuple[str, ...]:
        # In each release of RHEL, iptables has another name. Its packages of Docker bring it.
        return ("ca-certificates", *(("iptables",) if self.family == "debian" else ()))

    @property
    def suffix(self) -> str:
        """What follows the name of a package, so that its manager installs the version."""
        if not self.version:
            return ""
        if self.family != "debian":
            return f"-{self.version}"
        # Docker's packages for Debian have an epoch, which apt requires.
        epoch = "5:" if self.source == DOCKER_CE and ":" not in self.version else ""
        # After the bare version, packages go on with a hyphen, or in Debian itself with "+dfsg".
        ending = ""
        if re.fullmatch(r"[0-9.]+", self.version):
            ending = "+*" if self.source != DOCKER_CE and self.distribution == "Debian" else "-*"
        return f"={epoch}{self.version}{ending}"


@dataclass(frozen=True)
class Packages:
    """The packages of the Engine on one host."""

    # All that it needs, and these as its package manager gets them.
    names: tuple[str, ...]
    specs: tuple[str, ...]
    versioned: tuple[str, ...]
    # Those that only this collection upgrades.
    held: tuple[str, ...]
    missing: tuple[str, ...]
    # Of the Engine that the host has, or empty.
    version: str
    # Whether it has another one than the desired version, and whether that is older.
    other_version: bool
    older: bool
    # Whether the installation replaces the program of a running daemon.
    replaces: bool


def engine_packages(desired: Desired, installed: Mapping[str, Mapping[str, Any]]) -> Packages:
    """Compare the packages that a host needs with those that it has."""
    held = (*desired.versioned, *desired.runtime)
    names = (*held, *desired.support)
    missing = tuple(name for name in names if name not in installed)
    version = str(installed.get(desired.versioned[0], {}).get("version") or "")
    other = bool(version and desired.version) and not matches(desired.version, version)
    return Packages(
        names=names,
        specs=(
            *(name + desired.suffix for name in desired.versioned),
            *desired.runtime,
            *desired.support,
        ),
        versioned=desired.versioned,
        held=held,
        missing=missing,
        version=version,
        other_version=other,
        older=is_older(desired.version, version),
        replaces=other or any(name in missing for name in held),
    )


def matches(desired: str, present: str) -> bool:
    """Whether a package has the desired version, whatever its epoch and its ending are.

    >>> matches("28.5.1", "5:28.5.1-1~debian.13~trixie"), matches("28.5.1", "5:28.5.10-1")
    (True, False)
    >>> matches("28.*", "5:28.5.1-1~debian.13~trixie"), matches("28.*", "5:27.5.1-1")
    (True, False)
    """
    bare = ".*".join(re.escape(part) for part in EPOCH.sub("", desired).split("*"))
    return re.fullmatch(rf"(?:[0-9]+:)?{bare}(?:[-+~].*)?", present) is not None


def is_older(desired: str, present: str) -> bool:
    """Compare only the numbers that both have: 28.* is not older than 28.5.1.

    >>> is_older("28.*", "5:28.5.1-1"), is_older("28.5.9", "28.5.10"), is_older("", "28.5.10")
    (False, True, False)
    """
    first, second = numbers(desired), numbers(present)
    both = min(len(first), len(second))
    return first[:both] < second[:both]


def numbers(version: str) -> list[int]:
    """The numbers of a version, without its epoch.

    >>> numbers("5:28.5.1-1~debian.13~trixie"), numbers("20.10.24+dfsg1"), numbers("28.*")
    ([28, 5, 1], [20, 10, 24], [28])
    """
    found = NUMBERS.search(EPOCH.sub("", version))
    return [int(part) for part in found[0].split(".")] if found else []
