# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of the running Logstash on this host, from two looks some seconds apart."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names, safe_path
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Engine,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.logstash.flow import SETTLED, Flow
from ansible_collections.elk.swarm.plugins.module_utils.logstash.queue import (
    read_queues,
    sockets_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PORT, API_PORT = 10514, 9600
# Seconds between two looks. The first look that shows a moving queue is the last one.
PAUSE = 0.5
# More events than the workers process at a time: a queue of this length is watched to the end.
LONG = 5000


def watch(
    ask: Callable[[], Flow | None],
    longest: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Repeat until events leave the queue, it is empty, or the time is over.

    A long queue is watched for the whole time, to find out whether it grows. One 0 is enough here:
    while Elasticsearch takes nothing, the workers hold a batch, which the count includes.
    """
    start = clock()
    first = ask()
    last, seconds = first, 0.0
    is_long = first is not None and first.pending >= LONG
    # Logstash may show events for some seconds after they were sent.
    longest = max(longest, SETTLED)
    while first is not None and last is not None and last.pending:
        if last.sent != first.sent and not is_long:
            break
        if seconds >= longest:
            break
        sleep(PAUSE)
        last, seconds = ask(), clock() - start
    return {
        "first": first.as_dict() if first else {},
        "last": last.as_dict() if last else {},
        "seconds": round(seconds, 1),
        "long": is_long,
    }


def container_of(engine: Engine, service: str) -> str:
    filters = {"label": [f"{label_names.SWARM_SERVICE}={service}"], "status": ["running"]}
    found = engine.request("GET", "/containers/json", query={"filters": filters})
    found.sort(key=lambda one: int(one.get("Created") or 0), reverse=True)
    return str(found[0]["Id"]) if found else ""


def statistics(engine: Engine, container: str) -> Flow | None:
    """Read the API inside the container, because it may not be reachable from outside."""
    url = f"http://127.0.0.1:{API_PORT}/_node/stats/pipelines"
    command = ["curl", "--silent", "--fail", "--max-time", "5", url]
    try:
        created = engine.request(
            "POST",
            f"/containers/{container}/exec",
            # With a terminal, Docker sends the output without stream frames.
            body={"Cmd": command, "AttachStdout": True, "Tty": True},
        )
        answer = engine.request(
            "POST", f"/exec/{created['Id']}/start", body={"Detach": False, "Tty": True}
        )
        return Flow.of(json.loads(answer) if isinstance(answer, str) else answer)
    except (EngineError, RecursionError, ValueError):
        # The container has stopped in the meantime, has just started, or sends nonsense.
        return None


def inspected(engine: Engine, container: str) -> Mapping[str, Any]:
    """The container as `docker inspect` shows it; empty if it has stopped in the meantime."""
    try:
        return engine.container(container)
    except EngineError:
        return {}


def binds(container: Mapping[str, Any], path: str) -> bool:
    """Whether a container has this directory of the host.

    >>> binds({"Mounts": [{"Type": "bind", "Source": "/srv/elk/logstash"}]}, "/srv/elk/logstash")
    True
    """
    return any(
        mount.get("Type") == "bind" and mount.get("Source") == os.path.normpath(path)
        for mount in container.get("Mounts") or ()
    )


def listening(container: Mapping[str, Any]) -> bool | None:
    """Whether the input listens; None when it is unknown."""
    pid = int((container.get("State") or {}).get("Pid") or 0)
    if not pid:
        return None
    text = ""
    for name in ("tcp", "tcp6"):
        try:
            text += safe_path.read_text(f"/proc/{pid}/net/{name}")
        except OSError:
            # Without IPv6 the second table is missing.
            continue
    return sockets_at(PORT, text).listening if text else None


def survey(engine: Engine, service: str, data_path: str, longest: float) -> Mapping[str, Any]:
    """The running Logstash of this host, or the queue that an earlier one left here."""
    try:
        container = container_of(engine, service)
    except EngineError:
        # The survey of the host reports that Docker does not answer.
        return {}
    if container:
        facts = inspected(engine, container)
        return {
            "container": container,
            "path": data_path if data_path and binds(facts, data_path) else "",
            "listening": listening(facts),
            **watch(lambda: statistics(engine, container), longest),
        }
    path = os.path.join(data_path, "queue") if data_path else ""
    if not path or not os.path.isdir(path):
        return {}
    try:
        contents = read_queues(path)
    except OSError as error:
        return {"left": {"path": path, "problems": [str(error)]}}
    return {"left": {"path": path, "events": contents.events, "problems": contents.problems}}
