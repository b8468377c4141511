# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""elk.swarm.plugin and plugin_info against an Engine that also fails."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.docker.plugin_plan import MASK, MASK_NEW
from tests.contract.fake_plugins import (
    BROKEN,
    FIRST,
    REGISTRY,
    SECOND,
    FakePlugins,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# If a secret comes out, its first word shows in every way of quoting.
WORD, OTHER_SECRET = "passw0rd", "another-pass"
SECRET = f'{WORD} isn\'t "told"'
DISK = "disk:latest"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakePlugins]:
    with FakePlugins(tmp_path) as fake:
        yield fake


@pytest.fixture
def disk(call: Callable[..., Any], engine: FakePlugins) -> Callable[..., Any]:
    """Run elk.swarm.plugin for the alias disk."""

    def run(*, check: bool = False, **options: Any) -> Any:
        arguments = {"plugin_name": FIRST, "alias": "disk", "grant_all": True, **options}
        engine.calls.clear()
        result = call("plugin", {"docker_host": engine.host, **arguments}, check=check)
        assert WORD not in result.output
        assert OTHER_SECRET not in result.output
        return result

    return run


def prove(disk: Callable[..., Any], engine: FakePlugins, **options: Any) -> Any:
    """Check, apply, check, apply. Return the result of the first apply."""
    before = copy.deepcopy(engine.plugins)
    checked = disk(check=True, **options)
    assert engine.writes() == []
    assert engine.plugins == before
    applied = disk(**options)
    assert checked.changed
    assert applied.changed
    assert checked["diff"] == applied["diff"]
    assert checked["actions"] == applied["actions"]
    for check in (True, False):
        again = disk(check=check, **options)
        assert not again.failed, again.msg
        assert not again.changed
        assert again["diff"] == {"before": {}, "after": {}}
        assert engine.writes() == []
    return applied


def steps(engine: FakePlugins) -> list[str]:
    return [one.replace(DISK, "disk").rpartition("/")[2] for one in engine.writes()]


def env(engine: FakePlugins) -> dict[str, str]:
    lines = engine.plugins[DISK]["Settings"]["Env"]
    return dict(one.partition("=")[::2] for one in lines)


def test_every_state(disk: Callable[..., Any], engine: FakePlugins) -> None:
    installed = prove(disk, engine, plugin_options={"RETRIES": 5})
    assert installed["actions"] == [f"installed {DISK} from {FIRST}", f"set RETRIES of {DISK}"]
    assert installed["diff"]["before"] == {"state": "absent"}
    assert installed["plugin"]["Enabled"] is False
    assert prove(disk, engine, state="enable")["actions"] == [f"enabled {DISK}"]
    assert not disk(state="present").changed
    assert prove(disk, engine, state="disable")["diff"] == {
        "before": {"state": "enabled"},
        "after": {"state": "disabled"},
    }
    removed = prove(disk, engine, state="absent")
    assert removed["diff"]["before"]["state"] == "disabled"
    assert removed["diff"]["after"] == {"state": "absent"}
    assert removed["plugin"] == {}
    assert engine.plugins == {}


def test_a_missing_plugin_cannot_be_disabled(disk: Callable[..., Any]) -> None:
    for check in (True, False):
        result = disk(state="disable", check=check)
        assert result.failed
        assert "plugin disk:latest is not installed" in result.msg


def test_options_of_an_enabled_plugin(disk: Callable[..., Any], engine: FakePlugins) -> None:
    disk(state="enable")
    applied = prove(
        disk, engine, plugin_options={"PASSWORD": SECRET, "RETRIES": "7", "COMMENT": ""}
    )
    assert env(engine) == {"RETRIES": "7", "PASSWORD": SECRET, "COMMENT": "", "FORMAT": "json"}
    assert engine.plugins[DISK]["Enabled"]
    assert applied["diff"] == {
        "before": {"options": {"PASSWORD": "", "RETRIES": "3", "COMMENT": None}},
        "after": {"options": {"PASSWORD": MASK_NEW, "RETRIES": MASK_NEW, "COMMENT": ""}},
    }
    assert f"PASSWORD={MASK}" in applied["plugin"]["Settings"]["Env"]
    disk(plugin_options={"RETRIES": "8"}, show_options=["RETRIES"])
    assert steps(engine) == ["disable", "set", "enable"]


@pytest.mark.parametrize("value", ["", "7", 7, 0, True, "true", 'a "quoted" one', "a=b", None])
def test_a_value_is_set_only_once(
    disk: Callable[..., Any], engine: FakePlugins, value: Any
) -> None:
    disk()
    prove(disk, engine, plugin_options={"COMMENT": value})


