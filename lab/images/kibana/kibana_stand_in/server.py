# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP server: TLS, a status for programs, a page for people."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from . import health, page
from .elasticsearch import Elasticsearch, UnreachableError
from .settings import ConfigError

if TYPE_CHECKING:
    from .settings import Settings

_LOG = logging.getLogger("http")
_IDLE_SECONDS = 60.0
_VERSIONS = {
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
_SCHEMES = ("basic ", "bearer ", "apikey ")


class Server(ThreadingHTTPServer):
    """A server that handles each client in its own thread.

    The TLS handshake is also in that thread: a client that connects and sends nothing must not
    block the others.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(
        self,
        settings: Settings,
        client: Elasticsearch,
        status: health.Health,
        uuid: str,
        version: str,
    ) -> None:
        self.settings = settings
        self.client = client
        self.status = status
        self.uuid = uuid
        self.version = version
        self._context = _tls(settings)
        self._busy = 0
        self._idle = threading.Condition()
        self.address_family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        super().__init__((settings.host, settings.port), Handler)

    def server_bind(self) -> None:
        # The parent class looks up the host name, which takes seconds if no name server answers.
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.settings.name, self.server_address[1]

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(_IDLE_SECONDS)
        if self._context is None:
            super().finish_request(request, client_address)
            return
        try:
            secured = self._context.wrap_socket(request, server_side=True)
        except (OSError, ValueError) as error:
            _LOG.debug("TLS handshake with %s failed: %s", client_address[0], error)
            return
        try:
            super().finish_request(secured, client_address)
        finally:
            secured.close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        _LOG.debug("connection of %s ended early", client_address[0], exc_info=True)

    def begin(self) -> None:
        with self._idle:
            self._busy += 1

    def end(self) -> None:
        with self._idle:
            self._busy -= 1
            self._idle.notify_all()

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until running requests end; False after ``seconds``."""
        with self._idle:
            return self._idle.wait_for(lambda: self._busy == 0, seconds)


class Handler(BaseHTTPRequestHandler):
    """Handles one client."""

    server: Server
    protocol_version = "HTTP/1.1"

    def version_string(self) -> str:
        return "stand-in for Kibana"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        # At debug level only: the path can contain a search text.
        _LOG.debug("%s %s", self.address_string(), format % args)

    def address_string(self) -> str:
        return str(self.client_address[0])

    def do_GET(self) -> None:
        self.server.begin()
        try:
            self._route()
        finally:
            self.server.end()

    do_HEAD = do_GET

    def _route(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path
        settings = self.server.settings
        if settings.rewrite_base_path:
            if not (path + "/").startswith(settings.base_path + "/"):
                self._json(HTTPStatus.NOT_FOUND, _error_body(HTTPStatus.NOT_FOUND))
                return
            path = path[len(settings.base_path) :] or "/"
        if path == "/api/status":
            self._status()
        elif path in ("/", "/app/home"):
            self._home(page.read_form(parse_qs(parts.query)))
        else:
            self._json(HTTPStatus.NOT_FOUND, _error_body(HTTPStatus.NOT_FOUND))

    def _status(self) -> None:
        server = self.server
        level = server.status.level
        code = HTTPStatus.OK if level.up else HTTPStatus.SERVICE_UNAVAILABLE
        allowed = server.settings.allow_anonymous
        if not allowed and level.up:
            try:
                allowed = self._user() is not None
            except UnreachableError:
                allowed = False
        if allowed:
            self._json(
                code, health.full_status(level, server.settings.name, server.uuid, server.version)
            )
        else:
            self._json(code, health.public_status(level))

    def _home(self, form: page.SearchForm) -> None:
        level = self.server.status.level
        if not level.up:
            text = f"Not ready yet. {level.summary}"
            self._html(HTTPStatus.SERVICE_UNAVAILABLE, page.notice("Not ready", text))
            return
        try:
            user = self._user()
        except UnreachableError as error:
            text = f"Elasticsearch does not answer: {error}"
            self._html(HTTPStatus.SERVICE_UNAVAILABLE, page.notice("Not ready", text))
            return
        if user is None:
            text = "Log in with the name and password of a user of Elasticsearch."
            self._html(
                HTTPStatus.UNAUTHORIZED,
                page.notice("Log in", text),
                {"WWW-Authenticate": 'Basic realm="stand-in for Kibana", charset="UTF-8"'},
            )
            return
        authorization = self.headers["Authorization"]
        base_path = self.server.settings.base_path
        self._html(
            HTTPStatus.OK, page.home(self.server.client, authorization, user, form, base_path)
        )

    def _user(self) -> str | None:
        """The name of the user according to Elasticsearch; None if the login is wrong."""
        authorization = self.headers.get("Authorization", "")
        if not authorization.lower().startswith(_SCHEMES):
            return None
        answer = self.server.client.request("GET", "/_security/_authenticate", authorization)
        if answer.status != HTTPStatus.OK:
            return None
        return str(answer.body.get("username", ""))

    def _json(self, code: HTTPStatus, body: Any) -> None:
        self._send(code, "application/json; charset=utf-8", json.dumps(body).encode(), {})

    def _html(self, code: HTTPStatus, text: str, headers: dict[str, str] | None = None) -> None:
        policy = (
            f"default-src 'none'; style-src 'sha256-{page.STYLE_HASH}'; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'"
        )
        more = {"Content-Security-Policy": policy, **(headers or {})}
        self._send(code, "text/html; charset=utf-8", text.encode(), more)

    def _send(self, code: HTTPStatus, kind: str, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("kbn-name", self.server.settings.name)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _error_body(code: HTTPStatus) -> dict[str, Any]:
    return {"statusCode": code.value, "error": code.phrase, "message": code.phrase}


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if not settings.tls or settings.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    versions = sorted(_VERSIONS[name] for name in settings.protocols)
    context.minimum_version, context.maximum_version = versions[0], versions[-1]
    # Python cannot select cipher suites of TLS 1.3; their names begin with TLS_.
    older = [name for name in settings.ciphers if not name.startswith("TLS_")]
    if older:
        try:
            context.set_ciphers(":".join(older))
        except ssl.SSLError as error:
            raise ConfigError(f"server.ssl.cipherSuites: {error}") from error
    # An empty passphrase instead of None: with None OpenSSL would ask on the terminal.
    context.load_cert_chain(settings.certificate, settings.key, settings.key_passphrase or "")
    return context
