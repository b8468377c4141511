# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a rolling restart depends on names of tasks, so these tasks must exist."""

from __future__ import annotations

import doctest
import importlib
from xml.etree import ElementTree

import pytest
import yaml

from repo import ROOT

TASKS = ROOT / "roles" / "elasticsearch" / "tasks"


@pytest.fixture
def timeline(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "bench" / "roll"))
    return importlib.import_module("timeline")


def names(tree: object) -> list[str]:
    if isinstance(tree, dict):
        own = [tree["name"]] if "name" in tree else []
        return own + [name for part in tree.values() for name in names(part)]
    return [name for part in tree for name in names(part)] if isinstance(tree, list) else []


def test_examples_are_true(timeline: object) -> None:
    done = doctest.testmod(timeline)
    assert (done.attempted > 0, done.failed) == (True, 0)


def test_each_phase_starts_with_a_task_of_a_node_restart(timeline: object) -> None:
    turn = names(yaml.safe_load((TASKS / "turn.yml").read_text()))
    order = [turn.index(name) for name in timeline.TURN]
    assert order == sorted(order)
    assert set(timeline.TURN.values()) == set(timeline.COLOURS) > set(timeline.OWN)
    lock, unlock = (
        names(yaml.safe_load((TASKS / name).read_text()))[0] for name in ("lock.yml", "unlock.yml")
    )
    assert (lock, unlock) == (timeline.FIRST, timeline.LAST)


def test_the_picture_has_a_bar_for_each_phase(timeline: object) -> None:
    found = [
        timeline.Phase("", "plan", 0, 3),
        timeline.Phase("m1 <x>", "stop", 3, 4),
        timeline.Phase("m1 <x>", "start", 7, 30),
    ]
    picture = ElementTree.fromstring(timeline.draw(found, "A roll"))
    titles = [title.text for title in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == ["all: plan, 3.0 s", "m1 <x>: stop, 4.0 s", "m1 <x>: start, 30.0 s"]
    shown = timeline.page(timeline.draw(found, "A roll"), "A roll", [("node",), ("m1 <x>",)])
    assert "m1 &lt;x&gt;</td>" in shown
    assert "http" not in shown.replace("http://www.w3.org/2000/svg", "")
