# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fake Elasticsearch for bad days: real sockets, real TLS, scripted answers, every call logged.

A `FakeCluster` behaves well by itself: it keeps users, tokens, templates, settings, indices and
documents, wraps and rewrites them as Elasticsearch does, and answers on as many nodes as asked for.

    cluster = FakeCluster(nodes=["m1", "m2"])
    with cluster:
        urls = cluster.urls                       # one loopback url per node
        cluster.health.then(status="red").then(status="green")
        cluster.script("GET", "/", Answer(503))   # the next GET / of any node; then as usual
        cluster.node("m1").script("PUT", "/_index_template/.*", DROP, times=FOREVER)
        cluster.node("m2").stop()                 # connection refused from now on
        ...
        assert cluster.changes() == ["PUT /_index_template/logs"]

Scripts are looked at before the model, those of the node first, oldest first.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

FOREVER = -1
READS = frozenset({"GET", "HEAD"})
# POSTs that change nothing.
QUERIES = re.compile(r"/(_search|_pit|_refresh|_count)$|^/_pit$")


@dataclass(frozen=True)
class Answer:
    """One answer. `keep` cuts the body after so many bytes: `lie` says whether Content-Length still
    promises the whole (the connection then breaks off) or fits what is sent (half a JSON text)."""

    status: int = 200
    body: Any = None
    delay: float = 0.0
    keep: int | None = None
    lie: bool = False
    drop: bool = False


# The connection is closed without a word.
DROP = Answer(drop=True)


def error(status: int, kind: str, reason: str) -> Answer:
    cause = {"type": kind, "reason": reason}
    return Answer(status, {"error": {"root_cause": [cause], **cause}, "status": status})


def no_handler(method: str, path: str) -> Answer:
    """What a server says whose build lacks the feature."""
    return Answer(400, {"error": f"no handler found for uri [{path}] and method [{method}]"})


def wrong_method(method: str, path: str) -> Answer:
    reason = f"Incorrect HTTP method for uri [{path}] and method [{method}], allowed: [GET]"
    return Answer(405, {"error": reason, "status": 405})


@dataclass(frozen=True)
class Call:
    """One request as it came in, and the status that went out."""

    node: str
    method: str
    path: str
    query: dict[str, str]
    body: Any
    login: str
    status: int

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Script:
    method: str
    pattern: re.Pattern[str]
    answers: list[Answer | Callable[[Request], Answer]]
    times: int

    def take(self, request: Request) -> Answer | None:
        if self.times == 0 or not self.answers:
            return None
        if self.method not in (request.method, "*") or not self.pattern.fullmatch(request.path):
            return None
        answer = self.answers[0]
        if self.times == FOREVER and len(self.answers) == 1:
            pass
        elif len(self.answers) > 1:
            self.answers.pop(0)
        else:
            self.times -= 1
        return answer(request) if callable(answer) else answer


@dataclass(frozen=True)
class Request:
    node: FakeNode
    method: str
    path: str
    query: dict[str, str]
    body: Any
    user: str | None
    login: str

    @property
    def parts(self) -> list[str]:
        return [unquote(part) for part in self.path.strip("/").split("/")]


