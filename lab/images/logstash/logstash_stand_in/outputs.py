# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outputs elasticsearch, file and stdout."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import codecs
from .elasticsearch import Pool, UnreachableError
from .errors import ConfigurationError
from .log import Logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from .event import Event

_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_BULK_LIMIT = 20 * 1024 * 1024


class AbortedError(Exception):
    """The pipeline stops, so the worker abandons the batch; its events were not delivered."""


class Context:
    """What an output and the worker that calls it share."""

    def __init__(self, stopping: Callable[[], bool]) -> None:
        self.stopping = stopping
        self.blocked_since: float | None = None


class Output:
    def __init__(self, name: str, options: dict[str, Any], pipeline: str) -> None:
        self.name = name
        self.options = options
        self.log = Logger(f"logstash.outputs.{name}", pipeline)
        self.events_in = 0
        self.events_out = 0
        self.seconds = 0.0

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def receive(self, events: list[Event], context: Context) -> None:
        raise NotImplementedError

    def deliver(self, events: list[Event], context: Context) -> None:
        self.events_in += len(events)
        begin = time.monotonic()
        try:
            self.receive(events, context)
        finally:
            self.seconds += time.monotonic() - begin
        self.events_out += len(events)

    def stats(self) -> dict[str, Any]:
        return {
            "id": self.options.get("id") or self.name,
            "name": self.name,
            "events": {
                "in": self.events_in,
                "out": self.events_out,
                "duration_in_millis": int(self.seconds * 1000),
            },
        }


class StdoutOutput(Output):
    def receive(self, events: list[Event], context: Context) -> None:  # noqa: ARG002
        sys.stdout.write("".join(codecs.encode(self.options["codec"], one) for one in events))
        sys.stdout.flush()


class FileOutput(Output):
    def __init__(self, name: str, options: dict[str, Any], pipeline: str) -> None:
        super().__init__(name, options, pipeline)
        if options["gzip"]:
            raise ConfigurationError("The stand-in does not write gzip files")
        self._lock = threading.Lock()
        if options["codec"][0] == "plain":
            # In Logstash the default for files is one JSON document per line.
            self._codec: tuple[str, dict[str, Any]] = ("json_lines", {})
        else:
            self._codec = options["codec"]

    def receive(self, events: list[Event], context: Context) -> None:  # noqa: ARG002
        mode = "w" if self.options["write_behavior"] == "overwrite" else "a"
        with self._lock:
            for event in events:
                path = Path(event.sprintf(self.options["path"]))
                path.parent.mkdir(parents=True, exist_ok=True)
                with open(path, mode, encoding="utf-8") as file:
                    file.write(codecs.encode(self._codec, event))


