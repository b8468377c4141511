# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the stand-in importable and provides a fake Elasticsearch for it."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from repo import ROOT
from tests.harness import wait as harness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IMAGE = ROOT / "lab" / "images" / "logstash"
if str(IMAGE) not in sys.path:
    sys.path.insert(0, str(IMAGE))


class FakeElasticsearch:
    """Answers health checks and bulk requests; a test can change the responses at any time."""

    def __init__(self) -> None:
        self.documents: list[dict[str, Any]] = []
        self.actions: list[dict[str, Any]] = []
        self.requests: Counter[str] = Counter()
        self.root_status = 200
        self.license_status = 200
        self.bulk_status = 200
        self.item_status: Callable[[dict[str, Any]], int] = lambda _document: 201
        self.error: dict[str, Any] = {}
        self.ids: set[str] = set()
        # Documents are stored, and Logstash does not learn it.
        self.lose_answers = False
        self.tls: ssl.SSLContext | None = None
        self.server: ThreadingHTTPServer | None = None
        self.port = 0

    def start(self) -> FakeElasticsearch:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_arguments: Any) -> None:
                pass

            def answer(self, status: int, tree: Any) -> None:
                body = json.dumps(tree).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                fake.requests[self.path] += 1
                status = fake.license_status if self.path == "/_license" else fake.root_status
                self.answer(status, {"version": {"number": "9.2.4"}})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fake.requests[self.path] += 1
                if fake.bulk_status != 200:
                    self.answer(fake.bulk_status, {"error": "set by the test"})
                    return
                lines = [json.loads(line) for line in body.splitlines()]
                items = []
                for action, document in zip(lines[::2], lines[1::2], strict=True):
                    status = fake.item_status(document)
                    identifier = next(iter(action.values())).get("_id")
                    if identifier in fake.ids:
                        status = 409
                    if status < 300:
                        if identifier:
                            fake.ids.add(identifier)
                        fake.actions.append(action)
                        fake.documents.append(document)
                    items.append({next(iter(action)): {"status": status, "error": fake.error}})
                self.answer(
                    503 if fake.lose_answers else 200,
                    {
                        "items": items,
                        "errors": any(next(iter(one.values()))["status"] >= 300 for one in items),
                    },
                )

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_arguments: Any) -> None:
                """Print nothing: a client may disconnect or not trust the certificate."""

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        if self.tls:
            self.server.socket = self.tls.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"


@pytest.fixture
def elasticsearch() -> Iterator[FakeElasticsearch]:
    fake = FakeElasticsearch().start()
    yield fake
    fake.stop()


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until the condition is true and return its value."""
    return harness.wait_for(condition, seconds, "The condition of the test", pause=0.01)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Logstash:
    """The stand-in as a separate process with its home in a temporary directory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.config = home / "config"
        self.config.mkdir()
        self.port = free_port()
        self.api_port = free_port()
        self.process: subprocess.Popen[str] | None = None
        self.settings = {
            "allow_superuser": True,
            "api.http.port": self.api_port,
            "pipeline.workers": 2,
            "queue.type": "persisted",
            "queue.page_capacity": "64kb",
            "queue.max_bytes": "64mb",
        }
        # Logstash takes seconds for each of them.
        self.pace = {
            "STAND_IN_START_SECONDS": "0",
            "STAND_IN_QUEUE_STATS_SECONDS": "0.05",
            "STAND_IN_STALL_REPORT_SECONDS": "0.2",
            "STAND_IN_HANG_UP_SECONDS": "0.01",
        }
        self.output = ""

    def pipeline(self, text: str) -> None:
        self.write("syslog.conf", text)
        self.write(
            "pipelines.yml",
            json.dumps(
                [{"pipeline.id": "syslog", "path.config": str(self.config / "syslog.conf")}]
            ),
        )

    def to_elasticsearch(self, url: str, more: str = "") -> None:
        self.pipeline(f"""
            input {{ syslog {{ host => "127.0.0.1" port => {self.port} }} }}
            output {{
              elasticsearch {{
                hosts => ["{url}"]
                index => "logs"
                action => "create"
                manage_template => false
                retry_initial_interval => 0.05
                retry_max_interval => 0.1
                resurrect_delay => 0.1
                {more}
              }}
            }}
            """)

    def write(self, name: str, text: str) -> None:
        (self.config / name).write_text(text)

    def command(self, *arguments: str) -> list[str]:
        self.write("logstash.yml", json.dumps(self.settings))
        return [sys.executable, "-m", "logstash_stand_in", *arguments]

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(IMAGE),
            "LOGSTASH_STAND_IN_HOME": str(self.home),
            # Otherwise each start compiles the stand-in, and its folder is part of an image.
            "PYTHONPYCACHEPREFIX": str(ROOT / ".cache" / "stand_in"),
            **self.pace,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )

    def start(self, ready: bool = True) -> Logstash:
        with (self.home / "log").open("a") as log:
            self.process = subprocess.Popen(
                self.command(),
                env=self.environment(),
                text=True,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if ready:
            wait_for(self.running)
        return self

    def running(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        try:
            health = self.get("/_health_report")
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            return False
        pipeline = health["indicators"]["pipelines"]["indicators"]["syslog"]
        return bool(pipeline["details"]["status"]["state"] == "RUNNING")

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.api_port}{path}", timeout=30
        ) as answer:
            return json.load(answer)

    def stats(self) -> Any:
        return self.get("/_node/stats/pipelines/syslog")["pipelines"]["syslog"]

    def send(self, *lines: str) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as client:
            client.sendall("".join(f"{line}\n" for line in lines).encode())
            client.shutdown(socket.SHUT_WR)
            client.recv(1)

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(15)

    def log(self) -> str:
        return (self.home / "log").read_text()


@pytest.fixture
def logstash(tmp_path: Path) -> Iterator[Logstash]:
    one = Logstash(tmp_path)
    yield one
    if one.process and one.process.poll() is None:
        one.process.kill()
        one.process.wait()
