# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The responses of the lab's volume plugin, with fake mounts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "lab" / "images" / "volume_plugin"))

import volume_plugin
from volume_plugin import RefusedError, Settings, Volumes, answer


class Plugin:
    """A plugin that only records its mounts."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.mounts: list[str] = []
        monkeypatch.setattr(volume_plugin, "bind", lambda _, to: self.mounts.append(to.name))
        monkeypatch.setattr(volume_plugin, "release", lambda to: self.mounts.remove(to.name))
        self.start()

    def start(self) -> None:
        self.volumes = Volumes(self.folder / "home", self.folder / "mounts")

    def __call__(self, call: str, **request: Any) -> Any:
        return answer(self.volumes, Settings("global"), f"VolumeDriver.{call}", request)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugin:
    return Plugin(tmp_path, monkeypatch)


def test_a_volume_from_create_to_remove(plugin: Plugin) -> None:
    plugin("Create", Name="v1", Opts={"size": "2g", "directory": "d1"})
    volume = plugin("Get", Name="v1")["Volume"]
    assert volume["Status"] == {"directory": "d1", "size": "2g"}
    assert volume["CreatedAt"].endswith("Z")
    for user in ("c1", "c2"):
        mounted = plugin("Mount", Name="v1", ID=user)["Mountpoint"]
        assert plugin("Path", Name="v1")["Mountpoint"] == mounted
    assert plugin.mounts == ["v1"]
    plugin("Unmount", Name="v1", ID="c1")
    with pytest.raises(RefusedError, match="is mounted"):
        plugin("Remove", Name="v1")
    plugin("Unmount", Name="v1", ID="c2")
    assert plugin.mounts == []
    plugin("Remove", Name="v1")
    assert plugin("List") == {"Volumes": []}
    assert not (plugin.volumes.home / "d1").exists()


def test_volumes_survive_a_restart_of_the_plugin(plugin: Plugin) -> None:
    plugin("Create", Name="v1", Opts=None)
    (plugin.volumes.home / "v1" / "file").write_text("data")
    before = plugin("Get", Name="v1")
    plugin.start()
    assert plugin("Get", Name="v1") == before
    assert (plugin.volumes.home / "v1" / "file").read_text() == "data"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"sice": "1g"}, "no such option: sice"),
        ({"size": "much"}, "'much' is not a valid size"),
        ({"directory": "../etc"}, "is not a valid directory name"),
    ],
)
def test_invalid_volume_options(plugin: Plugin, options: dict[str, str], reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        plugin("Create", Name="v1", Opts=options)
    assert plugin("List") == {"Volumes": []}


def test_scope_is_the_plugins_option(plugin: Plugin) -> None:
    assert plugin("Capabilities") == {"Capabilities": {"Scope": "global"}}


@pytest.mark.parametrize("wrong", [{"SCOPE": "all"}, {"RETRIES": "abc"}, {"RETRIES": ""}])
def test_invalid_plugin_options(wrong: dict[str, str]) -> None:
    [name] = wrong
    with pytest.raises(RefusedError, match=name):
        Settings.read(wrong)


def test_the_start_message_does_not_show_the_password() -> None:
    assert "pa55" not in str(Settings.read({"PASSWORD": "pa55"}))
