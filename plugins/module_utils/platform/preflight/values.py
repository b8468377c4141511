# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes, networks, versions and images as variables write them."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Union

GIB = 1 << 30
MIB = 1 << 20
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


def parse_size(value: Any) -> int | None:
    """Bytes of "4g", "512m", "1GiB" or a plain number; None if it is not a size."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", str(value).lower())
    if not found:
        return None
    return int(float(found.group(1)) * 1024 ** " kmgt".index(found.group(2) or " "))


def show_size(size: int) -> str:
    """A size as the variables write it, rounded down so that it can be copied into one."""
    return f"{size // GIB}g" if size >= GIB and not size % GIB else f"{max(size, 0) // MIB}m"


def parse_network(value: Any) -> Network | None:
    """A network with its host bits cleared; None if it is not a network."""
    try:
        return ipaddress.ip_network(str(value).strip(), strict=False)
    except ValueError:
        return None


def overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def parse_version(text: Any) -> tuple[int, ...] | None:
    """The leading numbers of a version, without a package's epoch."""
    found = re.match(r"(?:\d+:)?v?(\d+(?:\.\d+)*)", str(text).strip())
    return tuple(int(part) for part in found.group(1).split(".")) if found else None


def untagged(image: str) -> str:
    """What is wrong with an image reference: it must name one image, not the newest of the day."""
    name, _at, digest = image.partition("@")
    if digest:
        return ""
    # A colon before the last slash belongs to a registry's port.
    tag = name.rpartition("/")[2].partition(":")[2]
    if not tag:
        return "has no tag, which means latest"
    return "has the tag latest" if tag == "latest" else ""


def normal_address(value: str) -> str | None:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return None


def plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
