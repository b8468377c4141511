"""Runs on a host: prints the state of its daemon and services whenever that changes."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any

LABEL = "com.docker.swarm.service.name"


class Daemon(http.client.HTTPConnection):
    """HTTP over the daemon's socket; used only while the daemon runs, so it starts none."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(5)
        self.sock.connect("/run/docker.sock")


def pid() -> int:
    try:
        with open("/run/docker.pid", encoding="ascii") as file:
            number = int(file.read())
        with open(f"/proc/{number}/comm", encoding="ascii") as file:
            return number if "dockerd" in file.read() else 0
    except (OSError, ValueError):
        return 0


def services() -> list[str]:
    """Services with a running container here that is healthy, if it has a health check."""
    daemon = Daemon("docker")
    try:
        daemon.request("GET", "/containers/json")
        found: list[dict[str, Any]] = json.loads(daemon.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return []
    finally:
        daemon.close()
    return sorted(
        one["Labels"][LABEL]
        for one in found
        if LABEL in one["Labels"]
        and not any(word in one["Status"] for word in ("unhealthy", "starting"))
    )


def main() -> None:
    last = None
    while True:
        daemon = pid()
        now = {"daemon": daemon, "services": services() if daemon else []}
        if now != last:
            print(json.dumps({"at": time.time(), **now}), flush=True)
            last = now
        time.sleep(0.2)


if __name__ == "__main__":
    main()
