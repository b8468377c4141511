# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An HTTP client for Elasticsearch that tries several nodes and explains what went wrong.

It uses http.client and not urllib, because a gate sends many requests: an open connection saves
the TLS handshake. It uses no proxy: it connects to the nodes directly.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import json
import os
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ansible_collections.elk.swarm.plugins.module_utils.common.limited_answer import (
    UnboundedAnswer,
    read_body,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# A node that restarts, or a proxy in front of it, answers with these. Another node, or the same
# node a moment later, gives the real answer.
AWAY_STATUSES = frozenset({502, 503, 504})
# The node runs but is overloaded: it has not started to process the request.
BUSY = 429
RETRY_STATUSES = AWAY_STATUSES | {BUSY}
ROUNDS = 3
DOUBT_PAUSE = 1.0
FIRST_PAUSE = 0.3
# The longest answer that this collection requests, a list of all shards, has some million bytes.
LONGEST_ANSWER = 64 * 1024 * 1024
# A whole answer may take this many times the timeout of one read.
PATIENCE = 10

# OpenSSL's verification results (X509_V_ERR_*) whose error message suggests a fix.
EXPIRED = {9: "is not valid yet", 10: "has expired"}
UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21})
WRONG_NAME = frozenset({62, 63, 64})


class ElasticsearchError(Exception):
    """Any error that stops a module; the text is for the operator."""


class ConfigurationError(ElasticsearchError):
    """The options cannot work with any server."""


class Unreachable(ElasticsearchError):
    """None of the urls gave an answer. `causes` has the cause for each url.

    `listens` is true if something accepted a connection but then spoke another protocol, showed a
    wrong certificate, or closed the connection.
    """

    def __init__(self, causes: Mapping[str, str], what: str = "", *, listens: bool = False) -> None:
        self.causes = dict(causes)
        self.listens = listens
        head = f"No Elasticsearch node answered{' ' + what if what else ''}: "
        super().__init__(head + "; ".join(f"{url}: {cause}" for url, cause in causes.items()))


class Refused(ElasticsearchError):
    """A node answered and refused the request."""

    def __init__(self, reply: Reply, message: str) -> None:
        self.reply = reply
        self.status = reply.status
        super().__init__(message)


class Unsupported(Refused):
    """The server has no handler for this path, because it was built without the feature."""


class Silent(OSError):
    """Something accepted the connection, but sent no answer in time."""


class BrokenAnswer(Exception):
    """The answer is incomplete or too long; another node may give a good one."""


@dataclass(frozen=True)
class Login:
    """The credentials: a user with a password, an API key or a token."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    # Where the credentials come from, for example the name of a variable; errors show it.
    origin: str | None = None

    def header(self) -> str | None:
        if self.username is not None:
            pair = f"{self.username}:{self.password or ''}".encode()
            return "Basic " + base64.b64encode(pair).decode()
        if self.api_key is not None:
            key = self.api_key
            if ":" in key:
                key = base64.b64encode(key.encode()).decode()
            return "ApiKey " + key
        if self.token is not None:
            return "Bearer " + self.token
        return None

    def __str__(self) -> str:
        if self.username is not None:
            return f"user '{self.username}'"
        if self.api_key is not None:
            return "the API key"
        if self.token is not None:
            return "the bearer token"
        return "nobody (no username, api_key or token was given)"


@dataclass(frozen=True)
class Address:
    """The parts of one url."""

    url: str
    tls: bool
    host: str
    port: int
    prefix: str


@dataclass(frozen=True)
class Reply:
    """The answer of a node."""

    status: int
    body: Any
    url: str
    method: str
    path: str
    text: str = field(default="", repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def object(self) -> dict[str, Any]:
        """The body as a JSON object; with any other body the server is not Elasticsearch."""
        if isinstance(self.body, dict):
            return self.body
        raise ElasticsearchError(
            f"{self.url} answered {self.method} {self.path} with something that is not a JSON "
            f"object: {self.text[:200]!r}. Is this url an Elasticsearch node?"
        )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_url(url: str) -> Address:
    """Parse a url; refuse one that would send a password unencrypted over a network."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"urls: {url!r} is not a url: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            f"urls: {url!r} is not of the form https://host:port, for example "
            "https://192.0.2.10:9200"
        )
    if parts.username or parts.password:
        raise ConfigurationError(
            f"urls: the url of {parts.hostname} contains a user or a password; give them as "
            "username and password, so that they appear in no log"
        )
    if parts.query or parts.fragment:
        raise ConfigurationError(f"urls: {url!r} must have no query and no fragment")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigurationError(
            f"urls: {url!r} would send passwords unencrypted over the network; http:// is accepted "
            "for loopback addresses only: use https:// and ca_path"
        )
    tls = parts.scheme == "https"
    return Address(
        url=url.rstrip("/"),
        tls=tls,
        host=parts.hostname,
        port=port or (443 if tls else 80),
        prefix=parts.path.rstrip("/"),
    )


