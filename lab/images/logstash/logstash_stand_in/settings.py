# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings from logstash.yml, pipelines.yml, the environment and the command line."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\{([A-Za-z_.][A-Za-z0-9_.]*)(?::([^}]*))?\}")
_SIZE = re.compile(r"(\d+)\s*(b|kb|k|mb|m|gb|g|tb|t)?", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}

# Name: (type, default). A list instead of a type holds the allowed values.
KNOWN: dict[str, tuple[Any, Any]] = {
    "allow_superuser": ("bool", False),
    "node.name": ("str", None),
    "path.data": ("str", "data"),
    "path.logs": ("str", None),
    "path.plugins": ("any", []),
    "path.queue": ("str", None),
    "path.dead_letter_queue": ("str", None),
    "path.config": ("str", None),
    "path.settings": ("str", None),
    "config.string": ("str", None),
    "config.test_and_exit": ("bool", False),
    "config.reload.automatic": ("bool", False),
    "config.reload.interval": ("any", "3s"),
    "config.debug": ("bool", False),
    "config.support_escapes": ("bool", False),
    "config.field_reference.escape_style": (["none", "percent", "ampersand"], "none"),
    "metric.collect": ("bool", True),
    "pipeline.id": ("str", "main"),
    "pipeline.workers": ("int", None),
    "pipeline.batch.size": ("int", 125),
    "pipeline.batch.delay": ("int", 50),
    "pipeline.batch.metrics.sampling_mode": (["disabled", "minimal", "full"], "minimal"),
    "pipeline.unsafe_shutdown": ("bool", False),
    "pipeline.reloadable": ("bool", True),
    "pipeline.plugin_classloaders": ("bool", False),
    "pipeline.separate_logs": ("bool", False),
    "pipeline.ordered": (["auto", "true", "false"], "auto"),
    "pipeline.ecs_compatibility": (["disabled", "v1", "v8"], "v8"),
    "pipeline.buffer.type": (["direct", "heap"], "heap"),
    "log.level": (["fatal", "error", "warn", "debug", "info", "trace"], "info"),
    "log.format": (["plain", "json"], "plain"),
    "log.format.json.fix_duplicate_message_fields": ("bool", True),
    "api.enabled": ("bool", True),
    "api.http.host": ("str", "127.0.0.1"),
    "api.http.port": ("ports", "9600-9700"),
    "api.environment": ("str", "production"),
    "api.auth.type": (["none", "basic"], "none"),
    "api.auth.basic.username": ("str", None),
    "api.auth.basic.password": ("str", None),
    "api.auth.basic.password_policy.mode": (["WARN", "ERROR"], "WARN"),
    "api.ssl.enabled": ("bool", False),
    "api.ssl.keystore.path": ("str", None),
    "api.ssl.keystore.password": ("str", None),
    "api.ssl.supported_protocols": ("any", None),
    "queue.type": (["persisted", "memory"], "memory"),
    "queue.drain": ("bool", False),
    "queue.page_capacity": ("bytes", "64mb"),
    "queue.max_bytes": ("bytes", "1024mb"),
    "queue.max_events": ("int", 0),
    "queue.checkpoint.acks": ("int", 1024),
    "queue.checkpoint.writes": ("int", 1024),
    "queue.checkpoint.interval": ("int", 1000),
    "queue.checkpoint.retry": ("bool", True),
    "queue.compression": (["none", "speed", "balanced", "size", "disabled"], "none"),
    "dead_letter_queue.enable": ("bool", False),
    "dead_letter_queue.max_bytes": ("bytes", "1024mb"),
    "dead_letter_queue.flush_interval": ("int", 5000),
    "dead_letter_queue.storage_policy": (["drop_newer", "drop_older"], "drop_newer"),
    "dead_letter_queue.retain.age": ("str", None),
    "slowlog.threshold.warn": ("any", "-1"),
    "slowlog.threshold.info": ("any", "-1"),
    "slowlog.threshold.debug": ("any", "-1"),
    "slowlog.threshold.trace": ("any", "-1"),
    "keystore.classname": ("str", None),
    "keystore.file": ("str", None),
    "monitoring.cluster_uuid": ("str", None),
    "xpack.monitoring.enabled": ("bool", False),
    "xpack.monitoring.elasticsearch.hosts": ("any", None),
    "xpack.management.enabled": ("bool", False),
    "xpack.geoip.downloader.enabled": ("bool", True),
}


