# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels, availability and health of Swarm's nodes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import OutOfSequenceError
from ansible_collections.elk.swarm.plugins.module_utils.swarm.nodes import (
    Actual,
    Change,
    Desired,
    cluster_warnings,
    label_errors,
    merged_labels,
    name_errors,
    named_errors,
    node_warnings,
    plan_labels,
    plan_nodes,
    waiting_for,
    write_node,
)


def actual(name: str, **other: Any) -> Actual:
    values: dict[str, Any] = {
        "id": f"id-{name}",
        "hostname": name,
        "role": "worker",
        "availability": "active",
        "labels": {},
        "version": 7,
        "state": "ready",
    }
    return Actual(**{**values, **other})


def desired(name: str, **other: Any) -> Desired:
    values: dict[str, Any] = {"name": name, "role": "worker", "id": f"id-{name}"}
    return Desired(**{**values, **other})


def by_id(*nodes: Actual) -> dict[str, Actual]:
    return {node.id: node for node in nodes}


class TestLabels:
    def test_set_and_remembered(self) -> None:
        assert merged_labels({"zone": "a", "disk": "b"}, {"hand": "1"}) == {
            "hand": "1",
            "zone": "a",
            "disk": "b",
            label_names.FROM_INVENTORY: "disk,zone",
        }

    def test_former_labels_are_removed_and_others_stay(self) -> None:
        before = {
            "hand": "1",
            "elk.es": "3",
            "zone": "a",
            "disk": "b",
            label_names.FROM_INVENTORY: "disk,zone",
        }
        assert merged_labels({"zone": "c"}, before) == {
            "hand": "1",
            "elk.es": "3",
            "zone": "c",
            label_names.FROM_INVENTORY: "zone",
        }

    def test_the_list_of_labels_is_removed_with_the_last_one(self) -> None:
        assert merged_labels(
            {}, {"zone": "a", label_names.FROM_INVENTORY: "zone", "elk.es": "1"}
        ) == {"elk.es": "1"}

    def test_reserved_ones_are_refused(self) -> None:
        errors = label_errors([desired("w1", labels={"elk.es": "1", "zone": "a"})])
        assert len(errors) == 1
        assert errors[0].startswith("w1: swarm_labels has 'elk.es'")

    @pytest.mark.parametrize("key", ["", " ", "a,b", "a "])
    def test_unusable_ones_are_refused(self, key: str) -> None:
        assert "no space at its start" in label_errors([desired("w1", labels={key: "1"})])[0]


class TestChanges:
    def test_none(self) -> None:
        labels = {"zone": "a", label_names.FROM_INVENTORY: "zone", "elk.es": "1"}
        found = by_id(actual("w1", labels=labels))
        assert plan_nodes([desired("w1", labels={"zone": "a"})], found) == []

    def test_availability_keeps_labels_and_role(self) -> None:
        found = by_id(actual("m1", role="manager", labels={"elk.es": "1"}))
        (change,) = plan_nodes([desired("m1", availability="drain", role="manager")], found)
        assert change.spec == {
            "Role": "manager",
            "Availability": "drain",
            "Labels": {"elk.es": "1"},
        }
        assert (change.node_id, change.version) == ("id-m1", 7)
        assert change.before["availability"] == "active"
        assert change.after["availability"] == "drain"

    def test_planned_twice_changes_once(self) -> None:
        node = desired("w1", labels={"zone": "a"}, availability="pause")
        (change,) = plan_nodes([node], by_id(actual("w1", labels={"x": "y"})))
        after = actual("w1", labels=change.spec["Labels"], availability="pause")
        assert plan_nodes([node], by_id(after)) == []


