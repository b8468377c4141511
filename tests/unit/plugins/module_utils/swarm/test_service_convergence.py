# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a service counts as converged, when the wait goes on, and when it fails."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.docker.error_causes import cause_of
from ansible_collections.elk.swarm.plugins.module_utils.swarm import service_convergence as con
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_convergence import (
    Rules,
    Verdict,
    Watch,
)

NOW = 1_800_000_000.0
TEMPLATE = {
    "ContainerSpec": {"Image": "web:1", "Isolation": "default"},
    "ForceUpdate": 0,
    "Runtime": "container",
}
OLD = {"ContainerSpec": {"Image": "web:0", "Isolation": "default"}, "ForceUpdate": 0}
NO_IMAGE = "No such image: web:1"
NO_NODE = "no suitable node (scheduling constraints not satisfied on 2 nodes)"


def stamp(age: float) -> str:
    moment = datetime.datetime.fromtimestamp(NOW - age, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "789Z"


def node(name: str, state: str = "ready", availability: str = "active", **labels: str) -> dict:
    return {
        "ID": f"id-{name}",
        "Spec": {"Role": "worker", "Availability": availability, "Labels": labels},
        "Description": {
            "Hostname": name,
            "Platform": {"OS": "linux", "Architecture": "x86_64"},
            "Engine": {"Labels": {"disk": "ssd"}},
        },
        "Status": {"State": state, "Addr": "192.0.2.7"},
    }


def service(replicas: int | None = 2, update: str = "", **task: Any) -> dict:
    mode = {"Global": {}} if replicas is None else {"Replicated": {"Replicas": replicas}}
    found: dict[str, Any] = {
        "ID": "s",
        "Spec": {"Name": "web", "TaskTemplate": {**TEMPLATE, **task}, "Mode": mode},
    }
    if update:
        found["UpdateStatus"] = {"State": update, "Message": f"message of {update}"}
    return found


def task(
    ident: str,
    place: str = "a",
    state: str = "running",
    desired: str = "running",
    slot: int | None = 1,
    error: str = "",
    age: float = 100,
    spec: dict | None = None,
) -> dict:
    inner = spec or {k: v for k, v in TEMPLATE.items() if k != "Runtime"}
    found: dict[str, Any] = {
        "ID": ident,
        "ServiceID": "s",
        "NodeID": f"id-{place}" if place else "",
        "Spec": {**inner, "Placement": {}},
        "DesiredState": desired,
        "CreatedAt": stamp(age + 1),
        "UpdatedAt": stamp(age),
        "Status": {"State": state, "Timestamp": stamp(age), "Err": error},
    }
    if slot is not None:
        found["Slot"] = slot
    return found


NODES = [node("a"), node("b")]
PLACEMENTS = [
    {"Constraints": ["node.role==worker"]},
    {"Preferences": [{"Spread": {"SpreadDescriptor": "node.labels.zone"}}]},
    {"MaxReplicas": 1},
    {"Platforms": [{"OS": "linux", "Architecture": "amd64"}]},
]
UP = [task("1", "a", slot=1), task("2", "b", slot=2)]


def look(
    tasks: list,
    subject: dict | None = None,
    nodes: list | None = None,
    watch: Watch | None = None,
    clock: float = 0,
    **rules: Any,
) -> Verdict:
    watch = watch or Watch(Rules(**rules))
    nodes = NODES if nodes is None else nodes
    return watch.observe(subject or service(), tasks, nodes, NOW + clock, clock)


# -- converged -------------------------------------------------------------------------------


@pytest.mark.parametrize("placement", PLACEMENTS, ids=lambda one: next(iter(one)))
def test_a_change_of_placement_alone_leaves_tasks_alone(placement: dict) -> None:
    added = service(Placement=placement)
    assert look(UP, added).state == "converged"
    watch = Watch(Rules(), known=[one["ID"] for one in UP])
    look(UP, added, watch=watch)
    assert look(UP, added, watch=watch, clock=60).state == "converged"
    removed = [{**one, "Spec": {**one["Spec"], "Placement": placement}} for one in UP]
    assert look(removed).state == "converged"


@pytest.mark.parametrize(
    "part",
    [
        {"ContainerSpec": {"Image": "web:2"}},
        {"Resources": {"Limits": {"Pids": 1}}},
        {"RestartPolicy": {"Condition": "none"}},
        {"Networks": [{"Target": "n"}]},
        {"LogDriver": {"Name": "none"}},
        {"ForceUpdate": 1},
    ],
    ids=lambda one: next(iter(one)),
)
@pytest.mark.parametrize("placement", [{}, PLACEMENTS[1]], ids=["alone", "with placement"])
def test_every_other_part_makes_a_task_outdated(part: dict, placement: dict) -> None:
    verdict = look(UP, service(Placement=placement, **part))
    assert (verdict.state, verdict.running) == ("wait", 0)


def test_a_task_with_another_placement_is_not_replaced_for_its_endpoint() -> None:
    known = [one["ID"] for one in UP]
    assert look(UP, watch=Watch(Rules(), known, True)).running == 0
    assert (
        look(UP, service(Placement={"MaxReplicas": 1}), watch=Watch(Rules(), known, True)).running
        == 2
    )


def test_old_running_tasks_converge_at_the_first_look() -> None:
    assert look(UP) == Verdict("converged", 2, 2)


@pytest.mark.parametrize(
    "tasks",
    [
        [UP[0]],
        [UP[0], task("2", state="starting", slot=2)],
        [UP[0], task("2", state="running", desired="shutdown", slot=2)],
        [UP[0], task("2", state="failed", slot=2)],
        [UP[0], task("2", slot=2, spec=OLD)],
        [UP[0], task("2", slot=2, place="elsewhere")],
        [UP[0], task("2", slot=2, place="")],
    ],
)
def test_only_running_tasks_of_the_present_specification_count(tasks: list) -> None:
    verdict = look(tasks)
    assert verdict.state == "wait"
    assert verdict.running == 1
    assert verdict.reasons


@pytest.mark.parametrize("state", ["down", "unknown", "disconnected"])
def test_tasks_on_a_node_that_is_not_ready_do_not_count(state: str) -> None:
    assert look(UP, nodes=[node("a"), node("b", state)]).state == "wait"


def test_tasks_on_a_drained_or_unfit_node_do_not_count() -> None:
    assert look(UP, nodes=[node("a"), node("b", availability="drain")]).state == "wait"
    fit = service(Placement={"Constraints": ["node.hostname==a"]})
    assert look(UP, fit).state == "wait"
    # Swarm keeps a task if its node also meets the new constraints.
    assert look(UP, service(Placement={"Constraints": ["node.role==worker"]})).state == "converged"


def test_defaults_that_differ_between_service_and_task_are_the_same() -> None:
    subject = service(Resources={"Limits": {}}, Networks=[], LogDriver=None)
    assert look(UP, subject).state == "converged"
    assert look(UP, service(ForceUpdate=1)).state == "wait"


def test_new_tasks_must_run_for_the_whole_window() -> None:
    young = [task("1", "a", age=2), task("2", "b", slot=2, age=50)]
    watch = Watch(Rules(stability_window=5))
    assert look(young, watch=watch, clock=0).state == "wait"
    assert look(young, watch=watch, clock=2.5).state == "wait"
    assert look(young, watch=watch, clock=3.1).state == "converged"


def test_a_task_that_fails_in_the_window_starts_it_again() -> None:
    watch = Watch(Rules(stability_window=5), known=())
    first = [task("1", age=0), task("2", "b", slot=2, age=0)]
    assert look(first, watch=watch, clock=0).state == "wait"
    second = [first[0], task("2", "b", "failed", slot=2), task("3", "b", slot=2, age=0)]
    assert look(second, watch=watch, clock=4).state == "wait"
    assert look(second, watch=watch, clock=6).state == "wait"
    assert look(second, watch=watch, clock=9.1).state == "converged"


def test_the_age_of_a_task_of_this_run_does_not_count() -> None:
    """The clocks of two managers may be an hour apart."""
    watch = Watch(Rules(stability_window=5), known=())
    old = [task("1", age=3600), task("2", "b", slot=2, age=3600)]
    assert look(old, watch=watch, clock=0).state == "wait"
    assert look(old, watch=watch, clock=5).state == "converged"


def test_a_change_that_touches_no_task_is_not_waited_for() -> None:
    watch = Watch(Rules(stability_window=5), known=["1", "2"])
    assert look(UP, watch=watch).state == "converged"


def test_a_change_of_the_endpoint_counts_no_earlier_task() -> None:
    watch = Watch(Rules(stability_window=0), known=["1", "2"], replaced=True)
    assert look(UP, watch=watch).running == 0
    new = [task("3", age=0), task("4", "b", slot=2, age=0)]
    assert look(new, watch=watch, clock=1).state == "converged"


def test_older_tasks_must_have_stopped() -> None:
    extra = task("0", "b", "running", desired="shutdown", slot=3)
    assert look([*UP, extra]).state == "wait"
    one_down = [node("a"), node("b"), node("c", "down")]
    assert look([*UP, {**extra, "NodeID": "id-c"}], nodes=one_down).state == "converged"


def test_scaling_down_waits_until_the_task_has_ended() -> None:
    assert look(UP, service(1)).state == "wait"
    stopping = [UP[0], task("2", "b", desired="remove", slot=2)]
    assert look(stopping, service(1)).state == "wait"
    ended = [UP[0], task("2", "b", "shutdown", desired="remove", slot=2)]
    assert look(ended, service(1)).state == "converged"
    assert look([], service(0)).state == "converged"


# -- updates ---------------------------------------------------------------------------------


@pytest.mark.parametrize("update", ["updating", "rollback_started"])
def test_an_update_in_progress_is_waited_for(update: str) -> None:
    assert look(UP, service(update=update)).state == "wait"


@pytest.mark.parametrize(
    "update", ["paused", "rollback_started", "rollback_paused", "rollback_completed"]
)
def test_a_failed_update_of_this_run_fails(update: str) -> None:
    failed = task("9", "b", "failed", "shutdown", slot=2, error="task: non-zero exit (5)")
    watch = Watch(Rules(), known=["1", "2"])
    verdict = look([*UP[:1], failed], service(update=update), watch=watch)
    assert verdict.state == "failed"
    assert f"message of {update}" in verdict.reasons[0]
    assert "on node b: task: non-zero exit (5)" in verdict.reasons[1]


@pytest.mark.parametrize("update", ["rollback_started", "rollback_completed"])
def test_the_cause_of_a_rollback_is_reported_though_the_previous_task_runs(update: str) -> None:
    failed = task("9", "b", "failed", "shutdown", slot=2, error="task: non-zero exit (5)")
    verdict = look([*UP, failed], service(update=update), watch=Watch(Rules(), known=["1", "2"]))
    assert (verdict.state, verdict.rollback) == ("failed", update)
    assert "on node b: task: non-zero exit (5)" in verdict.reasons[1]


@pytest.mark.parametrize(
    ("update", "tasks", "rolling_back"),
    [
        ("rollback_started", UP, True),
        ("rollback_completed", UP[:1], True),
        ("rollback_completed", UP, False),
        ("rollback_paused", UP[:1], False),
        ("paused", UP[:1], False),
    ],
)
def test_a_rollback_is_not_complete_until_its_tasks_run(
    update: str, tasks: list[dict[str, Any]], rolling_back: bool
) -> None:
    """Swarm's rollback does not wait for a task that was restarted before it began."""
    failed = task("9", "b", "failed", "shutdown", slot=2, error="task: non-zero exit (5)")
    watch = Watch(Rules(), known=["1", "2"])
    verdict = look([*tasks, failed], service(update=update), watch=watch)
    assert (verdict.state, verdict.rolling_back) == ("failed", rolling_back)


def test_a_rollback_whose_tasks_cannot_come_up_ends_the_wait() -> None:
    failures = [
        task(str(9 + n), "b", "rejected", "shutdown", slot=2, error="no such image") for n in (0, 1)
    ]
    watch = Watch(Rules(), known=["1", "2"])
    verdict = look([*UP[:1], *failures], service(update="rollback_completed"), watch=watch)
    assert (verdict.state, verdict.rollback, verdict.rolling_back) == (
        "failed",
        "rollback_completed",
        False,
    )


@pytest.mark.parametrize("update", ["paused", "rollback_paused", "rollback_completed"])
def test_an_earlier_update_does_not_count(update: str) -> None:
    assert look(UP, service(update=update)).state == "converged"


def test_a_paused_update_is_resumed_only_if_something_is_missing() -> None:
    half = [UP[0], task("2", "b", slot=2, spec=OLD)]
    assert con.needs_resume(service(update="paused"), half, NODES)
    assert con.needs_resume(service(update="rollback_paused"), half, NODES)
    assert not con.needs_resume(service(update="paused"), UP, NODES)
    assert not con.needs_resume(service(update="completed"), half, NODES)
    assert not con.needs_resume(service(), half, NODES)


def test_a_stalled_update_is_noticed() -> None:
    half = [UP[0], task("2", "b", slot=2, spec=OLD)]
    watch = Watch(Rules(stall_grace=3), known=["1", "2"])
    assert not look(half, watch=watch, clock=0).stalled
    assert not look(half, watch=watch, clock=2.9).stalled
    assert look(half, watch=watch, clock=3).stalled


@pytest.mark.parametrize(
    ("tasks", "update"),
    [
        ([UP[0], task("2", "b", slot=2, spec=OLD)], "updating"),
        ([task("2", "b", slot=2, spec=OLD), task("3", "a", "preparing")], ""),
        ([UP[0], task("2", "b", "running", "shutdown", slot=2, spec=OLD)], ""),
        ([UP[0], task("2", "gone", slot=2, spec=OLD)], ""),
        (UP[:1], ""),
    ],
)
def test_an_update_that_goes_on_is_not_stalled(tasks: list, update: str) -> None:
    watch = Watch(Rules(), known=["1", "2"])
    for clock in (0, 5, 10):
        assert not look(tasks, service(update=update), watch=watch, clock=clock).stalled


# -- global services -------------------------------------------------------------------------


def test_global_requires_one_task_on_each_eligible_node() -> None:
    nodes = [node("a"), node("b"), node("c", availability="pause"), node("d", "down")]
    tasks = [task("1", "a", slot=None), task("2", "b", slot=None)]
    assert look(tasks, service(None), nodes) == Verdict("converged", 2, 2)
    # A paused node may keep the task it has.
    assert look([*tasks, task("3", "c", slot=None)], service(None), nodes).state == "converged"
    assert look(tasks[:1], service(None), nodes).state == "wait"


def test_two_tasks_on_one_node_count_once() -> None:
    tasks = [task("1", "a", slot=None), task("2", "a", slot=None)]
    assert look(tasks, service(None)).running == 1


def test_global_without_an_eligible_node_is_converged() -> None:
    nowhere = service(None, Placement={"Constraints": ["node.labels.elk.es==g1"]})
    assert look([], nowhere) == Verdict("converged", 0, 0)
    labelled = [node("a", **{"elk.es": "g1"}), node("b")]
    assert look([], nowhere, labelled) == Verdict(
        "wait", 0, 1, ("0 of 1 tasks run the present specification",)
    )


def test_platforms_that_another_client_set() -> None:
    arm = service(None, Placement={"Platforms": [{"OS": "linux", "Architecture": "arm64"}]})
    amd = service(None, Placement={"Platforms": [{"OS": "linux", "Architecture": "amd64"}]})
    assert con.required_tasks(arm, NODES) == 0
    assert con.required_tasks(amd, NODES) == 2


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ("node.hostname==a", True),
        ("node.hostname == A", True),
        ("node.hostname!=a", False),
        ("NODE.HOSTNAME==a", True),
        ("node.id==id-a", True),
        ("node.role==worker", True),
        ("node.role!=manager", True),
        ("node.labels.zone==one", True),
        ("node.labels.Zone==one", False),
        ("node.labels.elk.es==g1", True),
        ("node.labels.missing==x", False),
        ("node.labels.missing!=x", True),
        ("engine.labels.disk==ssd", True),
        ("node.platform.os==linux", True),
        ("node.platform.arch==x86_64", True),
        ("node.ip==192.0.2.0/24", True),
        ("node.ip!=192.0.2.7", False),
        ("node.ip==nonsense", False),
        ("node.weather==rain", False),
        ("node.role=worker", False),
    ],
)
def test_constraints_as_swarm_reads_them(expression: str, fits: bool) -> None:
    subject = node("a", zone="one", **{"elk.es": "g1"})
    assert con.satisfies(subject, [expression]) is fits
    assert con.satisfies(subject, ["node.hostname==a", expression]) is fits


