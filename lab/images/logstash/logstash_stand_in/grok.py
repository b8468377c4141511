# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grok: named patterns on top of regular expressions.

The names are those of Logstash's core patterns with ECS fields. The expressions are written for
this project and cover only what syslog pipelines need.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

PATTERNS: dict[str, str] = {
    "INT": r"[+-]?[0-9]+",
    "BASE10NUM": r"(?<![0-9.+-])[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)",
    "NUMBER": r"%{BASE10NUM}",
    "POSINT": r"\b[1-9][0-9]*\b",
    "NONNEGINT": r"\b[0-9]+\b",
    "WORD": r"\b\w+\b",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "DATA": r".*?",
    "GREEDYDATA": r".*",
    "QUOTEDSTRING": r'"(?:\\.|[^\\"])*"|' + r"'(?:\\.|[^\\'])*'",
    "QS": r"%{QUOTEDSTRING}",
    "UUID": r"[A-Fa-f0-9]{8}(?:-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}",
    "USERNAME": r"[\w.-]+",
    "USER": r"%{USERNAME}",
    "OCTET": r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})",
    "IPV4": r"(?<![0-9])(?:%{OCTET}\.){3}%{OCTET}(?![0-9])",
    "IPV6": r"(?<![\w:])(?:(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}"
    r"|(?=\S*::)(?:[0-9A-Fa-f]{1,4})?(?::{1,2}[0-9A-Fa-f]{1,4}){0,7}(?:::)?)(?:%.+)?",
    "IP": r"(?:%{IPV4}|%{IPV6})",
    "HOSTNAME": r"\b[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*(?:\.?|\b)",
    "IPORHOST": r"(?:%{IP}|%{HOSTNAME})",
    "HOSTPORT": r"%{IPORHOST}:%{POSINT}",
    "UNIXPATH": r"(?:/[\w%!$@:.,+~-]*)+",
    "PATH": r"%{UNIXPATH}",
    "LOGLEVEL": r"(?i:trace|debug|notice|info(?:rmation)?|warn(?:ing)?|err(?:or)?|crit(?:ical)?"
    r"|alert|fatal|severe|emerg(?:ency)?)",
    # In English and in German.
    "MONTH": r"\b(?:[Jj]an(?:uary?)?|[Ff]eb(?:ruary?)?|[Mm][aä]?r(?:ch|z)?|[Aa]pr(?:il)?"
    r"|[Mm]a[iy]?|[Jj]un[ei]?|[Jj]ul[iy]?|[Aa]ug(?:ust)?|[Ss]ep(?:tember)?|[Oo][ck]?t(?:ober)?"
    r"|[Nn]ov(?:ember)?|[Dd]e[cz](?:ember)?)\b",
    "MONTHNUM": r"(?:0?[1-9]|1[0-2])",
    "MONTHDAY": r"(?:0[1-9]|[12][0-9]|3[01]|[1-9])",
    "DAY": r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*",
    "YEAR": r"(?:\d\d){1,2}",
    "HOUR": r"(?:2[0-3]|[01]?[0-9])",
    "MINUTE": r"[0-5][0-9]",
    "SECOND": r"(?:60|[0-5]?[0-9])(?:[:.,][0-9]+)?",
    "TIME": r"%{HOUR}:%{MINUTE}:%{SECOND}(?![0-9])",
    "ISO8601_TIMEZONE": r"(?:Z|[+-]%{HOUR}:?%{MINUTE})",
    "TIMESTAMP_ISO8601": r"%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?"
    r"%{ISO8601_TIMEZONE}?",
    "HTTPDATE": r"%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}",
    "SYSLOGTIMESTAMP": r"%{MONTH} +%{MONTHDAY} %{TIME}",
    "PROG": r"[!-Z\\^-~]+",
    "SYSLOGPROG": r"%{PROG:[process][name]}(?:\[%{POSINT:[process][pid]:int}\])?",
    "SYSLOGHOST": r"%{IPORHOST}",
    "SYSLOGFACILITY": r"<%{NONNEGINT:[log][syslog][facility][code]:int}"
    r".%{NONNEGINT:[log][syslog][priority]:int}>",
    "SYSLOGBASE": r"%{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?"
    r"%{SYSLOGHOST:[host][hostname]} %{SYSLOGPROG}:",
    "SYSLOGBASE2": r"(?:%{SYSLOGTIMESTAMP:timestamp}|%{TIMESTAMP_ISO8601:timestamp})"
    r"(?: %{SYSLOGFACILITY})?(?: %{SYSLOGHOST:[host][hostname]})?"
    r"(?: %{SYSLOGPROG}:)?",
    "SYSLOGLINE": r"%{SYSLOGBASE2} %{GREEDYDATA:message}",
    "SYSLOG5424PRINTASCII": r"[!-~]+",
}

