# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a certificate's validity."""

from __future__ import annotations

import base64
import binascii
import datetime
import re

UTC = datetime.timezone.utc


def _der(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start and end of the value at position ``at``."""
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        octets = length & 0x7F
        length = int.from_bytes(data[start : start + octets], "big")
        start += octets
    if start + length > len(data):
        raise ValueError("it is cut off")
    return tag, start, start + length


def _moment(tag: int, text: str) -> datetime.datetime:
    # UTCTime has two digits of the year, GeneralizedTime four.
    pattern = "%y%m%d%H%M%SZ" if tag == 0x17 else "%Y%m%d%H%M%SZ"
    return datetime.datetime.strptime(text, pattern).replace(tzinfo=UTC)


def certificate_end(pem: str) -> datetime.datetime:
    """The end of a certificate's validity.

    The standard library has no public function for it, and hosts may have no other library.
    """
    found = re.search(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", pem, re.DOTALL)
    if found is None:
        raise ValueError("it holds no certificate")
    try:
        data = base64.b64decode("".join(found[1].split()), validate=True)
        _tag, at, _end = _der(data, 0)
        _tag, at, _end = _der(data, at)
        tag, start, end = _der(data, at)
        if tag == 0xA0:  # the version, which version 1 omits
            tag, start, end = _der(data, end)
        for _part in ("algorithm", "issuer", "validity"):
            tag, start, end = _der(data, end)
        _tag, _start, end = _der(data, start)  # not before
        tag, start, end = _der(data, end)
        return _moment(tag, data[start:end].decode("ascii"))
    except (binascii.Error, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"it cannot be read ({error})") from error
