# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send unique lines to syslog, search for them, and compare what was sent with what was found.

Each line contains two unique words: a search for the word of the run finds all lines, and the word
of the line identifies it, even if it was cut or joined on its way.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ansible_collections.elk.swarm.plugins.module_utils.common.addresses import in_url
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    ElasticsearchError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import Client

FORMATS = ("rfc3164", "rfc5424", "plain")
PROTOCOLS = ("tcp", "udp")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# user-level, informational
PRIORITY = 14
PAGE = 5000
SAMPLES = 5
FIRST_POLL, LONGEST_POLL, POLL_GROWTH = 0.2, 2.0, 1.5
CLEANUP_ROUNDS = 5
LINGER = 2.0
SOURCE_FIELDS = ("message", "tags", "host.hostname", "process.name")
WORKERS = 16


@dataclass(frozen=True)
class Target:
    address: str
    port: int
    protocol: str

    def __str__(self) -> str:
        return f"{in_url(self.address)}:{self.port}/{self.protocol}"


@dataclass(frozen=True)
class Line:
    """One line: `text` is the expected message, `wire` is what is sent, without a newline."""

    key: str
    format: str
    text: str
    wire: str


@dataclass(frozen=True)
class Sender:
    """The host and the program that the lines name as their sender."""

    hostname: str = "elk-probe"
    app: str = "elkprobe"
    pid: int = 514


def run_word(identifier: str) -> str:
    """One word for the standard analyzer: letters and digits, with a letter first."""
    return "run" + identifier


def wire_form(text: str, line_format: str, sender: Sender, now: datetime) -> str:
    if line_format == "rfc3164":
        stamp = f"{MONTHS[now.month - 1]} {now.day:2d} {now:%H:%M:%S}"
        return f"<{PRIORITY}>{stamp} {sender.hostname} {sender.app}[{sender.pid}]: {text}"
    if line_format == "rfc5424":
        stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return f"<{PRIORITY}>1 {stamp} {sender.hostname} {sender.app} {sender.pid} probe - {text}"
    return text


def make_lines(
    run: str,
    index: int,
    count: int,
    formats: Sequence[str],
    sender: Sender,
    now: datetime | None = None,
) -> list[Line]:
    """The lines for the target with this index; the formats alternate."""
    now = now or datetime.now(timezone.utc)
    lines = []
    for number in range(count):
        line_format = formats[number % len(formats)]
        key = f"line{index}x{number}"
        text = f"elk.swarm smoke test {run} {key} in {line_format}"
        lines.append(Line(key, line_format, text, wire_form(text, line_format, sender, now)))
    return lines


def sources(targets: Iterable[Mapping[str, Any]]) -> list[Target]:
    """One entry for each address, port and protocol, in the given order and without duplicates."""
    found = [
        Target(str(item["address"]), int(item["port"]), protocol)
        for item in targets
        for protocol in item["protocols"]
    ]
    return list(dict.fromkeys(found))


@dataclass
class Sent:
    """The lines for one target; `count` of them were sent."""

    target: Target
    lines: list[Line]
    count: int = 0
    error: str | None = None
    # Whether a connection existed: even if it broke, all written lines may arrive.
    connected: bool = False