# -- failures --------------------------------------------------------------------------------


def failing(ident: str, place: str, slot: int | None, error: str = NO_IMAGE) -> dict:
    return task(ident, place, "rejected", "shutdown", slot, error)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("No such image: x:1", "no such image"),
        ("pull access denied for x, repository does not exist", "no such image"),
        ("exec format error", "no image for this platform"),
        (
            'invalid mount config for type "bind": bind source path does not exist: /x',
            "bind source missing",
        ),
        ("Bind for 0.0.0.0:9200 failed: port is already allocated", "port in use"),
        ('exec: "nosuch": executable file not found in $PATH: unknown', "executable not found"),
        ("OCI runtime create failed: error setting rlimit type 7: not permitted", "ulimit refused"),
        ('error looking up volume plugin x: plugin "x" not found', "mount refused"),
        (
            (
                "error while mounting volume '/var/lib/docker/volumes/es-m1/_data': failed to mount"
                " local volume: mount :/export/es-m1:/var/lib/docker/volumes/es-m1/_data, data:"
                " addr=192.0.2.10,nfsvers=4.2,hard: no such device"
            ),
            "file system unknown",
        ),
        ("logger: no log driver named 'x' is registered", "log driver missing"),
        ("mkdir /var/lib/docker/overlay2/x: no space left on device", "disk full"),
        ("unable to find user web: no matching entries in passwd file", "user unknown"),
    ],
)
def test_causes(error: str, kind: str) -> None:
    cause = cause_of(error)
    assert cause is not None
    assert cause.kind == kind
    assert cause.remedy


