# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Managed plugins: names, options, what may be shown, privileges, and the steps of a change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.common.masking import MASK, blot_out
from ansible_collections.elk.swarm.plugins.module_utils.docker.plugin_plan import (
    Installed,
    PluginError,
    Setting,
    Veil,
    Volume,
    Wanted,
    lacking,
    local_name,
    log_lines,
    normalise,
    option_values,
    plan,
    privileges_held,
    read_settings,
    volumes_of,
    way_back,
)

REMOTE = "registry.example.org/disk:1"
DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("sshfs", "docker.io/library/sshfs:latest"),
        ("vieux/sshfs", "docker.io/vieux/sshfs:latest"),
        ("vieux/sshfs:2", "docker.io/vieux/sshfs:2"),
        ("docker.io/vieux/sshfs:2", "docker.io/vieux/sshfs:2"),
        ("localhost/disk", "localhost/disk:latest"),
        ("10.0.0.1:5000/disk", "10.0.0.1:5000/disk:latest"),
        (f"10.0.0.1:5000/lab/disk@{DIGEST}", f"10.0.0.1:5000/lab/disk@{DIGEST}"),
        (f"10.0.0.1:5000/lab/disk:1@{DIGEST}", f"10.0.0.1:5000/lab/disk@{DIGEST}"),
    ],
)
def test_references_in_full(written: str, full: str) -> None:
    assert normalise(written) == full
    assert normalise(full) == full


@pytest.mark.parametrize(
    ("remote", "alias", "name"),
    [
        ("vieux/sshfs", None, "vieux/sshfs:latest"),
        ("docker.io/vieux/sshfs:2", None, "vieux/sshfs:2"),
        ("10.0.0.1:5000/disk", None, "10.0.0.1:5000/disk:latest"),
        (f"10.0.0.1:5000/disk@{DIGEST}", None, "10.0.0.1:5000/disk:latest"),
        (f"10.0.0.1:5000/disk:1@{DIGEST}", None, "10.0.0.1:5000/disk:1"),
        ("10.0.0.1:5000/disk:1", "disk", "disk:latest"),
        ("10.0.0.1:5000/disk:1", "disk:mine", "disk:mine"),
    ],
)
def test_local_names(remote: str, alias: str | None, name: str) -> None:
    assert local_name(remote, alias) == name


def test_values_become_text() -> None:
    given = {"a": 1, "b": 0, "c": True, "d": None, "e": "", "f": 1.5, "g": ' "x" '}
    text = {"a": "1", "b": "0", "c": "true", "d": "", "e": "", "f": "1.5", "g": ' "x" '}
    assert option_values(given) == text
    with pytest.raises(PluginError, match=r"plugin_options\.a is a dict"):
        option_values({"a": {}})


def inspected(**more: Any) -> dict[str, Any]:
    config = {
        "Env": [
            {"Name": "RETRIES", "Value": "3", "Settable": ["value"]},
            {"Name": "PASSWORD", "Value": "", "Settable": ["value"]},
            {"Name": "UNSET", "Value": None, "Settable": ["value"]},
            {"Name": "FIXED", "Value": "yes", "Settable": None},
        ],
        "Mounts": [{"Name": "disk", "Source": "/srv", "Settable": ["source"]}, {"Name": ""}],
        "Linux": {"Devices": [{"Name": "fuse", "Path": "/dev/fuse", "Settable": ["path"]}]},
        "Args": {"Name": "args", "Value": ["-v"], "Settable": ["value"]},
    }
    settings = {
        "Env": ["RETRIES=5", "PASSWORD=a=secret", "FIXED=yes"],
        "Mounts": [{"Name": "disk", "Source": "/data"}],
        "Devices": [{"Name": "fuse", "Path": "/dev/fuse"}],
        "Args": ["-v", "--key=secret"],
    }
    return {
        "Id": "abc",
        "Name": "disk:latest",
        "PluginReference": REMOTE,
        "Enabled": True,
        "Config": config,
        "Settings": settings,
        **more,
    }


