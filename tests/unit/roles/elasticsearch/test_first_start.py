# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services are removed when a first start that failed is repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from repo import ROOT
from tests.unit.roles.evaluation import Case, evaluate

if TYPE_CHECKING:
    from pathlib import Path

TASKS = ROOT / "roles" / "elasticsearch" / "tasks" / "remove_first_start.yml"


def service(name: str, **labels: str) -> dict[str, Any]:
    return {"name": name, "service": {"Spec": {"Name": name, "Labels": labels}}}


def test_services_of_another_stack_name_go_as_well(tmp_path: Path) -> None:
    """They would be placed by the same labels, on the same port and the same data."""
    tasks = yaml.safe_load(TASKS.read_text())
    (task,) = [one for one in tasks[1]["block"] if "ansible.builtin.set_fact" in one]
    chosen = task["ansible.builtin.set_fact"]["__elasticsearch_first_services"]
    ours = {"elk.generation": "0a1b2c3d"}
    services = [
        service("prod_elasticsearch-0a1b2c3d", **ours),
        service("elk_elasticsearch-0a1b2c3d", **ours),
        # Of somebody else.
        service("shop_elasticsearch-0a1b2c3d"),
        {"name": "web", "service": {"Spec": {"Name": "web", "Labels": None}}},
        {"name": "api", "service": {"Spec": {"Name": "api"}}},
        service("logshipper", **{"com.docker.stack.namespace": "elk"}),
    ]
    found = evaluate(
        tmp_path,
        [Case("names", chosen.strip().removeprefix("{{").removesuffix("}}"))],
        groups={"swarm_managers": {"hosts": {"m1": {}}}},
        local_dir=tmp_path,
        variables={
            **task["vars"],
            "__elasticsearch_services": {"services": services},
            "elk_stack_name": "elk",
        },
    )
    assert found["m1"]["names"] == ["elk_elasticsearch-0a1b2c3d", "prod_elasticsearch-0a1b2c3d"]
