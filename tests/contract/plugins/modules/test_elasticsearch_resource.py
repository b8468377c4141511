# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resources: a change sends one PUT, no change sends none, and check mode never sends one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fake_elasticsearch import (
    DROP,
    FOREVER,
    FakeCluster,
    Request,
    error,
    no_handler,
    wrong_method,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.fake_elasticsearch import Answer

    Run = Callable[..., Any]

RESOURCE = "elasticsearch_resource"
RESOURCES: dict[str, dict[str, Any]] = {
    "/_index_template/logs": {
        "index_patterns": ["logs-*"],
        "priority": 200,
        "template": {
            "settings": {"number_of_shards": 1, "index": {"mapping.total_fields.limit": 2000}},
            "mappings": {"properties": {"message": {"type": "text"}}},
            "aliases": {"all": {}},
        },
    },
    "/_component_template/base": {
        "template": {"settings": {"index.codec": "best_compression", "index.hidden": False}}
    },
    "/_ilm/policy/logs": {
        "policy": {
            "phases": {
                "hot": {"actions": {"rollover": {"max_age": "1d"}}},
                "delete": {"min_age": "30d", "actions": {"delete": {}}},
            }
        }
    },
    "/_security/role/writer": {
        "cluster": ["monitor"],
        "indices": [{"names": ["logs*"], "privileges": ["create_doc", "auto_configure"]}],
    },
    "/_ingest/pipeline/none": {"processors": [], "description": "does nothing"},
    "/_snapshot/backup": {"type": "fs", "settings": {"location": "/mnt/backup"}},
    "/_cluster/settings": {"persistent": {"cluster": {"max_shards_per_node": 2000}}},
}
CHANGED: dict[str, dict[str, Any]] = {
    "/_index_template/logs": {
        **RESOURCES["/_index_template/logs"],
        "template": {"settings": {"number_of_shards": 2}},
    },
    "/_component_template/base": {"template": {"settings": {}}},
    "/_ilm/policy/logs": {
        "policy": {"phases": {"hot": {"actions": {"rollover": {"max_age": "1d"}}}}}
    },
    "/_security/role/writer": {"cluster": ["monitor"], "indices": []},
    "/_ingest/pipeline/none": {"processors": [{"set": {"field": "a", "value": 1}}]},
    "/_snapshot/backup": {"type": "fs", "settings": {"location": "/mnt/other"}},
    "/_cluster/settings": {"persistent": {"cluster.max_shards_per_node": None}},
}


@pytest.mark.parametrize("path", RESOURCES)
def test_every_state(cluster: FakeCluster, run: Run, path: str) -> None:
    """Created, unchanged, changed: each first in check mode, compared with the log of calls."""
    put = [f"PUT {path}"]
    for body, expected in ((RESOURCES[path], put), (RESOURCES[path], []), (CHANGED[path], put)):
        for check in (True, False):
            cluster.calls.clear()
            result = run(RESOURCE, path=path, body=body, check=check)
            assert not result.failed, result.msg
            assert result.changed == bool(expected)
            assert (result["diff"]["before"] != result["diff"]["after"]) == bool(expected)
            assert cluster.changes() == ([] if check else expected)


@pytest.mark.parametrize("path", [path for path in RESOURCES if path != "/_cluster/settings"])
def test_absent(cluster: FakeCluster, run: Run, path: str) -> None:
    run(RESOURCE, path=path, body=RESOURCES[path])
    cluster.calls.clear()
    assert run(RESOURCE, path=path, state="absent", check=True).changed
    assert cluster.changes() == []
    assert run(RESOURCE, path=path, state="absent").changed
    assert not run(RESOURCE, path=path, state="absent").changed
    assert cluster.changes() == [f"DELETE {path}"]


def test_settings_back_to_their_defaults(cluster: FakeCluster, run: Run) -> None:
    path = "/_cluster/settings"
    cluster.settings["persistent"] = {"cluster.max_shards_per_node": "2000", "search.x": "1"}
    for expected in (True, False):
        result = run(RESOURCE, path=path, body=RESOURCES[path], state="absent")
        assert result.changed is expected
    assert cluster.settings["persistent"] == {"search.x": "1"}
    assert cluster.changes() == [f"PUT {path}"]


def test_only_what_differs_is_shown(cluster: FakeCluster, run: Run) -> None:
    path = "/_index_template/logs"
    run(RESOURCE, path=path, body=RESOURCES[path])
    result = run(RESOURCE, path=path, body={**RESOURCES[path], "priority": 300}, check=True)
    assert result["differences"] == ["priority"]
    assert result["diff"] == {"before": {"priority": 200}, "after": {"priority": 300}}
    assert cluster.stores["_index_template"]["logs"]["priority"] == 200


FIRST = {
    "path": "/syslog-msg-000001",
    "exists_path": "/_alias/syslog-msg",
    "body": {"aliases": {"syslog-msg": {"is_write_index": True}}},
}


def test_first_index_behind_an_alias(cluster: FakeCluster, run: Run) -> None:
    assert run(RESOURCE, check=True, **FIRST).changed
    assert run(RESOURCE, **FIRST).changed
    assert not run(RESOURCE, **FIRST).changed
    assert cluster.changes() == ["PUT /syslog-msg-000001"]


def test_first_index_is_not_created_again_after_retention(cluster: FakeCluster, run: Run) -> None:
    cluster.indices["syslog-msg-000007"] = {"aliases": {"syslog-msg": {"is_write_index": True}}}
    assert not run(RESOURCE, **FIRST).changed
    assert cluster.changes() == []