@pytest.mark.parametrize("error", ["", "task: non-zero exit (1)", "unhealthy container"])
def test_an_error_that_a_retry_may_fix_is_no_cause(error: str) -> None:
    assert cause_of(error) is None


def test_the_second_failure_on_the_same_node_is_final() -> None:
    watch = Watch(Rules(), known=())
    assert look([UP[0], failing("8", "b", 2)], watch=watch).state == "wait"
    verdict = look([UP[0], failing("8", "b", 2), failing("9", "b", 2)], watch=watch, clock=1)
    assert verdict.state == "failed"
    [fault] = verdict.faults
    assert (fault.node, fault.slot, fault.kind) == ("b", 2, "no such image")
    assert NO_IMAGE in verdict.reasons[0]
    assert "docker pull web:1]" in verdict.reasons[0]


def test_a_failure_still_counts_when_swarm_has_deleted_the_task() -> None:
    watch = Watch(Rules(), known=())
    look([UP[0], failing("8", "b", 2)], watch=watch)
    assert look([UP[0], failing("9", "b", 2)], watch=watch, clock=1).state == "failed"


def test_on_different_nodes_the_third_failure_is_final() -> None:
    nodes = [*NODES, node("c")]
    watch = Watch(Rules(), known=())
    tasks = [failing("7", "a", 1), failing("8", "b", 1)]
    assert look(tasks, service(1), nodes, watch).state == "wait"
    tasks.append(failing("9", "c", 1))
    assert look(tasks, service(1), nodes, watch, 1).state == "failed"


