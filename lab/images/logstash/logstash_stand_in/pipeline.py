# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pipeline: inputs write to a queue; workers run filters and outputs on batches from it."""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import lang, options
from .conditions import compile_condition
from .errors import ConfigurationError, ForcedQuitError
from .event import Event
from .filters import FILTERS, Filter
from .inputs import INPUTS, Input
from .log import Logger
from .outputs import OUTPUTS, AbortedError, Context, DeadLetters, ElasticsearchOutput, Output
from .queues import Batch, MemoryQueue, PersistedQueue, Queue
from .settings import Pace, Settings, read_config

# A stop that does not move in so many reports is stalled.
_STALLS = 3

Step = Callable[[Event], None]
Route = Callable[[Event], list[int]]


class Program:
    """The plugins of a pipeline, created from its text after a check."""

    def __init__(self, text: str, source: str, name: str, environment: Mapping[str, str]) -> None:
        self._name = name
        self._environment = environment
        self.inputs: list[Input] = []
        self.filters: list[Filter] = []
        self.outputs: list[Output] = []
        self.hash = hashlib.sha256(text.encode()).hexdigest()
        config = lang.parse(text, source)
        for node in config.inputs:
            if isinstance(node, lang.Branch):
                raise ConfigurationError("Conditions are not allowed in the input section")
            self.inputs.append(self._make(node, INPUTS))
        self._filter = self._steps(config.filters)
        self._route = self._routes(config.outputs)
        if not self.inputs:
            raise ConfigurationError("The stand-in needs at least one input")
        plugins: list[Any] = [*self.inputs, *self.filters, *self.outputs]
        ids = [one.options.get("id") for one in plugins]
        double = sorted({one for one in ids if one and ids.count(one) > 1})
        if double:
            raise ConfigurationError(f"Two plugins have the id {double[0]}, please fix this")

    def _make(self, node: lang.Plugin, table: Mapping[str, Any]) -> Any:
        checked = options.check(node, self._environment)
        kind = table[node.name]
        if node.kind == "filter":
            return kind(checked)
        return kind(node.name, checked, self._name)

    def _steps(self, nodes: list[lang.Node]) -> Step:
        steps: list[Step] = []
        for node in nodes:
            if isinstance(node, lang.Branch):
                steps.append(
                    self._branch(
                        [
                            (compile_condition(test) if test else None, self._steps(body))
                            for test, body in node.arms
                        ]
                    )
                )
            else:
                plugin = self._make(node, FILTERS)
                plugin.name = node.name
                self.filters.append(plugin)
                steps.append(plugin.run)

        def run(event: Event) -> None:
            for step in steps:
                step(event)

        return run

    @staticmethod
    def _branch(arms: list[tuple[Any, Step]]) -> Step:
        def run(event: Event) -> None:
            for test, body in arms:
                if test is None or test(event):
                    body(event)
                    return

        return run

    def _routes(self, nodes: list[lang.Node]) -> Route:
        parts: list[Route] = []
        for node in nodes:
            if isinstance(node, lang.Branch):
                parts.append(
                    self._choice(
                        [
                            (compile_condition(test) if test else None, self._routes(body))
                            for test, body in node.arms
                        ]
                    )
                )
            else:
                self.outputs.append(self._make(node, OUTPUTS))
                parts.append(self._always(len(self.outputs) - 1))
        if len(parts) == 1:
            return parts[0]
        return lambda event: [number for part in parts for number in part(event)]

    @staticmethod
    def _always(number: int) -> Route:
        numbers = [number]
        return lambda _event: numbers

    @staticmethod
    def _choice(arms: list[tuple[Any, Route]]) -> Route:
        def choose(event: Event) -> list[int]:
            for test, body in arms:
                if test is None or test(event):
                    return body(event)
            return []

        return choose

    def filter(self, event: Event) -> Event:
        self._filter(event)
        return event

    def deliver(self, events: list[Event], context: Context) -> None:
        if len(self.outputs) == 1 and self._route(events[0]) == [0]:
            rows = {0: [one for one in events if self._route(one)]}
        else:
            rows = {}
            for event in events:
                for number in self._route(event):
                    rows.setdefault(number, []).append(event)
        for number, row in rows.items():
            self.outputs[number].deliver(row, context)


