# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes volumes to the desired state; if one of them has a blocker, none is changed.

A killed run leaves each volume absent, without its owner, or complete, and the next run sees which.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.elk.swarm.plugins.module_utils.common.masking import mask_secrets
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
    Desired,
    JsonDict,
    Owner,
    Plan,
    Users,
    VolumeError,
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
    failed: bool = False
    # Volumes that were changed before a failure.
    touched: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)

    def note(self, what: str, name: str) -> None:
        self.done.append(f"{what} {name}")
        self.touched.add(name)

    def _changed(self, plan: Plan) -> bool:
        return plan.desired.name in self.touched if self.failed else plan.changed

    def result(self) -> JsonDict:
        return {
            "changed": any(self._changed(plan) for plan in self.plans),
            "differences": [one.shown() for plan in self.plans for one in plan.differences],
            "volumes": [
                {
                    "name": plan.desired.name,
                    "changed": self._changed(plan),
                    "volume": volume_plan.shown_volume(self.found.get(plan.desired.name)),
                }
                for plan in self.plans
            ],
        }

    def diff(self) -> JsonDict:
        pairs = {plan.desired.name: volume_plan.sides(plan) for plan in self.plans if plan.changed}
        return {
            "before": {name: pair[0] for name, pair in pairs.items()},
            "after": {name: pair[1] for name, pair in pairs.items()},
        }


def read_users(engine: Engine, mounts: list[dict[str, str]] | None = None) -> Users:
    """Everything on this host and in its swarm that may refer to a volume.

    ``mounts`` are the service mounts that a manager has reported, for a host that is no manager.
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
    return Users(containers, mounts, known)


class VolumeRun:
    """One run of the module."""

    def __init__(self, engine: Engine, params: Mapping[str, Any], check: bool = False) -> None:
        self._engine = engine
        self._params = params
        self._check = check
        self._opened: Owners | None = None
        # From the desired options and the actual ones.
        self._secrets: set[str] = set()
        self.outcome = Outcome()

    def run(self) -> Outcome:
        desired = volume_plan.desired_volumes(self._params)
        for one in desired:
            self._secrets |= volume_plan.secrets_of(one.options)
        try:
            self._plan(desired)
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
            # Most tasks do not need it, and its import takes longer than a request for a volume.
            from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_owner import (
                Owners,
            )

            self._opened = Owners(self._engine)
        return self._opened

    # -- planning ----------------------------------------------------------------------------

    def _plan(self, desired: Iterable[Desired]) -> None:
        for one in desired:
            actual = self._read(one.name)
            self.outcome.found[one.name] = actual
            self._secrets |= volume_plan.secrets_of((actual or {}).get("Options"))
            owner = Owner()
            if actual and self._owner_matters(one, actual):
                owner = self._with_remedy(one.name, self._owners.read, actual)
            self.outcome.plans.append(volume_plan.make_plan(one, actual, owner))
        unchecked = [plan for plan in self.outcome.plans if plan.needs_references]
        if unchecked:
            users = read_users(self._engine)
            found = volume_plan.references([plan.actual or {} for plan in unchecked], users)
            self.outcome.plans = [
                volume_plan.guard(plan, found[plan.desired.name]) if plan in unchecked else plan
                for plan in self.outcome.plans
            ]
        blockers = [plan.blocker for plan in self.outcome.plans if plan.blocker]
        if blockers:
            raise self._failure(". ".join(blockers))
        for plan in self.outcome.plans:
            if plan.differences:
                self.outcome.warnings.append(volume_plan.drift_warning(plan))

    def _read(self, name: str) -> JsonDict | None:
        try:
            return self._engine.volume(name)
        except SocketMissingError:
            # In check mode, an earlier task of the play may be the one that installs Docker.
            if self._check:
                return None
            raise
        except NotFoundError as error:
            raise EngineError(
                f"Volume {name} exists, but its driver is missing: {error.detail}. Enable or"
                " install its plugin, and run this again. Next command: docker plugin ls"
            ) from error

    @staticmethod
    def _owner_matters(desired: Desired, actual: Mapping[str, Any]) -> bool:
        return (
            desired.present
            and bool(desired.owner)
            # To read it, Docker mounts the volume, and what its options name may not be there.
            and not volume_plan.is_recreated(desired, actual)
            and volume_plan.same_driver(desired.driver, str(actual.get("Driver")))
        )

    # -- changing ----------------------------------------------------------------------------

    def _apply(self, plan: Plan) -> None:
        name = plan.desired.name
        if plan.remove:
            try:
                self._engine.remove_volume(name)
            except ConflictError as error:
                raise EngineError(
                    f"Volume {name} was not removed: {error.detail}. Something has just started to"
                    " use it; find out what, and run this again. Next command: docker ps"
                    f" --all --filter volume={name}"
                ) from error
            self.outcome.note("removed", name)
            self.outcome.found[name] = None
        if plan.create:
            self._create(plan.desired)
            self.outcome.note("made", name)
        if plan.sets_owner:
            volume = self.outcome.found[name] or {}
            found = self._with_remedy(name, self._owners.write, volume, plan.owner_after)
            if plan.owner_after.over(found) != found:
                raise EngineError(
                    f"Volume {name} does not keep its owner: {plan.owner_after.shown()} was set,"
                    f" but it has {found.shown()} afterwards. A tmpfs takes the owner from the"
                    " mount options (o: uid=1000,gid=0,mode=0770), and some network file systems"
                    " take it from the server"
                )
            self.outcome.note("set the owner of", name)

    def _create(self, desired: Desired) -> None:
        try:
            self._engine.create_volume(volume_plan.create_body(desired))
            created = self._engine.volume(desired.name)
        except NotFoundError as error:
            raise EngineError(
                f"Volume {desired.name} was not created: this host has no volume driver"
                f" {desired.driver} ({error.detail}). Install and enable its plugin first. Next"
                " command: docker plugin ls"
            ) from error
        error_text = volume_plan.creation_error(desired, created)
        if error_text:
            raise EngineError(error_text)
        self.outcome.found[desired.name] = created

    @staticmethod
    def _with_remedy(name: str, access: Callable[..., Owner], *arguments: Any) -> Owner:
        """Read or set an owner; add the volume's name and a remedy to an error."""
        try:
            return access(*arguments)
        except (EngineError, OSError) as error:
            cause = cause_of(str(error))
            remedy = f"; {cause.remedy}" if cause else ""
            raise EngineError(
                f"Volume {name}: the owner of its directory cannot be read or set: {error}{remedy}"
            ) from error

    def _failure(self, message: str) -> VolumeError:
        done = f" Done before that: {', '.join(self.outcome.done)}." if self.outcome.done else ""
        self.outcome.failed = True
        return VolumeError(
            mask_secrets(f"{message.rstrip('.')}.{done}", self._secrets), self.outcome.result()
        )
