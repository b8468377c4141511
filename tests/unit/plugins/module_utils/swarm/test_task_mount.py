# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a task has the expected mount."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.swarm.task_mount import (
    Expected,
    Found,
    filesystem_at,
    found_mount,
    verdict,
    wrong,
)

EXPECTED = Expected("/data", "volume", "es-m1", "disk")
FOUND = Found("volume", "es-m1", "disk:latest", "disk:latest")
CONTAINER: dict[str, Any] = {
    "Mounts": [
        {"Type": "bind", "Source": "/etc/elk", "Destination": "/config"},
        {"Type": "volume", "Name": "es-m1", "Driver": "disk:latest", "Destination": "/data"},
    ]
}


def test_the_mounts_of_a_container() -> None:
    assert found_mount(CONTAINER, "/data") == replace(FOUND, volume_driver="")
    assert found_mount(CONTAINER, "/config") == Found("bind", "/etc/elk")
    assert found_mount(CONTAINER, "/other") == Found()
    assert found_mount({}, "/data", "xfs") == Found(filesystem="xfs")


def test_the_right_mount() -> None:
    assert wrong(EXPECTED, FOUND) == []
    assert wrong(Expected("/data", "bind", "/srv"), Found("bind", "/srv")) == []


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Found(), "nothing is mounted at /data, expected volume es-m1 of driver disk"),
        (replace(FOUND, source="es-m2"), "volume es-m2 is mounted at /data, expected volume es-m1"),
        (Found("bind", "/srv"), "bind /srv is mounted at /data, expected volume es-m1"),
        (replace(FOUND, driver="local"), "the mount es-m1 has the driver local, expected disk"),
        (replace(FOUND, volume_driver="local"), "the volume es-m1 has the driver local"),
        # The volume does not exist any more, so its driver is unknown.
        (replace(FOUND, volume_driver=""), "the volume es-m1 has the driver (none)"),
    ],
)
def test_another_mount_is_reported(found: Found, text: str) -> None:
    [difference] = wrong(EXPECTED, found)
    assert text in difference


def test_the_kernels_file_system_is_compared() -> None:
    network = replace(EXPECTED, driver="local", filesystems=("nfs", "nfs4"))
    mount = replace(FOUND, driver="local", volume_driver="local")
    assert wrong(network, replace(mount, filesystem="nfs4")) == []
    # An unknown file system is no difference.
    assert wrong(network, mount) == []
    [difference] = wrong(network, replace(mount, filesystem="ext4"))
    assert difference == "the file system at /data is ext4, expected nfs or nfs4"


TABLE = """\
30 23 0:26 / / rw,relatime - overlay overlay rw,lowerdir=/x
31 30 8:1 /srv /data rw,relatime master:1 - ext4 /dev/sda1 rw
32 30 0:50 / /with\\040space rw - tmpfs tmpfs rw
33 31 0:51 /es-m1 /data rw,relatime - nfs4 nas:/export/es-m1 rw,vers=4.2
"""


@pytest.mark.parametrize(
    ("target", "kind"),
    [("/data", "nfs4"), ("/with space", "tmpfs"), ("/", "overlay"), ("/dat", ""), ("/data/x", "")],
)
def test_the_last_mount_at_a_path_counts(target: str, kind: str) -> None:
    assert filesystem_at(TABLE, target) == kind


def test_a_verdict_names_host_container_and_next_command() -> None:
    assert verdict("m1", "web", EXPECTED, {"abc": FOUND}) == ""
    problem = verdict("m1", "web", EXPECTED, {"0123456789abcdef": Found(), "abc": FOUND})
    assert problem.startswith("m1: the task of web does not use its storage: nothing is mounted")
    assert problem.endswith("docker inspect --format '{{json .Mounts}}' 0123456789ab")
    no_task = verdict("m1", "web", EXPECTED, {})
    assert no_task.startswith("m1: no task of web runs here")
    assert no_task.endswith("docker service ps --no-trunc web")
