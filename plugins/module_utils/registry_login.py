# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which credentials go to the registry of an image: those of the task, or those of config.json.

Those of the task name their registry and go to no other one.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from .engine import registry_auth

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
    """The registry in a reference, or in the address of one.

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
    """An address that is a registry alone reads like a reference with a path."""
    return address if "/" in address.split("://", 1)[-1] else f"{address}/"
