# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes one Swarm service to the desired state.

The order makes a killed run harmless: first create new configs and secrets, then write the service
in one request, then wait, and last remove the configs and secrets that no service uses any more.
The next run finds each of these steps complete or not started.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.common.nested import dig
from ansible_collections.elk.swarm.plugins.module_utils.common.options import OptionError
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    NO_NEW_PRIVILEGES_API,
    START_INTERVAL_API,
    ConflictError,
    Engine,
    EngineAwayError,
    EngineError,
    EngineTimeoutError,
    InUseError,
    NoQuorumError,
    NoSwarmError,
    NotFoundError,
    OutOfSequenceError,
    SocketMissingError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.registry_login import auth_for
from ansible_collections.elk.swarm.plugins.module_utils.swarm import (
    configs_and_secrets,
    job_convergence,
    service_convergence,
    service_spec,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.configs_and_secrets import (
    KINDS,
    Existing,
    Reference,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_facts import (
    SpecError,
    is_job,
    mode_of,
    replicas_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_result import swarm_service
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_spec import (
    Difference,
    JsonDict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Another client may write the service at the same moment, and Swarm does during an update.
_WRITE_ATTEMPTS = 20
# How many times a stalled update is sent again, and the seconds between.
_RESUMES = 3
_RESUME_PAUSE = 5.0
# Sentence about the previous specification in an error, by the state of Swarm's rollback.
_ROLLBACK_TEXT = {
    "": " Nothing has been rolled back.",
    "rollback_started": " Swarm is still restoring its previous specification.",
    "rollback_paused": " Swarm was restoring its previous specification, and stopped half-way.",
    "rollback_completed": " Swarm has restored its previous specification, and its tasks run it.",
}
_ROLLBACK_WITHOUT_TASKS = (
    " Swarm has restored its previous specification, but not all of its tasks have come up with it."
)
_RESUMED = "resume of the paused update"
# A wait tolerates managers without a leader for so many seconds.
_LEADER_TIMEOUT = 30.0
_WORD = {"configs": "config", "secrets": "secret"}


class ServiceError(Exception):
    """The service is not in the desired state; ``result`` holds the return values."""

    def __init__(self, message: str, result: JsonDict) -> None:
        super().__init__(message)
        self.result = result


@dataclass
class Outcome:
    changed: bool = False
    changes: list[str] = field(default_factory=list)
    rebuilt: bool = False
    before: JsonDict = field(default_factory=dict)
    after: JsonDict = field(default_factory=dict)
    service: JsonDict = field(default_factory=dict)
    swarm_service: JsonDict = field(default_factory=dict)
    tasks: list[JsonDict] = field(default_factory=list)
    running: int = 0
    desired: int = 0
    warnings: list[str] = field(default_factory=list)

    def note(self, change: str) -> None:
        self.changed = True
        self.changes.append(change)

    def show(self, service: Mapping[str, Any]) -> None:
        """Return the facts of a service that exists, or will."""
        self.service = brief(service)
        self.swarm_service = swarm_service(service["Spec"])

    def result(self) -> JsonDict:
        return {
            "changed": self.changed,
            "changes": self.changes,
            "rebuilt": self.rebuilt,
            "service": self.service,
            "swarm_service": self.swarm_service,
            "tasks": self.tasks,
            "running": self.running,
            "desired": self.desired,
        }


def brief(service: Mapping[str, Any]) -> JsonDict:
    """The facts about a service that the module returns."""
    spec = service.get("Spec") or {}
    return {
        "id": service.get("ID", ""),
        "name": spec.get("Name", ""),
        "version": dig(service, ("Version", "Index")),
        "image": dig(spec, ("TaskTemplate", "ContainerSpec", "Image")),
        "mode": mode_of(spec),
        "replicas": replicas_of(spec),
    }


class ServiceRun:
    """One run of the module."""

    def __init__(
        self,
        engine: Engine,
        options: Mapping[str, Any],
        check: bool = False,
        docker_config: Mapping[str, Any] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._options = dict(options)
        self._name = str(options["name"])
        self._check = check
        self._docker_config = docker_config or {}
        self._sleep = sleep
        self._clock = clock
        self._no_swarm = False
        self.outcome = Outcome()

    def run(self) -> Outcome:
        try:
            if self._options.get("state") == "absent":
                self._absent()
            else:
                self._present()
        except (SpecError, OptionError) as error:
            raise self._failure(f"Service {self._name}: {error}") from error
        except EngineError as error:
            raise self._failure(f"Service {self._name}: {self._done()}{error}") from error
        return self.outcome

    # -- reading -----------------------------------------------------------------------------

    def _read_service(self) -> JsonDict | None:
        try:
            return self._engine.service(self._name)
        except (SocketMissingError, NoSwarmError) as error:
            # In check mode, an earlier task of the play may be the one that creates the swarm.
            if not self._check:
                raise
            self._no_swarm = True
            self.outcome.warnings.append(
                f"Service {self._name} counts as absent, because there is no swarm yet: {error}"
            )
            return None

    def _read_objects(self) -> list[Existing]:
        if self._no_swarm:
            return []
        return [
            configs_and_secrets.existing(kind, raw)
            for kind in KINDS
            for raw in self._engine.objects(kind, {})
        ]

    def _network_ids(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, _aliases, _options in service_spec.network_names(self._options.get("networks")):
            network = None if self._no_swarm else self._engine.network(name)
            if network is not None:
                found[name] = network["Id"]
            elif self._check:
                found[name] = name
                if not self._no_swarm:
                    self.outcome.warnings.append(f"The network {name} does not exist yet")
            else:
                raise SpecError(
                    f"networks: the swarm has no network {name}. Create it first: docker network "
                    f"create --driver overlay {name}"
                )
        return found

    def _network_names(self, found: Iterable[Difference], known: Mapping[str, str]) -> JsonDict:
        """Names for the network ids in a difference; read only for a difference in networks."""
        names = {network_id: name for name, network_id in known.items()}
        for difference in found:
            if difference.option != "networks" or self._no_swarm:
                continue
            for view in difference.before or ():
                if view["name"] not in names:
                    network = self._engine.network(view["name"])
                    names[view["name"]] = network["Name"] if network else view["name"]
        return names

    def _auth(self) -> str | None:
        image = str(self._options.get("image") or "")
        return auth_for(image, self._options.get("registry_login"), self._docker_config)

    # -- state present -----------------------------------------------------------------------

    def _present(self) -> None:
        options = self._options
        key = options.get("secret_hash_key")
        if options.get("env_files"):
            options["env"] = {**self._env_files(), **service_spec.environment(options.get("env"))}
        references = [
            ref
            for kind in KINDS
            for ref in configs_and_secrets.references(kind, options.get(kind), key)
        ]
        # Raises for an invalid option before anything is changed.
        service_spec.build(options, references, service_spec.Lookups({}, {}))
        self._leave_out_unknown()

        service = self._read_service()
        if options.get("resolve_image") and not self._no_swarm:
            self._pin_image()
        networks = self._network_ids()
        present = self._read_objects()
        plan = configs_and_secrets.plan(references, present)
        for reference in plan.missing:
            word = _WORD[reference.kind]
            text = f"the swarm has no {word} {reference.name}"
            if reference.object_id:
                text += f" with the id {reference.object_id}"
            if not self._check:
                raise configs_and_secrets.ObjectError(
                    f"{reference.kind}: {text}. Create it first, or give its content as data"
                )
            self.outcome.warnings.append(f"{text[0].upper()}{text[1:]} yet")
        former = configs_and_secrets.referred_by(service["Spec"]) if service else set()
        for reference in plan.create:
            self.outcome.note(f"{_WORD[reference.kind]} created: {reference.name}")

        ids = dict(plan.ids)
        if not self._check:
            for reference in plan.create:
                ids[(reference.kind, reference.name)] = self._create_object(reference)
        lookups = service_spec.Lookups(networks, ids)
        known, replaced = self._write(service, references, lookups, networks)

        if self._check:
            self._predict_removals(references, former, present)
            if not self.outcome.changed:
                self._report()
            return
        if options.get("wait"):
            self._wait(known, replaced)
            self._remove_objects(references, former, present)
        else:
            self._report()

    def _env_files(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in self._options["env_files"]:
            try:
                text = safe_path.read_text(path)
            except (OSError, UnicodeDecodeError) as error:
                raise SpecError(f"env_files: {path} cannot be read: {error}") from error
            found.update(service_spec.environment_file(text, path))
        return found

    def _leave_out_unknown(self) -> None:
        """Drop options that an older Engine ignores, because they would differ in every run."""
        healthcheck = self._options.get("healthcheck") or {}
        if healthcheck.get("start_interval") and not self._speaks(START_INTERVAL_API):
            self._options["healthcheck"] = {**healthcheck, "start_interval": None}
        if self._options.get("no_new_privileges") and not self._speaks(NO_NEW_PRIVILEGES_API):
            self._options["no_new_privileges"] = None
            self.outcome.warnings.append(
                f"Service {self._name} runs without no_new_privileges: the Docker Engine of this "
                "manager is older than 25 and does not know it for services. Upgrade Docker, or "
                'put "no-new-privileges": true into /etc/docker/daemon.json of each host'
            )

    def _speaks(self, version: tuple[int, int]) -> bool:
        try:
            return self._engine.speaks(version)
        except SocketMissingError:
            # The next request, which reads the service, reports or accepts this.
            return True

    def _pin_image(self) -> None:
        image = str(self._options["image"])
        name, digest = service_spec.split_digest(image)
        if not digest:
            digest = self._engine.image_digest(name, self._auth())
            self._options["image"] = f"{name}@{digest}"

    def _create_object(self, reference: Reference) -> str:
        labels = configs_and_secrets.labels_for(reference.base, self._name)
        try:
            return self._engine.create_object(
                reference.kind, reference.name, reference.data or b"", labels
            )
        except ConflictError:
            # Another client created the same object at the same moment.
            for raw in self._engine.objects(reference.kind, {"name": [reference.name]}):
                item = configs_and_secrets.existing(reference.kind, raw)
                if item.name == reference.name:
                    return item.id
            raise

    def _write(
        self,
        service: JsonDict | None,
        references: list[Reference],
        lookups: service_spec.Lookups,
        networks: Mapping[str, str],
    ) -> tuple[set[str] | None, bool]:
        """Create or update the service if it differs.

        Returns the ids of the tasks before the change (None if nothing was changed), and whether
        Swarm replaces tasks although their own specification stays the same.
        """
        objects_changed = list(self.outcome.changes)
        for attempt in range(_WRITE_ATTEMPTS):
            if attempt:
                self._sleep(min(0.1 * attempt, 1.0))
                service = self._read_service()
            self.outcome.changes = list(objects_changed)
            try:
                if service is None:
                    return self._create(references, lookups, networks)
                return self._update(service, references, lookups, networks)
            except (OutOfSequenceError, ConflictError, NotFoundError) as error:
                # Another client changed, created or removed it after it was read.
                last = error
        raise EngineError(
            f"other clients change the service at the same time; {_WRITE_ATTEMPTS} attempts "
            f"failed: {last}"
        )

    def _create(
        self,
        references: list[Reference],
        lookups: service_spec.Lookups,
        networks: Mapping[str, str],
        kept: JsonDict | None = None,
    ) -> tuple[set[str] | None, bool]:
        desired = kept or service_spec.build(self._options, references, lookups)
        found = service_spec.created(desired)
        names = self._network_names((), networks)
        _none, after = service_spec.trees(found, names)
        self.outcome.before = {}
        self.outcome.after = {"name": self._name, **after}
        if self._check:
            self.outcome.note("created")
            self.outcome.show({"Spec": desired})
            return set(), False
        self._engine.create_service(desired, self._auth())
        self.outcome.note("created")
        return set(), False

    def _update(
        self,
        service: JsonDict,
        references: list[Reference],
        lookups: service_spec.Lookups,
        networks: Mapping[str, str],
    ) -> tuple[set[str] | None, bool]:
        options = self._options
        actual = service["Spec"]
        desired = service_spec.build(options, references, lookups, actual)
        kept = service_spec.unnamed(options) if options.get("keep_unnamed") else ()
        found = service_spec.differences(actual, desired, kept)
        names = self._network_names(found, networks)
        self.outcome.before, self.outcome.after = service_spec.trees(found, names)
        self.outcome.show(service)

        if options.get("on_difference") == "fail":
            for option in service_spec.unknown_options(found):
                self.outcome.warnings.append(
                    f"Service {self._name} was created by a Docker Engine that did not know "
                    f"{option}, and runs without it until the next change of the service"
                )
            found = service_spec.without_unknown(found)
            self.outcome.before, self.outcome.after = service_spec.trees(found, names)
        if found and options.get("on_difference") == "fail":
            raise SpecError(
                f"it exists and differs in {', '.join(sorted({d.option for d in found}))}, and "
                "on_difference=fail forbids to update it, because that would restart its tasks. "
                f"See what runs with: docker service inspect --pretty {self._name}"
            )
        if any(difference.option == "mode" for difference in found):
            whole = service_spec.patched(actual, desired, found) if kept else None
            return self._recreate(service, references, lookups, networks, whole)

        spec = service_spec.patched(actual, desired, found)
        notes = [difference.option for difference in found]
        if options.get("force_update"):
            spec = service_spec.forced(spec)
            notes.append("force_update")
        if not notes and self._stuck(service):
            notes.append(_RESUMED)
        if not notes:
            return None, False
        if not self._check:
            tasks = self._engine.tasks(service["ID"])
            known = {task["ID"] for task in tasks}
            if service_spec.restarts_tasks(found) and not all(
                service_convergence.same_placement(task, spec)
                for task in tasks
                if service_convergence.should_run(task)
            ):
                # Swarm would leave these tasks on their old ports.
                spec = service_spec.forced(spec)
            self.outcome.warnings += self._engine.update_service(
                service["ID"], service["Version"]["Index"], spec, self._auth()
            )
        else:
            known = set()
            self.outcome.show({**service, "Spec": spec})
        for change in notes:
            self.outcome.note(change)
        return known, service_spec.restarts_tasks(found)

    def _stuck(self, service: JsonDict) -> bool:
        state = dig(service, ("UpdateStatus", "State")) or ""
        if "paused" not in state:
            return False
        return service_convergence.needs_resume(
            service, self._engine.tasks(service["ID"]), self._engine.nodes()
        )

    def _recreate(
        self,
        service: JsonDict,
        references: list[Reference],
        lookups: service_spec.Lookups,
        networks: Mapping[str, str],
        kept: JsonDict | None,
    ) -> tuple[set[str] | None, bool]:
        """Remove and create the service, because Swarm cannot change its mode."""
        if not self._options.get("recreate"):
            raise SpecError(
                f"mode: the service is {mode_of(service['Spec'])}, and Swarm cannot "
                f"change it to {self._options['mode']}. It must be removed and created again, and "
                "none of its tasks runs in between. Set recreate: true to permit that"
            )
        if kept and is_job(kept):
            # Swarm accepts none for a job.
            kept.pop("UpdateConfig", None)
        before, after = self.outcome.before, self.outcome.after
        if not self._check:
            self._engine.remove_service(service["ID"])
        self.outcome.note("removed")
        self.outcome.rebuilt = True
        if not self._check:
            self._wait_gone(service["ID"])
        result = self._create(references, lookups, networks, kept)
        self.outcome.before, self.outcome.after = before, after
        return result

    # -- state absent ------------------------------------------------------------------------

    def _absent(self) -> None:
        service = self._read_service()
        present = self._read_objects() if self._options.get("remove_objects") else []
        former: set[tuple[str, str]] = set()
        if service is not None:
            former = configs_and_secrets.referred_by(service["Spec"])
            self.outcome.service = brief(service)
            found = service_spec.created(service["Spec"])
            names = self._network_names(
                [Difference(item.option, item.after, None, item.paths) for item in found], {}
            )
            _none, tree = service_spec.trees(found, names)
            self.outcome.before, self.outcome.after = {"name": self._name, **tree}, {}
            if not self._check:
                with contextlib.suppress(NotFoundError):
                    self._engine.remove_service(service["ID"])
            self.outcome.note("removed")
        if self._check:
            self._predict_removals([], former, present)
            return
        if service is not None and self._options.get("wait"):
            self._wait_gone(service["ID"])
        self._remove_objects([], former, present)

    def _wait_gone(self, service_id: str) -> None:
        end = self._clock() + float(self._options["wait_timeout"])
        pause = 0.1
        while True:
            remaining = service_convergence.remaining_tasks(
                self._engine.tasks_of_removed(service_id), self._engine.nodes()
            )
            if not remaining:
                return
            if self._clock() >= end:
                where = ", ".join(sorted({task["node"] or "?" for task in remaining}))
                self.outcome.tasks = remaining
                raise self._failure(
                    f"Service {self._name}: {self._done()}after "
                    f"{self._options['wait_timeout']} s {len(remaining)} of its tasks have not "
                    f"stopped, on {where}. Each may take stop_grace_period to stop; set "
                    "wait_timeout above it. Next command: docker ps, on these hosts"
                )
            self._sleep(pause)
            pause = min(pause * 1.5, 1.0)

    # -- unused configs and secrets ----------------------------------------------------------

    def _removable(
        self,
        references: list[Reference],
        former: set[tuple[str, str]],
        present: list[Existing],
    ) -> list[Existing]:
        used: set[tuple[str, str]] = set()
        if self._options.get("keep_unnamed") and self._options.get("state") != "absent":
            used = {one for one in former if self._options.get(one[0]) is None}
        candidates = configs_and_secrets.removable(self._name, references, former, present, used)
        if not candidates:
            return []
        for service in self._engine.services():
            if service["Spec"]["Name"] != self._name:
                used |= configs_and_secrets.referred_by(service["Spec"])
        return configs_and_secrets.removable(self._name, references, former, present, used)

    def _predict_removals(
        self,
        references: list[Reference],
        former: set[tuple[str, str]],
        present: list[Existing],
    ) -> None:
        if self._options.get("state") != "absent" and not self._options.get("wait"):
            return
        for item in self._removable(references, former, present):
            self.outcome.note(f"{_WORD[item.kind]} removed: {item.name}")

    def _remove_objects(
        self,
        references: list[Reference],
        former: set[tuple[str, str]],
        present: list[Existing],
    ) -> None:
        for item in self._removable(references, former, present):
            try:
                self._engine.remove_object(item.kind, item.id)
            except (InUseError, NotFoundError):
                # A service uses it by now, or another run has removed it. Both are correct.
                continue
            self.outcome.note(f"{_WORD[item.kind]} removed: {item.name}")

    # -- waiting -----------------------------------------------------------------------------

    def _wait(self, known: set[str] | None, replaced: bool) -> None:
        options = self._options
        job = self._is_job
        watch = (job_convergence.JobWatch if job else service_convergence.Watch)(
            service_convergence.Rules(
                stability_window=float(options["stability_window"]),
                pending_grace=float(options["pending_grace"]),
                min_running=options.get("min_running"),
                crashes=int(options.get("max_crashes") or 0),
            ),
            known,
            replaced,
        )
        start = self._clock()
        end = start + float(options["wait_timeout"])
        answered = start
        pause = 0.2
        resumes = 0
        resumed = start - _RESUME_PAUSE
        while True:
            try:
                verdict = self._look(watch)
                answered = self._clock()
                if verdict.stalled and resumes < _RESUMES and answered - resumed >= _RESUME_PAUSE:
                    resumes, resumed = resumes + 1, answered
                    self._resume()
            except (NoQuorumError, EngineTimeoutError, EngineAwayError) as error:
                # Managers do not answer for seconds while they elect a leader.
                if self._clock() - answered >= _LEADER_TIMEOUT or self._clock() >= end:
                    raise self._failure(
                        f"Service {self._name}: {self._done()}its state is not known: {error}"
                    ) from error
            else:
                if verdict.state == service_convergence.CONVERGED:
                    return
                # Wait for the end of a rollback, so that the error reports its result.
                under_way = verdict.rolling_back and self._clock() < end
                if verdict.state == service_convergence.FAILED and not under_way:
                    text = "cannot complete" if job else "cannot come up"
                    raise self._failure(self._sentence(text, verdict))
                if self._clock() >= end:
                    text = "has not completed" if job else "is not up"
                    text += f" after {options['wait_timeout']} s"
                    raise self._failure(self._sentence(text, verdict))
            self._sleep(max(0.05, min(pause, end - self._clock())))
            pause = min(pause * 1.3, 1.0)

    def _resume(self) -> None:
        """Send the present specification of the service again."""
        service = self._engine.service(self._name)
        if service is None:
            return
        with contextlib.suppress(OutOfSequenceError):
            self._engine.update_service(
                service["ID"], service["Version"]["Index"], service["Spec"], self._auth()
            )
            if _RESUMED not in self.outcome.changes:
                self.outcome.note(_RESUMED)

    def _look(self, watch: service_convergence.Watch) -> service_convergence.Verdict:
        service = self._engine.service(self._name)
        if service is None:
            raise EngineError("another client removed the service during the wait")
        tasks = self._engine.tasks(service["ID"])
        nodes = self._engine.nodes()
        verdict = watch.observe(service, tasks, nodes, self._engine.now(), self._clock())
        self._record(service, tasks, nodes, verdict.running)
        return verdict

    def _report(self) -> None:
        service = self._engine.service(self._name)
        if service is not None:
            tasks, nodes = self._engine.tasks(service["ID"]), self._engine.nodes()
            running = sum(1 for task in tasks if service_convergence.running(task))
            self._record(service, tasks, nodes, running)

    def _record(
        self, service: JsonDict, tasks: list[JsonDict], nodes: list[JsonDict], running: int
    ) -> None:
        outcome = self.outcome
        outcome.show(service)
        outcome.tasks = service_convergence.summary(tasks, nodes)
        outcome.running = running
        outcome.desired = service_convergence.required_tasks(service, nodes)
        if is_job(service["Spec"]):
            outcome.running, outcome.desired = job_convergence.progress(service, tasks, nodes)

    @property
    def _is_job(self) -> bool:
        return str(self._options.get("mode")).endswith("-job")

    # -- error texts -------------------------------------------------------------------------

    def _done(self) -> str:
        if self._check:
            return ""
        changes = self.outcome.changes
        if "created" in changes:
            return "it has been created, but "
        if "removed" in changes:
            return "it has been removed, but "
        if changes:
            return f"it has been changed ({', '.join(changes)}), but "
        return ""

    def _sentence(self, what: str, verdict: service_convergence.Verdict) -> str:
        done = self._done() or "nothing was changed, but "
        reasons = "; ".join(verdict.reasons) or "no reason is known"
        rollback = _ROLLBACK_TEXT[verdict.rollback] if self.outcome.changed else ""
        if verdict.rollback == "rollback_completed" and verdict.running < verdict.required:
            rollback = _ROLLBACK_WITHOUT_TASKS
        which = "previous" if verdict.rollback else "present"
        count = f"{verdict.running} of {verdict.required} tasks run its {which} specification"
        if self._is_job:
            count = f"{verdict.running} of {verdict.required} tasks have completed"
        return (
            f"Service {self._name}: {done}it {what} ({count}): {reasons}.{rollback} "
            f"Next command: docker service ps --no-trunc {self._name}"
        )

    def _failure(self, message: str) -> ServiceError:
        return ServiceError(message, self.outcome.result())
