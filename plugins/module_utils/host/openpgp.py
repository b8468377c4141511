# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fingerprints of OpenPGP keys, so that a host without gpg can verify a key."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BEGIN = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
END = "-----END PGP PUBLIC KEY BLOCK-----"

PUBLIC_KEY = 6


class OpenPGPError(ValueError):
    """The text is not a valid OpenPGP key."""


def dearmor(text: str) -> bytes:
    """The packets of all armored blocks in a text."""
    blocks = re.findall(rf"{BEGIN}\s*\n(.*?){END}", text.replace("\r\n", "\n"), re.DOTALL)
    if not blocks:
        raise OpenPGPError("it contains no armored OpenPGP public key")
    data = b""
    for block in blocks:
        # Skip headers such as "Version: 1", and the checksum, which starts with "=".
        lines = [line.strip() for line in block.split("\n")]
        lines = [line for line in lines if ":" not in line and not line.startswith("=")]
        try:
            data += base64.b64decode("".join(lines), validate=True)
        except ValueError as error:
            raise OpenPGPError(f"its ASCII armor is invalid: {error}") from error
    return data


def packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and body of each packet."""
    at = 0
    while at < len(data):
        head = data[at]
        if not head & 0x80:
            raise OpenPGPError("it is not a sequence of OpenPGP packets")
        at += 1
        if head & 0x40:
            tag, first = head & 0x3F, data[at] if at < len(data) else 0
            if first < 192:
                length, at = first, at + 1
            elif first < 224:
                length, at = ((first - 192) << 8) + data[at + 1] + 192, at + 2
            elif first == 255:
                length, at = int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
            else:
                raise OpenPGPError("it contains a packet of unknown length")
        else:
            tag, size = (head >> 2) & 0x0F, 1 << (head & 3)
            if size == 8:
                raise OpenPGPError("it contains a packet of unknown length")
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        if at + length > len(data):
            raise OpenPGPError("it ends in the middle of a packet")
        yield tag, data[at : at + length]
        at += length


def fingerprints(text: str) -> list[str]:
    """Fingerprints of the primary keys, in upper case."""
    found = []
    for tag, body in packets(dearmor(text)):
        if tag == PUBLIC_KEY:
            if not body or body[0] != 4:
                raise OpenPGPError("it is not a version 4 key")
            start = b"\x99" + len(body).to_bytes(2, "big")
            # The standard defines the fingerprint of a version 4 key with SHA-1.
            found.append(hashlib.sha1(start + body).hexdigest().upper())
    if not found:
        raise OpenPGPError("it contains no public key")
    return found


def unexpected_keys(text: str, accepted: Iterable[str]) -> list[str]:
    """Fingerprints in the text that are not in ``accepted``."""
    known = {re.sub(r"\s", "", name).upper() for name in accepted}
    return [name for name in fingerprints(text) if name not in known]
