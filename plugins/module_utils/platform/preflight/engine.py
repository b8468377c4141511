# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The distribution, and the source, version and settings of the Docker Engine."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Site,
    check,
    docker_of,
    listed,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import (
    parse_version,
    plural,
)

# The first Engine where global services with host-mode ports and update rollback work.
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
                f"runs {release.get('name') or 'an unknown distribution'}, on which "
                "this collection cannot install Docker.",
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


# Packages of an Engine, and the value of docker_engine_source that keeps them. The packages of the
# other value remove them.
ORIGINS = {
    "docker-ce": "docker_ce",
    "docker-ce-cli": "docker_ce",
    "containerd.io": "docker_ce",
    "docker.io": "distribution",
    "moby-engine": "distribution",
}
# They bring a program docker that is not the Engine, so no source keeps them.
NO_ENGINE = ("podman-docker",)


@check("engine_origin")
def check_engine_origin(site: Site) -> Iterator[Finding]:
    """Whether the installation would remove an Engine of another origin."""
    for host in site.seen:
        source = str(site.declared(host.name, "docker_engine_source") or "")
        named = site.declared(host.name, "docker_engine_distribution_packages") or []
        installed = host.survey.get("packages") or {}
        foreign = [
            name
            for name, origin in ORIGINS.items()
            if name in installed and origin != source and name not in named
        ]
        containers = int(docker_of(host).get("containers") or 0)
        running = f" {plural(containers, 'container')} would stop." if containers else ""
        if foreign and source:
            other = ORIGINS[foreign[0]]
            yield Finding(
                host.name,
                f"has {listed(foreign)}, which docker_engine_source: {source} would remove."
                f"{running}",
                f"Set docker_engine_source: {other} for it, or remove the packages there. To have "
                "them replaced: preflight_accept: [engine_origin].",
            )
        others = [name for name in NO_ENGINE if name in installed]
        if docker_of(host).get("snap"):
            others.append("the snap docker")
        if others:
            yield Finding(
                host.name,
                f"has {listed(others)}, which is in the way of the packages of the Engine."
                f"{running}",
                "Remove it there first: apt-get remove, dnf remove or snap remove.",
            )


@check("engine_version")
def check_engine_version(site: Site) -> Iterator[Finding]:
    oldest = ".".join(map(str, OLDEST_ENGINE))
    desired = site.text("docker_engine_version")
    version = parse_version(desired)
    # A pattern such as 20.* has fewer numbers than the limit.
    if version and version[:2] < OLDEST_ENGINE[: len(version)]:
        yield Finding(
            "docker_engine_version",
            f"{desired} is older than {oldest}, the oldest Engine that is supported.",
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
        desired_here = str(site.declared(host.name, "docker_engine_version") or "")
        desired_version = parse_version(desired_here)
        # Compare only the numbers that both have: 28.* is not older than 28.5.1.
        if (
            version
            and desired_version
            and desired_version < version[: len(desired_version)]
            and not site.declared(host.name, "docker_engine_allow_downgrade")
        ):
            yield Finding(
                host.name,
                f"has Docker {text}, and docker_engine_version asks for {desired_here}, which "
                "is older.",
                "Correct docker_engine_version, or set docker_engine_allow_downgrade: true to "
                "downgrade.",
            )


@check("daemon")
def check_daemon(site: Site) -> Iterator[Finding]:
    """A silent daemon must not count as missing: a swarm member would be set up again."""
    for host in site.seen:
        if docker_of(host).get("silent"):
            yield Finding(
                host.name,
                "its Docker daemon runs and does not answer.",
                "Check its log (journalctl -u docker), and restart it there if it hangs "
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