class Pipeline:
    """A running pipeline with its queue and workers."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        self.settings = settings
        self.id: str = settings["pipeline.id"]
        self.log = Logger("logstash.javapipeline", self.id)
        self.program = Program(*read_config(settings), self.id, environment)
        self.state = "LOADING"
        self.ephemeral_id = str(uuid.uuid4())
        self.events_in = self.events_filtered = self.events_out = 0
        self.push_seconds = self.work_seconds = 0.0
        self.started = time.monotonic()
        self.failed = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._workers: list[threading.Thread] = []
        self._contexts: list[Context] = []
        self.queue: Queue | None = None
        self._pace = Pace.of(environment)
        self._queue_stats: dict[str, Any] = {}
        self.dead_letters: DeadLetters | None = None

    # -- life

    def start(self) -> None:
        """Open the queue, then start the outputs, the workers, and the inputs last."""
        settings = self.settings
        workers, size = settings["pipeline.workers"], settings["pipeline.batch.size"]
        if settings["queue.type"] == "persisted":
            self.queue = PersistedQueue(
                Path(settings["path.queue"]) / self.id,
                settings["queue.page_capacity"],
                settings["queue.max_bytes"],
                settings["queue.max_events"],
                settings["queue.checkpoint.acks"],
                settings["queue.checkpoint.writes"],
            )
        else:
            self.queue = MemoryQueue(workers * size * 2)
        if settings["dead_letter_queue.enable"]:
            self.dead_letters = DeadLetters(
                Path(settings["path.dead_letter_queue"]) / self.id,
                settings["dead_letter_queue.max_bytes"],
            )
        self.log.info(
            "Starting pipeline",
            pipeline_id=self.id,
            workers=workers,
            batch_size=size,
            queue=self.queue.kind,
        )
        for output in self.program.outputs:
            if isinstance(output, ElasticsearchOutput):
                output.dead_letters = self.dead_letters
            output.start()
        for number in range(workers):
            context = Context(self._stopping.is_set)
            self._contexts.append(context)
            worker = threading.Thread(
                target=self._work, args=(context,), daemon=True, name=f"[{self.id}]>worker{number}"
            )
            self._workers.append(worker)
            worker.start()
        try:
            for one in self.program.inputs:
                one.wake = self._pace.wake
                one.start(self._push)
        except OSError as error:
            self.stop()
            raise ConfigurationError(
                f"{one.name} cannot listen on {one.options['host']}:{one.options['port']}: "
                f"{error.strerror}"
            ) from error
        self._queue_stats = self.queue.stats()
        threading.Thread(target=self._count_queue, daemon=True).start()
        self.state = "RUNNING"
        self.log.info("Pipeline started", **{"pipeline.id": self.id})

    def stop(self) -> None:
        """Close the inputs, wait until the workers finish their batch, keep the queue."""
        if self.queue is None:
            return
        begun = time.monotonic()
        for one in self.program.inputs:
            one.stop()
        self._stopping.set()
        self.queue.close_for_writing()
        reported, stalls, delivered = begun, 0, self.events_out
        while any(worker.is_alive() for worker in self._workers):
            for worker in self._workers:
                worker.join(0.05)
            if time.monotonic() - reported >= self._pace.stall_report:
                reported = time.monotonic()
                stalls = stalls + 1 if self.events_out == delivered else 0
                delivered = self.events_out
                self.log.error(
                    "The shutdown process appears to be stalled due to busy or blocked "
                    "plugins. Check the logs for more information."
                )
                if stalls >= _STALLS and self.settings["pipeline.unsafe_shutdown"]:
                    raise ForcedQuitError
        self.queue.close()
        time.sleep(max(0.0, begun + self._pace.hang_up - time.monotonic()))
        for one in self.program.inputs:
            one.close()
        for output in self.program.outputs:
            output.stop()
        self.state = "TERMINATED"
        self.log.info("Pipeline terminated", **{"pipeline.id": self.id})

    def _count_queue(self) -> None:
        """Count for the API at intervals, as Logstash does: the API can be late."""
        assert self.queue is not None
        while not self._stopping.wait(self._pace.queue_stats):
            self._queue_stats = self.queue.stats()

    # -- data

    def _push(self, events: list[dict[str, Any]]) -> None:
        assert self.queue is not None
        begin = time.monotonic()
        self.queue.put(events)
        with self._lock:
            self.push_seconds += time.monotonic() - begin
            self.events_in += len(events)

    def _work(self, context: Context) -> None:
        assert self.queue is not None
        size = self.settings["pipeline.batch.size"]
        delay = self.settings["pipeline.batch.delay"] / 1000
        drain = self.queue.kind == "memory" or self.settings["queue.drain"]
        try:
            while (batch := self.queue.read(size, delay, drain)) is not None:
                if batch.events:
                    self._process(batch, context)
        except AbortedError:
            self.log.info(
                "Received signal to abort processing current batch. Terminating pipeline worker"
            )
        except Exception as error:
            self.log.error(
                "Pipeline worker error, the pipeline will be stopped",
                exception=type(error).__name__,
                error=str(error),
            )
            self.failed.set()

    def _process(self, batch: Batch, context: Context) -> None:
        assert self.queue is not None
        begin = time.monotonic()
        events = [self.program.filter(Event(data)) for data in batch.events]
        self.program.deliver(events, context)
        self.queue.ack(batch)
        with self._lock:
            # As in Logstash, filtered events count only when they are delivered.
            self.events_filtered += len(events)
            self.events_out += len(events)
            self.work_seconds += time.monotonic() - begin

    # -- for the monitoring API

    def blocked_seconds(self) -> float:
        """Seconds that all workers have been waiting for an output."""
        since = [one.blocked_since for one in self._contexts]
        starts = [one for one in since if one is not None]
        if not starts or len(starts) < len(since):
            return 0.0
        return time.monotonic() - max(starts)

    def stats(self) -> dict[str, Any]:
        uptime = max(time.monotonic() - self.started, 0.001)
        program = self.program
        busy = (
            100.0
            if self.blocked_seconds()
            else min(100.0, 100 * self.work_seconds / uptime / max(len(self._workers), 1))
        )
        tree: dict[str, Any] = {
            "events": {
                "in": self.events_in,
                "filtered": self.events_filtered,
                "out": self.events_out,
                "duration_in_millis": int(self.work_seconds * 1000),
                "queue_push_duration_in_millis": int(self.push_seconds * 1000),
            },
            "flow": {
                "input_throughput": {"lifetime": round(self.events_in / uptime, 2)},
                "output_throughput": {"lifetime": round(self.events_out / uptime, 2)},
                "worker_utilization": {"lifetime": round(busy, 2)},
            },
            "plugins": {
                "inputs": [
                    {
                        "id": one.options.get("id") or one.name,
                        "name": one.name,
                        "current_connections": len(one._sockets),
                        "events": {"out": one.out},
                    }
                    for one in program.inputs
                ],
                "codecs": [],
                "filters": [
                    {
                        "id": one.options.get("id") or getattr(one, "name", ""),
                        "name": getattr(one, "name", ""),
                        "events": {"in": one.events_in},
                        "matches": one.matches,
                        "failures": one.failures,
                    }
                    for one in program.filters
                ],
                "outputs": [one.stats() for one in program.outputs],
            },
            "reloads": {
                "successes": 0,
                "failures": 0,
                "last_error": None,
                "last_success_timestamp": None,
                "last_failure_timestamp": None,
            },
            "queue": self._queue_stats if self.state != "TERMINATED" else {},
            "hash": program.hash,
            "ephemeral_id": self.ephemeral_id,
        }
        if self.dead_letters:
            tree["dead_letter_queue"] = {
                "queue_size_in_bytes": self.dead_letters.size(),
                "max_queue_size_in_bytes": self.settings["dead_letter_queue.max_bytes"],
                "dropped_events": self.dead_letters.dropped,
                "storage_policy": self.settings["dead_letter_queue.storage_policy"],
            }
        return tree
