# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The common options of the Elasticsearch modules, and the client that they create from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import Client, Login

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMON_ARGUMENTS: dict[str, dict[str, Any]] = {
    "urls": {"type": "list", "elements": "str", "required": True},
    "ca_path": {"type": "path"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "api_key": {"type": "str", "no_log": True},
    "token": {"type": "str", "no_log": True},
    "login_from": {"type": "str"},
    "timeout": {"type": "float", "default": 30},
    "doubt_timeout": {"type": "float", "default": 20},
}
MUTUALLY_EXCLUSIVE = [("username", "api_key", "token")]
REQUIRED_TOGETHER = [("username", "password")]


def argument_spec(**options: dict[str, Any]) -> dict[str, Any]:
    """The common options together with those of a module."""
    return {**COMMON_ARGUMENTS, **options}


def make_client(params: Mapping[str, Any], **options: Any) -> Client:
    return Client(
        params["urls"],
        login=Login(
            username=params["username"],
            password=params["password"],
            api_key=params["api_key"],
            token=params["token"],
            origin=params["login_from"],
        ),
        ca_path=params["ca_path"],
        timeout=params["timeout"],
        **{"doubt_timeout": params["doubt_timeout"], **options},
    )
