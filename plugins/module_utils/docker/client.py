# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A thin, dependency-free client of the Docker Engine API.

The standard library is enough for JSON over a socket, starts faster than the docker SDK, and
does not break when the SDK and ``requests`` disagree about their versions.  Only a read is repeated
when the connection breaks.
"""

from __future__ import annotations

import base64
import email.utils
import http.client
import json
import os
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from ansible_collections.elk.swarm.plugins.module_utils.common.limited_answer import (
    UnboundedAnswer,
    read_body,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.transport import (
    SshConnection,
    TlsConnection,
    UnixConnection,
    ssh_command,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

JsonDict = dict[str, Any]

# URL schemes of an Engine on this host.
LOCAL_SCHEMES = ("unix", "http+unix")
# Swarm services have ulimits and capabilities since this version (Docker Engine 20.10).
MINIMUM_API = (1, 41)
# Health checks have a start_interval since this version (Docker Engine 25).
START_INTERVAL_API = (1, 44)
# Swarm services have no_new_privileges since this version (Docker Engine 25).
NO_NEW_PRIVILEGES_API = (1, 44)
# The newest version that this collection is written for.
MAXIMUM_API = (1, 44)
# The list of configs contains all configs with their content, up to a million bytes each.
LONGEST_ANSWER = 512 * 1024 * 1024
# A whole answer may take this many timeouts, because the download of a plugin reports progress.
PATIENCE = 60


class EngineError(Exception):
    """A request to the Engine failed; the text says what to do."""

    def __init__(self, message: str, status: int | None = None, detail: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail


class EngineAwayError(EngineError):
    """No Engine answers at the address."""


class SocketMissingError(EngineAwayError):
    """The Engine's socket does not exist: Docker is not installed or was never started."""


class EngineTimeoutError(EngineError):
    """The Engine accepted the request and did not answer in time."""


class NoSwarmError(EngineError):
    """The Engine is not part of any swarm."""


class NotManagerError(EngineError):
    """The Engine is a worker."""


class NoQuorumError(EngineError):
    """The managers have no leader, so nothing in the swarm can be read or changed."""


class NotFoundError(EngineError):
    """The object does not exist."""


class ConflictError(EngineError):
    """An object of that name exists already, or the object is in the wrong state."""


class OutOfSequenceError(EngineError):
    """The object was changed by someone else since it was read."""


class InUseError(EngineError):
    """The object cannot be removed because a service refers to it."""


def classify(status: int, message: str, what: str, address: str) -> EngineError:
    """Turn an error answer of the Engine into the exception that explains it."""
    text = message.lower()
    where = f"{what} ({address})"
    if "no leader" in text or "does not have a leader" in text or "too few managers" in text:
        return NoQuorumError(
            f"The swarm has no leader, so it cannot be read or changed: {message} "
            f"Bring back the managers that are down, then run again; running tasks are not "
            f"affected. Next command: docker node ls. Request: {where}",
            status,
            message,
        )
    if "not a swarm manager" in text:
        if "docker swarm init" in text:
            return NoSwarmError(
                f"The Docker Engine is not part of a swarm. Create or join one first (docker "
                f"swarm init), or run this task on a manager. Request: {where}",
                status,
                message,
            )
        return NotManagerError(
            "The Docker Engine is a worker of its swarm, and only managers can read and change "
            f"services. Run this task on a manager. Request: {where}",
            status,
            message,
        )
    if "swarm is encrypted" in text:
        return EngineError(
            f"The swarm is locked. Unlock this manager first: docker swarm unlock. "
            f"Request: {where}",
            status,
            message,
        )
    if "deadlineexceeded" in text.replace(" ", "") or "context deadline exceeded" in text:
        return NoQuorumError(
            "The swarm did not answer in time, which is how managers without a majority behave: "
            f"{message}. Bring back the managers that are down, then run again. Next command: "
            f"docker node ls. Request: {where}",
            status,
            message,
        )
    if "out of sequence" in text:
        return OutOfSequenceError(f"{where}: {message}", status, message)
    if "is in use by" in text:
        return InUseError(f"{where}: {message}", status, message)
    if status == 404:
        return NotFoundError(f"{where}: {message}", status, message)
    if status == 409 or "already exists" in text or "name conflicts" in text:
        return ConflictError(f"{where}: {message}", status, message)
    return EngineError(
        f"The Docker Engine refused the request (HTTP {status}): {message}. Request: {where}",
        status,
        message,
    )


