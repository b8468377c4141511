# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from kibana_stand_in.elasticsearch import Elasticsearch, incompatible
from kibana_stand_in.settings import ConfigError, check

from tests.certificates import issue

from .conftest import LOGIN, TOKEN, FakeElasticsearch

PACKAGE = Path(__file__).parents[3] / "lab" / "images" / "kibana"


def get(port, path, login=None, context=None, method="GET"):
    if context:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, headers={"Authorization": login} if login else {})
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


@pytest.fixture
def running(elasticsearch, stand_in):
    kibana = stand_in(
        elasticsearch__hosts=[elasticsearch.url], elasticsearch__serviceAccountToken=TOKEN
    )
    kibana.status.check()
    return kibana


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_status_without_a_login_has_only_the_level(running):
    code, headers, body = get(running.port, "/api/status")
    assert code == 200
    assert headers["kbn-name"] == "kibana-1"
    assert json.loads(body) == {"status": {"overall": {"level": "available"}}}


def test_status_after_a_login_has_kibanas_format(running):
    code, _, body = get(running.port, "/api/status", LOGIN)
    status = json.loads(body)
    assert code == 200
    assert status["name"] == "kibana-1"
    assert status["version"]["number"] == "9.2.4"
    assert status["version"]["build_flavor"] == "stand-in"
    assert status["status"]["overall"]["level"] == "available"
    assert status["status"]["core"]["elasticsearch"]["level"] == "available"
    assert "stand-in" in status["status"]["overall"]["summary"]


def test_status_with_a_wrong_password_has_only_the_level(running):
    _, _, body = get(running.port, "/api/status", "Basic YW5uOndyb25n")
    assert set(json.loads(body)) == {"status"}


def test_503_while_elasticsearch_does_not_answer(elasticsearch, stand_in):
    kibana = stand_in(
        elasticsearch__hosts=[elasticsearch.url], elasticsearch__serviceAccountToken=TOKEN
    )
    assert get(kibana.port, "/api/status")[0] == 503
    assert get(kibana.port, "/", LOGIN)[0] == 503
    elasticsearch.overloaded = True
    kibana.status.check()
    assert get(kibana.port, "/api/status")[0] == 503
    elasticsearch.overloaded = False
    kibana.status.check()
    assert get(kibana.port, "/api/status")[0] == 200
    elasticsearch.overloaded = True
    kibana.status.check()
    code, _, body = get(kibana.port, "/api/status", LOGIN)
    assert (code, json.loads(body)["status"]["overall"]["level"]) == (503, "critical")


def test_a_wrong_token_gives_503(elasticsearch, stand_in):
    kibana = stand_in(
        elasticsearch__hosts=[elasticsearch.url], elasticsearch__serviceAccountToken="wrong"
    )
    kibana.status.check()
    assert get(kibana.port, "/api/status")[0] == 503
    assert "credentials" in kibana.status.level.summary


def test_an_older_elasticsearch_is_refused(elasticsearch, running):
    elasticsearch.versions = ["9.2.4", "9.1.0"]
    running.status.check()
    assert not running.status.level.up
    assert "9.1.0" in running.status.level.summary


def test_incompatible_versions():
    assert incompatible("9.2.4", ["9.2.4", "9.2.0", "9.3.1"]) == []
    assert incompatible("9.2.4", ["9.1.9", "8.19.0", "10.0.0"]) == ["10.0.0", "8.19.0", "9.1.9"]


def test_failover_to_another_node_which_is_used_again(elasticsearch):
    dead = f"http://127.0.0.1:{free_port()}"
    overloaded = FakeElasticsearch()
    overloaded.overloaded = True
    try:
        client = Elasticsearch(
            check({"elasticsearch.hosts": [dead, overloaded.url, elasticsearch.url]})
        )
        for _ in range(2):
            assert client.request("GET", "/_nodes", f"Bearer {TOKEN}").status == 200
        assert len(overloaded.requests) == 1
    finally:
        overloaded.close()


