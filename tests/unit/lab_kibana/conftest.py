# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fake Elasticsearch, a temporary CA, and a stand-in that runs in this process."""

from __future__ import annotations

import base64
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import ssl

sys.path.insert(0, str(Path(__file__).parents[3] / "lab" / "images" / "kibana"))

from kibana_stand_in import settings as configuration
from kibana_stand_in.elasticsearch import Elasticsearch
from kibana_stand_in.health import Health
from kibana_stand_in.server import Server

if TYPE_CHECKING:
    import ssl

TOKEN = "AAEAAWVsYXN0aWMva2liYW5hL2xhYjpub3QtYS1yZWFsLW9uZQ"
LOGIN = "Basic " + base64.b64encode(b"ann:correct").decode()


class FakeElasticsearch:
    """Accepts one service token and one user; answers only the calls of the stand-in."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.versions = ["9.2.4"]
        self.hits: list[dict] = []
        self.search_error: str | None = None
        self.requests: list[tuple[str, str, dict]] = []
        self.overloaded = False
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_args: object) -> None:
                pass

            def do_GET(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(size)) if size else {}
                given = self.headers.get("Authorization", "")
                path = self.path.split("?")[0]
                fake.requests.append((given, self.path, body))
                code, answer = fake.answer(given, path)
                raw = json.dumps(answer).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_POST = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        # Some tests expect a client that does not trust the server and closes the connection.
        self.server.handle_error = lambda *_args: None
        if context:
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, given: str, path: str) -> tuple[int, dict]:
        if self.overloaded:
            return 503, {"error": "no"}
        if given not in (f"Bearer {TOKEN}", LOGIN):
            return 401, {"error": {"reason": "unable to authenticate"}}
        if path == "/_security/_authenticate":
            return 200, {"username": "ann"}
        if path == "/_nodes":
            return 200, {"nodes": {str(i): {"version": v} for i, v in enumerate(self.versions)}}
        if path == "/_cluster/health":
            return 200, {"cluster_name": "lab", "status": "green", "number_of_nodes": 5}
        if path.endswith("/_search"):
            if self.search_error:
                return 400, {"error": {"root_cause": [{"reason": self.search_error}]}}
            hits = [{"_source": source} for source in self.hits]
            return 200, {"hits": {"total": {"value": len(hits)}, "hits": hits}}
        return 404, {}

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def elasticsearch():
    fake = FakeElasticsearch()
    yield fake
    fake.close()


@pytest.fixture
def stand_in():
    """A function that starts a stand-in with the given settings."""
    running = []

    def start(**flat):
        values = {"server.host": "127.0.0.1", "server.port": 0, "server.name": "kibana-1"}
        values |= {name.replace("__", "."): value for name, value in flat.items()}
        settings = configuration.check(values)
        client = Elasticsearch(settings)
        status = Health(settings, client, "9.2.4")
        server = Server(settings, client, status, "no-uuid", "9.2.4")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append(server)
        return SimpleNamespace(server=server, status=status, client=client, port=server.server_port)

    yield start
    for server in running:
        server.shutdown()
        server.server_close()
