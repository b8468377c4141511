#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: logstash_queue
version_added: 0.1.0
short_description: Tell what the Logstash of a host still holds, and wait for it
description:
  - Looks at the task of a Logstash service on the host where the module runs. Tells the open
    connections to its port, what lies unread in them, and what Logstash itself says of its queue.
  - Where no task runs, reads the persisted queue on the disk and counts the events that were not
    acknowledged. They are sent when Logstash runs on this host again.
  - Can wait for the task to listen, for its senders to leave, for its queue to get short, and for
    its end.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
attributes:
  check_mode:
    description: Can run in check mode, it only reads.
    support: full
    details:
      - Does not wait then, because nothing was changed that could be waited for.
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
      - Logstash's data directory on the host. The queue is in C(queue) below it.
      - This or O(volume) is required.
    type: path
  volume:
    description:
      - The volume of the host that Logstash has as its data directory.
      - What is left in the queue is known only of a plain V(local) volume. Any other is mounted
        only while Logstash runs, and RV(left.events) is null then.
    type: str
  port:
    description: Port of the syslog input inside the container.
    type: int
    default: 10514
  api_port:
    description:
      - Port of the monitoring API inside the container. It is asked with the image's C(curl).
    type: int
    default: 9600
  wait_for:
    description:
      - V(nothing) only looks.
      - V(listening) waits until the input listens, which is later than the API answers.
      - V(unused) waits until no connection over TCP is open, and goes on all the same after
        O(wait_timeout).
      - V(short_queue) waits until the queue can be emptied within half of O(grace) at the pace at
        which events leave it now, and fails if that does not come.
      - V(stopped) watches the sockets until the container has ended, then reads the queue on the
        disk. Start it before the end is asked for.
      - V(watched) waits until another run of this module with V(stopped) and the same O(watch) has
        had its first look. What was started with C(async) may not have begun to look yet. Goes on
        as well when O(container) has ended by itself, because then nothing is left to be watched.
    type: str
    choices: [nothing, listening, unused, short_queue, stopped, watched]
    default: nothing
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 120
  grace:
    description: Seconds that the task has to stop. See O(wait_for=short_queue).
    type: int
    default: 90
  container:
    description:
      - Id of the container to watch with O(wait_for=stopped). Without it that of the running task.
      - With O(wait_for=watched) the one that is watched.
    type: str
  watch:
    description:
      - Name of the watch, by which O(wait_for=watched) knows that of O(wait_for=stopped). Any word
        that no other watch on this host has.
    type: str
seealso:
  - module: elk.swarm.service
  - module: elk.swarm.syslog_probe
notes:
  - Sees the sockets of the container through C(/proc), so it needs to be root.
  - The files of the queue are read as Logstash 9 writes them.
"""

EXAMPLES = r"""
- name: See what the Logstash of each host holds
  elk.swarm.logstash_queue:
    service: logshipper
    path: /srv/elk/logstash
  register: logstash_seen

- name: Have the queue short before the task is ended
  elk.swarm.logstash_queue:
    service: logshipper
    path: /srv/elk/logstash
    wait_for: short_queue
    wait_timeout: 600
    grace: 90
"""

RETURN = r"""
node:
  description: Name of the host as its kernel says it.
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
  description: The port of the input inside the container.
  returned: always
  type: dict
  contains:
    listening:
      description: Whether the input listens.
      type: bool
    connections:
      description: Open connections over TCP.
      type: int
    unread_bytes:
      description: Bytes in them that Logstash has not read. They are lost when it stops.
      type: int
    unread_udp_bytes:
      description: The same of datagrams, with the kernel's overhead.
      type: int
  sample: {listening: true, connections: 2, unread_bytes: 0, unread_udp_bytes: 0}
events:
  description: Events taken in, sent and queued, as Logstash says. Empty when it does not answer.
  returned: always
  type: dict
  sample: {in: 18214, out: 18209, queued: 5}
left:
  description: What the queue on the disk holds. Empty while a container runs.
  returned: always
  type: dict
  contains:
    events:
      description: Events that were not acknowledged, null when they cannot be counted.
      type: int
    bytes:
      description: Bytes that they take on the disk.
      type: int
    pipelines:
      description: The events of each pipeline.
      type: dict
    problems:
      description: Why something could not be counted.
      type: list
      elements: str
  sample: {events: 0, bytes: 0, pipelines: {syslog: 0}, problems: []}
stop:
  description: How the container ended.
  returned: with O(wait_for=stopped)
  type: dict
  contains:
    seconds:
      description: Seconds from the closing of the port to the end.
      type: float
    exit_code:
      description: Exit code, null when Docker does not know it any more.
      type: int
    sockets:
      description:
          - The port as it was seen last before it closed. Its C(listening) is false if the port
            was never seen open; then nobody knows what its connections lost.
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
  description: The same in words.
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
from ansible_collections.elk.swarm.plugins.module_utils.logstash.queue import (
    Closing,
    Flow,
    Left,
    Sockets,
    can_drain,
    read_queues,
    read_volume,
    sockets_at,
    told,
)

# What is lost is known as exactly as this.
LOOK_EVERY = 0.02
ASK_EVERY = 0.25
# A million sockets.
TABLE_LIMIT = 256 * safe_path.MIB