class TestHealth:
    def test_all_healthy(self) -> None:
        found = by_id(actual("w1"), actual("m1", role="manager", reachability="reachable"))
        assert waiting_for([desired("w1"), desired("m1", role="manager")], found) == []

    @pytest.mark.parametrize(
        ("node", "found", "words"),
        [
            (desired("w1"), actual("other"), "w1: node id-w1 is not in the swarm's list"),
            (desired("w1", id=""), actual("other"), "w1: node without id is not"),
            (
                desired("w1", role="manager"),
                actual("w1"),
                "w1: is a worker in the swarm and a manager in the inventory",
            ),
            (
                desired("w1"),
                actual("w1", state="down", message="heartbeat failure"),
                "w1: the managers see it as down (heartbeat failure)",
            ),
            (
                desired("m1", role="manager"),
                actual("m1", role="manager", reachability="unreachable"),
                "m1: the other managers do not reach it (unreachable)",
            ),
        ],
    )
    def test_what_is_missing(self, node: Desired, found: Actual, words: str) -> None:
        (text,) = waiting_for([node], by_id(found))
        assert text.startswith(words)


class TestNames:
    def test_an_old_entry_of_a_host(self) -> None:
        found = by_id(actual("w1"), actual("w1", id="old", state="down"))
        (text,) = name_errors([desired("w1")], found)
        assert "second node named w1 (old, down)" in text
        assert "'docker node rm old'" in text

    def test_an_old_entry_of_a_manager(self) -> None:
        found = by_id(
            actual("m1", role="manager"), actual("m1", id="old", state="down", role="manager")
        )
        (text,) = name_errors([desired("m1", role="manager")], found)
        assert "'docker node demote old; docker node rm old'" in text

    def test_two_hosts_of_one_name(self) -> None:
        found = by_id(actual("w1", hostname="same"), actual("w2", hostname="same"))
        (text,) = name_errors([desired("w1"), desired("w2")], found)
        assert text.startswith("w2: has the same name in the swarm (same) as w1")

    def test_another_running_node_of_the_same_name(self) -> None:
        found = by_id(actual("w1"), actual("w1", id="x"))
        (text,) = name_errors([desired("w1")], found)
        assert "another name" in text
        assert "docker node rm" not in text


class TestWarnings:
    def test_nodes_outside_the_inventory(self) -> None:
        found = by_id(actual("w1"), actual("w9", state="down"))
        (text,) = node_warnings([desired("w1")], found, complete=True)
        assert (
            text == "The swarm has the worker w9 (node id-w9, down), which is not in the inventory."
        )
        assert node_warnings([desired("w1")], found, complete=False) == []

    def test_other_address(self) -> None:
        found = by_id(actual("w1", address="10.0.0.1"))
        (text,) = node_warnings([desired("w1", address="10.0.0.2")], found, complete=True)
        assert "reaches it at 10.0.0.1, the inventory says 10.0.0.2" in text

    @pytest.mark.parametrize(
        ("inventory", "swarm"),
        [("eth0", "10.0.0.1"), ("10.0.0.1", "0.0.0.0"), ("10.0.0.1", "10.0.0.1")],
    )
    def test_addresses_without_a_difference(self, inventory: str, swarm: str) -> None:
        found = by_id(actual("w1", address=swarm))
        assert node_warnings([desired("w1", address=inventory)], found, complete=True) == []

    def test_settings_of_the_swarm(self) -> None:
        cluster = {"DataPathPort": 4789, "DefaultAddrPool": ["10.0.0.0/8"]}
        assert cluster_warnings(cluster, 4789, []) == []
        assert cluster_warnings(cluster, 4789, ["10.1.2.3/8"]) == []
        texts = cluster_warnings(cluster, 4790, ["10.99.0.0/16"])
        assert [text.split()[0] for text in texts] == [
            "swarm_data_path_port",
            "swarm_default_address_pools",
        ]


