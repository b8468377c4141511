# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How answers of Elasticsearch are parsed before nodes restart."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.roll_facts import (
    HEADROOM,
    HIGH,
    WATCHED,
    critical,
    flooded,
    has_to_be_free,
    newest_success,
    over_the_high_watermark,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import with_defaults
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.voting import (
    exclusions_of,
    label,
)

GIB = 2**30


@pytest.mark.parametrize(
    ("mark", "headroom", "needed"),
    [
        ("90%", "150GB", 100 * GIB),
        ("90%", "50gb", 50 * GIB),
        ("90%", "-1", 100 * GIB),
        ("0.9", None, 100 * GIB),
        ("2gb", "150GB", 2 * GIB),
        (None, None, 0),
        ("nonsense", None, 0),
    ],
)
def test_bytes_that_must_be_free(mark: str | None, headroom: str | None, needed: int) -> None:
    assert has_to_be_free(1000 * GIB, {HIGH: mark, HEADROOM: headroom}) == needed


def test_nodes_over_the_high_watermark() -> None:
    rows: list[dict[str, Any]] = [
        {"node": "w2", "disk.avail": "9", "disk.total": "100"},
        {"node": "w1", "disk.avail": "10", "disk.total": "100"},
        {"node": "m1", "disk.avail": None, "disk.total": None},
        {"node": "UNASSIGNED"},
    ]
    # Elasticsearch nests a key like this when it is both a group and a value.
    nested = {"watermark": {"high": "90%", "high.max_headroom": "150GB"}, "threshold_enabled": True}
    answer = {"defaults": {"cluster": {"routing": {"allocation": {"disk": nested}}}}}
    settings = with_defaults(answer)
    assert settings[HEADROOM] == "150GB"
    full = {"node": "w2", "free": 9, "total": 100, "needed": 10}
    assert over_the_high_watermark(rows, settings) == [full]
    assert over_the_high_watermark(rows, {**settings, WATCHED: "false"}) == []


def test_explicit_settings_override_defaults() -> None:
    answer = {"defaults": {"a": {"b": 1}}, "persistent": {"a.b": 2}, "transient": {"a": {"b": 3}}}
    assert with_defaults(answer) == {"a.b": "3"}


def test_voting_exclusions() -> None:
    found = [
        {"node_id": "one", "node_name": "m2"},
        {"node_id": "two", "node_name": "_absent_"},
    ]
    answer = {"metadata": {"cluster_coordination": {"voting_config_exclusions": found}}}
    assert [label(one) for one in exclusions_of(answer)] == ["m2", "two"]
    assert exclusions_of({}) == []


def test_indices_that_a_full_disk_made_read_only() -> None:
    key = "index.blocks.read_only_allow_delete"
    assert flooded({"b": {"settings": {key: "true"}}, "a": {"settings": {key: "false"}}}) == ["b"]


def test_the_newest_successful_snapshot_with_the_global_state() -> None:
    def one(name: str, end: int, **values: Any) -> dict[str, Any]:
        return {"snapshot": name, "state": "SUCCESS", "end_time_in_millis": end, **values}

    found = [
        one("old", 1000),
        one("part", 9000, state="PARTIAL"),
        one("now", 0, state="IN_PROGRESS"),
        one("indices", 8000, include_global_state=False),
        one("last", 7000, include_global_state=True),
    ]
    assert newest_success(found) == {"name": "last", "ended": 7.0}
    assert newest_success(found[1:4]) == {}


def test_critical_deprecations_of_every_kind() -> None:
    def one(level: str, message: str) -> dict[str, str]:
        return {"level": level, "message": message, "details": "long"}

    answer = {
        "cluster_settings": [one("warning", "a")],
        "node_settings": [one("critical", "b")],
        "index_settings": {"old": [one("critical", "c"), one("warning", "d")]},
        "templates": {},
    }
    assert critical(answer) == ["index_settings of old: c", "node_settings: b"]