def test_each_failing_node_of_a_global_service_is_named() -> None:
    watch = Watch(Rules(), known=())
    tasks = [failing(f"{place}{n}", place, None) for place in "ab" for n in (1, 2)]
    verdict = look(tasks, service(None), watch=watch)
    assert verdict.state == "failed"
    assert sorted(fault.node for fault in verdict.faults) == ["a", "b"]


def test_one_failing_node_fails_a_global_service() -> None:
    watch = Watch(Rules(), known=())
    tasks = [task("1", "a", slot=None), failing("8", "b", None), failing("9", "b", None)]
    verdict = look(tasks, service(None), watch=watch)
    assert verdict.state == "failed"
    assert [fault.node for fault in verdict.faults] == ["b"]


def test_old_failures_do_not_count() -> None:
    history = [failing("8", "b", 2), failing("9", "b", 2)]
    assert look([*UP, *history]).state == "converged"
    assert look([UP[0], *history]).state == "wait"
    known = Watch(Rules(), known=["8", "9"])
    assert look([UP[0], *history], watch=known).state == "wait"


def test_failures_of_another_specification_do_not_count() -> None:
    tasks = [UP[0], *({**failing(i, "b", 2), "Spec": OLD} for i in "89")]
    assert look(tasks, watch=Watch(Rules(), known=())).state == "wait"