def proc_net(pid: int, name: str) -> str:
    """A table of the network name space of a process, for IPv4 and IPv6."""
    text = ""
    for version in ("", "6"):
        try:
            text += safe_path.read_text(f"/proc/{pid}/net/{name}{version}", TABLE_LIMIT)
        except OSError:
            # Without IPv6 there is no second one, and without the process none at all.
            continue
    return text


def place_of(watch: str) -> str:
    """Address of a watch. It has no file, so that nothing is left of a watch that was killed."""
    return f"\0elk.swarm/logstash_queue/{watch}"


class Host:
    """The tasks of one service on this host."""

    def __init__(self, engine: Engine, params: dict[str, Any]) -> None:
        self.engine = engine
        self.params = params
        volume, path = params["volume"], params["path"]
        self.queue = f"volume {volume}" if volume else os.path.join(path, "queue")

    def left(self) -> Left:
        """What the queue holds that no process has open."""
        volume = self.params["volume"]
        return read_volume(self.engine.volume(volume)) if volume else read_queues(self.queue)

    def containers(self) -> list[str]:
        filters = {
            "label": [f"{label_names.SWARM_SERVICE}={self.params['service']}"],
            "status": ["running"],
        }
        try:
            found = self.engine.request("GET", "/containers/json", query={"filters": filters})
        except EngineAwayError:
            # Nothing runs where there is no Docker, and a queue may be there all the same.
            return []
        found.sort(key=lambda one: int(one.get("Created") or 0), reverse=True)
        return [str(one["Id"]) for one in found]

    def state(self, container: str) -> dict[str, Any] | None:
        try:
            found = self.engine.container(container)
        except NotFoundError:
            return None
        return dict(found["State"])

    def sockets(self, pid: int) -> Sockets:
        return sockets_at(self.params["port"], proc_net(pid, "tcp"), proc_net(pid, "udp"))

    def flow(self, container: str) -> Flow | None:
        """What the API inside the container says; it need not be reachable from outside."""
        url = f"http://127.0.0.1:{self.params['api_port']}/_node/stats/pipelines"
        command = ["curl", "--silent", "--fail", "--max-time", "5", url]
        try:
            made = self.engine.request(
                "POST",
                f"/containers/{container}/exec",
                # With a terminal the answer comes as it is, without frames.
                body={"Cmd": command, "AttachStdout": True, "Tty": True},
            )
            answer = self.engine.request(
                "POST", f"/exec/{made['Id']}/start", body={"Detach": False, "Tty": True}
            )
        except EngineError:
            # It ended in between.
            return None
        if isinstance(answer, str):
            try:
                answer = json.loads(answer)
            except ValueError:
                return None
        return Flow.of(answer) if isinstance(answer, dict) else None

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
        """Sees whether the queue empties, and how fast."""
        params = self.params
        begun = time.monotonic()
        end = begun + params["wait_timeout"]
        before: Flow | None = None
        asked = begun
        while True:
            containers = self.containers()
            if not containers:
                return ""
            now = self.flow(containers[0])
            moment = time.monotonic()
            if now is not None:
                if can_drain(before or now, now, moment - asked, params["grace"]):
                    return ""
                before, asked = now, moment
            if moment >= end:
                node = os.uname().nodename
                queued = f"holds {now.queued} events" if now else "cannot be asked how long it is"
                return (
                    f"The queue of {params['service']} on {node} {queued} and does not get short "
                    f"enough within {params['wait_timeout']} s to be drained by a stop of "
                    f"{params['grace']} s. Next command on {node}: docker logs --tail 50 "
                    f"{containers[0][:12]}"
                )
            time.sleep(1)

    def has_ended(self, container: str) -> bool:
        state = self.state(container)
        return state is None or not state.get("Running")

    def wait_watched(self) -> str:
        watch, container = self.params["watch"], self.params["container"]
        end = time.monotonic() + self.params["wait_timeout"]
        asked = time.monotonic()
        while True:
            with socket.socket(socket.AF_UNIX) as peer:
                if peer.connect_ex(place_of(watch)) == 0:
                    return ""
            moment = time.monotonic()
            if container and moment - asked >= ASK_EVERY:
                asked = moment
                # An earlier run that was killed may have asked for its end, or it has crashed.
                if self.has_ended(container):
                    return ""
            if moment >= end:
                return (
                    f"Nobody watches {self.params['service']} on {os.uname().nodename} as {watch} "
                    f"after {self.params['wait_timeout']} s. Nothing was stopped. Run the same "
                    "playbook again"
                )
            time.sleep(LOOK_EVERY)

    def watch_stop(self) -> tuple[dict[str, Any], str]:
        """Look at the sockets until the container is gone, then at the disk."""
        params = self.params
        begun = time.monotonic()
        end = begun + params["wait_timeout"]
        running = self.containers()
        container = params["container"] or (running[0] if running else "")
        closing, exit_code, closed = Closing(), None, begun
        asked = begun - ASK_EVERY
        pid = 0
        announced = not params["watch"]
        # Closed by the end of the process.
        place = socket.socket(socket.AF_UNIX)
        while container:
            moment = time.monotonic()
            if moment - asked >= ASK_EVERY:
                asked = moment
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
                    f"The container {container[:12]} of {params['service']} has not ended within "
                    f"{params['wait_timeout']} s on {os.uname().nodename}. Next command there: "
                    f"docker ps --filter label={label_names.SWARM_SERVICE}={params['service']}"
                )
            time.sleep(LOOK_EVERY)
        left = self.left()
        text = told(os.uname().nodename, self.queue, closing.seen, exit_code, left)
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
