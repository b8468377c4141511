# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pool of connections to Elasticsearch: health checks, fail-over, bulk requests."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .errors import ConfigurationError, PipelineError
from .tls import restrict

if TYPE_CHECKING:
    from .log import Logger


class UnreachableError(Exception):
    """No node answered."""


class Node:
    def __init__(self, url: str, tls: bool | None) -> None:
        parts = urlsplit(url if "//" in url else f"//{url}")
        if parts.scheme == "http" and tls:
            raise ConfigurationError(
                f"An http:// host was given ({url}) although ssl_enabled is true"
            )
        if parts.scheme == "https" and tls is False:
            raise ConfigurationError(
                f"An https:// host was given ({url}) although ssl_enabled is false"
            )
        self.tls = parts.scheme == "https" or bool(tls)
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or 9200
        url_host = f"[{self.host}]" if ":" in self.host else self.host
        self.url = f"{'https' if self.tls else 'http'}://{url_host}:{self.port}/"
        self.alive = False


def tls_context(options: dict[str, Any], log: Logger) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for authority in options.get("ssl_certificate_authorities") or []:
        try:
            context.load_verify_locations(authority)
        except ssl.SSLError as error:
            raise ConfigurationError(f"{authority} holds no certificate: {error}") from error
    # Python 3.13 requires extensions in a CA certificate that Java does not require.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if options.get("ssl_certificate"):
        context.load_cert_chain(options["ssl_certificate"], options.get("ssl_key"))
    if options.get("ssl_verification_mode") == "none":
        log.warn(
            "You have enabled encryption but DISABLED certificate verification, to make sure "
            "your data is secure set `ssl_verification_mode => full`"
        )
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    restrict(context, options)
    return context


class Pool:
    """The nodes of one output; a thread checks the nodes that are down."""

    def __init__(self, options: dict[str, Any], log: Logger) -> None:
        self._log = log
        self._timeout = float(options["timeout"])
        self._delay = float(options["resurrect_delay"])
        self.nodes = [Node(url, options.get("ssl_enabled")) for url in options["hosts"]]
        self._tls = tls_context(options, log) if any(one.tls for one in self.nodes) else None
        custom = options.get("custom_headers") or {}
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": "logstash (stand-in)",
            **{str(name): str(value) for name, value in custom.items()},
        }
        if options.get("user"):
            pair = f"{options['user']}:{options.get('password') or ''}"
            self._headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif options.get("api_key"):
            key = options["api_key"]
            if ":" in key:
                key = base64.b64encode(key.encode()).decode()
            self._headers["Authorization"] = f"ApiKey {key}"
        self._local = threading.local()
        self._lock = threading.Lock()
        self._next = 0
        self._stopped = threading.Event()
        self.connected_once = threading.Event()

    # -- life

    def start(self) -> None:
        """Run the first health check; only wrong credentials stop the pipeline."""
        self._log.info(
            "Elasticsearch pool URLs updated", added=", ".join(one.url for one in self.nodes)
        )
        for node in self.nodes:
            self._check(node, first=True)
        threading.Thread(target=self._resurrect, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _resurrect(self) -> None:
        while not self._stopped.wait(self._delay):
            for node in self.nodes:
                if not node.alive:
                    self._check(node, first=False)

    def _check(self, node: Node, first: bool) -> None:
        try:
            status, body = self._request(node, "GET", "/")
            if status == 401:
                self._log.warn("Health check failed", code=401, url=node.url)
                if first:
                    raise PipelineError(
                        "Could not read Elasticsearch. Please check the credentials"
                    )
                return
            if status != 200:
                self._log.warn("Health check failed", code=status, url=node.url)
                return
            version = json.loads(body)["version"]["number"]
            status, _body = self._request(node, "GET", "/_license")
            if status != 200:
                self._log.error(
                    "Unable to get license information",
                    url=node.url,
                    message=f"Got response code '{status}'",
                )
                self._log.error(
                    "Could not connect to a compatible version of Elasticsearch", url=node.url
                )
                return
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            self._log.warn(
                "Attempted to resurrect connection to dead ES instance, but got an error",
                url=node.url,
                exception=type(error).__name__,
                message=str(error),
            )
            return
        self._log.warn("Restored connection to ES instance", url=node.url)
        if not self.connected_once.is_set():
            self._log.info(f"Elasticsearch version determined ({version})")
        node.alive = True
        self.connected_once.set()

    # -- requests

    def _connection(self, node: Node) -> http.client.HTTPConnection:
        connections: dict[str, http.client.HTTPConnection]
        connections = self._local.__dict__.setdefault("connections", {})
        connection = connections.get(node.url)
        if connection is None:
            if node.tls:
                connection = http.client.HTTPSConnection(
                    node.host, node.port, timeout=self._timeout, context=self._tls
                )
            else:
                connection = http.client.HTTPConnection(node.host, node.port, timeout=self._timeout)
            connections[node.url] = connection
        return connection

    def _request(
        self, node: Node, method: str, path: str, body: bytes | None = None
    ) -> tuple[int, bytes]:
        connection = self._connection(node)
        reused = connection.sock is not None
        try:
            return self._exchange(connection, method, path, body)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # The server may close an idle connection, which does not mean that it is down: send the
            # request once more, but only if there was no response at all.
            connection.close()
            if not reused:
                raise
            return self._exchange(connection, method, path, body)
        except (OSError, http.client.HTTPException):
            connection.close()
            raise

    def _exchange(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None
    ) -> tuple[int, bytes]:
        try:
            connection.request(method, path, body=body, headers=self._headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise

    def _pick(self) -> Node:
        with self._lock:
            for _ in self.nodes:
                node = self.nodes[self._next % len(self.nodes)]
                self._next += 1
                if node.alive:
                    return node
        raise UnreachableError(
            "There are no living connections in the connection pool. Perhaps "
            "Elasticsearch is unreachable or down?"
        )

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Send a request to a node that is alive; mark the node dead if that fails."""
        node = self._pick()
        try:
            return self._request(node, "POST", path, body)
        except (OSError, http.client.HTTPException) as error:
            node.alive = False
            self._log.warn(
                "Marking url as dead.", reason=f"[{type(error).__name__}] {error}", url=node.url
            )
            raise UnreachableError(f"Elasticsearch Unreachable: [{node.url}] {error}") from error