def test_a_slot_that_runs_in_the_end_is_no_failure() -> None:
    tasks = [*UP, failing("8", "b", 2), failing("9", "b", 2)]
    watch = Watch(Rules(stability_window=1), known=())
    assert look(tasks, watch=watch).state == "wait"
    assert look(tasks, watch=watch, clock=1).state == "converged"


def test_a_failure_is_reported_until_its_successor_is_stable() -> None:
    """If the time ends just after a restart, the failure before it is the reason."""
    crash = "task: non-zero exit (3)"
    tasks = [UP[0], failing("8", "b", 2, crash), task("9", "b", slot=2, age=0)]
    watch = Watch(Rules(stability_window=5), known=())
    verdict = look(tasks, watch=watch, clock=0)
    assert verdict.state == "wait"
    assert any(crash in reason and "node b" in reason for reason in verdict.reasons)
    assert look(tasks, watch=watch, clock=5).reasons == ()


def test_crashes_do_not_end_the_wait_and_are_reported() -> None:
    crash = "task: non-zero exit (1)"
    watch = Watch(Rules(), known=())
    tasks = [UP[0], *(failing(str(n), "b", 2, crash) for n in range(5))]
    tasks.append(task("9", "b", "ready", "ready", 2))
    verdict = look(tasks, watch=watch)
    assert verdict.state == "wait"
    assert any(crash in reason and "node b" in reason for reason in verdict.reasons)