def test_index_that_another_client_creates_at_the_same_time(cluster: FakeCluster, run: Run) -> None:
    cluster.script("HEAD", "/syslog-msg-000001", error(404, "index_not_found_exception", "no"))
    cluster.indices["syslog-msg-000001"] = {"aliases": {}}
    assert not run(RESOURCE, path="/syslog-msg-000001").failed


def test_index_that_cannot_be_created(cluster: FakeCluster, run: Run) -> None:
    cluster.script("PUT", ".*", error(400, "invalid_alias_name_exception", "is an index"))
    result = run(RESOURCE, **FIRST)
    assert result.failed
    assert "invalid_alias_name_exception: is an index" in result.msg


def test_change_whose_answer_is_lost(cluster: FakeCluster, run: Run) -> None:
    def do_and_drop(request: Request) -> Answer:
        cluster._index(request)
        return DROP

    cluster.script("PUT", "/syslog-msg-000001", do_and_drop)
    result = run(RESOURCE, **FIRST)
    assert not result.failed, result.msg
    assert result.changed
    assert "syslog-msg-000001" in cluster.indices


@pytest.mark.parametrize("answer", [no_handler, wrong_method])
def test_server_without_the_feature(
    cluster: FakeCluster, run: Run, answer: Callable[[str, str], Answer]
) -> None:
    path = "/_ilm/policy/logs"
    cluster.script("GET", path, answer("GET", path), times=FOREVER)
    switch = "elasticsearch_ilm_enabled"
    result = run(RESOURCE, path=path, body=RESOURCES[path], feature_switch=switch)
    assert result.failed
    assert "built without the feature" in result.msg
    assert "Set elasticsearch_ilm_enabled: false" in result.msg
    assert cluster.changes() == []


def test_body_that_the_server_refuses(cluster: FakeCluster, run: Run) -> None:
    cluster.script("PUT", ".*", error(400, "illegal_argument_exception", "unknown setting [x]"))
    result = run(RESOURCE, path="/_index_template/logs", body={"index_patterns": ["a"]})
    assert result.failed
    assert "unknown setting [x]" in result.msg


def test_options_that_do_not_fit(cluster: FakeCluster, run: Run) -> None:
    for arguments, word in (
        ({"path": "_ilm/policy/x", "body": {}}, "slash"),
        ({"path": "/_ilm/policy/x"}, "body"),
        ({"path": "/an-index", "body": {}, "compare": "contains"}, "existence"),
        ({"path": "/_cluster/settings", "body": {"search.x": 1}}, "persistent"),
    ):
        result = run(RESOURCE, **arguments)
        assert result.failed
        assert word in result.msg
    assert cluster.calls == []


def test_several_at_once(cluster: FakeCluster, run: Run) -> None:
    resources = [{"path": path, "body": body} for path, body in RESOURCES.items()]
    predicted = run(RESOURCE, resources=resources, check=True)
    assert predicted.changed
    assert cluster.changes() == []

    created = run(RESOURCE, resources=resources)
    assert created.changed
    assert [entry["path"] for entry in created["resources"]] == list(RESOURCES)
    assert all(entry["changed"] for entry in created["resources"])
    assert cluster.changes() == [f"PUT {path}" for path in RESOURCES]

    again = run(RESOURCE, resources=resources)
    assert not again.changed
    assert [entry["differences"] for entry in again["resources"]] == [[] for _ in RESOURCES]
    assert len(cluster.changes()) == len(RESOURCES)


def test_of_several_only_what_differs_is_sent_and_shown(cluster: FakeCluster, run: Run) -> None:
    resources = [{"path": path, "body": body} for path, body in RESOURCES.items()]
    run(RESOURCE, resources=resources)
    before = len(cluster.changes())
    path = "/_security/role/writer"
    resources = [
        {"path": item["path"], "body": {**RESOURCES[path], "cluster": ["manage"]}}
        if item["path"] == path
        else item
        for item in resources
    ]
    result = run(RESOURCE, resources=resources)
    assert cluster.changes()[before:] == [f"PUT {path}"]
    assert [entry["path"] for entry in result["resources"] if entry["changed"]] == [path]
    assert [item["after_header"] for item in result["diff"] if item["before"] != item["after"]] == [
        path
    ]


def test_an_option_that_does_not_fit_stops_all_of_them(cluster: FakeCluster, run: Run) -> None:
    good = {"path": "/_index_template/logs", "body": RESOURCES["/_index_template/logs"]}
    result = run(RESOURCE, resources=[good, {"path": "/_ilm/policy/logs"}])
    assert result.failed
    assert "needs a body" in result.msg
    assert cluster.changes() == []


def test_a_failure_returns_the_resources_before_it(cluster: FakeCluster, run: Run) -> None:
    good = {"path": "/_index_template/logs", "body": RESOURCES["/_index_template/logs"]}
    policy = "/_ilm/policy/logs"
    cluster.script("GET", policy, no_handler("GET", policy), times=FOREVER)
    bad = {"path": policy, "body": RESOURCES[policy], "feature_switch": "elasticsearch_ilm_enabled"}
    result = run(RESOURCE, resources=[good, bad])
    assert result.failed
    assert "elasticsearch_ilm_enabled" in result.msg
    assert [entry["path"] for entry in result["resources"]] == ["/_index_template/logs"]


@pytest.mark.parametrize("options", [{}, {"path": "/_snapshot/a", "resources": []}])
def test_one_or_several(run: Run, options: dict[str, Any]) -> None:
    result = run(RESOURCE, **options)
    assert result.failed
    assert "path" in result.msg
    assert "resources" in result.msg