class DeadLetters:
    """A file of refused events, one JSON document per line, with a size limit."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / "1.log"
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self.dropped = 0

    def size(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def write(self, event: Event, reason: str) -> None:
        line = json.dumps({"event": event.to_document(), "reason": reason}) + "\n"
        with self._lock:
            if self.size() + len(line) > self._max_bytes:
                self.dropped += 1
                return
            with os.fdopen(
                os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w"
            ) as file:
                file.write(line)


class ElasticsearchOutput(Output):
    """Sends bulk requests until every event is stored or refused without a retry."""

    def __init__(self, name: str, options: dict[str, Any], pipeline: str) -> None:
        super().__init__(name, options, pipeline)
        self.dead_letters: DeadLetters | None = None
        self._check(options)
        self._action = options.get("action") or ("create" if self._data_stream() else "index")
        self._index = options.get("index") or "logstash-%{+YYYY.MM.dd}"
        if self._data_stream():
            self._index = "-".join(
                options[f"data_stream_{one}"] for one in ("type", "dataset", "namespace")
            )
        self._pool = Pool(options, self.log)
        self._path = options.get("bulk_path") or "/_bulk"
        self._documents: Counter[str] = Counter()
        self._requests: Counter[str] = Counter()
        self._responses: Counter[str] = Counter()

    def _data_stream(self) -> bool:
        return bool(self.options.get("data_stream") == "true")

    def _check(self, options: dict[str, Any]) -> None:
        if options.get("user") and options.get("api_key"):
            raise ConfigurationError(
                "Multiple authentication options are specified, please only "
                "use one of user/password, cloud_auth or api_key"
            )
        if options.get("user") and not options.get("password"):
            raise ConfigurationError("password is required with user")
        if (
            options.get("api_key")
            and not options.get("ssl_enabled")
            and not any(str(one).startswith("https:") for one in options["hosts"])
        ):
            raise ConfigurationError(
                "Using api_key authentication requires SSL/TLS secured "
                "communication using the `ssl_enabled => true` option"
            )
        if options.get("action") not in (None, "index", "create"):
            raise ConfigurationError(
                f"The stand-in has only the actions index and create, not {options['action']}"
            )
        if self._data_stream():
            wrong = [
                one for one in ("index", "document_id", "ilm_rollover_alias") if options.get(one)
            ]
            if wrong or options.get("action") not in (None, "create"):
                raise ConfigurationError(
                    "Invalid data stream configuration, following parameters "
                    f"are not supported: {', '.join(wrong or ['action'])}"
                )
        if options["manage_template"] and not self._data_stream():
            raise ConfigurationError(
                "The stand-in installs no template: set manage_template => false"
            )

    def start(self) -> None:
        self._pool.start()

    def stop(self) -> None:
        self._pool.stop()

    # -- one batch

    def receive(self, events: list[Event], context: Context) -> None:
        pending = [(self._encode(event), event) for event in events]
        chunk: list[tuple[bytes, Event]] = []
        size = 0
        for one in pending:
            if chunk and size + len(one[0]) > _BULK_LIMIT:
                self._deliver_chunk(chunk, context)
                chunk, size = [], 0
            chunk.append(one)
            size += len(one[0])
        if chunk:
            self._deliver_chunk(chunk, context)

    def _encode(self, event: Event) -> bytes:
        target: dict[str, Any] = {"_index": event.sprintf(self._index)}
        if self.options.get("document_id"):
            target["_id"] = event.sprintf(self.options["document_id"])
        if self.options.get("routing"):
            target["routing"] = event.sprintf(self.options["routing"])
        if self.options.get("pipeline"):
            target["pipeline"] = event.sprintf(self.options["pipeline"])
        document = event.to_document()
        if self._data_stream():
            kind, dataset, namespace = self._index.split("-", 2)
            document = {
                **document,
                "data_stream": {"type": kind, "dataset": dataset, "namespace": namespace},
            }
        text = _dumps({self._action: target}) + "\n" + _dumps(document) + "\n"
        return text.encode("utf-8", "backslashreplace")

    def _deliver_chunk(self, pending: list[tuple[bytes, Event]], context: Context) -> None:
        self._wait_for_first_connection(context)
        interval = float(self.options["retry_initial_interval"])
        while pending:
            responses = self._requests["with_errors"]
            pending = self._send(pending)
            if not pending:
                context.blocked_since = None
                return
            # As in Logstash, only refused requests end with a stop, refused documents do not.
            documents_refused = self._requests["with_errors"] > responses
            interval = self._pause(interval, context, can_stop=not documents_refused)

    def _wait_for_first_connection(self, context: Context) -> None:
        interval = float(self.options["retry_initial_interval"])
        first = self._pool.connected_once
        while not first.is_set():
            if context.blocked_since is None:
                context.blocked_since = time.monotonic()
            end = time.monotonic() + interval
            while time.monotonic() < end:
                if context.stopping():
                    raise AbortedError
                time.sleep(min(0.1, interval))
            interval = min(interval * 2, float(self.options["retry_max_interval"]))
        context.blocked_since = None

    def _pause(self, interval: float, context: Context, can_stop: bool) -> float:
        """Wait before the next try; check for a stop only after the wait, as Logstash does."""
        if context.blocked_since is None:
            context.blocked_since = time.monotonic()
        time.sleep(interval)
        if can_stop and context.stopping():
            raise AbortedError
        return min(interval * 2, float(self.options["retry_max_interval"]))

    def _send(self, pending: list[tuple[bytes, Event]]) -> list[tuple[bytes, Event]]:
        """Send one bulk request; return the events to send again."""
        try:
            status, body = self._pool.post(self._path, b"".join(one for one, _event in pending))
        except UnreachableError as error:
            self._requests["failures"] += 1
            self.log.error(
                "Attempted to send a bulk request but Elasticsearch appears to be "
                "unreachable or down",
                message=str(error),
            )
            return pending
        self._responses[str(status)] += 1
        if status == 413 and len(pending) > 1:
            half = len(pending) // 2
            return [*self._send(pending[:half]), *self._send(pending[half:])]
        if status != 200:
            return self._refused(status, body, pending)
        answer = json.loads(body)
        if not answer.get("errors"):
            self._requests["successes"] += 1
            self._documents["successes"] += len(pending)
            return []
        self._requests["with_errors"] += 1
        pairs = zip(pending, answer["items"], strict=True)
        return [one for one, item in pairs if self._retry(one[1], item)]

    def _refused(
        self, status: int, body: bytes, pending: list[tuple[bytes, Event]]
    ) -> list[tuple[bytes, Event]]:
        self._requests["failures"] += 1
        text = body[:500].decode("utf-8", "replace")
        if status in (400, 404, 413):
            self.log.error(
                "Got a bad response code from server, but this code is not considered "
                "retryable. Request will be dropped",
                code=status,
                body=text,
            )
            self._documents["non_retryable_failures"] += len(pending)
            return []
        level = self.log.warn if status in (401, 429, 503) else self.log.error
        level(
            "Encountered a retryable error (will retry with exponential backoff)",
            code=status,
            body=text,
            content_length=sum(len(one) for one, _event in pending),
        )
        return pending

    def _retry(self, event: Event, item: dict[str, Any]) -> bool:
        """Evaluate the response for one event; True if the event must be sent again."""
        answer = next(iter(item.values()))
        status = int(answer["status"])
        if 200 <= status < 300:
            self._documents["successes"] += 1
            return False
        if status == 409:
            self._documents["non_retryable_failures"] += 1
            if self._logged(answer):
                self.log.warn(
                    "Failed action", status=status, action=self._action, response=json.dumps(answer)
                )
            return False
        if status in (400, 404) or status in self.options["dlq_custom_codes"]:
            self._documents["dlq_routed"] += 1
            if self.dead_letters:
                self.dead_letters.write(event, json.dumps(answer.get("error")))
            else:
                self.log.warn(
                    "Could not index event to Elasticsearch.",
                    status=status,
                    action=self._action,
                    event=_dumps(event.to_document()),
                    response=json.dumps(answer),
                )
            return False
        self._documents["retryable_failures"] += 1
        if self._logged(answer):
            self.log.info(
                "Retrying failed action",
                status=status,
                action=self._action,
                error=json.dumps(answer.get("error")),
            )
        return True

    def _logged(self, answer: dict[str, Any]) -> bool:
        kind = (answer.get("error") or {}).get("type")
        return kind not in (self.options.get("silence_errors_in_log") or ())

    def stats(self) -> dict[str, Any]:
        return {
            **super().stats(),
            "documents": dict(self._documents),
            "bulk_requests": {**dict(self._requests), "responses": dict(self._responses)},
        }


OUTPUTS: dict[str, type[Output]] = {
    "elasticsearch": ElasticsearchOutput,
    "file": FileOutput,
    "stdout": StdoutOutput,
}
