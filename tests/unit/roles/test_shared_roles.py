# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared roles and playbooks name no service: what they know of one is in its meta/service.yml.

They may name a section of the status, for which a service asks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from ansible_collections.elk.swarm.plugins.module_utils.platform.services import SECTIONS
from repo import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ROLES = ROOT / "roles"
SHARED = ("firewall", "membership", "pki", "preflight", "reset", "status", "storage")
HELPERS = ROOT / "plugins" / "module_utils" / "platform"
SHARED_HELPERS = (
    *sorted((HELPERS / "preflight").glob("*.py")),
    HELPERS / "controller_files.py",
    HELPERS / "controller_secrets.py",
    HELPERS / "restore_plan.py",
    HELPERS / "secrets_survey.py",
    HELPERS / "service_settings.py",
)
# They call files of the roles of services.
PLAYBOOKS = (
    "add_host",
    "remove_host",
    "replace_host",
    "rotate",
    "scale",
    "stack",
    "upgrade",
    "verify",
)
# A table of variables that people bring from other roles.
FOREIGN = "foreign_names.py"
# Elasticsearch is more than a service: hosts, data and votes are taken from its cluster.
NAMED = {"elasticsearch"}
# Documentation may give examples.
DOCS = {"README.md", "argument_specs.yml"}


def services() -> set[str]:
    return {
        name
        for file in ROLES.glob("*/meta/service.yml")
        for name in yaml.safe_load(file.read_text())
    } - NAMED


def named(paths: Iterable[Path]) -> list[str]:
    """The lines that name a service."""
    name = re.compile("|".join(services()), re.IGNORECASE)
    section = re.compile(rf"'({'|'.join(SECTIONS)})'")
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if name.search(section.sub("", line))
    ]


@pytest.mark.parametrize("role", SHARED)
def test_a_shared_role_names_no_service(role: str) -> None:
    files = [path for path in sorted((ROLES / role).rglob("*")) if path.is_file()]
    assert named(path for path in files if path.name not in DOCS) == []


def test_a_shared_helper_names_no_service() -> None:
    assert all(path.exists() for path in SHARED_HELPERS)
    assert named(path for path in SHARED_HELPERS if path.name != FOREIGN) == []


def test_a_playbook_that_loops_over_services_names_none() -> None:
    files = [ROOT / "playbooks" / f"{name}.yml" for name in PLAYBOOKS]
    assert named(files) == []


def test_there_are_services() -> None:
    assert {"kibana", "logstash"} <= services()
