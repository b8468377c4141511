# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Storage as the roles configure it: what Docker gets, and what task_mount reads of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.elk.swarm.plugins.filter.service_storage import service_storage
from ansible_collections.elk.swarm.plugins.filter.storage_plan import storage_plan
from ansible_collections.elk.swarm.plugins.module_utils.swarm.task_mount import filesystem_at
from tests.contract.plugins.modules.test_volume import Volumes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "hush-that-must-not-come-out"
NFS = {"kind": "nfs", "server": "192.0.2.10", "path": "/export/elk"}
CIFS = {
    "kind": "cifs",
    "server": "192.0.2.10",
    "path": "/elk",
    "user": "elk",
    "password": SECRET,
}
CEPHFS = {**CIFS, "kind": "cephfs"}
TARGET = "/usr/share/elasticsearch/data"


class Tasks(Volumes):
    """An Engine that also has tasks of services, each with a process."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.tasks_here: list[dict[str, Any]] = []

    def _containers(self, method: str, rest: list[str], query: Any, body: Any) -> tuple[int, Any]:
        if rest == ["json"] and "status" in str(query.get("filters")):
            assert json.loads(query["filters"]) == {
                "label": ["com.docker.swarm.service.name=elk_elasticsearch-1"],
                "status": ["running"],
            }
            return 200, self.tasks_here
        if rest == ["task1", "json"]:
            return 200, {"State": {"Pid": os.getpid()}}
        return super()._containers(method, rest, query, body)

    def run_task(self, driver: str, name: str = "es-m1", target: str = TARGET) -> None:
        mount = {"Type": "volume", "Name": name, "Driver": driver, "Destination": target}
        self.tasks_here.append({"Id": "task1", "Mounts": [mount]})


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Tasks]:
    with Tasks(tmp_path) as fake:
        yield fake


@pytest.fixture
def look(call: Callable[..., Any], engine: Tasks) -> Callable[..., Any]:
    """Run task_mount as the role elasticsearch does; it never writes."""

    def run(value: dict[str, Any], **more: Any) -> Any:
        expected = service_storage(value, "elasticsearch", "m1", target=TARGET)["expected"]
        options = {"service": "elk_elasticsearch-1", "wait_timeout": 0, **expected, **more}
        result = call("task_mount", {"docker_host": engine.host, **options})
        assert engine.writes() == []
        assert not result.changed
        return result

    return run


@pytest.mark.parametrize(
    ("value", "options"),
    [
        (
            NFS,
            {
                "type": "nfs",
                "o": "addr=192.0.2.10,nfsvers=4.2,hard",
                "device": ":/export/elk/es-m1",
            },
        ),
        (
            CIFS,
            {
                "type": "cifs",
                "o": f"addr=192.0.2.10,username=elk,password={SECRET},"
                "uid=1000,gid=0,file_mode=0660,dir_mode=0770,vers=3.1.1",
                "device": "//192.0.2.10/elk/es-m1",
            },
        ),
        (
            CEPHFS,
            {"type": "ceph", "o": f"name=elk,secret={SECRET}", "device": "192.0.2.10:/elk/es-m1"},
        ),
    ],
    ids=lambda value: str(value.get("kind")),
)
def test_only_docker_gets_the_secret(
    call: Callable[..., Any], engine: Tasks, value: dict[str, Any], options: dict[str, str]
) -> None:
    volumes = storage_plan({"elasticsearch": value}, "m1")["volumes"]
    arguments = {
        "docker_host": engine.host,
        "volumes": volumes,
        "owner": 1000,
        "group": 0,
        "mode": "0770",
        "drift": "fail",
    }
    checked, applied = (call("volume", arguments, check=check) for check in (True, False))
    assert (checked.changed, applied.changed) == (True, True)
    assert checked["diff"] == applied["diff"]
    assert engine.volumes["es-m1"]["Options"] == options
    assert engine.volumes["es-m1"]["Driver"] == "local"
    assert engine.owners["es-m1"] == (1000, 0, 0o770)
    again = call("volume", arguments)
    assert not again.changed
    # Another server under the same name is refused; Docker cannot change a volume.
    moved = storage_plan({"elasticsearch": {**value, "server": "192.0.2.11"}}, "m1")["volumes"]
    refused = call("volume", {**arguments, "volumes": moved})
    assert refused.failed
    assert "192.0.2.11" in refused.msg
    for result in (checked, applied, again, refused):
        assert SECRET not in result.output


def test_a_task_on_its_volume(look: Callable[..., Any], engine: Tasks) -> None:
    engine.have("es-m1", "disk:latest")
    engine.run_task("disk:latest")
    result = look({"kind": "plugin", "plugin": "registry.example.org/disk:1"})
    assert not result.failed, result.msg
    found = {
        "type": "volume",
        "source": "es-m1",
        "driver": "disk:latest",
        "filesystem": None,
    }
    assert result["mounts"] == {"task1": found}


def test_a_volume_that_docker_created_itself_is_detected(
    look: Callable[..., Any], engine: Tasks
) -> None:
    engine.have("es-m1", "local")
    engine.run_task("local")
    result = look({"kind": "plugin", "plugin": "registry.example.org/disk:1"})
    assert result.failed
    assert "the volume es-m1 has the driver local, expected disk" in result.msg
    assert "Next command on" in result.msg


def test_a_task_with_another_mount(look: Callable[..., Any], engine: Tasks) -> None:
    engine.have("other", "local")
    engine.run_task("local", "other")
    assert "volume other is mounted at" in look({"kind": "volume"}).msg
    engine.tasks_here[0]["Mounts"] = []
    assert f"nothing is mounted at {TARGET}, expected volume es-m1" in look({"kind": "volume"}).msg


def test_no_task_here(look: Callable[..., Any]) -> None:
    assert "no task of elk_elasticsearch-1 runs here" in look({"kind": "volume"}).msg


def test_the_kernel_reports_network_file_systems(look: Callable[..., Any], engine: Tasks) -> None:
    """This process is the process of the task, and its mount is /."""
    here = filesystem_at(Path("/proc/self/mountinfo").read_text(), "/")
    engine.have("es-m1", "local")
    engine.run_task("local", target="/")
    result = look(NFS, target="/")
    assert result.failed
    assert f"the file system at / is {here}, expected nfs or nfs4" in result.msg
    assert not look(NFS, target="/", filesystems=[here]).failed
