#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: logstash_queue
version_added: 0.1.0
short_description: Read the queue and connections of Logstash on a host, and wait for them
description:
  - Reads the task of a Logstash service on the host where the module runs. Returns the open
    connections to its port, the unread bytes in them, and the queue as Logstash reports it.
  - If no task runs, reads the persisted queue on the disk and counts the unacknowledged events.
    They are sent when Logstash runs on this host again.
  - Can wait until the task listens, its senders have disconnected, its queue is short, or it has
    stopped.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
attributes:
  check_mode:
    description: Can run in check mode, because it only reads.
    support: full
    details:
      - Does not wait in check mode, because nothing was changed.
  diff_mode:
    description: Shows what has changed or would change.
    support: N/A
    details:
      - Changes nothing.
  idempotent:
    description: A second run in the same state changes nothing.
    support: full
options:
  service:
    description: Name of the service.
    type: str
    required: true
  path:
    description:
      - Logstash's data directory on the host, with the queue in its folder C(queue).
      - One of O(path) and O(volume) is required.
    type: path
  volume:
    description:
      - The volume on the host that holds Logstash's data directory.
      - The queue can only be read in a plain V(local) volume. Any other volume is mounted only
        while Logstash runs, so RV(left.events) is null.
    type: str
  port:
    description: Port of the syslog input inside the container.
    type: int
    default: 10514
  api_port:
    description:
      - Port of the monitoring API inside the container. The module queries it with the image's
        C(curl).
    type: int
    default: 9600
  wait_for:
    description:
      - V(nothing) only reads.
      - V(listening) waits until the input listens, which happens after the API answers.
      - V(unused) waits until no TCP connection is open. It does not fail after O(wait_timeout).
      - V(short_queue) waits until the queue can be emptied within half of O(grace) at the current
        rate, and fails after O(wait_timeout). It takes at least 6 seconds, because Logstash counts
        its queue every 5 seconds.
      - V(stopped) watches the sockets until the container has stopped, then reads the queue on the
        disk. Start it before you stop the container.
      - V(watched) waits until another run of this module with V(stopped) and the same O(watch) has
        read the sockets once, because a run with C(async) may not have started yet. It also ends
        when O(container) has already stopped, because then there is nothing to watch.
    type: str
    choices: [nothing, listening, unused, short_queue, stopped, watched]
    default: nothing
  wait_timeout:
    description: Maximum seconds to wait.
    type: int
    default: 120
  grace:
    description: Seconds that the task has for its stop. See O(wait_for=short_queue).
    type: int
    default: 90
  container:
    description:
      - Id of the container to watch with O(wait_for=stopped). The default is the container of the
        running task.
      - With O(wait_for=watched), the container that the other run watches.
    type: str
  watch:
    description:
      - Name of the watch, the same for O(wait_for=watched) and O(wait_for=stopped). Any word that
        is unique among the watches on this host.
    type: str
seealso:
  - module: elk.swarm.service
  - module: elk.swarm.syslog_probe
notes:
  - Reads the sockets of the container in C(/proc), so it must run as root.
  - Reads the queue files in the format of Logstash 9.
"""

EXAMPLES = r"""
- name: Read the Logstash queue of each host
  elk.swarm.logstash_queue:
    service: logshipper
    path: /srv/elk/logstash
  register: logstash_queues

- name: Wait until the queue is short before the task is stopped
  elk.swarm.logstash_queue:
    service: logshipper
    path: /srv/elk/logstash
    wait_for: short_queue
    wait_timeout: 600
    grace: 90
"""

RETURN = r"""
node:
  description: Name of the host, from its kernel.
  returned: always
  type: str
  sample: w3
containers:
  description: Ids of the running containers of the service on this host, the newest first.
  returned: always
  type: list
  elements: str
  sample: [5f69457147465f4f7b2ce7b93fde2dcea26040b635686fec99f4f5349eba775e]
sockets:
  description: The sockets of the input's port inside the container.
  returned: always
  type: dict
  contains:
    listening:
      description: Whether the input listens.
      type: bool
    connections:
      description: Open TCP connections.
      type: int
    unread_bytes:
      description: Bytes in them that Logstash has not read. They are lost when it stops.
      type: int
    unread_udp_bytes:
      description: Unread bytes of UDP datagrams, with the kernel's overhead.
      type: int
  sample: {listening: true, connections: 2, unread_bytes: 0, unread_udp_bytes: 0}