def test_crashes_are_final_at_the_limit() -> None:
    crash = "task: non-zero exit (1)"
    watch = Watch(Rules(crashes=2), known=())
    tasks = [UP[0], failing("c1", "b", 2, crash), task("c9", "b", "ready", "ready", 2)]
    assert look(tasks, watch=watch).state == "wait"
    tasks.insert(1, failing("c2", "b", 2, crash))
    verdict = look(tasks, watch=watch)
    assert verdict.state == "failed"
    assert crash in verdict.reasons[0]
    # The second attempt succeeds.
    assert look([UP[0], tasks[1], *UP[1:]], watch=watch).state != "failed"


def pending(slot: int = 2, error: str = NO_NODE) -> dict:
    return task("p", "", "pending", slot=slot, error=error)


def test_a_program_that_ends_is_named() -> None:
    ended = [task(str(n), "a", "complete", "shutdown", age=n) for n in (3, 6)]
    coming = task("9", "a", "ready", age=1)
    verdict = look([coming, *ended], service(1), watch=Watch(Rules(), known=[]))
    assert verdict.state == "wait"
    text = " ".join(verdict.reasons)
    assert "on node a: the program has ended with exit code 0" in text
    assert "mode: replicated-job, or wait: false" in text
    limited = look([coming, *ended], service(1), watch=Watch(Rules(crashes=2), known=[]))
    assert limited.state == "failed"


def test_a_program_that_ended_and_is_not_started_again_is_named() -> None:
    watch = Watch(Rules(pending_grace=20), known=[])
    ended = [task("1", "a", "complete", "shutdown")]
    look(ended, service(1), watch=watch)
    verdict = look(ended, service(1), watch=watch, clock=20)
    assert verdict.state == "failed"
    assert "the program has ended with exit code 0" in verdict.reasons[0]


def test_programs_that_end_before_this_run_or_for_another_specification_are_not_named() -> None:
    ended = task("1", "a", "complete", "shutdown")
    known = look([ended], service(1), watch=Watch(Rules(), known=["1"]))
    assert "ended" not in " ".join(known.reasons)
    up = [task("2", "a"), task("3", "a", "complete", "shutdown", age=200)]
    assert look(up, service(1)).state == "converged"


def test_no_suitable_node_is_final_after_the_grace_time() -> None:
    watch = Watch(Rules(pending_grace=20), known=())
    assert look([UP[0], pending()], watch=watch, clock=0).state == "wait"
    assert look([UP[0], pending()], watch=watch, clock=19).state == "wait"
    verdict = look([UP[0], pending()], watch=watch, clock=20)
    assert verdict.state == "failed"
    assert NO_NODE in verdict.reasons[0]
    assert "docker node ls" in verdict.reasons[0]


def test_the_grace_time_restarts_when_the_task_moves_on() -> None:
    watch = Watch(Rules(pending_grace=20), known=())
    look([UP[0], pending()], watch=watch, clock=0)
    look([UP[0], task("p", "b", "preparing", slot=2)], watch=watch, clock=15)
    assert look([UP[0], pending()], watch=watch, clock=25).state == "wait"


