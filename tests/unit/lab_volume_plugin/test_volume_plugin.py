# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the lab's volume plugin answers, without the mounts that need a kernel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "lab" / "images" / "volume_plugin"))

import volume_plugin
from volume_plugin import RefusedError, Settings, Volumes, answer


class Asked:
    """A plugin whose mounts are written down only."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.mounts: list[str] = []
        monkeypatch.setattr(volume_plugin, "bind", lambda _, to: self.mounts.append(to.name))
        monkeypatch.setattr(volume_plugin, "release", lambda to: self.mounts.remove(to.name))
        self.start()

    def start(self) -> None:
        self.volumes = Volumes(self.folder / "home", self.folder / "mounts")

    def __call__(self, call: str, **asked: Any) -> Any:
        return answer(self.volumes, Settings("global"), f"VolumeDriver.{call}", asked)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(tmp_path, monkeypatch)


def test_a_volume_from_its_creation_to_its_end(plugin: Asked) -> None:
    plugin("Create", Name="v1", Opts={"size": "2g", "directory": "d1"})
    shown = plugin("Get", Name="v1")["Volume"]
    assert shown["Status"] == {"directory": "d1", "size": "2g"}
    assert shown["CreatedAt"].endswith("Z")
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


def test_what_it_keeps_outlives_it(plugin: Asked) -> None:
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
        ({"size": "much"}, "'much' is no size"),
        ({"directory": "../etc"}, "is no name for a directory"),
    ],
)
def test_refused_volumes(plugin: Asked, options: dict[str, str], reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        plugin("Create", Name="v1", Opts=options)
    assert plugin("List") == {"Volumes": []}


def test_scope_is_the_plugins_option(plugin: Asked) -> None:
    assert plugin("Capabilities") == {"Capabilities": {"Scope": "global"}}


@pytest.mark.parametrize("wrong", [{"SCOPE": "all"}, {"RETRIES": "abc"}, {"RETRIES": ""}])
def test_options_it_does_not_start_with(wrong: dict[str, str]) -> None:
    [name] = wrong
    with pytest.raises(RefusedError, match=name):
        Settings.read(wrong)


def test_a_password_is_not_in_what_it_says_when_it_starts() -> None:
    assert "pa55" not in str(Settings.read({"PASSWORD": "pa55"}))
