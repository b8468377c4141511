# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An Engine with managed plugins, which refuses what a real one refuses, and in its words."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.docker.plugin_plan import (
    granted_privileges,
    local_name,
    normalise,
)
from tests.contract.fake_engine import FakeEngine

if TYPE_CHECKING:
    from pathlib import Path

REGISTRY = "registry.example.org"
FIRST, SECOND, BROKEN = (f"{REGISTRY}/disk:{tag}" for tag in ("1", "2", "broken"))


def config(*more: dict[str, Any], capabilities: tuple[str, ...] = ("CAP_SYS_ADMIN",)) -> Any:
    """The configuration of a plugin that has one option of each kind."""

    def option(name: str, value: str | None, *settable: str) -> dict[str, Any]:
        return {"Name": name, "Description": "", "Value": value, "Settable": list(settable)}

    return {
        "Description": "Volumes on the disk of the host",
        "Env": [
            option("RETRIES", "3", "value"),
            option("PASSWORD", "", "value"),
            option("COMMENT", None, "value"),
            option("FORMAT", "json"),
            *more,
        ],
        "Interface": {"Types": ["docker.volumedriver/1.0"], "Socket": "disk.sock"},
        "Linux": {"Capabilities": list(capabilities), "Devices": None, "AllowAllDevices": False},
        "Mounts": [{"Name": "disk", "Source": "/srv", "Settable": ["source"]}],
        "Network": {"Type": "host"},
        "Args": {"Name": "", "Value": None, "Settable": None},
    }


class FakePlugins(FakeEngine):
    """Its registry has two versions and one that does not start; RETRIES has to be a number."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        cache = {"Name": "CACHE", "Description": "", "Value": "off", "Settable": ["value"]}
        self.registry = {
            FIRST: config(),
            SECOND: config(cache, capabilities=("CAP_SYS_ADMIN", "CAP_CHOWN")),
            BROKEN: config(),
        }
        self.plugins: dict[str, dict[str, Any]] = {}
        self.volumes: list[dict[str, str]] = []
        self.users: list[dict[str, Any]] = []
        # Bad days.
        self.pull_error = ""

    def mount(self, volume: str, container: str, state: str = "running") -> None:
        """Let a container have a volume of the alias disk."""
        mounts = [{"Type": "volume", "Name": volume, "Driver": "disk:latest"}]
        self.users.append({"Id": "c", "Names": [f"/{container}"], "State": state, "Mounts": mounts})

    def _plugins(self, method: str, rest: list[str], query: Any, body: Any) -> tuple[int, Any]:
        if not rest:
            return 200, list(self.plugins.values())
        if rest == ["privileges"]:
            return 200, self._privileges(query["remote"])
        if rest == ["pull"]:
            name = query["name"]
            if name in self.plugins:
                return 400, {"message": f"plugin {name} already exists"}
            return self._fetch(name, query["remote"], body, {"Env": []})
        verb = rest.pop() if method != "DELETE" else "remove"
        name = local_name("/".join(rest), None)
        plugin = self.plugins.get(name)
        if plugin is None:
            return 404, {"message": f'plugin "{name}" not found'}
        if verb == "json":
            return 200, plugin
        if verb == "upgrade" and plugin["Enabled"]:
            return 400, {"message": "plugin must be disabled before upgrading"}
        if verb == "upgrade":
            return self._fetch(name, query["remote"], body, plugin["Settings"])
        return getattr(self, f"_{verb}")(name, plugin, query, body)

    def _privileges(self, remote: str) -> list[dict[str, Any]]:
        # A real Engine gives an empty list as well where the registry has no such plugin.
        held = granted_privileges(self.registry[remote]) if remote in self.registry else []
        return [{key.title(): value for key, value in one.items()} for one in held]

    def _distribution(self, _method: str, rest: list[str], *_: Any) -> tuple[int, Any]:
        if "/".join(rest[:-1]) in self.registry:
            return 200, {"Descriptor": {"digest": self.digest}}
        return 404, {"message": "manifest unknown: manifest unknown"}

    def _fetch(self, name: str, remote: str, body: Any, settings: Any) -> tuple[int, Any]:
        problem = self.pull_error
        if not problem and body != self._privileges(remote):
            problem = "incorrect privileges"
        if problem:
            told = [{"status": "Waiting"}, {"errorDetail": {"message": problem}, "error": problem}]
            return 200, "\n".join(json.dumps(one) for one in told)
        made = copy.deepcopy(self.registry[remote])
        if not settings["Env"]:
            settings["Env"] = [
                f"{one['Name']}={one['Value']}" for one in made["Env"] if one["Value"] is not None
            ]
            settings["Mounts"] = copy.deepcopy(made["Mounts"])
        self.plugins[name] = {
            "Id": f"id-of-{name}",
            "Name": name,
            "PluginReference": normalise(remote),
            "Enabled": False,
            "Config": made,
            "Settings": settings,
        }
        return 200, '{"status":"Waiting"}\n{"status":"Complete"}'

    def _set(self, _name: str, plugin: Any, _query: Any, body: Any) -> tuple[int, Any]:
        if plugin["Enabled"]:
            return 500, {"message": "cannot set on an active plugin, disable plugin before setting"}
        for line in body:
            name, _equals, value = line.partition("=")
            if name == "disk.source":
                plugin["Settings"]["Mounts"][0]["Source"] = value
                continue
            [option] = [one for one in plugin["Config"]["Env"] if one["Name"] == name] or [None]
            if option is None:
                text = f'setting "{name}" not found in the plugin configuration'
                return 500, {"message": text}
            if not option["Settable"]:
                return 500, {"message": f'"{name}" is not settable'}
            env = [one for one in plugin["Settings"]["Env"] if not one.startswith(f"{name}=")]
            plugin["Settings"]["Env"] = [*env, line]
        return 204, None

    def _enable(self, name: str, plugin: Any, query: Any, _body: Any) -> tuple[int, Any]:
        int(query["timeout"])
        env = dict(one.partition("=")[::2] for one in plugin["Settings"]["Env"])
        broken = plugin["PluginReference"] == BROKEN
        if broken or not env["RETRIES"].isdigit():
            return 500, {"message": f"dial unix /run/docker/plugins/{name}/disk.sock: no such file"}
        plugin["Enabled"] = True
        return 200, None

    def _disable(self, name: str, plugin: Any, query: Any, _body: Any) -> tuple[int, Any]:
        if query["force"] == "0" and self.volumes:
            return 409, {"message": f"plugin {name} is in use"}
        plugin["Enabled"] = False
        return 200, None

    def _remove(self, name: str, plugin: Any, query: Any, _body: Any) -> tuple[int, Any]:
        if query["force"] == "0" and (self.volumes or plugin["Enabled"]):
            return 409, {"message": f"plugin {name} is in use"}
        del self.plugins[name]
        return 200, None

    def _volumes(self, _method: str, _rest: Any, query: Any, _body: Any) -> tuple[int, Any]:
        [driver] = json.loads(query["filters"])["driver"]
        enabled = driver in self.plugins and self.plugins[driver]["Enabled"]
        mine = [one for one in self.volumes if one["Driver"] == driver]
        return 200, {"Volumes": mine if enabled else [], "Warnings": None}

    def _containers(self, *_: Any) -> tuple[int, Any]:
        return 200, self.users