def test_options_that_may_be_shown(disk: Callable[..., Any], engine: FakePlugins) -> None:
    options = {"plugin_options": {"RETRIES": 8, "PASSWORD": SECRET}, "show_options": ["RETRIES"]}
    applied = prove(disk, engine, **options)
    assert applied["diff"]["after"]["options"] == {"RETRIES": "8", "PASSWORD": MASK_NEW}
    assert "RETRIES=8" in applied["plugin"]["Settings"]["Env"]
    # A number of one digit is not masked everywhere else.
    hidden = disk(plugin_options={"RETRIES": 1}, state="enable")
    assert hidden["plugin"]["PluginReference"] == FIRST


def test_the_source_of_a_mount(disk: Callable[..., Any], engine: FakePlugins) -> None:
    disk(state="enable")
    applied = prove(disk, engine, plugin_options={"disk.source": "/data"})
    assert engine.plugins[DISK]["Settings"]["Mounts"][0]["Source"] == "/data"
    assert applied["diff"]["before"] == {"options": {"disk.source": "/srv"}}
    assert not disk(plugin_options={"disk": "/data"}).changed


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"RETRYS": 1}, "has no such option. It has COMMENT, PASSWORD, RETRIES, disk.source"),
        ({"FORMAT": "xml"}, "does not let it be set"),
        ({"RETRIES": [1]}, "plugin_options.RETRIES is a list"),
    ],
)
def test_wrong_options_change_nothing(
    disk: Callable[..., Any], engine: FakePlugins, options: dict[str, Any], reason: str
) -> None:
    disk(state="enable")
    for check in (True, False):
        result = disk(plugin_options=options, check=check)
        assert result.failed
        assert reason in result.msg
        assert engine.writes() == []


def test_in_use(disk: Callable[..., Any], engine: FakePlugins) -> None:
    disk(state="enable")
    engine.volumes = [{"Name": "v1", "Driver": DISK}, {"Name": "other", "Driver": "local"}]
    engine.mount("v1", "web")
    for options in ({"plugin_options": {"RETRIES": 5}}, {"plugin_name": SECOND}):
        for check in (True, False):
            result = disk(check=check, **options)
            assert result.failed
            assert "v1 (container web, running)" in result.msg
            assert "force: true" in result.msg
            assert result["volumes"] == [
                {"name": "v1", "containers": [{"name": "web", "state": "running"}]}
            ]
            assert engine.writes() == []
        prove(disk, engine, force=True, **options)


def test_unused_volumes_do_not_prevent_a_change(
    disk: Callable[..., Any], engine: FakePlugins
) -> None:
    disk(state="enable")
    engine.volumes = [{"Name": "v1", "Driver": DISK}]
    engine.mount("v1", "web", "exited")
    prove(disk, engine, plugin_options={"RETRIES": 5})
    # But nothing could use them if the plugin stayed disabled.
    for state in ("disable", "absent"):
        for check in (True, False):
            refused = disk(state=state, force_remove=True, check=check)
            assert refused.failed
            assert "v1 (container web, exited)" in refused.msg
            assert engine.writes() == []
    prove(disk, engine, state="disable", force=True)
    prove(disk, engine, state="absent", force=True)


def test_an_enabled_plugin_is_removed_by_force_only(
    disk: Callable[..., Any], engine: FakePlugins
) -> None:
    disk(state="enable")
    for check in (True, False):
        refused = disk(state="absent", check=check)
        assert refused.failed
        assert "force_remove: true" in refused.msg
    prove(disk, engine, state="absent", force_remove=True)


def test_a_plugin_that_docker_reports_as_in_use(
    disk: Callable[..., Any], engine: FakePlugins
) -> None:
    disk()
    # The volumes of a disabled plugin are not listed.
    engine.volumes = [{"Name": "v1", "Driver": DISK}]
    refused = disk(state="absent")
    assert refused.failed
    assert not refused.changed
    assert "is in use" in refused.msg
    assert "elk.swarm.plugin_info" in refused.msg
    assert "be removed" in refused.msg


def test_upgrade_in_place(disk: Callable[..., Any], engine: FakePlugins) -> None:
    disk(state="enable", plugin_options={"PASSWORD": SECRET})
    applied = prove(disk, engine, plugin_name=SECOND, plugin_options={"CACHE": "on"})
    assert applied["diff"]["before"]["reference"] == FIRST
    assert applied["diff"]["after"]["reference"] == SECOND
    assert applied["plugin"]["Enabled"]
    assert env(engine)["PASSWORD"] == SECRET
    assert env(engine)["CACHE"] == "on"
    digest = f"{REGISTRY}/disk@sha256:{'a' * 64}"
    engine.registry[digest] = engine.registry[FIRST]
    prove(disk, engine, plugin_name=digest)
    # A disabled one is upgraded as well, and stays disabled.
    disk(plugin_name=digest, state="disable")
    prove(disk, engine, plugin_name=FIRST)
    assert not engine.plugins[DISK]["Enabled"]


