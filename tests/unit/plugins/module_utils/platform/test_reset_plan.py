# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reset removes, and what it must never remove."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.filter.reset_plan import reset_plan
from ansible_collections.elk.swarm.plugins.module_utils.platform import reset_plan as reset
from ansible_collections.elk.swarm.plugins.module_utils.swarm.configs_and_secrets import Existing
from ansible_collections.elk.swarm.plugins.module_utils.swarm.membership_plan import Member

NODES = {"id-m1": "manager", "id-m2": "manager", "id-w1": "worker"}


def member(name: str, **changes: Any) -> Member:
    manager = name.startswith("m")
    values: dict[str, Any] = {
        "state": "active",
        "node_id": f"id-{name}",
        "manager": manager,
        "cluster_id": "ours" if manager else "",
        "nodes": NODES if manager else {},
    }
    return Member(**{**values, **changes})


def service(name: str, stack: str = "elk", **changes: Any) -> dict[str, Any]:
    labels = {"com.docker.stack.namespace": stack, **changes.pop("labels", {})}
    template = {"ContainerSpec": changes.pop("container", {}), **changes}
    return {"ID": name, "Spec": {"Name": name, "Labels": labels, "TaskTemplate": template}}


def stored(name: str, of: str = "kibana", kind: str = "configs") -> Existing:
    base = name.rsplit("-", 1)[0]
    return Existing(kind, name, name, {"elk.swarm.base": base, "elk.swarm.service": of})


class TestLeaving:
    def test_workers_leave_first_and_the_source_last(self) -> None:
        plan = reset.plan_leaving({name: member(name) for name in ("m1", "m2", "w1")})
        assert plan.source == "m1"
        assert plan.workers == {"w1": "id-w1"}
        assert plan.managers == {"m2": "id-m2"}
        assert plan.blockers == ()

    def test_without_a_swarm_there_is_nothing_to_do(self) -> None:
        assert reset.plan_leaving({"m1": Member(), "w1": Member("inactive")}) == reset.LeavePlan()

    def test_continues_where_a_killed_run_stopped(self) -> None:
        plan = reset.plan_leaving(
            {
                "m1": Member("inactive"),
                "m2": member("m2", nodes={"id-m2": "manager", "id-m3": "worker"}),
                # Demoted already, but still in the swarm.
                "m3": member("m3", manager=False, cluster_id="", nodes={}),
                "w1": Member("inactive"),
            }
        )
        assert plan.source == "m2"
        assert plan.workers == {"m3": "id-m3"}
        assert plan.managers == {}
        assert plan.blockers == ()

    def test_a_host_of_another_swarm_stays_where_it_is(self) -> None:
        plan = reset.plan_leaving({"m1": member("m1"), "w9": member("w9")})
        assert len(plan.blockers) == 1
        assert plan.blockers[0].startswith("w9: is in a swarm")
        assert plan.workers == {}

    def test_a_manager_of_another_swarm_stays_where_it_is(self) -> None:
        plan = reset.plan_leaving({"m1": member("m1"), "m2": member("m2", cluster_id="theirs")})
        assert len(plan.blockers) == 1

    def test_without_a_majority_nothing_is_forced(self) -> None:
        lost = member("m1", nodes={}, error="The swarm does not have a leader")
        plan = reset.plan_leaving({"m1": lost, "w1": member("w1")})
        assert plan.source == ""
        assert "m1 (The swarm does not have a leader), w1" in plan.blockers[0]
        assert "docker swarm leave --force" in plan.blockers[0]

    def test_filter_reads_what_the_module_returned(self) -> None:
        known = {
            name: {"__reset_found": {"member": member(name).as_dict()}} for name in ("m1", "w1")
        }
        assert reset_plan(["m1", "w1"], known) == {
            "source": "m1",
            "workers": {"w1": "id-w1"},
            "managers": {},
            "errors": [],
        }


