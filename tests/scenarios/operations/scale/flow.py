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
class Sender:
    """Writes to one host, at a steady pace, as a plain syslog daemon does: it never looks back.

    A connection that breaks is a stream that is over. The next one begins as soon as the host takes
    connections again.
    """

    host: str
    address: str
    run: str
    rate: float
    streams: list[Stream] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name=f"sender to {self.host}")
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

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
        # All was written: wait until the other side has read it and closes, too.
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
            select.select([connection], [], [], 10)


@dataclass
class Visitor:
    """Asks one Kibana for its status again and again."""

    host: str
    url: str
    context: ssl.SSLContext
    answers: list[tuple[float, str]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name=f"visitor of {self.host}")
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(0.25):
            try:
                with urllib.request.urlopen(self.url, timeout=10, context=self.context) as answer:
                    said = str(answer.status)
            except urllib.error.HTTPError as error:
                said = str(error.code)
            except OSError as error:
                said = str(error)
            self.answers.append((time.monotonic(), said))

    @property
    def failures(self) -> list[str]:
        return [said for _when, said in self.answers if said != "200"]
