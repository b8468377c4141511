# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host that starts the swarm, the hosts that join, and the blockers that forbid a plan."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.filter.swarm_plan import swarm_plan
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    EngineAwayError,
    EngineError,
    NoQuorumError,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.membership_plan import (
    Host,
    Member,
    Plan,
    confirmed,
    init_body,
    join_blocker,
    join_body,
    look,
    plan_swarm,
    read_member,
    resolve_address,
    same_swarm,
    with_port,
)

NODES = {"id-m1": "manager", "id-m2": "manager", "id-m3": "manager", "id-w1": "worker"}
BARE = Member(state="inactive")
NO_LEADER = "The swarm does not have a leader."


def manager(name: str, **other: Any) -> Member:
    values: dict[str, Any] = {
        "state": "active",
        "node_id": f"id-{name}",
        "node_address": f"10.0.0.{name[1:]}",
        "manager": True,
        "cluster_id": "ours",
        "remote_managers": ("10.0.0.1:2377", "10.0.0.2:2377"),
        "nodes": dict(NODES),
    }
    return Member(**{**values, **other})


def leaderless(name: str, **other: Any) -> Member:
    return manager(name, **{"cluster_id": "", "nodes": {}, "error": NO_LEADER, **other})


def worker(name: str, **other: Any) -> Member:
    values: dict[str, Any] = {
        "state": "active",
        "node_id": f"id-{name}",
        "remote_managers": ("10.0.0.1:2377",),
    }
    return Member(**{**values, **other})


def plan(even: bool = False, **found: Member | None) -> Plan:
    """Plan for hosts whose first letter says their role in the inventory."""
    hosts = [
        Host(name, "manager" if name.startswith("m") else "worker", member)
        for name, member in found.items()
    ]
    return plan_swarm(hosts, accept_even_managers=even)


def only_blocker(result: Plan) -> str:
    assert len(result.blockers) == 1, result.blockers
    return result.blockers[0]


class TestSteps:
    def test_hosts_without_a_swarm_start_at_the_first_manager(self) -> None:
        result = plan(w1=BARE, m1=BARE, m2=BARE, m3=BARE)
        assert result.blockers == ()
        assert result.steps == {"m1": "init", "m2": "join", "m3": "join", "w1": "join"}
        assert (result.source, result.cluster_id) == ("m1", "")

    def test_a_host_without_docker_counts_as_one_without_a_swarm(self) -> None:
        assert plan(m1=Member()).steps == {"m1": "init"}

    def test_nothing_to_do(self) -> None:
        result = plan(m1=manager("m1"), m2=manager("m2"), m3=manager("m3"), w1=worker("w1"))
        assert result.blockers == ()
        assert result.pending == []
        assert (result.source, result.cluster_id) == ("m1", "ours")

    def test_a_first_manager_without_a_swarm_joins_through_another(self) -> None:
        result = plan(m1=BARE, m2=manager("m2"), m3=manager("m3"), w1=BARE)
        assert result.steps == {"m1": "join", "m2": "nothing", "m3": "nothing", "w1": "join"}
        assert result.source == "m2"
        assert result.pending == ["m1", "w1"]

    def test_hosts_outside_the_run_are_left_out(self) -> None:
        result = plan(m1=manager("m1"), m2=None, m3=None, w1=BARE)
        assert result.blockers == ()
        assert result.steps == {"m1": "nothing", "w1": "join"}

    def test_the_plan_as_plain_data(self) -> None:
        assert plan(m1=BARE).as_dict() == {
            "steps": {"m1": "init"},
            "pending": ["m1"],
            "source": "m1",
            "cluster_id": "",
            "errors": [],
        }