def test_everything_that_can_be_set_is_read() -> None:
    found = read_settings(inspected())
    values = {name: (one.value, one.default, one.settable) for name, one in found.items()}
    assert values == {
        "RETRIES": ("5", "3", True),
        "PASSWORD": ("a=secret", "", True),
        "UNSET": (None, None, True),
        "FIXED": ("yes", "yes", False),
        "disk.source": ("/data", "/srv", True),
        "fuse.path": ("/dev/fuse", "/dev/fuse", True),
        "args": ("-v --key=secret", "-v", True),
    }


def test_an_inspection_hides_what_is_not_public() -> None:
    seen = Veil(frozenset({"RETRIES"})).inspection(inspected())
    assert seen["Settings"] == {
        "Env": ["RETRIES=5", f"PASSWORD={MASK}", "FIXED=yes"],
        "Mounts": [{"Name": "disk", "Source": MASK}],
        "Devices": [{"Name": "fuse", "Path": "/dev/fuse"}],
        "Args": [MASK, MASK],
    }
    assert seen["Config"] == inspected()["Config"]
    open_to_all = Veil(frozenset({"RETRIES", "PASSWORD", "disk.source", "args"}))
    assert open_to_all.inspection(inspected()) == inspected()


def test_secrets_are_what_is_hidden_and_long_enough_to_be_found() -> None:
    options = {"PASSWORD": "new-secret", "RETRIES": "5", "DEBUG": "true", "SCOPE": "global"}
    found = Veil().secrets(options, read_settings(inspected()), "local or global")
    assert found == {"new-secret", "a=secret", "/data", "-v --key=secret"}
    assert Veil(frozenset({"PASSWORD"})).secrets({"PASSWORD": "new-secret"}, {}, "") == set()


@pytest.mark.parametrize("form", ['a"b c', 'a\\"b c', "a%22b%20c"])
def test_secrets_are_found_as_programs_quote_them(form: str) -> None:
    assert blot_out(f"with {form}.", {'a"b c'}) == f"with {MASK}."


def test_privileges_held_are_those_that_the_registry_told() -> None:
    config = {
        "Network": {"Type": "host"},
        "IpcHost": True,
        "PidHost": True,
        "Mounts": [{"Source": "/srv"}, {"Source": None}],
        "Linux": {
            "Capabilities": ["CAP_SYS_ADMIN"],
            "AllowAllDevices": True,
            "Devices": [{"Path": "/dev/fuse"}],
        },
    }
    assert [(one["name"], one["value"]) for one in privileges_held(config)] == [
        ("network", ["host"]),
        ("host ipc namespace", ["true"]),
        ("host pid namespace", ["true"]),
        ("mount", ["/srv"]),
        ("device", ["/dev/fuse"]),
        ("allow-all-devices", ["true"]),
        ("capabilities", ["CAP_SYS_ADMIN"]),
    ]
    assert privileges_held({"Network": {"Type": "bridge"}}) == []


def test_a_privilege_is_granted_by_name_and_value() -> None:
    asked = [{"name": "mount", "value": ["/srv"]}, {"name": "capabilities", "value": ["A", "B"]}]
    assert lacking(asked, None) == asked
    granted = [{"name": "mount", "value": ["/data"]}, {"name": "capabilities", "value": ["B", "C"]}]
    assert lacking(asked, granted) == [asked[0], {"name": "capabilities", "value": ["A"]}]


def test_volumes_are_found_through_containers_as_well() -> None:
    def container(name: str, state: str, volume: str, driver: str) -> dict[str, Any]:
        mounts = [{"Type": "volume", "Name": volume, "Driver": driver}, {"Type": "bind"}]
        return {"Names": [f"/{name}"], "State": state, "Mounts": mounts}

    found = volumes_of(
        "disk:latest",
        [{"Name": "v1", "Driver": "disk:latest"}, {"Name": "v2", "Driver": "local"}],
        [
            container("a", "running", "v3", "disk:latest"),
            container("b", "exited", "v3", "disk:latest"),
            container("c", "running", "v2", "local"),
        ],
    )
    assert [str(one) for one in found] == ["v1", "v3 (container a, running, b, exited)"]
    assert [one.mounted_by for one in found] == [[], ["a"]]


