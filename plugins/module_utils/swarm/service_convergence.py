# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a Swarm service become what its specification says?

Nothing here talks to a daemon or looks at a clock: :class:`Watch` is fed with what the Engine
says and with the time, and answers ``converged``, ``wait`` or ``failed`` with the reasons.

A task counts when its *actual* state is running (Swarm says so only once a healthcheck has
passed), its specification is the service's present one, and its node is up, not drained and
satisfies the constraints.  What Swarm merely desires never counts.
"""

from __future__ import annotations

import copy
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
    mode_of,
    replicas_of,
)

JsonDict = dict[str, Any]

CONVERGED = "converged"

WAIT = "wait"

FAILED = "failed"

_TERMINAL = frozenset({"complete", "shutdown", "failed", "rejected", "remove", "orphaned"})

_WANTED = frozenset(
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


def node_name(node: Mapping[str, Any]) -> str:
    return str(dig(node, ("Description", "Hostname")) or node.get("ID", ""))


def node_up(node: Mapping[str, Any]) -> bool:
    return bool(dig(node, ("Status", "State")) == "ready")


def _matches(operator: str, wanted: str, value: str) -> bool:
    equal: bool = wanted.lower() == value.lower()
    return equal if operator == "==" else not equal


def _matches_ip(operator: str, wanted: str, value: str) -> bool:
    try:
        inside = ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        inside = False
    return inside if operator == "==" else not inside


def satisfies(node: Mapping[str, Any], constraints: Iterable[str]) -> bool:
    """Whether a node meets placement constraints, by Swarm's own rules."""
    for expression in constraints:
        try:
            key, operator, wanted = constraint_parts(expression)
        except SpecError:
            # Swarm places nothing by a constraint that it cannot read.
            return False
        lower = key.lower()
        if lower == "node.ip":
            if not _matches_ip(operator, wanted, str(dig(node, ("Status", "Addr")) or "")):
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
        if not _matches(operator, wanted, str(value or "")):
            return False
    return True


