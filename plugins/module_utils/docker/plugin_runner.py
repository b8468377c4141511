# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes one managed plugin to the desired state, or restores it when the change fails."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.elk.swarm.plugins.module_utils.common.masking import mask_secrets
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    ConflictError,
    Engine,
    EngineError,
    SocketMissingError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.plugin_plan import (
    Desired,
    Installed,
    JsonDict,
    Plan,
    PluginError,
    Visibility,
    Volume,
    check_privileges,
    granted_privileges,
    log_lines,
    missing_privileges,
    plan,
    privileges_of,
    privileges_text,
    rollback_plan,
    volumes_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.registry_login import auth_for

if TYPE_CHECKING:
    from collections.abc import Mapping

# Docker gives a plugin about 13 seconds to listen on its socket.
START = 30
# After a failed start Docker cleans up for a moment, and a new start fails until that is done.
_CLEANUP_TIMEOUT = 30
_PAUSE = 1.0


class PluginFailure(Exception):
    """The task failed; ``result`` holds the return values."""

    def __init__(self, message: str, result: JsonDict) -> None:
        super().__init__(message)
        self.result = result


@dataclass
class Outcome:
    actions: list[str] = field(default_factory=list)
    before: JsonDict = field(default_factory=dict)
    after: JsonDict = field(default_factory=dict)
    plugin: JsonDict = field(default_factory=dict)
    privileges: list[JsonDict] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def result(self) -> JsonDict:
        return {
            "changed": bool(self.actions),
            "actions": self.actions,
            "plugin": self.plugin,
            "privileges": self.privileges,
        }


def read_volumes(engine: Engine, driver: str) -> list[Volume]:
    """A plugin's volumes, with the containers that use them."""
    return volumes_of(driver, engine.volumes(driver)[0], engine.containers())


class PluginRun:
    """One run of the module."""

    def __init__(
        self,
        engine: Engine,
        desired: Desired,
        visibility: Visibility,
        check: bool = False,
        enable_timeout: int = 0,
        docker_config: Mapping[str, Any] | None = None,
        journal: Callable[[float], str] | None = None,
        registry_login: Mapping[str, Any] | None = None,
    ) -> None:
        self._engine = engine
        self._desired = desired
        self._visibility = visibility
        self._check = check
        self._timeout = enable_timeout
        self._docker_config = docker_config or {}
        self._journal = journal
        self._registry_login = registry_login
        self._raw: JsonDict = {}
        # Privileges of the desired version, and of the version that a rollback would restore.
        self._required: list[JsonDict] = []
        self._required_before: list[JsonDict] = []
        self.outcome = Outcome()
        self.secrets: set[str] = visibility.secrets(desired.options, {}, self._public())
        if registry_login:
            self.secrets.add(registry_login["password"])

    def run(self) -> Outcome:
        try:
            found = self._read()
            volumes = read_volumes(self._engine, found.name) if found else []
            changes = plan(self._desired, found, volumes, self._visibility)
            self._read_privileges(changes, found)
            self.outcome.before, self.outcome.after = changes.before, changes.after
            if self._check:
                for step in changes.steps:
                    self._note(step, changes, found)
            elif changes.steps:
                self._apply(changes, found)
                self._read()
        except PluginError as error:
            raise self._failure(f"{error}.", **error.result) from error
        except EngineError as error:
            raise self._failure(f"Plugin {self._desired.name}: {error}.") from error
        self.outcome.plugin = self._visibility.inspection(self._raw)
        if not self.outcome.privileges and self._raw:
            self.outcome.privileges = granted_privileges(self._raw["Config"])
        return self.outcome

    def _failure(self, message: str, **result: Any) -> PluginFailure:
        return PluginFailure(mask_secrets(message, self.secrets), {"changed": False, **result})

    # -- reading -----------------------------------------------------------------------------

    def _read(self) -> Installed | None:
        try:
            self._raw = self._engine.plugin(self._desired.name) or {}
        except SocketMissingError:
            # In check mode, an earlier task of the play may be the one that installs Docker.
            if not self._check:
                raise
            self._raw = {}
        if not self._raw:
            return None
        found = Installed.read(self._raw)
        self.secrets |= self._visibility.secrets(
            self._desired.options, found.settings, self._public()
        )
        return found

    def _public(self) -> str:
        """Text that is public and must not be masked."""
        known = [self._desired.remote, self._desired.name, self._engine.address]
        return json.dumps([*known, self._raw.get("Config"), self._raw.get("PluginReference")])

    def _read_privileges(self, changes: Plan, found: Installed | None) -> None:
        """Read and check the privileges that the plugin needs, before anything is changed."""
        desired = self._desired
        if not changes.fetches:
            if found and desired.state != "absent" and desired.privileges is not None:
                granted = granted_privileges(self._raw["Config"])
                extra = [] if desired.grant_all else missing_privileges(granted, desired.privileges)
                if extra:
                    self.outcome.warnings.append(
                        f"The plugin {found.name} has privileges that the task does not name:"
                        f" {privileges_text(extra)}. They were granted when it was installed."
                    )
            return
        try:
            self._required = self._privileges(desired.remote)
        except SocketMissingError:
            if not self._check:
                raise
            return
        self.outcome.privileges = privileges_of(self._required)
        check_privileges(desired, self.outcome.privileges)
        if found and "enable" in changes.steps:
            try:
                self._required_before = self._privileges(found.reference)
            except EngineError as error:
                self.outcome.warnings.append(
                    f"If {desired.remote} does not start, there is no way back to"
                    f" {found.reference}: {error}."
                )

    def _privileges(self, remote: str) -> list[JsonDict]:
        auth = auth_for(remote, self._registry_login, self._docker_config)
        required = self._engine.plugin_privileges(remote, auth)
        if not required:
            # The list is also empty if the registry does not answer or has no such plugin. This
            # request fails then.
            self._engine.image_digest(remote, auth)
        return required

    # -- changing ----------------------------------------------------------------------------

    def _apply(self, changes: Plan, found: Installed | None) -> None:
        for step in changes.steps:
            started = time.time()
            try:
                self._do(step, changes, self._desired.remote, self._required)
            except EngineError as error:
                raise self._undo(step, error, found, started) from error
            self._note(step, changes, found)

    def _do(self, step: str, changes: Plan, remote: str, privileges: list[JsonDict]) -> None:
        engine, name = self._engine, self._desired.name
        auth = auth_for(remote, self._registry_login, self._docker_config)
        if step == "install":
            engine.pull_plugin(remote, name, privileges, auth)
        elif step == "upgrade":
            engine.upgrade_plugin(name, remote, privileges, auth)
        elif step == "set":
            engine.set_plugin(name, changes.options)
        elif step == "enable":
            engine.enable_plugin(name, self._timeout)
        elif step == "disable":
            engine.disable_plugin(name, changes.forced)
        else:
            engine.remove_plugin(name, changes.forced)

    def _note(self, step: str, changes: Plan, found: Installed | None) -> None:
        name, remote = self._desired.name, self._desired.remote
        self.outcome.actions.append(
            {
                "install": f"installed {name} from {remote}",
                "upgrade": f"upgraded {name} from {found.reference if found else ''} to {remote}",
                "set": f"set {', '.join(changes.options)} of {name}",
                "enable": f"enabled {name}",
                "disable": f"disabled {name}",
                "remove": f"removed {name}",
            }[step]
        )

    def _undo(
        self, step: str, error: EngineError, found: Installed | None, started: float
    ) -> PluginFailure:
        """Restore the plugin that was found; the returned error says whether that worked."""
        name = self._desired.name
        if isinstance(error, ConflictError) and step in ("disable", "remove"):
            return self._failure(
                f"The plugin {name} cannot be {step}d, because something refers to it:"
                f" {error.detail}. Docker does not list the volumes of a disabled plugin: enable it"
                f" and list them with elk.swarm.plugin_info, or set force: true."
            )
        reason = f"The plugin {name} could not be {_PAST[step]}: {error}."
        lines: list[str] = []
        try:
            now = self._read()
            lines = self._log(now, started) if step == "enable" else []
            self._restore(found, now)
            restored = True
            state = "Its previous state was restored." if found else "It was removed again."
        except EngineError as again:
            restored = False
            state = (
                f"Its previous state could not be restored: {again}. Next command: docker plugin"
                f" inspect {name}"
            )
        if step == "enable":
            reason += (
                f" Its last log lines: {' | '.join(lines)}."
                if lines
                else " Its log lines are in the log of the Docker daemon: journalctl -u docker."
            )
        return self._failure(
            f"{reason} {state}", logs=lines, left_as_found=restored, changed=not restored
        )

    def _log(self, now: Installed | None, started: float) -> list[str]:
        if self._journal is None or now is None:
            return []
        lines = log_lines(self._journal(started), now.id)
        return [mask_secrets(line, self.secrets) for line in lines]

    def _restore(self, found: Installed | None, now: Installed | None) -> None:
        if now is None:
            return
        if found is None:
            self._engine.remove_plugin(self._desired.name, True)
            return
        changes = rollback_plan(found, now)
        deadline = time.monotonic() + _CLEANUP_TIMEOUT
        for step in changes.steps:
            while True:
                try:
                    self._do(step, changes, found.reference, self._required_before)
                    break
                except EngineError:
                    if step != "enable" or time.monotonic() > deadline:
                        raise
                    time.sleep(_PAUSE)


_PAST = {
    "install": "installed",
    "upgrade": "upgraded",
    "set": "set",
    "enable": "enabled",
    "disable": "disabled",
    "remove": "removed",
}
