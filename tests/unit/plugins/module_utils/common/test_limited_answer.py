# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endless and normal responses, read by both clients."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.common.limited_answer import (
    UnboundedAnswer,
    read_body,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker import client as engine
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch import (
    client as elasticsearch_client,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    Client,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD = b"HTTP/1.1 200 OK\r\nApi-Version: 1.44\r\nContent-Type: application/json\r\n"


def plain(body: bytes, announced: int | None = None) -> list[bytes]:
    length = len(body) if announced is None else announced
    return [HEAD + b"Content-Length: %d\r\n\r\n" % length + body]


def chunked(*bodies: bytes) -> list[bytes]:
    pieces = [b"%x\r\n%s\r\n" % (len(body), body) for body in bodies]
    return [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *pieces, b"0\r\n\r\n"]


class Server:
    """Sends the same pieces for each request; if endless, repeats the last piece."""

    def __init__(self, pieces: list[bytes], *, endless: bool = False, pause: float = 0.0) -> None:
        self.pieces, self.endless, self.pause = pieces, endless, pause
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as lines:
            try:
                while lines.readline():
                    while lines.readline().strip():
                        pass
                    for piece in self.pieces:
                        client.sendall(piece)
                    while self.endless:
                        time.sleep(self.pause)
                        client.sendall(self.pieces[-1])
            except OSError:
                pass

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(pieces: list[bytes], **how: object) -> Server:
        servers.append(Server(pieces, **how))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def read(server: Server, limit: int = 1000, seconds: float = 5.0, times: int = 1) -> list[bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=2)
    found = []
    try:
        for _time in range(times):
            connection.request("GET", "/")
            found.append(read_body(connection.getresponse(), limit, seconds))
    finally:
        connection.close()
    return found


@pytest.mark.parametrize(
    "pieces", [plain(b"x" * 1000), plain(b""), chunked(b"x" * 400, b"y" * 600), chunked()]
)
def test_a_complete_response_keeps_the_connection_usable(
    serve: Callable[..., Server], pieces: list[bytes]
) -> None:
    server = serve(pieces)
    bodies = read(server, times=3)
    assert len(set(bodies)) == 1
    assert len(bodies[0]) in (0, 1000)
    assert server.connections == 1


def test_the_error_for_an_incomplete_response_has_its_length(serve: Callable[..., Server]) -> None:
    server = serve(plain(b"x" * 10, announced=500))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=2)
    connection.request("GET", "/", headers={"Connection": "close"})
    response = connection.getresponse()
    connection.sock.shutdown(socket.SHUT_WR) if connection.sock else None
    with pytest.raises(http.client.IncompleteRead) as broken:
        read_body(response, 1000, 5.0)
    assert (len(broken.value.partial), broken.value.expected) == (10, 490)
    connection.close()


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        (plain(b"", announced=1001), "announces 1001 bytes"),
        (plain(b"x" * 1001), "announces 1001 bytes"),
        (chunked(b"x" * 500, b"x" * 501), "after 1000 bytes"),
        ([HEAD + b"Connection: close\r\n\r\n", b"x" * 1001], "after 1000 bytes"),
    ],
)
def test_a_response_that_is_too_long_is_refused(
    serve: Callable[..., Server], pieces: list[bytes], words: str
) -> None:
    with pytest.raises(UnboundedAnswer, match=words):
        read(serve(pieces))


def test_a_response_that_is_too_slow_is_refused(serve: Callable[..., Server]) -> None:
    pieces = [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"]
    begun = time.monotonic()
    with pytest.raises(UnboundedAnswer, match=r"after 0\.5 s"):
        read(serve(pieces, endless=True, pause=0.05), seconds=0.5)
    assert time.monotonic() - begun < 5


ENDLESS = [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n"]


@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_an_endless_response_of_elasticsearch(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    monkeypatch.setattr(elasticsearch_client, "LONGEST_ANSWER", 10**6)
    # Without a pause, the size limit must come first, even on a busy machine.
    monkeypatch.setattr(elasticsearch_client, "PATIENCE", 0.05 if pause else 10)
    server = serve(ENDLESS, endless=True, pause=pause)
    client = Client([f"http://127.0.0.1:{server.port}"], rounds=1, timeout=20)
    with pytest.raises(Unreachable) as error:
        client.get("/_cat/shards")
    text = str(error.value)
    assert "answer to GET /_cat/shards does not end" in text
    assert "1000000 bytes" in text if not pause else "after 1 s" in text
    assert f"curl --cacert <ca.crt> http://127.0.0.1:{server.port}/" in text
    assert error.value.listens


@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_an_endless_response_of_an_engine(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    monkeypatch.setattr(engine, "LONGEST_ANSWER", 10**6)
    monkeypatch.setattr(engine, "PATIENCE", 0.05 if pause else 10)
    server = serve(ENDLESS, endless=True, pause=pause)
    address = f"tcp://127.0.0.1:{server.port}"
    with pytest.raises(EngineError, match="has no end in sight") as error:
        Engine(Connection(docker_host=address, api_version="1.44", timeout=20)).services()
    assert f"docker --host {address} info" in str(error.value)
