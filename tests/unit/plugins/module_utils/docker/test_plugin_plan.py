# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Managed plugins: names, options, masked values, privileges, and the steps of a change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.common.masking import MASK, mask_secrets
from ansible_collections.elk.swarm.plugins.module_utils.docker.plugin_plan import (
    Desired,
    Installed,
    PluginError,
    Setting,
    Visibility,
    Volume,
    granted_privileges,
    local_name,
    log_lines,
    missing_privileges,
    normalise,
    option_values,
    plan,
    read_settings,
    rollback_plan,
    volumes_of,
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


def test_all_options_are_read() -> None:
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


def test_an_inspection_masks_values_that_are_not_public() -> None:
    shown = Visibility(frozenset({"RETRIES"})).inspection(inspected())
    assert shown["Settings"] == {
        "Env": ["RETRIES=5", f"PASSWORD={MASK}", "FIXED=yes"],
        "Mounts": [{"Name": "disk", "Source": MASK}],
        "Devices": [{"Name": "fuse", "Path": "/dev/fuse"}],
        "Args": [MASK, MASK],
    }
    assert shown["Config"] == inspected()["Config"]
    open_to_all = Visibility(frozenset({"RETRIES", "PASSWORD", "disk.source", "args"}))
    assert open_to_all.inspection(inspected()) == inspected()


def test_secrets_are_masked_values_that_are_long_enough() -> None:
    options = {"PASSWORD": "new-secret", "RETRIES": "5", "DEBUG": "true", "SCOPE": "global"}
    found = Visibility().secrets(options, read_settings(inspected()), "local or global")
    assert found == {"new-secret", "a=secret", "/data", "-v --key=secret"}
    assert Visibility(frozenset({"PASSWORD"})).secrets({"PASSWORD": "new-secret"}, {}, "") == set()


@pytest.mark.parametrize("form", ['a"b c', 'a\\"b c', "a%22b%20c"])
def test_secrets_are_found_as_programs_quote_them(form: str) -> None:
    assert mask_secrets(f"with {form}.", {'a"b c'}) == f"with {MASK}."


def test_granted_privileges_have_the_form_of_the_registry() -> None:
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
    assert [(one["name"], one["value"]) for one in granted_privileges(config)] == [
        ("network", ["host"]),
        ("host ipc namespace", ["true"]),
        ("host pid namespace", ["true"]),
        ("mount", ["/srv"]),
        ("device", ["/dev/fuse"]),
        ("allow-all-devices", ["true"]),
        ("capabilities", ["CAP_SYS_ADMIN"]),
    ]
    assert granted_privileges({"Network": {"Type": "bridge"}}) == []


def test_a_privilege_is_granted_by_name_and_value() -> None:
    required = [{"name": "mount", "value": ["/srv"]}, {"name": "capabilities", "value": ["A", "B"]}]
    assert missing_privileges(required, None) == required
    granted = [{"name": "mount", "value": ["/data"]}, {"name": "capabilities", "value": ["B", "C"]}]
    missing = [required[0], {"name": "capabilities", "value": ["A"]}]
    assert missing_privileges(required, granted) == missing


def test_volumes_are_also_found_through_containers() -> None:
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


def desired(state: str = "present", **more: Any) -> Desired:
    return Desired(**{"remote": REMOTE, "name": "disk:latest", "state": state, **more})


def steps(task: Desired, found: Installed | None, *volumes: Volume) -> list[str]:
    return list(plan(task, found, volumes, Visibility()).steps)


ON = Installed.read(inspected())
OFF = Installed.read(inspected(Enabled=False))
NEW = {"remote": "registry.example.org/disk:2"}
SET = {"options": {"RETRIES": "6"}}


@pytest.mark.parametrize(
    ("task", "found", "expected"),
    [
        (desired(), None, ["install"]),
        (desired(**SET), None, ["install", "set"]),
        (desired("enable", **SET), None, ["install", "set", "enable"]),
        (desired("absent"), None, []),
        (desired(), ON, []),
        (desired(), OFF, []),
        (desired("enable"), OFF, ["enable"]),
        (desired("disable"), ON, ["disable"]),
        (desired("disable", **SET), ON, ["disable", "set"]),
        (desired(**SET), ON, ["disable", "set", "enable"]),
        (desired(**SET), OFF, ["set"]),
        (desired("enable", **SET), OFF, ["set", "enable"]),
        (desired(**SET, **NEW), ON, ["disable", "upgrade", "set", "enable"]),
        (desired(**NEW), OFF, ["upgrade"]),
        (desired("absent"), OFF, ["remove"]),
        (desired("absent", force_remove=True), ON, ["remove"]),
    ],
)
def test_steps(task: Desired, found: Installed | None, expected: list[str]) -> None:
    assert steps(task, found) == expected


def test_a_plugin_of_unknown_origin_is_not_upgraded() -> None:
    assert steps(desired(), Installed.read(inspected(PluginReference=""))) == []


def test_force_is_sent_only_when_docker_needs_it() -> None:
    free, in_use = Volume("v1"), Volume("v1", {"web": "paused"})
    assert plan(desired(**SET), ON, [], Visibility()).forced is False
    assert plan(desired(**SET), ON, [free], Visibility()).forced is True
    assert plan(desired(**SET, force=True), ON, [in_use], Visibility()).forced is True
    with pytest.raises(PluginError, match="web, paused"):
        plan(desired(**SET), ON, [in_use], Visibility())


def test_many_volumes_are_not_all_listed() -> None:
    volumes = [Volume(f"v{number:02}") for number in range(12)]
    with pytest.raises(PluginError, match=r"v09 and 2 more\. Remove"):
        plan(desired("absent"), OFF, volumes, Visibility())


def test_rollback_plan() -> None:
    assert rollback_plan(ON, ON).steps == ()
    assert rollback_plan(ON, OFF).steps == ("enable",)
    assert rollback_plan(OFF, ON).steps == ("disable",)
    other = inspected(PluginReference="registry.example.org/disk:2", Enabled=False)
    other["Settings"]["Env"] = ["RETRIES=6", "PASSWORD=a=secret", "UNSET=x", "FIXED=no"]
    back = rollback_plan(ON, Installed.read(other))
    assert back.steps == ("upgrade", "set", "enable")
    assert back.options == {"RETRIES": "5", "UNSET": ""}


def test_a_setting_does_not_show_its_value_in_a_traceback() -> None:
    assert "secret" not in repr(
        [Setting("A", "secret", None, True), desired(options={"A": "secret"})]
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
