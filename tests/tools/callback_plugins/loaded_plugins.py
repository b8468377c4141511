# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loads plugins once in the controller, instead of in each of its processes.

Ansible starts a process for every task on every host, which loads the filters, lookups and
connections that it needs. All processes inherit what the controller has already loaded.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from pathlib import Path
from typing import Any

from ansible.plugins import loader
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: loaded_plugins
type: aggregate
short_description: Loads plugins before the first task
description: For the tests of this collection only.
requirements: [enabled in the configuration]
"""

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
OURS = {"filter": loader.filter_loader, "lookup": loader.lookup_loader}
HELPER = re.compile(
    r"from (ansible_collections\.elk\.swarm\.plugins\.module_utils[\w.]+) import \(?\s*(\w+)"
)
# The plugins that site.yml uses most. The first filter and the first test load all of Ansible's.
BUILTIN = {
    loader.action_loader: (
        "assert",
        "debug",
        "fail",
        "normal",
        "set_fact",
        "validate_argument_spec",
    ),
    loader.become_loader: ("sudo",),
    loader.connection_loader: ("local", "ssh"),
    loader.filter_loader: ("bool",),
    loader.lookup_loader: ("file",),
    loader.shell_loader: ("sh",),
    loader.test_loader: ("defined",),
}


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "loaded_plugins"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, _playbook: Any) -> None:
        for where, names in BUILTIN.items():
            for name in names:
                where.get(f"ansible.builtin.{name}", class_only=True)
        for folder, where in OURS.items():
            for path in (PLUGINS / folder).glob("*.py"):
                where.get(f"elk.swarm.{path.stem}", class_only=True)
                # Our filters import their helpers at the first call, so import these here.
                for module, name in HELPER.findall(path.read_text()):
                    for one in (module, f"{module}.{name}"):
                        with contextlib.suppress(ModuleNotFoundError):
                            importlib.import_module(one)
        # One filter loads all filters of its collection.
        loader.filter_loader.get("community.crypto.x509_certificate_info")