class TestStack:
    def test_elasticsearch_ends_after_the_services_that_write_to_it(self) -> None:
        services = [
            service("elk_elasticsearch-1", labels={"elk.generation": "1"}),
            service("kibana"),
            service("other", "else"),
            service("logshipper"),
        ]
        names = [[one["ID"] for one in batch] for batch in reset.batches(services, "elk")]
        assert names == [["kibana", "logshipper"], ["elk_elasticsearch-1"]]

    def test_a_stack_without_services(self) -> None:
        assert reset.batches([service("other", "else")], "elk") == []

    def test_foreign_services_and_nodes(self) -> None:
        nodes = [
            {"ID": "a", "Status": {"State": "ready"}},
            {"ID": "b", "Status": {"State": "ready"}, "Description": {"Hostname": "stray"}},
            {"ID": "c", "Status": {"State": "down"}},
        ]
        services = [service("kibana"), service("other", "else")]
        assert reset.strangers(services, nodes, "elk", ["a"]) == ["node stray", "service other"]
        assert reset.strangers(services[:1], nodes[:1], "elk", ["a"]) == []

    def test_a_host_that_has_left_is_known_by_name_or_address(self) -> None:
        named = {"ID": "a", "Status": {"State": "ready"}, "Description": {"Hostname": "w1"}}
        addressed = {"ID": "b", "Status": {"State": "ready", "Addr": "10.0.0.2"}}
        assert reset.strangers([], [named, addressed], "elk", [], ["w1", "10.0.0.2"]) == []
        assert len(reset.strangers([], [named, addressed], "elk", [], ["w2", "10.0.0.3"])) == 2

    def test_only_objects_of_the_collection_are_removed(self) -> None:
        made = stored("kibana-ca-0123456789ab")
        foreign = Existing("configs", "x", "x", {})
        renamed = Existing("configs", "y", "y", {"elk.swarm.base": "kibana-ca"})
        assert reset.leftovers([made, foreign, renamed], [service("kibana")], "elk") == [made]

    def test_objects_of_another_service_stay(self) -> None:
        made = stored("web-ca-0123456789ab", of="web")
        shared = stored("kibana-ca-0123456789ab")
        others = [
            service("web", "else"),
            service("app", "else", container={"Configs": [{"ConfigID": shared.id}]}),
        ]
        assert reset.leftovers([made, shared], others, "elk") == []
        assert reset.leftovers([made, shared], [], "elk") == [shared, made]

    def test_the_lock_of_a_killed_run_is_removed_with_the_stack(self) -> None:
        label = {"com.docker.stack.namespace": "elk"}
        lock = Existing("configs", "1", "elk_elasticsearch-roll", label)
        assert reset.leftovers([lock], [], "elk") == [lock]
        assert reset.leftovers([lock], [], "other") == []

    def test_network_in_use(self) -> None:
        network = {"Id": "n1", "Name": "elknet"}
        services = [
            service("kibana", Networks=[{"Target": "n1"}]),
            service("web", "else", Networks=[{"Target": "n1"}]),
            service("app", "else", Networks=[{"Target": "n2"}]),
        ]
        assert reset.users_of(network, services, "elk") == ["web"]

    def test_labels(self) -> None:
        labels = {"elk.es": "1", "elk.inventory-labels": "zone", "zone": "a", "hand": "made"}
        assert reset.remaining_labels(labels) == {"hand": "made"}
        assert reset.remaining_labels({"hand": "made"}) == {"hand": "made"}


CONFIG = [
    "/etc/elk",
    "/etc/elk/pki",
    "/etc/elk/pki/ca.crt",
    "/etc/elk/elasticsearch",
    "/etc/elk/elasticsearch/cluster_uuid",
    "/etc/elk/elasticsearch/elasticsearch.yml",
    "/etc/elk/elasticsearch/secrets",
]
DATA = ["/srv/elk", "/srv/elk/elasticsearch", "/srv/elk/logstash", "/srv/elk/mine"]


def files(present: list[str], remove_data: bool = False, data_found: bool = True) -> reset.Files:
    names = ["elasticsearch", "logstash"]
    return reset.plan_files("/etc/elk", "/srv/elk", present, names, remove_data, data_found)


class TestFiles:
    def test_the_note_of_the_cluster_stays_with_the_data(self) -> None:
        plan = files(CONFIG + DATA)
        assert plan.kept == "/etc/elk/elasticsearch/cluster_uuid"
        assert plan.remove == [
            "/etc/elk/elasticsearch/elasticsearch.yml",
            "/etc/elk/elasticsearch/secrets",
            "/etc/elk/pki",
        ]

    def test_a_second_time_there_is_nothing_to_do(self) -> None:
        plan = files(["/etc/elk", "/etc/elk/elasticsearch", CONFIG[4], *DATA])
        assert plan.remove == []
        assert files(DATA).remove == []

    def test_without_data_the_note_of_the_cluster_is_removed(self) -> None:
        assert files(CONFIG, data_found=False) == reset.Files(["/etc/elk"])

    def test_the_note_of_volumes_stays_with_them(self) -> None:
        note = "/etc/elk/storage.json"
        # Nothing is in the directories: the data is on volumes.
        plan = files([*CONFIG, note], data_found=False)
        assert plan == files(CONFIG + DATA)
        without = files(["/etc/elk", "/etc/elk/pki", note], data_found=False)
        assert without == reset.Files(["/etc/elk/pki"])
        assert files([*CONFIG, note], remove_data=True).remove == ["/etc/elk"]

    def test_data_is_removed_only_on_request(self) -> None:
        plan = files(CONFIG + DATA, remove_data=True)
        assert plan.kept == ""
        # The note first: a killed run must not leave the note without the data.
        assert plan.remove == ["/etc/elk", "/srv/elk/elasticsearch", "/srv/elk/logstash"]

    @pytest.mark.parametrize("path", ["/", "/etc", "/srv/", "//", "etc/elk", "/srv/elk/../..", ""])
    def test_directories_that_are_never_emptied(self, path: str) -> None:
        assert reset.unsafe(path)

    @pytest.mark.parametrize("path", ["/etc/elk", "/srv/elk", "/data/disk1/elk/"])
    def test_directories_that_may_be(self, path: str) -> None:
        assert reset.unsafe(path) == ""
