# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watermarks of disks, in bytes."""

from __future__ import annotations

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.watermarks import (
    must_be_free,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "size"), [("1.5kb", 1536), ("10b", 10), ("90%", None), ("0.9", None), ("-1", None)]
)
def test_sizes_differ_from_ratios(text: str, size: int | None) -> None:
    assert parse_size(text) == size


def test_a_ratio_keeps_no_more_free_than_its_headroom() -> None:
    assert must_be_free("90%", "-1", 1000) == 100
    assert must_be_free("90%", "50b", 1000) == 50


@pytest.mark.parametrize("watermark", ["", "nonsense", "9x%"])
def test_other_texts_are_refused(watermark: str) -> None:
    with pytest.raises(ValueError, match="float"):
        must_be_free(watermark, "-1", 1000)
