# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events: nested fields, references such as ``[host][ip]``, and ``%{}`` in strings."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from .dates import format_joda

_SPRINTF = re.compile(r"%\{([^}]+)\}")
_ELEMENT = re.compile(r"\[([^\[\],]+)\]")


@lru_cache(maxsize=4096)
def field_path(reference: str) -> tuple[str, ...]:
    """Split a field reference into its steps; a name without brackets is one step."""
    if reference.startswith("["):
        return tuple(_ELEMENT.findall(reference))
    return (reference,)


@lru_cache(maxsize=1)
def _second(stamp: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(stamp))


def timestamp_now() -> str:
    """The time to the nanosecond, as Logstash sets it when an input makes an event."""
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    return f"{_second(seconds)}.{rest:09d}Z"


def parse_timestamp(text: str) -> datetime:
    """The moment of a timestamp; Python knows only microseconds."""
    return datetime.strptime(text[:26].rstrip("Z"), "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC)


class Event:
    """One event; ``data`` holds all fields, including ``@metadata``."""

    __slots__ = ("data",)

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        self.data: dict[str, Any] = {} if data is None else data
        if "@timestamp" not in self.data:
            self.data["@timestamp"] = timestamp_now()
        self.data.setdefault("@version", "1")

    def get(self, reference: str) -> Any:
        node: Any = self.data
        for step in field_path(reference):
            if isinstance(node, dict):
                node = node.get(step)
            elif isinstance(node, list) and step.lstrip("-").isdigit():
                index = int(step)
                node = node[index] if -len(node) <= index < len(node) else None
            else:
                return None
        return node

    def set(self, reference: str, value: Any) -> None:
        path = field_path(reference)
        node = self.data
        for step in path[:-1]:
            child = node.get(step)
            if not isinstance(child, dict):
                child = node[step] = {}
            node = child
        node[path[-1]] = value

    def include(self, reference: str) -> bool:
        return self.get(reference) is not None

    def remove(self, reference: str) -> Any:
        path = field_path(reference)
        node: Any = self.data
        for step in path[:-1]:
            node = node.get(step) if isinstance(node, dict) else None
        return node.pop(path[-1], None) if isinstance(node, dict) else None

    def tags(self) -> list[str]:
        value = self.data.get("tags")
        if value is None:
            return []
        return value if isinstance(value, list) else [value]

    def add_tag(self, tag: str) -> None:
        tags = self.tags()
        if tag not in tags:
            self.data["tags"] = [*tags, tag]

    def remove_tag(self, tag: str) -> None:
        if "tags" in self.data:
            self.data["tags"] = [one for one in self.tags() if one != tag]

    def sprintf(self, template: str) -> str:
        if "%{" not in template:
            return template
        return _SPRINTF.sub(self._expand, template)

    def _expand(self, match: re.Match[str]) -> str:
        name = match.group(1)
        if name == "+%s":
            return str(int(parse_timestamp(self.data["@timestamp"]).timestamp()))
        if name.startswith("+"):
            return format_joda(parse_timestamp(self.data["@timestamp"]), name[1:])
        value = self.get(name)
        if value is None:
            return match.group(0)
        if isinstance(value, list):
            return ",".join(str(one) for one in value)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, dict):
            return json.dumps(value)
        return str(value)

    def to_document(self) -> dict[str, Any]:
        """The event that an output writes: without ``@metadata``."""
        if "@metadata" not in self.data:
            return self.data
        return {key: value for key, value in self.data.items() if key != "@metadata"}
