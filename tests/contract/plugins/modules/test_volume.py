# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""elk.swarm.volume and volume_info against an Engine that also fails."""

from __future__ import annotations

import io
import tarfile
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fake_engine import (
    NO_LEADER,
    WORKER,
    FakeEngine,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "hush-that-must-not-come-out"
CIFS = {"type": "cifs", "device": "//nas/x", "o": f"addr=nas,username=elk,password={SECRET}"}


class Volumes(FakeEngine):
    """An Engine with volumes, the containers that use them, and a driver named nas."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.volumes: dict[str, dict[str, Any]] = {}
        self.owners: dict[str, tuple[int, int, int]] = {}
        self.users: list[dict[str, Any]] = []
        self.helpers: dict[str, str] = {}
        self.images: set[str] = set()
        # Remains of a killed run.
        self.old_helpers: list[dict[str, Any]] = []
        self.old_images: list[dict[str, Any]] = []
        # Faults.
        self.makes_instead: dict[str, Any] = {}
        self.forgets_owners = False
        self.dead_drivers: set[str] = set()
        self.none = "get {}: no such volume"

    def have(self, name: str, driver: str = "nas:latest", **more: Any) -> None:
        self.volumes[name] = {
            "Name": name,
            "Driver": driver,
            "Options": None,
            "Labels": None,
            "Mountpoint": f"/nowhere/{name}",
            "CreatedAt": "2026-11-21T13:53:36Z",
            "Scope": "local",
            **more,
        }
        self.owners[name] = (0, 0, 0o755)

    def use(self, container: str, volume: str, state: str = "running") -> None:
        mount = {"Type": "volume", "Name": volume}
        self.users.append({"Names": [f"/{container}"], "State": state, "Mounts": [mount]})

    def serve(self, name: str, source: str) -> None:
        mounts = [{"Type": "volume", "Source": source}]
        template = {"ContainerSpec": {"Mounts": mounts}}
        self.services[name] = {"ID": name, "Spec": {"Name": name, "TaskTemplate": template}}

    def _volumes(self, method: str, rest: list[str], _query: Any, body: Any) -> tuple[int, Any]:
        if not rest:
            return 200, {"Volumes": list(self.volumes.values()), "Warnings": ["a plugin is away"]}
        if rest == ["create"]:
            if body["Driver"] not in ("local", "nas"):
                driver = body["Driver"]
                return 404, {"message": f'error looking up volume plugin {driver}: "not found"'}
            created = {
                "Options": body["DriverOpts"],
                "Labels": body["Labels"],
                **self.makes_instead,
            }
            self.have(body["Name"], body["Driver"].replace("nas", "nas:latest"))
            self.volumes[body["Name"]] |= created
            return 201, self.volumes[body["Name"]]
        found = self.volumes.get(rest[0])
        if found is None:
            return 404, {"message": self.none.format(rest[0])}
        if found["Driver"] in self.dead_drivers:
            plugin = f"error looking up volume plugin {found['Driver']}: plugin not found"
            return 404, {"message": f"get {rest[0]}: {plugin}"}
        if method == "DELETE":
            if any(one["Mounts"][0]["Name"] == rest[0] for one in self.users):
                return 409, {"message": f"remove {rest[0]}: volume is in use - [abc]"}
            del self.volumes[rest[0]]
            return 204, None
        return 200, found

    def _containers(self, method: str, rest: list[str], query: Any, body: Any) -> tuple[int, Any]:
        if rest == ["json"]:
            return 200, self.old_helpers if "filters" in query else self.users
        if rest == ["create"]:
            assert body["Image"] in self.images
            [mount] = body["HostConfig"]["Mounts"]
            name = f"helper{self.index()}"
            self.helpers[name] = mount["Source"]
            return 201, {"Id": name}
        if method == "DELETE":
            self.helpers.pop(rest[0], None)
            self.old_helpers = [one for one in self.old_helpers if one["Id"] != rest[0]]
            return 204, None
        volume = self.helpers[rest[0]]
        if method == "PUT":
            with tarfile.open(fileobj=io.BytesIO(body)) as archive:
                [entry] = archive.getmembers()
            assert (query["path"], entry.name, entry.isdir()) == ("/", "volume", True)
            if not self.forgets_owners:
                self.owners[volume] = (entry.uid, entry.gid, entry.mode)
            return 200, None
        entry = tarfile.TarInfo("volume/")
        entry.type = tarfile.DIRTYPE
        entry.uid, entry.gid, entry.mode = self.owners[volume]
        # More than the module needs to read.
        return 200, entry.tobuf() + bytes(200_000)

    def _images(self, _method: str, rest: list[str], _query: Any, body: Any) -> tuple[int, Any]:
        if rest == ["json"]:
            return 200, self.old_images
        if rest == ["create"]:
            assert body == bytes(1024)
            image = f"sha256:{self.index()}"
            self.images.add(image)
            return 200, {"status": image}
        self.images.discard(rest[0])
        self.old_images = [one for one in self.old_images if one["Id"] != rest[0]]
        return 200, []

    def _info(self, *_: Any) -> tuple[int, Any]:
        return 200, {"Name": "m1", "SecurityOptions": [], "Swarm": {"NodeID": "n1"}}

    def _system(self, *_: Any) -> tuple[int, Any]:
        sizes = [
            {"Name": name, "UsageData": {"Size": 7 if one["Driver"] == "local" else -1}}
            for name, one in self.volumes.items()
        ]
        return 200, {"Volumes": sizes}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Volumes]:
    with Volumes(tmp_path) as fake:
        yield fake
    # No helper is left after any test.
    assert fake.helpers == {}
    assert fake.images == set()


@pytest.fixture
def volume(call: Callable[..., Any], engine: Volumes) -> Callable[..., Any]:
    def run(*, check: bool = False, **options: Any) -> Any:
        engine.calls.clear()
        result = call("volume", {"docker_host": engine.host, **options}, check=check)
        assert SECRET not in result.output
        return result

    return run


@pytest.fixture
def info(call: Callable[..., Any], engine: Volumes) -> Callable[..., Any]:
    def run(**options: Any) -> Any:
        engine.calls.clear()
        result = call("volume_info", {"docker_host": engine.host, **options})
        assert engine.writes() == []
        assert SECRET not in result.output
        return result

    return run


def test_check_apply_check_apply(volume: Callable[..., Any], engine: Volumes) -> None:
    arguments = {"name": "data", "labels": {"a": "1"}}
    checked = volume(check=True, **arguments)
    assert engine.writes() == []
    applied = volume(**arguments)
    assert engine.writes() == ["POST /volumes/create"]
    assert checked.changed
    assert applied.changed
    assert checked["diff"] == applied["diff"]
    assert checked["volume"] is None
    assert applied["volume"] == engine.volumes["data"]
    for check in (True, False):
        again = volume(check=check, **arguments)
        assert not again.changed
        assert again["diff"] == {"before": {}, "after": {}}
        # One request, no matter what else exists.
        assert engine.calls == [("GET", "/_ping"), ("GET", "/volumes/data")]


def test_secrets_reach_only_the_engine(
    volume: Callable[..., Any], info: Callable[..., Any], engine: Volumes
) -> None:
    engine.have("old", "local", Options=dict(CIFS))
    assert volume(name="new", driver_options=CIFS).changed
    assert engine.volumes["new"]["Options"] == CIFS
    second = volume(name="new", driver_options=CIFS)
    assert not second.changed
    assert second["volume"]["Options"]["type"] == "cifs"
    assert second["volume"]["Options"]["o"] == "addr=nas,username=elk,password=********"
    # The secrets of the existing volume are not those of the task.
    other = {**CIFS, "o": f"password={SECRET}-2"}
    drift = volume(name="old", driver_options=other)
    assert drift["differences"][0]["actual"] == "addr=nas,username=elk,password=********"
    assert volume(name="old", driver_options=other, recreate="always", check=True).changed
    assert volume(volumes=[{"name": "old", "driver_options": other}], drift="fail").failed
    assert info(name="old")["volumes"][0]["driver_options"]["type"] == "cifs"
    engine.refusals = [("POST /volumes/create", 500, f"mount: data: password={SECRET}: no")]
    refused = volume(name="third", driver_options=CIFS)
    assert "password=********" in refused.msg
    engine.refusals = [("DELETE /volumes/old", 500, f"umount: password={SECRET}: no")]
    assert "umount: password=********: no" in volume(name="old", state="absent").msg


def test_the_owner_is_set_before_the_first_use(volume: Callable[..., Any], engine: Volumes) -> None:
    arguments = {"name": "data", "driver": "nas", "owner": 1000, "group": 0, "mode": "2770"}
    checked = volume(check=True, **arguments)
    applied = volume(**arguments)
    assert not applied.failed, applied.msg
    assert checked["diff"] == applied["diff"]
    assert engine.owners["data"] == (1000, 0, 0o2770)
    for check in (True, False):
        assert not volume(check=check, **arguments).changed
    # An image and a container, both removed again; see the fixture.
    assert engine.writes() == [
        "POST /images/create",
        "POST /containers/create",
        f"DELETE /containers/helper{engine._index}",
        f"DELETE /images/sha256:{engine._index - 1}",
    ]


def test_the_next_run_sets_the_owner_after_a_killed_run(
    volume: Callable[..., Any], engine: Volumes
) -> None:
    engine.have("data")
    month = time.time() - 30 * 86400
    engine.old_helpers = [{"Id": "left", "Created": month}, {"Id": "others", "Created": 9e9}]
    engine.old_images = [{"Id": "sha256:left", "Created": month}]
    arguments = {"name": "data", "driver": "nas", "owner": 1000}
    checked = volume(check=True, **arguments)
    applied = volume(**arguments)
    assert checked["diff"] == applied["diff"]
    assert applied["diff"]["after"] == {"data": {"owner": "1000"}}
    assert engine.owners["data"] == (1000, 0, 0o755)
    assert [one["Id"] for one in engine.old_helpers] == ["others"]
    assert engine.old_images == []


def test_a_reference_is_corrected_without_mounting_the_wrong_place(
    volume: Callable[..., Any], engine: Volumes
) -> None:
    engine.have("data", "local")
    engine.volumes["data"]["Options"] = {"type": "nfs", "o": "addr=192.0.2.1", "device": ":/old"}
    # To read its owner, Docker would mount it, and the place does not exist.
    del engine.owners["data"]
    arguments = {
        "name": "data",
        "driver_options": {"type": "nfs", "o": "addr=192.0.2.1", "device": ":/new"},
        "owner": 1000,
        "recreate": "reference-changed",
        "drift": "fail",
    }
    checked = volume(check=True, **arguments)
    applied = volume(**arguments)
    assert not applied.failed, applied.msg
    assert (checked.changed, applied.changed) == (True, True)
    assert engine.volumes["data"]["Options"]["device"] == ":/new"
    assert not volume(**arguments).changed


def test_an_owner_that_does_not_stay_is_an_error(
    volume: Callable[..., Any], engine: Volumes
) -> None:
    engine.forgets_owners = True
    result = volume(name="data", driver="nas", owner=1000)
    assert result.failed
    assert "does not keep its owner" in result.msg
    assert "Done before that: made data." in result.msg
    assert result.changed


def test_the_owner_stays_while_a_container_runs(
    volume: Callable[..., Any], engine: Volumes
) -> None:
    engine.have("data")
    engine.use("web", "data")
    arguments = {"name": "data", "driver": "nas", "owner": 1000}
    result = volume(**arguments)
    assert not result.changed
    assert engine.owners["data"] == (0, 0, 0o755)
    assert result["differences"] == [
        {"volume": "data", "option": "owner", "wanted": "1000", "actual": "0"}
    ]
    assert "container web (running)" in volume(drift="fail", **arguments).msg
    engine.users[0]["State"] = "exited"
    assert volume(**arguments).changed


@pytest.mark.parametrize(
    "arguments", [{"state": "absent"}, {"recreate": "always", "driver": "nas"}]
)
def test_a_volume_in_use_stays(
    volume: Callable[..., Any], engine: Volumes, arguments: dict[str, Any]
) -> None:
    engine.have("es-m1")
    engine.use("web", "es-m1", "exited")
    engine.serve("app", "es-{{.Node.Hostname}}")
    engine.serve("other", "es-m2")
    for check in (True, False):
        result = volume(name="es-m1", check=check, **arguments)
        assert result.failed
        assert not result.changed
        assert "container web (exited), service app." in result.msg
        assert "docker service rm app" in result.msg
        assert engine.writes() == []


def test_a_worker_checks_its_containers(volume: Callable[..., Any], engine: Volumes) -> None:
    engine.have("data")
    engine.refusals = [("GET /services", 503, WORKER)]
    assert volume(name="data", state="absent").changed
    assert engine.volumes == {}


def test_without_a_majority_nothing_is_removed(volume: Callable[..., Any], engine: Volumes) -> None:
    engine.have("data")
    engine.refusals = [("GET /services", 500, NO_LEADER)]
    result = volume(name="data", state="absent")
    assert result.failed
    assert "no leader" in result.msg
    assert "data" in engine.volumes


def test_a_container_that_starts_in_between_is_an_error(
    volume: Callable[..., Any], engine: Volumes
) -> None:
    engine.have("data")
    engine.refusals = [("DELETE /volumes/data", 409, "remove data: volume is in use - [abc]")]
    result = volume(name="data", state="absent")
    assert "volume is in use - [abc]" in result.msg
    assert "--filter volume=data" in result.msg


def test_docker_creates_another_volume(volume: Callable[..., Any], engine: Volumes) -> None:
    engine.makes_instead = {"Driver": "local"}
    result = volume(name="data", driver="nas")
    assert result.failed
    assert "driver is local, wanted nas" in result.msg
    # Another program may own it.
    assert "data" in engine.volumes


def test_a_volume_that_became_local(volume: Callable[..., Any], engine: Volumes) -> None:
    engine.have("data", "local")
    for check in (True, False):
        result = volume(name="data", driver="nas", owner=1000, check=check)
        assert result.failed
        assert "has the driver local, and nas is asked for" in result.msg
        assert result["differences"][0]["actual"] == "local"
        assert engine.writes() == []
    assert volume(name="data", driver="nas", recreate="options-changed").changed
    assert engine.volumes["data"]["Driver"] == "nas:latest"


def test_a_driver_that_is_not_there(volume: Callable[..., Any], engine: Volumes) -> None:
    result = volume(name="data", driver="nsa")
    assert "this host has no volume driver nsa" in result.msg
    assert "docker plugin ls" in result.msg
    assert not result.changed


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_volume_whose_driver_is_gone(
    volume: Callable[..., Any], engine: Volumes, state: str
) -> None:
    engine.have("data")
    engine.dead_drivers = {"nas:latest"}
    result = volume(name="data", driver="nas", state=state)
    assert result.failed
    assert "Volume data exists, but its driver is missing" in result.msg


def test_the_message_of_a_manager_about_a_missing_volume(
    volume: Callable[..., Any], engine: Volumes
) -> None:
    engine.none = "volume {} not found"
    assert volume(name="data").changed


def test_all_or_none_of_a_list(volume: Callable[..., Any], engine: Volumes) -> None:
    engine.have("kept", "local")
    engine.use("web", "kept")
    some: list[dict[str, Any]] = [{"name": "one"}, {"name": "two"}]
    absent = {"name": "kept", "state": "absent"}
    assert "container web" in volume(volumes=[*some, absent]).msg
    assert list(engine.volumes) == ["kept"]
    engine.users.clear()
    checked = volume(volumes=[*some, absent], check=True)
    applied = volume(volumes=[*some, absent])
    assert checked["diff"] == applied["diff"]
    assert list(applied["diff"]["after"]) == ["one", "two", "kept"]
    assert list(engine.volumes) == ["one", "two"]
    assert [one["changed"] for one in applied["volumes"]] == [True, True, True]
    again = volume(volumes=[*some, absent])
    assert not again.changed
    assert "volume" not in again.data
    assert len(engine.calls) == 4


def test_a_failure_reports_what_was_done_before(
    volume: Callable[..., Any], engine: Volumes
) -> None:
    result = volume(volumes=[{"name": "one"}, {"name": "two", "driver": "nsa"}])
    assert result.failed
    assert result.changed
    assert result.msg.endswith("Done before that: made one.")
    assert [one["changed"] for one in result["volumes"]] == [True, False]


def test_drift_is_reported_and_stays(volume: Callable[..., Any], engine: Volumes) -> None:
    engine.have("data", "local", Labels={"zone": "a"})
    arguments = {"name": "data", "labels": {"zone": "b"}}
    warned = volume(**arguments)
    assert not warned.changed
    assert "stays as it is, though labels.zone is a, wanted b" in warned.output
    assert warned["differences"][0]["wanted"] == "b"
    failed = volume(drift="fail", **arguments)
    assert failed.failed
    assert failed["differences"] == warned["differences"]


def test_no_engine_yet(call: Callable[..., Any], tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/none.sock"
    arguments = {"docker_host": host, "name": "data", "owner": 1000}
    assert call("volume", arguments, check=True).changed
    assert not call("volume", {**arguments, "state": "absent"}, check=True).changed
    for module in ("volume", "volume_info"):
        result = call(module, {"docker_host": host, "name": "data"})
        assert "socket does not exist" in result.msg


def test_an_engine_that_is_away_too_old_or_refuses(
    volume: Callable[..., Any], info: Callable[..., Any], engine: Volumes
) -> None:
    engine.api_version = "1.40"
    for run in (volume, info):
        assert "Docker 20.10) or newer is needed" in run(name="data").msg
    engine.api_version = "1.41"
    for run in (volume, info):
        engine.refuse_always = (500, "the disk of the Engine is full")
        assert "the disk of the Engine is full" in run(name="data").msg
        engine.refuse_always = None
        engine.silent = True
        assert "did not answer" in run(name="data", timeout=1).msg
        engine.silent = False


def test_an_answer_with_another_volume_is_ignored(
    volume: Callable[..., Any], engine: Volumes
) -> None:
    # A manager accepts the id of a cluster volume in place of its name.
    engine.have("someid")
    engine.volumes["someid"]["Name"] = "others"
    assert not volume(name="someid", state="absent").changed
    assert "someid" in engine.volumes


def test_a_volume_and_a_list_exclude_each_other(volume: Callable[..., Any]) -> None:
    assert "mutually exclusive" in volume(name="a", volumes=[]).msg
    assert "required" in volume().msg
    assert not volume(volumes=[]).changed


def test_info_of_one_volume_reads_only_that_one(info: Callable[..., Any], engine: Volumes) -> None:
    engine.have("data")
    engine.have("more")
    found = info(name="data")
    assert found["exists"]
    assert found["volume"]["Name"] == "data"
    assert [one["name"] for one in found["volumes"]] == ["data"]
    assert found["volumes"][0]["size"] is None
    assert ("GET", "/volumes") not in engine.calls
    none = info(name="none")
    assert not none["exists"]
    assert none["volume"] is None
    assert none["missing"] == ["none"]


def test_info_of_some_and_of_all(info: Callable[..., Any], engine: Volumes) -> None:
    for name, driver in (("c", "local"), ("b", "nas:latest"), ("a", "local")):
        engine.have(name, driver)
    engine.use("web", "b", "exited")
    engine.serve("app", "{{.Node.Hostname}}")
    some = info(names=["c", "b", "c", "x"])
    assert [one["name"] for one in some["volumes"]] == ["b", "c"]
    assert some["missing"] == ["x"]
    found = info(size=True)
    assert [one["orphan"] for one in found["volumes"]] == [True, False, True]
    assert [one["size"] for one in found["volumes"]] == [7, None, 7]
    assert "a plugin is away" in found.output
    assert [one["source"] for one in found["service_mounts"]] == ["{{.Node.Hostname}}"]


def test_a_worker_needs_the_mounts_of_a_manager(info: Callable[..., Any], engine: Volumes) -> None:
    engine.have("m1")
    engine.have("x")
    engine.serve("app", "{{.Node.Hostname}}")
    mounts = info(names=[])["service_mounts"]
    engine.refusals = [("GET /services", 503, WORKER)]
    alone = info()
    assert [one["orphan"] for one in alone["volumes"]] == [None, None]
    assert alone["service_mounts"] is None
    engine.refusals = [("GET /services", 503, WORKER)]
    informed = info(service_mounts=mounts)
    assert [one["orphan"] for one in informed["volumes"]] == [False, True]