class Health:
    """The health to answer with: `then` queues one look after the other, the last one stays."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster
        self._queue: list[dict[str, Any]] = []
        self.now: dict[str, Any] = {"status": "green"}

    def then(self, **values: Any) -> Health:
        self._queue.append(values)
        return self

    def look(self) -> dict[str, Any]:
        if self._queue:
            self.now = self._queue.pop(0)
        count = len(self._cluster.joined)
        return {
            "cluster_name": self._cluster.name,
            "timed_out": False,
            "number_of_nodes": count,
            "number_of_data_nodes": count,
            "active_primary_shards": 3,
            "active_shards": 6,
            "relocating_shards": 0,
            "initializing_shards": 0,
            "unassigned_shards": 0,
            "unassigned_primary_shards": 0,
            "number_of_in_flight_fetch": 0,
            **self.now,
        }


class FakeNode:
    """One address of a cluster."""

    def __init__(self, cluster: FakeCluster, name: str, tls: ssl.SSLContext | None) -> None:
        self.cluster = cluster
        self.name = name
        self.id = base64.urlsafe_b64encode(name.encode()).decode()
        # None: that of the cluster; "_na_": has not joined one yet.
        self.cluster_uuid: str | None = None
        self.scripts: list[Script] = []
        self._tls = tls
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.node = self
        if tls is not None:
            # The handshake belongs into the connection's own thread: a client that breaks it off
            # must not hold up the others.
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        self.running = True

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    def script(
        self,
        method: str,
        path: str,
        *answers: Answer | Callable[[Request], Answer],
        times: int = 1,
    ) -> None:
        """Answer the next matching requests so; of several answers the last is given `times`."""
        self.scripts.append(Script(method, re.compile(path), list(answers), times))

    def stop(self) -> None:
        if self.running:
            self.running = False
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


class FakeCluster:
    """The model behind the nodes. Its attributes may be set and read freely by tests."""

    def __init__(
        self,
        nodes: Iterable[str] = ("m1",),
        *,
        tls: ssl.SSLContext | None = None,
        password: str = "a-password-of-the-test",
    ) -> None:
        self.name = "elk"
        self.uuid = "uuid-" + uuid.uuid4().hex[:16]
        self.version = "9.2.4"
        self.lock = threading.RLock()
        self.calls: list[Call] = []
        self.scripts: list[Script] = []
        self.passwords: dict[str, str] = {"elastic": password}
        self.users: dict[str, dict[str, Any]] = {
            name: {
                "username": name,
                "roles": [role],
                "full_name": None,
                "email": None,
                "metadata": {"_reserved": True},
                "enabled": True,
            }
            for name, role in (("elastic", "superuser"), ("kibana_system", "kibana_system"))
        }
        self.passwords["kibana_system"] = uuid.uuid4().hex
        # (account, name) -> value
        self.tokens: dict[tuple[str, str], str] = {}
        self.stores: dict[str, dict[str, Any]] = {name: {} for name in STORES}
        self.settings: dict[str, dict[str, str]] = {"persistent": {}, "transient": {}}
        self.indices: dict[str, dict[str, Any]] = {}
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self._points_in_time: dict[str, list[tuple[tuple[str, str], dict[str, Any]]]] = {}
        # What each repository holds, and how many of a hundred bytes are free on a node's disk.
        self.snapshots: dict[str, list[dict[str, Any]]] = {}
        self.free: dict[str, int] = {}
        self.voting_exclusions: list[dict[str, str]] = []
        # None: a server that was built without it.
        self.deprecations: dict[str, Any] | None = None
        self.health = Health(self)
        self.nodes = [FakeNode(self, name, tls) for name in nodes]
        # The names in the cluster state; may hold more or fewer than the nodes that answer.
        self.joined = [node.name for node in self.nodes]
        # The first of them unless a test elects another, or nobody.
        self.master: str | None = None

    # Life

    def __enter__(self) -> FakeCluster:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    @property
    def urls(self) -> list[str]:
        return [node.url for node in self.nodes]

    def node(self, name: str) -> FakeNode:
        return next(node for node in self.nodes if node.name == name)

    def script(
        self,
        method: str,
        path: str,
        *answers: Answer | Callable[[Request], Answer],
        times: int = 1,
    ) -> None:
        """As FakeNode.script, for whichever node is asked."""
        self.scripts.append(Script(method, re.compile(path), list(answers), times))

    # Reading the log

    def changes(self) -> list[str]:
        """The calls that were meant to change something, in order."""
        return [
            str(call)
            for call in self.calls
            if call.method not in READS and not QUERIES.search(call.path)
        ]

    def called(self, method: str, path: str = ".*") -> list[Call]:
        pattern = re.compile(path)
        return [
            call for call in self.calls if call.method == method and pattern.fullmatch(call.path)
        ]

    # Answering

    def answer(self, request: Request) -> Answer:
        with self.lock:
            for script in [*request.node.scripts, *self.scripts]:
                scripted = script.take(request)
                if scripted is not None:
                    return scripted
            if request.user is None:
                return error(401, "security_exception", "unable to authenticate")
            for pattern, handler in HANDLERS:
                if pattern.fullmatch(request.path):
                    return handler(self, request)
            return no_handler(request.method, request.path)

    def who(self, authorization: str | None) -> tuple[str | None, str]:
        """The user behind the header (None if it is not valid), and what the header claims."""
        kind, _space, value = (authorization or "").partition(" ")
        if kind == "Basic":
            name, _colon, password = base64.b64decode(value).decode().partition(":")
            known = self.users.get(name, {})
            valid = self.passwords.get(name) == password and known.get("enabled", False)
            return (name if valid else None), name
        if kind == "Bearer":
            for (account, name), token in self.tokens.items():
                if token == value:
                    return account, f"token {name}"
            return None, "token"
        return None, "nobody"

    def add_user(self, name: str, password: str, **values: Any) -> None:
        self.passwords[name] = password
        self.users[name] = {**NEW_USER, "username": name, **values}

    def add_document(self, alias: str, source: dict[str, Any]) -> str:
        """Index a document behind an alias, as the log shipper would."""
        with self.lock:
            index = self.resolve(alias)[0] if self.resolve(alias) else alias
            self.indices.setdefault(index, {"aliases": {}, "mappings": {}, "settings": {}})
            key = uuid.uuid4().hex[:20]
            self.documents[(index, key)] = source
            return key

    def resolve(self, name: str) -> list[str]:
        """The indices behind a name, an alias or a pattern."""
        pattern = re.compile(re.escape(name).replace(r"\*", ".*"))
        return [
            index
            for index, value in self.indices.items()
            if pattern.fullmatch(index) or name in value["aliases"]
        ]

    # The model, path by path

    def _root(self, request: Request) -> Answer:
        own = request.node.cluster_uuid
        return Answer(
            body={
                "name": request.node.name,
                "cluster_name": self.name,
                "cluster_uuid": self.uuid if own is None else own,
                "version": {"number": self.version},
                "tagline": "You Know, for Search",
            }
        )

    def _health(self, _request: Request) -> Answer:
        return Answer(body=self.health.look())

    def _state(self, request: Request) -> Answer:
        if request.parts[2] == "metadata":
            votes = {"voting_config_exclusions": self.voting_exclusions}
            about = {"metadata": {"cluster_coordination": votes}}
            # The filter leaves nothing of what is empty.
            return Answer(body=about if self.voting_exclusions else {})

        ids = {node.name: node.id for node in self.nodes}

        def identity(name: str) -> str:
            return ids.get(name) or base64.urlsafe_b64encode(name.encode()).decode()

        elected = (self.joined or [""])[0] if self.master is None else self.master

        return Answer(
            body={
                "cluster_name": self.name,
                "cluster_uuid": self.uuid,
                "master_node": identity(elected) if elected else None,
                "nodes": {
                    identity(name): {
                        "name": name,
                        "version": self.version,
                        "roles": ["master", "data"],
                    }
                    for name in self.joined
                },
            }
        )

    def _votes(self, request: Request) -> Answer:
        if request.method == "DELETE":
            self.voting_exclusions = []
        else:
            known = {node.id: node.name for node in self.nodes if node.name in self.joined}
            ids = {name: node_id for node_id, name in known.items()}
            wanted = [
                *((ids.get(name, "_absent_"), name) for name in listed(request, "node_names")),
                *((one, known.get(one, "_absent_")) for one in listed(request, "node_ids")),
            ]
            self.voting_exclusions += [
                one
                for node_id, name in wanted
                if (one := {"node_id": node_id, "node_name": name}) not in self.voting_exclusions
            ]
        # A success has no body.
        return Answer()

    def _cluster_settings(self, request: Request) -> Answer:
        if request.method == "GET":
            flat = request.query.get("flat_settings") == "true"
            found = {
                scope: dict(values) if flat else nest(values)
                for scope, values in self.settings.items()
            }
            if request.query.get("include_defaults") == "true":
                found["defaults"] = DEFAULTS
            return Answer(body=found)
        for scope in ("persistent", "transient"):
            for key, value in flatten(request.body.get(scope) or {}).items():
                if value is None:
                    self.settings[scope].pop(key, None)
                else:
                    self.settings[scope][key] = as_text(value)
        return Answer(body={"acknowledged": True, **self.settings})

    def _store(self, request: Request) -> Answer:
        family = next(name for name in STORES if request.path.startswith(f"/{name}/"))
        store, name = self.stores[family], request.parts[-1]
        rule = STORES[family]
        if request.method in ("GET", "HEAD"):
            if name not in store:
                return error(404, "resource_not_found_exception", f"[{name}] not found")
            return Answer(body=rule.show(name, store[name]))
        if request.method == "PUT":
            store[name] = rule.keep(request.body)
            return Answer(body={"acknowledged": True})
        if request.method == "DELETE":
            if store.pop(name, None) is None:
                return error(404, "resource_not_found_exception", f"[{name}] not found")
            return Answer(body={"acknowledged": True})
        return wrong_method(request.method, request.path)

    def _repositories(self, _request: Request) -> Answer:
        return Answer(body=self.stores["_snapshot"])

    def _snapshots_of(self, request: Request) -> Answer:
        name = request.parts[1]
        if name not in self.stores["_snapshot"]:
            return error(404, "repository_missing_exception", f"[{name}] missing")
        return Answer(body={"snapshots": self.snapshots.get(name, [])})

    def _allocation(self, _request: Request) -> Answer:
        return Answer(
            body=[
                {"node": name, "disk.avail": str(self.free.get(name, 50)), "disk.total": "100"}
                for name in self.joined
            ]
        )

    def _shards(self, _request: Request) -> Answer:
        return Answer(body=[])

    def _blocks(self, request: Request) -> Answer:
        key = request.parts[2]
        return Answer(
            body={
                index: {"settings": {key: value["settings"][key]}}
                for index, value in self.indices.items()
                if key in value["settings"]
            }
        )

    def _deprecations(self, request: Request) -> Answer:
        if self.deprecations is None:
            return no_handler(request.method, request.path)
        return Answer(body=self.deprecations)

    def _authenticate(self, request: Request) -> Answer:
        return Answer(body={"username": request.user, "enabled": True})

    def _user(self, request: Request) -> Answer:
        name = request.parts[2]
        if request.method == "GET":
            if name not in self.users:
                return Answer(404, {})
            return Answer(body={name: self.users[name]})
        if request.method == "DELETE":
            self.users.pop(name, None)
            return Answer(body={"found": True})
        body = dict(request.body)
        password = body.pop("password", None)
        if password is None and name not in self.users:
            return error(400, "validation_exception", "password must be specified")
        created = name not in self.users
        self.users[name] = {**NEW_USER, "username": name, **body}
        if password is not None:
            self.passwords[name] = password
        return Answer(body={"created": created})

    def _password(self, request: Request) -> Answer:
        if len(request.body["password"]) < 6:
            return error(400, "validation_exception", "passwords must be at least [6] characters")
        self.passwords[request.parts[2]] = request.body["password"]
        return Answer(body={})

    def _credentials(self, request: Request) -> Answer:
        account = "/".join(request.parts[2:4])
        names: dict[str, Any] = {name: {} for owner, name in self.tokens if owner == account}
        return Answer(
            body={"service_account": account, "count": len(names), "tokens": names},
        )

    def _token(self, request: Request) -> Answer:
        key = ("/".join(request.parts[2:4]), request.parts[-1])
        if request.method == "DELETE":
            if self.tokens.pop(key, None) is None:
                return Answer(404, {"found": False})
            return Answer(body={"found": True})
        if key in self.tokens:
            return error(409, "version_conflict_engine_exception", "token exists already")
        self.tokens[key] = "AAEAAW" + uuid.uuid4().hex
        return Answer(body={"created": True, "token": {"name": key[1], "value": self.tokens[key]}})

    def _alias(self, request: Request) -> Answer:
        found = [i for i, value in self.indices.items() if request.parts[1] in value["aliases"]]
        if not found:
            return error(404, "aliases_not_found_exception", "alias missing")
        return Answer(body={index: {"aliases": self.indices[index]["aliases"]} for index in found})

    def _index(self, request: Request) -> Answer:
        name = request.parts[0]
        found = self.resolve(name)
        if request.method in ("GET", "HEAD"):
            if not found:
                return error(404, "index_not_found_exception", f"no such index [{name}]")
            return Answer(body={index: self.indices[index] for index in found})
        if request.method == "DELETE":
            if name not in self.indices:
                return error(404, "index_not_found_exception", f"no such index [{name}]")
            del self.indices[name]
            return Answer(body={"acknowledged": True})
        if name in self.indices:
            return error(400, "resource_already_exists_exception", f"index [{name}] exists")
        empty: dict[str, Any] = {"aliases": {}, "mappings": {}, "settings": {}}
        self.indices[name] = {**empty, **(request.body or {})}
        return Answer(body={"acknowledged": True, "shards_acknowledged": True, "index": name})

    def _flush(self, _request: Request) -> Answer:
        return Answer(body={"_shards": {"total": 2, "successful": 2, "failed": 0}})

    def _refresh(self, request: Request) -> Answer:
        if not self.resolve(request.parts[0]):
            return error(404, "index_not_found_exception", "no such index")
        return Answer(body={"_shards": {"failed": 0}})

    def _matching(
        self, names: Sequence[str], query: dict[str, Any]
    ) -> list[tuple[tuple[str, str], dict[str, Any]]]:
        word = query["match_phrase"]["message"]
        term = re.compile(rf"\b{re.escape(word)}\b")
        return [
            (key, source)
            for key, source in self.documents.items()
            if key[0] in names and term.search(str(source.get("message", "")))
        ]

    def _search(self, request: Request) -> Answer:
        body = request.body
        if "pit" in body:
            found = self._points_in_time[body["pit"]["id"]]
            wanted = body["query"]["match_phrase"]["message"]
            found = [item for item in found if wanted in str(item[1].get("message"))]
        else:
            names = self.resolve(request.parts[0])
            if not names and request.query.get("ignore_unavailable") != "true":
                return error(404, "index_not_found_exception", "no such index")
            found = self._matching(names, body["query"])
        start = int(body.get("search_after", [-1])[0]) + 1
        page = found[start : start + int(body.get("size", 10))]
        return Answer(
            body={
                "_shards": {"total": 1, "successful": 1, "failed": 0},
                "hits": {
                    "total": {"value": len(found), "relation": "eq"},
                    "hits": [
                        {"_index": index, "_id": key, "_source": source, "sort": [start + number]}
                        for number, ((index, key), source) in enumerate(page)
                    ],
                },
            }
        )

    def _open_point(self, request: Request) -> Answer:
        names = self.resolve(request.parts[0])
        if not names:
            return error(404, "index_not_found_exception", "no such index")
        key = "pit" + uuid.uuid4().hex
        self._points_in_time[key] = [
            (at, source) for at, source in self.documents.items() if at[0] in names
        ]
        return Answer(body={"id": key})

    def _close_point(self, request: Request) -> Answer:
        self._points_in_time.pop(request.body["id"], None)
        return Answer(body={"succeeded": True})

    @property
    def open_points_in_time(self) -> int:
        return len(self._points_in_time)

    def _bulk(self, request: Request) -> Answer:
        items = []
        for line in request.body.splitlines():
            action = json.loads(line)["delete"]
            there = self.documents.pop((action["_index"], action["_id"]), None)
            items.append({"delete": {**action, "status": 200 if there is not None else 404}})
        return Answer(body={"errors": False, "items": items})


# A group that is a value as well is nested as Elasticsearch does it.
DEFAULTS: dict[str, Any] = {
    "cluster": {
        "routing": {
            "allocation": {
                "disk": {
                    "threshold_enabled": "true",
                    "watermark": {"high": "90%", "high.max_headroom": "150GB"},
                }
            }
        }
    }
}

NEW_USER: dict[str, Any] = {
    "roles": [],
    "full_name": None,
    "email": None,
    "metadata": {},
    "enabled": True,
}


def as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return str(value)


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, dict):
            flat.update(flatten(value, dotted + "."))
        else:
            flat[dotted] = value
    return flat


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        inner = nested
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return nested


@dataclass(frozen=True)
class Rule:
    """How a family of resources is rewritten when it is kept, and wrapped when it is shown."""

    show: Callable[[str, Any], Any]
    keep: Callable[[Any], Any] = field(default=lambda body: body)


def keep_template(body: dict[str, Any]) -> dict[str, Any]:
    """Settings below `index`, nested, as text; empty parts and all the rest as they are."""
    template = dict(body.get("template") or {})
    if template.get("settings"):
        flat = {
            key if key.startswith("index.") else f"index.{key}": as_text(value)
            for key, value in flatten(template["settings"]).items()
        }
        template["settings"] = nest(flat)
    return {"composed_of": [], **body, "template": template}


def listed(request: Request, name: str) -> list[str]:
    """The parts of a parameter that is a list; none if it is not given."""
    return [part for part in request.query.get(name, "").split(",") if part]


def keep_ilm(body: dict[str, Any]) -> dict[str, Any]:
    phases = {}
    for name, phase in body["policy"].get("phases", {}).items():
        actions = {key: dict(value) for key, value in phase.get("actions", {}).items()}
        if "delete" in actions:
            actions["delete"].setdefault("delete_searchable_snapshot", True)
        phases[name] = {"min_age": "0ms", **phase, "actions": actions}
    return {"policy": {**body["policy"], "phases": phases}}


def show_ilm(name: str, body: dict[str, Any]) -> dict[str, Any]:
    date = "2026-11-21T00:00:00.000Z"
    in_use: dict[str, Any] = {"indices": [], "data_streams": [], "composable_templates": []}
    return {name: {"version": 1, "modified_date": date, **body, "in_use_by": in_use}}


def keep_role(body: dict[str, Any]) -> dict[str, Any]:
    indices = [{"allow_restricted_indices": False, **item} for item in body.get("indices", [])]
    defaults: dict[str, Any] = {"cluster": [], "applications": [], "run_as": [], "metadata": {}}
    return {**defaults, **body, "indices": indices, "transient_metadata": {"enabled": True}}


STORES = {
    "_index_template": Rule(
        show=lambda name, body: {"index_templates": [{"name": name, "index_template": body}]},
        keep=keep_template,
    ),
    "_component_template": Rule(
        show=lambda name, body: {
            "component_templates": [{"name": name, "component_template": body}]
        },
        keep=keep_template,
    ),
    "_ilm/policy": Rule(show=show_ilm, keep=keep_ilm),
    "_security/role": Rule(show=lambda name, body: {name: body}, keep=keep_role),
    "_ingest/pipeline": Rule(show=lambda name, body: {name: body}),
    "_snapshot": Rule(show=lambda name, body: {name: body}),
}

HANDLERS: list[tuple[re.Pattern[str], Callable[[FakeCluster, Request], Answer]]] = [
    (re.compile(pattern), handler)
    for pattern, handler in (
        (r"/", FakeCluster._root),
        (r"/_cluster/health", FakeCluster._health),
        (r"/_cluster/state/.*", FakeCluster._state),
        (r"/_cluster/settings", FakeCluster._cluster_settings),
        (r"/_cluster/voting_config_exclusions", FakeCluster._votes),
        (r"/_cat/allocation", FakeCluster._allocation),
        (r"/_cat/shards", FakeCluster._shards),
        (r"/_all/_settings/.*", FakeCluster._blocks),
        (r"/_migration/deprecations", FakeCluster._deprecations),
        (r"/_snapshot", FakeCluster._repositories),
        (r"/_snapshot/[^/]+/_all", FakeCluster._snapshots_of),
        (r"/_security/_authenticate", FakeCluster._authenticate),
        (r"/_security/user/[^/]+", FakeCluster._user),
        (r"/_security/user/[^/]+/_password", FakeCluster._password),
        (r"/_security/service/[^/]+/[^/]+/credential", FakeCluster._credentials),
        (r"/_security/service/[^/]+/[^/]+/credential/token/[^/]+", FakeCluster._token),
        (rf"/({'|'.join(STORES)})/[^/]+", FakeCluster._store),
        (r"/_alias/[^/]+", FakeCluster._alias),
        (r"/[^/]+/_refresh", FakeCluster._refresh),
        (r"/_flush", FakeCluster._flush),
        (r"/([^/]+/)?_search", FakeCluster._search),
        (r"/[^/]+/_pit", FakeCluster._open_point),
        (r"/_pit", FakeCluster._close_point),
        (r"/_bulk", FakeCluster._bulk),
        (r"/[^_/][^/]*", FakeCluster._index),
    )
]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    node: FakeNode

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle, or refuses our certificate, is part of the day."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet, at once: Nagle's algorithm would cost 40 ms a call.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        self.request.settimeout(30)
        if hasattr(self.request, "do_handshake"):
            self.request.do_handshake()
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def _serve(self) -> None:
        node = self.server.node
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length).decode()
        ndjson = self.headers.get("Content-Type") == "application/x-ndjson"
        body: Any = raw if ndjson else (json.loads(raw) if raw else None)
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        user, login = node.cluster.who(self.headers.get("Authorization"))
        request = Request(node, self.command, parts.path, query, body, user, login)
        try:
            answer = node.cluster.answer(request)
        except Exception as problem:
            answer = error(500, "fake_broke", f"{type(problem).__name__}: {problem}")
        with node.cluster.lock:
            node.cluster.calls.append(
                Call(
                    node.name,
                    self.command,
                    parts.path,
                    query,
                    body,
                    login,
                    0 if answer.drop else answer.status,
                )
            )
        if answer.delay:
            time.sleep(answer.delay)
        if answer.drop:
            self.close_connection = True
            return
        payload = b"" if answer.body is None else json.dumps(answer.body).encode()
        sent = payload if answer.keep is None else payload[: answer.keep]
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload if answer.lie else sent)))
        if answer.lie:
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(sent)
        self.wfile.flush()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve


def free_port() -> int:
    """A port of the loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
