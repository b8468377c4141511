# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs syslog, tcp, udp and http."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import codecs
from .errors import ConfigurationError
from .event import Event
from .filters import DateFilter
from .grok import Grok
from .log import Logger
from .queues import QueueClosedError
from .tls import restrict

Push = Callable[[list[dict[str, Any]]], None]

# Bytes to read from a socket before their lines go to the queue together.
_READ = 65536


class Lines:
    """Cuts what one connection sends into lines."""

    def __init__(self, owner: Input, peer: Any) -> None:
        self._owner = owner
        self._peer = peer
        self._rest = b""

    def feed(self, data: bytes) -> None:
        lines = (self._rest + data).split(self._owner.line_end)
        self._rest = lines.pop()
        if lines:
            self._owner.lines(lines, self._peer)

    def end(self) -> None:
        """The sender closes the connection: some inputs drop a last line without a line end."""
        if self._rest and self._owner.takes_last_line:
            self._owner.lines([self._rest], self._peer)


class Input:
    """Base of all inputs: opens its ports in ``start`` and closes them in ``stop``."""

    line_end = b"\n"
    takes_last_line = False
    # Seconds until a burst of datagrams is read.
    wake = 0.0

    def __init__(self, name: str, options: dict[str, Any], pipeline: str) -> None:
        self.name = name
        self.options = options
        self.log = Logger(f"logstash.inputs.{name}", pipeline)
        self.out = 0
        self.stopping = threading.Event()
        self.connections = 0
        self._push: Push = lambda _events: None
        self._servers: set[socket.socket] = set()
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()

    def start(self, push: Push) -> None:
        raise NotImplementedError

    def attach(self, push: Push) -> None:
        """Say where the events go."""
        self._push = push

    def emit(self, events: list[dict[str, Any]]) -> None:
        options = self.options
        if options.get("add_field") or options.get("tags") or options.get("type"):
            for data in events:
                self._decorate(Event(data))
        try:
            self._push(events)
        except QueueClosedError:
            for data in events:
                self.log.error(
                    "Error decoding data", data=str(data.get("message")), exception="queue closed"
                )
            raise
        self.out += len(events)

    def _decorate(self, event: Event) -> None:
        for name, value in (self.options.get("add_field") or {}).items():
            event.set(event.sprintf(name), event.sprintf(str(value)))
        for tag in self.options.get("tags") or []:
            event.add_tag(tag)
        if self.options.get("type"):
            event.data.setdefault("type", self.options["type"])

    def spawn(self, target: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=target, args=arguments, daemon=True).start()

    def register(self, one: socket.socket) -> socket.socket:
        with self._lock:
            self._sockets.add(one)
        return one

    def release(self, one: socket.socket) -> None:
        with self._lock:
            self._sockets.discard(one)
        one.close()

    def stop(self) -> None:
        """Close the ports and read no more. Connections stay open, as in Logstash."""
        self.stopping.set()
        with self._lock:
            self._close(self._servers)

    def close(self) -> None:
        """Close the connections; what lies unread in them is lost, as in Logstash."""
        with self._lock:
            self._close(self._sockets)

    @staticmethod
    def _close(sockets: set[socket.socket]) -> None:
        while sockets:
            one = sockets.pop()
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    # -- listening

    def bind(self, kind: int) -> socket.socket:
        host, port = self.options["host"], int(self.options["port"])
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        one = socket.socket(family, kind)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((host, port))
        with self._lock:
            self._servers.add(one)
        return one

    def listen_tcp(self, tls: ssl.SSLContext | None = None) -> None:
        server = self.bind(socket.SOCK_STREAM)
        server.listen(1024)
        self.log.info(
            f"Starting {self.name} tcp listener",
            address=f"{self.options['host']}:{self.options['port']}",
        )
        self.spawn(self._accept, server, tls)

    def _accept(self, server: socket.socket, tls: ssl.SSLContext | None) -> None:
        while not self.stopping.is_set():
            try:
                client, peer = server.accept()
            except OSError:
                return
            self.connections += 1
            self.spawn(self._serve, client, peer, tls)

    def _serve(self, client: socket.socket, peer: Any, tls: ssl.SSLContext | None) -> None:
        self.register(client)
        try:
            if tls:
                wrapped = tls.wrap_socket(client, server_side=True)
                self.release(client)
                client = self.register(wrapped)
            lines = Lines(self, peer)
            while not self.stopping.is_set():
                data = client.recv(_READ)
                if self.stopping.is_set():
                    return
                if not data:
                    lines.end()
                    return
                lines.feed(data)
        except (OSError, QueueClosedError):
            return
        finally:
            if not self.stopping.is_set():
                self.release(client)

    def lines(self, lines: list[bytes], peer: Any) -> None:
        raise NotImplementedError

    def listen_udp(self, receive_buffer: int | None = None) -> None:
        server = self.bind(socket.SOCK_DGRAM)
        if receive_buffer:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.log.info(
            f"Starting {self.name} udp listener",
            address=f"{self.options['host']}:{self.options['port']}",
        )
        self.spawn(self._receive, server)

    def _receive(self, server: socket.socket) -> None:
        try:
            while not self.stopping.is_set():
                received = [server.recvfrom(65507)]
                time.sleep(self.wake)
                # Read all waiting datagrams, so that a burst enters the queue in one call.
                while len(received) < 500:
                    try:
                        received.append(server.recvfrom(65507, socket.MSG_DONTWAIT))
                    except BlockingIOError:
                        break
                if self.stopping.is_set():
                    return
                self.datagrams(received)
        except (OSError, QueueClosedError):
            return

    def datagrams(self, datagrams: list[tuple[bytes, Any]]) -> None:
        raise NotImplementedError