def wanted(state: str = "present", **more: Any) -> Wanted:
    return Wanted(**{"remote": REMOTE, "name": "disk:latest", "state": state, **more})


def steps(asked: Wanted, found: Installed | None, *volumes: Volume) -> list[str]:
    return list(plan(asked, found, volumes, Veil()).steps)


ON = Installed.read(inspected())
OFF = Installed.read(inspected(Enabled=False))
NEW = {"remote": "registry.example.org/disk:2"}
SET = {"options": {"RETRIES": "6"}}


@pytest.mark.parametrize(
    ("asked", "found", "expected"),
    [
        (wanted(), None, ["install"]),
        (wanted(**SET), None, ["install", "set"]),
        (wanted("enable", **SET), None, ["install", "set", "enable"]),
        (wanted("absent"), None, []),
        (wanted(), ON, []),
        (wanted(), OFF, []),
        (wanted("enable"), OFF, ["enable"]),
        (wanted("disable"), ON, ["disable"]),
        (wanted("disable", **SET), ON, ["disable", "set"]),
        (wanted(**SET), ON, ["disable", "set", "enable"]),
        (wanted(**SET), OFF, ["set"]),
        (wanted("enable", **SET), OFF, ["set", "enable"]),
        (wanted(**SET, **NEW), ON, ["disable", "upgrade", "set", "enable"]),
        (wanted(**NEW), OFF, ["upgrade"]),
        (wanted("absent"), OFF, ["remove"]),
        (wanted("absent", force_remove=True), ON, ["remove"]),
    ],
)
def test_steps(asked: Wanted, found: Installed | None, expected: list[str]) -> None:
    assert steps(asked, found) == expected


def test_a_plugin_of_unknown_origin_is_not_upgraded() -> None:
    assert steps(wanted(), Installed.read(inspected(PluginReference=""))) == []


def test_docker_is_told_to_force_only_where_it_has_to_be() -> None:
    free, held = Volume("v1"), Volume("v1", {"web": "paused"})
    assert plan(wanted(**SET), ON, [], Veil()).forced is False
    assert plan(wanted(**SET), ON, [free], Veil()).forced is True
    assert plan(wanted(**SET, force=True), ON, [held], Veil()).forced is True
    with pytest.raises(PluginError, match="web, paused"):
        plan(wanted(**SET), ON, [held], Veil())


def test_many_volumes_are_not_all_listed() -> None:
    volumes = [Volume(f"v{number:02}") for number in range(12)]
    with pytest.raises(PluginError, match=r"v09 and 2 more\. Remove"):
        plan(wanted("absent"), OFF, volumes, Veil())


def test_the_way_back() -> None:
    assert way_back(ON, ON).steps == ()
    assert way_back(ON, OFF).steps == ("enable",)
    assert way_back(OFF, ON).steps == ("disable",)
    other = inspected(PluginReference="registry.example.org/disk:2", Enabled=False)
    other["Settings"]["Env"] = ["RETRIES=6", "PASSWORD=a=secret", "UNSET=x", "FIXED=no"]
    back = way_back(ON, Installed.read(other))
    assert back.steps == ("upgrade", "set", "enable")
    assert back.options == {"RETRIES": "5", "UNSET": ""}


def test_a_setting_does_not_show_its_value_in_a_traceback() -> None:
    assert "secret" not in repr(
        [Setting("A", "secret", None, True), wanted(options={"A": "secret"})]
    )


def test_log_lines_of_one_plugin() -> None:
    def line(text: str, plugin: str) -> str:
        return f"time=x level=error msg={json.dumps(text)} plugin={plugin}"

    journal = [line("first", "abc"), line("other's", "xyz"), line('say "no"', "abc")]
    journal += [line("first", "abc"), "level=info msg=Daemon"]
    assert log_lines("\n".join(journal), "abc") == ['say "no"', "first"]
    many = "\n".join(line(f"line {number}", "abc") for number in range(30))
    assert log_lines(many, "abc")[0] == "line 10"
    assert len(log_lines(many, "abc")) == 20
