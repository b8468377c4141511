"""The platform as its users see it, from outside and over verified TLS."""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections import Counter
from typing import Any

import pytest
from elasticsearch import helpers

from server_name import kibana_context

LINES = 10_000


def test_one_green_cluster_with_every_host_in_it(platform: Any, client: Any) -> None:
    health = client.cluster.health(wait_for_status="green", timeout="60s")
    assert health["status"] == "green"
    assert health["number_of_nodes"] == len(platform.hosts)
    login = f"elastic:{platform.secret('elastic_password')}"
    uuids = {json.loads(platform.fetch(url, login)[1])["cluster_uuid"] for url in platform.urls}
    assert len(uuids) == 1, "one cluster, not two"


def test_nodes_publish_their_hosts_addresses(platform: Any, client: Any) -> None:
    nodes = client.nodes.info(metric="http")["nodes"].values()
    published = sorted(node["http"]["publish_address"] for node in nodes)
    assert published == sorted(f"{platform.address(host)}:9200" for host in platform.hosts)


def test_nobody_gets_in_without_a_password(platform: Any) -> None:
    for url in platform.urls:
        assert platform.fetch(f"{url}/_cluster/health")[0] == 401
        assert platform.fetch(f"{url}/_cluster/health", "elastic:changeme")[0] == 401


def test_nobody_gets_in_without_tls(platform: Any) -> None:
    with socket.create_connection((platform.address(platform.hosts[0]), 9200), timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert not plain.recv(100).startswith(b"HTTP/1.1 200")


# What an attacker with Logstash's login tries, also with the index name of the next rollover.
REFUSED = [
    ("PUT", "/syslog-msg-000002", {}),
    ("PUT", "/syslog-msg-x", {}),
    ("PUT", "/other", {}),
    ("DELETE", "/syslog-msg-000001", None),
    ("POST", "/syslog-msg/_rollover", None),
    ("POST", "/_aliases", {"actions": [{"add": {"index": "syslog-msg-000001", "alias": "other"}}]}),
    ("PUT", "/syslog-msg/_settings", {"index.number_of_replicas": 0}),
    ("POST", "/syslog-msg/_search", {"query": {"match_all": {}}}),
    ("GET", "/syslog-msg/_count", None),
    ("GET", "/syslog-msg/_doc/any", None),
    ("DELETE", "/syslog-msg/_doc/any", None),
    ("GET", "/syslog-msg/_mapping", None),
    ("GET", "/_cat/indices", None),
    ("GET", "/_cluster/health", None),
    ("GET", "/_cluster/state", None),
    ("GET", "/_nodes", None),
    ("GET", "/_tasks", None),
    ("GET", "/_security/user", None),
    ("GET", "/_security/role", None),
    ("PUT", "/_security/role/logstash_writer", {"cluster": ["all"]}),
    ("POST", "/_security/api_key", {"name": "other"}),
    ("PUT", "/_index_template/other", {"index_patterns": ["syslog-msg-*"], "priority": 900}),
    ("PUT", "/_cluster/settings", {"persistent": {"action.auto_create_index": "true"}}),
]
REFUSED_IN_BULK = [
    ("create", {"_index": "syslog-msg-000001"}),
    ("create", {"_index": "syslog-msg-000002"}),
    ("create", {"_index": "syslog-msg-x"}),
    ("create", {"_index": "other"}),
    ("index", {"_index": "syslog-msg", "_id": "any"}),
    ("delete", {"_index": "syslog-msg", "_id": "any"}),
]


@pytest.fixture
def shipper(platform: Any, client: Any) -> Any:
    """The client, logged in as Logstash."""
    return client.options(
        basic_auth=("logstash_writer", platform.secret("logstash_password")),
        ignore_status=(400, 403, 404),
    )


def status_of(client: Any, method: str, path: str, body: Any = None) -> int:
    headers = {"accept": "application/json"}
    if body is not None:
        headers["content-type"] = "application/json"
    return int(client.perform_request(method, path, headers=headers, body=body).meta.status)


def in_bulk(client: Any, action: str, where: dict[str, str], document: Any) -> Any:
    """The response to one bulk action, as which Logstash sends each line."""
    operations = [{action: where}, *([] if action == "delete" else [document])]
    return client.bulk(operations=operations)["items"][0][action]


def line(**fields: str) -> dict[str, str]:
    return {"@timestamp": "2026-01-01T00:00:00Z", "message": "of a test", **fields}


@pytest.mark.parametrize("path", ["/", "/_license"])
def test_logstash_sees_whether_it_may_send(shipper: Any, path: str) -> None:
    assert status_of(shipper, "GET", path) == 200


@pytest.mark.parametrize(("method", "path", "body"), REFUSED, ids=lambda value: str(value)[:40])
def test_logstash_can_do_nothing_else(
    shipper: Any, client: Any, method: str, path: str, body: Any
) -> None:
    before = set(client.indices.get(index="*"))
    assert status_of(shipper, method, path, body) == 403
    assert set(client.indices.get(index="*")) == before


@pytest.mark.parametrize(("action", "where"), REFUSED_IN_BULK)
def test_logstash_can_only_add_and_only_through_the_alias(
    shipper: Any, client: Any, action: str, where: dict[str, str]
) -> None:
    before = set(client.indices.get(index="*"))
    answer = in_bulk(shipper, action, where, line())
    assert answer["status"] == 403, answer
    assert set(client.indices.get(index="*")) == before


def test_logstash_still_writes_with_new_fields_and_after_a_rollover(
    shipper: Any, client: Any
) -> None:
    field = f"field_{uuid.uuid4().hex}"
    first = in_bulk(shipper, "create", {"_index": "syslog-msg"}, line(**{field: "a"}))
    assert first["status"] == 201, first
    mapping = client.indices.get_mapping(index=first["_index"])[first["_index"]]["mappings"]
    assert mapping["properties"][field]["type"] == "keyword"
    rolled = client.indices.rollover(alias="syslog-msg")
    try:
        assert rolled["old_index"] == first["_index"]
        second = in_bulk(shipper, "create", {"_index": "syslog-msg"}, line(**{field: "b"}))
        assert second["status"] == 201, second
        assert second["_index"] == rolled["new_index"]
    finally:
        client.indices.update_aliases(
            actions=[
                {"remove_index": {"index": rolled["new_index"]}},
                {"add": {"index": first["_index"], "alias": "syslog-msg", "is_write_index": True}},
            ]
        )
        client.delete(index=first["_index"], id=first["_id"])


def test_lines_wait_while_the_alias_is_missing_and_no_index_takes_its_name(
    shipper: Any, client: Any, serving: Any
) -> None:
    [index] = client.indices.get_alias(name="syslog-msg")
    alias = {"index": index, "alias": "syslog-msg", "is_write_index": True}
    run = uuid.uuid4().hex
    client.indices.update_aliases(
        actions=[{"remove": {"index": index, "alias": "syslog-msg", "must_exist": True}}]
    )
    try:
        answer = in_bulk(shipper, "create", {"_index": "syslog-msg"}, line())
        assert answer["status"] == 403, answer
        with socket.create_connection((serving("logshipper")[0], 514), timeout=30) as connection:
            connection.sendall(f"<13>Nov 21 10:00:00 sender waits[7]: {run}\n".encode())
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)
        # Longer than a batch waits, so Elasticsearch has refused the line by now.
        time.sleep(5)
        assert not client.indices.exists(index="syslog-msg")
    finally:
        if client.indices.exists(index="syslog-msg"):
            client.indices.delete(index="syslog-msg")
        client.indices.update_aliases(actions=[{"add": alias}])
    query = {"match_phrase": {"message": run}}
    deadline = time.monotonic() + 120
    hits: list[Any] = []
    while not hits and time.monotonic() < deadline:
        time.sleep(1)
        client.indices.refresh(index="syslog-msg")
        hits = client.search(index="syslog-msg", query=query)["hits"]["hits"]
    for hit in hits:
        client.delete(index=hit["_index"], id=hit["_id"])
    assert [hit["_source"]["message"] for hit in hits] == [run]