class SyslogInput(Input):
    """TCP and UDP on one port, with Logstash's parsing of RFC 3164."""

    FAILURE = "_grokparsefailure_sysloginput"

    def __init__(self, name: str, options: dict[str, Any], pipeline: str) -> None:
        super().__init__(name, options, pipeline)
        self._grok = Grok(
            options.get("grok_pattern") or "<%{POSINT:[log][syslog][priority]:int}>%{SYSLOGLINE}",
            {},
        )
        self._field = options["syslog_field"]
        self._date = DateFilter(
            {
                "match": [
                    "timestamp",
                    "MMM dd HH:mm:ss",
                    "MMM  d HH:mm:ss",
                    "MMM d HH:mm:ss",
                    "ISO8601",
                ],
                "target": "@timestamp",
                "timezone": options.get("timezone"),
                "tag_on_failure": ["_dateparsefailure"],
            }
        )
        if options.get("proxy_protocol"):
            raise ConfigurationError("The stand-in does not speak the proxy protocol")

    def start(self, push: Push) -> None:
        self.attach(push)
        self.listen_tcp()
        self.listen_udp()

    def lines(self, lines: list[bytes], peer: Any) -> None:
        self._emit_parsed([(line + b"\n", peer) for line in lines])

    def datagrams(self, datagrams: list[tuple[bytes, Any]]) -> None:
        self._emit_parsed(datagrams)

    def _emit_parsed(self, received: list[tuple[bytes, Any]]) -> None:
        events = []
        for data, peer in received:
            try:
                events.append(self.parse(data, peer[0]))
            except OverflowError as error:
                # As in Logstash, a line that cannot be parsed is lost.
                self.log.error("Error decoding data", data=repr(data[:200]), exception=str(error))
        if events:
            self.emit(events)

    def parse(self, data: bytes, sender: str) -> dict[str, Any]:
        """The event for one line; the line end stays in ``message`` and ``event.original``."""
        text = codecs.decode_text(data)
        event = Event(
            {
                "message": text,
                "event": {"original": text},
                "host": {"ip": sender},
                "service": {"type": self.options["service_type"]},
            }
        )
        captures = self._grok.match(text)
        if captures is None:
            event.add_tag(self.FAILURE)
            self._priority(event, 13)
            return event.data
        for field, value in captures:
            if value == "":
                continue
            if field == self._field or not event.include(field):
                event.set(field, value)
        self._priority(event, int(event.get("[log][syslog][priority]") or 0))
        self._date.apply(event)
        event.remove("timestamp")
        return event.data

    def _priority(self, event: Event, priority: int) -> None:
        facility, severity = priority >> 3, priority & 7
        if facility >= 1 << 63:
            raise OverflowError("bignum too big to convert into `long'")
        syslog = event.data.setdefault("log", {}).setdefault("syslog", {})
        syslog["priority"] = priority
        syslog["facility"] = {"code": facility}
        syslog["severity"] = {"code": severity}
        if self.options["use_labels"]:
            if facility < len(self.options["facility_labels"]):
                syslog["facility"]["name"] = self.options["facility_labels"][facility]
            if severity < len(self.options["severity_labels"]):
                syslog["severity"]["name"] = self.options["severity_labels"][severity]