@dataclass(frozen=True)
class Connection:
    """Where the Engine is and how to talk to it, under the option names of the modules."""

    docker_host: str = "unix:///var/run/docker.sock"
    api_version: str = "auto"
    timeout: float = 60
    tls: bool = False
    validate_certs: bool = True
    tls_hostname: str | None = None
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None

    @classmethod
    def from_options(
        cls, options: Mapping[str, Any], environ: Mapping[str, str] | None = None
    ) -> Connection:
        """Build from module options, completing certificate paths from DOCKER_CERT_PATH."""
        env = os.environ if environ is None else environ
        values = {k: options[k] for k in cls.__dataclass_fields__ if options.get(k) is not None}
        tls_wanted = values.get("tls") or str(values.get("docker_host", "")).startswith("https")
        directory = env.get("DOCKER_CERT_PATH")
        if directory and tls_wanted:
            for option, name in (
                ("ca_path", "ca.pem"),
                ("client_cert", "cert.pem"),
                ("client_key", "key.pem"),
            ):
                path = os.path.join(directory, name)
                if option not in values and os.path.exists(path):
                    values[option] = path
        return cls(**values)

    @property
    def local(self) -> bool:
        """Whether the Engine runs on this host, so that its file paths and ids are valid here."""
        return urlsplit(self.docker_host).scheme in LOCAL_SCHEMES


