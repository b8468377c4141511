# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of all volumes, and the check of a list of volumes to remove."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.filter.volume_cleaning import volume_cleaning
from ansible_collections.elk.swarm.plugins.filter.volume_table import volume_table

UNKNOWN = (
    "The volumes of w2 are unknown: no route to host. The volumes of w3 are unknown: it was not"
    " asked"
)
UNUSED = "no container and no service refers to it"


def volume(name: str, **changes: Any) -> dict[str, Any]:
    values = {
        "name": name,
        "driver": "local",
        "size": 1024,
        "age": 90000,
        "orphan": True,
        "reason": UNUSED,
    }
    return {**values, **changes}


FOUND = {
    "m1": {
        "volumes": [
            volume("scratch"),
            volume("data", orphan=False, reason="service db refers to it"),
        ]
    },
    "w1": {
        "volumes": [
            volume("scratch", size=None, age=None),
            volume("other", orphan=None, reason="unclear"),
        ]
    },
    "w2": {"unreachable": True, "msg": "no route to host."},
    "w3": {},
}


def test_the_table_lists_all_volumes_and_the_hosts_without_an_answer() -> None:
    assert volume_table(FOUND) == [
        "Volumes",
        "  HOST  VOLUME   DRIVER     SIZE  AGE  ORPHAN   WHY",
        f"  m1    scratch  local   1.0 KiB  1 d  yes      {UNUSED}",
        "  m1    data     local   1.0 KiB  1 d  no       service db refers to it",
        f"  w1    scratch  local         -    -  yes      {UNUSED}",
        "  w1    other    local   1.0 KiB  1 d  unknown  unclear",
        f"  4 volumes, 2 orphans with 1.0 KiB in them. {UNKNOWN}",
    ]


def test_the_table_shows_only_the_named_volumes() -> None:
    lines = volume_table(FOUND, ["w1/scratch"])
    assert len(lines) == 4
    assert lines[2].split()[:2] == ["w1", "scratch"]
    assert lines[3].startswith("  1 volume, 1 orphan with 0 B in it")
    assert volume_table({"m1": {"volumes": []}}) == [
        "Volumes",
        "  0 volumes, 0 orphans with 0 B in them",
    ]


def test_orphans_are_removed_and_missing_volumes_are_listed() -> None:
    assert volume_cleaning(["w1/scratch", "m1/scratch", "m1/scratch", "m1/lost"], FOUND) == {
        "remove": {"w1": [{"volume_name": "scratch"}], "m1": [{"volume_name": "scratch"}]},
        "gone": ("m1/lost",),
        "errors": (),
    }


@pytest.mark.parametrize(
    ("named", "error"),
    [
        ("m1/data", "m1/data is no orphan: service db refers to it"),
        ("w1/other", "w1/other is no orphan: unclear"),
        ("w2/scratch", "w2 cannot be asked for scratch: no route to host"),
        ("w3/scratch", "w3 cannot be asked for scratch: it was not asked"),
        ("x9/scratch", "'x9/scratch' in volumes_clean: the inventory has no host x9"),
        ("scratch", "'scratch' in volumes_clean is not HOST/VOLUME, like w1/scratch"),
        ("m1/", "'m1/' in volumes_clean is not HOST/VOLUME, like w1/scratch"),
    ],
)
def test_one_volume_that_must_not_be_removed_keeps_all(named: str, error: str) -> None:
    plan = volume_cleaning(["m1/scratch", named], FOUND)
    assert plan["errors"] == (error,)
    assert plan["remove"] == {}


def test_an_empty_list_is_an_error() -> None:
    (error,) = volume_cleaning([], FOUND)["errors"]
    assert error.startswith("volumes_clean is empty")