def path_of(*segments: str) -> str:
    """Build a path from names that may contain any character."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


def make_tls_context(ca_path: str | None) -> ssl.SSLContext:
    """A context that verifies chain and host name; without ca_path with the system's CAs."""
    if ca_path is not None and not os.path.isfile(ca_path):
        raise ConfigurationError(
            f"ca_path: there is no file {ca_path} on the host where this module runs"
        )
    try:
        return ssl.create_default_context(cafile=ca_path)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"ca_path: {ca_path} cannot be read as PEM certificates: {error}"
        ) from error


def explain(error: BaseException, address: Address, ca_path: str | None) -> str:
    """The cause in words for the operator, and what to do."""
    where = f"{address.host}:{address.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_certificate(error, address, ca_path)
    if isinstance(error, ssl.SSLError):
        text = str(error)
        if "WRONG_VERSION_NUMBER" in text or "record layer" in text.lower():
            return f"{where} does not speak TLS; is xpack.security.http.ssl.enabled set there?"
        return f"the TLS handshake failed ({error.reason or text})"
    if isinstance(error, ConnectionRefusedError):
        return (
            "connection refused: nothing listens there. Check the tasks with "
            "`docker service ps --no-trunc <service>` on a manager"
        )
    if isinstance(error, socket.gaierror):
        return f"the name {address.host} cannot be resolved ({error.strerror})"
    if isinstance(error, Silent):
        return (
            "it accepted the connection and gave no answer in time: it hangs or is overloaded. "
            "Check its log, and the load of that host"
        )
    if isinstance(error, (TimeoutError, socket.timeout)):
        return "no answer in time; is the host up, and does its firewall let this port through?"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the connection was closed without an answer (a node that starts or stops does so)"
    if isinstance(error, http.client.IncompleteRead):
        received, remaining = len(error.partial), error.expected
        total = f" of {received + remaining}" if remaining is not None else ""
        return f"the answer ended after {received}{total} bytes"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} (errno {error.errno})"
    return f"{type(error).__name__}: {error}"


def took_connection(error: BaseException) -> bool:
    """Whether this error shows that something accepted the connection."""
    return isinstance(
        error,
        (
            ssl.SSLError,
            http.client.HTTPException,
            ConnectionResetError,
            BrokenPipeError,
            BrokenAnswer,
            Silent,
        ),
    )


def _explain_certificate(
    error: ssl.SSLCertVerificationError, address: Address, ca_path: str | None
) -> str:
    code, message = error.verify_code, error.verify_message
    if code in WRONG_NAME:
        return (
            f"the certificate is not valid for {address.host} ({message}). Use a url with one of "
            "the certificate's names, or add this name to pki_host_names and run playbooks/site.yml"
        )
    if code in EXPIRED:
        return (
            f"the certificate {EXPIRED[code]} ({message}). Check the clocks of both hosts. If "
            "they are right, run playbooks/site.yml, which renews certificates"
        )
    if code in UNKNOWN_AUTHORITY:
        trusted = f"ca_path {ca_path}" if ca_path else "the system's authorities (ca_path is unset)"
        return (
            f"the certificate was not signed by {trusted} ({message}). Set ca_path to the ca.crt "
            "of the authority that signed this node's certificate"
        )
    return f"the certificate is not accepted ({message})"


def reason_of(reply: Reply) -> str:
    """The reason that the server gives, whatever form the error has."""
    body = reply.body
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        parts = [str(error.get("type", "")), str(error.get("reason", ""))]
        cause = error.get("caused_by")
        if isinstance(cause, dict) and cause.get("reason"):
            parts.append(str(cause["reason"]))
        text = ": ".join(part for part in parts if part)
        if text:
            return text
    if isinstance(error, str):
        return error
    return reply.text.strip()[:300] or "no reason was given"


