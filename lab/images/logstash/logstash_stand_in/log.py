# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines in the format of Logstash's console log."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

_LEVELS = {"trace": 0, "debug": 1, "info": 2, "warn": 3, "error": 4, "fatal": 5}
_lock = threading.Lock()
_threshold = _LEVELS["info"]


def set_level(level: str) -> None:
    global _threshold
    _threshold = _LEVELS[level]


def _ruby(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f":{k}=>{_ruby(v)}" for k, v in value.items()) + "}"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


class Logger:
    """A logger with a name and, optionally, a pipeline."""

    def __init__(self, name: str, pipeline: str = "") -> None:
        self.name = name
        self.pipeline = pipeline

    def _write(self, level: str, message: str, details: dict[str, Any]) -> None:
        if _LEVELS[level] < _threshold:
            return
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        stamp += f",{int(now * 1000) % 1000:03d}"
        scope = f"[{self.pipeline}]" if self.pipeline else ""
        tail = f" {_ruby(details)}" if details else ""
        with _lock:
            print(f"[{stamp}][{level.upper():<5}][{self.name:<25}]{scope} {message}{tail}")
            sys.stdout.flush()

    def debug(self, message: str, /, **details: Any) -> None:
        self._write("debug", message, details)

    def info(self, message: str, /, **details: Any) -> None:
        self._write("info", message, details)

    def warn(self, message: str, /, **details: Any) -> None:
        self._write("warn", message, details)

    def error(self, message: str, /, **details: Any) -> None:
        self._write("error", message, details)

    def fatal(self, message: str, /, **details: Any) -> None:
        self._write("fatal", message, details)
