# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to Elasticsearch: tries several nodes in turn and verifies TLS."""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .settings import Settings

# If the host of a node is down, nothing refuses the connection: try the next node after this time.
_CONNECT_SECONDS = 3.0
_TRY_NEXT = (502, 503, 504)
_LARGEST_ANSWER = 32 * 1024 * 1024


class UnreachableError(Exception):
    """No node answered; the text holds the reason for each node."""


@dataclass(frozen=True)
class Answer:
    """The response of a node."""

    status: int
    body: Any

    @property
    def reason(self) -> str:
        """The shortest reason that Elasticsearch gives for an error."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        if isinstance(error, dict):
            cause = (error.get("root_cause") or [error])[0]
            return str(cause.get("reason") or error.get("reason") or error.get("type"))
        return str(error or f"HTTP {self.status}")


class Elasticsearch:
    """Sends a request to the node that answered last; if it fails, to the others."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = [urlsplit(url) for url in settings.elasticsearch]
        self._timeout = settings.request_timeout
        self._first = 0
        self._lock = threading.Lock()
        self._context = ssl.create_default_context()
        if settings.authorities:
            # Trust only these CAs, not the public ones.
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            for path in settings.authorities:
                self._context.load_verify_locations(cafile=path)
        self._context.check_hostname = settings.verification == "full"
        self.own_authorization = _own_authorization(settings)

    def request(
        self,
        method: str,
        path: str,
        authorization: str | None,
        body: Any = None,
        timeout: float | None = None,
    ) -> Answer:
        """Send the request to each node in turn until one answers."""
        with self._lock:
            first = self._first
        failures = []
        for step in range(len(self._hosts)):
            index = (first + step) % len(self._hosts)
            host = self._hosts[index]
            try:
                answer = self._send(host, method, path, authorization, body, timeout)
            except (OSError, http.client.HTTPException) as error:
                failures.append(f"{host.netloc}: {_reason(error)}")
                continue
            if answer.status in _TRY_NEXT and step < len(self._hosts) - 1:
                failures.append(f"{host.netloc}: HTTP {answer.status}")
                continue
            with self._lock:
                self._first = index
            return answer
        raise UnreachableError("; ".join(failures))

    def _send(
        self,
        host: Any,
        method: str,
        path: str,
        authorization: str | None,
        body: Any,
        timeout: float | None,
    ) -> Answer:
        connection: http.client.HTTPConnection
        if host.scheme == "https":
            connection = http.client.HTTPSConnection(
                host.hostname, host.port or 443, timeout=_CONNECT_SECONDS, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(
                host.hostname, host.port or 80, timeout=_CONNECT_SECONDS
            )
        headers = {"Accept": "application/json", "User-Agent": "elk-lab-kibana-stand-in"}
        if authorization:
            headers["Authorization"] = authorization
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            connection.connect()
            connection.sock.settimeout(timeout or self._timeout)
            connection.request(method, host.path.rstrip("/") + path, body=data, headers=headers)
            response = connection.getresponse()
            raw = response.read(_LARGEST_ANSWER)
            return Answer(response.status, _parse(raw))
        finally:
            connection.close()


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else {}
    except ValueError:
        return {"error": "the response is not JSON"}


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted, {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _own_authorization(settings: Settings) -> str | None:
    if settings.token:
        return f"Bearer {settings.token}"
    if settings.username:
        pair = f"{settings.username}:{settings.password or ''}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    return None


def incompatible(own: str, nodes: Iterable[str]) -> list[str]:
    """The versions of nodes that are incompatible with this version of Kibana.

    The major versions must be equal, and no node may have an older minor version than Kibana.
    """
    kibana = _numbers(own)
    wrong = []
    for version in nodes:
        node = _numbers(version)
        if node[0] != kibana[0] or node[1] < kibana[1]:
            wrong.append(version)
    return sorted(set(wrong))


def _numbers(version: str) -> tuple[int, int]:
    match = re.match(r"^(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)
