"""Runs on a lab host: makes one fault, or removes all of them.

A fault is a transient unit, a mount, or files in /opt/trouble, /etc/elk and /srv/elk.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

PLACE = Path("/opt/trouble")
UNITS = ("trouble-port", "trouble-engine")
SOCKET = Path("/run/docker.sock")
PID = Path("/run/docker.pid")
DATA = Path("/srv/elk/elasticsearch")
MARKER = Path("/etc/elk/elasticsearch/cluster_uuid")


def script(name: str, text: str) -> str:
    """A program whose process has the name of its file."""
    PLACE.mkdir(exist_ok=True)
    path = PLACE / name
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def service(unit: str, *command: str) -> None:
    """Start a unit and wait until it reports that it is ready."""
    ready = ["systemd-run", "--quiet", "--collect", f"--unit={unit}", "--service-type=notify"]
    subprocess.run([*ready, "--property=NotifyAccess=all", *command], check=True)


SAY_READY = """
import os, socket
def ready():
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"].replace("@", "\\0", 1))
"""

SERVER = f"""#!/usr/bin/python3
import signal, sys
{SAY_READY}
kind = socket.SOCK_DGRAM if sys.argv[2] == "udp" else socket.SOCK_STREAM
server = socket.socket(socket.AF_INET, kind)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("", int(sys.argv[1])))
if sys.argv[2] == "tcp":
    server.listen()
ready()
signal.pause()
"""

ENGINE = f"""#!/usr/bin/python3
import sys
{SAY_READY}
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind("{SOCKET}")
server.listen()
open("{PID}", "w").write(str(os.getpid()))
ready()
while True:
    peer = server.accept()[0]
    peer.recv(65536)
    body = sys.argv[1].encode()
    peer.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
    peer.close()
"""

CLOCK = """
import time
right = time.time
time.time = lambda: right() + {seconds}
"""


def listen(port: str, protocol: str) -> None:
    service(UNITS[0], script("other-server", SERVER), port, protocol)


def engine(version: str, role: str, cluster: str = "") -> None:
    """A stand-in for a Docker Engine: each answer is its version and the state of its swarm."""
    manager = role == "manager"
    swarm = {
        "NodeID": f"node-{socket.gethostname()}",
        "LocalNodeState": role if role in ("inactive", "locked") else "active",
        "ControlAvailable": manager,
        "Cluster": {"ID": cluster} if manager else None,
        "RemoteManagers": [{"NodeID": f"manager-of-{cluster}"}] if cluster else None,
    }
    info = json.dumps({"ServerVersion": version, "Swarm": swarm})
    service(UNITS[1], script("dockerd", ENGINE), info)


def clock(seconds: str) -> None:
    """A Python with another time, because all hosts share the kernel's clock."""
    script("sitecustomize.py", CLOCK.format(seconds=int(seconds)))
    script("python", f'#!/bin/sh\nPYTHONPATH={PLACE} exec /usr/bin/python3 "$@"\n')


def disk(megabytes: str, percent: str) -> None:
    """A small file system at /srv, filled in part."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", "/srv"], check=True)
    size = int(megabytes) * int(percent) // 100
    if size:
        subprocess.run(["fallocate", "-l", f"{size}m", "/srv/filler"], check=True)


def fill() -> None:
    """A directory with data, as a run leaves it."""
    DATA.mkdir(parents=True)
    (DATA / "nodes").touch()


def remember(uuid: str) -> None:
    MARKER.parent.mkdir(parents=True)
    MARKER.write_text(f"{uuid}\n")


def clean() -> None:
    for verb in ("stop", "reset-failed"):
        subprocess.run(["systemctl", verb, *UNITS], check=False, stderr=subprocess.DEVNULL)
    if os.path.ismount("/srv"):
        subprocess.run(["umount", "/srv"], check=True)
    for path in (SOCKET, PID):
        path.unlink(missing_ok=True)
    for folder in (PLACE, MARKER.parent.parent, DATA.parent):
        shutil.rmtree(folder, ignore_errors=True)


def traces() -> None:
    """Print what a run of the roles would leave on this host."""
    paths = ("/etc/docker", "/etc/elk", "/srv/elk", "/usr/sbin/dockerd")
    found = [path for path in paths if os.path.lexists(path)]
    # The lab mounts the folder of Docker's data.
    found += [str(path) for path in Path("/var/lib/docker").glob("*")]
    found += [str(path) for path in Path("/etc/sysctl.d").glob("*elk*")]
    found += [str(path) for path in Path("/etc/nftables.d").glob("*")]
    found += [str(path) for path in Path("/etc/systemd/system").glob("elk*")]
    found += [str(path) for path in Path("/etc/apt/keyrings").glob("*docker*")]
    status = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package}\\n"], check=True, capture_output=True, text=True
    )
    prefixes = ("docker", "containerd", "python3-docker")
    found += [f"package {name}" for name in status.stdout.split() if name.startswith(prefixes)]
    print("\n".join(found))


if __name__ == "__main__":
    {
        "listen": listen,
        "engine": engine,
        "clock": clock,
        "disk": disk,
        "fill": fill,
        "remember": remember,
        "clean": clean,
        "traces": traces,
    }[sys.argv[1]](*sys.argv[2:])