_USE = re.compile(r"%\{(\w+)(?::([^:}]+))?(?::(int|float|string))?\}")
_NAMED = re.compile(r"\(\?<([A-Za-z_@\[][^>=!]*)>")
_TYPES: dict[str, Any] = {"int": int, "float": float}


# What Python writes differently, outside of a class in brackets and inside one. Ruby's are ASCII.
_OUTSIDE = {
    r"\z": r"\Z",
    r"\Z": r"(?=\n?\Z)",
    r"\h": "[0-9a-fA-F]",
    r"\H": "[^0-9a-fA-F]",
    r"\d": "[0-9]",
    r"\D": "[^0-9]",
    r"\s": r"[ \t\r\n\f\v]",
    r"\S": r"[^ \t\r\n\f\v]",
    r"\w": "[0-9A-Za-z_]",
    r"\W": "[^0-9A-Za-z_]",
    r"\p{L}": r"[^\W\d_]",
    r"\/": "/",
}
_INSIDE = {
    r"\h": "0-9a-fA-F",
    r"\d": "0-9",
    r"\s": r" \t\r\n\f\v",
    r"\w": "0-9A-Za-z_",
    r"\/": "/",
}
_ESCAPE = re.compile(r"\\p\{\w+\}|\\.", re.DOTALL)
_REPEATED_REPETITION = re.compile(r"\{\d*,?\d*\}\+")


@lru_cache(maxsize=1024)
def to_python(pattern: str) -> str:
    """Convert a Ruby regular expression to Python's syntax."""
    out, i, inside = "", 0, False
    opened: list[int] = []
    while i < len(pattern):
        escape = _ESCAPE.match(pattern, i)
        if escape:
            out += (_INSIDE if inside else _OUTSIDE).get(escape.group(0), escape.group(0))
            i = escape.end()
            continue
        if not inside and _REPEATED_REPETITION.match(pattern, i):
            # Python would take it as possessive, and Ruby repeats the repetition.
            raise ConfigurationError(
                f"The stand-in does not know {{n,m}}+: use (?>...) in {pattern}"
            )
        if not inside and pattern.startswith("(?m:", i):
            # The dot also matches line ends.
            opened.append(len(out))
            out += "(?s:"
            i += 4
            continue
        if pattern[i] == "[" and not inside:
            inside = True
        elif pattern[i] == "]" and inside:
            inside = False
        elif pattern[i] == "(" and not inside:
            opened.append(len(out))
        elif pattern[i] == ")" and not inside and opened:
            start = opened.pop()
            if pattern[i + 1 : i + 3] in ("++", "*+", "?+"):
                # Python up to 3.11.4 goes wrong in a possessive group that fails in its middle.
                out = f"{out[:start]}(?>{out[start:]}){pattern[i + 1]})"
                i += 3
                continue
        out += pattern[i]
        i += 1
    return out


def _cast(kind: str | None, text: str) -> Any:
    if kind == "int":
        match = re.match(r"\s*[+-]?\d+", text)
        return int(match.group(0)) if match else 0
    if kind == "float":
        try:
            return float(text)
        except ValueError:
            return 0.0
    return text


class Grok:
    """One compiled expression; ``match`` returns a list of (field, value), or None."""

    def __init__(
        self, expression: str, definitions: Mapping[str, str], named_captures_only: bool = True
    ) -> None:
        self._known = {**PATTERNS, **definitions}
        self._named_only = named_captures_only
        self._groups: list[tuple[str, str, str | None]] = []
        source = to_python(self._expand(expression, 0))
        try:
            # Grok compiles with Ruby's multi-line flag: the dot also matches line ends.
            self._regex = re.compile(source, re.DOTALL | re.MULTILINE)
        except re.error as error:
            raise ConfigurationError(f"bad pattern {expression!r}: {error}") from error

    def _group(self, name: str, kind: str | None) -> str:
        group = f"g{len(self._groups)}"
        self._groups.append((group, name, kind))
        return group

    def _expand(self, expression: str, depth: int) -> str:
        if depth > 50:
            raise ConfigurationError("a grok pattern refers to itself")

        def use(match: re.Match[str]) -> str:
            pattern, name, kind = match.groups()
            if pattern not in self._known:
                raise ConfigurationError(f"pattern %{{{pattern}}} not defined")
            if name is None and not self._named_only:
                name = pattern
            if name is None:
                return f"(?:{self._expand(self._known[pattern], depth + 1)})"
            group = self._group(name, kind)
            return f"(?P<{group}>{self._expand(self._known[pattern], depth + 1)})"

        named = _NAMED.sub(lambda m: f"(?P<{self._group(m.group(1), None)}>", expression)
        return _USE.sub(use, named)

    def match(self, text: str) -> list[tuple[str, Any]] | None:
        found = self._regex.search(text)
        if found is None:
            return None
        values = []
        for group, name, kind in self._groups:
            value = found.group(group)
            if value is not None:
                values.append((name, _cast(kind, value)))
        return values