def explain_send(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return (
            "connection refused: nothing listens there. Does a task of the log shipper run on this "
            "host (`docker service ps --no-trunc <service>`), and is the port published? The "
            "routing mesh refuses on a host whose kernel has no ip_vs (`modprobe ip_vs`)."
        )
    if isinstance(error, socket.gaierror):
        return f"the name cannot be resolved ({error.strerror})"
    if isinstance(error, (TimeoutError, socket.timeout)):
        return "no answer in time; is the host up, and does its firewall let this port through?"
    return f"{error.strerror or error} (errno {error.errno})"


def send_tcp(sent: Sent, timeout: float) -> None:
    """Send all lines over one connection, and close it cleanly so that no line is lost."""
    target = sent.target
    with socket.create_connection((target.address, target.port), timeout=timeout) as connection:
        connection.settimeout(max(timeout, 30.0))
        sent.connected = True
        for start in range(0, len(sent.lines), 500):
            batch = sent.lines[start : start + 500]
            connection.sendall("".join(line.wire + "\n" for line in batch).encode())
            sent.count += len(batch)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(LINGER)
        until = time.monotonic() + LINGER
        try:
            # A receiver that sends data without end must not block longer than a silent one.
            while connection.recv(4096) and time.monotonic() < until:
                pass
        except (TimeoutError, socket.timeout):
            # The receiver keeps its side open, but it has received all lines.
            pass


def send_udp(
    sent: Sent, timeout: float, rate: float, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Send one datagram per line at a steady rate, because a burst would overflow the receiver."""
    target = sent.target
    family, kind, number, _name, address = socket.getaddrinfo(
        target.address, target.port, type=socket.SOCK_DGRAM
    )[0]
    with socket.socket(family, kind, number) as connection:
        connection.settimeout(timeout)
        # Only a connected socket reports an ICMP "port unreachable".
        connection.connect(address)
        start = time.monotonic()
        for number, line in enumerate(sent.lines):
            ahead = number / rate - (time.monotonic() - start)
            if ahead > 0:
                sleep(ahead)
            connection.send(line.wire.encode())
            sent.count += 1


def send(sent: Sent, timeout: float, rate: float) -> Sent:
    try:
        if sent.target.protocol == "tcp":
            send_tcp(sent, timeout)
        else:
            send_udp(sent, timeout, rate)
    except OSError as error:
        sent.error = explain_send(error)
    return sent


def send_all(parcels: Sequence[Sent], timeout: float, rate: float) -> None:
    with ThreadPoolExecutor(max_workers=min(WORKERS, len(parcels))) as pool:
        list(pool.map(lambda parcel: send(parcel, timeout, rate), parcels))


@dataclass(frozen=True)
class Hit:
    """The relevant fields of a document that the search found."""

    index: str
    id: str
    routing: str | None
    message: str
    tags: Sequence[str] = ()
    hostname: str | None = None
    app: str | None = None


def dig(source: Mapping[str, Any], dotted: str) -> Any:
    """A field whose path is nested or written with dots."""
    if dotted in source:
        return source[dotted]
    head, _dot, rest = dotted.partition(".")
    inner = source.get(head)
    return dig(inner, rest) if rest and isinstance(inner, dict) else None


def make_hit(raw: Mapping[str, Any]) -> Hit:
    source = raw.get("_source") or {}
    tags = dig(source, "tags") or []
    return Hit(
        index=str(raw["_index"]),
        id=str(raw["_id"]),
        routing=raw.get("_routing"),
        message=str(dig(source, "message") or ""),
        tags=[tags] if isinstance(tags, str) else [str(tag) for tag in tags],
        hostname=dig(source, "host.hostname"),
        app=dig(source, "process.name"),
    )


def faults(line: Line, hit: Hit, sender: Sender, failure_tag: str) -> list[str]:
    """What is wrong with the document of a line."""
    wrong = []
    if hit.message != line.text:
        wrong.append(f"message is {hit.message!r}, not {line.text!r}")
    failed = [tag for tag in hit.tags if failure_tag in tag]
    if line.format == "plain":
        if not failed:
            wrong.append(f"a line that is not syslog carries no tag with {failure_tag!r}")
        return wrong
    if failed:
        wrong.append(f"tagged {', '.join(failed)}")
    if hit.hostname != sender.hostname:
        wrong.append(f"host.hostname is {hit.hostname!r}, not {sender.hostname!r}")
    if hit.app != sender.app:
        wrong.append(f"process.name is {hit.app!r}, not {sender.app!r}")
    return wrong


@dataclass
class Account:
    """The result for one target: which lines were found, missing, duplicated or wrong."""

    target: Target
    sent: int
    found: int = 0
    missing: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    unparsed: list[str] = field(default_factory=list)
    error: str | None = None

    @property
    def balanced(self) -> bool:
        return not (self.error or self.missing or self.duplicates or self.unparsed)

    def sentence(self) -> str:
        parts = []
        if self.error:
            parts.append(self.error)
        if self.missing:
            parts.append(f"{len(self.missing)} of {self.sent} lines were not found")
        if self.duplicates:
            parts.append(f"{len(self.duplicates)} lines were found more than once")
        if self.unparsed:
            parts.append(f"{len(self.unparsed)} lines are wrong, such as {self.unparsed[0]}")
        return f"{self.target}: " + ", ".join(parts)

    def report(self) -> dict[str, Any]:
        return {
            "address": self.target.address,
            "port": self.target.port,
            "protocol": self.target.protocol,
            "sent": self.sent,
            "found": self.found,
            "missing": len(self.missing),
            "duplicates": len(self.duplicates),
            "unparsed": len(self.unparsed),
            "samples": (self.missing + self.duplicates + self.unparsed)[:SAMPLES],
            "error": self.error,
        }


KEY = re.compile(r"\bline\d+x\d+\b")


def settle_accounts(
    parcels: Sequence[Sent], hits: Sequence[Hit], sender: Sender, failure_tag: str
) -> list[Account]:
    """Compare what was sent with what was found: each line once, with the right fields."""
    by_key: dict[str, list[Hit]] = {}
    for hit in hits:
        for key in set(KEY.findall(hit.message)):
            by_key.setdefault(key, []).append(hit)
    accounts = []
    for parcel in parcels:
        account = Account(parcel.target, sent=parcel.count, error=parcel.error)
        for line in parcel.lines[: parcel.count]:
            found = by_key.get(line.key, [])
            if not found:
                account.missing.append(line.text)
                continue
            account.found += 1
            if len(found) > 1:
                account.duplicates.append(line.text)
            wrong = faults(line, found[0], sender, failure_tag)
            if wrong:
                account.unparsed.append(f"{line.format}: {'; '.join(wrong)}")
        accounts.append(account)
    return accounts


# The part before the text, if Logstash did not remove all of a line's header. Only what the probe
# itself writes there is accepted.
_STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
_HEAD = (
    rf"(?:(?:<{PRIORITY}>)?(?:1|{'|'.join(MONTHS)}|\d{{1,2}}|\d\d:\d\d:\d\d|{_STAMP}"
    r"|%(host)s|%(app)s(?:\[\d+\])?:?|\d{1,6}|probe|-)[ ]+)*"
)


def is_own(hit: Hit, run: str, sender: Sender) -> bool:
    """Whether a document contains only lines of this run.

    The word of a run is no secret: it is sent unencrypted, and the message of a failed run contains
    it. So the word alone does not prove that the probe sent a document. Each line of the document
    must be one that the probe writes, and host and application must be those of the probe.
    """
    head = _HEAD % {"host": re.escape(sender.hostname), "app": re.escape(sender.app)}
    text = rf"elk\.swarm smoke test {re.escape(run)} line\d+x\d+ in (?:{'|'.join(FORMATS)})"
    own = re.compile(head + text)
    lines = [line.strip() for line in hit.message.strip().split("\n")]
    if not all(own.fullmatch(line) for line in lines):
        return False
    # A line that was not parsed has no host or application, or those of the connection.
    parsed = lines[0].startswith("elk.swarm smoke test ") and hit.app is not None
    return not parsed or (hit.app == sender.app and hit.hostname == sender.hostname)


def query_for(run: str) -> dict[str, Any]:
    return {"match_phrase": {"message": run}}


@dataclass
class Finder:
    """Search for the documents of one run. An index that does not exist yet contains none."""

    client: Client
    index: str
    run: str
    sender: Sender = field(default_factory=Sender)

    @property
    def base(self) -> str:
        return "/" + quote(self.index, safe=",*-_.")

    def refresh(self) -> None:
        self.client.request("POST", f"{self.base}/_refresh", accept=(404,))

    def count(self) -> int:
        """The number of documents; it is too low if a shard did not answer."""
        reply = self.client.request(
            "POST",
            f"{self.base}/_search?ignore_unavailable=true",
            {"size": 0, "track_total_hits": True, "query": query_for(self.run)},
            accept=(404,),
        )
        if not reply.ok:
            return 0
        total = (reply.object().get("hits") or {}).get("total") or 0
        return int(total["value"] if isinstance(total, dict) else total)

    def fetch(self) -> list[Hit]:
        """All documents, page by page at one point in time, so that none appears twice."""
        reply = self.client.request("POST", f"{self.base}/_pit?keep_alive=1m", accept=(404,))
        if not reply.ok:
            return []
        pit = str(reply.object()["id"])
        hits: list[Hit] = []
        try:
            for page in self._pages(pit):
                hits += [make_hit(raw) for raw in page]
        finally:
            self.client.request("DELETE", "/_pit", {"id": pit}, accept=(404,))
        return hits

    def _pages(self, pit: str) -> Iterator[list[dict[str, Any]]]:
        after: list[Any] | None = None
        while True:
            body: dict[str, Any] = {
                "size": PAGE,
                "query": query_for(self.run),
                "pit": {"id": pit, "keep_alive": "1m"},
                "sort": ["_shard_doc"],
                "track_total_hits": False,
                "_source": list(SOURCE_FIELDS),
            }
            if after is not None:
                body["search_after"] = after
            answer = self.client.request("POST", "/_search", body).object()
            failed = (answer.get("_shards") or {}).get("failed", 0)
            if failed:
                raise ElasticsearchError(
                    f"{failed} shards of {self.index} did not answer the search; check the "
                    "cluster's health"
                )
            page = answer["hits"]["hits"]
            if page:
                yield page
            if len(page) < PAGE:
                return
            after = page[-1]["sort"]

    def delete(self, hits: Sequence[Hit]) -> int:
        """Delete documents by id, each from its index, and return how many existed.

        A document that is not a line of this run stays, even if it contains the word.
        """
        hits = [hit for hit in hits if is_own(hit, self.run, self.sender)]
        deleted = 0
        for start in range(0, len(hits), PAGE):
            rows = []
            for hit in hits[start : start + PAGE]:
                action: dict[str, Any] = {"_index": hit.index, "_id": hit.id}
                if hit.routing is not None:
                    action["routing"] = hit.routing
                rows.append(json.dumps({"delete": action}) + "\n")
            answer = self.client.request("POST", "/_bulk", "".join(rows).encode()).object()
            results = [item["delete"] for item in answer.get("items") or []]
            deleted += sum(1 for item in results if item.get("status") == 200)
            refused = [item for item in results if item.get("status") not in (200, 404)]
            if refused:
                reason = (refused[0].get("error") or {}).get("reason", "no reason was given")
                raise ElasticsearchError(
                    f"{len(refused)} documents of the smoke test could not be deleted from "
                    f"{self.index}: {reason}"
                )
        return deleted


def wait_for_lines(
    finder: Finder,
    expected: int,
    wait_timeout: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[list[Hit], float]:
    """Poll until all expected lines are found or the time is over, then read them."""
    start = clock()
    pause = FIRST_POLL
    best = 0
    deadline = start + wait_timeout
    while True:
        finder.refresh()
        count = finder.count()
        if count >= expected:
            hits = finder.fetch()
            distinct = {key for hit in hits for key in KEY.findall(hit.message)}
            if len(distinct) >= expected:
                return hits, clock() - start
        if clock() >= deadline:
            return finder.fetch() if count else [], clock() - start
        # Poll often while the number grows, and less often while it does not.
        pause = FIRST_POLL if count > best else min(pause * POLL_GROWTH, LONGEST_POLL)
        best = max(best, count)
        sleep(max(0.0, min(pause, deadline - clock())))


def clean_up(
    finder: Finder, hits: Sequence[Hit] | None, sleep: Callable[[float], None] = time.sleep
) -> int:
    """Delete this run's documents, also those that still arrive, and return their number."""
    deleted = finder.delete(hits) if hits else 0
    for round_number in range(CLEANUP_ROUNDS):
        finder.refresh()
        if not finder.count():
            return deleted
        if round_number:
            sleep(FIRST_POLL)
        found = finder.fetch()
        if not any(is_own(hit, finder.run, finder.sender) for hit in found):
            # Documents that contain the word but are not from the probe.
            return deleted
        deleted += finder.delete(found)
    raise ElasticsearchError(
        f"documents of the smoke test keep arriving in {finder.index}; delete those whose message "
        f"contains {finder.run}"
    )


def outstanding(finder: Finder, parcels: Sequence[Sent], hits: Sequence[Hit], deleted: int) -> int:
    """How many lines of this run may still arrive."""
    own = [hit for hit in hits if is_own(hit, finder.run, finder.sender)]
    found = {key for hit in own for key in KEY.findall(hit.message)}
    written = sum(
        len(parcel.lines) if parcel.error and parcel.connected else parcel.count
        for parcel in parcels
    )
    late = max(0, deleted - len(own))
    return max(0, written - len(found) - late)


def summary(accounts: Sequence[Account]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for account in accounts:
        totals["sent"] += account.sent
        totals["found"] += account.found
        totals["missing"] += len(account.missing)
        totals["duplicates"] += len(account.duplicates)
        totals["unparsed"] += len(account.unparsed)
    return {key: totals[key] for key in ("sent", "found", "missing", "duplicates", "unparsed")}