@dataclass(frozen=True)
class Pace:
    """Seconds that Logstash takes. Tests shorten them; the image never sets these variables."""

    # From the open API to the open ports.
    start: float = 3
    # Between two counts of the queue for the API.
    queue_stats: float = 5
    # Between two reports of a stop that does not end.
    stall_report: float = 5
    # From the closed ports to closed connections: measured, 290 lines were lost at 200 lines/s.
    hang_up: float = 1.5
    # From the first datagram of a burst until it is read.
    wake: float = 0.02

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Pace:
        names = [one.name for one in fields(cls)]
        given = {name: environment.get(f"STAND_IN_{name.upper()}_SECONDS") for name in names}
        return cls(**{name: float(text) for name, text in given.items() if text})


# Settings that pipelines.yml allows for one pipeline.
PIPELINE_KEYS = {
    "config.debug",
    "config.support_escapes",
    "config.reload.automatic",
    "config.reload.interval",
    "config.string",
    "dead_letter_queue.enable",
    "dead_letter_queue.flush_interval",
    "dead_letter_queue.max_bytes",
    "dead_letter_queue.retain.age",
    "dead_letter_queue.storage_policy",
    "metric.collect",
    "path.config",
    "path.dead_letter_queue",
    "path.queue",
    "pipeline.batch.delay",
    "pipeline.batch.size",
    "pipeline.batch.metrics.sampling_mode",
    "pipeline.buffer.type",
    "pipeline.ecs_compatibility",
    "pipeline.id",
    "pipeline.ordered",
    "pipeline.plugin_classloaders",
    "pipeline.reloadable",
    "pipeline.workers",
    "queue.checkpoint.acks",
    "queue.checkpoint.interval",
    "queue.checkpoint.retry",
    "queue.checkpoint.writes",
    "queue.compression",
    "queue.drain",
    "queue.max_bytes",
    "queue.max_events",
    "queue.page_capacity",
    "queue.type",
}

# Settings that the official image's start script copies from the environment to logstash.yml.
FROM_ENVIRONMENT = {
    name.replace(".", "").replace("_", ""): name
    for name in KNOWN
    if not name.startswith(("api.ssl.", "keystore.", "slowlog."))
    and name not in ("pipeline.reloadable", "path.settings", "config.test_and_exit")
}


