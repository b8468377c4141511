# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings volumes from what is to what a task asks for; when one may not be changed, none is.

A run that was killed leaves each volume absent, without its owner, or done, and the next run sees
which.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.elk.swarm.plugins.module_utils.common.masking import blot_out
from ansible_collections.elk.swarm.plugins.module_utils.docker import volume_plan
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    ConflictError,
    Engine,
    EngineError,
    NoSwarmError,
    NotFoundError,
    NotManagerError,
    SocketMissingError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.error_causes import cause_of
from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_plan import (
    JsonDict,
    Owner,
    Plan,
    Surroundings,
    VolumeError,
    Wanted,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_owner import Owners


@dataclass
class Outcome:
    """What one run found and did."""

    plans: list[Plan] = field(default_factory=list)
    found: dict[str, JsonDict | None] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    # Not all could be done; this is what was.
    failed: bool = False
    touched: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)

    def note(self, what: str, name: str) -> None:
        self.done.append(f"{what} {name}")
        self.touched.add(name)

    def _changed(self, plan: Plan) -> bool:
        return plan.wanted.name in self.touched if self.failed else plan.changed

    def result(self) -> JsonDict:
        return {
            "changed": any(self._changed(plan) for plan in self.plans),
            "differences": [one.shown() for plan in self.plans for one in plan.differences],
            "volumes": [
                {
                    "name": plan.wanted.name,
                    "changed": self._changed(plan),
                    "volume": volume_plan.shown_volume(self.found.get(plan.wanted.name)),
                }
                for plan in self.plans
            ],
        }

    def diff(self) -> JsonDict:
        pairs = {plan.wanted.name: volume_plan.sides(plan) for plan in self.plans if plan.changed}
        return {
            "before": {name: pair[0] for name, pair in pairs.items()},
            "after": {name: pair[1] for name, pair in pairs.items()},
        }


def surroundings(engine: Engine, mounts: list[dict[str, str]] | None = None) -> Surroundings:
    """Everything on this host and in its swarm that may refer to a volume.

    ``mounts`` are those that a manager has told, for a host that is none.
    """
    containers = engine.containers()
    try:
        mounts = volume_plan.service_mounts(engine.services())
    except NoSwarmError:
        mounts = mounts or []
    except NotManagerError:
        pass
    known: dict[str, str] = {}
    if any(volume_plan.is_template(mount["source"]) for mount in mounts or ()):
        info = engine.request("GET", "/info")
        known = {
            "Node.Hostname": str(info.get("Name")),
            "Node.ID": str((info.get("Swarm") or {}).get("NodeID")),
        }
    return Surroundings(containers, mounts, known)


