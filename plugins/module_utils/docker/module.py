# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options that every module talking to the Docker Engine shares."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import env_fallback

# A password-like name would make Ansible warn: client_key is a path, not a key.
ENGINE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "docker_host": {
        "type": "str",
        "default": "unix:///var/run/docker.sock",
        "fallback": (env_fallback, ["DOCKER_HOST"]),
        "aliases": ["docker_url"],
    },
    "api_version": {
        "type": "str",
        "default": "auto",
        "fallback": (env_fallback, ["DOCKER_API_VERSION"]),
        "aliases": ["docker_api_version"],
    },
    "timeout": {"type": "int", "default": 60, "fallback": (env_fallback, ["DOCKER_TIMEOUT"])},
    "tls": {
        "type": "bool",
        "default": False,
        "fallback": (env_fallback, ["DOCKER_TLS", "DOCKER_TLS_VERIFY"]),
    },
    "tls_hostname": {"type": "str", "fallback": (env_fallback, ["DOCKER_TLS_HOSTNAME"])},
    "ca_path": {"type": "path", "aliases": ["ca_cert", "tls_ca_cert", "cacert_path"]},
    "client_cert": {"type": "path", "aliases": ["tls_client_cert", "cert_path"]},
    "client_key": {
        "type": "path",
        "aliases": ["tls_client_key", "key_path"],
        "no_log": False,
    },
    "validate_certs": {"type": "bool", "default": True, "aliases": ["tls_verify"]},
    # Tasks that were written for community.docker may set these.
    "use_ssh_client": {"type": "bool", "default": True},
    "debug": {"type": "bool", "default": False},
}
