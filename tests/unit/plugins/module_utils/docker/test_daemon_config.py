# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker daemon's configuration file."""

from __future__ import annotations

import json

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.docker import daemon_config as plan

DEFAULTS = {"log-driver": "local", "log-opts": {"max-size": "20m", "max-file": "5"}}


def test_options_win_and_dictionaries_merge() -> None:
    merged = plan.merge(DEFAULTS, {"log-opts": {"max-file": "9"}, "debug": True})
    assert merged == {
        "log-driver": "local",
        "log-opts": {"max-size": "20m", "max-file": "9"},
        "debug": True,
    }
    assert DEFAULTS["log-opts"] == {"max-size": "20m", "max-file": "5"}


def test_null_removes_a_default() -> None:
    assert plan.merge(DEFAULTS, {"log-opts": None}) == {"log-driver": "local"}


def test_options_of_another_log_driver_are_dropped() -> None:
    assert plan.merge(DEFAULTS, {"log-driver": "journald"}) == {"log-driver": "journald"}
    own = {"log-driver": "syslog", "log-opts": {"tag": "x"}}
    assert plan.merge(DEFAULTS, own) == own
    assert plan.merge(DEFAULTS, {"log-driver": "local"}) == DEFAULTS


def test_live_restore_is_refused() -> None:
    with pytest.raises(plan.ConfigError, match="excludes swarm mode"):
        plan.refuse({"live-restore": True})
    plan.refuse({"live-restore": False})


def test_the_text_is_sorted_and_can_be_parsed() -> None:
    text = plan.render({"b": 1, "a": {"d": 1, "c": 2}})
    assert text.index('"a"') < text.index('"c"') < text.index('"d"') < text.index('"b"')
    assert text.endswith("}\n")
    assert plan.parse(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "found"), [("", {}), (" \n", {}), ("{", None), ("[1]", None), ('{"a": 1}', {"a": 1})]
)
def test_parsing_a_present_file(text: str, found: object) -> None:
    assert plan.parse(text) == found


def test_keys_about_data_are_not_dropped() -> None:
    present = {"data-root": "/data", "storage-driver": "overlay2", "debug": True}
    assert plan.dropped(present, {}) == ["data-root", "storage-driver"]
    assert plan.dropped(present, {"data-root": "/other", "storage-driver": None}) == []


OLD = {"debug": True}


@pytest.mark.parametrize(
    ("written", "note", "found"),
    [
        # The daemon started with a file that is older than itself, whatever the note says.
        (100, None, {"present": 1}),
        (100, plan.note_of(200, OLD), {"present": 1}),
        # For a newer file, only a note about this daemon helps.
        (300, plan.note_of(200, OLD), OLD),
        (300, plan.note_of(199, OLD), None),
        (300, None, None),
        (300, {"started": 200, "config": "nonsense"}, None),
        # With equal times, the order is unknown.
        (200, None, None),
        (None, None, {}),
        (None, plan.note_of(200, OLD), OLD),
    ],
)
def test_the_configuration_that_a_daemon_has_read(
    written: int | None, note: object, found: object
) -> None:
    assert plan.loaded({"present": 1}, written, 200, note) == found  # type: ignore[arg-type]


def running(loaded: dict[str, object] | None, **more: object) -> plan.Daemon:
    return plan.Daemon(started=200, loaded=loaded, **more)  # type: ignore[arg-type]


def test_a_stopped_daemon_needs_nothing() -> None:
    assert plan.step(None, {"debug": True}).kind == plan.NOTHING


def test_an_unknown_configuration_needs_a_restart() -> None:
    assert plan.step(running(None), {}).kind == plan.RESTART


def test_a_replaced_program_needs_a_restart() -> None:
    assert plan.step(running(OLD, replaced=True), OLD).kind == plan.RESTART


