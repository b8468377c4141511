# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fingerprints of keys."""

from __future__ import annotations

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.host import openpgp

# Created with gpg for this test; gpg also printed the fingerprint.
BODY = """\
mDMEawEIFxYJKwYBBAHaRw8BAQdAItNluIcpmXDP6UoCls67LGxP7AKZJ/Wm/9yy
9G3kxjW0GXVuaXQgdGVzdCA8dEBleGFtcGxlLm9yZz6IlgQTFggAPhYhBPtJbXkQ
r9KpAWR2SVtN2YqUlxSMBQJrAQgXAhsDBQkDwmcABQsJCAcCBhUKCQgLAgQWAgMB
Ah4BAheAAAoJEFtN2YqUlxSM0zkA/2JZ12DgfFCAEytqOdF12+vn32jX8GQlR8kJ
R2B6cgCkAP9iwQCzU5TGVPjSvk35gQlK2kJBPBXRodoM7w/Uq/TKAQ==
=NHwK
"""
KEY = f"{openpgp.BEGIN}\n\n{BODY}{openpgp.END}\n"
FINGERPRINT = "FB496D7910AFD2A9016476495B4DD98A9497148C"
OTHER = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        KEY.replace("\n", "\r\n"),
        f"{openpgp.BEGIN}\nVersion: 1\nComment: a: b\n\n{BODY}{openpgp.END}\n",
        f"# from a mirror\n{KEY}",
    ],
)
def test_fingerprint(text: str) -> None:
    assert openpgp.fingerprints(text) == [FINGERPRINT]


def test_every_key_of_a_file_counts() -> None:
    assert openpgp.fingerprints(KEY + KEY) == [FINGERPRINT, FINGERPRINT]


def test_spaces_and_case_do_not_matter() -> None:
    spaced = "fb49 6d79 10af d2a9 0164  7649 5b4d d98a 9497 148c"
    assert openpgp.unexpected_keys(KEY, [OTHER, spaced]) == []


def test_an_unexpected_key_is_named() -> None:
    assert openpgp.unexpected_keys(KEY, [OTHER]) == [FINGERPRINT]
    assert openpgp.unexpected_keys(KEY, []) == [FINGERPRINT]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>404</html>",
        f"{openpgp.BEGIN}\n\n%%%%\n{openpgp.END}",
        f"{openpgp.BEGIN}\n\naGVsbG8=\n{openpgp.END}",
        f"{openpgp.BEGIN}\n\n{BODY[:65]}{openpgp.END}",
        f"{openpgp.BEGIN}\n\n{openpgp.END}",
    ],
)
def test_a_text_that_is_not_a_key(text: str) -> None:
    with pytest.raises(openpgp.OpenPGPError):
        openpgp.fingerprints(text)
