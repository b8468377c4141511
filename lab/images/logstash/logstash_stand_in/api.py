# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The monitoring API on port 9600, with the response format of Logstash."""

from __future__ import annotations

import json
import os
import resource
import socket
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from . import VERSION
from .errors import ConfigurationError

if TYPE_CHECKING:
    from .pipeline import Pipeline
    from .settings import Settings

_ORDER = ("green", "unknown", "yellow", "red")


class Monitor:
    """Creates the responses of the API as trees of plain values."""

    def __init__(self, settings: Settings, node_id: str, ids: list[str]) -> None:
        self._settings = settings
        self._id = node_id
        self._ephemeral = str(uuid.uuid4())
        self._started = time.monotonic()
        self.address = ""
        # None for a pipeline that did not start.
        self.pipelines: dict[str, Pipeline | None] = dict.fromkeys(ids)

    def about(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "host": socket.gethostname(),
            "version": VERSION,
            "http_address": self.address,
            "id": self._id,
            "name": settings["node.name"],
            "ephemeral_id": self._ephemeral,
            "snapshot": False,
            "status": self.health()["status"],
            "stand_in": True,
            "build_flavor": "stand-in",
            "pipeline": {
                "workers": settings["pipeline.workers"],
                "batch_size": settings["pipeline.batch.size"],
                "batch_delay": settings["pipeline.batch.delay"],
            },
        }

    def health(self) -> dict[str, Any]:
        by_name = {name: self._pipeline_health(one) for name, one in self.pipelines.items()}
        worst = max((one["status"] for one in by_name.values()), key=_ORDER.index, default="green")
        symptom = {"green": "1 indicator is healthy (`pipelines`)"}.get(
            worst, f"1 indicator is {worst} (`pipelines`)"
        )
        return {
            "status": worst,
            "symptom": symptom,
            "indicators": {
                "pipelines": {
                    "status": worst,
                    "symptom": f"{len(by_name)} pipelines, worst status {worst}",
                    "indicators": by_name,
                }
            },
        }

    @staticmethod
    def _pipeline_health(pipeline: Pipeline | None) -> dict[str, Any]:
        if pipeline is None:
            return {
                "status": "unknown",
                "symptom": "The pipeline is unknown; 1 area is impacted",
                "details": {"status": {"state": "UNKNOWN"}},
            }
        blocked = pipeline.blocked_seconds()
        status, diagnosis = "green", []
        if pipeline.state == "TERMINATED":
            status = "red"
        elif blocked >= 60:
            status = "red" if blocked >= 300 else "yellow"
            minutes, word = ("5m", "five minutes") if blocked >= 300 else ("1m", "one minute")
            diagnosis.append(
                {
                    "id": "logstash:health:pipeline:flow:worker_utilization:diagnosis:"
                    f"{minutes}-blocked",
                    "cause": f"pipeline workers have been completely blocked for at least {word}",
                    "action": "address bottleneck or add resources",
                }
            )
        answer: dict[str, Any] = {
            "status": status,
            "symptom": f"The pipeline is {'healthy' if status == 'green' else 'impaired'}",
            "details": {
                "status": {"state": pipeline.state},
                "flow": {"worker_utilization": {"last_1_minute": 100.0 if blocked >= 60 else 0.0}},
            },
        }
        if diagnosis:
            answer["diagnosis"] = diagnosis
        return answer

    def stats(self, name: str | None = None) -> dict[str, Any]:
        return {
            **self.about(),
            "pipelines": {
                key: one.stats() if one else None
                for key, one in self.pipelines.items()
                if name in (None, key)
            },
        }

    def node_stats(self) -> dict[str, Any]:
        running = [one for one in self.pipelines.values() if one]
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            **self.stats(),
            "jvm": {
                "uptime_in_millis": int((time.monotonic() - self._started) * 1000),
                "mem": {"heap_used_in_bytes": usage.ru_maxrss * 1024},
            },
            "process": {
                "open_file_descriptors": len(os.listdir("/proc/self/fd")),
                "cpu": {"total_in_millis": int((usage.ru_utime + usage.ru_stime) * 1000)},
            },
            "events": {
                "in": sum(one.events_in for one in running),
                "filtered": sum(one.events_filtered for one in running),
                "out": sum(one.events_out for one in running),
            },
            "reloads": {"successes": 0, "failures": 0},
        }

    def answer(self, path: str) -> dict[str, Any] | None:
        parts = [one for one in urlsplit(path).path.split("/") if one]
        if not parts:
            return self.about()
        if parts == ["_health_report"]:
            return {**self.about(), **self.health()}
        if parts == ["_node"]:
            return self.about()
        if parts == ["_node", "stats"]:
            return self.node_stats()
        if parts[:3] == ["_node", "stats", "pipelines"]:
            if len(parts) == 3:
                return self.stats()
            return self.stats(parts[3]) if len(parts) == 4 and parts[3] in self.pipelines else None
        if parts[:2] == ["_node", "stats"] and len(parts) == 3:
            tree = self.node_stats()
            return {**self.about(), parts[2]: tree[parts[2]]} if parts[2] in tree else None
        return None


def serve(monitor: Monitor, settings: Settings) -> ThreadingHTTPServer:
    """Listen on the first free port of the range and serve in a thread."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments: Any) -> None:
            pass

        def do_GET(self) -> None:
            answer = monitor.answer(self.path)
            status = 200 if answer is not None else 404
            if answer is None:
                answer = {"path": self.path, "status": 404, "error": {"message": "Not Found"}}
            pretty = 2 if "pretty" in urlsplit(self.path).query else None
            body = json.dumps(answer, indent=pretty).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_GET

    host = settings["api.http.host"]
    for port in settings["api.http.port"]:
        try:
            server = ThreadingHTTPServer((host, port), Handler)
        except OSError:
            continue
        server.daemon_threads = True
        monitor.address = f"{host}:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.2,), daemon=True).start()
        return server
    raise ConfigurationError(
        f"Logstash tried to bind to port range {settings['api.http.port']}, "
        "but all the ports are already in use!"
    )
