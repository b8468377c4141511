"""The platform as its users meet it, from outside and over verified TLS."""

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


def test_logstash_can_add_documents_and_nothing_else(platform: Any, client: Any) -> None:
    shipper = client.options(basic_auth=("logstash_writer", platform.secret("logstash_password")))
    rights = shipper.security.has_privileges(
        cluster=["monitor", "manage_security"],
        index=[
            {"names": ["syslog-msg"], "privileges": ["create_doc", "read", "delete", "manage"]},
            {"names": ["other"], "privileges": ["create_doc"]},
        ],
    )
    assert rights["cluster"] == {"monitor": True, "manage_security": False}
    assert rights["index"]["syslog-msg"] == {
        "create_doc": True,
        "read": False,
        "delete": False,
        "manage": False,
    }
    assert rights["index"]["other"] == {"create_doc": False}


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
    # No count before: what one copy of a shard shows already, the next one need not.
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
