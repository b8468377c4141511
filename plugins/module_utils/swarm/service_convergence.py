# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a Swarm service has reached the state of its specification.

Nothing here calls a daemon or reads a clock: :class:`Watch` takes the Engine's answers and the
time, and returns ``converged``, ``wait`` or ``failed`` with the reasons.

A task counts if its *actual* state is running (with a healthcheck, only after it has passed), its
specification is the service's present one, and its node is up, not drained and satisfies the
constraints.  The desired state alone never counts.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.elk.swarm.plugins.module_utils.common.nested import dig
from ansible_collections.elk.swarm.plugins.module_utils.docker.error_causes import cause_of
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_facts import (
    SpecError,
    constraint_parts,
    is_job,
    mode_of,
    replicas_of,
)

JsonDict = dict[str, Any]

CONVERGED = "converged"
WAIT = "wait"
FAILED = "failed"

TERMINAL = frozenset({"complete", "shutdown", "failed", "rejected", "remove", "orphaned"})
# States of a task that has ended without Swarm's request.
_ENDED = ("failed", "rejected", "complete")
# Desired states of a task that Swarm wants to run.
_TO_RUN = frozenset(
    [
        "new",
        "allocated",
        "pending",
        "assigned",
        "accepted",
        "preparing",
        "ready",
        "starting",
        "running",
    ]
)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i386": "386"}


# -- nodes -----------------------------------------------------------------------------------


def node_name(node: Mapping[str, Any]) -> str:
    return str(dig(node, ("Description", "Hostname")) or node.get("ID", ""))


def node_up(node: Mapping[str, Any]) -> bool:
    return bool(dig(node, ("Status", "State")) == "ready")


def _matches(operator: str, expected: str, value: str) -> bool:
    equal: bool = expected.lower() == value.lower()
    return equal if operator == "==" else not equal


def _matches_ip(operator: str, expected: str, value: str) -> bool:
    try:
        inside = ipaddress.ip_address(value) in ipaddress.ip_network(expected, strict=False)
    except ValueError:
        inside = False
    return inside if operator == "==" else not inside


def satisfies(node: Mapping[str, Any], constraints: Iterable[str]) -> bool:
    """Whether a node meets placement constraints, by Swarm's rules."""
    for expression in constraints:
        try:
            key, operator, expected = constraint_parts(expression)
        except SpecError:
            # Swarm starts no task if it cannot read a constraint.
            return False
        lower = key.lower()
        if lower == "node.ip":
            if not _matches_ip(operator, expected, str(dig(node, ("Status", "Addr")) or "")):
                return False
            continue
        value: Any
        if lower == "node.id":
            value = node.get("ID")
        elif lower == "node.hostname":
            value = dig(node, ("Description", "Hostname"))
        elif lower == "node.role":
            value = dig(node, ("Spec", "Role"))
        elif lower == "node.platform.os":
            value = dig(node, ("Description", "Platform", "OS"))
        elif lower == "node.platform.arch":
            value = dig(node, ("Description", "Platform", "Architecture"))
        elif lower.startswith("node.labels."):
            value = dig(node, ("Spec", "Labels", key[len("node.labels.") :]))
        elif lower.startswith("engine.labels."):
            value = dig(node, ("Description", "Engine", "Labels", key[len("engine.labels.") :]))
        else:
            return False
        if not _matches(operator, expected, str(value or "")):
            return False
    return True


def _fits_platform(node: Mapping[str, Any], platforms: Iterable[Mapping[str, Any]]) -> bool:
    expected = list(platforms)
    if not expected:
        return True
    actual = dig(node, ("Description", "Platform")) or {}

    def architecture(name: str) -> str:
        return _ARCHITECTURES.get(name.lower(), name.lower())

    for platform in expected:
        system, arch = platform.get("OS") or "", platform.get("Architecture") or ""
        if (not system or system.lower() == str(actual.get("OS", "")).lower()) and (
            not arch or architecture(arch) == architecture(str(actual.get("Architecture", "")))
        ):
            return True
    return False


def may_run(node: Mapping[str, Any], service_spec: Mapping[str, Any]) -> bool:
    """Whether a task of the service may stay on this node."""
    placement = dig(service_spec, ("TaskTemplate", "Placement")) or {}
    return (
        node_up(node)
        and dig(node, ("Spec", "Availability")) != "drain"
        and satisfies(node, placement.get("Constraints") or ())
        and _fits_platform(node, placement.get("Platforms") or ())
    )


