# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A managed plugin of Docker: the steps from the installed plugin to the desired one.

Docker changes options and versions only of a disabled plugin, so an enabled one is disabled for the
change and enabled again.  Any option may be a password.  A value is shown only if it is public, or
if the task permits it.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common.masking import MASK
from ansible_collections.elk.swarm.plugins.module_utils.common.text import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

JsonDict = dict[str, Any]

MASK_NEW = f"{MASK} (new)"
# Shorter ones occur in many words, and masking them would make messages unreadable.
_SHORTEST_SECRET = 4
_NO_SECRETS = ("true", "false", "none", "null")
_MOST_LOG_LINES = 20
_LOG_MESSAGE = re.compile(r'msg="((?:[^"\\]|\\.)*)"')


class PluginError(ValueError):
    """The task cannot be done; the text says why and what to do. ``result`` adds return values."""

    def __init__(self, message: str, **result: Any) -> None:
        super().__init__(message)
        self.result = result


# -- names -----------------------------------------------------------------------------------


def normalise(reference: str) -> str:
    """Write a plugin's reference in full, as Docker stores it: a digest replaces the tag."""
    name, _at, digest = reference.partition("@")
    first, slash, _rest = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif not ("." in first or ":" in first or first == "localhost"):
        name = f"docker.io/{name}"
    base, colon, tag = name.rpartition(":")
    tagged = bool(colon) and "/" not in tag
    if digest:
        return f"{base if tagged else name}@{digest}"
    return name if tagged else f"{name}:latest"


def local_name(remote: str, alias: str | None) -> str:
    """The name under which Docker installs a plugin; it always ends with a tag."""
    name = alias or remote.partition("@")[0]
    for prefix in ("docker.io/library/", "docker.io/"):
        if name.startswith(prefix):
            name = name[len(prefix) :]
            break
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


# -- options ---------------------------------------------------------------------------------


def option_values(options: Mapping[str, Any] | None) -> dict[str, str]:
    """Turn the task's values into the strings that a plugin gets."""
    found: dict[str, str] = {}
    for name, value in (options or {}).items():
        if value is None:
            found[name] = ""
        elif isinstance(value, bool):
            found[name] = "true" if value else "false"
        elif isinstance(value, (str, int, float)):
            found[name] = str(value)
        else:
            raise PluginError(
                f"plugin_options.{name} is a {type(value).__name__}, and a plugin takes only text."
                " Write the text that the plugin expects, in quotes"
            )
    return found


@dataclass(frozen=True)
class Setting:
    """One option of a plugin; ``settable`` says whether the plugin lets it be set."""

    name: str
    value: str | None = field(repr=False)
    default: str | None
    settable: bool


def read_settings(plugin: Mapping[str, Any]) -> dict[str, Setting]:
    """A plugin's options by the name under which they are set."""
    config, settings = plugin.get("Config") or {}, plugin.get("Settings") or {}
    present = dict(one.partition("=")[::2] for one in settings.get("Env") or ())
    found = [
        Setting(
            str(one["Name"]),
            present.get(one["Name"]),
            one.get("Value"),
            "value" in (one.get("Settable") or ()),
        )
        for one in config.get("Env") or ()
    ]
    linux = config.get("Linux") or {}
    for kind, entries, key in (
        ("Mounts", config.get("Mounts"), "Source"),
        ("Devices", linux.get("Devices"), "Path"),
    ):
        now = {one.get("Name"): one.get(key) for one in settings.get(kind) or ()}
        for one in entries or ():
            if one.get("Name"):
                allowed = key.lower() in (one.get("Settable") or ())
                name = f"{one['Name']}.{key.lower()}"
                found.append(Setting(name, now.get(one["Name"]), one.get(key), allowed))
    arguments = config.get("Args") or {}
    if arguments.get("Name"):
        found.append(
            Setting(
                str(arguments["Name"]),
                " ".join(settings.get("Args") or ()),
                " ".join(arguments.get("Value") or ()),
                "value" in (arguments.get("Settable") or ()),
            )
        )
    return {one.name: one for one in found}