def test_ten_thousand_lines_over_tcp_are_found_each_once(client: Any, serving: Any) -> None:
    run = uuid.uuid4().hex
    lines = "".join(f"<13>Nov 21 10:00:00 sender load[7]: {run} number {n}\n" for n in range(LINES))
    with socket.create_connection((serving("logshipper")[0], 514), timeout=30) as connection:
        connection.sendall(lines.encode())
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
    query = {"query": {"match_phrase": {"message": run}}}
    deadline = time.monotonic() + 240
    hits: list[Any] = []
    # No count request first, because another copy of a shard can still show fewer lines.
    while len(hits) < LINES and time.monotonic() < deadline:
        time.sleep(1)
        client.indices.refresh(index="syslog-msg")
        hits = list(helpers.scan(client, index="syslog-msg", query=query, size=2000))
    found = Counter(hit["_source"]["message"] for hit in hits)
    helpers.bulk(
        client, ({"_op_type": "delete", "_index": h["_index"], "_id": h["_id"]} for h in hits)
    )
    assert found == Counter(f"{run} number {n}" for n in range(LINES))


@pytest.mark.parametrize("path", ["/api/status", "/"])
def test_kibana_answers_over_tls(platform: Any, serving: Any, path: str) -> None:
    url = f"https://{serving('kibana')[0]}:5601{path}"
    login = f"elastic:{platform.secret('elastic_password')}"
    status, body = platform.fetch(url, login, kibana_context(platform.ca))
    assert status == 200
    if path == "/api/status":
        assert json.loads(body)["status"]["overall"]["level"] == "available"
    else:
        assert "stand-in" in body