class TestRefusals:
    def test_no_managers(self) -> None:
        assert only_blocker(plan(w1=BARE)).startswith("swarm_managers: the group is empty")

    def test_two_managers_only_when_accepted(self) -> None:
        error = only_blocker(plan(m1=BARE, m2=BARE))
        assert "swarm_accept_even_managers: true" in error
        assert plan(even=True, m1=BARE, m2=BARE).blockers == ()

    def test_managers_of_two_swarms(self) -> None:
        other = manager("m2", cluster_id="theirs", nodes={"id-m2": "manager"})
        error = only_blocker(plan(m1=manager("m1"), m2=other, m3=manager("m3")))
        assert error.startswith("m2: is a manager of another swarm (cluster theirs; m1 is in ours)")
        assert "'docker swarm leave --force' on m2" in error

    def test_a_worker_of_another_swarm(self) -> None:
        stranger = worker("w1", node_id="elsewhere", remote_managers=("10.9.9.9:2377",))
        error = only_blocker(plan(m1=manager("m1"), w1=stranger))
        assert error.startswith("w1: is in a swarm (node elsewhere, managers 10.9.9.9:2377)")
        assert "not the one that m1 manages, or was removed from it" in error
        assert "'docker swarm leave' on w1" in error

    def test_no_new_swarm_beside_a_worker_of_some_swarm(self) -> None:
        result = plan(m1=BARE, w1=worker("w1"))
        assert "not the one of any manager in this inventory" in only_blocker(result)
        assert result.steps == {}

    def test_a_manager_that_should_be_a_worker(self) -> None:
        grown = manager("w1", nodes={**NODES, "id-w1": "manager"})
        source = manager("m1", nodes={**NODES, "id-w1": "manager"})
        error = only_blocker(plan(m1=source, w1=grown))
        assert error.startswith("w1: is a manager in the swarm and a worker in the inventory")
        assert "'docker node demote id-w1' on m1" in error
        assert "the group swarm_managers" in error

    def test_a_worker_that_should_be_a_manager(self) -> None:
        source = manager("m1", nodes={**NODES, "id-m2": "worker"})
        error = only_blocker(plan(m1=source, m2=worker("m2"), m3=manager("m3")))
        assert "'docker node promote id-m2' on m1" in error

    def test_the_only_manager_is_a_worker_in_the_inventory(self) -> None:
        alone = manager("w1", nodes={"id-w1": "manager"})
        result = plan(m1=BARE, w1=alone)
        assert "docker node demote" in only_blocker(result)
        # It joins the existing swarm and does not start a second one.
        assert result.steps.get("m1") == "join"

    def test_a_manager_without_a_majority_forbids_a_new_swarm(self) -> None:
        result = plan(even=True, m1=BARE, m2=leaderless("m2"), w1=worker("w1"))
        error = only_blocker(result)
        assert error.startswith("m2: is a manager that cannot reach a majority")
        assert NO_LEADER in error
        assert "running tasks go on" in error
        assert "the other managers (10.0.0.1:2377);" in error
        assert "playbooks/recover_quorum.yml" in error
        assert result.steps == {}

    def test_a_manager_that_has_just_started_without_a_majority(self) -> None:
        waiting = leaderless("m2", state="pending", manager=False)
        error = only_blocker(plan(even=True, m1=BARE, m2=waiting))
        assert error.startswith("m2: belongs to a swarm and waits for a majority")
        assert "-e swarm_lost=HOST" in error

    def test_a_worker_that_waits_to_be_accepted(self) -> None:
        error = only_blocker(plan(m1=manager("m1"), w1=worker("w1", state="pending")))
        assert error.startswith("w1: waits to be accepted by the managers of a swarm")
        assert "'docker swarm leave --force' on w1" in error

    def test_a_locked_swarm(self) -> None:
        error = only_blocker(plan(m1=Member(state="locked")))
        assert "'docker swarm unlock' on m1" in error

    def test_swarm_mode_in_error(self) -> None:
        error = only_blocker(plan(m1=manager("m1"), w1=Member(state="error", error="bad disk")))
        assert error.startswith("w1: Docker's swarm mode is in error: bad disk")

    def test_no_new_swarm_while_a_manager_is_not_reachable(self) -> None:
        result = plan(m1=None, m2=BARE, m3=BARE, w1=worker("w1"))
        error = only_blocker(result)
        assert "it cannot see m1" in error
        assert "without --limit" in error
        assert result.steps == {}

    def test_all_blockers_are_named(self) -> None:
        result = plan(
            m1=manager("m1"),
            m2=leaderless("m2", node_id="other"),
            w1=worker("w1", node_id="x"),
            w2=Member(state="locked"),
        )
        assert [text.split(":")[0] for text in result.blockers] == [
            "swarm_managers",
            "m2",
            "w2",
            "w1",
        ]

    @pytest.mark.parametrize(
        "result",
        [
            plan(m1=BARE, m2=BARE),
            plan(even=True, m1=BARE, m2=leaderless("m2")),
            plan(m1=manager("m1"), w1=worker("w1", node_id="x")),
            plan(m1=None),
        ],
    )
    def test_each_sentence_names_its_subject_and_ends(self, result: Plan) -> None:
        for text in result.blockers:
            assert re.match(r"(swarm_managers|[mw]\d): .*\.$", text), text