@dataclass(frozen=True)
class Visibility:
    """Decides which values of options may be shown."""

    shown: frozenset[str] = frozenset()

    def is_public(self, name: str, value: str | None, default: str | None = None) -> bool:
        """A plugin's default is public, and an empty value is no secret."""
        return not value or value == default or name in self.shown

    def value(self, setting: Setting) -> str | None:
        public = self.is_public(setting.name, setting.value, setting.default)
        return setting.value if public else MASK

    def new_value(self, name: str, value: str, known: Setting | None) -> str:
        public = self.is_public(name, value, known.default if known else None)
        return value if public else MASK_NEW

    def secrets(
        self, options: Mapping[str, str], settings: Mapping[str, Setting], public: str
    ) -> set[str]:
        """Values to mask in every text, except those that also occur in ``public``."""
        found = {value for name, value in options.items() if not self.is_public(name, value)}
        found |= {
            one.value
            for one in settings.values()
            if one.value and not self.is_public(one.name, one.value, one.default)
        }
        return {
            one
            for one in found
            if len(one) >= _SHORTEST_SECRET and one not in public and one.lower() not in _NO_SECRETS
        }

    def inspection(self, plugin: Mapping[str, Any]) -> JsonDict:
        """Docker's inspection of a plugin, with values masked that are not public."""
        shown: JsonDict = copy.deepcopy(dict(plugin))
        known = read_settings(plugin)
        settings = shown.get("Settings") or {}
        if settings.get("Env"):
            settings["Env"] = [self._line(one, known) for one in settings["Env"]]
        name = ((plugin.get("Config") or {}).get("Args") or {}).get("Name")
        if settings.get("Args") and not (name and self.value(known[name]) != MASK):
            settings["Args"] = [MASK] * len(settings["Args"])
        for kind, key in (("Mounts", "source"), ("Devices", "path")):
            for one in settings.get(kind) or ():
                setting = known.get(f"{one.get('Name')}.{key}")
                if setting:
                    one[key.title()] = self.value(setting)
        return shown

    def _line(self, line: str, known: Mapping[str, Setting]) -> str:
        name, equals, value = line.partition("=")
        setting = known.get(name)
        public = self.is_public(name, value, setting.default if setting else None)
        return line if public else f"{name}{equals}{MASK}"


# -- privileges ------------------------------------------------------------------------------


def privileges_of(answer: Iterable[Mapping[str, Any]]) -> list[JsonDict]:
    """The privileges of the registry's answer, in the form of the option ``privileges``."""
    return [
        {
            "name": str(one.get("Name") or ""),
            "description": str(one.get("Description") or ""),
            "value": [str(value) for value in one.get("Value") or ()],
        }
        for one in answer
    ]


def granted_privileges(config: Mapping[str, Any]) -> list[JsonDict]:
    """The privileges of an installed plugin: all that its configuration requires."""
    linux = config.get("Linux") or {}
    network = (config.get("Network") or {}).get("Type") or ""
    found: list[tuple[str, str, list[str]]] = []
    if network not in ("", "null", "bridge"):
        found.append(("network", "permissions to access a network", [network]))
    if config.get("IpcHost"):
        found.append(("host ipc namespace", "allow access to host ipc namespace", ["true"]))
    if config.get("PidHost"):
        found.append(("host pid namespace", "allow access to host pid namespace", ["true"]))
    for one in config.get("Mounts") or ():
        if one.get("Source") is not None:
            found.append(("mount", "host path to mount", [one["Source"]]))
    for one in linux.get("Devices") or ():
        if one.get("Path") is not None:
            found.append(("device", "host device to access", [one["Path"]]))
    if linux.get("AllowAllDevices"):
        found.append(("allow-all-devices", "allow 'rwm' access to all devices", ["true"]))
    if linux.get("Capabilities"):
        text = "list of additional capabilities required"
        found.append(("capabilities", text, list(linux["Capabilities"])))
    return [{"name": name, "description": about, "value": value} for name, about, value in found]


