# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs of the tests share of their modules, and that it is never that of other sources."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from playbook_run import ROOT, run_in_folder

sys.path.append(str(ROOT / "tests" / "tools" / "callback_plugins"))

from kept_modules import CACHE, keep, name


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for path in ("plugins/modules/volume.py", "tests/requirements.txt"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("a")
    return tmp_path


@pytest.mark.parametrize("path", ["plugins/modules/volume.py", "tests/requirements.txt"])
def test_other_sources_have_another_place(sources: Path, path: str) -> None:
    before = name(sources)
    assert name(sources) == before
    (sources / path).write_text("b")
    assert name(sources) != before


def test_a_module_of_another_name_has_another_place(sources: Path) -> None:
    before = name(sources)
    path = sources / "plugins" / "modules" / "volume.py"
    path.rename(path.with_name("plugin.py"))
    assert name(sources) != before


def test_what_a_run_has_packed_already_is_left_alone(sources: Path) -> None:
    (sources / CACHE).mkdir()
    keep(sources, sources)
    assert not (sources / CACHE).is_symlink()


def test_the_next_run_finds_what_a_run_has_packed(tmp_path: Path) -> None:
    place = keep(ROOT, tmp_path)
    for path in place.glob("ansible.modules.ping-*"):
        path.unlink()
    play = {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": [{"ansible.builtin.ping": {}}],
    }
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    packed = []
    for _run in range(2):
        run_in_folder(tmp_path, "m1,")
        (path,) = (one for one in place.glob("ansible.modules.ping-*") if one.suffix != ".lock")
        packed.append(path.stat().st_ino)
    assert packed[0] == packed[1]
