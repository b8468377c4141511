# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired and actual documents: equal in another form, or different."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    ConfigurationError,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.resource import (
    CLUSTER_SETTINGS,
    ILM_POLICY,
    INDEX,
    INDEX_SETTINGS,
    INDEX_TEMPLATE,
    LEGACY_TEMPLATE,
    PLAIN,
    ROLE,
    Kind,
    differences,
    make_desired,
    parse_path,
    unwrap,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import scalar


def paths(kind: Kind, desired: Any, actual: Any) -> list[str]:
    return [item.path for item in differences(kind, desired, actual)]


def template(**parts: Any) -> dict[str, Any]:
    return {"index_patterns": ["a-*"], "template": parts}


@pytest.mark.parametrize(
    ("desired", "actual"),
    [
        ({"number_of_shards": 1}, {"index": {"number_of_shards": "1"}}),
        ({"index.number_of_shards": 1}, {"index": {"number_of_shards": "1"}}),
        ({"index": {"sort.field": ["a"]}}, {"index": {"sort": {"field": ["a"]}}}),
        ({"index": {"sort.field": "a"}}, {"index": {"sort": {"field": ["a"]}}}),
        ({"hidden": True}, {"index": {"hidden": "true"}}),
        ({"index": {"a": {"b": 1.5}}}, {"index": {"a": {"b": "1.5"}}}),
        ({"codec": None, "analysis": {}}, {}),
    ],
)
def test_equal_settings_in_another_form(desired: Any, actual: Any) -> None:
    assert paths(INDEX_TEMPLATE, template(settings=desired), template(settings=actual)) == []
    assert paths(LEGACY_TEMPLATE, {"settings": desired}, {"settings": actual}) == []


def test_settings_that_differ() -> None:
    actual = template(settings={"index": {"number_of_shards": "1", "codec": "default"}})
    desired = template(settings={"number_of_shards": 2, "refresh_interval": "5s"})
    assert sorted(paths(INDEX_TEMPLATE, desired, actual)) == [
        "template.settings.index.codec",
        "template.settings.index.number_of_shards",
        "template.settings.index.refresh_interval",
    ]


def test_what_is_removed_from_a_template_is_a_difference() -> None:
    fields = {"properties": {"a": {"type": "keyword"}, "b": {"type": "text"}}}
    actual = template(mappings=fields, aliases={"all": {}})
    desired = template(mappings={"properties": {"a": {"type": "keyword"}}})
    assert sorted(paths(INDEX_TEMPLATE, desired, actual)) == [
        "template.aliases.all",
        "template.mappings.properties.b",
    ]


def test_what_the_server_adds_is_no_difference() -> None:
    actual = {**template(), "composed_of": [], "created_date": 1, "_meta": {"x": 1}}
    assert paths(INDEX_TEMPLATE, template(settings={}, mappings={}), actual) == []
    stream = {"data_stream": {"hidden": False, "allow_custom_routing": False}}
    assert paths(INDEX_TEMPLATE, {"data_stream": {}}, stream) == []


def test_empty_objects_that_have_a_meaning() -> None:
    assert paths(INDEX_TEMPLATE, {"data_stream": {}}, {}) == ["data_stream"]
    assert paths(INDEX_TEMPLATE, template(aliases={"all": {}}), template()) == ["template.aliases"]


def test_lifecycle_policy() -> None:
    desired = {"policy": {"phases": {"delete": {"min_age": "30d", "actions": {"delete": {}}}}}}
    actual = {
        "version": 7,
        "modified_date": "2026-11-21",
        "policy": {
            "phases": {
                "delete": {
                    "min_age": "30d",
                    "actions": {"delete": {"delete_searchable_snapshot": True}},
                }
            }
        },
    }
    assert paths(ILM_POLICY, desired, actual) == []
    assert paths(ILM_POLICY, {"policy": {"phases": {}}}, actual) == ["policy.phases.delete"]
    actual["policy"]["phases"]["delete"]["actions"]["wait_for_snapshot"] = {"policy": "x"}
    assert paths(ILM_POLICY, desired, actual) == ["policy.phases.delete.actions.wait_for_snapshot"]


def test_role() -> None:
    desired = {
        "cluster": ["monitor", "manage_ilm"],
        "indices": [{"names": ["a*"], "privileges": ["read", "write"]}],
        "run_as": [],
        "metadata": {},
    }
    actual = {
        "cluster": ["manage_ilm", "monitor"],
        "indices": [
            {"names": ["a*"], "privileges": ["write", "read"], "allow_restricted_indices": False}
        ],
        "applications": [],
        "transient_metadata": {"enabled": True},
    }
    assert paths(ROLE, desired, actual) == []
    assert paths(ROLE, {"cluster": ["monitor"]}, actual) == ["cluster", "indices"]
    actual["indices"] = []
    assert paths(ROLE, desired, actual) == ["indices"]


