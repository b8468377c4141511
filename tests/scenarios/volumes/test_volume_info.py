"""elk.swarm.volume_info on a real daemon, and the examples of both modules."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.scenarios.volumes.conftest import HOST, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenarios.volumes.conftest import Host

pytestmark = pytest.mark.usefixtures("clean")

MODULES = "ansible_collections.elk.swarm.plugins.modules."


def test_one(host: Host) -> None:
    name = f"{PREFIX}one"
    assert host.info(name=name)["exists"] is False
    cifs = {"type": "cifs", "device": "//192.0.2.1/x", "o": "password=hush-hush"}
    host.run({"name": name, "driver_options": cifs})
    found = host.info(name=name)
    assert found["exists"]
    assert found["volume"]["Options"] == {**cifs, "o": "password=********"}
    assert [one["name"] for one in found["volumes"]] == [name]
    assert "hush-hush" not in str(found)


def test_an_audit(host: Host, nas: str, container: Callable[..., None]) -> None:
    names = {what: f"{PREFIX}{what}" for what in ("used", "stopped", "served", "nas", "zombie")}
    host.run(
        {
            "volumes": [
                {"name": n, "driver": nas if n.endswith("nas") else "local"} for n in names.values()
            ]
        }
    )
    container("web", f"{names['used']}:/data", running=True)
    container("old", f"{names['stopped']}:/data")
    # A volume without a name, which stays after the removal of its container.
    host.shell(f"docker create --name {PREFIX}anon -v /data {host.image}; docker rm {PREFIX}anon")
    host.shell(
        f"docker service create -d --name {PREFIX}app --constraint node.labels.none==1"
        f" --mount 'type=volume,source={PREFIX}serve{{{{.Task.Slot}}}},target=/data' {host.image}"
    )
    size = "/var/lib/docker/volumes/{}/_data/file"
    host.shell(f"head -c 1000000 /dev/zero > {size.format(names['zombie'])}")
    found = host.info(size=True)
    audit = {one["name"]: one for one in found["volumes"]}
    reasons = {what: (audit[name]["orphan"], audit[name]["reason"]) for what, name in names.items()}
    unused = "no container and no service refers to it"
    assert reasons == {
        "used": (False, f"container {PREFIX}web (running) refers to it"),
        "stopped": (False, f"container {PREFIX}old (created) refers to it"),
        "served": (False, f"service {PREFIX}app refers to it"),
        "nas": (True, unused),
        "zombie": (True, unused),
    }
    assert audit[names["stopped"]]["containers"] == [{"name": f"{PREFIX}old", "state": "created"}]
    assert audit[names["served"]]["services"] == [f"{PREFIX}app"]
    assert audit[names["zombie"]]["size"] == 1000000
    assert 0 <= audit[names["zombie"]]["age"] < 300
    # This driver reports neither.
    assert audit[names["nas"]]["size"] is None
    assert audit[names["nas"]]["age"] is None
    nameless = [one for name, one in audit.items() if len(name) == 64]
    assert nameless
    assert all("without a name" in one["reason"] for one in nameless)
    host.run({"volumes": [{"name": one["name"], "state": "absent"} for one in nameless]})


def test_a_host_outside_of_any_swarm(host: Host) -> None:
    host.run({"name": f"{PREFIX}one"})
    host.shell("docker swarm leave --force")
    try:
        found = host.info(name=f"{PREFIX}one")
        (gone,) = host.run({"name": f"{PREFIX}one", "state": "absent"})
    finally:
        host.shell("docker swarm init")
    assert found["volumes"][0]["orphan"] is True
    assert gone["changed"]


def examples(module: str) -> list[dict[str, Any]]:
    text = importlib.import_module(MODULES + module).EXAMPLES
    tasks: list[dict[str, Any]] = yaml.safe_load(text)
    return tasks


@pytest.mark.parametrize("module", ["volume", "volume_info"])
def test_the_examples_run(host: Host, module: str) -> None:
    tasks = examples(module)
    results, _output = host.play(tasks)
    assert not [one for one in results if one.get("failed")], results
    names = [
        str(item["name"]).replace("{{ inventory_hostname }}", HOST)
        for task in tasks
        for arguments in [task.get("elk.swarm.volume", {})]
        for item in [*arguments.get("volumes", []), arguments]
        if "name" in item
    ]
    host.run({"state": "absent", "volumes": [{"name": name} for name in dict.fromkeys(names)]})
