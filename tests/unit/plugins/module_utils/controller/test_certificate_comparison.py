# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates are what they must be."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.controller.certificate_comparison import (
    Desired,
    matches,
)

NOW = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)
SERVER, CLIENT = "TLS Web Server Authentication", "TLS Web Client Authentication"
DESIRED = Desired("m1", frozenset({"DNS:m1", "IP:10.0.0.1"}), frozenset({SERVER}), 30)
AUTHORITY = {"subject": {"commonName": "CA"}, "subject_key_identifier": "aa:bb"}
FOUND = {
    "subject": {"commonName": "m1"},
    "subject_alt_name": ["IP:10.0.0.1", "DNS:m1"],
    "extended_key_usage": [SERVER],
    "issuer": {"commonName": "CA"},
    "authority_key_identifier": "aa:bb",
    "not_after": "20260531120000Z",
}


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"not_after": "20260531115959Z"}, False),
        ({"not_after": "20250531120000Z"}, False),
        ({"subject": {"commonName": "m2"}}, False),
        ({"subject": {}}, False),
        ({"subject_alt_name": ["DNS:m1"]}, False),
        ({"subject_alt_name": ["DNS:m1", "IP:10.0.0.1", "DNS:x"]}, False),
        ({"subject_alt_name": None}, False),
        ({"extended_key_usage": [SERVER, CLIENT]}, False),
        ({"extended_key_usage": None}, False),
        ({"issuer": {"commonName": "Other"}}, False),
        ({"authority_key_identifier": "cc:dd"}, False),
        ({"authority_key_identifier": None}, False),
    ],
)
def test_a_certificate(changes: dict[str, Any], good: bool) -> None:
    assert matches({**FOUND, **changes}, AUTHORITY, DESIRED, NOW) is good


def test_an_authority_without_an_identifier_is_known_by_its_name() -> None:
    authority = {**AUTHORITY, "subject_key_identifier": None}
    assert matches({**FOUND, "authority_key_identifier": None}, authority, DESIRED, NOW)


def test_a_certificate_without_names_may_be_desired() -> None:
    none = Desired("", frozenset(), frozenset(), 0)
    empty = {"subject": {}, "subject_alt_name": None, "extended_key_usage": None}
    assert matches({**FOUND, **empty}, AUTHORITY, none, NOW)