events:
  description: The counts of Logstash since its start. Empty until its pipeline runs.
  returned: always
  type: dict
  contains:
    in:
      description: Events received.
      type: int
    out:
      description: Events sent.
      type: int
    queued:
      description:
        - Events that are not sent, in the queue and in the workers. Logstash counts its queue
          every 5 seconds, so a single 0 is no proof.
      type: int
    bytes:
      description: Size of the queue on the disk.
      type: int
    max_bytes:
      description: The most bytes that the queue may have.
      type: int
    refused:
      description: Documents that Elasticsearch has refused and Logstash sends again.
      type: int
    failed:
      description: Requests that Elasticsearch has refused or not answered.
      type: int
    dead:
      description: Documents that Elasticsearch has refused for good.
      type: int
    dead_bytes:
      description: Size of the dead letter queue on the disk.
      type: int
    dead_dropped:
      description: Dead letters that found no room.
      type: int
  sample:
    in: 18214
    out: 18209
    queued: 5
    bytes: 3120
    max_bytes: 1073741824
    refused: 0
    failed: 0
    dead: 0
    dead_bytes: 0
    dead_dropped: 0
left:
  description: Content of the queue on the disk. Empty while a container runs.
  returned: always
  type: dict
  contains:
    events:
      description: Unacknowledged events, null if they cannot be counted.
      type: int
    bytes:
      description: Their size on the disk in bytes.
      type: int
    pipelines:
      description: The events of each pipeline.
      type: dict
    problems:
      description: Why events could not be counted.
      type: list
      elements: str
  sample: {events: 0, bytes: 0, pipelines: {syslog: 0}, problems: []}
stop:
  description: How the container stopped.
  returned: with O(wait_for=stopped)
  type: dict
  contains:
    seconds:
      description: Seconds from the closing of the port to the end of the container.
      type: float
    exit_code:
      description: Exit code, null if Docker no longer has the container.
      type: int
    sockets:
      description:
          - The last state of the port before it closed. C(listening) is false if the module never
            saw the port open; then it is unknown what the connections lost.
      type: dict
    drained:
      description: Whether the queue on the disk is known to be empty.
      type: bool
  sample:
    seconds: 1.4
    exit_code: 0
    sockets: {listening: true, connections: 1, unread_bytes: 0, unread_udp_bytes: 0}
    drained: true
told:
  description: RV(stop) and RV(left) as text.
  returned: with O(wait_for=stopped)
  type: str
  sample: >-
    w3: no connection over TCP was open when Logstash closed its port. Its queue is drained.
