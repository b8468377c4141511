"""The lab's volume plugin in its registry: two versions, and one that fails to start."""

from __future__ import annotations

import copy
import gzip
import hashlib
import json
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

from lab.images import CONTEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.images import Images
    from lab.progress import Progress
    from lab.state import Lab

NAME = "volume-plugin"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
PLUGIN = "application/vnd.docker.plugin.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def configs(image: str) -> dict[str, dict[str, Any]]:
    """The plugin's configuration, by tag.

    Version 2 asks for one more privilege and has one more option. The documentation field of each
    configuration holds a hash of its sources, because the registry returns that field unchanged.
    """
    first = json.loads((CONTEXTS / "volume_plugin" / "config.json").read_text())
    second, broken = copy.deepcopy(first), copy.deepcopy(first)
    second["linux"]["capabilities"].append("CAP_CHOWN")
    second["env"].append(
        {"name": "CACHE", "description": "on or off", "settable": ["value"], "value": "off"}
    )
    broken["entrypoint"].append("--broken")
    by_tag = {"1": first, "2": second, "broken": broken}
    for config in by_tag.values():
        text = json.dumps([image, config])
        config["documentation"] += f" {hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return by_tag


def push(lab: Lab, images: Images, port: str, progress: Progress) -> None:
    """Push missing versions to the registry through its API.

    `docker plugin push` of Docker 20.10 sometimes crashes the daemon, and with it every lab of the
    machine: the registry answers a retry while the first try is still sending.
    """
    repository = f"http://127.0.0.1:{port}/v2/lab{lab.number}/{NAME}"
    missing = {
        tag: config
        for tag, config in configs(images.volume_plugin).items()
        if _documentation(repository, tag) != config["documentation"]
    }
    if not missing:
        return
    with progress.step("Volume plugin in the lab's registry"):
        files = _files_of(images.volume_plugin, progress)
        layer = _put_blob(repository, gzip.compress(files, compresslevel=1, mtime=0))
        for tag, config in missing.items():
            rootfs = {"type": "layers", "diff_ids": [_digest(files)]}
            config_blob = _put_blob(repository, json.dumps({**config, "rootfs": rootfs}).encode())
            manifest = {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": PLUGIN, **config_blob},
                "layers": [{"mediaType": LAYER, **layer}],
            }
            _send("PUT", f"{repository}/manifests/{tag}", json.dumps(manifest).encode(), MANIFEST)


def _files_of(image: str, progress: Progress) -> bytes:
    """The image's files as a tar archive."""
    container = progress.run("docker", "create", image, "none").strip()
    try:
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "files.tar"
            progress.run("docker", "export", "-o", str(archive), container)
            return archive.read_bytes()
    finally:
        progress.run("docker", "rm", container)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _put_blob(repository: str, data: bytes) -> dict[str, Any]:
    """Store a blob; return its descriptor for a manifest."""
    digest = _digest(data)
    upload = urljoin(repository, _send("POST", f"{repository}/blobs/uploads/", b"")["Location"])
    _send("PUT", f"{upload}{'&' if '?' in upload else '?'}digest={quote(digest)}", data)
    return {"size": len(data), "digest": digest}


def _send(
    method: str, url: str, data: bytes, kind: str = "application/octet-stream"
) -> Mapping[str, str]:
    """Send a request to the registry; return the headers of its response."""
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(answer.headers)


def _documentation(repository: str, tag: str) -> str:
    """The documentation field of the plugin in the registry; empty without a plugin."""
    manifest = _get(f"{repository}/manifests/{tag}")
    if manifest is None:
        return ""
    config = _get(f"{repository}/blobs/{manifest['config']['digest']}") or {}
    return str(config.get("documentation", ""))


def _get(url: str) -> dict[str, Any] | None:
    request = urllib.request.Request(url, headers={"Accept": MANIFEST})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return None
    return found