def _server_tls(options: dict[str, Any]) -> ssl.SSLContext | None:
    if not options.get("ssl_enabled"):
        return None
    if not options.get("ssl_certificate") or not options.get("ssl_key"):
        raise ConfigurationError("ssl_enabled needs ssl_certificate and ssl_key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options["ssl_certificate"], options["ssl_key"])
    for authority in options.get("ssl_certificate_authorities") or []:
        context.load_verify_locations(authority)
    if options.get("ssl_client_authentication") == "required":
        context.verify_mode = ssl.CERT_REQUIRED
    restrict(context, options)
    return context


class TcpInput(Input):
    takes_last_line = True

    def __init__(self, name: str, options: dict[str, Any], pipeline: str) -> None:
        super().__init__(name, options, pipeline)
        if options.get("mode") == "client":
            raise ConfigurationError("The stand-in has tcp only as a server")
        self._tls = _server_tls(options)
        # As in Logstash: a stream has no other units than its lines.
        codec, codec_options = options["codec"]
        if codec == "plain":
            codec, codec_options = "line", {"delimiter": "\n", **codec_options}
        self._codec = (codec, codec_options)
        if codec == "line":
            self.line_end = codec_options["delimiter"].encode()

    def start(self, push: Push) -> None:
        self.attach(push)
        self.listen_tcp(self._tls)

    def lines(self, lines: list[bytes], peer: Any) -> None:
        events = []
        for line in lines:
            for data in codecs.decode(self._codec, line):
                event = Event(data)
                event.set("[@metadata][input][tcp][source][ip]", peer[0])
                event.set("[@metadata][input][tcp][source][port]", peer[1])
                events.append(event.data)
        self.emit(events)


class UdpInput(Input):
    def start(self, push: Push) -> None:
        self.attach(push)
        self.listen_udp(self.options.get("receive_buffer_bytes"))

    def datagrams(self, datagrams: list[tuple[bytes, Any]]) -> None:
        events = []
        for data, peer in datagrams:
            for fields in codecs.decode(self.options["codec"], data):
                event = Event(fields)
                event.set(self.options.get("source_ip_fieldname") or "[host][ip]", peer[0])
                events.append(event.data)
        self.emit(events)


class HttpInput(Input):
    def __init__(self, name: str, options: dict[str, Any], pipeline: str) -> None:
        super().__init__(name, options, pipeline)
        self._tls = _server_tls(options)
        self._server: ThreadingHTTPServer | None = None

    def start(self, push: Push) -> None:
        self.attach(push)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_arguments: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, text = outer.receive(self, body)
                self.send_response(status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PUT = do_POST

        self._server = ThreadingHTTPServer(
            (self.options["host"], int(self.options["port"])), Handler
        )
        self._server.daemon_threads = True
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self.spawn(self._server.serve_forever, 0.2)

    def receive(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        user, password = self.options.get("user"), self.options.get("password")
        if user:
            expected = base64.b64encode(f"{user}:{password}".encode()).decode()
            if request.headers.get("Authorization") != f"Basic {expected}":
                return 401, b""
        kind = (request.headers.get("Content-Type") or "").partition(";")[0]
        extra = self.options["additional_codecs"].get(kind)
        codec = (extra, {}) if isinstance(extra, str) else self.options["codec"]
        events = []
        for data in codecs.decode(codec, body):
            event = Event(data)
            event.set("[host][ip]", request.client_address[0])
            event.set("[http][method]", request.command)
            event.set("[url][path]", request.path)
            events.append(event.data)
        try:
            self.emit(events)
        except QueueClosedError:
            return 503, b""
        return int(self.options["response_code"]), b"ok"

    def stop(self) -> None:
        super().stop()
        self.close()
        if self._server:
            self._server.shutdown()
            self._server.server_close()


INPUTS: dict[str, type[Input]] = {
    "syslog": SyslogInput,
    "tcp": TcpInput,
    "udp": UdpInput,
    "http": HttpInput,
}