def _fits_platform(node: Mapping[str, Any], platforms: Iterable[Mapping[str, Any]]) -> bool:
    wanted = list(platforms)
    if not wanted:
        return True
    has = dig(node, ("Description", "Platform")) or {}

    def architecture(name: str) -> str:
        return _ARCHITECTURES.get(name.lower(), name.lower())

    for platform in wanted:
        system, arch = platform.get("OS") or "", platform.get("Architecture") or ""
        if (not system or system.lower() == str(has.get("OS", "")).lower()) and (
            not arch or architecture(arch) == architecture(str(has.get("Architecture", "")))
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


def state_of(task: Mapping[str, Any]) -> str:
    return str(dig(task, ("Status", "State")) or "")


def error_of(task: Mapping[str, Any]) -> str:
    return str(dig(task, ("Status", "Err")) or "")


def wanted(task: Mapping[str, Any]) -> bool:
    """Swarm wants this task to run and it has not ended."""
    return str(task.get("DesiredState")) in _WANTED and state_of(task) not in _TERMINAL


def stopping(task: Mapping[str, Any]) -> bool:
    """Swarm wants this task gone and it is still there."""
    return str(task.get("DesiredState")) not in _WANTED and state_of(task) not in _TERMINAL


def running(task: Mapping[str, Any]) -> bool:
    return wanted(task) and state_of(task) == "running"


def _pruned(value: Any) -> Any:
    """Without empty parts, which come and go between a service and its tasks."""
    if isinstance(value, Mapping):
        cleaned = {key: _pruned(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item not in (None, {}, [], "")}
    if isinstance(value, list):
        return [_pruned(item) for item in value]
    return value


def _comparable(task_spec: Mapping[str, Any] | None) -> Any:
    spec = copy.copy(dict(task_spec or {}))
    # The service names the runtime, the task does not; constraints are judged by node instead,
    # because Swarm leaves a task alone whose node meets the new ones too.
    spec.pop("Runtime", None)
    placement = dict(spec.get("Placement") or {})
    placement.pop("Constraints", None)
    spec["Placement"] = placement
    spec["ForceUpdate"] = spec.get("ForceUpdate") or 0
    return _pruned(spec)


def of_present_spec(task: Mapping[str, Any], service: Mapping[str, Any]) -> bool:
    """Whether a task was made from the specification that the service has now."""
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
    """Tasks as people read them, the newest of each slot first."""
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
    """How many tasks the specification asks for on the nodes there are."""
    spec = service.get("Spec") or {}
    if mode_of(spec) == "global":
        return len(eligible(nodes, spec))
    return replicas_of(spec) or 0


@dataclass(frozen=True)
class Fault:
    """Why a task does not come up."""

    node: str
    slot: int | None
    kind: str
    error: str
    mend: str

    def sentence(self, global_mode: bool = False) -> str:
        where = f"on node {self.node}" if self.node else "on no node"
        which = "" if global_mode or not self.slot else f"slot {self.slot} "
        text = f"{which}{where}: {self.error or self.kind}"
        return f"{text} [{self.mend}]" if self.mend else text


@dataclass(frozen=True)
class Verdict:
    state: str
    running: int
    required: int
    reasons: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    # Swarm has forgotten that older tasks are to be replaced, and must be told again.
    stalled: bool = False
    # How far Swarm has got with putting the former specification back; empty when it does not.
    rollback: str = ""
    # The update has failed, and what Swarm puts back does not stand yet.
    returning: bool = False


@dataclass(frozen=True)
class Rules:
    """What a wait demands."""

    stability_window: float = 5.0
    pending_grace: float = 20.0
    stall_grace: float = 3.0
    # None: as many as the specification asks for.
    min_running: int | None = None
    # Times that a task may end by itself on one node, for no known cause; 0 is any number.
    crashes: int = 0


@dataclass
class _Since:
    """Since when something has been seen without a break."""

    first: dict[str, float] = field(default_factory=dict)

    def note(self, keys: Iterable[str], clock: float) -> None:
        seen = set(keys)
        self.first = {key: self.first.get(key, clock) for key in seen}

    def lasted(self, key: str, clock: float) -> float:
        return clock - self.first.get(key, clock)


class Watch:
    """Judges one service again and again until it stands or cannot stand.

    ``known`` are the ids of the tasks that existed before this run changed the service; None when
    it changed nothing.  Their old failures are history, and with ``replaced`` (the change makes
    Swarm replace tasks without their specification telling) their running does not count either.
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
        """One look.  ``now`` is the Engine's wall clock, ``clock`` a steady one."""
        if self._known is None:
            self._known = {str(task.get("ID")) for task in tasks if not wanted(task)}
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
                and not (self._replaced and str(task.get("ID")) in (self._known or ()))
            )

        counted = [task for task in tasks if counts(task)]
        self._running.note((str(task.get("ID")) for task in counted), clock)
        have = self._have(counted, by_id, spec, global_mode)

        reasons: list[str] = []
        update = service.get("UpdateStatus") or {}
        update_state = str(update.get("State") or "")
        surplus = self._surplus(tasks, counted, by_id, global_mode, required)
        unsettled = [task for task in counted if not self._settled(task, now, clock)]

        # A lowered bar is about the number alone: the rest of the update may go on behind it.
        rest = self._rules.min_running is not None or (self._clean(update_state) and not surplus)
        if have >= need and rest and not unsettled:
            return Verdict(CONVERGED, have, required)

        back = update_state if self._changed and update_state.startswith("rollback") else ""
        faults = self._faults(tasks, service, by_id, clock, need, required, update_state)
        if faults:
            said = self._say(faults, global_mode)
            return Verdict(FAILED, have, required, said, tuple(faults), rollback=back)

        if back or (self._changed and update_state == "paused"):
            word = "rolls the update back" if back else "paused the update"
            reasons.append(f"Swarm {word}: {update.get('Message') or update_state}")
            found = self._latest_errors(tasks, by_id, unproven=tasks if back else ())
            reasons += self._say(found, global_mode)
            # A task that Swarm has begun anew from the former specification while the update was
            # failing is left to itself: a rollback ends without waiting for it.
            returning = back == "rollback_started" or (back == "rollback_completed" and have < need)
            return Verdict(
                FAILED,
                have,
                required,
                tuple(reasons),
                tuple(found),
                rollback=back,
                returning=returning,
            )

        if have < need:
            reasons.append(f"{have} of {need} tasks run the present specification")
        if update_state in ("updating", "rollback_started"):
            reasons.append(f"Swarm is still at it: {update.get('Message') or update_state}")
        if surplus:
            reasons.append(f"{len(surplus)} older tasks have not stopped yet")
        if have >= need and unsettled:
            reasons.append(
                f"{len(unsettled)} tasks have not yet run for {self._rules.stability_window:g} s"
            )
        latest = self._latest_errors(tasks, by_id, unproven=unsettled)
        coming = [task for task in tasks if wanted(task) and task not in counted]
        for task in coming[:10]:
            name = node_name(by_id.get(str(task.get("NodeID") or ""), {}))
            place = f"on {name}" if name else f"slot {task.get('Slot')}"
            text = error_of(task) or str(dig(task, ("Status", "Message")) or "")
            reasons.append(f"task {place} is {state_of(task)}" + (f" ({text})" if text else ""))
        reasons += self._say(latest, global_mode)
        return Verdict(
            WAIT,
            have,
            required,
            tuple(dict.fromkeys(reasons)),
            tuple(latest),
            self._forgotten(tasks, service, by_id, clock, update_state),
        )

    # -- parts of the judgement ----------------------------------------------------------

    def _clean(self, update_state: str) -> bool:
        """Whether Swarm is done with updating.

        A pause or rollback of an update that is not this run's is history: the tasks tell.
        """
        if update_state in ("updating", "rollback_started"):
            return False
        return not self._changed or update_state in ("", "completed")

    @staticmethod
    def _have(
        counted: Sequence[Mapping[str, Any]],
        by_id: Mapping[str, Mapping[str, Any]],
        spec: Mapping[str, Any],
        global_mode: bool,
    ) -> int:
        if not global_mode:
            return len(counted)
        # A paused node keeps its task, but nothing is demanded of it.
        places = {str(node.get("ID")) for node in eligible(by_id.values(), spec)}
        return len({str(task.get("NodeID")) for task in counted} & places)

    @staticmethod
    def _surplus(
        tasks: Sequence[Mapping[str, Any]],
        counted: Sequence[Mapping[str, Any]],
        by_id: Mapping[str, Mapping[str, Any]],
        global_mode: bool,
        required: int,
    ) -> list[Mapping[str, Any]]:
        """Tasks that Swarm has yet to stop: of an older specification, or one too many."""
        ids = {str(task.get("ID")) for task in counted}
        found = []
        for task in tasks:
            node = by_id.get(str(task.get("NodeID") or ""))
            # Nobody can wait for a node that is down: its tasks are replaced elsewhere.
            if node is None or not node_up(node) or str(task.get("ID")) in ids:
                continue
            if running(task) or stopping(task):
                found.append(task)
        if not global_mode and len(counted) > required:
            found += counted[required:]
        return found

    def _forgotten(
        self,
        tasks: Sequence[Mapping[str, Any]],
        service: Mapping[str, Any],
        by_id: Mapping[str, Mapping[str, Any]],
        clock: float,
        update_state: str,
    ) -> bool:
        """Whether older tasks run on and Swarm does nothing about it.

        A specification that arrives while Swarm is still ending the paused update to the very same
        one is taken for that update, and then neither goes on.
        """
        older = [
            task
            for task in tasks
            if running(task)
            and not of_present_spec(task, service)
            and node_up(by_id.get(str(task.get("NodeID") or ""), {}))
        ]
        coming = any(wanted(task) and not running(task) for task in tasks)
        idle = bool(older) and not coming and update_state in ("", "completed")
        self._stalled.note(["stalled"] if idle else [], clock)
        return idle and self._stalled.lasted("stalled", clock) >= self._rules.stall_grace

    def _settled(self, task: Mapping[str, Any], now: float, clock: float) -> bool:
        window = self._rules.stability_window
        key = str(task.get("ID"))
        if self._running.lasted(key, clock) >= window:
            return True
        # Only what stood before this run's change may prove itself by its age: clocks of two
        # managers may differ, and a task this run made has surely not run longer than the wait.
        if self._changed and key not in (self._known or ()):
            return False
        stamp = seconds_of(dig(task, ("Status", "Timestamp")))
        updated = seconds_of(task.get("UpdatedAt"))
        times = [moment for moment in (stamp, updated) if moment is not None]
        return bool(times) and now - max(times) >= window

    @staticmethod
    def _group(task: Mapping[str, Any]) -> str:
        """What Swarm replaces a task within: its slot, or its node in a global service."""
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
        """What makes waiting longer useless."""
        hopeless: dict[str, Fault] = {}

        # A task that fails for a reason which a retry does not cure has failed for good the
        # second time on the same node, or the third time anywhere: by then Swarm has tried.
        for task in tasks:
            key = str(task.get("ID"))
            if state_of(task) not in ("failed", "rejected") or key in (self._known or ()):
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
                    hopeless[group] = self._fault(task_here, by_id)
                    break
        for group, keys in self._crashes.items():
            ended = [task for task in tasks if str(task.get("ID")) in keys]
            if ended and group not in alive and len(keys) >= self._rules.crashes:
                hopeless.setdefault(group, self._fault(ended[0], by_id))

        # No node takes the task.  While an older task of the service is still stopping, the
        # port or the place may only be waiting for it.
        pending = [
            task
            for task in tasks
            if wanted(task) and state_of(task) == "pending" and "no suitable node" in error_of(task)
        ]
        held = any(
            stopping(task) and node_up(by_id.get(str(task.get("NodeID") or ""), {}))
            for task in tasks
        )
        groups = {self._group(task): task for task in pending} if not held else {}
        self._unplaced.note(groups, clock)
        for group, task in groups.items():
            if self._unplaced.lasted(group, clock) >= self._rules.pending_grace:
                hopeless.setdefault(group, self._fault(task, by_id))

        # Swarm starts nothing any more: the restart policy has given up, or a task has ended
        # for good.
        idle = (
            update_state not in ("updating", "rollback_started")
            and len([task for task in tasks if wanted(task)]) < required
        )
        self._missing.note(["missing"] if idle and required else [], clock)
        if self._missing.lasted("missing", clock) >= self._rules.pending_grace:
            errors = self._latest_errors(tasks, by_id, present=service)
            absent = required - len([task for task in tasks if wanted(task)])
            for index in range(absent):
                fault = (
                    errors[index]
                    if index < len(errors)
                    else Fault(
                        "",
                        None,
                        "given up",
                        f"Swarm starts no task any more, {absent} are missing",
                        "look at restart_config (condition, max_attempts) and at the task's log",
                    )
                )
                hopeless.setdefault(f"missing {index}", fault)

        if hopeless and required - len(hopeless) < need:
            return list(dict.fromkeys(hopeless.values()))
        return []

    @staticmethod
    def _fault(task: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]]) -> Fault:
        error = error_of(task)
        cause = cause_of(error)
        name = node_name(by_id.get(str(task.get("NodeID") or ""), {}))
        if "no suitable node" in error:
            mend = "look at placement, reservations and published ports, and at docker node ls"
            if cause is not None and cause.kind == "port in use":
                mend = "another service publishes that port there: remove it or use another port"
            return Fault(name, task.get("Slot"), "no suitable node", error, mend)
        image = str(dig(task, ("Spec", "ContainerSpec", "Image")) or "").partition("@")[0]
        return Fault(
            name,
            task.get("Slot"),
            cause.kind if cause else state_of(task),
            error,
            cause.mend.replace("IMAGE", image or "IMAGE") if cause else "",
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

        The ``unproven`` ones tell nothing by running: they may be of the former specification, or
        about to fail like the one before.
        """
        newest: dict[str, Fault] = {}
        doubted = {str(task.get("ID")) for task in unproven}
        healthy = {
            self._group(task)
            for task in tasks
            if running(task) and str(task.get("ID")) not in doubted
        }
        for task in sorted(tasks, key=lambda task: str(task.get("CreatedAt") or ""), reverse=True):
            failed = state_of(task) in ("failed", "rejected")
            # Without a change the history is all there is to tell why nothing runs.
            old = str(task.get("ID")) in (self._known or ()) and self._changed
            if not failed or old or (present is not None and not of_present_spec(task, present)):
                continue
            if self._group(task) not in healthy:
                newest.setdefault(self._group(task), self._fault(task, by_id))
        return list(newest.values())

    @staticmethod
    def _say(faults: Iterable[Fault], global_mode: bool) -> tuple[str, ...]:
        return tuple(fault.sentence(global_mode) for fault in faults)


def needs_resume(
    service: Mapping[str, Any],
    tasks: Sequence[Mapping[str, Any]],
    nodes: Sequence[Mapping[str, Any]],
) -> bool:
    """Whether Swarm stopped in the middle of an update and waits to be told to go on."""
    state = str(dig(service, ("UpdateStatus", "State")) or "")
    if state not in ("paused", "rollback_paused"):
        return False
    present = [task for task in tasks if running(task) and of_present_spec(task, service)]
    return len(present) < required_tasks(service, nodes)


def gone(tasks: Iterable[Mapping[str, Any]], nodes: Iterable[Mapping[str, Any]]) -> list[JsonDict]:
    """Tasks of a removed service that are not yet gone; nobody can wait for a node that is down."""
    up = {node.get("ID") for node in nodes if node_up(node)}
    left = [task for task in tasks if state_of(task) not in _TERMINAL and task.get("NodeID") in up]
    return summary(left, nodes)
