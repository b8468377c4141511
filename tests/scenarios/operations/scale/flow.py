"""Senders that keep one connection a host and write numbered lines, and readers of Kibana."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

PORT = 514


@dataclass
class Stream:
    """The lines of one connection, from its first to the last that was written without an error."""

    host: str
    name: str
    sent: int = 0
    broken: str = ""
    begun: float = 0.0
    ended: float = 0.0


@dataclass
class Worker:
    """Works with one host in a thread, from `start` to `stop`."""

    host: str
    _stop: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def start(self) -> None:
        name = f"{type(self).__name__} of {self.host}"
        self._thread = threading.Thread(target=self._work, name=name)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _work(self) -> None:
        raise NotImplementedError


@dataclass
class Sender(Worker):
    """Writes to the host at a steady pace, as a plain syslog daemon does: it repeats no line.

    A stream ends when its connection breaks. The next one begins as soon as the host accepts
    connections again.
    """

    address: str
    run: str
    rate: float
    streams: list[Stream] = field(default_factory=list)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                connection = socket.create_connection((self.address, PORT), timeout=5)
            except OSError:
                self._stop.wait(0.1)
                continue
            stream = Stream(self.host, f"{self.host}x{len(self.streams)}", begun=time.monotonic())
            self.streams.append(stream)
            with connection:
                self._write(connection, stream)
            stream.ended = time.monotonic()

    def _write(self, connection: socket.socket, stream: Stream) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            line = f"<13>Nov 21 10:00:00 sender scale[7]: {self.run} {stream.name} {stream.sent}\n"
            try:
                connection.sendall(line.encode())
            except OSError as error:
                stream.broken = type(error).__name__
                return
            stream.sent += 1
            due += 1 / self.rate
            self._stop.wait(max(0.0, due - time.monotonic()))
        # Wait until the other side has read everything and closes too.
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
            select.select([connection], [], [], 10)


@dataclass
class Visitor(Worker):
    """Asks the host's Kibana for its status again and again."""

    url: str
    context: ssl.SSLContext
    answers: list[tuple[float, str]] = field(default_factory=list)

    def _work(self) -> None:
        while not self._stop.wait(0.25):
            try:
                with urllib.request.urlopen(self.url, timeout=10, context=self.context) as answer:
                    result = str(answer.status)
            except urllib.error.HTTPError as error:
                result = str(error.code)
            except OSError as error:
                result = str(error)
            self.answers.append((time.monotonic(), result))

    @property
    def failures(self) -> list[str]:
        return [result for _when, result in self.answers if result != "200"]