def substitute(text: str, environment: Mapping[str, str]) -> str:
    """Replace ``${NAME}`` and ``${NAME:default}`` in a text with their values."""

    def value(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        if name in environment:
            return environment[name]
        if default is not None:
            return default
        raise ConfigurationError(
            f"Cannot evaluate `{match.group(0)}`. Replacement variable `{name}` is not defined in "
            "a Logstash secret store or an Environment entry and there is no default value given."
        )

    return _VARIABLE.sub(value, text)


def substitute_deep(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return substitute(value, environment)
    if isinstance(value, list):
        return [substitute_deep(one, environment) for one in value]
    if isinstance(value, dict):
        return {key: substitute_deep(one, environment) for key, one in value.items()}
    return value


def parse_bytes(text: Any) -> int:
    match = _SIZE.fullmatch(str(text).strip())
    if not match:
        raise ValueError(f"Could not parse '{text}' as a size in bytes")
    return int(match.group(1)) * _UNITS[(match.group(2) or "").lower()[:1]]


def _coerce(name: str, value: Any) -> Any:
    kind = KNOWN[name][0]
    if value is None:
        return None
    try:
        if kind == "bool":
            word = str(value).lower()
            if word not in ("true", "false"):
                raise ValueError(f"Cannot coerce '{value}' to boolean")
            return word == "true"
        if kind == "int":
            return int(str(value))
        if kind == "bytes":
            return parse_bytes(value)
        if kind == "ports":
            return _ports(value)
    except ValueError as error:
        raise ConfigurationError(f'Setting "{name}": {error}') from error
    if isinstance(kind, list):
        word = str(value).lower() if isinstance(value, bool) else str(value)
        if word not in kind:
            raise ConfigurationError(f'Setting "{name}" must be one of {kind}, got: {value!r}')
        return word
    return value if kind == "any" else str(value)


def _ports(value: Any) -> range:
    low, _, high = str(value).replace("..", "-").partition("-")
    return range(int(low), int(high or low) + 1)


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and name not in KNOWN:
            flat.update(flatten(value, f"{name}."))
        else:
            flat[name] = value
    return flat


@dataclass
class Settings:
    """Typed values of settings; a setting that is not given has its default."""

    given: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        if self.given.get(name) is not None:
            return self.given[name]
        if name == "node.name":
            return socket.gethostname()
        if name == "pipeline.workers":
            return os.cpu_count() or 1
        if name in ("path.queue", "path.dead_letter_queue"):
            return str(Path(self["path.data"]) / name.partition(".")[2])
        return _coerce(name, KNOWN[name][1])

    def put(self, name: str, value: Any) -> None:
        if name not in KNOWN:
            raise ConfigurationError(
                f"Setting \"{name}\" doesn't exist. Please check if you haven't made a typo."
            )
        self.given[name] = _coerce(name, value)

    def child(self, overrides: Mapping[str, Any]) -> Settings:
        child = Settings(dict(self.given))
        for name, value in overrides.items():
            child.put(name, value)
        return child


def _load_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigurationError(f"Failed to read {path}: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"Failed to read {path}: {error.strerror}") from error


def read_settings(
    directory: Path, environment: Mapping[str, str], command_line: Mapping[str, Any]
) -> Settings:
    """Settings from the file, the environment and the command line; the last one wins."""
    settings = Settings({"path.data": str(directory.parent / "data")})
    file = directory / "logstash.yml"
    if file.is_file():
        tree = _load_yaml(file)
        if tree is not None and not isinstance(tree, dict):
            raise ConfigurationError(f"{file} must contain settings, one per line")
        for name, value in flatten(tree or {}).items():
            settings.put(name, substitute_deep(value, environment))
    for variable, value in environment.items():
        known = FROM_ENVIRONMENT.get(variable.lower().replace(".", "").replace("_", ""))
        if known:
            if file.is_file() and not os.access(file, os.W_OK):
                raise ConfigurationError(
                    f"env2yaml: {variable} is the setting {known}, but {file} is not writable"
                )
            settings.put(known, value)
    for name, value in command_line.items():
        settings.put(name, value)
    return settings


def read_pipelines(
    directory: Path, environment: Mapping[str, str], settings: Settings
) -> list[Settings]:
    """One Settings object per pipeline, from -f/-e or pipelines.yml."""
    if settings.given.get("path.config") or settings.given.get("config.string"):
        return [settings]
    file = directory / "pipelines.yml"
    entries = _load_yaml(file) if file.is_file() else None
    if not entries:
        raise ConfigurationError(f"ERROR: Pipelines YAML file is empty. Location: {file}")
    if not isinstance(entries, list):
        raise ConfigurationError(
            f"ERROR: Pipelines YAML file must contain an array of pipelines. Location: {file}"
        )
    result, seen = [], set()
    for entry in entries:
        flat = flatten(substitute_deep(entry, environment))
        unknown = sorted(set(flat) - PIPELINE_KEYS)
        if unknown:
            raise ConfigurationError(
                f'Settings "{", ".join(unknown)}" cannot be set in pipelines.yml'
            )
        child = settings.child(flat)
        name = child["pipeline.id"]
        if name in seen:
            raise ConfigurationError(f"Pipelines YAML file has duplicate pipeline IDs: [{name}]")
        seen.add(name)
        result.append(child)
    return result


def read_config(settings: Settings) -> tuple[str, str]:
    """The text of a pipeline and its source."""
    if settings["config.string"]:
        return settings["config.string"], "config string"
    path = Path(settings["path.config"] or "")
    files = sorted(path.iterdir()) if path.is_dir() else sorted(path.parent.glob(path.name))
    files = [one for one in files if one.is_file()]
    if not files:
        raise ConfigurationError(f"No config files found in path {path}")
    try:
        return "\n".join(one.read_text(encoding="utf-8") for one in files) + "\n", str(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"Failed to read {path}: {error}") from error
