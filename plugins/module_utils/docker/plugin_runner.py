# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings one managed plugin from what is to what a task asks for, or leaves it as it was found."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.elk.swarm.plugins.module_utils.common.masking import blot_out
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    ConflictError,
    Engine,
    EngineError,
    SocketMissingError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.plugin_plan import (
    Installed,
    JsonDict,
    Plan,
    PluginError,
    Veil,
    Volume,
    Wanted,
    check_privileges,
    in_words,
    lacking,
    log_lines,
    plan,
    privileges_held,
    privileges_of,
    volumes_of,
    way_back,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.registry_login import auth_for

if TYPE_CHECKING:
    from collections.abc import Mapping

# Docker gives a plugin about 13 seconds to listen on its socket.
START = 30
# After a start that failed it clears up for a moment, and a start meanwhile fails of that.
_CLEARED_UP = 30
_PAUSE = 1.0


class PluginFailure(Exception):
    """The task was not done; ``result`` says what is known."""

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
    """Volumes that a plugin serves, with the containers that have them."""
    return volumes_of(driver, engine.volumes(driver)[0], engine.containers())


class PluginRun:
    """One run of the module."""

    def __init__(
        self,
        engine: Engine,
        wanted: Wanted,
        veil: Veil,
        check: bool = False,
        enable_timeout: int = 0,
        docker_config: Mapping[str, Any] | None = None,
        journal: Callable[[float], str] | None = None,
        registry_login: Mapping[str, Any] | None = None,
    ) -> None:
        self._engine = engine
        self._wanted = wanted
        self._veil = veil
        self._check = check
        self._timeout = enable_timeout
        self._docker_config = docker_config or {}
        self._journal = journal
        self._registry_login = registry_login
        self._raw: JsonDict = {}
        self._asked: list[JsonDict] = []
        self._asked_before: list[JsonDict] = []
        self.outcome = Outcome()
        self.secrets: set[str] = veil.secrets(wanted.options, {}, self._public())
        if registry_login:
            self.secrets.add(registry_login["password"])

    def run(self) -> Outcome:
        try:
            found = self._read()
            volumes = read_volumes(self._engine, found.name) if found else []
            way = plan(self._wanted, found, volumes, self._veil)
            self._ask(way, found)
            self.outcome.before, self.outcome.after = way.before, way.after
            if self._check:
                for step in way.steps:
                    self._note(step, way, found)
            elif way.steps:
                self._apply(way, found)
                self._read()
        except PluginError as error:
            raise self._failure(f"{error}.", **error.result) from error
        except EngineError as error:
            raise self._failure(f"Plugin {self._wanted.name}: {error}.") from error
        self.outcome.plugin = self._veil.inspection(self._raw)
        if not self.outcome.privileges and self._raw:
            self.outcome.privileges = privileges_held(self._raw["Config"])
        return self.outcome

    def _failure(self, message: str, **result: Any) -> PluginFailure:
        return PluginFailure(blot_out(message, self.secrets), {"changed": False, **result})

    # -- reading -----------------------------------------------------------------------------

    def _read(self) -> Installed | None:
        try:
            self._raw = self._engine.plugin(self._wanted.name) or {}
        except SocketMissingError:
            # A check of a play that would first install Docker.
            if not self._check:
                raise
            self._raw = {}
        if not self._raw:
            return None
        found = Installed.read(self._raw)
        self.secrets |= self._veil.secrets(self._wanted.options, found.settings, self._public())
        return found

    def _public(self) -> str:
        """What may be read by everybody and must not be blotted out."""
        known = [self._wanted.remote, self._wanted.name, self._engine.address]
        return json.dumps([*known, self._raw.get("Config"), self._raw.get("PluginReference")])

    def _ask(self, way: Plan, found: Installed | None) -> None:
        """Learn what the plugin asks for, before anything is changed."""
        wanted = self._wanted
        if not way.fetches:
            if found and wanted.state != "absent" and wanted.privileges is not None:
                held = privileges_held(self._raw["Config"])
                extra = [] if wanted.grant_all else lacking(held, wanted.privileges)
                if extra:
                    self.outcome.warnings.append(
                        f"The plugin {found.name} has privileges that the task does not name:"
                        f" {in_words(extra)}. They were granted when it was installed."
                    )
            return
        try:
            self._asked = self._privileges(wanted.remote)
        except SocketMissingError:
            if not self._check:
                raise
            return
        self.outcome.privileges = privileges_of(self._asked)
        check_privileges(wanted, self.outcome.privileges)
        if found and "enable" in way.steps:
            try:
                self._asked_before = self._privileges(found.reference)
            except EngineError as error:
                self.outcome.warnings.append(
                    f"If {wanted.remote} does not start there is no way back to"
                    f" {found.reference}: {error}."
                )

    def _privileges(self, remote: str) -> list[JsonDict]:
        auth = auth_for(remote, self._registry_login, self._docker_config)
        asked = self._engine.plugin_privileges(remote, auth)
        if not asked:
            # The same answer comes when the registry is away or has no such plugin.
            self._engine.image_digest(remote, auth)
        return asked

    # -- changing ----------------------------------------------------------------------------

    def _apply(self, way: Plan, found: Installed | None) -> None:
        for step in way.steps:
            begun = time.time()
            try:
                self._do(step, way, self._wanted.remote, self._asked)
            except EngineError as error:
                raise self._undo(step, error, found, begun) from error
            self._note(step, way, found)

    def _do(self, step: str, way: Plan, remote: str, asked: list[JsonDict]) -> None:
        engine, name = self._engine, self._wanted.name
        auth = auth_for(remote, self._registry_login, self._docker_config)
        if step == "install":
            engine.pull_plugin(remote, name, asked, auth)
        elif step == "upgrade":
            engine.upgrade_plugin(name, remote, asked, auth)
        elif step == "set":
            engine.set_plugin(name, way.options)
        elif step == "enable":
            engine.enable_plugin(name, self._timeout)
        elif step == "disable":
            engine.disable_plugin(name, way.forced)
        else:
            engine.remove_plugin(name, way.forced)

    def _note(self, step: str, way: Plan, found: Installed | None) -> None:
        name, remote = self._wanted.name, self._wanted.remote
        self.outcome.actions.append(
            {
                "install": f"installed {name} from {remote}",
                "upgrade": f"upgraded {name} from {found.reference if found else ''} to {remote}",
                "set": f"set {', '.join(way.options)} of {name}",
                "enable": f"enabled {name}",
                "disable": f"disabled {name}",
                "remove": f"removed {name}",
            }[step]
        )

    def _undo(
        self, step: str, error: EngineError, found: Installed | None, begun: float
    ) -> PluginFailure:
        """Bring back what was found, and say what became of it."""
        name = self._wanted.name
        if isinstance(error, ConflictError) and step in ("disable", "remove"):
            return self._failure(
                f"Docker does not let the plugin {name} be {step}d, because something refers to it:"
                f" {error.detail}. Volumes of a disabled plugin are not listed: enable it and look"
                f" with elk.swarm.plugin_info, or set force: true."
            )
        reason = f"The plugin {name} could not be {_PAST[step]}: {error}."
        lines: list[str] = []
        try:
            now = self._read()
            lines = self._said(now, begun) if step == "enable" else []
            self._go_back(found, now)
            left = True
            fate = "It is as it was found." if found else "It was removed again."
        except EngineError as again:
            left = False
            fate = (
                f"It could not be brought back to what was found: {again}. Next command: docker"
                f" plugin inspect {name}"
            )
        if step == "enable":
            reason += (
                f" It wrote: {' | '.join(lines)}."
                if lines
                else " What it wrote is in the log of the Docker daemon: journalctl -u docker."
            )
        return self._failure(f"{reason} {fate}", logs=lines, left_as_found=left, changed=not left)

    def _said(self, now: Installed | None, begun: float) -> list[str]:
        if self._journal is None or now is None:
            return []
        lines = log_lines(self._journal(begun), now.id)
        return [blot_out(line, self.secrets) for line in lines]

    def _go_back(self, found: Installed | None, now: Installed | None) -> None:
        if now is None:
            return
        if found is None:
            self._engine.remove_plugin(self._wanted.name, True)
            return
        way = way_back(found, now)
        deadline = time.monotonic() + _CLEARED_UP
        for step in way.steps:
            while True:
                try:
                    self._do(step, way, found.reference, self._asked_before)
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