class FakeEngine:
    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def request(self, method: str, path: str) -> Any:
        assert method == "GET"
        answer = self.answers[path.strip("/")]
        if isinstance(answer, Exception):
            raise answer
        return answer


def info(**swarm: Any) -> dict[str, Any]:
    return {"Swarm": swarm}


MANAGER_INFO = info(
    NodeID="id-m1",
    NodeAddr="10.0.0.1",
    LocalNodeState="active",
    ControlAvailable=True,
    Error="",
    RemoteManagers=[{"NodeID": "id-m1", "Addr": "10.0.0.1:2377"}],
    Cluster={"ID": "ours"},
)


class TestLooking:
    def test_manager(self) -> None:
        found = look(
            FakeEngine(info=MANAGER_INFO, nodes=[{"ID": "id-m1", "Spec": {"Role": "manager"}}])
        )
        assert found.quorum
        assert found.nodes == {"id-m1": "manager"}
        assert found.remote_managers == ("10.0.0.1:2377",)
        assert Member.from_dict(found.as_dict()) == found

    def test_worker_is_not_asked_for_nodes(self) -> None:
        found = look(
            FakeEngine(info=info(NodeID="id-w1", LocalNodeState="active", RemoteManagers=None))
        )
        assert (found.state, found.manager, found.quorum) == ("active", False, False)
        assert not found.unsettled

    @pytest.mark.parametrize(
        "error", [NoQuorumError("long", 503, NO_LEADER), EngineError(NO_LEADER, 500)]
    )
    def test_manager_without_majority(self, error: EngineError) -> None:
        found = look(FakeEngine(info=MANAGER_INFO, nodes=error))
        assert found.manager
        assert not found.quorum
        assert found.unsettled
        assert found.error == NO_LEADER

    def test_a_daemon_that_ends_is_an_error(self) -> None:
        with pytest.raises(EngineAwayError):
            look(FakeEngine(info=MANAGER_INFO, nodes=EngineAwayError("gone")))

    def test_no_swarm(self) -> None:
        found = read_member(info(LocalNodeState="inactive", NodeID="", RemoteManagers=None))
        assert found == BARE
        assert not found.in_swarm


