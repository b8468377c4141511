# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Distribution and Docker Engine, where it comes from, and how it is set."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Site,
    check,
    docker_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import (
    parse_version,
)

# Global services with host-mode ports and rollback of updates work from this Engine on.
OLDEST_ENGINE = (20, 10)

SUPPORTED = {
    "debian": ("12", "13"),
    "ubuntu": ("22.04", "24.04"),
    "redhat": ("9", "10"),
}


@check("distribution")
def check_distribution(site: Site) -> Iterator[Finding]:
    for host in site.seen:
        release = host.survey.get("distribution") or {}
        name, version = str(release.get("id") or ""), str(release.get("version") or "")
        family = str(release.get("family") or "")
        key = family if family == "redhat" and name != "fedora" else name
        if key == "redhat":
            version = version.partition(".")[0]
        if version not in SUPPORTED.get(key, ()):
            yield Finding(
                host.name,
                f"runs {release.get('name') or 'an unknown distribution'}, for which the "
                "installation of Docker is not made.",
                "Use Debian 12 or 13, Ubuntu 22.04 or 24.04, or a RHEL-like 9 or 10; or install "
                "Docker yourself and set preflight_accept: [distribution].",
            )


@check("engine_source")
def check_engine_source(site: Site) -> Iterator[Finding]:
    for host in site.seen:
        family = (host.survey.get("distribution") or {}).get("family")
        source = site.declared(host.name, "docker_engine_source")
        named = site.declared(host.name, "docker_engine_distribution_packages")
        if family == "redhat" and source == "distribution" and not named:
            yield Finding(
                host.name,
                "docker_engine_source is distribution, but RHEL-like distributions carry no "
                "Docker Engine.",
                "Set docker_engine_source: docker_ce for it, or name the packages of a repository "
                "that the host has in docker_engine_distribution_packages.",
            )


@check("engine_version")
def check_engine_version(site: Site) -> Iterator[Finding]:
    oldest = ".".join(map(str, OLDEST_ENGINE))
    wanted = site.text("docker_engine_version")
    version = parse_version(wanted)
    # A pattern such as 20.* says less than the limit does.
    if version and version[:2] < OLDEST_ENGINE[: len(version)]:
        yield Finding(
            "docker_engine_version",
            f"{wanted} is older than {oldest}, the oldest Engine that is supported.",
            f"Use {oldest} or newer, or leave it empty.",
        )
    for host in site.seen:
        text = str(docker_of(host).get("version") or "")
        version = parse_version(text)
        if version and version[:2] < OLDEST_ENGINE:
            yield Finding(
                host.name,
                f"has Docker {text}, and the oldest that is supported is {oldest}.",
                "Upgrade it there, or remove it and let this collection install one.",
            )
        asked = str(site.declared(host.name, "docker_engine_version") or "")
        wanted_here = parse_version(asked)
        # As far as both are named: 28.* is not older than 28.5.1.
        if (
            version
            and wanted_here
            and wanted_here < version[: len(wanted_here)]
            and not site.declared(host.name, "docker_engine_allow_downgrade")
        ):
            yield Finding(
                host.name,
                f"has Docker {text}, and docker_engine_version asks for {asked}, which is older.",
                "Correct docker_engine_version, or say docker_engine_allow_downgrade: true if you "
                "mean it.",
            )


@check("daemon")
def check_daemon(site: Site) -> Iterator[Finding]:
    """A daemon that is not believed to be none, or a member of the swarm would be set up anew."""
    for host in site.seen:
        if docker_of(host).get("silent"):
            yield Finding(
                host.name,
                "its Docker daemon lives and does not answer.",
                "See what it does (journalctl -u docker), and restart it there when it hangs "
                "(systemctl restart docker).",
            )


@check("live_restore")
def check_live_restore(site: Site) -> Iterator[Finding]:
    options = site.settings.get("docker_engine_daemon_options") or {}
    if options.get("live-restore"):
        yield Finding(
            "docker_engine_daemon_options",
            "live-restore excludes swarm mode: Docker refuses the two together.",
            "Remove live-restore.",
        )
