# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a job counts as completed, when the wait goes on, and when it fails."""

from __future__ import annotations

from typing import Any

from ansible_collections.elk.swarm.plugins.module_utils.swarm.job_convergence import (
    JobWatch,
    progress,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_convergence import (
    Rules,
    Verdict,
    required_tasks,
)

TEMPLATE = {"ContainerSpec": {"Image": "job:1"}}
NO_IMAGE = "No such image: job:1"


def node(name: str, availability: str = "active") -> dict[str, Any]:
    return {
        "ID": f"id-{name}",
        "Spec": {"Availability": availability},
        "Description": {"Hostname": name, "Platform": {"OS": "linux"}},
        "Status": {"State": "ready"},
    }


NODES = [node("a"), node("b"), node("c", "drain")]


def job(completions: int | None = 3, at_once: int = 1, run: int = 2) -> dict[str, Any]:
    inner = {"MaxConcurrent": at_once, "TotalCompletions": completions}
    mode = {"GlobalJob": {}} if completions is None else {"ReplicatedJob": inner}
    return {
        "ID": "s",
        "Spec": {"Name": "job", "Mode": mode, "TaskTemplate": TEMPLATE},
        "JobStatus": {"JobIteration": {"Index": run}},
    }


def task(
    ident: str, state: str, place: str = "a", slot: int = 0, error: str = "", run: int = 2
) -> dict[str, Any]:
    ended = state in ("failed", "rejected")
    return {
        "ID": ident,
        "NodeID": f"id-{place}",
        "Slot": slot,
        "Spec": TEMPLATE,
        "JobIteration": {"Index": run},
        "DesiredState": "shutdown" if ended else "complete",
        "CreatedAt": f"2026-01-01T00:00:{int(ident):02}Z",
        "Status": {"State": state, "Err": error},
    }


def look(
    tasks: list[dict[str, Any]],
    subject: dict[str, Any] | None = None,
    watch: JobWatch | None = None,
    clock: float = 0,
    **rules: Any,
) -> Verdict:
    return (watch or JobWatch(Rules(**rules), known=[])).observe(
        subject or job(), tasks, NODES, 0, clock
    )


def test_a_job_has_completed_when_as_many_tasks_have() -> None:
    tasks = [task(str(n), "complete", slot=n) for n in range(3)]
    assert look(tasks) == Verdict("converged", 3, 3)
    verdict = look([*tasks[:2], task("5", "running", slot=2)])
    assert (verdict.state, verdict.running, verdict.required) == ("wait", 2, 3)
    assert verdict.reasons[:2] == ("2 of 3 tasks have completed", "task on a is running")


def test_a_job_without_tasks_to_complete_has_completed() -> None:
    assert look([], job(0)) == Verdict("converged", 0, 0)


def test_tasks_of_an_earlier_run_do_not_count() -> None:
    earlier = [task(str(n), "complete", slot=n, run=1) for n in range(3)]
    assert look(earlier).running == 0
    # The Engine leaves out the index of the first run.
    first = job(1)
    first["JobStatus"] = {"JobIteration": {}}
    done = task("1", "complete")
    done["JobIteration"] = {}
    assert look([done], first).state == "converged"


def test_a_global_job_completes_on_each_eligible_node() -> None:
    one = [task("1", "complete", "a"), task("2", "running", "b"), task("3", "complete", "c")]
    assert (look(one, job(None)).state, look(one, job(None)).running) == ("wait", 1)
    both = [*one, task("4", "complete", "b")]
    assert look(both, job(None)) == Verdict("converged", 2, 2)


def test_a_retry_that_completes_is_no_failure() -> None:
    tasks = [task("1", "failed", error="task: non-zero exit (1)"), task("2", "complete")]
    assert look(tasks, job(1)).state == "converged"


def test_failures_are_named_while_swarm_tries_again() -> None:
    tasks = [task("1", "failed", error="task: non-zero exit (1)"), task("2", "running")]
    verdict = look(tasks, job(1))
    assert verdict.state == "wait"
    assert "slot" not in verdict.reasons[-1]
    assert "on node a: task: non-zero exit (1)" in verdict.reasons[-1]


def test_a_cause_that_a_retry_does_not_fix_is_final() -> None:
    tasks = [task(str(n), "rejected", error=NO_IMAGE) for n in (1, 2)]
    verdict = look(tasks)
    assert verdict.state == "failed"
    assert NO_IMAGE in verdict.reasons[0]


def test_crashes_are_final_at_the_limit_and_completed_tasks_are_none() -> None:
    failed = [task(str(n), "failed", error="task: non-zero exit (1)") for n in (1, 2)]
    assert look(failed, crashes=2).state == "failed"
    done = [task(str(n), "complete") for n in (1, 2)]
    assert look(done, crashes=2).state == "wait"


def test_a_job_that_swarm_no_longer_starts_is_final_after_the_grace_time() -> None:
    watch = JobWatch(Rules(pending_grace=20), known=[])
    tasks = [task("1", "failed", error="task: non-zero exit (1)")]
    assert look(tasks, watch=watch).state == "wait"
    verdict = look(tasks, watch=watch, clock=20)
    assert verdict.state == "failed"
    assert "non-zero exit (1)" in verdict.reasons[0]


def test_one_task_at_a_time_is_no_standstill() -> None:
    watch = JobWatch(Rules(pending_grace=20), known=[])
    look([task("1", "running")], watch=watch)
    assert look([task("1", "running")], watch=watch, clock=60).state == "wait"


def test_a_job_requires_no_task_to_run() -> None:
    assert required_tasks(job(), NODES) == required_tasks(job(None), NODES) == 0
    assert progress(job(), [], NODES) == (0, 3)