def missing_privileges(
    required: Iterable[Mapping[str, Any]], granted: Iterable[Mapping[str, Any]] | None
) -> list[JsonDict]:
    """The required privileges that a task does not grant."""
    known = {(one["name"], value) for one in granted or () for value in one.get("value") or ()}
    found = []
    for one in required:
        values = [value for value in one["value"] if (one["name"], value) not in known]
        if values:
            found.append({"name": one["name"], "value": values})
    return found


def privileges_text(privileges: Iterable[Mapping[str, Any]]) -> str:
    return "; ".join(f"{one['name']}: {', '.join(one['value'])}" for one in privileges)


def check_privileges(desired: Desired, required: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a plugin that requires more privileges than the task grants."""
    if desired.grant_all:
        return
    missing = missing_privileges(required, desired.privileges)
    if missing:
        raise PluginError(
            f"The plugin {desired.remote} asks for privileges that the task does not grant:"
            f" {privileges_text(missing)}. Add the line grant_all: true to the task to grant"
            " all that it asks for, or copy them from lacking_privileges to privileges",
            lacking_privileges=missing,
        )


# -- the actual plugin -----------------------------------------------------------------------


@dataclass(frozen=True)
class Volume:
    """A volume of a plugin, and the state of each container that uses it, by name."""

    name: str
    containers: Mapping[str, str] = field(default_factory=dict)

    @property
    def mounted_by(self) -> list[str]:
        """Containers that have it mounted now; only a started one that has not ended does."""
        not_mounted = ("created", "exited", "dead")
        return sorted(name for name, state in self.containers.items() if state not in not_mounted)

    def __str__(self) -> str:
        if not self.containers:
            return self.name
        users = ", ".join(f"{name}, {state}" for name, state in sorted(self.containers.items()))
        return f"{self.name} (container {users})"

    def as_dict(self) -> JsonDict:
        containers = [{"name": n, "state": state} for n, state in sorted(self.containers.items())]
        return {"name": self.name, "containers": containers}


def volumes_of(
    driver: str,
    volumes: Iterable[Mapping[str, Any]],
    containers: Iterable[Mapping[str, Any]],
) -> list[Volume]:
    """A plugin's volumes. Docker does not list those of a disabled one; containers name them."""
    found: dict[str, dict[str, str]] = {
        str(one["Name"]): {} for one in volumes if one.get("Driver") == driver
    }
    for container in containers:
        names = container.get("Names") or [container.get("Id") or "?"]
        for mount in container.get("Mounts") or ():
            if mount.get("Type") == "volume" and mount.get("Driver") == driver:
                users = found.setdefault(str(mount.get("Name")), {})
                users[str(names[0]).lstrip("/")] = str(container.get("State") or "unknown")
    return [Volume(name, users) for name, users in sorted(found.items())]


@dataclass(frozen=True)
class Installed:
    """A plugin as Docker has installed it."""

    id: str
    name: str
    reference: str
    enabled: bool
    settings: Mapping[str, Setting]

    @classmethod
    def read(cls, plugin: Mapping[str, Any]) -> Installed:
        reference = str(plugin.get("PluginReference") or "")
        return cls(
            id=str(plugin.get("Id") or ""),
            name=str(plugin.get("Name") or ""),
            reference=normalise(reference) if reference else "",
            enabled=bool(plugin.get("Enabled")),
            settings=read_settings(plugin),
        )

    @property
    def state(self) -> str:
        return "enabled" if self.enabled else "disabled"


def described(
    plugin: Mapping[str, Any], volumes: Iterable[Volume], visibility: Visibility
) -> JsonDict:
    """A plugin in the form that plugin_info returns."""
    found = Installed.read(plugin)
    config = plugin.get("Config") or {}
    return {
        "name": found.name,
        "id": found.id,
        "reference": found.reference,
        "state": found.state,
        "description": str(config.get("Description") or ""),
        "options": [
            {
                "name": one.name,
                "value": visibility.value(one),
                "default": one.default,
                "settable": one.settable,
            }
            for one in found.settings.values()
        ],
        "privileges": granted_privileges(config),
        "drivers": [str(one) for one in (config.get("Interface") or {}).get("Types") or ()],
        "volumes": [one.as_dict() for one in volumes],
    }


# -- the plan --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Desired:
    """The plugin that the task describes."""

    remote: str
    name: str
    state: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    privileges: Sequence[Mapping[str, Any]] | None = None
    grant_all: bool = False
    force: bool = False
    force_remove: bool = False

    @property
    def reference(self) -> str:
        return normalise(self.remote)


@dataclass(frozen=True)
class Plan:
    """Steps in order; each is remove, install, disable, upgrade, set or enable."""

    steps: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    # Without force, Docker refuses to disable or remove a plugin with volumes, mounted or not.
    forced: bool = False
    before: JsonDict = field(default_factory=dict)
    after: JsonDict = field(default_factory=dict)

    @property
    def fetches(self) -> bool:
        return bool({"install", "upgrade"} & set(self.steps))


def plan(
    desired: Desired, found: Installed | None, volumes: Sequence[Volume], visibility: Visibility
) -> Plan:
    """Plan the steps from the installed plugin to the desired one; raise if that is refused."""
    if found is None:
        return _plan_missing(desired, visibility)
    if desired.state == "absent":
        return _plan_removal(desired, found, volumes)
    upgrade = bool(found.reference) and found.reference != desired.reference
    changed = options_to_set(desired, found, upgrade)
    enabled = desired.state == "enable" or (desired.state == "present" and found.enabled)
    touched = upgrade or bool(changed)
    steps: list[str] = []
    if found.enabled and (touched or not enabled):
        _refuse_while_in_use(desired, found, volumes, stays_disabled=not enabled)
        steps.append("disable")
    if upgrade:
        steps.append("upgrade")
    if changed:
        steps.append("set")
    if enabled and (touched or not found.enabled):
        steps.append("enable")
    before: JsonDict = {}
    after: JsonDict = {}
    if enabled != found.enabled:
        before["state"], after["state"] = found.state, "enabled" if enabled else "disabled"
    if upgrade:
        before["reference"], after["reference"] = found.reference, desired.reference
    if changed:
        known = found.settings
        before["options"] = {
            name: visibility.value(known[name]) for name in changed if name in known
        }
        after["options"] = {
            name: visibility.new_value(name, value, known.get(name))
            for name, value in changed.items()
        }
    return Plan(tuple(steps), changed, desired.force or bool(volumes), before, after)


def _plan_missing(desired: Desired, visibility: Visibility) -> Plan:
    if desired.state == "absent":
        return Plan()
    if desired.state == "disable":
        raise PluginError(
            f"The plugin {desired.name} is not installed, so it cannot be disabled. To install it"
            " disabled, set state: present"
        )
    enabled = desired.state == "enable"
    steps = ["install", *(["set"] if desired.options else []), *(["enable"] if enabled else [])]
    after: JsonDict = {
        "name": desired.name,
        "reference": desired.reference,
        "state": "enabled" if enabled else "disabled",
        "options": {
            name: visibility.new_value(name, value, None) for name, value in desired.options.items()
        },
    }
    return Plan(tuple(steps), desired.options, False, {"state": "absent"}, after)


def _plan_removal(desired: Desired, found: Installed, volumes: Sequence[Volume]) -> Plan:
    if found.enabled and not (desired.force_remove or desired.force):
        raise PluginError(
            f"The plugin {found.name} is enabled, and Docker removes only disabled ones. Set"
            " force_remove: true, or disable it first with state: disable"
        )
    if volumes and not desired.force:
        raise PluginError(
            f"The plugin {found.name} has volumes, which cannot be used without it:"
            f" {some(volumes, between='; ')}. Remove them first (docker volume rm NAME), or set"
            " force: true",
            volumes=[one.as_dict() for one in volumes],
        )
    before = {"name": found.name, "reference": found.reference, "state": found.state}
    forced = found.enabled or desired.force
    return Plan(("remove",), {}, forced, before, {"state": "absent"})


def options_to_set(desired: Desired, found: Installed, upgrade: bool) -> dict[str, str]:
    """The options whose values differ, under the names that the plugin has for them."""
    changed: dict[str, str] = {}
    for option, value in desired.options.items():
        names = (option, f"{option}.source", f"{option}.path")
        name = next((one for one in names if one in found.settings), option)
        setting = found.settings.get(name)
        # Another version may have other options; Docker checks them after the upgrade.
        if setting is None and not upgrade:
            known = sorted(one.name for one in found.settings.values() if one.settable)
            raise PluginError(
                f"plugin_options.{option}: the plugin {found.name} has no such option. It has"
                f" {', '.join(known) or 'none that can be set'}"
            )
        if setting is not None and setting.value == value:
            continue
        if setting is not None and not setting.settable and not upgrade:
            raise PluginError(
                f"plugin_options.{option}: the plugin {found.name} does not let it be set. Remove"
                " it from the task"
            )
        changed[name] = value
    return changed


def _refuse_while_in_use(
    desired: Desired, found: Installed, volumes: Sequence[Volume], stays_disabled: bool
) -> None:
    # A short pause disturbs only a container that has a volume of the plugin mounted.
    in_use = [one for one in volumes if stays_disabled or one.mounted_by]
    if desired.force or not in_use:
        return
    what = "disabled" if stays_disabled else "disabled for a moment, which the change needs,"
    raise PluginError(
        f"The plugin {found.name} cannot be {what} while volumes of it are in use:"
        f" {some(in_use, between='; ')}. Stop the containers"
        f"{' and remove the volumes' if stays_disabled else ''} first, or set force: true; then"
        " containers keep their mounted volumes, but no new container gets a volume until the"
        " plugin is enabled again",
        volumes=[one.as_dict() for one in in_use],
    )


def rollback_plan(found: Installed, now: Installed) -> Plan:
    """Plan the steps back to the plugin that was found, after a change that failed half-way."""
    upgrade = bool(found.reference) and now.reference != found.reference
    options = {
        # An option cannot be unset, so it gets the value that it had by default.
        name: one.value if one.value is not None else one.default or ""
        for name, one in found.settings.items()
        if one.settable and (name not in now.settings or now.settings[name].value != one.value)
    }
    touched = upgrade or bool(options)
    steps = []
    if now.enabled and (touched or not found.enabled):
        steps.append("disable")
    if upgrade:
        steps.append("upgrade")
    if options:
        steps.append("set")
    if found.enabled and (touched or not now.enabled):
        steps.append("enable")
    return Plan(tuple(steps), options, True)


# -- the daemon's journal --------------------------------------------------------------------


def log_lines(journal: str, plugin_id: str) -> list[str]:
    """The last lines that a plugin wrote to the daemon's journal, each once."""
    found: list[str] = []
    for line in journal.splitlines():
        if f"plugin={plugin_id}" not in line:
            continue
        match = _LOG_MESSAGE.search(line)
        text = line
        if match:
            try:
                text = json.loads(f'"{match[1]}"')
            except ValueError:
                text = match[1]
        # Docker starts a failed plugin again, and it writes the same lines again.
        if text in found:
            found.remove(text)
        found.append(text)
    return found[-_MOST_LOG_LINES:]
