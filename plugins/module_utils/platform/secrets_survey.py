# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the secrets of a platform that a host has, from its files and running containers.

Swarm mounts a secret into a container from a file system in memory, which root can read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names, safe_path
from ansible_collections.elk.swarm.plugins.module_utils.common.service_names import host_service
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.secrets import (
    ELASTIC,
    ELASTIC_ON_HOST,
    certificate_keys,
    fingerprint,
    rendered_secrets,
)

# Swarm accepts secrets of at most 500 KiB; a password is one line.
_MAX_SECRET = 500 * 1024
_MAX_FILE = 64 * 1024
_CONTAINER = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class SecretFile:
    """One secret that Swarm has mounted into a container."""

    container: str
    text: str = field(repr=False)
    # The service of the container, by its name in the swarm.
    service: str = ""


def read_file(path: str, limit: int = _MAX_FILE) -> str | None:
    """Text of a regular file, else None: other users of the host may own its folder."""
    try:
        return safe_path.read_text(path, limit, errors="replace")
    except OSError:
        return None


def connect(socket: str, timeout: int) -> Engine:
    return Engine(Connection(docker_host=f"unix://{socket}", timeout=timeout))


def secret_files(engine: Engine, root: str, stack: str) -> list[SecretFile]:
    """The secrets that Swarm has mounted into the running containers of a stack."""
    found: list[SecretFile] = []
    label = {"label": [f"{label_names.STACK}={stack}"]}
    for container in engine.request("GET", "/containers/json", {"filters": label}) or []:
        name = str(container.get("Id", ""))
        service = str((container.get("Labels") or {}).get(label_names.SWARM_SERVICE) or "")
        folder = f"{root}/containers/{name}/mounts/secrets"
        if not _CONTAINER.fullmatch(name):
            continue
        try:
            entries = safe_path.names(folder)
        except OSError:
            continue
        for entry in entries:
            text = read_file(f"{folder}/{entry}", _MAX_SECRET)
            if text:
                found.append(SecretFile(name, text, service))
    return found


def values(files: list[SecretFile], config_dir: str) -> dict[str, str]:
    """The secrets that this host still has, by the names of the files on the controller."""
    found: dict[str, str] = {}
    for file in files:
        found.update(rendered_secrets(file.text))
    password = (read_file(f"{config_dir}/{ELASTIC_ON_HOST}") or "").rstrip("\n")
    if password:
        found[ELASTIC] = password
    return found


# Files of a host, and their names on the controller.
_PKI = {
    "ca.crt": "ca.crt",
    "transport-ca.crt": "transport-ca.crt",
    "node.crt": "certs/{host}.crt",
    "node.key": "certs/{host}.key",
    "transport.crt": "certs/{host}.transport.crt",
    "transport.key": "certs/{host}.transport.key",
}


def controller_files(
    files: list[SecretFile], config_dir: str, host: str, certificates: Mapping[str, str]
) -> dict[str, str]:
    """Everything that this host can give back to a controller, by file name on the controller.

    ``certificates`` has the names of the certificates of services, by the service in the swarm.
    """
    found = {name: f"{value}\n" for name, value in values(files, config_dir).items()}
    for name, there in _PKI.items():
        text = read_file(f"{config_dir}/pki/{name}")
        if text:
            found[there.format(host=host)] = text
    authority = found.get("ca.crt", "")
    return {**found, **served_certificates(files, authority, certificates, host)}


def served_certificates(
    files: list[SecretFile], authority: str, certificates: Mapping[str, str], host: str
) -> dict[str, str]:
    """The certificates of services and their keys, which their containers have."""
    trusted = set(certificate_keys(authority))
    # Of kind per_host, this host has a service of its own.
    here = {host_service(service, host): name for service, name in certificates.items()}
    names = {**here, **certificates}
    found: dict[str, str] = {}
    for file in files:
        name = names.get(file.service)
        if not name:
            continue
        if "PRIVATE KEY-----" in file.text:
            found[f"certs/{name}.key"] = file.text
        elif certificate_keys(file.text) and not trusted & set(certificate_keys(file.text)):
            found[f"certs/{name}.crt"] = file.text
    return found


def in_swarm(engine: Engine, stack: str) -> dict[str, Any]:
    """The services of the stack, and the configs and secrets of this collection."""
    of_stack = {"filters": {"label": [f"{label_names.STACK}={stack}"]}}
    made = {"filters": {"label": [label_names.BASE]}}
    return {
        "services": _names(engine.request("GET", "/services", of_stack)),
        "objects": sorted(
            _names(engine.request("GET", "/configs", made))
            + _names(engine.request("GET", "/secrets", made))
        ),
    }


def _names(items: Any) -> list[str]:
    return sorted(str((item.get("Spec") or {}).get("Name") or "") for item in items or [])


def survey(
    *, socket: str, timeout: int, info: dict[str, Any], config_dir: str, stack: str, salt: str
) -> dict[str, Any]:
    """What a host has of a platform: names and fingerprints, never a value.

    ``info`` is the response of the Engine, empty where none runs.
    """
    files: list[SecretFile] = []
    swarm: dict[str, Any] = {"services": [], "objects": []}
    if info:
        engine = connect(socket, timeout)
        try:
            files = secret_files(engine, str(info.get("DockerRootDir") or "/var/lib/docker"), stack)
            if (info.get("Swarm") or {}).get("ControlAvailable"):
                swarm = in_swarm(engine, stack)
        except EngineError:
            # A manager without a majority cannot answer. Keep what was read before.
            pass
    return {
        **swarm,
        "fingerprints": {
            name: fingerprint(value, salt) for name, value in values(files, config_dir).items()
        },
    }
