# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker daemon's configuration file."""

from __future__ import annotations

import json

import pytest

from ansible_collections.elk.swarm.plugins.module_utils import daemon_config as plan

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


def test_options_of_another_log_driver_do_not_stay() -> None:
    assert plan.merge(DEFAULTS, {"log-driver": "journald"}) == {"log-driver": "journald"}
    own = {"log-driver": "syslog", "log-opts": {"tag": "x"}}
    assert plan.merge(DEFAULTS, own) == own
    assert plan.merge(DEFAULTS, {"log-driver": "local"}) == DEFAULTS


def test_live_restore_is_refused_with_its_reason() -> None:
    with pytest.raises(plan.ConfigError, match="excludes swarm mode"):
        plan.refuse({"live-restore": True})
    plan.refuse({"live-restore": False})


def test_the_text_is_sorted_and_can_be_read_again() -> None:
    text = plan.render({"b": 1, "a": {"d": 1, "c": 2}})
    assert text.index('"a"') < text.index('"c"') < text.index('"d"') < text.index('"b"')
    assert text.endswith("}\n")
    assert plan.parse(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "found"), [("", {}), (" \n", {}), ("{", None), ("[1]", None), ('{"a": 1}', {"a": 1})]
)
def test_what_a_present_file_says(text: str, found: object) -> None:
    assert plan.parse(text) == found


def test_keys_about_data_are_not_dropped() -> None:
    present = {"data-root": "/data", "storage-driver": "overlay2", "debug": True}
    assert plan.dropped(present, {}) == ["data-root", "storage-driver"]
    assert plan.dropped(present, {"data-root": "/other", "storage-driver": None}) == []


@pytest.mark.parametrize(
    ("written", "started", "needed"),
    [
        (100, 200, False),
        (200, 100, True),
        # The same instant cannot tell which came first: a needless restart is the lesser evil.
        (100, 100, True),
        (100, None, False),
        (None, 100, False),
    ],
)
def test_a_daemon_older_than_its_file_needs_a_restart(
    written: int | None, started: int | None, needed: bool
) -> None:
    assert plan.restart_needed(written, started) is needed
