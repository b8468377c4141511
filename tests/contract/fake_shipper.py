# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fake log shipper: takes syslog over TCP and UDP and puts it into a fake cluster, or not."""

from __future__ import annotations

import re
import socketserver
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from tests.contract.fake_elasticsearch import FakeCluster

RFC3164 = re.compile(
    r"<\d+>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?P<host>\S+) (?P<app>\w+)\[\d+\]: (?P<text>.*)"
)
RFC5424 = re.compile(r"<\d+>1 \S+ (?P<host>\S+) (?P<app>\S+) \S+ \S+ - (?P<text>.*)")


class FakeShipper:
    """`lose` and `double` hold the numbers of the lines to lose and to write twice, from 0."""

    def __init__(self, cluster: FakeCluster, index: str = "syslog-msg") -> None:
        self.cluster = cluster
        self.index = index
        self.lose: set[int] = set()
        self.double: set[int] = set()
        self.understands: tuple[re.Pattern[str], ...] = (RFC3164, RFC5424)
        self.failure_tag = "_grokparsefailure_sysloginput"
        self.line_end = ""
        self.connections = 0
        self.seen = 0
        self._lock = threading.Lock()
        self._tcp = _Tcp(("127.0.0.1", 0), _TcpHandler)
        self._udp = _Udp(self._tcp.server_address, _UdpHandler)
        self._threads = []
        for server in (self._tcp, self._udp):
            server.shipper = self
            thread = threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
            )
            thread.start()
            self._threads.append(thread)

    @property
    def port(self) -> int:
        return int(self._tcp.server_address[1])

    def __enter__(self) -> FakeShipper:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in (self._tcp, self._udp):
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    def take(self, line: str) -> None:
        with self._lock:
            number = self.seen
            self.seen += 1
        if number in self.lose:
            return
        document: dict[str, Any] = {
            "message": line + self.line_end,
            "tags": [self.failure_tag],
        }
        for pattern in self.understands:
            match = pattern.fullmatch(line)
            if match:
                document = {
                    "message": match["text"] + self.line_end,
                    "host": {"hostname": match["host"]},
                    "process": {"name": match["app"]},
                }
        for _copy in range(2 if number in self.double else 1):
            self.cluster.add_document(self.index, dict(document))


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    shipper: FakeShipper


class _Udp(socketserver.UDPServer):
    max_packet_size = 65535
    shipper: FakeShipper


class _TcpHandler(socketserver.StreamRequestHandler):
    server: _Tcp

    def handle(self) -> None:
        self.server.shipper.connections += 1
        for line in self.rfile:
            self.server.shipper.take(line.decode().rstrip("\r\n"))


class _UdpHandler(socketserver.BaseRequestHandler):
    server: _Udp

    def handle(self) -> None:
        self.server.shipper.take(self.request[0].decode().rstrip("\r\n"))