"""

import json
import os
import socket
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names, safe_path
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineAwayError,
    EngineError,
    NotFoundError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.logstash.drain import (
    Look,
    can_drain,
    compare,
)
from ansible_collections.elk.swarm.plugins.module_utils.logstash.flow import Flow
from ansible_collections.elk.swarm.plugins.module_utils.logstash.queue import (
    Closing,
    QueueContents,
    Sockets,
    read_queues,
    read_volume,
    sockets_at,
    stop_report,
)
from ansible_collections.elk.swarm.plugins.module_utils.logstash.stuck import why_stuck

# Seconds. A shorter pause makes the count of lost bytes more exact.
LOOK_EVERY = 0.02
ASK_EVERY = 0.25
# Looks at the API, one a second, that are kept to compare.
LOOKS = 10
# Enough for a million sockets.
TABLE_LIMIT = 256 * safe_path.MIB


def proc_net(pid: int, name: str) -> str:
    """A socket table of the network namespace of a process, for IPv4 and IPv6."""
    text = ""
    for version in ("", "6"):
        try:
            text += safe_path.read_text(f"/proc/{pid}/net/{name}{version}", TABLE_LIMIT)
        except OSError:
            # Without IPv6 the second table is missing, without the process both are.
            continue
    return text


def place_of(watch: str) -> str:
    """Abstract socket address of a watch. It has no file, so a killed watch leaves nothing."""
    return f"\0elk.swarm/logstash_queue/{watch}"


class Host:
    """The tasks of one service on this host."""

    def __init__(self, engine: Engine, params: dict[str, Any]) -> None:
        self.engine = engine
        self.params = params
        volume, path = params["volume"], params["path"]
        self.queue = f"volume {volume}" if volume else os.path.join(path, "queue")

    def left(self) -> QueueContents:
        """Content of a queue that no process has open."""
        volume = self.params["volume"]
        return read_volume(self.engine.volume(volume)) if volume else read_queues(self.queue)

    def containers(self) -> list[str]:
        filters = {
            "label": [f"{label_names.SWARM_SERVICE}={self.params['service']}"],
            "status": ["running"],
        }
        try:
            response = self.engine.request("GET", "/containers/json", query={"filters": filters})
        except EngineAwayError:
            # Without Docker no container runs, but a queue may still exist on the disk.
            return []
        response.sort(key=lambda one: int(one.get("Created") or 0), reverse=True)
        return [str(one["Id"]) for one in response]

    def state(self, container: str) -> dict[str, Any] | None:
        try:
            response = self.engine.container(container)
        except NotFoundError:
            return None
        return dict(response["State"])

    def sockets(self, pid: int) -> Sockets:
        return sockets_at(self.params["port"], proc_net(pid, "tcp"), proc_net(pid, "udp"))

    def flow(self, container: str) -> Flow | None:
        """Read the API inside the container, because it may not be reachable from outside."""
        url = f"http://127.0.0.1:{self.params['api_port']}/_node/stats/pipelines"
        command = ["curl", "--silent", "--fail", "--max-time", "5", url]
        try:
            created = self.engine.request(
                "POST",
                f"/containers/{container}/exec",
                # With a terminal, Docker sends the output without stream frames.
                body={"Cmd": command, "AttachStdout": True, "Tty": True},
            )
            answer = self.engine.request(
                "POST", f"/exec/{created['Id']}/start", body={"Detach": False, "Tty": True}
            )
        except EngineError:
            # The container has stopped in the meantime.
            return None
        if isinstance(answer, str):
            try:
                answer = json.loads(answer)
            except (RecursionError, ValueError):
                return None
        return Flow.of(answer)

    def look(self) -> dict[str, Any]:
        containers = self.containers()
        sockets, flow = Sockets(), None
        state = self.state(containers[0]) if containers else None
        if state is not None and state.get("Running"):
            sockets, flow = self.sockets(int(state["Pid"])), self.flow(containers[0])
        return {
            "node": os.uname().nodename,
            "containers": containers,
            "sockets": sockets.as_dict(),
            "events": flow.as_dict() if flow else {},
            "left": {} if containers else self.left().as_dict(),
        }

    # -- waiting

    def wait_listening(self) -> str:
        end = time.monotonic() + self.params["wait_timeout"]
        while True:
            seen = self.look()
            if seen["sockets"]["listening"]:
                return ""
            if time.monotonic() >= end:
                return (
                    f"The input of {self.params['service']} does not listen on {seen['node']} "
                    f"after {self.params['wait_timeout']} s"
                    f"{'' if seen['containers'] else ', where no container of it runs'}. Next "
                    f"command: docker service logs --tail 50 {self.params['service']}"
                )
            time.sleep(0.5)

    def wait_unused(self) -> str:
        end = time.monotonic() + self.params["wait_timeout"]
        while self.look()["sockets"]["connections"] and time.monotonic() < end:
            time.sleep(0.5)
        return ""

    def wait_short_queue(self) -> str:
        """Measure whether the queue empties, and how fast."""
        params = self.params
        start = time.monotonic()
        looks: list[Look] = []
        watched = ""
        while True:
            containers = self.containers()
            if not containers:
                return ""
            if containers[0] != watched:
                # A new task counts from 0, and its queue has what the old one left.
                watched, looks = containers[0], []
            flow = self.flow(containers[0])
            moment = time.monotonic()
            short = None
            if flow is not None:
                looks = [*looks[-LOOKS:], Look(moment, flow)]
                short = compare(looks, lambda old, new: can_drain(old, new, params["grace"]))
                if short:
                    return ""
            # One look says too little, whatever the timeout.
            if moment - start >= params["wait_timeout"] and (flow is None or short is False):
                return self.why_long(looks if flow else [], containers[0])
            time.sleep(1)

    def why_long(self, looks: list[Look], container: str) -> str:
        params = self.params
        node = os.uname().nodename
        queued = f"holds {looks[-1].flow.pending} events" if looks else "does not report its length"
        reason = (
            f" ({why_stuck(looks[0].flow.as_dict(), looks[-1].flow.as_dict())})" if looks else ""
        )
        return (
            f"The queue of {params['service']} on {node} {queued}{reason}, and is not short "
            f"enough after {params['wait_timeout']} s to be drained by a stop of "
            f"{params['grace']} s. Next command on {node}: docker logs --tail 50 "
            f"{container[:12]}"
        )

    def has_ended(self, container: str) -> bool:
        state = self.state(container)
        return state is None or not state.get("Running")

    def wait_watched(self) -> str:
        watch, container = self.params["watch"], self.params["container"]
        end = time.monotonic() + self.params["wait_timeout"]
        last_check = time.monotonic()
        while True:
            with socket.socket(socket.AF_UNIX) as peer:
                if peer.connect_ex(place_of(watch)) == 0:
                    return ""
            moment = time.monotonic()
            if container and moment - last_check >= ASK_EVERY:
                last_check = moment
                # An earlier run that was killed may have stopped it, or it has crashed.
                if self.has_ended(container):
                    return ""
            if moment >= end:
                return (
                    f"The watch {watch} of {self.params['service']} on {os.uname().nodename} did "
                    f"not start in {self.params['wait_timeout']} s. Nothing was stopped. Run the "
                    "same playbook again"
                )
            time.sleep(LOOK_EVERY)

    def watch_stop(self) -> tuple[dict[str, Any], str]:
        """Watch the sockets until the container has stopped, then read the queue on the disk."""
        params = self.params
        start = time.monotonic()
        end = start + params["wait_timeout"]
        running = self.containers()
        container = params["container"] or (running[0] if running else "")
        closing, exit_code, closed = Closing(), None, start
        last_check = start - ASK_EVERY
        pid = 0
        announced = not params["watch"]
        # The end of the process closes it.
        place = socket.socket(socket.AF_UNIX)
        while container:
            moment = time.monotonic()
            if moment - last_check >= ASK_EVERY:
                last_check = moment
                state = self.state(container)
                if state is None:
                    break
                if not state.get("Running"):
                    exit_code = int(state.get("ExitCode") or 0)
                    break
                pid = int(state["Pid"])
            now = self.sockets(pid)
            closing.look(now)
            if not announced:
                place.bind(place_of(params["watch"]))
                place.listen()
                announced = True
            if now.listening:
                closed = moment
            if moment >= end:
                return {}, (
                    f"The container {container[:12]} of {params['service']} has not stopped within "
                    f"{params['wait_timeout']} s on {os.uname().nodename}. Next command there: "
                    f"docker ps --filter label={label_names.SWARM_SERVICE}={params['service']}"
                )
            time.sleep(LOOK_EVERY)
        left = self.left()
        text = stop_report(os.uname().nodename, self.queue, closing.seen, exit_code, left)
        return {
            "stop": {
                "seconds": round(time.monotonic() - closed, 2),
                "exit_code": exit_code,
                "sockets": closing.seen.as_dict(),
                "drained": left.events == 0,
            },
            "told": text,
        }, ""

    def wait(self) -> tuple[dict[str, Any], str]:
        kind = self.params["wait_for"]
        if kind == "stopped":
            return self.watch_stop()
        waits = {
            "listening": self.wait_listening,
            "unused": self.wait_unused,
            "short_queue": self.wait_short_queue,
            "watched": self.wait_watched,
        }
        return {}, waits[kind]() if kind in waits else ""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "service": {"type": "str", "required": True},
            "path": {"type": "path"},
            "volume": {"type": "str"},
            "port": {"type": "int", "default": 10514},
            "api_port": {"type": "int", "default": 9600},
            "wait_for": {
                "type": "str",
                "choices": [
                    "nothing",
                    "listening",
                    "unused",
                    "short_queue",
                    "stopped",
                    "watched",
                ],
                "default": "nothing",
            },
            "wait_timeout": {"type": "int", "default": 120},
            "grace": {"type": "int", "default": 90},
            "container": {"type": "str"},
            "watch": {"type": "str"},
        },
        required_if=[("wait_for", "watched", ["watch"])],
        required_one_of=[("path", "volume")],
        mutually_exclusive=[("path", "volume")],
        supports_check_mode=True,
    )
    engine = Engine(Connection.from_options(module.params))
    host = Host(engine, module.params)
    try:
        waited, problem = ({}, "") if module.check_mode else host.wait()
        result = {**host.look(), **waited}
    except (EngineError, OSError) as error:
        module.fail_json(msg=f"{error}.")
    finally:
        engine.close()
    if problem:
        module.fail_json(msg=problem, **result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