def eligible(
    nodes: Iterable[Mapping[str, Any]], service_spec: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """The nodes on which Swarm starts a task of a global service with this specification."""
    return [
        node
        for node in nodes
        if may_run(node, service_spec) and dig(node, ("Spec", "Availability")) == "active"
    ]


# -- tasks -----------------------------------------------------------------------------------


def state_of(task: Mapping[str, Any]) -> str:
    return str(dig(task, ("Status", "State")) or "")


def error_of(task: Mapping[str, Any]) -> str:
    return str(dig(task, ("Status", "Err")) or "")


def should_run(task: Mapping[str, Any]) -> bool:
    """Swarm wants this task to run, and it has not ended."""
    return str(task.get("DesiredState")) in _TO_RUN and state_of(task) not in TERMINAL


def stopping(task: Mapping[str, Any]) -> bool:
    """Swarm wants this task to end, and it has not ended."""
    return str(task.get("DesiredState")) not in _TO_RUN and state_of(task) not in TERMINAL


def running(task: Mapping[str, Any]) -> bool:
    return should_run(task) and state_of(task) == "running"


def _pruned(value: Any) -> Any:
    """Remove empty parts, because only one of a service and its tasks may have them."""
    if isinstance(value, Mapping):
        cleaned = {key: _pruned(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item not in (None, {}, [], "")}
    if isinstance(value, list):
        return [_pruned(item) for item in value]
    return value


# Parts of the TaskTemplate that do not make a running task outdated, and the reason. Swarm replaces
# a task for a difference in any other part. Source: swarmkit v2, manager/orchestrator/task.go,
# functions IsTaskDirty, IsTaskDirtyPlacementConstraintsOnly and nodeMatches, as vendored by moby.
NOT_COMPARED: Mapping[str, str] = {
    "Placement": "a task stays while its node meets the constraints, whatever else the placement "
    "says: preferences, most replicas on a node, platforms",
    "Runtime": "the API shows it for the service only",
}


def _comparable(task_spec: Mapping[str, Any] | None) -> Any:
    spec = {key: part for key, part in (task_spec or {}).items() if key not in NOT_COMPARED}
    spec["ForceUpdate"] = spec.get("ForceUpdate") or 0
    return _pruned(spec)


def same_placement(task: Mapping[str, Any], service_spec: Mapping[str, Any]) -> bool:
    """Whether the placement is that with which the task was started.

    IsTaskDirty returns before it compares the endpoint if the placement differs, so Swarm does not
    replace such a task for a change of the EndpointSpec.
    """
    before = dig(task, ("Spec", "Placement"))
    after = dig(service_spec, ("TaskTemplate", "Placement"))
    return bool(_pruned(before or {}) == _pruned(after or {}))


def of_present_spec(task: Mapping[str, Any], service: Mapping[str, Any]) -> bool:
    """Whether a task has the present specification of its service."""
    template = dig(service, ("Spec", "TaskTemplate")) or {}
    if not template.get("Networks") and dig(service, ("Spec", "Networks")):
        template = {**template, "Networks": dig(service, ("Spec", "Networks"))}
    return bool(_comparable(task.get("Spec")) == _comparable(template))


def seconds_of(timestamp: str | None) -> float | None:
    """Seconds since the epoch from the Engine's timestamps, which have nanoseconds."""
    match = re.match(r"^(\d+-\d+-\d+T\d+:\d+:\d+)(\.\d+)?(Z|[+-]\d\d:\d\d)$", timestamp or "")
    if not match:
        return None
    zone = "+00:00" if match.group(3) == "Z" else match.group(3)
    moment = datetime.datetime.fromisoformat(match.group(1) + zone)
    return moment.timestamp() + float(match.group(2) or 0)


def summary(
    tasks: Iterable[Mapping[str, Any]], nodes: Iterable[Mapping[str, Any]]
) -> list[JsonDict]:
    """Tasks in a readable form, newest first."""
    names = {node.get("ID"): node_name(node) for node in nodes}
    ordered = sorted(tasks, key=lambda task: str(task.get("CreatedAt") or ""), reverse=True)
    return [
        {
            "id": task.get("ID", ""),
            "node": names.get(task.get("NodeID"), task.get("NodeID") or ""),
            "slot": task.get("Slot"),
            "state": state_of(task),
            "desired_state": task.get("DesiredState", ""),
            "error": error_of(task),
            "container_id": dig(task, ("Status", "ContainerStatus", "ContainerID")) or "",
        }
        for task in ordered
    ]


def required_tasks(service: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> int:
    """The number of tasks that must run on the present nodes; none of a job, whose tasks end."""
    spec = service.get("Spec") or {}
    if is_job(spec):
        return 0
    if mode_of(spec) == "global":
        return len(eligible(nodes, spec))
    return replicas_of(spec) or 0


# -- verdict ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """Why a task does not come up."""

    node: str
    slot: int | None
    kind: str
    error: str
    remedy: str

    def sentence(self, global_mode: bool = False) -> str:
        where = f"on node {self.node}" if self.node else "on no node"
        which = "" if global_mode or not self.slot else f"slot {self.slot} "
        text = f"{which}{where}: {self.error or self.kind}"
        return f"{text} [{self.remedy}]" if self.remedy else text


@dataclass(frozen=True)
class Verdict:
    state: str
    running: int
    required: int
    reasons: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    # Swarm does not replace the older tasks, so the update must be sent again.
    stalled: bool = False
    # The state of Swarm's rollback to the previous specification; empty if there is none.
    rollback: str = ""
    # The update has failed, and not all tasks of the previous specification run yet.
    rolling_back: bool = False


@dataclass(frozen=True)
class Rules:
    """The conditions of a wait."""

    stability_window: float = 5.0
    pending_grace: float = 20.0
    stall_grace: float = 3.0
    # None: all tasks that the specification requires.
    min_running: int | None = None
    # Ends of a task in one slot or node, without a known cause, that fail the wait; 0: no limit.
    crashes: int = 0


@dataclass
class _Since:
    """Since when each key has been seen without a break."""

    first: dict[str, float] = field(default_factory=dict)

    def note(self, keys: Iterable[str], clock: float) -> None:
        seen = set(keys)
        self.first = {key: self.first.get(key, clock) for key in seen}

    def lasted(self, key: str, clock: float) -> float:
        return clock - self.first.get(key, clock)


class Watch:
    """Judges one service repeatedly until it has converged or cannot converge.

    ``known`` are the ids of the tasks that existed before this run changed the service; None if it
    changed nothing.  Their old failures do not count.  With ``replaced`` they do not count as
    running either, because Swarm replaces them although their own specification stays the same.
    """

    def __init__(
        self, rules: Rules, known: Iterable[str] | None = None, replaced: bool = False
    ) -> None:
        self._rules = rules
        self._changed = known is not None
        self._known = set(known) if known is not None else None
        self._replaced = replaced
        self._running = _Since()
        self._unplaced = _Since()
        self._missing = _Since()
        self._stalled = _Since()
        self._failures: dict[str, tuple[str, str]] = {}
        self._crashes: dict[str, set[str]] = {}

    def observe(
        self,
        service: Mapping[str, Any],
        tasks: Sequence[Mapping[str, Any]],
        nodes: Sequence[Mapping[str, Any]],
        now: float,
        clock: float,
    ) -> Verdict:
        """Judge the present state.  ``now`` is the Engine's time, ``clock`` a monotonic clock."""
        if self._known is None:
            self._known = {str(task.get("ID")) for task in tasks if not should_run(task)}
        spec = service.get("Spec") or {}
        global_mode = mode_of(spec) == "global"
        by_id = {str(node.get("ID")): node for node in nodes}
        required = required_tasks(service, nodes)
        need = required if self._rules.min_running is None else self._rules.min_running

        def counts(task: Mapping[str, Any]) -> bool:
            node = by_id.get(str(task.get("NodeID") or ""))
            return (
                running(task)
                and of_present_spec(task, service)
                and node is not None
                and may_run(node, spec)
                and not (
                    self._replaced
                    and str(task.get("ID")) in (self._known or ())
                    and same_placement(task, spec)
                )
            )

        counted = [task for task in tasks if counts(task)]
        self._running.note((str(task.get("ID")) for task in counted), clock)
        count = self._count(counted, by_id, spec, global_mode)

        reasons: list[str] = []
        update = service.get("UpdateStatus") or {}
        update_state = str(update.get("State") or "")
        surplus = self._surplus(tasks, counted, by_id, global_mode, required)
        unstable = [task for task in counted if not self._is_stable(task, now, clock)]

        # With min_running only the number of tasks counts; the update may still go on.
        done = self._rules.min_running is not None or (
            self._update_done(update_state) and not surplus
        )
        if count >= need and done and not unstable:
            return Verdict(CONVERGED, count, required)

        rollback = update_state if self._changed and update_state.startswith("rollback") else ""
        faults = self._faults(tasks, service, by_id, clock, need, required, update_state)
        if faults:
            sentences = self._sentences(faults, global_mode)
            return Verdict(FAILED, count, required, sentences, tuple(faults), rollback=rollback)

        if rollback or (self._changed and update_state == "paused"):
            what = "rolls the update back" if rollback else "paused the update"
            reasons.append(f"Swarm {what}: {update.get('Message') or update_state}")
            found = self._latest_errors(tasks, by_id, unproven=tasks if rollback else ())
            reasons += self._sentences(found, global_mode)
            # A rollback does not wait for a task that Swarm restarted from the previous
            # specification while the update failed.
            rolling_back = rollback == "rollback_started" or (
                rollback == "rollback_completed" and count < need
            )
            return Verdict(
                FAILED,
                count,
                required,
                tuple(reasons),
                tuple(found),
                rollback=rollback,
                rolling_back=rolling_back,
            )

        if count < need:
            reasons.append(f"{count} of {need} tasks run the present specification")
        if update_state in ("updating", "rollback_started"):
            reasons.append(f"Swarm still updates it: {update.get('Message') or update_state}")
        if surplus:
            reasons.append(f"{len(surplus)} older tasks have not stopped yet")
        if count >= need and unstable:
            reasons.append(
                f"{len(unstable)} tasks have not yet run for {self._rules.stability_window:g} s"
            )
        latest = self._latest_errors(tasks, by_id, unproven=unstable)
        not_up = [task for task in tasks if should_run(task) and task not in counted]
        for task in not_up[:10]:
            name = node_name(by_id.get(str(task.get("NodeID") or ""), {}))
            place = f"on {name}" if name else f"slot {task.get('Slot')}"
            text = error_of(task) or str(dig(task, ("Status", "Message")) or "")
            reasons.append(f"task {place} is {state_of(task)}" + (f" ({text})" if text else ""))
        reasons += self._sentences(latest, global_mode)
        return Verdict(
            WAIT,
            count,
            required,
            tuple(dict.fromkeys(reasons)),
            tuple(latest),
            self._is_stalled(tasks, service, by_id, clock, update_state),
        )

    # -- parts of the verdict ------------------------------------------------------------

    def _update_done(self, update_state: str) -> bool:
        """Whether Swarm has finished the update.

        The pause or rollback of an earlier run's update does not count, only its tasks do.
        """
        if update_state in ("updating", "rollback_started"):
            return False
        return not self._changed or update_state in ("", "completed")

    @staticmethod
    def _count(
        counted: Sequence[Mapping[str, Any]],
        by_id: Mapping[str, Mapping[str, Any]],
        spec: Mapping[str, Any],
        global_mode: bool,
    ) -> int:
        if not global_mode:
            return len(counted)
        # A paused node may keep its task, but it is not required to run one.
        node_ids = {str(node.get("ID")) for node in eligible(by_id.values(), spec)}
        return len({str(task.get("NodeID")) for task in counted} & node_ids)

    @staticmethod
    def _surplus(
        tasks: Sequence[Mapping[str, Any]],
        counted: Sequence[Mapping[str, Any]],
        by_id: Mapping[str, Mapping[str, Any]],
        global_mode: bool,
        required: int,
    ) -> list[Mapping[str, Any]]:
        """Tasks that Swarm must still stop: of an older specification, or above the number."""
        ids = {str(task.get("ID")) for task in counted}
        found = []
        for task in tasks:
            node = by_id.get(str(task.get("NodeID") or ""))
            # A node that is down stops no task; Swarm replaces its tasks elsewhere.
            if node is None or not node_up(node) or str(task.get("ID")) in ids:
                continue
            if running(task) or stopping(task):
                found.append(task)
        if not global_mode and len(counted) > required:
            found += counted[required:]
        return found

    def _is_stalled(
        self,
        tasks: Sequence[Mapping[str, Any]],
        service: Mapping[str, Any],
        by_id: Mapping[str, Mapping[str, Any]],
        clock: float,
        update_state: str,
    ) -> bool:
        """Whether older tasks keep running and Swarm does not replace them.

        This happens when a specification arrives while Swarm ends a paused update to the same
        specification: Swarm takes it for that update and continues neither.
        """
        older = [
            task
            for task in tasks
            if running(task)
            and not of_present_spec(task, service)
            and node_up(by_id.get(str(task.get("NodeID") or ""), {}))
        ]
        starting = any(should_run(task) and not running(task) for task in tasks)
        idle = bool(older) and not starting and update_state in ("", "completed")
        self._stalled.note(["stalled"] if idle else [], clock)
        return idle and self._stalled.lasted("stalled", clock) >= self._rules.stall_grace

    def _is_stable(self, task: Mapping[str, Any], now: float, clock: float) -> bool:
        window = self._rules.stability_window
        key = str(task.get("ID"))
        if self._running.lasted(key, clock) >= window:
            return True
        # The age in Swarm's time stamps counts only for tasks from before this run's change: the
        # clocks of two managers may differ, and a newer task cannot have run longer than the wait.
        if self._changed and key not in (self._known or ()):
            return False
        stamp = seconds_of(dig(task, ("Status", "Timestamp")))
        updated = seconds_of(task.get("UpdatedAt"))
        times = [moment for moment in (stamp, updated) if moment is not None]
        return bool(times) and now - max(times) >= window

    @staticmethod
    def _group(task: Mapping[str, Any]) -> str:
        """Where Swarm replaces a task: in its slot, or on its node in a global service."""
        return str(task.get("Slot") or task.get("NodeID") or "")

    def _faults(
        self,
        tasks: Sequence[Mapping[str, Any]],
        service: Mapping[str, Any],
        by_id: Mapping[str, Mapping[str, Any]],
        clock: float,
        need: int,
        required: int,
        update_state: str,
    ) -> list[Fault]:
        """The faults that a longer wait cannot fix."""
        final: dict[str, Fault] = {}

        # With a cause that a retry does not fix, the second failure on the same node is final, or
        # the third one anywhere.
        for task in tasks:
            key = str(task.get("ID"))
            if state_of(task) not in _ENDED or key in (self._known or ()):
                continue
            if not of_present_spec(task, service):
                continue
            place = str(task.get("NodeID") or "")
            if cause_of(error_of(task)):
                self._failures[key] = (self._group(task), place)
            elif self._rules.crashes:
                self._crashes.setdefault(self._group(task), set()).add(key)
        by_task = {str(task.get("ID")): task for task in tasks}
        alive = {
            self._group(task) for task in tasks if running(task) and of_present_spec(task, service)
        }
        for group in dict.fromkeys(group for group, _place in self._failures.values()):
            entries = [(k, p) for k, (g, p) in self._failures.items() if g == group]
            places = [place for _key, place in entries]
            repeated = [place for place in places if places.count(place) >= 2]
            if group in alive or not (repeated or len(entries) >= 3):
                continue
            for key, place in reversed(entries):
                task_here = by_task.get(key)
                if task_here is not None and (place in repeated or not repeated):
                    final[group] = self._fault(task_here, by_id)
                    break
        for group, keys in self._crashes.items():
            ended = [task for task in tasks if str(task.get("ID")) in keys]
            if ended and group not in alive and len(keys) >= self._rules.crashes:
                final.setdefault(group, self._fault(ended[0], by_id))

        # No node accepts the task.  While an older task of the service is still stopping, it may
        # only hold the port or the node.
        pending = [
            task
            for task in tasks
            if should_run(task)
            and state_of(task) == "pending"
            and "no suitable node" in error_of(task)
        ]
        still_stopping = any(
            stopping(task) and node_up(by_id.get(str(task.get("NodeID") or ""), {}))
            for task in tasks
        )
        groups = {self._group(task): task for task in pending} if not still_stopping else {}
        self._unplaced.note(groups, clock)
        for group, task in groups.items():
            if self._unplaced.lasted(group, clock) >= self._rules.pending_grace:
                final.setdefault(group, self._fault(task, by_id))

        # Swarm starts no more tasks: the restart policy has reached its limit, or forbids a
        # restart.
        idle = (
            update_state not in ("updating", "rollback_started")
            and len([task for task in tasks if should_run(task)]) < required
        )
        self._missing.note(["missing"] if idle and required else [], clock)
        if self._missing.lasted("missing", clock) >= self._rules.pending_grace:
            errors = self._latest_errors(tasks, by_id, present=service)
            missing = required - len([task for task in tasks if should_run(task)])
            for index in range(missing):
                fault = (
                    errors[index]
                    if index < len(errors)
                    else Fault(
                        "",
                        None,
                        "given up",
                        f"Swarm starts no task any more, {missing} are missing",
                        "look at restart_config (condition, max_attempts) and at the task's log",
                    )
                )
                final.setdefault(f"missing {index}", fault)

        if final and required - len(final) < need:
            return list(dict.fromkeys(final.values()))
        return []

    @staticmethod
    def _fault(task: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]]) -> Fault:
        error = error_of(task)
        cause = cause_of(error)
        name = node_name(by_id.get(str(task.get("NodeID") or ""), {}))
        if "no suitable node" in error:
            remedy = "look at placement, reservations and published ports, and at docker node ls"
            if cause is not None and cause.kind == "port in use":
                remedy = "another service publishes that port there: remove it or use another port"
            return Fault(name, task.get("Slot"), "no suitable node", error, remedy)
        if state_of(task) == "complete":
            return Fault(
                name,
                task.get("Slot"),
                "program ends",
                "the program has ended with exit code 0",
                "the program of a service must not end: let it run in the foreground, or set mode: "
                "replicated-job, or wait: false, for one that ends",
            )
        image = str(dig(task, ("Spec", "ContainerSpec", "Image")) or "").partition("@")[0]
        return Fault(
            name,
            task.get("Slot"),
            cause.kind if cause else state_of(task),
            error,
            cause.remedy.replace("IMAGE", image or "IMAGE") if cause else "",
        )

    def _latest_errors(
        self,
        tasks: Sequence[Mapping[str, Any]],
        by_id: Mapping[str, Mapping[str, Any]],
        present: Mapping[str, Any] | None = None,
        *,
        unproven: Iterable[Mapping[str, Any]] = (),
    ) -> list[Fault]:
        """The newest failure of each slot or node in this wait, unless a task runs there again.

        A running task in ``unproven`` does not count: it may have the previous specification, or
        be about to fail like the one before.
        """
        newest: dict[str, Fault] = {}
        unproven_ids = {str(task.get("ID")) for task in unproven}
        healthy = {
            self._group(task)
            for task in tasks
            if running(task) and str(task.get("ID")) not in unproven_ids
        }
        for task in sorted(tasks, key=lambda task: str(task.get("CreatedAt") or ""), reverse=True):
            failed = state_of(task) in _ENDED
            # If this run changed nothing, only old failures can explain why no task runs.
            old = str(task.get("ID")) in (self._known or ()) and self._changed
            if not failed or old or (present is not None and not of_present_spec(task, present)):
                continue
            if self._group(task) not in healthy:
                newest.setdefault(self._group(task), self._fault(task, by_id))
        return list(newest.values())

    @staticmethod
    def _sentences(faults: Iterable[Fault], global_mode: bool) -> tuple[str, ...]:
        return tuple(fault.sentence(global_mode) for fault in faults)


# -- resume and removal ----------------------------------------------------------------------


def needs_resume(
    service: Mapping[str, Any],
    tasks: Sequence[Mapping[str, Any]],
    nodes: Sequence[Mapping[str, Any]],
) -> bool:
    """Whether Swarm has paused an update half-way, so that it must be sent again."""
    state = str(dig(service, ("UpdateStatus", "State")) or "")
    if state not in ("paused", "rollback_paused"):
        return False
    present = [task for task in tasks if running(task) and of_present_spec(task, service)]
    return len(present) < required_tasks(service, nodes)


def remaining_tasks(
    tasks: Iterable[Mapping[str, Any]], nodes: Iterable[Mapping[str, Any]]
) -> list[JsonDict]:
    """Tasks of a removed service that have not ended, except on nodes that are down."""
    up = {node.get("ID") for node in nodes if node_up(node)}
    remaining = [
        task for task in tasks if state_of(task) not in TERMINAL and task.get("NodeID") in up
    ]
    return summary(remaining, nodes)
