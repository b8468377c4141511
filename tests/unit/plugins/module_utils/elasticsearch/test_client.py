# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Urls, logins, and the messages for errors."""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    Address,
    Client,
    ConfigurationError,
    Login,
    Reply,
    Unsupported,
    explain,
    is_missing_handler,
    parse_url,
    path_of,
    reason_of,
    refusal,
    took_connection,
)

NODE = Address("https://192.0.2.1:9200", True, "192.0.2.1", 9200, "")


def reply(status: int, body: Any = None, text: str = "") -> Reply:
    return Reply(status, body, "https://192.0.2.1:9200", "GET", "/x", text)


def certificate_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "verify failed")
    error.verify_code, error.verify_message = code, "message of OpenSSL"
    return error


@pytest.mark.parametrize(
    ("url", "host", "port", "prefix", "tls"),
    [
        ("https://192.0.2.1:9200", "192.0.2.1", 9200, "", True),
        ("https://[2001:db8::1]:9200/", "2001:db8::1", 9200, "", True),
        ("https://logs.example.org/es/", "logs.example.org", 443, "/es", True),
        ("http://127.0.0.1:9200", "127.0.0.1", 9200, "", False),
        ("http://[::1]:9200", "::1", 9200, "", False),
        ("http://localhost", "localhost", 80, "", False),
    ],
)
def test_urls(url: str, host: str, port: int, prefix: str, tls: bool) -> None:
    found = parse_url(url)
    assert (found.host, found.port, found.prefix, found.tls) == (host, port, prefix, tls)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("192.0.2.1:9200", "form"),
        ("ftp://192.0.2.1", "form"),
        ("https://", "form"),
        ("https://192.0.2.1:port", "not a url"),
        ("https://192.0.2.1:9200/?x=1", "no query"),
        ("http://192.0.2.1:9200", "unencrypted"),
        ("http://localhost.example.org:9200", "unencrypted"),
    ],
)
def test_refused_urls(url: str, word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        parse_url(url)


def test_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_url("https://elastic:secret@192.0.2.1:9200")
    assert "secret" not in str(caught.value)


def test_no_url_and_a_duplicate_url() -> None:
    with pytest.raises(ConfigurationError, match="empty"):
        Client([])
    assert Client(["http://127.0.0.1:1", "http://127.0.0.1:1"]).urls == ["http://127.0.0.1:1"]


def test_logins() -> None:
    assert Login("elastic", "pä:ss").header() == "Basic ZWxhc3RpYzpww6Q6c3M="
    assert Login(api_key="id:key").header() == Login(api_key="aWQ6a2V5").header()
    assert Login(token="t").header() == "Bearer t"
    assert Login().header() is None
    for login in (Login("elastic", "secret"), Login(api_key="secret"), Login(token="secret")):
        assert "secret" not in f"{login} {login!r}"


def test_verification_is_on() -> None:
    context = Client(["https://192.0.2.1:9200"])._tls
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize(
    ("error", "words", "listens"),
    [
        (ConnectionRefusedError(111, "refused"), "docker service ps", False),
        (socket.gaierror(-2, "unknown"), "cannot be resolved", False),
        (TimeoutError("late"), "firewall", False),
        (OSError(113, "No route to host"), "No route to host", False),
        (http.client.RemoteDisconnected(), "without an answer", True),
        (http.client.IncompleteRead(b"abc", 7), "after 3 of 10 bytes", True),
        (certificate_error(19), "Set ca_path to the ca.crt", True),
        (certificate_error(20), "not signed by ca_path /ca.crt", True),
        (certificate_error(62), "not valid for 192.0.2.1", True),
        (certificate_error(64), "not valid for 192.0.2.1", True),
        (certificate_error(62), "add this name to pki_host_names and run playbooks/site", True),
        (certificate_error(10), "has expired", True),
        (certificate_error(10), "run playbooks/site.yml, which renews certificates", True),
        (certificate_error(9), "is not valid yet", True),
        (certificate_error(23), "not accepted", True),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong"), "does not speak TLS", True),
    ],
)
def test_explanations(error: BaseException, words: str, listens: bool) -> None:
    assert words in explain(error, NODE, "/ca.crt")
    assert took_connection(error) is listens


def test_reasons() -> None:
    inner = {"type": "a", "reason": "b", "caused_by": {"reason": "c"}}
    assert reason_of(reply(400, {"error": inner})) == "a: b: c"
    assert reason_of(reply(405, {"error": "a plain text"})) == "a plain text"
    assert reason_of(reply(502, None, "<html>")) == "<html>"
    assert reason_of(reply(404)) == "no reason was given"


def test_missing_handlers() -> None:
    body = {"error": "no handler found for uri [/_slm] and method [GET]"}
    assert is_missing_handler(reply(400, body))
    assert is_missing_handler(reply(405, {"error": "Incorrect HTTP method"}))
    assert not is_missing_handler(reply(400, {"error": "parse error"}))
    assert not is_missing_handler(reply(404, body))
    error = refusal(reply(400, body), Login(), "some_variable")
    assert isinstance(error, Unsupported)
    assert "Set some_variable: false" in str(error)


def test_a_refusal_names_the_login() -> None:
    login = Login("writer", "secret")
    assert "login of user 'writer'" in str(refusal(reply(401), login))
    assert "user 'writer' lacks the privilege" in str(refusal(reply(403), login))


def test_names_in_paths() -> None:
    assert path_of("_security", "user", "a/b c") == "/_security/user/a%2Fb%20c"
