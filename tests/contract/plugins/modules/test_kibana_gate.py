# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kibana_gate: the request goes to one address, and the name of the service is verified."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import Authority, make_authority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODULE = "kibana_gate"


class FakeKibana:
    """Returns one answer after the other, then the last one again and again."""

    def __init__(self, authority: Authority) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.hosts: list[str] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.hosts.append(self.headers["Host"])
                code, body = fake.answers.pop(0) if len(fake.answers) > 1 else fake.answers[0]
                text = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_words: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = authority.context().wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def level(name: str) -> dict[str, Any]:
    return {"version": {"number": "9.2.4"}, "status": {"overall": {"level": name}}}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("kibana"), ["kibana"])


@pytest.fixture
def kibana(certificates: Authority) -> Iterator[FakeKibana]:
    fake = FakeKibana(certificates)
    yield fake
    fake.close()


@pytest.fixture
def ask(
    kibana: FakeKibana, certificates: Authority, call: Callable[..., Any]
) -> Callable[..., Any]:
    def run(**options: Any) -> Any:
        arguments = {"addresses": ["127.0.0.1"], "port": kibana.port, "server_name": "kibana"}
        return call(MODULE, {**arguments, "ca_path": certificates.ca, "wait_timeout": 0, **options})

    return run


def test_the_name_of_the_service_is_verified_at_another_address(
    kibana: FakeKibana, ask: Callable[..., Any]
) -> None:
    kibana.answers = [(200, level("available"))]
    result = ask()
    assert (result["level"], result["version"], result.changed) == ("available", "9.2.4", False)
    assert kibana.hosts == [f"kibana:{kibana.port}"]


def test_it_waits_until_kibana_has_elasticsearch(
    kibana: FakeKibana, ask: Callable[..., Any]
) -> None:
    kibana.answers = [(503, level("critical")), (200, level("degraded")), (200, level("available"))]
    assert ask(wait_timeout=20)["level"] == "available"
    assert len(kibana.hosts) == 3


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((503, level("critical")), "its level is 'critical'"),
        ((404, {"statusCode": 404}), "answered with 404"),
        ((200, b"<html>"), "answered with 200, but not with its status"),
        ((200, {"status": "green"}), "its level is ''"),
    ],
)
def test_the_error_says_why_kibana_is_not_available(
    kibana: FakeKibana, ask: Callable[..., Any], answer: tuple[int, Any], words: str
) -> None:
    kibana.answers = [answer]
    result = ask()
    assert result.failed
    assert words in result["msg"]
    assert "docker service logs kibana" in result["msg"]


def test_another_name_and_another_authority_are_refused(
    kibana: FakeKibana, ask: Callable[..., Any], stranger: Authority
) -> None:
    kibana.answers = [(200, level("available"))]
    assert "is not valid for" in ask(server_name="127.0.0.1")["msg"]
    assert "was not signed by" in ask(ca_path=stranger.ca)["msg"]
    assert "there is no file /nowhere/ca.crt" in ask(ca_path="/nowhere/ca.crt")["msg"]
    assert kibana.hosts == []


def test_nothing_listens(ask: Callable[..., Any]) -> None:
    result = ask(port=1)
    assert result.failed
    assert "connection refused" in result["msg"]


def test_every_host_has_to_answer(kibana: FakeKibana, ask: Callable[..., Any]) -> None:
    """The routing mesh answers on all hosts, or is broken on those that do not."""
    kibana.answers = [(200, level("available"))]
    result = ask(addresses=["127.0.0.1", "127.0.0.2"])
    assert result.failed
    assert (
        f"asked from {socket.gethostname()}, at 127.0.0.2:{kibana.port}: connection" in result.msg
    )
    assert "127.0.0.1:" not in result.msg
    assert "modprobe ip_vs" in result.msg
    assert not ask(addresses=["127.0.0.1", "localhost"]).failed


def test_without_a_host_nothing_is_available(ask: Callable[..., Any]) -> None:
    assert "addresses is empty" in ask(addresses=[]).msg
