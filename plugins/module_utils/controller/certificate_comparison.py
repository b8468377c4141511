# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a certificate is what it must be."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Desired:
    """What a certificate must contain."""

    common_name: str
    # With their kind, such as DNS:m1 and IP:10.0.0.1.
    names: frozenset[str]
    usages: frozenset[str]
    # Until its end.
    days: int


def matches(
    found: Mapping[str, Any],
    authority: Mapping[str, Any],
    desired: Desired,
    now: datetime.datetime,
) -> bool:
    """Compare a certificate with what it must contain, and with the authority that must sign it.

    Args:
        found: The certificate, as community.crypto.x509_certificate_info describes it.
        authority: The certificate of the authority, described in the same way.
        desired: What the certificate must contain.
        now: The time, in UTC.
    """
    end = datetime.datetime.strptime(found["not_after"], "%Y%m%d%H%M%SZ")
    signer = authority.get("subject_key_identifier")
    return (
        (found["subject"].get("commonName") or "") == desired.common_name
        and sorted(found.get("subject_alt_name") or ()) == sorted(desired.names)
        and sorted(found.get("extended_key_usage") or ()) == sorted(desired.usages)
        and found["issuer"] == authority["subject"]
        # Another authority may have the same name.
        and signer in (None, found.get("authority_key_identifier"))
        and (end - now.replace(tzinfo=None)).days >= desired.days
    )