@pytest.mark.parametrize(
    ("widened", "found"),
    [
        ({"run_as": ["*"]}, "run_as"),
        ({"applications": [{"application": "*"}]}, "applications"),
        ({"global": {"application": {"manage": {"applications": ["*"]}}}}, "global"),
        (
            {"indices": [{"names": ["a"], "privileges": [], "allow_restricted_indices": True}]},
            "indices",
        ),
        ({"indices": [{"names": ["a"], "privileges": [], "query": "{}"}]}, "indices"),
    ],
)
def test_a_privilege_that_is_not_desired(widened: Any, found: str) -> None:
    desired = {"indices": [{"names": ["a"], "privileges": []}]}
    assert paths(ROLE, desired, {**desired, **widened}) == [found]


def test_order_counts_where_it_matters() -> None:
    assert paths(INDEX_TEMPLATE, {"composed_of": ["a", "b"]}, {"composed_of": ["b", "a"]}) == [
        "composed_of"
    ]
    assert not paths(INDEX_TEMPLATE, {"index_patterns": ["a", "b"]}, {"index_patterns": ["b", "a"]})


def test_cluster_settings() -> None:
    actual = {"persistent": {"a.b": "1", "c": "true"}, "transient": {}}
    assert paths(CLUSTER_SETTINGS, {"persistent": {"a": {"b": 1}, "c": True}}, actual) == []
    assert paths(CLUSTER_SETTINGS, {"persistent": {"a.b": None, "d": None}}, actual) == [
        "persistent.a.b"
    ]


def test_index_settings() -> None:
    actual = {"index.number_of_replicas": "1", "index.uuid": "x"}
    assert paths(INDEX_SETTINGS, {"number_of_replicas": 1}, actual) == []
    assert paths(INDEX_SETTINGS, {"index": {"number_of_replicas": 0}}, actual) == [
        "index.number_of_replicas"
    ]
    assert paths(INDEX_SETTINGS, {"refresh_interval": None}, actual) == []


@pytest.mark.parametrize(
    ("desired", "actual"),
    [(1, 2), ("a", None), (None, "a"), ({"a": 1}, "a"), (["a"], ["b"]), (["a"], []), (True, 1)],
)
def test_plain_differences(desired: Any, actual: Any) -> None:
    assert paths(PLAIN, {"x": desired}, {"x": actual}) == ["x"]


def test_scalars() -> None:
    assert scalar(True) == scalar("true")
    assert scalar(1) == scalar(1.0) == scalar("1")
    assert scalar(1.5) == "1.5"


def test_paths_and_their_parts() -> None:
    assert parse_path("/_index_template/a%2Fb?create=true").name == "a/b"
    assert parse_path("/_cluster/settings").read_path == "/_cluster/settings?flat_settings=true"
    assert parse_path("/logs-1/_settings").kind is INDEX_SETTINGS
    assert parse_path("/logs-1").kind is INDEX
    assert parse_path("/_something/else").kind is PLAIN
    for path in ("", "/", "no-slash", "/with space"):
        with pytest.raises(ConfigurationError):
            parse_path(path)


def test_unwrapping() -> None:
    target = parse_path("/_index_template/a")
    body = {
        "index_templates": [
            {"name": "ab", "index_template": {"no": 1}},
            {"name": "a", "index_template": {"yes": 1}},
        ]
    }
    assert unwrap(target, body) == [{"yes": 1}]
    assert unwrap(target, {"index_templates": []}) == []
    assert unwrap(parse_path("/_ilm/policy/a"), {"a": {"policy": {}}}) == [{"policy": {}}]
    assert unwrap(parse_path("/_slm/policy/a"), {"a": {"policy": {"name": "n"}}}) == [{"name": "n"}]
    settings = {"i1": {"settings": {"index.a": "1"}}, "i2": {"settings": {}}}
    assert unwrap(parse_path("/i*/_settings"), settings) == [{"index.a": "1"}, {}]
    assert unwrap(parse_path("/_something/else"), {"any": 1}) == [{"any": 1}]
    assert unwrap(target, None) == []


def test_defaults_of_comparison() -> None:
    assert make_desired("/logs-1", None).compare == "existence"
    assert make_desired("/_ilm/policy/a", {}).compare == "contains"
    assert make_desired("/logs-1", {}, exists_path="/_alias/logs").compare == "existence"
    with pytest.raises(ConfigurationError, match="existence only"):
        make_desired("/_ilm/policy/a", {}, compare="contains", exists_path="/_alias/logs")
