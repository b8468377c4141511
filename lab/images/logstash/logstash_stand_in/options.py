# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks plugin options against the table of the real plugins' options."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .errors import ConfigurationError
from .lang import Plugin
from .log import Logger
from .settings import parse_bytes, substitute_deep

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = Logger("logstash.config")
_ECS = ("disabled", "v1", "v8")


def load_table() -> dict[str, Any]:
    here = Path(__file__).resolve().parent
    for place in (here / "options.json", here.parent / "options.json"):
        if place.is_file():
            table: dict[str, Any] = json.loads(place.read_text())
            return table
    raise ConfigurationError("options.json is missing next to the package")


TABLE = load_table()


def check(plugin: Plugin, environment: Mapping[str, str]) -> dict[str, Any]:
    """The typed options of a plugin with defaults; an error for what Logstash refuses."""
    kind = f"{plugin.kind} {plugin.name}"
    known = TABLE.get(kind)
    if known is None:
        raise ConfigurationError(
            f"Couldn't find any {plugin.kind} plugin named '{plugin.name}'. Are you sure this is "
            "correct? (the stand-in has only: "
            + ", ".join(sorted(one.split()[1] for one in TABLE if one.startswith(plugin.kind)))
            + ")"
        )
    table: dict[str, dict[str, Any]] = known["options"]
    given = _merge(plugin)
    faults: list[str] = []
    values: dict[str, Any] = {
        name: spec["default"] for name, spec in table.items() if "default" in spec
    }
    for name, raw in given.items():
        spec = table.get(name)
        if spec is None:
            faults.append(f"Unknown setting '{name}' for {plugin.name}")
            continue
        if spec.get("obsolete"):
            faults.append(
                f"The setting `{name}` in plugin `{plugin.name}` is obsolete and is no "
                "longer available."
            )
            continue
        if spec.get("deprecated"):
            _log.warn(f'You are using a deprecated config setting "{name}" set in {plugin.name}')
        try:
            values[name] = _value(spec, substitute_deep(raw, environment))
        except ValueError as error:
            faults.append(
                f"Invalid setting for {plugin.name} {plugin.kind} plugin: {name}: {error}"
            )
    for name, spec in table.items():
        if spec.get("required") and name not in given:
            faults.append(
                f"Missing a required setting for the {plugin.name} {plugin.kind} plugin: "
                f"{plugin.kind} {{ {plugin.name} {{ {name} => # SETTING MISSING }} }}"
            )
    if "codec" in table and "codec" not in given:
        default = known.get("default_codec") or "plain"
        values["codec"] = Plugin(default, [], plugin.line, "codec")
    if isinstance(values.get("codec"), str):
        values["codec"] = Plugin(values["codec"], [], plugin.line, "codec")
    if isinstance(values.get("codec"), Plugin):
        codec: Plugin = values["codec"]
        values["codec"] = (codec.name, check(codec, environment))
    if faults:
        for fault in faults:
            Logger("logstash." + plugin.kind + "s." + plugin.name).error(fault)
        raise ConfigurationError("Something is wrong with your configuration. " + "; ".join(faults))
    return values


def _merge(plugin: Plugin) -> dict[str, Any]:
    """Merge options that are given twice: join hashes and lists, put other values into a list."""
    merged: dict[str, Any] = {}
    for name, value in plugin.options:
        old = merged.get(name)
        if old is None:
            merged[name] = value
        elif isinstance(old, dict) and isinstance(value, dict):
            merged[name] = {**old, **value}
        elif isinstance(old, list):
            merged[name] = [*old, *(value if isinstance(value, list) else [value])]
        elif old != value:
            merged[name] = [old, value]
    return merged


def _value(spec: Mapping[str, Any], raw: Any) -> Any:
    if spec.get("list"):
        return [_single(spec["type"], one) for one in (raw if isinstance(raw, list) else [raw])]
    return _single(spec["type"], raw)


def _single(kind: Any, raw: Any) -> Any:
    if kind == "any":
        return raw
    if kind == "array":
        return list(raw) if isinstance(raw, list) else [raw]
    if kind == "hash":
        if isinstance(raw, dict):
            return {str(key): value for key, value in raw.items()}
        if isinstance(raw, list) and len(raw) % 2 == 0:
            return {str(raw[i]): raw[i + 1] for i in range(0, len(raw), 2)}
        raise ValueError(f"This field must contain an even number of items (a hash), got {raw!r}")
    if kind == "codec":
        if isinstance(raw, (str, Plugin)):
            return raw
        raise ValueError(f"Expected a codec, got {raw!r}")
    if isinstance(raw, list):
        if len(raw) != 1:
            raise ValueError(f"Expected one value, got {len(raw)} values {raw!r}")
        raw = raw[0]
    if isinstance(raw, (dict, Plugin)):
        raise ValueError(f"Expected {kind}, got {raw!r}")
    text = str(raw)
    if isinstance(kind, dict):
        if text not in kind["enum"]:
            raise ValueError(f"Expected one of {kind['enum']}, got {text!r}")
        return text
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise ValueError(f"Expected boolean, got {text!r}")
        return text.lower() == "true"
    if kind == "number":
        if not re.fullmatch(r"-?\d+(\.\d*)?", text):
            raise ValueError(f"Expected number, got {text!r} (type {kind})")
        return float(text) if "." in text else int(text)
    if kind == "bytes":
        return parse_bytes(text)
    if kind == "path":
        if not os.access(text, os.R_OK):
            raise ValueError(f"File does not exist or cannot be opened {text}")
        return text
    if kind == "uri":
        if not urlsplit(text if "//" in text else f"//{text}").hostname:
            raise ValueError(f"Expected an URI, got {text!r}")
        return text
    if kind == "ecs_compatibility_argument" and text not in _ECS:
        raise ValueError(f"Expected one of {list(_ECS)}, got {text!r}")
    if kind in ("dataset_identifier", "namespace_identifier") and not re.fullmatch(
        r"[^\\/*?\"<>| ,#:A-Z-]{1,100}", text
    ):
        raise ValueError(f"Invalid characters in {text!r}")
    return text
