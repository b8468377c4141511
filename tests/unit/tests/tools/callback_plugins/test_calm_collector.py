# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the tests have a garbage collector that leaves the controller's memory alone."""

from __future__ import annotations

import subprocess
import sys

import yaml

from tests.harness.playbook import ROOT, playbook_environment

# Prints what a run's collector is like after its start, as the callback leaves it.
LOOK = """
import gc
from calm_collector import OLD, MIDDLE, YOUNG, CallbackModule
CallbackModule().v2_playbook_on_start(None)
print(gc.get_freeze_count() > 10_000, gc.get_threshold() == (YOUNG, MIDDLE, OLD))
"""


def test_what_is_loaded_is_looked_at_no_more() -> None:
    folder = ROOT / "tests" / "tools" / "callback_plugins"
    done = subprocess.run(
        [sys.executable, "-c", LOOK], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True"]


def test_every_run_of_the_tests_has_it() -> None:
    environment = playbook_environment()
    assert "calm_collector" in environment["ANSIBLE_CALLBACKS_ENABLED"].split(",")
    molecule = yaml.safe_load((ROOT / "molecule" / "config.yml").read_text())["ansible"]["env"]
    for name in ("ANSIBLE_CALLBACKS_ENABLED", "ANSIBLE_CALLBACK_PLUGINS"):
        asked = molecule[name].replace("${MOLECULE_PROJECT_DIRECTORY}", str(ROOT))
        assert asked == environment[name]
