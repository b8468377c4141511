# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs of the tests share of their work, and that it is never that of other sources."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from tests.harness.playbook import ROOT, run_in_folder

sys.path.append(str(ROOT / "tests" / "tools" / "callback_plugins"))

from kept_work import CACHE, folder, keep_modules, name


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
    keep_modules(sources, sources)
    assert not (sources / CACHE).is_symlink()


@pytest.fixture
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that runs beside a test writes where its own runs look."""
    monkeypatch.setenv("ELK_KEPT_WORK", str(tmp_path / "kept"))


@pytest.mark.usefixtures("own_place")
def test_the_next_run_finds_what_a_run_has_packed(tmp_path: Path) -> None:
    place = keep_modules(ROOT, tmp_path)
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


@pytest.mark.usefixtures("own_place")
def test_the_next_run_finds_what_a_run_has_compiled(tmp_path: Path) -> None:
    # A number that no other run has, so that the first one begins without it.
    number = str(time.time_ns())
    texts = {
        # The same text is a template, whose backslash stands for itself, and an expression.
        "template": rf"{{{{ 'a\t' ~ {number} }}}}",
        "called": rf"{{{{ '{number}' | regex_replace('(9)', '\1\1') }}}}",
        # In a file, a backslash is an escape.
        "file": "{{ lookup('ansible.builtin.template', 'text.j2') }}",
        # Refused each time anew.
        "refused": f"{{{{ {number} | nothing_of_that_name }}}}",
    }
    # What is refused does not end the play: how it is refused is compared, too.
    show = [
        {"name": name, "ansible.builtin.debug": {"msg": text}, "ignore_errors": True}
        for name, text in texts.items()
    ]
    expression = {"ansible.builtin.debug": {"var": rf"'a\t' ~ {number}"}}
    skipped = {"ansible.builtin.debug": {"msg": "no"}, "when": f"{number} == 1"}
    play = {"hosts": "all", "gather_facts": False, "tasks": [*show, expression, skipped]}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    (tmp_path / "text.j2").write_text(texts["template"])

    place = folder(ROOT, "templates")
    said, new = [], []
    for _run in range(2):
        before = {path.name for path in place.iterdir()}
        said.append(run_in_folder(tmp_path, "m1,"))
        new.append({path.name for path in place.iterdir()} - before)
    plain = run_in_folder(tmp_path, "m1,", ANSIBLE_CALLBACKS_ENABLED="calm_collector")
    assert said[0] == said[1] == plain
    assert new[0]
    assert not new[1]
