# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The return value ``swarm_service``: a service under the names that docker_swarm_service uses.

Only the form is theirs. The values are those of the service, so an option that the task leaves out
shows what the service has. Environment values with secret-looking names are masked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common.masking import MASK, SECRET_NAME
from ansible_collections.elk.swarm.plugins.module_utils.common.nested import dig
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_facts import (
    mode_of,
    replicas_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    JsonDict = dict[str, Any]

_ROLLOUT = {
    "parallelism": "Parallelism",
    "delay": "Delay",
    "failure_action": "FailureAction",
    "monitor": "Monitor",
    "max_failure_ratio": "MaxFailureRatio",
    "order": "Order",
}
# Names in the result, and where their values are in the ServiceSpec.
_PLAIN: Mapping[str, tuple[str, ...]] = {
    "image": ("TaskTemplate", "ContainerSpec", "Image"),
    "command": ("TaskTemplate", "ContainerSpec", "Command"),
    "args": ("TaskTemplate", "ContainerSpec", "Args"),
    "tty": ("TaskTemplate", "ContainerSpec", "TTY"),
    "dns": ("TaskTemplate", "ContainerSpec", "DNSConfig", "Nameservers"),
    "dns_search": ("TaskTemplate", "ContainerSpec", "DNSConfig", "Search"),
    "dns_options": ("TaskTemplate", "ContainerSpec", "DNSConfig", "Options"),
    "hostname": ("TaskTemplate", "ContainerSpec", "Hostname"),
    "force_update": ("TaskTemplate", "ForceUpdate"),
    "groups": ("TaskTemplate", "ContainerSpec", "Groups"),
    "log_driver": ("TaskTemplate", "LogDriver", "Name"),
    "log_driver_options": ("TaskTemplate", "LogDriver", "Options"),
    "constraints": ("TaskTemplate", "Placement", "Constraints"),
    "replicas_max_per_node": ("TaskTemplate", "Placement", "MaxReplicas"),
    "labels": ("Labels",),
    "container_labels": ("TaskTemplate", "ContainerSpec", "Labels"),
    "sysctls": ("TaskTemplate", "ContainerSpec", "Sysctls"),
    "endpoint_mode": ("EndpointSpec", "Mode"),
    "restart_policy": ("TaskTemplate", "RestartPolicy", "Condition"),
    "restart_policy_delay": ("TaskTemplate", "RestartPolicy", "Delay"),
    "restart_policy_attempts": ("TaskTemplate", "RestartPolicy", "MaxAttempts"),
    "restart_policy_window": ("TaskTemplate", "RestartPolicy", "Window"),
    "stop_grace_period": ("TaskTemplate", "ContainerSpec", "StopGracePeriod"),
    "stop_signal": ("TaskTemplate", "ContainerSpec", "StopSignal"),
    "limit_memory": ("TaskTemplate", "Resources", "Limits", "MemoryBytes"),
    "reserve_memory": ("TaskTemplate", "Resources", "Reservations", "MemoryBytes"),
    "read_only": ("TaskTemplate", "ContainerSpec", "ReadOnly"),
    "user": ("TaskTemplate", "ContainerSpec", "User"),
    "working_dir": ("TaskTemplate", "ContainerSpec", "Dir"),
    "init": ("TaskTemplate", "ContainerSpec", "Init"),
    "cap_add": ("TaskTemplate", "ContainerSpec", "CapabilityAdd"),
    "cap_drop": ("TaskTemplate", "ContainerSpec", "CapabilityDrop"),
    **{f"update_{name}": ("UpdateConfig", key) for name, key in _ROLLOUT.items()},
}


def swarm_service(spec: Mapping[str, Any]) -> JsonDict:
    """The facts of a ServiceSpec, as docker_swarm_service returns them."""
    container = dig(spec, ("TaskTemplate", "ContainerSpec")) or {}
    resources = dig(spec, ("TaskTemplate", "Resources")) or {}
    found: JsonDict = {name: dig(spec, path) for name, path in _PLAIN.items()}
    # The Engine stores 0 where none was forced.
    found["force_update"] = found["force_update"] or None
    found["mode"] = mode_of(spec)
    found["replicas"] = replicas_of(spec)
    for name, block in (("limit_cpu", "Limits"), ("reserve_cpu", "Reservations")):
        nano = dig(resources, (block, "NanoCPUs"))
        found[name] = nano / 1_000_000_000 if nano else None
    found["env"] = _environment(container.get("Env"))
    found["healthcheck"], found["healthcheck_disabled"] = _healthcheck(container)
    found["hosts"] = _hosts(container.get("Hosts"))
    found["mounts"] = _each(container.get("Mounts"), _mount)
    found["configs"] = _each(container.get("Configs"), lambda raw: _file(raw, "Config"))
    found["secrets"] = _each(container.get("Secrets"), lambda raw: _file(raw, "Secret"))
    networks = dig(spec, ("TaskTemplate", "Networks")) or spec.get("Networks")
    found["networks"] = _each(networks, _network)
    found["publish"] = _each(dig(spec, ("EndpointSpec", "Ports")), _port)
    preferences = dig(spec, ("TaskTemplate", "Placement", "Preferences"))
    found["placement_preferences"] = _each(preferences, _preference)
    rollback = spec.get("RollbackConfig")
    found["rollback_config"] = (
        {name: rollback.get(key) for name, key in _ROLLOUT.items()} if rollback else None
    )
    return found


def _each(items: Any, convert: Any) -> list[Any] | None:
    return [convert(item) for item in items] if items else None


def _environment(items: Any) -> list[str] | None:
    if not items:
        return None
    found = []
    for item in sorted(items):
        name, separator, _content = item.partition("=")
        found.append(f"{name}={MASK}" if separator and SECRET_NAME.search(name) else item)
    return found


def _healthcheck(container: Mapping[str, Any]) -> tuple[JsonDict | None, bool | None]:
    raw = container.get("Healthcheck")
    if not raw:
        return None, None
    if raw.get("Test") == ["NONE"]:
        return None, True
    names = {
        "test": "Test",
        "interval": "Interval",
        "timeout": "Timeout",
        "start_period": "StartPeriod",
        "retries": "Retries",
    }
    return {name: raw[key] for name, key in names.items() if raw.get(key) is not None}, False


def _hosts(lines: Any) -> dict[str, str] | None:
    if not lines:
        return None
    found = {}
    for line in lines:
        address, *names = line.split()
        found.update(dict.fromkeys(names, address))
    return found


def _mount(raw: Mapping[str, Any]) -> JsonDict:
    driver = dig(raw, ("VolumeOptions", "DriverConfig"))
    return {
        "type": raw.get("Type"),
        "source": raw.get("Source") or "",
        "target": raw.get("Target"),
        "readonly": raw.get("ReadOnly"),
        "propagation": dig(raw, ("BindOptions", "Propagation")),
        "no_copy": dig(raw, ("VolumeOptions", "NoCopy")),
        "labels": dig(raw, ("VolumeOptions", "Labels")),
        "driver_config": {key.lower(): value for key, value in driver.items()} if driver else None,
        "tmpfs_mode": dig(raw, ("TmpfsOptions", "Mode")),
        "tmpfs_size": dig(raw, ("TmpfsOptions", "SizeBytes")),
    }


def _file(raw: Mapping[str, Any], word: str) -> JsonDict:
    file = raw.get("File") or {}
    return {
        f"{word.lower()}_id": raw.get(f"{word}ID"),
        f"{word.lower()}_name": raw.get(f"{word}Name"),
        "filename": file.get("Name"),
        "uid": file.get("UID"),
        "gid": file.get("GID"),
        "mode": file.get("Mode"),
    }


def _network(raw: Mapping[str, Any]) -> JsonDict:
    found = {
        "id": raw.get("Target"),
        "aliases": raw.get("Aliases"),
        "options": raw.get("DriverOpts"),
    }
    return {key: value for key, value in found.items() if value is not None}


def _port(raw: Mapping[str, Any]) -> JsonDict:
    return {
        "protocol": raw.get("Protocol") or "tcp",
        "mode": raw.get("PublishMode"),
        "published_port": raw.get("PublishedPort"),
        "target_port": raw.get("TargetPort"),
    }


def _preference(raw: Mapping[str, Any]) -> dict[str, str]:
    return {key.lower(): value.get("SpreadDescriptor", "") for key, value in raw.items()}