class Engine:
    """Sends requests to one Docker Engine over one persistent connection."""

    def __init__(self, connection: Connection) -> None:
        self._settings = connection
        self.address = connection.docker_host
        self.local = connection.local
        self._connection: http.client.HTTPConnection | None = None
        self._prefix: str | None = None
        self._clock_offset: float = 0.0
        self.calls: int = 0

    # -- transport ---------------------------------------------------------------------------

    def _open(self) -> http.client.HTTPConnection:
        url = urlsplit(self.address)
        timeout = float(self._settings.timeout)
        if self.local:
            return UnixConnection(url.path, timeout)
        if url.scheme in ("tcp", "http", "https"):
            host = url.hostname or "localhost"
            if url.scheme == "https" or self._settings.tls:
                context = ssl.create_default_context(cafile=self._settings.ca_path)
                if not self._settings.validate_certs:
                    context.check_hostname = False
                    context.verify_mode = ssl.CERT_NONE
                if self._settings.client_cert:
                    context.load_cert_chain(self._settings.client_cert, self._settings.client_key)
                name = self._settings.tls_hostname or host
                return TlsConnection(host, url.port or 2376, timeout, context, name)
            return http.client.HTTPConnection(host, url.port or 2375, timeout=timeout)
        if url.scheme == "ssh":
            try:
                return SshConnection(ssh_command(url, timeout), timeout)
            except ValueError as error:
                # The message omits the address, which may contain a password.
                raise EngineError(
                    f"docker_host is not an address: {error}. Write it like ssh://user@host:22"
                ) from error
        raise EngineError(
            f"docker_host {self.address!r} is not supported: use unix://, tcp://, https:// or ssh://"
        )

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        length: int | None = None,
    ) -> tuple[int, bytes, Mapping[str, str]]:
        reused = self._connection is not None
        for attempt in (1, 2):
            if self._connection is None:
                self._connection = self._open()
            self.calls += 1
            try:
                self._connection.request(method, path, body=body, headers=dict(headers))
                answer = self._connection.getresponse()
                if length is None:
                    seconds = PATIENCE * float(self._settings.timeout)
                    data = read_body(answer, LONGEST_ANSWER, seconds)
                else:
                    data = answer.read(length)
                    # The rest of this answer would be read as the next one.
                    self.close()
                return answer.status, data, dict(answer.headers)
            except UnboundedAnswer as error:
                self.close()
                raise EngineError(
                    f"The answer of {self.address} to {method} {path} has no end in sight: "
                    f"{error}. Check docker_host. Next command: docker --host {self.address} info"
                ) from error
            except socket.timeout as error:
                self.close()
                raise EngineTimeoutError(
                    f"The Docker Engine at {self.address} did not answer {method} {path} within "
                    f"{self._settings.timeout:g} s. A manager that has lost the majority of the "
                    "managers behaves like this; see docker node ls and docker info"
                ) from error
            except FileNotFoundError as error:
                self.close()
                raise SocketMissingError(
                    f"There is no Docker Engine at {self.address}: the socket does not exist. "
                    "Install and start Docker, or set docker_host. Next command: systemctl status "
                    "docker"
                ) from error
            except PermissionError as error:
                self.close()
                raise EngineAwayError(
                    f"This user may not use the Docker Engine at {self.address}. Use become, "
                    "or add the user to the docker group"
                ) from error
            except ssl.SSLError as error:
                self.close()
                raise EngineAwayError(
                    f"TLS with the Docker Engine at {self.address} failed: {error}. Check ca_path, "
                    "client_cert, client_key and tls_hostname"
                ) from error
            except (http.client.HTTPException, OSError) as error:
                self.close()
                # The daemon may have closed a reused connection. Only a read can be repeated,
                # because a write may already be done.
                if reused and attempt == 1 and method == "GET":
                    continue
                raise EngineAwayError(
                    f"The Docker Engine at {self.address} does not answer: "
                    f"{error or type(error).__name__}. Next command: systemctl status docker"
                ) from error
        raise AssertionError("unreachable")

    def _version_prefix(self) -> str:
        if self._prefix is None:
            configured = self._settings.api_version
            if configured and configured != "auto":
                self._prefix = f"/v{configured.lstrip('v')}"
            else:
                status, data, headers = self._exchange("GET", "/_ping", None, {})
                text = headers.get("Api-Version") or ""
                if status != 200 or not text:
                    raise EngineAwayError(
                        f"The server at {self.address} is not a Docker Engine (HTTP {status}: "
                        f"{data[:80].decode('utf-8', 'replace')!r}). Check docker_host"
                    )
                version = tuple(int(part) for part in text.split(".")[:2])
                if version < MINIMUM_API:
                    raise EngineError(
                        f"The Docker Engine at {self.address} speaks API {text}; API "
                        f"{MINIMUM_API[0]}.{MINIMUM_API[1]} (Docker 20.10) or newer is needed. "
                        "Upgrade Docker"
                    )
                major, minor = min(version, MAXIMUM_API)
                self._prefix = f"/v{major}.{minor}"
        return self._prefix

    def speaks(self, version: tuple[int, int]) -> bool:
        """Whether requests use this version of the API or a newer one."""
        major, minor = self._version_prefix().removeprefix("/v").split(".")[:2]
        return (int(major), int(minor)) >= version

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send one request and return the decoded answer; raise an EngineError for an error.

        A body of bytes is sent as a tar archive, any other body as JSON.
        """
        raw = self._answer(method, path, query, body, headers)
        try:
            return json.loads(raw) if raw.strip() else None
        except (RecursionError, ValueError):
            # A command in a container can send any output, nested to any depth.
            return raw.decode("utf-8", "replace")

    def first_bytes(self, path: str, query: Mapping[str, Any], length: int) -> bytes:
        """The first bytes of an answer that may be as large as a volume."""
        return self._answer("GET", path, query, None, None, length)

    def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Any,
        headers: Mapping[str, str] | None,
        length: int | None = None,
    ) -> bytes:
        full = self._version_prefix() + path
        if query:
            full += "?" + urlencode(
                {
                    k: json.dumps(v, separators=(",", ":")) if isinstance(v, dict) else v
                    for k, v in query.items()
                }
            )
        request_headers: dict[str, str] = dict(headers or {})
        data: bytes | None = None
        if isinstance(body, bytes):
            data = body
            request_headers["Content-Type"] = "application/x-tar"
        elif body is not None:
            data = json.dumps(body).encode("utf-8")
            request_headers["Content-Type"] = "application/json"
        status, raw, answer_headers = self._exchange(method, full, data, request_headers, length)
        self._note_clock(answer_headers.get("Date"))
        if status >= 400:
            try:
                error = json.loads(raw)
            except ValueError:
                error = raw.decode("utf-8", "replace")
            message = error.get("message", "") if isinstance(error, dict) else str(error)
            raise classify(status, message.strip(), f"{method} {path}", self.address)
        return raw

    def _note_clock(self, date: str | None) -> None:
        if date:
            try:
                engine_time = email.utils.parsedate_to_datetime(date).timestamp()
            except (TypeError, ValueError):
                return
            # The header has whole seconds, rounded down, so no task looks older than it is.
            self._clock_offset = engine_time - time.time()

    def now(self) -> float:
        """Seconds since the epoch by the clock of the Engine, at most a second behind."""
        return time.time() + self._clock_offset

    # -- services ----------------------------------------------------------------------------

    def service(self, name: str) -> JsonDict | None:
        """The service of exactly this name; the API would also match the start of an id."""
        try:
            found: JsonDict = self.request("GET", f"/services/{quote(name, safe='')}")
        except NotFoundError:
            return None
        return found if found.get("Spec", {}).get("Name") == name else None

    def services(self) -> list[JsonDict]:
        return list(self.request("GET", "/services") or [])

    def create_service(self, spec: JsonDict, auth: str | None = None) -> str:
        headers = _authorised(auth)
        return str(self.request("POST", "/services/create", body=spec, headers=headers)["ID"])

    def update_service(
        self, service_id: str, version: int, spec: JsonDict, auth: str | None = None
    ) -> list[str]:
        """Update and return the Engine's warnings."""
        answer = self.request(
            "POST",
            f"/services/{service_id}/update",
            query={"version": version},
            body=spec,
            headers=_authorised(auth),
        )
        return list((answer or {}).get("Warnings") or [])

    def remove_service(self, service_id: str) -> None:
        self.request("DELETE", f"/services/{service_id}")

    def tasks(self, service_id: str) -> list[JsonDict]:
        query = {"filters": {"service": [service_id]}}
        return list(self.request("GET", "/tasks", query=query) or [])

    def tasks_of_removed(self, service_id: str) -> list[JsonDict]:
        """The tasks of a removed service; the API's filter accepts only an existing service."""
        return [task for task in self.all_tasks() if task.get("ServiceID") == service_id]

    def all_tasks(self) -> list[JsonDict]:
        return list(self.request("GET", "/tasks") or [])

    def nodes(self) -> list[JsonDict]:
        return list(self.request("GET", "/nodes") or [])

    def network(self, name: str) -> JsonDict | None:
        """The swarm-scoped network of this name or id."""
        path = f"/networks/{quote(name, safe='')}"
        try:
            found: JsonDict = self.request("GET", path, query={"scope": "swarm"})
        except NotFoundError:
            return None
        return found

    # -- configs and secrets -----------------------------------------------------------------

    def objects(self, kind: str, filters: Mapping[str, list[str]]) -> list[JsonDict]:
        """Configs or secrets; ``kind`` is the word in the path, ``configs`` or ``secrets``."""
        return list(self.request("GET", f"/{kind}", query={"filters": dict(filters)}) or [])

    def create_object(self, kind: str, name: str, data: bytes, labels: Mapping[str, str]) -> str:
        body = {
            "Name": name,
            "Labels": dict(labels),
            "Data": base64.b64encode(data).decode("ascii"),
        }
        return str(self.request("POST", f"/{kind}/create", body=body)["ID"])

    def remove_object(self, kind: str, object_id: str) -> None:
        self.request("DELETE", f"/{kind}/{object_id}")

    # -- managed plugins ---------------------------------------------------------------------

    def plugins(self) -> list[JsonDict]:
        return list(self.request("GET", "/plugins") or [])

    def plugin(self, name: str) -> JsonDict | None:
        try:
            found: JsonDict = self.request("GET", f"/plugins/{_in_path(name)}/json")
        except NotFoundError:
            return None
        return found

    def plugin_privileges(self, remote: str, auth: str | None = None) -> list[JsonDict]:
        """The privileges that a plugin needs; also empty if the registry has no such plugin."""
        query, headers = {"remote": remote}, _authorised(auth)
        answer = self.request("GET", "/plugins/privileges", query=query, headers=headers)
        return list(answer or [])

    def pull_plugin(
        self, remote: str, name: str, privileges: list[JsonDict], auth: str | None = None
    ) -> None:
        """Install a plugin, disabled, under a local name."""
        self._fetch_plugin("/plugins/pull", {"remote": remote, "name": name}, privileges, auth)

    def upgrade_plugin(
        self, name: str, remote: str, privileges: list[JsonDict], auth: str | None = None
    ) -> None:
        path = f"/plugins/{_in_path(name)}/upgrade"
        self._fetch_plugin(path, {"remote": remote}, privileges, auth)

    def _fetch_plugin(
        self, path: str, query: Mapping[str, str], privileges: list[JsonDict], auth: str | None
    ) -> None:
        answer = self.request("POST", path, query=query, body=privileges, headers=_authorised(auth))
        # The status is 200 before the download ends, so the messages report the error.
        for step in messages(answer):
            if step.get("error"):
                raise EngineError(
                    f"Fetching {query['remote']} failed: {step['error']}", detail=step["error"]
                )

    def set_plugin(self, name: str, options: Mapping[str, str]) -> None:
        body = [f"{key}={value}" for key, value in options.items()]
        self.request("POST", f"/plugins/{_in_path(name)}/set", body=body)

    def enable_plugin(self, name: str, timeout: int = 0) -> None:
        path = f"/plugins/{_in_path(name)}/enable"
        self.request("POST", path, query={"timeout": timeout})

    def disable_plugin(self, name: str, force: bool = False) -> None:
        path = f"/plugins/{_in_path(name)}/disable"
        self.request("POST", path, query={"force": int(force)})

    def remove_plugin(self, name: str, force: bool = False) -> None:
        self.request("DELETE", f"/plugins/{_in_path(name)}", query={"force": int(force)})

    # -- volumes and containers ----------------------------------------------------------------

    def volume(self, name: str) -> JsonDict | None:
        """The volume of exactly this name; an error if its driver is missing."""
        try:
            found: JsonDict = self.request("GET", f"/volumes/{quote(name, safe='')}")
        except NotFoundError as error:
            if "volume plugin" in error.detail:
                raise
            return None
        # The API also accepts the id of a cluster volume as a name.
        return found if found.get("Name") == name else None

    def volumes(self, driver: str = "") -> tuple[list[JsonDict], list[str]]:
        """Volumes of one driver or of all drivers that answer, and the Engine's warnings."""
        query = {"filters": {"driver": [driver]}} if driver else None
        answer = self.request("GET", "/volumes", query=query) or {}
        return list(answer.get("Volumes") or []), list(answer.get("Warnings") or [])

    def create_volume(self, body: JsonDict) -> None:
        self.request("POST", "/volumes/create", body=body)

    def remove_volume(self, name: str) -> None:
        self.request("DELETE", f"/volumes/{quote(name, safe='')}")

    def volume_sizes(self) -> dict[str, int]:
        """Bytes of each volume whose driver reports them; slow, the Engine reads every file."""
        # Older Engines do not know the parameter, and count images and containers as well.
        answer = self.request("GET", "/system/df", query={"type": "volume"}) or {}
        sizes = {
            str(volume.get("Name")): int((volume.get("UsageData") or {}).get("Size", -1))
            for volume in answer.get("Volumes") or []
        }
        return {name: size for name, size in sizes.items() if size >= 0}

    def containers(self) -> list[JsonDict]:
        """Containers in any state."""
        return list(self.request("GET", "/containers/json", query={"all": 1}) or [])

    def container(self, container_id: str) -> JsonDict:
        """One container as `docker inspect` shows it."""
        found: JsonDict = self.request("GET", f"/containers/{container_id}/json")
        return found

    # -- images ------------------------------------------------------------------------------

    def image(self, name: str) -> JsonDict | None:
        """An image on the Engine's host; None if it is not there."""
        try:
            found: JsonDict = self.request("GET", f"/images/{_in_path(name)}/json")
        except NotFoundError:
            return None
        return found

    def pull_image(self, name: str, auth: str | None = None) -> None:
        answer = self.request(
            "POST", "/images/create", query={"fromImage": name}, headers=_authorised(auth)
        )
        # The status is 200 before the download ends, so the messages report the error.
        for step in messages(answer):
            if step.get("error"):
                raise EngineError(f"Pulling {name} failed: {step['error']}", detail=step["error"])

    def image_digest(self, image: str, auth: str | None = None) -> str:
        """The digest that the image has in its registry now."""
        path = f"/distribution/{_in_path(image)}/json"
        answer = self.request("GET", path, headers=_authorised(auth))
        return str(answer["Descriptor"]["digest"])


def messages(answer: Any) -> list[JsonDict]:
    """The messages of a stream; :meth:`Engine.request` has already decoded a single one."""
    lines = answer.splitlines() if isinstance(answer, str) else [json.dumps(answer)]
    found = [json.loads(line) for line in lines if line.strip()]
    return [one for one in found if isinstance(one, dict)]


def _in_path(reference: str) -> str:
    """Quote a reference for use in a path, but keep its slashes and colons."""
    return quote(reference, safe="/:@")


def _authorised(auth: str | None) -> dict[str, str] | None:
    return {"X-Registry-Auth": auth} if auth else None
