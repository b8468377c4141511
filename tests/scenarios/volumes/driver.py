"""A minimal volume driver, on a socket where Docker looks for drivers.

Usage: ``python3 driver.py <name> <directory>``. Its volumes are folders in the directory; the
answer to a mount is the path. An option named ``fail`` makes each mount fail with its value.
"""

import json
import os
import pathlib
import shutil
import socketserver
import sys
from http.server import BaseHTTPRequestHandler

NAME, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
SOCKET = pathlib.Path(f"/run/docker/plugins/{NAME}.sock")


def answer(what, request):
    name = request.get("Name", "")
    place = ROOT / name
    notes = ROOT / f".{name}.json"
    if what == "Plugin.Activate":
        return {"Implements": ["VolumeDriver"]}
    if what == "VolumeDriver.Capabilities":
        return {"Capabilities": {"Scope": "local"}}
    if what == "VolumeDriver.List":
        return {"Volumes": [{"Name": one.name} for one in ROOT.iterdir() if one.is_dir()]}
    if what == "VolumeDriver.Create":
        place.mkdir(exist_ok=True)
        notes.write_text(json.dumps(request.get("Opts") or {}))
        return {}
    if not place.is_dir():
        return {"Err": f"there is no volume {name}"}
    if what == "VolumeDriver.Remove":
        shutil.rmtree(place)
        notes.unlink()
        return {}
    if what == "VolumeDriver.Get":
        return {"Volume": {"Name": name, "Mountpoint": "", "Status": {}}}
    if what == "VolumeDriver.Mount":
        reason = json.loads(notes.read_text()).get("fail")
        return {"Err": reason} if reason else {"Mountpoint": str(place)}
    return {"Mountpoint": str(place)}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        response = json.dumps(answer(self.path.strip("/"), json.loads(body or b"{}"))).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)

    def address_string(self):
        return NAME

    def log_message(self, *_):
        """Log nothing."""


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


ROOT.mkdir(parents=True, exist_ok=True)
SOCKET.parent.mkdir(parents=True, exist_ok=True)
if SOCKET.exists():
    os.unlink(SOCKET)
Server(str(SOCKET), Handler).serve_forever()
