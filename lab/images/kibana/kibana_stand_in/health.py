# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The response of /api/status, and the thread that checks Elasticsearch."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .elasticsearch import Answer, Elasticsearch, UnreachableError, incompatible

if TYPE_CHECKING:
    from .settings import Settings

_LOG = logging.getLogger("elasticsearch")
_NODES = "/_nodes?filter_path=nodes.*.version,nodes.*.http.publish_address,nodes.*.ip"
_DOWN = ("unavailable", "critical")


@dataclass(frozen=True)
class Level:
    """The health of Elasticsearch, in Kibana's terms."""

    name: str
    summary: str

    @property
    def up(self) -> bool:
        return self.name not in _DOWN


WAITING = Level("unavailable", "Waiting for Elasticsearch")


def level_from(answer: Answer, own_version: str) -> Level:
    """Derive the health of Elasticsearch from its list of nodes."""
    if answer.status == 401:
        return Level("critical", f"Elasticsearch refuses the credentials: {answer.reason}")
    if answer.status != 200:
        return Level("critical", f"Elasticsearch does not list its nodes: {answer.reason}")
    versions = [node.get("version", "") for node in answer.body.get("nodes", {}).values()]
    if not versions:
        return Level("critical", "Elasticsearch returned no nodes")
    wrong = incompatible(own_version, versions)
    if wrong:
        return Level(
            "critical", f"Kibana {own_version} does not work with Elasticsearch {', '.join(wrong)}"
        )
    return Level("available", "Elasticsearch is available")


class Health:
    """Checks Elasticsearch until ``stop``; it never gives up."""

    def __init__(self, settings: Settings, client: Elasticsearch, version: str) -> None:
        self._settings = settings
        self._client = client
        self._version = version
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)
        self.level = WAITING
        self.checked = threading.Event()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.check()
            # While Elasticsearch is up, use Kibana's interval; until then check more often.
            self._stop.wait(self._settings.health_delay if self.level.up else 1.0)

    def check(self) -> None:
        """Check once."""
        try:
            answer = self._client.request(
                "GET",
                _NODES,
                self._client.own_authorization,
                timeout=self._settings.ping_timeout,
            )
            level = level_from(answer, self._version)
        except UnreachableError as error:
            # Like Kibana, report critical only after the first successful connection.
            name = "unavailable" if self.level.name == "unavailable" else "critical"
            level = Level(name, f"Unable to reach Elasticsearch: {error}")
        if level != self.level:
            log = _LOG.info if level.up else _LOG.error
            log("%s: %s", level.name, level.summary)
            self.level = level
        self.checked.set()


def public_status(level: Level) -> dict[str, Any]:
    """The response without a login."""
    return {"status": {"overall": {"level": level.name}}}


def full_status(level: Level, name: str, uuid: str, version: str) -> dict[str, Any]:
    """The response after a login."""
    if level.up:
        overall = {"level": "available", "summary": "The stand-in for Kibana is available"}
    else:
        overall = {"level": level.name, "summary": f"Stand-in for Kibana: {level.summary}"}
    saved = "available" if level.up else "unavailable"
    return {
        "name": name,
        "uuid": uuid,
        "version": {
            "number": version,
            "build_hash": "0" * 40,
            "build_number": 0,
            "build_snapshot": False,
            "build_flavor": "stand-in",
            "build_date": "1970-01-01T00:00:00.000Z",
        },
        "status": {
            "overall": overall,
            "core": {
                "elasticsearch": {"level": level.name, "summary": level.summary},
                "savedObjects": {"level": saved, "summary": "The stand-in has no saved objects"},
            },
            "plugins": {},
        },
        "metrics": {
            "last_updated": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "collection_interval_in_millis": 5000,
        },
    }
