# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of the Docker Engine API as services need, with bad days on order.

It listens on a unix socket or, with a TLS context, on a port.
"""

from __future__ import annotations

import base64
import copy
import json
import os
import re
import socketserver
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

NO_LEADER = (
    "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few "
    "managers are online. Make sure more than half of the managers are online."
)
NEVER_IN_SWARM = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect '
    "this node to swarm and try again."
)
WORKER = (
    "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. "
    "Please run this command on a manager node or promote the current node to a manager."
)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    engine: FakeEngine


class _TlsServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    engine: FakeEngine
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the thread of the connection: a client that breaks off a handshake stops nobody else.
        try:
            secured = self.context.wrap_socket(request, server_side=True)
        except OSError:
            return
        super().finish_request(secured, client_address)
        secured.close()


def meets(template: dict[str, Any]) -> bool:
    """Whether the one node, m1, meets the constraints; as far as tests use them."""
    constraints = (template.get("Placement") or {}).get("Constraints") or ()
    return all("m1" in one or "!=" in one for one in constraints)


class FakeEngine:
    """A swarm of one node whose tasks run as soon as they are asked for."""

    def __init__(self, folder: Path, tls: ssl.SSLContext | None = None) -> None:
        self.path = str(folder / "engine.sock")
        self.tls = tls
        self.calls: list[tuple[str, str]] = []
        self.services: dict[str, dict[str, Any]] = {}
        self.tasks: list[dict[str, Any]] = []
        self.objects: dict[str, dict[str, dict[str, Any]]] = {"configs": {}, "secrets": {}}
        self.networks = {"backend": "net1"}
        self.digest = "sha256:" + "d" * 64
        # Running containers with their processes, ended ones with their exit codes, and what
        # commands in them say, one after the other; the last again and again.
        self.containers: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        self.exec_answers: list[Any] = [""]
        # What the host has, what its registry asks for, and what came with each request.
        self.images: list[str] = []
        self.registry_login: dict[str, str] | None = None
        self.logins: list[dict[str, str] | None] = []
        # Bad days.
        self.api_version = "1.41"
        self.out_of_sequence = 0
        self.refusals: list[tuple[str, int, str]] = []
        self.refuse_always: tuple[int, str] | None = None
        self.silent = False
        self.task_error = ""
        # How far the tasks of a job have come, and whether programs of services end.
        self.job_state = "complete"
        self.programs_end = False
        self.forget_updates = 0
        # States of the rollback of an update, one for each look at the service; the last one stays.
        self.rolls_back: list[str] = []
        # Looks at the service until the first task runs, which a rollback has left to itself.
        self.comes_back_after = 0
        self.versions: set[str] = set()
        self._index = 10
        self._lock = threading.RLock()

    @property
    def host(self) -> str:
        if self.tls is not None:
            return f"https://127.0.0.1:{self._server.server_address[1]}"
        return f"unix://{self.path}"

    def __enter__(self) -> Self:
        self._server: socketserver.BaseServer
        if self.tls is not None:
            secure = self._server = _TlsServer(("127.0.0.1", 0), _Handler)
            secure.engine, secure.context = self, self.tls
        else:
            plain = self._server = _Server(self.path, _Handler)
            plain.engine = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self.tls is None:
            os.unlink(self.path)

    def writes(self) -> list[str]:
        return [f"{method} {path}" for method, path in self.calls if method != "GET"]

    def index(self) -> int:
        self._index += 1
        return self._index

    # -- what the swarm does -----------------------------------------------------------------

    def schedule(self, service: dict[str, Any]) -> None:
        """Replace the tasks whose specification differs, and fill up to the number asked for."""
        template = {k: v for k, v in service["Spec"]["TaskTemplate"].items() if k != "Runtime"}
        mine = [t for t in self.tasks if t["ServiceID"] == service["ID"]]
        if "JobStatus" in service:
            self._run_job(service, template)
            return
        endpoint = service["Spec"].get("EndpointSpec")
        for task in mine:
            # As IsTaskDirty of swarmkit does: a task stays if only its placement differs, whatever
            # the endpoint says, as long as its node meets the constraints.
            before, after = ({**one, "Placement": None} for one in (task["Spec"], template))
            placed = task["Spec"].get("Placement") == template.get("Placement")
            if before == after and not placed and meets(template):
                continue
            if task["Spec"] != template or task["Endpoint"]["Spec"] != endpoint:
                task["DesiredState"] = task["Status"]["State"] = "shutdown"
        mode = service["Spec"]["Mode"]
        wanted = mode["Replicated"]["Replicas"] if "Replicated" in mode else 1
        alive = [t for t in mine if t["DesiredState"] == "running"]
        for task in alive[wanted:]:
            task["DesiredState"], task["Status"]["State"] = "remove", "shutdown"
        for slot in range(len(alive) + 1, wanted + 1):
            for _attempt in range(2 if self.task_error else 1):
                self._start(service, template, slot)
            if self.programs_end:
                self.tasks[-1]["Status"]["State"] = "complete"
                self.tasks[-1]["DesiredState"] = "shutdown"
                self._start(service, template, slot)
                self.tasks[-1]["Status"].update(State="ready", Message="prepared")

    def _run_job(self, service: dict[str, Any], template: dict[str, Any]) -> None:
        """Every change of a job starts all of its tasks again."""
        mode = service["Spec"]["Mode"]
        wanted = mode["ReplicatedJob"]["TotalCompletions"] if "ReplicatedJob" in mode else 1
        for slot in range(wanted):
            for _attempt in range(2 if self.task_error else 1):
                self._start(service, template, slot)
                task = self.tasks[-1]
                task["JobIteration"] = {"Index": service["JobStatus"]["JobIteration"]["Index"]}
                task["DesiredState"] = "complete"
                if not self.task_error:
                    task["Status"]["State"] = self.job_state

    def _start(self, service: dict[str, Any], template: dict[str, Any], slot: int) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z", time.gmtime())
        failed = bool(self.task_error)
        self.tasks.append(
            {
                "ID": f"task{self.index()}",
                "ServiceID": service["ID"],
                "NodeID": "n1",
                "Slot": slot,
                "Spec": copy.deepcopy(template),
                "Endpoint": {"Spec": copy.deepcopy(service["Spec"].get("EndpointSpec"))},
                "DesiredState": "shutdown" if failed else "running",
                "CreatedAt": now,
                "UpdatedAt": now,
                "Status": {
                    "State": "rejected" if failed else "running",
                    "Err": self.task_error,
                    "Timestamp": now,
                },
            }
        )

    def in_use(self, object_id: str) -> bool:
        return any(object_id in json.dumps(service["Spec"]) for service in self.services.values())

    # -- requests ----------------------------------------------------------------------------

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        url = urlsplit(target)
        prefix, path = re.fullmatch(r"(?:/v([\d.]+))?(/.*)", unquote(url.path)).groups()
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        with self._lock:
            self.calls.append((method, path))
            if path == "/_ping":
                return 200, "OK"
            self.versions.add(prefix)
            if self.refuse_always:
                return self.refuse_always[0], {"message": self.refuse_always[1]}
            for position, (pattern, status, message) in enumerate(self.refusals):
                if re.fullmatch(pattern, f"{method} {path}"):
                    del self.refusals[position]
                    return status, {"message": message}
            first, *rest = path.strip("/").split("/")
            handler = getattr(self, f"_{first}", None)
            if handler is None:
                return 404, {"message": "page not found"}
            return handler(method, rest, query, body)

    def _find(self, name: str) -> dict[str, Any] | None:
        for service in self.services.values():
            if name in (service["ID"], service["Spec"]["Name"]) or service["ID"].startswith(name):
                return service
        return None

    def _services(self, method: str, rest: list[str], query: Any, body: Any) -> tuple[int, Any]:
        if not rest:
            return 200, list(self.services.values())
        if rest == ["create"]:
            if self._find(body["Name"]):
                return 409, {"message": "name conflicts with an existing object"}
            service = {"ID": f"svc{self.index()}", "Spec": self._filled(body)}
            service["Version"] = {"Index": self.index()}
            if service["Spec"]["Mode"].keys() & {"ReplicatedJob", "GlobalJob"}:
                if body.get("UpdateConfig"):
                    return 400, {"message": "Jobs may not have an update config"}
                service["JobStatus"] = {"JobIteration": {"Index": 0}}
            self.services[service["ID"]] = service
            self.schedule(service)
            return 201, {"ID": service["ID"]}
        found = self._find(rest[0])
        if found is None:
            return 404, {"message": f"service {rest[0]} not found"}
        if method == "DELETE":
            del self.services[found["ID"]]
            self.tasks = [t for t in self.tasks if t["ServiceID"] != found["ID"]]
            return 200, None
        if rest[1:] == ["update"]:
            if self.out_of_sequence:
                self.out_of_sequence -= 1
                found["Version"]["Index"] = self.index()
            if int(query["version"]) != found["Version"]["Index"]:
                return 500, {"message": "rpc error: code = Unknown desc = update out of sequence"}
            found["Version"]["Index"] = self.index()
            if self.rolls_back:
                # By now the former specification is the present one again.
                template = self._filled(body)["TaskTemplate"]
                self._start(found, {k: v for k, v in template.items() if k != "Runtime"}, 1)
                self.tasks[-1]["DesiredState"] = "shutdown"
                self.tasks[-1]["Status"].update(State="failed", Err="task: non-zero exit (1)")
                return 200, {"Warnings": None}
            found.pop("UpdateStatus", None)
            found["Spec"] = self._filled(body)
            if "JobStatus" in found:
                found["JobStatus"]["JobIteration"]["Index"] += 1
            if self.forget_updates:
                self.forget_updates -= 1
            else:
                self.schedule(found)
            return 200, {"Warnings": None}
        if self.rolls_back:
            state = self.rolls_back.pop(0) if len(self.rolls_back) > 1 else self.rolls_back[0]
            if any(task["Status"]["State"] == "failed" for task in self.tasks):
                found["UpdateStatus"] = {"State": state, "Message": "it failed"}
                self.comes_back_after = max(0, self.comes_back_after - 1)
                self.tasks[0]["Status"]["State"] = "ready" if self.comes_back_after else "running"
        return 200, found

    def _filled(self, spec: dict[str, Any]) -> dict[str, Any]:
        """What a real Engine adds to a specification, without what it does not know."""
        filled = copy.deepcopy(spec)
        for block in ("UpdateConfig", "RollbackConfig"):
            # It leaves out a delay of 0.
            if filled.get(block) and not filled[block].get("Delay"):
                filled[block].pop("Delay", None)
        if tuple(map(int, self.api_version.split("."))) < (1, 44):
            check = filled["TaskTemplate"]["ContainerSpec"].get("Healthcheck") or {}
            check.pop("StartInterval", None)
            (filled["TaskTemplate"]["ContainerSpec"].get("Privileges") or {}).clear()
        filled.setdefault("Labels", {})
        task = filled["TaskTemplate"]
        task["ContainerSpec"].setdefault("Isolation", "default")
        task.setdefault("ForceUpdate", 0)
        task.setdefault("Runtime", "container")
        return filled

    def _tasks(self, _method: str, _rest: Any, query: Any, _body: Any) -> tuple[int, Any]:
        wanted = json.loads(query.get("filters", "{}")).get("service")
        return 200, [t for t in self.tasks if not wanted or t["ServiceID"] in wanted]

    def _nodes(self, *_: Any) -> tuple[int, Any]:
        node = {
            "ID": "n1",
            "Spec": {"Role": "manager", "Availability": "active", "Labels": {}},
            "Description": {"Hostname": "m1", "Platform": {"OS": "linux"}},
            "Status": {"State": "ready", "Addr": "192.0.2.1"},
        }
        return 200, [node]

    def _networks(self, _method: str, rest: list[str], *_: Any) -> tuple[int, Any]:
        for name, ident in self.networks.items():
            if rest[0] in (name, ident):
                return 200, {"Name": name, "Id": ident, "Scope": "swarm"}
        return 404, {"message": f"network {rest[0]} not found"}

    def _distribution(self, *_: Any) -> tuple[int, Any]:
        return 200, {"Descriptor": {"digest": self.digest}}

    def _images(self, method: str, rest: list[str], query: Any, _body: Any) -> tuple[int, Any]:
        if method == "POST":
            name, login = query["fromImage"], self.logins[-1]
            if login != self.registry_login:
                told = {"error": f"Get https://{name}: no basic auth credentials"}
                return 200, json.dumps({"status": "Pulling"}) + "\n" + json.dumps(told) + "\n"
            self.images.append(name)
            return 200, '{"status": "Pulling"}\n{"status": "Downloaded"}\n'
        name = "/".join(rest[:-1])
        if name in self.images:
            return 200, {"Id": "sha256:" + "1" * 64}
        return 404, {"message": f"No such image: {name}"}

    def _containers(self, _method: str, rest: list[str], *_: Any) -> tuple[int, Any]:
        if rest == ["json"]:
            return 200, [{"Id": name, "Created": 1} for name in self.containers]
        name, verb = rest
        if verb == "exec":
            return 201, {"Id": "exec1"}
        if name in self.ended:
            return 200, {"State": {"Running": False, "Pid": 0, "ExitCode": self.ended[name]}}
        if name in self.containers:
            return 200, {"State": {"Running": True, "Pid": self.containers[name]}}
        return 404, {"message": f"No such container: {name}"}

    def _exec(self, *_: Any) -> tuple[int, Any]:
        answer = self.exec_answers[0]
        if len(self.exec_answers) > 1:
            del self.exec_answers[0]
        return 200, answer

    def _configs(self, *arguments: Any) -> tuple[int, Any]:
        return self._objects("configs", *arguments)

    def _secrets(self, *arguments: Any) -> tuple[int, Any]:
        return self._objects("secrets", *arguments)

    def _objects(
        self, kind: str, method: str, rest: list[str], query: Any, body: Any
    ) -> tuple[int, Any]:
        held = self.objects[kind]
        if rest == ["create"]:
            ident = f"{kind[:3]}{self.index()}"
            spec = dict(body) if kind == "configs" else {k: body[k] for k in ("Name", "Labels")}
            held[ident] = {"ID": ident, "Spec": spec}
            return 201, {"ID": ident}
        if method == "DELETE":
            if self.in_use(rest[0]):
                word = kind[:-1]
                return 400, {"message": f"{word} 'x' is in use by the following service: y"}
            del held[rest[0]]
            return 204, None
        prefixes = json.loads(query.get("filters", "{}")).get("name") or [""]
        return 200, [o for o in held.values() if o["Spec"]["Name"].startswith(tuple(prefixes))]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server | _TlsServer

    def _do(self) -> None:
        engine = self.server.engine
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        archive = self.headers.get("Content-Type") == "application/x-tar"
        body = raw if archive else json.loads(raw or b"null")
        auth = self.headers.get("X-Registry-Auth")
        engine.logins.append(json.loads(base64.urlsafe_b64decode(auth)) if auth else None)
        status, answer = engine.answer(self.command, self.path, body)
        if engine.silent and not self.path.endswith("_ping"):
            time.sleep(1.5)
            self.close_connection = True
            return
        if answer is None or isinstance(answer, bytes):
            data = answer or b""
        else:
            data = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("Api-Version", engine.api_version)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _do

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: Any) -> None:
        """A test wants to see its own output only."""