@pytest.mark.parametrize("path", ["/", "/app/home"])
def test_page_asks_for_a_login(running, path):
    code, headers, body = get(running.port, path)
    assert code == 401
    assert headers["WWW-Authenticate"].startswith("Basic ")
    assert "stand-in for Kibana" in body


def test_page_shows_health_and_escapes_lines(elasticsearch, running):
    elasticsearch.hits = [
        {"@timestamp": "2026-01-01T00:00:00Z", "host": {"name": "w1"}, "message": "<script>x"}
    ]
    code, headers, body = get(running.port, "/app/home?q=%22%3E%3Cb%3E+AND+x&index=logs-*", LOGIN)
    assert code == 200
    assert "stand-in for Kibana" in body
    assert "green" in body
    assert "&lt;script&gt;x" in body
    assert "<script>" not in body
    assert '"><b>' not in body
    assert "script" not in headers["Content-Security-Policy"]
    given, path, search = elasticsearch.requests[-1]
    assert given == LOGIN
    assert path.startswith("/logs-*/_search")
    assert search["query"]["query_string"]["query"] == '"><b> AND x'
    assert search["size"] == 50


def test_page_does_not_send_invalid_index_names(elasticsearch, running):
    get(running.port, "/?index=..%2F_security%2Fuser", LOGIN)
    assert elasticsearch.requests[-1][1].startswith("/syslog-msg*/_search")


def test_page_shows_why_a_search_failed(elasticsearch, running):
    elasticsearch.search_error = "Failed to parse query [<]"
    code, _, body = get(running.port, "/?q=%3C", LOGIN)
    assert code == 200
    assert "Failed to parse query [&lt;]" in body


def test_other_paths_are_404(running):
    code, _, body = get(running.port, "/api/spaces")
    assert (code, json.loads(body)["statusCode"]) == (404, 404)


def test_head_has_no_body(running):
    code, headers, body = get(running.port, "/api/status", method="HEAD")
    assert (code, body) == (200, "")
    assert int(headers["Content-Length"]) > 0


def test_base_path(elasticsearch, stand_in):
    kibana = stand_in(
        elasticsearch__hosts=[elasticsearch.url],
        elasticsearch__serviceAccountToken=TOKEN,
        server__basePath="/logs",
        server__rewriteBasePath=True,
    )
    kibana.status.check()
    assert get(kibana.port, "/logs/api/status")[0] == 200
    assert get(kibana.port, "/api/status")[0] == 404
    assert get(kibana.port, "/logsx/api/status")[0] == 404


def test_tls_in_both_directions_with_the_right_ca_only(tmp_path, stand_in):
    authority = issue("authority")
    ca, _key = authority.write(tmp_path, "authority")
    other, _key = issue("other").write(tmp_path, "other")
    good = issue("good", ["127.0.0.1"], authority=authority).write(tmp_path, "good")
    elsewhere = issue("elsewhere", ["127.0.0.2"], authority=authority).write(tmp_path, "elsewhere")
    tls = {
        "server__ssl__enabled": True,
        "server__ssl__certificate": str(good[0]),
        "server__ssl__key": str(good[1]),
        "elasticsearch__serviceAccountToken": TOKEN,
    }
    levels = []
    for node, trusted in ((good, ca), (good, other), (elsewhere, ca)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*node)
        fake = FakeElasticsearch(context)
        kibana = stand_in(
            **tls,
            elasticsearch__hosts=[fake.url],
            elasticsearch__ssl__certificateAuthorities=[str(trusted)],
        )
        kibana.status.check()
        levels.append(kibana.status.level.name)
        fake.close()
        assert bool(fake.requests) == kibana.status.level.up
    assert levels == ["available", "unavailable", "unavailable"]
    assert "certificate" in kibana.status.level.summary
    client = ssl.create_default_context(cafile=str(ca))
    assert get(kibana.port, "/api/status", context=client)[0] == 503


