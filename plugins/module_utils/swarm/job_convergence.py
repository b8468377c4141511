# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a job of the swarm has completed: a service whose tasks end.

Swarm runs a job anew after every update of its service, and counts these runs. Only tasks of the
present run count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common.nested import dig
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_convergence import (
    CONVERGED,
    FAILED,
    TERMINAL,
    WAIT,
    Verdict,
    Watch,
    eligible,
    error_of,
    node_name,
    state_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_facts import (
    mode_of,
    replicas_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Objects = Sequence[Mapping[str, Any]]


def of_present_run(task: Mapping[str, Any], service: Mapping[str, Any]) -> bool:
    """Whether a task belongs to the present run of its job."""
    present = dig(service, ("JobStatus", "JobIteration", "Index")) or 0
    return bool((dig(task, ("JobIteration", "Index")) or 0) == present)


def progress(service: Mapping[str, Any], tasks: Objects, nodes: Objects) -> tuple[int, int]:
    """(completed, required) tasks of the present run."""
    spec = service.get("Spec") or {}
    done = [t for t in tasks if of_present_run(t, service) and state_of(t) == "complete"]
    if mode_of(spec) == "replicated-job":
        return len(done), replicas_of(spec) or 0
    expected = {str(node.get("ID")) for node in eligible(nodes, spec)}
    return len(expected & {str(task.get("NodeID")) for task in done}), len(expected)


class JobWatch(Watch):
    """Judges a job repeatedly until it has completed or cannot complete."""

    def observe(
        self,
        service: Mapping[str, Any],
        tasks: Objects,
        nodes: Objects,
        now: float,
        clock: float,
    ) -> Verdict:
        del now
        count, required = progress(service, tasks, nodes)
        need = required if self._rules.min_running is None else self._rules.min_running
        if count >= need:
            return Verdict(CONVERGED, count, required)
        # Swarm wants the tasks of a job to complete; until then they are to run as others are.
        own = [
            {**task, "DesiredState": "running"}
            if task.get("DesiredState") == "complete" and state_of(task) not in TERMINAL
            else task
            for task in tasks
            if of_present_run(task, service) and state_of(task) != "complete"
        ]
        if self._known is None:
            self._known = {str(task.get("ID")) for task in own if state_of(task) in TERMINAL}
        by_id = {str(node.get("ID")): node for node in nodes}
        on_each_node = mode_of(service.get("Spec") or {}) == "global-job"
        at_once = dig(service, ("Spec", "Mode", "ReplicatedJob", "MaxConcurrent")) or need
        slots = min(need - count, at_once)
        faults = self._faults(own, service, by_id, clock, slots, slots, "")
        if faults:
            sentences = self._sentences(faults, on_each_node)
            return Verdict(FAILED, count, required, sentences, tuple(faults))
        reasons = [f"{count} of {need} tasks have completed"]
        active = [task for task in own if state_of(task) not in TERMINAL]
        for task in active[:10]:
            name = node_name(by_id.get(str(task.get("NodeID") or ""), {}))
            text = error_of(task) or str(dig(task, ("Status", "Message")) or "")
            where = f"on {name}" if name else f"slot {task.get('Slot')}"
            reasons.append(f"task {where} is {state_of(task)}" + (f" ({text})" if text else ""))
        latest = self._latest_errors(own, by_id, unproven=active)
        reasons += self._sentences(latest, on_each_node)
        return Verdict(WAIT, count, required, tuple(dict.fromkeys(reasons)), tuple(latest))
