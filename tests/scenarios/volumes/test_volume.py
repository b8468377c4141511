"""elk.swarm.volume in every state on a real daemon."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.scenarios.volumes.conftest import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenarios.volumes.conftest import Host

pytestmark = pytest.mark.usefixtures("clean")

DATA = f"{PREFIX}data"
ES = {"owner": 1000, "group": 0, "mode": "0770"}


def directory(volume: str) -> str:
    return f"/var/lib/docker/volumes/{volume}/_data"


def test_present_and_absent(host: Host) -> None:
    applied = host.four_times(name=DATA, labels={"zone": "a"})
    assert applied["volume"]["Labels"] == {"zone": "a"}
    assert host.volumes() == [DATA]
    applied = host.four_times(name=DATA, state="absent")
    assert applied["diff"]["after"] == {DATA: {}}
    assert host.volumes() == []


def test_owners_with_every_driver(host: Host, nas: str) -> None:
    host.shell(f"mkdir -p /srv/{PREFIX}bind && chown 0:0 /srv/{PREFIX}bind")
    before = host.left_behind()
    bind = {"type": "none", "o": "bind", "device": f"/srv/{PREFIX}bind"}
    mine = {"name": f"{PREFIX}nas", "driver": nas, "driver_options": {"size": 1}}
    wide = {"name": f"{PREFIX}wide", "driver": nas, "owner": 3000000, "mode": "2750"}
    plain = {"name": DATA, "mode": "1777"}
    volumes = [plain, {"name": f"{PREFIX}bind", "driver_options": bind}, mine, wide]
    host.four_times(volumes=volumes, **ES)
    assert host.owner(directory(DATA)) == "1000:0 1777"
    assert host.owner(f"/srv/{PREFIX}bind") == "1000:0 770"
    assert host.owner(f"/srv/nas/{PREFIX}nas") == "1000:0 770"
    assert host.owner(f"/srv/nas/{PREFIX}wide") == "3000000:0 2750"
    assert host.left_behind() == before
    # The owner that a container sees.
    seen = host.shell(
        f"docker run --rm -v {PREFIX}nas:/data --entrypoint stat {host.image} -c '%u:%g %a' /data"
    )
    assert seen == "1000:0 770"
    # A directory's owner is restored after a manual change; files in it keep theirs.
    host.shell(f"touch /srv/nas/{PREFIX}nas/file; chown 7:7 /srv/nas/{PREFIX}nas {directory(DATA)}")
    applied = host.four_times(volumes=volumes, **ES)
    assert set(applied["diff"]["after"]) == {DATA, f"{PREFIX}nas"}
    assert host.owner(f"/srv/nas/{PREFIX}nas/file") == "0:0 644"


def test_an_owner_that_cannot_be_set(host: Host, nas: str) -> None:
    memory = {"type": "tmpfs", "device": "tmpfs"}
    broken = {"fail": "password=hush-hush is wrong"}
    before = host.left_behind()
    forgets, fails = host.run(
        {"name": DATA, "driver_options": memory, "owner": 1000},
        {"name": f"{PREFIX}nas", "driver": nas, "driver_options": broken, "owner": 1000},
    )
    assert "does not keep its owner" in forgets["msg"]
    assert "uid=1000" in forgets["msg"]
    assert forgets["changed"]
    assert f"Volume {PREFIX}nas: the owner of its directory" in fails["msg"]
    assert "password=******** is wrong" in fails["msg"]
    assert "hush-hush" not in str(fails)
    assert host.left_behind() == before


def test_an_owner_is_not_changed_under_a_running_container(
    host: Host, container: Callable[..., None]
) -> None:
    container("web", f"{DATA}:/data", running=True)
    warned, failed = host.run(
        {"name": DATA, "owner": 1000}, {"name": DATA, "owner": 1000, "drift": "fail"}
    )
    assert not warned["changed"]
    assert warned["differences"][0]["option"] == "owner"
    assert f"container {PREFIX}web (running)" in failed["msg"]
    host.shell(f"docker kill {PREFIX}web")
    host.four_times(name=DATA, owner=1000)


def test_drift(host: Host) -> None:
    first: dict[str, Any] = {"name": DATA, "labels": {"zone": "a"}}
    other: dict[str, Any] = {"name": DATA, "labels": {"zone": "b"}}
    host.run(first)
    for check in (True, False):
        warned, failed = host.run(other, {**other, "drift": "fail"}, check=check)
        assert not warned["changed"]
        assert "labels.zone is a, wanted b" in warned["warnings"][0]
        assert warned["differences"] == failed["differences"]
        assert failed["failed"]
    host.shell(f"touch {directory(DATA)}/file")
    applied = host.four_times(**other, recreate="options-changed")
    assert applied["volume"]["Labels"] == {"zone": "b"}
    assert host.shell(f"ls {directory(DATA)}") == ""
    always = {**other, "recreate": "always"}
    [checked] = host.run(always, check=True)
    for one in host.run(always, always):
        assert one["changed"]
        # The time of creation differs, so only the keys are compared.
        for side in ("before", "after"):
            assert set(one["diff"][side][DATA]) == set(checked["diff"][side][DATA])


def test_a_volume_that_became_local(host: Host, nas: str, container: Callable[..., None]) -> None:
    container("early", f"{DATA}:/data")
    arguments = {"name": DATA, "driver": nas, **ES}
    for check in (True, False):
        [result] = host.run(arguments, check=check)
        assert f"Volume {DATA} has the driver local, and nas is asked for" in result["msg"]
    host.shell(f"docker rm {PREFIX}early")
    applied = host.four_times(**arguments, recreate="options-changed")
    assert applied["volume"]["Driver"] == "nas"


def test_a_driver_that_is_not_there(host: Host) -> None:
    # The Engine looks for it for 15 seconds.
    [result] = host.run({"name": DATA, "driver": "no-such-driver"})
    assert "this host has no volume driver no-such-driver" in result["msg"]
    assert not result["changed"]
    assert host.volumes() == []


def assert_in_use(host: Host, *users: str) -> None:
    """The volume is neither removed nor recreated, in check mode or not."""
    for check in (True, False):
        for result in host.run(
            {"name": DATA, "state": "absent"}, {"name": DATA, "recreate": "always"}, check=check
        ):
            assert result["failed"], result
            assert all(user in result["msg"] for user in users), result["msg"]
            assert "other" not in result["msg"]
    assert DATA in host.volumes()


def test_in_use_by_a_stopped_container(host: Host, container: Callable[..., None]) -> None:
    container("old", f"{DATA}:/data")
    assert_in_use(host, f"container {PREFIX}old (created)")
    host.shell(f"docker rm {PREFIX}old")
    host.four_times(name=DATA, state="absent")


def test_in_use_by_a_bind_of_its_directory(host: Host, container: Callable[..., None]) -> None:
    host.run({"name": DATA})
    container("bound", f"{directory(DATA)}:/data")
    assert_in_use(host, f"container {PREFIX}bound (created)")


def test_in_use_by_services_that_have_no_task_here(host: Host) -> None:
    host.run({"name": DATA})
    # The second service has the volume's name; which volume the third mounts is unknown.
    sources = {f"{PREFIX}a": DATA, DATA: "{{.Service.Name}}", f"{PREFIX}z": "vt-{{.Task.Name}}"}
    for name, source in {**sources, f"{PREFIX}other": "vt-other"}.items():
        host.shell(
            f"docker service create -d --name {name} --constraint node.labels.none==1"
            f" --mount 'type=volume,source={source},target=/data' {host.image}"
        )
    assert_in_use(host, *(f"service {name}" for name in sources))
    host.shell(f"docker service rm {' '.join(sources)}")
    host.four_times(name=DATA, state="absent")


def test_the_daemon_is_down(host: Host) -> None:
    host.shell("systemctl stop docker.socket docker.service")
    try:
        checked, applied = (host.run({"name": DATA}, check=check)[0] for check in (True, False))
        (info,), _output = host.play([{"elk.swarm.volume_info": {}, "ignore_errors": True}])
    finally:
        host.shell("systemctl start docker.service docker.socket")
    for result in (checked, applied, info):
        assert "The Docker Engine at unix:///var/run/docker.sock does not answer" in result["msg"]
        assert "systemctl status docker" in result["msg"]


def test_a_thousand_others(host: Host) -> None:
    many = [{"name": f"{PREFIX}many-{number:04}"} for number in range(1000)]
    (made,) = host.run({"volumes": many})
    assert made["changed"]
    assert len(host.volumes()) == 1000
    host.four_times(name=DATA, **ES)
    begun = time.monotonic()
    assert len(host.info()["volumes"]) >= 1001
    with host.lab.shown():
        print(f"\n{time.monotonic() - begun:6.1f} s  volume_info of a thousand", flush=True)
    (gone,) = host.run({"volumes": [{**one, "state": "absent"} for one in many]})
    assert gone["changed"]
    assert host.volumes() == [DATA]
