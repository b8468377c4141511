# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared roles name no service: what they know of one is in its meta/service.yml.

They may name a section of the status, for which a service asks.
"""

from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.elk.swarm.plugins.module_utils.platform.services import SECTIONS
from repo import ROOT

ROLES = ROOT / "roles"
SHARED = ("firewall", "membership", "pki", "reset", "status", "storage")
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


@pytest.mark.parametrize("role", SHARED)
def test_a_shared_role_names_no_service(role: str) -> None:
    name = re.compile("|".join(services()), re.IGNORECASE)
    section = re.compile(rf"'({'|'.join(SECTIONS)})'")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted((ROLES / role).rglob("*"))
        if path.is_file() and path.name not in DOCS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if name.search(section.sub("", line))
    ]
    assert found == []


def test_there_are_services() -> None:
    assert {"kibana", "logstash"} <= services()
