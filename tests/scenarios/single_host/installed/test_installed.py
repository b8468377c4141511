# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed collection on real hosts, with each ansible-core it claims to work with.

The tests run in the order of this file: the first one sets up the platform.
"""

from __future__ import annotations

from typing import Any

import pytest

import newer_core
from repo import ROOT


def assert_installed_ran(user: Any, done: Any, folder: Any) -> None:
    """Every task is from the installed collection, and the run left no file in its folder."""
    ours = folder / "ansible_collections/elk/swarm"
    foreign = [path for path in done.paths if not path.startswith(f"{ours}/")]
    assert foreign == []
    assert any(path.startswith(f"{ours}/roles/") for path in done.paths)
    assert str(ROOT / "roles") not in done.output
    assert list(user.work.iterdir()) == []


def test_the_installed_site_sets_everything_up(user: Any) -> None:
    done = user.play("site")
    assert done.code == 0, done.output
    assert done.changed
    assert_installed_ran(user, done, user.collections(None))
    assert done.warnings == []


def test_the_newest_core_finds_nothing_to_change(user: Any, cores: Any) -> None:
    core = cores[newer_core.NEWEST]
    done = user.play("site", core=core)
    assert done.code == 0, done.output
    assert done.changed == {}, done.output
    assert_installed_ran(user, done, user.collections(core))
    assert done.warnings == []


@pytest.mark.parametrize("version", [v for v in newer_core.CORES if v != newer_core.NEWEST])
def test_each_core_in_between_shows_the_platform(version: str, user: Any, cores: Any) -> None:
    page = user.home / f"status-{version}.html"
    words = ("-e", f"status_file={page}", "-e", "status_fail=true")
    done = user.play("status", *words, core=cores[version])
    assert done.code == 0, done.output
    assert done.changed == {}, done.output
    assert "green" in page.read_text()
    assert_installed_ran(user, done, user.collections(cores[version]))
    assert done.warnings == []


@pytest.mark.parametrize("version", newer_core.CORES)
def test_every_playbook_is_read(version: str, user: Any, cores: Any) -> None:
    core = cores[version]
    assert newer_core.syntax(core, newer_core.host_image(), user.collections(core)) == []


def test_unit_tests_pass_with_the_newest_core(unit: Any) -> None:
    assert unit.result() == []
