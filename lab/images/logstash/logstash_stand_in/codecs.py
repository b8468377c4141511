# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Codecs: bytes to events for inputs, events to text for outputs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .log import Logger

if TYPE_CHECKING:
    from .event import Event

_log = Logger("logstash.codecs.plain")


_SHORT = dict(zip('\a\b\t\n\v\f\r\x1b"\\', ("\\" + one for one in 'abtnvfre"\\'), strict=True))


def _escape(character: str) -> str:
    """A character as Ruby's ``inspect`` writes it."""
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable():
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02X}"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\u{{{code:X}}}"


def decode_text(data: bytes, charset: str = "UTF-8") -> str:
    """Decode bytes; write invalid bytes as escape sequences instead of dropping them."""
    try:
        return data.decode(charset)
    except UnicodeDecodeError:
        escaped = "".join(_escape(one) for one in data.decode(charset, "surrogateescape"))
        # Where Ruby would read a variable.
        escaped = re.sub(r"#(?=[$@{])", r"\\#", escaped)
        _log.warn(
            "Received an event that has a different character encoding than you configured.",
            text=escaped,
            expected_charset=charset,
        )
        return escaped


def decode(codec: tuple[str, dict[str, Any]], data: bytes) -> list[dict[str, Any]]:
    """Decode data into the fields of its events."""
    name, options = codec
    text = decode_text(data, options.get("charset", "UTF-8"))
    if name in ("plain", "rubydebug") and not data:
        return []
    if name in ("plain", "rubydebug"):
        return [{"message": text, "event": {"original": text}}]
    if name == "line":
        lines = text.split(options["delimiter"])
        if len(lines) > 1 and not lines[-1]:
            lines.pop()
        return [{"message": one, "event": {"original": one}} for one in lines]
    pieces = text.splitlines() if name == "json_lines" else [text]
    events: list[dict[str, Any]] = []
    for piece in pieces:
        if not piece.strip():
            continue
        try:
            parsed = json.loads(piece)
            found = parsed if isinstance(parsed, list) else [parsed]
            if not all(isinstance(one, dict) for one in found):
                raise ValueError("not an object")
            events += [
                {**one, "event": {**one.get("event", {}), "original": piece}} for one in found
            ]
        except (ValueError, TypeError):
            events.append(
                {"message": piece, "event": {"original": piece}, "tags": ["_jsonparsefailure"]}
            )
    return events


def encode(codec: tuple[str, dict[str, Any]], event: Event) -> str:
    name, options = codec
    if name in ("json", "json_lines"):
        return json.dumps(event.to_document()) + ("\n" if name == "json_lines" else "")
    if name == "rubydebug":
        return json.dumps(event.to_document(), indent=2, sort_keys=True) + "\n"
    template = options.get("format")
    text = (
        event.sprintf(template)
        if template
        else event.sprintf("%{@timestamp} %{[host][hostname]} %{message}")
    )
    return text + (options.get("delimiter", "\n") if name == "line" else "")