def is_missing_handler(reply: Reply) -> bool:
    """True if the server was built without the feature; it does not answer 404 then."""
    if reply.status == 405:
        return True
    return reply.status == 400 and "no handler found for uri" in reason_of(reply).lower()


def refusal(reply: Reply, login: Login, feature_switch: str | None = None) -> Refused:
    """The error for a refused request, with the usual fix if there is one."""
    request = f"{reply.url} refused {reply.method} {reply.path} with {reply.status}"
    reason = reason_of(reply)
    if reply.status == 401:
        return Refused(
            reply,
            f"{request}: the login of {login} is not valid. Check "
            f"{login.origin or 'username and password'}.",
        )
    if reply.status == 403:
        return Refused(reply, f"{request}: {login} lacks the privilege. {reason}")
    if is_missing_handler(reply):
        fix = (
            f"Set {feature_switch}: false to leave this feature out."
            if feature_switch
            else "Leave this feature out, or use a server that has it."
        )
        return Unsupported(
            reply, f"{request}: this server was built without the feature ({reason}). {fix}"
        )
    return Refused(reply, f"{request}: {reason}")


class Client:
    """Sends each request to one of several nodes, first to the one that answered last."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        login: Login | None = None,
        ca_path: str | None = None,
        timeout: float = 30.0,
        connect_timeout: float | None = None,
        rounds: int = ROUNDS,
        doubt_timeout: float = 0.0,
        feature_switch: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        if not urls:
            raise ConfigurationError(
                "urls: the list is empty; give at least one node, for example "
                "https://192.0.2.10:9200"
            )
        # Without duplicates: a url that is given twice would be tried twice.
        self.addresses = [parse_url(url) for url in dict.fromkeys(urls)]
        self.login = login or Login()
        self.ca_path = ca_path
        self.timeout = timeout
        self.connect_timeout = min(timeout, connect_timeout or 10.0)
        self.rounds = rounds
        self.doubt_timeout = doubt_timeout
        self.feature_switch = feature_switch
        self._sleep = sleep
        self._tls = tls_context
        if self._tls is None and any(address.tls for address in self.addresses):
            self._tls = make_tls_context(ca_path)
        self._open: dict[str, http.client.HTTPConnection] = {}
        self._first = 0

    @property
    def urls(self) -> list[str]:
        return [address.url for address in self.addresses]

    @property
    def answering(self) -> str:
        """The url that answered last, or the first one if none has answered yet."""
        return self.addresses[self._first].url

    def derive(
        self,
        *,
        urls: Sequence[str] | None = None,
        login: Login | None = None,
        rounds: int | None = None,
        timeout: float | None = None,
        connect_timeout: float | None = None,
    ) -> Client:
        """A copy of this client with other settings and separate connections."""
        return Client(
            urls or self.urls,
            login=login or self.login,
            ca_path=self.ca_path,
            timeout=timeout or self.timeout,
            connect_timeout=connect_timeout or self.connect_timeout,
            rounds=self.rounds if rounds is None else rounds,
            # With another login the caller only tests whether it is valid, so it does not wait.
            doubt_timeout=0.0 if login else self.doubt_timeout,
            feature_switch=self.feature_switch,
            sleep=self._sleep,
            tls_context=self._tls,
        )

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def get(self, path: str, *, accept: Iterable[int] = ()) -> Reply:
        return self.request("GET", path, accept=accept)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        accept: Iterable[int] = (),
    ) -> Reply:
        """Send to one node after the other until one answers.

        Error statuses in `accept` are returned, all others raise an exception. A body of bytes is
        sent unchanged, as newline-delimited JSON; any other body is sent as JSON.

        A refused login is an error only after `doubt_timeout` seconds: while a new cluster creates
        its security index, and while that index recovers, valid logins are refused. The request is
        repeated for the same time when all nodes are overloaded.
        """
        reply = self._ask_all(method, path, body)
        waited = 0.0
        while (
            reply.status in (401, BUSY)
            and reply.status not in accept
            and waited < self.doubt_timeout
        ):
            self._sleep(DOUBT_PAUSE)
            waited += DOUBT_PAUSE
            reply = self._ask_all(method, path, body)
        if reply.ok or reply.status in accept:
            return reply
        raise refusal(reply, self.login, self.feature_switch)

    def _ask_all(self, method: str, path: str, body: Any) -> Reply:
        causes: dict[str, str] = {}
        last: Reply | None = None
        listens = False
        pause = FIRST_PAUSE
        untrusted: set[str] = set()
        for round_number in range(max(1, self.rounds)):
            if len(untrusted) == len(self.addresses):
                # Another attempt does not change the certificates.
                break
            if round_number:
                self._sleep(pause)
                pause *= 2
            for offset in range(len(self.addresses)):
                index = (self._first + offset) % len(self.addresses)
                address = self.addresses[index]
                try:
                    reply = self._ask(address, method, path, body)
                except (OSError, http.client.HTTPException, BrokenAnswer) as error:
                    causes[address.url] = (
                        str(error)
                        if isinstance(error, BrokenAnswer)
                        else explain(error, address, self.ca_path)
                    )
                    if isinstance(error, ssl.SSLCertVerificationError):
                        untrusted.add(address.url)
                    listens = listens or took_connection(error)
                    self._drop(address)
                    continue
                if reply.status in RETRY_STATUSES:
                    causes[address.url] = f"answered {reply.status}: {reason_of(reply)}"
                    last = reply
                    continue
                self._first = index
                return reply
        if last is not None and last.status == BUSY:
            return last
        if last is not None and len(self.addresses) == 1:
            raise Refused(last, str(Unreachable(causes, f"{method} {path}")))
        raise Unreachable(causes, f"{method} {path}", listens=listens)

    def _ask(self, address: Address, method: str, path: str, body: Any) -> Reply:
        was_open = address.url in self._open
        try:
            return self._exchange(address, method, path, body)
        except (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected):
            # The server may have closed an idle connection, so try once more with a new one.
            self._drop(address)
            if not was_open:
                raise
            return self._exchange(address, method, path, body)

    def _exchange(self, address: Address, method: str, path: str, body: Any) -> Reply:
        connection = self._connect(address)
        headers = {"Accept": "application/json"}
        payload: bytes | None = None
        if isinstance(body, bytes):
            payload = body
            headers["Content-Type"] = "application/x-ndjson"
        elif body is not None:
            payload = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        authorization = self.login.header()
        if authorization:
            headers["Authorization"] = authorization
        try:
            connection.request(method, address.prefix + path, body=payload, headers=headers)
            response = connection.getresponse()
            raw = read_body(response, LONGEST_ANSWER, PATIENCE * self.timeout)
        except (TimeoutError, socket.timeout) as error:
            raise Silent from error
        except UnboundedAnswer as error:
            raise BrokenAnswer(
                f"the answer to {method} {path} does not end: {error}. Check that this url "
                f"is an Elasticsearch node: curl --cacert {self.ca_path or '<ca.crt>'} "
                f"{address.url}/"
            ) from error
        if response.will_close:
            self._drop(address)
        return _decode(response.status, raw, address.url, method, path)

    def _connect(self, address: Address) -> http.client.HTTPConnection:
        connection = self._open.get(address.url)
        if connection is not None:
            return connection
        if address.tls:
            if self._tls is None:
                raise ValueError(f"{address.url} needs a CA to verify it with")
            connection = http.client.HTTPSConnection(
                address.host, address.port, timeout=self.connect_timeout, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(
                address.host, address.port, timeout=self.connect_timeout
            )
        try:
            connection.connect()
        except BaseException as error:
            # A failed handshake leaves the socket open.
            accepted = connection.sock is not None
            connection.close()
            if accepted and isinstance(error, (TimeoutError, socket.timeout)):
                raise Silent from error
            raise
        connection.sock.settimeout(self.timeout)
        self._open[address.url] = connection
        return connection

    def _drop(self, address: Address) -> None:
        connection = self._open.pop(address.url, None)
        if connection is not None:
            connection.close()


def _decode(status: int, raw: bytes, url: str, method: str, path: str) -> Reply:
    text = raw.decode("utf-8", errors="replace")
    body: Any = None
    if text.strip():
        try:
            body = json.loads(text)
        except ValueError:
            # An error page of a proxy is an answer too, but a success that is not JSON is
            # incomplete.
            if 200 <= status < 300:
                raise BrokenAnswer(
                    f"the answer to {method} {path} is not complete JSON: it ends with "
                    f"{text[-60:]!r}"
                ) from None
    return Reply(status=status, body=body, url=url, method=method, path=path, text=text)