@pytest.mark.parametrize(
    ("ciphers", "newest", "answered"),
    [
        ("ECDHE-ECDSA-AES128-SHA256", "TLSv1_2", False),
        ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1_2", True),
        ("ECDHE-ECDSA-AES128-SHA256", "TLSv1_3", True),
    ],
)
def test_only_the_suites_of_the_setting_are_accepted(tmp_path, stand_in, ciphers, newest, answered):
    certificate, key = issue("kibana", ["127.0.0.1"]).write(tmp_path, "kibana")
    kibana = stand_in(
        server__ssl__enabled=True,
        server__ssl__certificate=str(certificate),
        server__ssl__key=str(key),
        server__ssl__cipherSuites=["TLS_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"],
    )
    client = ssl.create_default_context(cafile=str(certificate))
    client.set_ciphers(ciphers)
    client.maximum_version = ssl.TLSVersion[newest]
    if answered:
        assert get(kibana.port, "/api/status", context=client)[0] == 503
    else:
        with pytest.raises(ssl.SSLError, match=r"(?i)handshake[ _]failure"):
            get(kibana.port, "/api/status", context=client)


def test_only_the_protocols_of_the_setting_are_accepted(tmp_path, stand_in):
    certificate, key = issue("kibana", ["127.0.0.1"]).write(tmp_path, "kibana")
    settings = {
        "server__ssl__enabled": True,
        "server__ssl__certificate": str(certificate),
        "server__ssl__key": str(key),
        "server__ssl__supportedProtocols": ["TLSv1.3"],
    }
    kibana = stand_in(**settings)
    client = ssl.create_default_context(cafile=str(certificate))
    assert get(kibana.port, "/api/status", context=client)[0] == 503
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol[ _]version"):
        get(kibana.port, "/api/status", context=client)
    with pytest.raises(ConfigError, match="cipherSuites"):
        stand_in(**settings, server__ssl__cipherSuites=["NO-SUCH-SUITE"])
    with pytest.raises(ConfigError, match="supportedProtocols"):
        stand_in(**{**settings, "server__ssl__supportedProtocols": []})


def test_a_silent_client_does_not_block_the_others(tmp_path, stand_in):
    certificate, key = issue("kibana", ["127.0.0.1"]).write(tmp_path, "kibana")
    kibana = stand_in(
        server__ssl__enabled=True,
        server__ssl__certificate=str(certificate),
        server__ssl__key=str(key),
    )
    client = ssl.create_default_context(cafile=str(certificate))
    with socket.create_connection(("127.0.0.1", kibana.port)):
        assert get(kibana.port, "/api/status", context=client)[0] == 503


def start(tmp_path, text):
    home = tmp_path / "kibana"
    (home / "config").mkdir(parents=True)
    (home / "data").mkdir()
    (home / "package.json").write_text('{"version": "9.2.4"}')
    (home / "config" / "kibana.yml").write_text(text)
    return subprocess.Popen(
        [sys.executable, "-m", "kibana_stand_in"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE), "KBN_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_process_waits_for_elasticsearch_and_ends_on_sigterm(tmp_path):
    port = free_port()
    process = start(
        tmp_path,
        f"server.port: {port}\nserver.host: 127.0.0.1\n"
        f"elasticsearch.hosts: ['http://127.0.0.1:{free_port()}']\n",
    )
    with process:
        first = process.stdout.readline()
        assert "stand-in for Kibana" in first
        assert get(port, "/api/status")[0] == 503
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(5) == 0
    assert "stopped" in rest


@pytest.mark.parametrize(("text", "code"), [("server.prot: 1\n", 64), ("server.port: x\n", 78)])
def test_process_exits_with_kibanas_codes(tmp_path, text, code):
    with start(tmp_path, text) as process:
        output = process.stdout.read()
        assert process.wait(5) == code
    assert text.split(":")[0] in output