def test_reading_a_node() -> None:
    node = Actual.from_api(
        {
            "ID": "abc",
            "Version": {"Index": 12},
            "Spec": {"Role": "manager", "Availability": "drain", "Labels": None},
            "Description": {"Hostname": "m1"},
            "Status": {"State": "ready", "Addr": "0.0.0.0"},
            "ManagerStatus": {"Leader": True, "Reachability": "reachable", "Addr": "10.0.0.1:2377"},
        }
    )
    assert node == Actual(
        id="abc",
        hostname="m1",
        role="manager",
        availability="drain",
        labels={},
        version=12,
        state="ready",
        address="10.0.0.1",
        reachability="reachable",
        leader=True,
    )


class TestLabelsOfManyNodes:
    DESIRED = {"elk.logstash": {"m1": "true", "w1": None}, "elk.es": {"w1": "abc"}}

    def test_set_removed_and_kept(self) -> None:
        nodes = by_id(
            actual("w1", labels={"elk.logstash": "true", "hand": "1"}, availability="drain"),
            actual("m1", role="manager"),
            actual("w2", labels={"elk.logstash": "true"}),
        )
        changes = plan_labels(self.DESIRED, nodes)
        assert [change.name for change in changes] == ["m1", "w1"]
        assert changes[0].spec == {
            "Role": "manager",
            "Availability": "active",
            "Labels": {"elk.logstash": "true"},
        }
        assert changes[1].spec == {
            "Role": "worker",
            "Availability": "drain",
            "Labels": {"hand": "1", "elk.es": "abc"},
        }
        assert changes[1].before == {"labels": {"elk.logstash": "true", "hand": "1"}}

    def test_nothing_to_do(self) -> None:
        nodes = by_id(
            actual("m1", labels={"elk.logstash": "true"}), actual("w1", labels={"elk.es": "abc"})
        )
        assert plan_labels(self.DESIRED, nodes) == []
        assert plan_labels({}, nodes) == []

    def test_a_name_must_belong_to_one_node(self) -> None:
        nodes = by_id(actual("m1"), actual("w1"), actual("w1", id="old", state="down"))
        assert named_errors(["m1"], nodes) == []
        unknown, twice = named_errors(["w9", "w1"], nodes)[::-1]
        assert unknown.startswith("w9: the swarm has no node of this name; it has m1, w1, w1.")
        assert "id-w1 (ready) and old (down)" in twice


class FakeEngine:
    """A node that another client also writes to."""

    def __init__(self, disturbances: int) -> None:
        self.labels: dict[str, str] = {}
        self.version = 1
        self.disturbances = disturbances

    def request(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        assert path.startswith("/nodes/id-m1")
        if method == "GET":
            seen = self.version
            if self.disturbances:
                self.disturbances -= 1
                self.version += 1
                self.labels = {**self.labels, f"other{self.version}": "1"}
            return {
                "ID": "id-m1",
                "Description": {"Hostname": "m1"},
                "Version": {"Index": seen},
                "Spec": {"Role": "manager", "Availability": "active", "Labels": self.labels},
            }
        if options["query"]["version"] != self.version:
            raise OutOfSequenceError("update out of sequence")
        self.labels = options["body"]["Labels"]
        return {}


class TestWriting:
    def test_another_writer_loses_nothing(self) -> None:
        engine, naps = FakeEngine(2), []
        write_node(engine, "id-m1", self.plan, naps.append)  # type: ignore[arg-type]
        assert engine.labels == {"elk.es": "abc", "other2": "1", "other3": "1"}
        assert len(naps) == 2

    def test_fails_after_the_last_attempt(self) -> None:
        with pytest.raises(OutOfSequenceError):
            write_node(FakeEngine(99), "id-m1", self.plan, lambda _: None)  # type: ignore[arg-type]

    def test_writes_nothing_when_nothing_differs(self) -> None:
        engine = FakeEngine(0)
        engine.labels = {"elk.es": "abc"}
        write_node(engine, "id-m1", self.plan)  # type: ignore[arg-type]
        assert engine.labels == {"elk.es": "abc"}

    @staticmethod
    def plan(found: Actual) -> list[Change]:
        return plan_labels({"elk.es": {"m1": "abc"}}, {found.id: found})