def test_a_port_that_a_stopping_task_still_uses_is_no_failure() -> None:
    watch = Watch(Rules(pending_grace=20), known=("0",))
    error = "no suitable node (host-mode port already in use on 1 node)"
    old = task("0", "b", "running", "shutdown", 2, spec=OLD)
    tasks = [UP[0], old, pending(error=error)]
    assert look(tasks, watch=watch, clock=0).state == "wait"
    assert look(tasks, watch=watch, clock=100).state == "wait"
    # The old task has ended: the grace time starts now.
    tasks = [UP[0], pending(error=error)]
    assert look(tasks, watch=watch, clock=101).state == "wait"
    verdict = look(tasks, watch=watch, clock=121)
    assert verdict.state == "failed"
    assert "another service publishes" in verdict.reasons[0]


def test_a_service_that_swarm_no_longer_starts_is_final_after_the_grace_time() -> None:
    crash = "task: non-zero exit (4)"
    watch = Watch(Rules(pending_grace=10), known=())
    tasks = [UP[0], failing("9", "b", 2, crash)]
    assert look(tasks, watch=watch, clock=0).state == "wait"
    assert look(tasks, watch=watch, clock=9).state == "wait"
    verdict = look(tasks, watch=watch, clock=10)
    assert verdict.state == "failed"
    assert crash in verdict.reasons[0]


def test_a_service_without_tasks_is_final_too() -> None:
    watch = Watch(Rules(pending_grace=10), known=())
    look([], service(1), watch=watch, clock=0)
    verdict = look([], service(1), watch=watch, clock=10)
    assert verdict.state == "failed"
    assert "restart_config" in verdict.reasons[0]


def test_an_update_between_two_tasks_is_no_failure() -> None:
    watch = Watch(Rules(pending_grace=10), known=())
    for clock in (0, 30):
        verdict = look([UP[0]], service(update="updating"), watch=watch, clock=clock)
        assert verdict.state == "wait"


# -- min_running -----------------------------------------------------------------------------


def test_with_min_running_only_the_number_counts() -> None:
    tasks = [UP[0], failing("8", "b", 2), failing("9", "b", 2)]
    assert look(tasks, watch=Watch(Rules(min_running=1), known=("1",))).state == "converged"
    assert look([], service(2, "updating"), min_running=0).state == "converged"


def test_failures_are_tolerated_while_min_running_can_be_reached() -> None:
    starting = task("1", "a", "starting", slot=1)
    tasks = [starting, failing("8", "b", 2), failing("9", "b", 2)]
    assert look(tasks, watch=Watch(Rules(min_running=1), known=())).state == "wait"
    assert look(tasks, watch=Watch(Rules(min_running=2), known=())).state == "failed"


def test_min_running_above_the_nodes_waits_for_more_nodes() -> None:
    tasks = [task("1", "a", slot=None), task("2", "b", slot=None)]
    assert look(tasks, service(None), min_running=3).state == "wait"


# -- removal and reports ---------------------------------------------------------------------


def test_remaining_tasks_are_those_on_nodes_that_are_up() -> None:
    nodes = [node("a"), node("b", "down")]
    tasks = [
        task("1", "a", "running", "remove"),
        task("2", "b", "running", "remove"),
        task("3", "a", "shutdown", "remove"),
        task("4", "", "pending", "remove"),
    ]
    assert [item["id"] for item in con.remaining_tasks(tasks, nodes)] == ["1"]
    assert con.remaining_tasks(tasks[1:], nodes) == []


def test_summary_is_newest_first_with_names() -> None:
    tasks = [task("old", "a", age=50, error="x"), task("new", "b", age=1)]
    found = con.summary(tasks, NODES)
    assert [(item["id"], item["node"]) for item in found] == [("new", "b"), ("old", "a")]
    assert found[1]["error"] == "x"


def test_timestamps_with_nanoseconds() -> None:
    assert con.seconds_of("1970-01-01T00:00:01.500000001Z") == pytest.approx(1.5)
    assert con.seconds_of("1970-01-01T01:00:01+01:00") == 1
    assert con.seconds_of("soon") is None
    assert con.seconds_of(None) is None