@pytest.mark.parametrize(
    ("loaded", "desired", "kind"),
    [
        ({}, {}, plan.NOTHING),
        (DEFAULTS, DEFAULTS, plan.NOTHING),
        # Read only at the start.
        (DEFAULTS, {**DEFAULTS, "log-driver": "journald"}, plan.RESTART),
        (DEFAULTS, {"log-driver": "local"}, plan.RESTART),
        ({}, {"default-address-pools": []}, plan.RESTART),
        # Read by a reload.
        ({}, {"debug": True}, plan.RELOAD),
        ({"debug": True}, {"debug": False}, plan.RELOAD),
        ({"registry-mirrors": ["https://a"]}, {"registry-mirrors": []}, plan.RELOAD),
        ({}, {"insecure-registries": ["r:5000"]}, plan.RELOAD),
        ({}, {"runtimes": {"x": {"path": "/x"}}, "shutdown-timeout": 60}, plan.RELOAD),
        ({"features": {"a": True}}, {"features": {"a": False}}, plan.RELOAD),
        # A missing and an empty value are the same.
        ({}, {"debug": False, "labels": [], "features": {}}, plan.NOTHING),
        ({"debug": False, "labels": []}, {}, plan.NOTHING),
        # If the file lacks one of these, a reload restores Docker's default ...
        ({"max-concurrent-downloads": 5, "features": {"a": True}}, {}, plan.RELOAD),
        # ... and it keeps the last value of these.
        ({"debug": True}, {}, plan.RESTART),
        ({"registry-mirrors": ["https://a"]}, {}, plan.RESTART),
        ({"shutdown-timeout": 60}, {}, plan.RESTART),
        # One option that needs a restart is enough.
        ({}, {"debug": True, "bip": "10.0.0.1/24"}, plan.RESTART),
    ],
)
def test_the_step_of_a_change(
    loaded: dict[str, object], desired: dict[str, object], kind: str
) -> None:
    step = plan.step(running(loaded), desired)
    assert step.kind == kind
    assert bool(step.reasons) is (kind != plan.NOTHING)


def test_the_daemons_own_report_wins_over_the_note() -> None:
    live = {"debug": False, "registry-mirrors": ["https://a/"]}
    daemon = running({"debug": True, "registry-mirrors": []}, live=live)
    assert plan.step(daemon, {"debug": False, "registry-mirrors": ["https://a"]}) == plan.Step()
    # It was removed from the file, but the daemon never had it, so there is no value to keep.
    assert plan.step(daemon, {"registry-mirrors": ["https://a"]}).kind == plan.NOTHING


def test_a_manual_reload_is_noticed_and_the_command_line_is_left_alone() -> None:
    live = {"debug": True, "labels": ["from=unit"]}
    by_hand = running({}, live=live, present={"debug": True})
    assert plan.step(by_hand, {}).kind == plan.RESTART
    assert plan.step(running({}, live=live), {}).kind == plan.NOTHING


INFO = {
    "Debug": True,
    "Labels": ["zone=a"],
    "RegistryConfig": {
        "InsecureRegistryCIDRs": ["127.0.0.0/8", "10.1.0.0/16", "::1/128"],
        "IndexConfigs": {
            "docker.io": {"Secure": True},
            "r:5000": {"Secure": False},
        },
        "Mirrors": ["https://mirror/"],
    },
}


def test_the_options_that_the_daemon_reports() -> None:
    live = plan.live_options(INFO)
    assert live == {
        "debug": True,
        "labels": ["zone=a"],
        "registry-mirrors": ["https://mirror/"],
        "insecure-registries": ["10.1.0.0/16", "r:5000"],
    }
    desired = {
        "debug": True,
        "labels": ["zone=a"],
        "registry-mirrors": ["https://mirror"],
        "insecure-registries": ["http://r:5000", "10.1.2.3/16", "127.0.0.0/8"],
        "log-driver": "local",
    }
    assert plan.not_adopted(desired, live) == []
    assert plan.live_options({}) == {}


def test_options_that_the_daemon_did_not_adopt_are_named() -> None:
    found = plan.not_adopted({"debug": False, "labels": []}, plan.live_options(INFO))
    assert [text.split(":")[0] for text in found] == ["debug", "labels"]
