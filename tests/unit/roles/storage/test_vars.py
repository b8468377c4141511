# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a cluster has ever formed, as the role storage sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repo import ROOT
from tests.unit.roles.evaluation import Case, evaluate

if TYPE_CHECKING:
    from pathlib import Path

FILE = "/etc/elk.d/elasticsearch/cluster_uuid"


def survey(uuid: str) -> dict[str, Any]:
    return {"preflight_survey": {"survey": {"files": {FILE: uuid, "/etc/other": "x"}}}}


def test_one_host_with_a_note_is_enough(tmp_path: Path) -> None:
    hosts = {"m1": survey(""), "m2": survey(""), "m3": survey("abc"), "m4": {}}
    groups = {"swarm_managers": {"hosts": hosts}}
    found = evaluate(
        tmp_path,
        [
            Case("none", "storage__never_formed | bool", {"elk_elasticsearch_hosts": ["m1", "m2"]}),
            Case("one", "storage__never_formed | bool", {"elk_elasticsearch_hosts": ["m1", "m3"]}),
            Case(
                "unseen", "storage__never_formed | bool", {"elk_elasticsearch_hosts": ["m1", "m4"]}
            ),
            Case("limit", "storage__never_formed | bool", {"elk_elasticsearch_hosts": ["m1", "x"]}),
        ],
        groups=groups,
        local_dir=tmp_path,
        hosts="swarm_managers",
        variables={"elk_config_dir": "/etc/elk.d"},
        vars_files=[ROOT / "roles" / "storage" / "vars" / "main.yml"],
    )
    assert found["m1"] == {"none": True, "one": False, "unseen": False, "limit": False}
