# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service of kind per_host asks of Swarm: the role broker on two of three hosts."""

from __future__ import annotations

from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest

from repo import ROOT
from tests.unit.roles.recording import Run, run

if TYPE_CHECKING:
    from pathlib import Path

MODULES = ["node_labels", "service", "service_info"]
GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "swarm_managers": {"m1": {}},
    "swarm_workers": {"w1": {}, "w2": {}},
    "broker": {"w1": {}, "m1": {}},
}
LABELS = {"com.docker.stack.namespace": "elk", "elk.per_host": "broker"}
NODENAME = {"nodename": "{{ inventory_hostname }}.example", "cacheable": True}


def played(folder: Path, answers: dict[str, Any] | None = None, calls: str = "") -> Run:
    """Run the role, or let it call another file of replicated_service."""
    copytree(ROOT / "tests" / "fixtures" / "roles" / "broker", folder / "roles" / "broker")
    if calls:
        main = folder / "roles" / "broker" / "tasks" / "main.yml"
        main.write_text(main.read_text().replace("place_on_each_host.yml", calls))
        variables = folder / "roles" / "broker" / "vars" / "main.yml"
        one = "replicated_service_one.host"
        variables.write_text(variables.read_text().replace(one, "inventory_hostname"))
    local_dir = folder / "local"
    local_dir.mkdir()
    (local_dir / "secret_hash_key").write_text("a" * 48)
    (local_dir / "secret_hash_key").chmod(0o600)
    return run(
        folder,
        [
            {"name": "Know the nodes", "ansible.builtin.set_fact": NODENAME},
            {"name": "Call broker", "ansible.builtin.include_role": {"name": "broker"}},
        ],
        groups=GROUPS,
        modules=MODULES,
        answers={
            "service_info": [({"labels": LABELS}, {"names": ["broker-w2"]})],
            **(answers or {}),
        },
        variables={"elk_local_dir": str(local_dir), "broker_image": "python:3"},
    )


def test_each_host_gets_a_service_and_a_former_host_loses_its_own(tmp_path: Path) -> None:
    found = played(tmp_path)
    assert found.code == 0, found.output
    assert found.of("node_labels") == []
    *deployed, removed = [one.arguments for one in found.of("service")]
    assert [one["name"] for one in deployed] == ["broker-w1", "broker-m1"]
    assert removed == {"name": "broker-w2", "state": "absent", "wait": True}
    for one, host in zip(deployed, ("w1", "m1"), strict=True):
        assert one["replicas"] == 1
        assert one["placement"]["constraints"] == [f"node.hostname == {host}.example"]
        assert one["labels"] == LABELS
        assert one["command"][2] == f"broker {host}"
        assert one["wait"]


def test_a_service_of_a_former_name_ends_first(tmp_path: Path) -> None:
    names = {"names": ["kafka-m1", "kafka-w1"]}
    found = played(tmp_path, {"service_info": [({"labels": LABELS}, names)]})
    assert found.code == 0, found.output
    assert [(one.arguments["name"], one.arguments.get("state")) for one in found.of("service")] == [
        ("kafka-w1", "absent"),
        ("broker-w1", None),
        ("kafka-m1", "absent"),
        ("broker-m1", None),
    ]


def test_a_host_that_fails_stops_the_others(tmp_path: Path) -> None:
    refusal = {"failed": True, "msg": "It does not start."}
    found = played(tmp_path, {"service": [({"name": "broker-w1"}, refusal)]})
    assert found.code != 0
    assert [one.arguments["name"] for one in found.of("service")] == ["broker-w1"]
    assert "It does not start." in found.output


@pytest.mark.parametrize("calls", ["deploy.yml", "place.yml", "scale_begin.yml"])
def test_it_is_not_deployed_as_a_single_service(tmp_path: Path, calls: str) -> None:
    found = played(tmp_path, calls=calls)
    assert found.code != 0
    assert "is deployed with tasks_from place_on_each_host only" in " ".join(found.output.split())
    assert found.calls == []
