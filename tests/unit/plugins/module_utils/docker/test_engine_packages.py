# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages of the Engine a host needs, and how those that it has differ."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.docker.engine_packages import (
    Desired,
    engine_packages,
)

DEBIAN = Desired("docker_ce", "", (), "debian", "Debian", 13)
OWN = replace(DEBIAN, source="distribution")
UBUNTU = replace(OWN, distribution="Ubuntu", release=24)
REDHAT = replace(DEBIAN, family="redhat", distribution="AlmaLinux", release=9)
CE = ["docker-ce", "docker-ce-cli", "containerd.io", "ca-certificates"]


@pytest.mark.parametrize(
    ("desired", "names"),
    [
        (DEBIAN, [*CE, "iptables"]),
        (REDHAT, CE),
        (OWN, ["docker.io", "docker-cli", "containerd", "runc", "ca-certificates", "iptables"]),
        (
            replace(OWN, release=12),
            ["docker.io", "containerd", "runc", "ca-certificates", "iptables"],
        ),
        (UBUNTU, ["docker.io", "containerd", "runc", "ca-certificates", "iptables"]),
        (
            replace(REDHAT, source="distribution", named=("moby-engine",)),
            ["moby-engine", "containerd", "runc", "ca-certificates"],
        ),
    ],
)
def test_what_a_host_needs(desired: Desired, names: list[str]) -> None:
    found = engine_packages(desired, {})
    assert list(found.names) == list(found.specs) == list(found.missing) == names
    assert found.replaces
    assert (found.version, found.other_version, found.older) == ("", False, False)


@pytest.mark.parametrize(
    ("desired", "version", "spec"),
    [
        (DEBIAN, "28.5.1", "docker-ce=5:28.5.1-*"),
        (DEBIAN, "28.*", "docker-ce=5:28.*"),
        (DEBIAN, "5:28.5.1-1~debian.13~trixie", "docker-ce=5:28.5.1-1~debian.13~trixie"),
        (OWN, "26.1.5", "docker.io=26.1.5+*"),
        (OWN, "26.1.5+dfsg1-9", "docker.io=26.1.5+dfsg1-9"),
        (UBUNTU, "28.2.2", "docker.io=28.2.2-*"),
        (REDHAT, "28.5.1", "docker-ce-28.5.1"),
        (REDHAT, "28.*", "docker-ce-28.*"),
    ],
)
def test_how_a_package_manager_gets_the_version(desired: Desired, version: str, spec: str) -> None:
    found = engine_packages(replace(desired, version=version), {})
    assert found.specs[0] == spec
    # Only the packages of the Engine itself have its version.
    assert not set(found.specs[len(found.versioned) :]) - set(found.names)


@pytest.mark.parametrize(
    ("version", "present", "other", "older"),
    [
        ("", "5:28.5.1-1~debian.13~trixie", False, False),
        ("28.5.1", "5:28.5.1-1~debian.13~trixie", False, False),
        ("5:28.5.1", "5:28.5.1-1~debian.13~trixie", False, False),
        ("5:28.5.1-1~debian.13~trixie", "5:28.5.1-1~debian.13~trixie", False, False),
        ("28.*", "5:28.5.1-1~debian.13~trixie", False, False),
        ("28.5*", "5:28.5.1-1~debian.13~trixie", False, False),
        ("28.*", "5:29.0.0-1~debian.13~trixie", True, True),
        ("28.*", "5:27.5.1-1~debian.13~trixie", True, False),
        ("26.1.5", "26.1.5+dfsg1-9", False, False),
        ("28.5.1", "28.5.1", False, False),
        ("28.5.1", "5:28.5.10-1~debian.13~trixie", True, True),
        ("28.5.10", "5:28.5.9-1~debian.13~trixie", True, False),
        ("28", "5:28.5.1-1~debian.13~trixie", True, False),
        ("28x5", "28.5", True, False),
    ],
)
def test_the_version_that_a_host_has(version: str, present: str, other: bool, older: bool) -> None:
    installed = {name: {"version": present, "held": True} for name in [*CE, "iptables"]}
    found = engine_packages(replace(DEBIAN, version=version), installed)
    assert (found.version, found.missing) == (present, ())
    assert (found.other_version, found.older, found.replaces) == (other, older, other)


def test_what_is_only_beside_the_daemon_does_not_replace_it() -> None:
    installed = {name: {"version": "5:28.5.1-1", "held": False} for name in CE}
    found = engine_packages(DEBIAN, installed)
    assert (found.missing, found.replaces) == (("iptables",), False)
    assert engine_packages(DEBIAN, {**installed, "iptables": {}, "containerd.io": {}}).missing == ()
    del installed["containerd.io"]
    assert engine_packages(DEBIAN, installed).replaces
