# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where services of a kind may keep their data."""

from __future__ import annotations

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.examine import examine
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import Host, Site
from ansible_collections.elk.swarm.plugins.module_utils.platform.service_settings import (
    ServiceSettings,
    as_given,
)


@pytest.mark.parametrize(
    ("kind", "storage", "wrong"),
    [
        (
            "host",
            "volume",
            ["only a task of the swarm can mount it, and Ticker has the kind host."],
        ),
        ("host", "bind", []),
        ("per_host", "volume", []),
    ],
)
def test_a_service_without_tasks_has_its_data_in_a_directory(
    kind: str, storage: str, wrong: list[str]
) -> None:
    data = [{"name": "ticker", "storage": {}}]
    raw = {"ticker": {"title": "Ticker", "kind": kind, "hosts": ["m1"], "data": data}}
    [service] = as_given(raw, raw, "ticker", "service.yml")
    stored = {"storage": {"ticker": {"kind": storage}}}
    host = Host("m1", {"services": stored}, {"disks": {}})
    site = Site(
        groups={"swarm_managers": ["m1"]},
        hosts={"m1": host},
        settings={},
        services=[ServiceSettings.from_dict(service)],
    )
    found = examine(site, only=["storage"])
    assert [one.wrong for one in found] == wrong
    assert {one.where for one in found} <= {"ticker_storage"}