class VolumeRun:
    """One run of the module."""

    def __init__(self, engine: Engine, params: Mapping[str, Any], check: bool = False) -> None:
        self._engine = engine
        self._params = params
        self._check = check
        self._opened: Owners | None = None
        # Of the options that are asked for and of those that are there.
        self._secrets: set[str] = set()
        self.outcome = Outcome()

    def run(self) -> Outcome:
        wanted = volume_plan.wanted_volumes(self._params)
        for one in wanted:
            self._secrets |= volume_plan.secrets_of(one.options)
        try:
            self._plan(wanted)
            if not self._check:
                for plan in self.outcome.plans:
                    self._apply(plan)
        except EngineError as error:
            raise self._failure(str(error)) from error
        finally:
            if self._opened:
                self._opened.close()
        return self.outcome

    @property
    def _owners(self) -> Owners:
        if self._opened is None:
            # Most tasks do not need it, and reading its code takes longer than asking for a volume.
            from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_owner import (
                Owners,
            )

            self._opened = Owners(self._engine)
        return self._opened

    # -- thinking ----------------------------------------------------------------------------

    def _plan(self, wanted: Iterable[Wanted]) -> None:
        for one in wanted:
            actual = self._read(one.name)
            self.outcome.found[one.name] = actual
            self._secrets |= volume_plan.secrets_of((actual or {}).get("Options"))
            owner = Owner()
            if actual and self._owner_matters(one, actual):
                owner = self._asked(one.name, self._owners.read, actual)
            self.outcome.plans.append(volume_plan.make_plan(one, actual, owner))
        questions = [plan for plan in self.outcome.plans if plan.needs_references]
        if questions:
            around = surroundings(self._engine)
            those = volume_plan.references([plan.actual or {} for plan in questions], around)
            self.outcome.plans = [
                volume_plan.guard(plan, those[plan.wanted.name]) if plan in questions else plan
                for plan in self.outcome.plans
            ]
        errors = [plan.error for plan in self.outcome.plans if plan.error]
        if errors:
            raise self._failure(". ".join(errors))
        for plan in self.outcome.plans:
            if plan.differences:
                self.outcome.warnings.append(volume_plan.drift_warning(plan))

    def _read(self, name: str) -> JsonDict | None:
        try:
            return self._engine.volume(name)
        except SocketMissingError:
            # A check of a play that would first install Docker.
            if self._check:
                return None
            raise
        except NotFoundError as error:
            raise EngineError(
                f"Volume {name} is there, and its driver is not: {error.detail}. Enable or install"
                " its plugin, and run this again. Next command: docker plugin ls"
            ) from error

    @staticmethod
    def _owner_matters(wanted: Wanted, actual: Mapping[str, Any]) -> bool:
        return (
            wanted.present
            and bool(wanted.owner)
            and wanted.recreate != "always"
            and volume_plan.same_driver(wanted.driver, str(actual.get("Driver")))
        )

    # -- doing -------------------------------------------------------------------------------

    def _apply(self, plan: Plan) -> None:
        name = plan.wanted.name
        if plan.remove:
            try:
                self._engine.remove_volume(name)
            except ConflictError as error:
                raise EngineError(
                    f"Volume {name} was not removed: {error.detail}. Something has begun to use it"
                    " in this moment; look what, and run this again. Next command: docker ps"
                    f" --all --filter volume={name}"
                ) from error
            self.outcome.note("removed", name)
            self.outcome.found[name] = None
        if plan.create:
            self._create(plan.wanted)
            self.outcome.note("made", name)
        if plan.own:
            volume = self.outcome.found[name] or {}
            found = self._asked(name, self._owners.write, volume, plan.owner_after)
            if plan.owner_after.over(found) != found:
                raise EngineError(
                    f"Volume {name} does not keep its owner: {plan.owner_after.shown()} was set,"
                    f" and {found.shown()} is there afterwards. A file system in memory takes it"
                    " from the mount options (o: uid=1000,gid=0,mode=0770), some network file"
                    " systems from the server"
                )
            self.outcome.note("set the owner of", name)

    def _create(self, wanted: Wanted) -> None:
        try:
            self._engine.create_volume(volume_plan.create_body(wanted))
            made = self._engine.volume(wanted.name)
        except NotFoundError as error:
            raise EngineError(
                f"Volume {wanted.name} was not made: this host has no volume driver"
                f" {wanted.driver} ({error.detail}). Install and enable its plugin first. Next"
                " command: docker plugin ls"
            ) from error
        wrong = volume_plan.made_wrong(wanted, made)
        if wrong:
            raise EngineError(wrong)
        self.outcome.found[wanted.name] = made

    @staticmethod
    def _asked(name: str, question: Callable[..., Owner], *arguments: Any) -> Owner:
        try:
            return question(*arguments)
        except (EngineError, OSError) as error:
            cause = cause_of(str(error))
            mend = f"; {cause.mend}" if cause else ""
            raise EngineError(
                f"Volume {name}: the owner of its directory: {error}{mend}"
            ) from error

    def _failure(self, message: str) -> VolumeError:
        done = f" Done before that: {', '.join(self.outcome.done)}." if self.outcome.done else ""
        self.outcome.failed = True
        return VolumeError(
            blot_out(f"{message.rstrip('.')}.{done}", self._secrets), self.outcome.result()
        )