class TestJoining:
    def test_refused_in_another_swarm(self) -> None:
        text = join_blocker(manager("m1", cluster_id="theirs"), "ours")
        assert "manager of another swarm (cluster theirs, expected ours)" in text

    def test_refused_when_locked(self) -> None:
        assert "state locked" in join_blocker(Member(state="locked"), "ours")

    @pytest.mark.parametrize("state", ["inactive", "absent", "pending"])
    def test_allowed(self, state: str) -> None:
        assert join_blocker(Member(state=state), "ours") == ""

    def test_same_swarm(self) -> None:
        assert same_swarm(worker("w1"), "worker", ["10.0.0.1:2377"]) == ""
        assert same_swarm(worker("w1"), "worker", ["10.0.0.1"]) == ""
        assert same_swarm(manager("m1"), "manager", []) == ""

    def test_other_swarm_by_its_managers(self) -> None:
        text = same_swarm(worker("w1"), "worker", ["10.5.5.5"])
        assert "whose managers are 10.0.0.1:2377, none of which the task names" in text

    def test_other_role(self) -> None:
        text = same_swarm(worker("w1"), "manager", [])
        assert "as a worker, but the task asks for a manager" in text

    def test_no_majority(self) -> None:
        assert "cannot reach a majority" in same_swarm(leaderless("m1"), "manager", [])

    @pytest.mark.parametrize(
        ("found", "role", "sound", "missing"),
        [
            (worker("w1"), "worker", True, ""),
            (worker("w1", state="pending", error="x"), "worker", False, "swarm mode is pending: x"),
            (worker("m1"), "manager", False, "not yet a manager"),
            (leaderless("m1"), "manager", False, NO_LEADER),
            (manager("m1"), "manager", True, ""),
            (manager("m1", cluster_id="theirs"), "manager", False, "cluster theirs, expected ours"),
        ],
    )
    def test_confirmed(self, found: Member, role: str, sound: bool, missing: str) -> None:
        verdict, text = confirmed(found, role, "ours")
        assert verdict is sound
        assert missing in text

    def test_requests(self) -> None:
        params: dict[str, Any] = {
            "action": "init",
            "listen_port": 2378,
            "data_path_port": 4790,
            "default_address_pools": ["10.20.0.0/16"],
            "default_subnet_size": 25,
            "availability": "drain",
            "join_token": "secret",
            "remote_addresses": ["10.0.0.1", "10.0.0.2:2400"],
        }
        addresses = {"advertise_address": "10.0.0.5", "data_path_address": "eth1"}
        init = init_body(params, addresses)
        assert init["ListenAddr"] == "0.0.0.0:2378"
        assert (init["AdvertiseAddr"], init["DataPathAddr"]) == ("10.0.0.5", "eth1")
        assert (init["DefaultAddrPool"], init["SubnetSize"]) == (["10.20.0.0/16"], 25)
        assert init["ForceNewCluster"] is False
        assert "DefaultAddrPool" not in init_body(
            {**params, "default_address_pools": []}, addresses
        )
        join = join_body(params, addresses)
        assert join["RemoteAddrs"] == ["10.0.0.1:2378", "10.0.0.2:2400"]
        assert (join["Availability"], join["JoinToken"]) == ("drain", "secret")


@pytest.mark.parametrize(
    ("address", "port", "result"),
    [
        ("10.0.0.1", 2377, "10.0.0.1:2377"),
        ("10.0.0.1:99", 2377, "10.0.0.1:99"),
        ("10.0.0.1:99", 0, "10.0.0.1"),
        ("fd00::1", 2377, "[fd00::1]:2377"),
        ("[fd00::1]:99", 2377, "[fd00::1]:99"),
        ("[fd00::1]:99", 0, "fd00::1"),
    ],
)
def test_with_port(address: str, port: int, result: str) -> None:
    assert with_port(address, port) == result


class TestAddress:
    def test_addresses_and_interfaces_stay(self) -> None:
        assert resolve_address("10.0.0.1", []) == "10.0.0.1"
        assert resolve_address("fd00::1", []) == "fd00::1"
        assert resolve_address("eth1", ["lo", "eth1"]) == "eth1"

    def test_names_are_resolved(self) -> None:
        assert resolve_address("m1", ["eth0"], lambda _name: "10.0.0.1") == "10.0.0.1"

    def test_loopback_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"resolves to 127\.0\.1\.1 on this host.*IP address"):
            resolve_address("m1", ["eth0"], lambda _name: "127.0.1.1")

    def test_unknown_names_are_refused(self) -> None:
        def fail(_name: str) -> str:
            raise OSError("unknown")

        with pytest.raises(ValueError, match="neither an IP address nor a network interface"):
            resolve_address("m1", ["eth0"], fail)


class TestFilter:
    def test_reads_what_the_module_registered(self) -> None:
        hostvars = {
            "m1": {"__swarm_found": {"changed": False, "member": manager("m1").as_dict()}},
            "w1": {"__swarm_found": {"member": BARE.as_dict()}},
            "w2": {},
            "w3": {"__swarm_found": {"unreachable": True}},
        }
        result = swarm_plan(list(hostvars), hostvars, ["m1"])
        assert result["steps"] == {"m1": "nothing", "w1": "join"}
        assert result["errors"] == []

    def test_refuses_reserved_labels_before_anything_is_changed(self) -> None:
        hostvars = {
            "m1": {
                "__swarm_found": {"member": BARE.as_dict()},
                "swarm_labels": {"elk.es": "1"},
            }
        }
        result = swarm_plan(["m1"], hostvars, ["m1"])
        assert result["errors"][0].startswith("m1: swarm_labels has 'elk.es'")
