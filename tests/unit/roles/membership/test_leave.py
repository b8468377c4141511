# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that leaves loses the labels of every service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from repo import ROOT
from tests.unit.roles.evaluation import Case, evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def tasks(found: Any) -> Iterator[dict[str, Any]]:
    for task in found:
        yield task
        yield from tasks(task.get("block") or ())


def test_every_label_that_places_a_service_is_taken(tmp_path: Path) -> None:
    text = (ROOT / "roles" / "membership" / "tasks" / "leave.yml").read_text()
    [labels] = [
        task["elk.swarm.node_labels"]["labels"]
        for task in tasks(yaml.safe_load(text))
        if "elk.swarm.node_labels" in task
    ]
    found = evaluate(
        tmp_path,
        [Case("labels", labels.removeprefix("{{").removesuffix("}}"))],
        groups={"swarm_managers": {"hosts": {"m1": {}}}},
        local_dir=tmp_path,
        variables={"__membership_leaving_node": "w2"},
        vars_files=[ROOT / "roles" / "elk" / kind / "main.yml" for kind in ("defaults", "vars")],
    )
    names = (label_names.GENERATION, label_names.CONFIG, "elk.logstash", "elk.kibana")
    assert found["m1"]["labels"] == {name: {"w2": None} for name in names}
