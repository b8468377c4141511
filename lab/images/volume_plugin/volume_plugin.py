"""Volume driver of the lab: a managed plugin of Docker that keeps its volumes on the host's disk.

The data and the list of volumes survive the removal of the plugin: they are in a directory of the
host.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import signal
import socketserver
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

SOCKET = "/run/docker/plugins/volumes.sock"
# The host's directory, and the mounts that Docker passes on to containers; see config.json.
HOST = Path("/host")
MOUNTS = Path("/mnt/volumes")

MS_BIND = 4096
MNT_DETACH = 2

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
SIZE = re.compile(r"[1-9][0-9]*[kmgt]?")


class RefusedError(Exception):
    """The plugin refuses a request; Docker shows the text."""


@dataclass(frozen=True)
class Settings:
    """The plugin's options, which Docker passes as environment variables."""

    scope: str = "local"
    retries: int = 3
    password: str = field(default="", repr=False)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        scope, retries = environ.get("SCOPE", "local"), environ.get("RETRIES", "3")
        if scope not in ("local", "global"):
            raise RefusedError(f"SCOPE is {scope!r}, but must be local or global")
        if not retries.isdigit():
            raise RefusedError(f"RETRIES is {retries!r}, but must be a number")
        return cls(scope, int(retries), environ.get("PASSWORD", ""))


@dataclass
class Volume:
    """An entry of the list of volumes on the host's disk."""

    name: str
    directory: str
    size: str
    created: str


class Volumes:
    """All volumes of one host; the server makes one call at a time."""

    def __init__(self, home: Path, mounts: Path) -> None:
        self.home, self.mounts = home, mounts
        self.list = home / "volumes.json"
        self.users: dict[str, set[str]] = {}
        home.mkdir(parents=True, exist_ok=True)
        saved = json.loads(self.list.read_text()) if self.list.exists() else []
        self.volumes = {one["name"]: Volume(**one) for one in saved}

    def save(self) -> None:
        new = self.list.with_suffix(".new")
        new.write_text(json.dumps([asdict(one) for one in self.volumes.values()], indent=1))
        new.replace(self.list)

    def create(self, name: str, options: Mapping[str, str]) -> None:
        unknown = sorted(set(options) - {"size", "directory"})
        directory, size = options.get("directory", name), options.get("size", "")
        if unknown:
            raise RefusedError(f"no such option: {', '.join(unknown)}")
        if not NAME.fullmatch(directory):
            raise RefusedError(f"{directory!r} is not a valid directory name")
        if size and not SIZE.fullmatch(size):
            raise RefusedError(f"{size!r} is not a valid size")
        self.data(directory).mkdir(exist_ok=True)
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.volumes[name] = Volume(name, directory, size, created)
        self.save()

    def remove(self, name: str) -> None:
        volume = self.find(name)
        if self.users.get(name):
            raise RefusedError(f"{name} is mounted")
        shutil.rmtree(self.data(volume.directory))
        del self.volumes[name]
        self.save()

    def mount(self, name: str, user: str) -> str:
        volume = self.find(name)
        users = self.users.setdefault(name, set())
        if not users:
            self.path(name).mkdir(parents=True, exist_ok=True)
            bind(self.data(volume.directory), self.path(name))
        users.add(user)
        return str(self.path(name))

    def unmount(self, name: str, user: str) -> None:
        users = self.users.get(self.find(name).name, set())
        users.discard(user)
        if not users:
            release(self.path(name))

    def find(self, name: str) -> Volume:
        if name not in self.volumes:
            raise RefusedError("no such volume")
        return self.volumes[name]

    def data(self, directory: str) -> Path:
        return self.home / directory

    def path(self, name: str) -> Path:
        return self.mounts / name

    def describe(self, name: str) -> dict[str, Any]:
        volume = self.find(name)
        mounted = str(self.path(name)) if self.users.get(name) else ""
        return {
            "Name": name,
            "Mountpoint": mounted,
            "CreatedAt": volume.created,
            "Status": {"directory": volume.directory, "size": volume.size},
        }


def bind(source: Path, target: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(str(source).encode(), str(target).encode(), None, MS_BIND, None):
        raise RefusedError(f"{source} cannot be mounted: {os.strerror(ctypes.get_errno())}")


def release(target: Path) -> None:
    """Unmount. Ignore errors: after a restart of the plugin, nothing is mounted."""
    ctypes.CDLL(None).umount2(str(target).encode(), MNT_DETACH)


def answer(volumes: Volumes, settings: Settings, call: str, request: dict[str, Any]) -> Any:
    """Carry out one call of Docker's volume plugin protocol."""
    name, user = request.get("Name", ""), request.get("ID", "")
    match call:
        case "Plugin.Activate":
            return {"Implements": ["VolumeDriver"]}
        case "VolumeDriver.Capabilities":
            return {"Capabilities": {"Scope": settings.scope}}
        case "VolumeDriver.Create":
            volumes.create(name, request.get("Opts") or {})
        case "VolumeDriver.Remove":
            volumes.remove(name)
        case "VolumeDriver.Mount":
            return {"Mountpoint": volumes.mount(name, user)}
        case "VolumeDriver.Unmount":
            volumes.unmount(name, user)
        case "VolumeDriver.Path":
            return {"Mountpoint": volumes.describe(name)["Mountpoint"]}
        case "VolumeDriver.Get":
            return {"Volume": volumes.describe(name)}
        case "VolumeDriver.List":
            return {"Volumes": [volumes.describe(one) for one in volumes.volumes]}
        case _:
            raise RefusedError(f"{call} is not supported")
    return {}


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, volumes: Volumes, settings: Settings) -> None:
        self.volumes, self.settings, self.one_at_a_time = volumes, settings, threading.Lock()
        super().__init__(SOCKET, Handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server = self.server
        try:
            with server.one_at_a_time:
                response = answer(
                    *(server.volumes, server.settings, self.path[1:]), json.loads(raw or b"{}")
                )
        except (RefusedError, OSError) as error:
            response = {"Err": str(error)}
        body = json.dumps(response).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.docker.plugins.v1.1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "docker"

    def log_message(self, *_: Any) -> None:
        """Log no requests: Docker sends many, and its log should show only problems."""


def stop(number: int, _frame: Any) -> NoReturn:
    sys.exit(f"stopped by signal {number}")


def main(arguments: list[str]) -> None:
    signal.signal(signal.SIGTERM, stop)
    try:
        settings = Settings.read(os.environ)
    except RefusedError as error:
        sys.exit(f"volume plugin: {error}")
    if arguments:
        # Like a careless program, this writes secrets to the log before it exits.
        print(f"volume plugin: environment {dict(os.environ)}", file=sys.stderr)
        sys.exit(f"volume plugin: cannot log in to the disk with {settings.password!r}")
    os.makedirs(os.path.dirname(SOCKET), exist_ok=True)
    print(f"volume plugin: started with {settings}", file=sys.stderr, flush=True)
    Server(Volumes(HOST / "lab-volumes", MOUNTS), settings).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