def test_another_tag_without_an_alias_is_another_plugin(
    disk: Callable[..., Any], engine: FakePlugins
) -> None:
    disk(alias=None)
    prove(disk, engine, alias=None, plugin_name=SECOND)
    assert sorted(engine.plugins) == [FIRST, SECOND]


def test_only_named_privileges_are_granted(disk: Callable[..., Any], engine: FakePlugins) -> None:
    for check in (True, False):
        refused = disk(grant_all=False, check=check)
        assert refused.failed
        assert "network: host; mount: /srv; capabilities: CAP_SYS_ADMIN" in refused.msg
        assert engine.writes() == []
    named = refused["lacking_privileges"]
    more = [{"name": "device", "value": ["/dev/sda"]}]
    installed = prove(disk, engine, grant_all=False, privileges=[*named, *more], state="enable")
    assert [one["name"] for one in installed["privileges"]] == ["network", "mount", "capabilities"]
    for check in (True, False):
        refused = disk(grant_all=False, privileges=named, plugin_name=SECOND, check=check)
        assert refused.failed
        assert refused["lacking_privileges"] == [{"name": "capabilities", "value": ["CAP_CHOWN"]}]
        assert engine.writes() == []
    warned = disk(grant_all=False, privileges=named[1:])
    assert not warned.changed
    assert "does not name: network: host" in str(warned["warnings"])


def test_a_plugin_that_the_registry_does_not_have(
    disk: Callable[..., Any], engine: FakePlugins
) -> None:
    disk(state="enable")
    for check in (True, False):
        result = disk(plugin_name=f"{REGISTRY}/disk:none", check=check)
        assert result.failed
        assert "manifest unknown" in result.msg
        assert engine.writes() == []


def test_a_new_plugin_that_does_not_start_is_removed(
    disk: Callable[..., Any], engine: FakePlugins
) -> None:
    result = disk(plugin_name=BROKEN, state="enable", plugin_options={"PASSWORD": SECRET})
    assert result.failed
    assert not result.changed
    assert "could not be enabled" in result.msg
    assert "journalctl -u docker" in result.msg
    assert result["left_as_found"]
    assert engine.plugins == {}


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        {"plugin_options": {"RETRIES": "many", "COMMENT": "x", "PASSWORD": SECRET}},
        {"plugin_name": BROKEN, "plugin_options": {"PASSWORD": OTHER_SECRET}},
        {"plugin_name": SECOND, "plugin_options": {"CACHE": "on", "RETRIES": "many"}},
        {"plugin_name": SECOND, "plugin_options": {"NONE": "x"}},
    ],
)
def test_a_change_is_undone_if_the_plugin_does_not_start(
    disk: Callable[..., Any], engine: FakePlugins, change: dict[str, Any], enabled: bool
) -> None:
    disk(state="enable", plugin_options={"PASSWORD": SECRET, "COMMENT": "y"})
    if not enabled:
        disk(state="disable")
    before, env_before = copy.deepcopy(engine.plugins[DISK]), env(engine)
    result = disk(state="enable", **change)
    assert result.failed
    assert not result.changed
    assert result["left_as_found"]
    assert "Its previous state was restored." in result.msg
    after = engine.plugins[DISK]
    # An option of the other version stays behind; the restored version does not know it.
    after_env = {name: value for name, value in env(engine).items() if name != "CACHE"}
    assert after_env == env_before
    for key in ("Enabled", "PluginReference", "Config"):
        assert after[key] == before[key]


def test_a_daemon_that_still_cleans_up_gets_the_request_again(
    disk: Callable[..., Any], engine: FakePlugins
) -> None:
    disk(state="enable")
    stopped = "OCI runtime start failed: cannot start a container that has stopped: unknown"
    engine.refusals = [("POST /plugins/.*/enable", 500, stopped)] * 2
    result = disk(plugin_options={"RETRIES": 5})
    assert result["left_as_found"]
    assert steps(engine) == ["disable", "set", "enable", "set", "enable", "enable"]
    assert engine.plugins[DISK]["Enabled"]


@pytest.mark.parametrize("options", [{}, {"plugin_name": SECOND}])
def test_a_pull_that_fails_at_its_end(
    disk: Callable[..., Any], engine: FakePlugins, options: dict[str, Any]
) -> None:
    if options:
        disk(state="enable")
    before = copy.deepcopy(engine.plugins)
    engine.pull_error = "unexpected EOF"
    result = disk(state="enable", **options)
    assert result.failed
    assert "unexpected EOF" in result.msg
    assert engine.plugins == before


