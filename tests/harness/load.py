"""Clients that write, search and send lines all the time, and count failures."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
import uuid
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from elasticsearch import (
    ApiError,
    ConflictError,
    Elasticsearch,
    NotFoundError,
    TransportError,
    helpers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# A refresh every five seconds, as in Filebeat's template. A refresh every second took a fifth of
# the work of a node under this load.
SETTINGS = {"number_of_shards": 3, "number_of_replicas": 1, "refresh_interval": "5s"}
SYSLOG_PORT = 514
# Milliseconds for which a peer may leave sent data unacknowledged.
SILENCE = 5000
# Seconds between two requests of a client, and between two lines. Each takes 15 ms of processor
# time, and the nodes, the tests and another lab share two processors.
PAUSE = 0.4
# How many lines the sender repeats after a broken connection. Syslog has no acknowledgement, so
# only the sender can do this.
REPEATED = 150
# The error of a search whose node has left, or has moved its shard, between the two phases. Clients
# retry it with status 502, but not with 404.
GONE = "search_context_missing_exception"


@dataclass
class Load:
    """Writers, readers and a sender of lines, each in its own thread until `stop`."""

    connect: Callable[[], Elasticsearch]
    # Hosts that accept lines; the sender tries them in turn.
    syslog: Sequence[str]
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    acknowledged: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    slowest: float = 0.0
    _threads: list[threading.Thread] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def index(self) -> str:
        return f"load-{self.run}"

    def start(self) -> None:
        with self.connect() as client:
            client.indices.create(index=self.index, settings=SETTINGS)
        for work in (lambda: self._write("a"), lambda: self._write("b"), self._search, self._send):
            self._threads.append(threading.Thread(target=work, daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _try(self, what: str, request: Callable[[], Any]) -> Any:
        start = time.monotonic()
        try:
            return request()
        except ConflictError:
            # An earlier attempt succeeded, but its answer was lost.
            return {"_shards": {"failed": 0}}
        except (ApiError, TransportError) as error:
            self.failures.append(f"{time.strftime('%H:%M:%S')} {what}: {error!r}")
            return None
        finally:
            self.counts[what] += 1
            self.slowest = max(self.slowest, time.monotonic() - start)

    def _write(self, name: str) -> None:
        with self.connect() as client:
            number = 0
            while not self._stop.wait(PAUSE):
                number += 1
                key = f"{name}-{number}"
                request = partial(
                    client.create,
                    index=self.index,
                    id=key,
                    document={"writer": name, "number": number},
                )
                if self._try("write", request):
                    self.acknowledged.add(key)

    def search(self, client: Elasticsearch) -> Any:
        """Search without partial results, which would hide the shards of a node that leaves."""
        request = partial(
            client.search, index=self.index, size=1, allow_partial_search_results=False
        )
        try:
            return request()
        except NotFoundError as error:
            if GONE not in str(error.body):
                raise
            self.counts["search again"] += 1
            return request()

    def _search(self) -> None:
        with self.connect() as client:
            while not self._stop.wait(PAUSE):
                found = self._try("search", partial(self.search, client))
                if found and found["_shards"]["failed"]:
                    self.failures.append(f"search without all shards: {found['_shards']}")

    def _send(self) -> None:
        last: deque[str] = deque(maxlen=REPEATED)
        hosts = itertools.cycle(self.syslog)
        while not self._stop.is_set():
            try:
                connection = socket.create_connection((next(hosts), SYSLOG_PORT), timeout=5)
            except OSError:
                self._stop.wait(0.2)
                continue
            # A dead host does not answer, and the kernel would wait for a quarter of an hour.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE)
            self.counts["connections"] += 1
            with connection, contextlib.suppress(OSError):
                for line in list(last):
                    connection.sendall(line.encode())
                while not self._stop.wait(PAUSE):
                    # Only a read shows that the peer has closed; the next line would be lost.
                    connection.setblocking(False)
                    with contextlib.suppress(BlockingIOError):
                        if not connection.recv(1):
                            break
                    connection.setblocking(True)
                    line = f"<13>Nov 21 10:00:00 sender roll[7]: {self.run} {self.lines}\n"
                    last.append(line)
                    self.lines += 1
                    connection.sendall(line.encode())

    # -- results

    def missing_documents(self) -> set[str]:
        with self.connect() as client:
            client.indices.refresh(index=self.index)
            found = {hit["_id"] for hit in helpers.scan(client, index=self.index, _source=False)}
        return self.acknowledged - found

    def missing_lines(self, patience: float = 60) -> tuple[set[int], int]:
        """The lines that no search finds, and how many it finds more than once."""
        end = time.monotonic() + patience
        query = {"query": {"match_phrase": {"message": self.run}}, "_source": ["message"]}
        while True:
            with self.connect() as client:
                client.indices.refresh(index="syslog-msg")
                hits = helpers.scan(client, index="syslog-msg", query=query, size=5000)
                found = Counter(int(hit["_source"]["message"].split()[-1]) for hit in hits)
            missing = set(range(self.lines)) - found.keys()
            if not missing or time.monotonic() > end:
                return missing, sum(1 for number in found.values() if number > 1)
            time.sleep(1)
