# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the Docker daemon that do harm to one that runs already."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.elk.swarm.plugins.module_utils.docker.daemon_config import KEEP, dropped
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Host,
    Site,
    check,
    docker_of,
    is_member,
    listed,
)

DAEMON_FILE = "/etc/docker/daemon.json"
# With another value the daemon starts with other, empty data.
ELSEWHERE = ("data-root", "storage-driver", "userns-remap")
# What the role docker_engine writes besides docker_engine_daemon_options, by variable.
WRITTEN = {
    "insecure-registries": "docker_engine_insecure_registries",
    "registry-mirrors": "docker_engine_registry_mirrors",
    "default-address-pools": "docker_engine_address_pools",
}


def options_of(site: Site) -> Mapping[str, Any]:
    found: Mapping[str, Any] = site.settings.get("docker_engine_daemon_options") or {}
    return found


def present_options(host: Host) -> Mapping[str, Any]:
    """The options in the file of a host; none if there is no file or no JSON in it."""
    try:
        found = json.loads((host.survey.get("files") or {}).get(DAEMON_FILE) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@check("daemon_flags")
def check_daemon_flags(site: Site) -> Iterator[Finding]:
    """The daemon refuses an option that its unit passes as a flag as well."""
    options = options_of(site)
    # The role docker_engine sets it as well, unless null takes it out.
    written = {name for name in (*options, "log-driver") if options.get(name, "") is not None}
    for host in site.seen:
        flags = docker_of(host).get("flags")
        # Without the unit, what the packages of Debian and of Docker pass.
        given = ("hosts", "containerd") if flags is None else flags
        for name in sorted(written.intersection(given)):
            yield Finding(
                host.name,
                f"docker.service passes {name} as a flag there, and "
                + (
                    f"docker_engine_daemon_options has {name}"
                    if name in options
                    else f"docker_engine_log_driver sets {name}"
                )
                + ": the daemon does not start with both.",
                f"Remove it from docker_engine_daemon_options, or set {name}: null there if it is "
                "not in it. A drop-in of docker.service can drop or add the flag instead.",
            )


@check("daemon_data")
def check_daemon_data(site: Site) -> Iterator[Finding]:
    """A member of a swarm that starts with empty data is no member any more."""
    options = options_of(site)
    for host in site.seen:
        docker = docker_of(host)
        if not is_member(host) and not docker.get("containers"):
            continue
        running = {"data-root": docker.get("root"), "storage-driver": docker.get("driver")}
        for name in ELSEWHERE:
            now = running.get(name) or present_options(host).get(name) or ""
            # Neither the daemon nor its file shows a value for what is at Docker's default.
            known = name in running and not running[name]
            desired = str(options.get(name) or "").rstrip("/")
            if not desired or known or desired == str(now).rstrip("/"):
                continue
            yield Finding(
                host.name,
                f"docker_engine_daemon_options sets {name}: {desired}, and Docker runs there "
                f"with {now or 'none'}. It would restart without its containers, images and its "
                "place in the swarm.",
                f"Set {name} back. To change it, take the host out (playbooks/remove_host.yml) "
                "and in again.",
            )


@check("daemon_kept")
def check_daemon_kept(site: Site) -> Iterator[Finding]:
    """The module daemon_config refuses this as well, but only after hosts have been changed."""
    for host in site.seen:
        present = present_options(host)
        for name in dropped(present, options_of(site)):
            yield Finding(
                host.name,
                f"{DAEMON_FILE} sets {name}: {present[name]}, and docker_engine_daemon_options "
                "does not. Without it the daemon would look for its data elsewhere.",
                f"Add {name} to docker_engine_daemon_options.",
            )


@check("daemon_foreign")
def check_daemon_foreign(site: Site) -> Iterator[Finding]:
    """Options that another program or person has written and that the file would lose."""
    kept = {"log-driver", "log-opts", *KEEP, *options_of(site)}
    kept |= {name for name, variable in WRITTEN.items() if site.settings.get(variable)}
    for host in site.seen:
        lost = sorted(set(present_options(host)) - kept)
        if lost:
            yield Finding(
                host.name,
                f"{DAEMON_FILE} has {listed(lost)}, which the variables do not have, so the file "
                "loses it.",
                "Add it to docker_engine_daemon_options to keep it.",
                warning=True,
            )