def test_an_upgrade_without_a_way_back(disk: Callable[..., Any], engine: FakePlugins) -> None:
    disk(state="enable")
    del engine.registry[FIRST]
    checked = disk(plugin_name=SECOND, check=True)
    assert "there is no way back to" in str(checked["warnings"])
    result = disk(plugin_name=BROKEN)
    assert result.failed
    assert result.changed
    assert result["left_as_found"] is False
    assert "could not be restored" in result.msg
    assert f"docker plugin inspect {DISK}" in result.msg


def test_short_values_and_warnings_are_masked(
    disk: Callable[..., Any], engine: FakePlugins
) -> None:
    result = disk(state="enable", plugin_options={"COMMENT": "q7x"})
    assert "q7x" not in result.output
    assert "q7x" in env(engine).values()
    del engine.registry[FIRST]
    engine.refusals = [("GET /distribution/.*", 500, f"no login with {SECRET}")]
    warned = disk(plugin_name=SECOND, plugin_options={"PASSWORD": SECRET})
    assert "no login with" in str(warned["warnings"])


def test_the_login_goes_to_the_registry_of_the_plugin(
    disk: Callable[..., Any], engine: FakePlugins
) -> None:
    registry = FIRST.partition("/")[0]
    login = {"registry_url": registry, "username": "deploy", "password": SECRET}
    assert disk(state="enable", registry_login=login).changed
    sent = [call for call, with_it in zip(engine.calls, engine.logins, strict=True) if with_it]
    assert {path for _method, path in sent} == {"/plugins/privileges", "/plugins/pull"}
    assert {with_it["password"] for with_it in engine.logins if with_it} == {SECRET}
    wrong = disk(state="enable", registry_login=login, plugin_options={"A": {"b": 1}})
    assert wrong.failed
    engine.plugins.clear()
    engine.logins.clear()
    assert disk(state="enable", registry_login={**login, "registry_url": "docker.io"}).changed
    assert not any(engine.logins)


def test_daemon_away(call: Callable[..., Any], tmp_path: Path) -> None:
    arguments = {"docker_host": f"unix://{tmp_path}/none.sock", "plugin_name": FIRST}
    for module in ("plugin", "plugin_info"):
        result = call(module, arguments)
        assert result.failed
        assert "systemctl status docker" in result.msg
    # A check of a play that would install Docker first.
    assert call("plugin", {**arguments, "state": "enable"}, check=True).changed
    assert not call("plugin", {**arguments, "state": "absent"}, check=True).changed


def test_an_engine_that_is_too_old(disk: Callable[..., Any], engine: FakePlugins) -> None:
    engine.api_version = "1.40"
    assert "20.10" in disk().msg


def test_an_engine_that_refuses(disk: Callable[..., Any], engine: FakePlugins) -> None:
    engine.refuse_always = (403, "authorization denied by plugin")
    result = disk()
    assert result.failed
    assert "authorization denied" in result.msg


def test_info(call: Callable[..., Any], disk: Callable[..., Any], engine: FakePlugins) -> None:
    arguments = {"docker_host": engine.host}
    assert call("plugin_info", arguments)["plugins"] == []
    disk(state="enable", plugin_options={"PASSWORD": SECRET, "RETRIES": 5})
    disk(alias="other", plugin_name=SECOND)
    engine.volumes = [{"Name": "v1", "Driver": DISK}]
    engine.mount("v1", "web")
    everything = call("plugin_info", arguments)
    assert [one["name"] for one in everything["plugins"]] == [DISK, "other:latest"]
    some = call("plugin_info", {**arguments, "plugin_name": ["disk", "none"]})
    assert some["missing"] == ["none"]
    [one] = some["plugins"]
    assert one["state"] == "enabled"
    assert one["reference"] == FIRST
    assert one["drivers"] == ["docker.volumedriver/1.0"]
    assert one["privileges"][0]["name"] == "network"
    assert one["volumes"] == [{"name": "v1", "containers": [{"name": "web", "state": "running"}]}]
    values = {option["name"]: option["value"] for option in one["options"]}
    assert values["PASSWORD"] == MASK
    assert values["RETRIES"] == MASK
    assert values["FORMAT"] == "json"
    assert values["disk.source"] == "/srv"
    shown = call("plugin_info", {**arguments, "plugin_name": "disk", "show_options": ["RETRIES"]})
    assert "5" in {option["value"] for option in shown["plugins"][0]["options"]}
    for result in (everything, some, shown):
        assert WORD not in result.output
        assert not result.changed
