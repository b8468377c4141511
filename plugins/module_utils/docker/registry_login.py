# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credentials for the registry of an image: those of the task, or those of config.json.

The credentials of the task are sent only to the registry that they name.
"""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path

if TYPE_CHECKING:
    from collections.abc import Mapping

REGISTRY_LOGIN: dict[str, Any] = {
    "type": "dict",
    "options": {
        "registry_url": {"type": "str", "required": True},
        "username": {"type": "str", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
    },
}
_DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")


def registry_of(name: str) -> str:
    """The registry of an image reference or of a registry's address.

    >>> registry_of("registry.example.org:5000/team/web:1")
    'registry.example.org:5000'
    >>> registry_of("https://registry.example.org/v2/")
    'registry.example.org'
    >>> registry_of("team/web:1")
    'docker.io'
    """
    first, slash, _rest = name.split("://", 1)[-1].partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        return _DOCKER_HUB[0]
    return _DOCKER_HUB[0] if first in _DOCKER_HUB else first


def auth_for(image: str, login: Mapping[str, Any] | None, config: Mapping[str, Any]) -> str | None:
    """The X-Registry-Auth header for an image, if there are credentials for its registry."""
    if login and registry_of(_with_path(str(login["registry_url"]))) == registry_of(image):
        header = {
            "username": login["username"],
            "password": login["password"],
            "serveraddress": registry_of(image),
        }
        return base64.urlsafe_b64encode(json.dumps(header).encode()).decode("ascii")
    return registry_auth(image, config)


def _with_path(address: str) -> str:
    """Add a path to an address without one, so that registry_of() reads it as a registry."""
    return address if "/" in address.split("://", 1)[-1] else f"{address}/"


def registry_auth(image: str, config: Mapping[str, Any]) -> str | None:
    """The X-Registry-Auth header for an image from a Docker config.json, if it has credentials.

    Only credentials in the file itself are used; credential helpers are not called.
    """
    first = image.split("/", 1)[0]
    is_registry = "/" in image and ("." in first or ":" in first or first == "localhost")
    registry = first if is_registry else "docker.io"
    names = [registry, f"https://{registry}", f"http://{registry}", f"https://{registry}/v2/"]
    if registry == "docker.io":
        names += ["https://index.docker.io/v1/", "index.docker.io"]
    auths = config.get("auths") or {}
    for name in names:
        entry = auths.get(name)
        if not isinstance(entry, dict):
            continue
        header: dict[str, Any] = {"serveraddress": name}
        if entry.get("identitytoken"):
            header["identitytoken"] = entry["identitytoken"]
        elif entry.get("auth"):
            user, _sep, password = base64.b64decode(entry["auth"]).decode("utf-8").partition(":")
            header.update(username=user, password=password)
        else:
            continue
        return base64.urlsafe_b64encode(json.dumps(header).encode("utf-8")).decode("ascii")
    return None


def read_docker_config(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The Docker client's config.json of this user; {} if there is none."""
    env = os.environ if environ is None else environ
    directory = env.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")
    try:
        content = json.loads(safe_path.read_text(os.path.join(directory, "config.json")))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
