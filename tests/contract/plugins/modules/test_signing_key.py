# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that sends more than a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_key_that_is_too_long_is_not_read_to_its_end(
    call: Callable[..., Any], tmp_path: Path
) -> None:
    source = tmp_path / "key"
    with source.open("wb") as file:
        # A sparse file: it needs memory only if all of it is read.
        file.truncate(1024**4)
    options = {
        "url": source.as_uri(),
        "fingerprints": ["9DC858229FC7DD38854AE2D88D81803C0EBFCD88"],
        "path": str(tmp_path / "written"),
    }
    result = call("signing_key", options)
    assert result.failed
    assert "longer than 1048576 bytes and cannot be a key" in result.msg
    assert f"curl --head {source.as_uri()}" in result.msg
    assert not (tmp_path / "written").exists()
