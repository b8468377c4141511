# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The date formats that the pipelines use: Joda patterns, ISO8601, UNIX."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from .errors import ConfigurationError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TOKEN = re.compile(r"'([^']*)'|(y+|Y+|M+|d+|H+|h+|m+|s+|S+|Z+|E+|a+|D+|e+)|(.)", re.DOTALL)
_ISO = re.compile(
    r"(?P<y>\d{4})-(?P<M>\d{1,2})-(?P<d>\d{1,2})"
    r"(?:[T ](?P<H>\d{1,2}):?(?P<m>\d{2})(?::?(?P<s>\d{2})(?:[.,](?P<S>\d{1,9}))?)?)?"
    r"\s?(?P<Z>Z|[+-]\d{2}:?\d{2})?\Z"
)
_PARTS = {
    "y": r"\d{4}",
    "d": r"\d{1,2}",
    "H": r"\d{1,2}",
    "m": r"\d{1,2}",
    "s": r"\d{1,2}",
    "S": r"\d{1,9}",
    "Z": r"Z|UTC|GMT|[+-]\d{2}:?\d{2}",
    "E": r"[A-Za-z]{3,9}",
}

Parser = Callable[[str, tzinfo], datetime]


def zone(name: str | None) -> tzinfo:
    """The time zone with this name; the machine's time zone if the name is empty."""
    if not name:
        local = datetime.now().astimezone().tzinfo
        return local if local is not None else UTC
    if name in ("UTC", "Etc/UTC", "GMT", "Z"):
        return UTC
    offset = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", name)
    if offset:
        return _offset(name)
    try:
        from zoneinfo import ZoneInfo

        return ZoneInfo(name)
    except Exception as error:
        raise ConfigurationError(f"The datetime zone id '{name}' is not recognised") from error


def _offset(text: str) -> timezone:
    if text in ("Z", "UTC", "GMT"):
        return UTC
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def guess_year(month: int, now: datetime) -> int:
    """The year for a date without one; around New Year this can be the next or the last year."""
    if now.month == 12 and month == 1:
        return now.year + 1
    if now.month == 1 and month == 12:
        return now.year - 1
    return now.year


def _build(found: dict[str, str], default_zone: tzinfo) -> datetime:
    where = _offset(found["Z"]) if found.get("Z") else default_zone
    month_text = found.get("M", "1")
    month = int(month_text) if month_text.isdigit() else _MONTHS.index(month_text[:3].lower()) + 1
    year = int(found["y"]) if found.get("y") else guess_year(month, datetime.now(where))
    micro = int((found.get("S") or "0").ljust(6, "0")[:6])
    return datetime(
        year,
        month,
        int(found.get("d") or 1),
        int(found.get("H") or 0),
        int(found.get("m") or 0),
        int(found.get("s") or 0),
        micro,
        tzinfo=where,
    )


def _iso8601(text: str, default_zone: tzinfo) -> datetime:
    match = _ISO.match(text)
    if not match:
        raise ValueError(text)
    return _build({k: v for k, v in match.groupdict().items() if v}, default_zone)


def _unix(scale: float) -> Parser:
    return lambda text, _zone: datetime.fromtimestamp(float(text) / scale, UTC)


def parser_for(pattern: str) -> Parser:
    """A function that parses texts in this Joda pattern."""
    if pattern == "ISO8601":
        return _iso8601
    if pattern == "UNIX":
        return _unix(1)
    if pattern == "UNIX_MS":
        return _unix(1000)
    regex = ""
    for quoted, token, other in _TOKEN.findall(pattern):
        if token:
            kind = "y" if token[0] == "Y" else token[0]
            if kind == "M":
                part = r"[A-Za-z]{3,9}" if len(token) > 2 else r"\d{1,2}"
            elif kind in _PARTS:
                part = _PARTS[kind]
            else:
                raise ConfigurationError(f"The stand-in does not know the date token '{token}'")
            regex += f"(?P<{kind}>{part})"
        else:
            regex += re.escape(quoted or other)
    compiled = re.compile(regex + r"\Z")

    def parse(text: str, default_zone: tzinfo) -> datetime:
        match = compiled.match(text)
        if not match:
            raise ValueError(text)
        return _build(match.groupdict(), default_zone)

    return parse


def to_timestamp(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def format_joda(moment: datetime, pattern: str) -> str:
    """Format a moment with a Joda pattern, as in ``%{+YYYY.MM.dd}``."""
    out = ""
    for quoted, token, other in _TOKEN.findall(pattern):
        kind, width = token[:1], len(token)
        if not token:
            out += quoted or other
        elif kind in "yY":
            out += f"{moment.year:04d}"[-2:] if width == 2 else f"{moment.year:04d}"
        elif kind == "M" and width > 2:
            name = _MONTH_NAMES[moment.month - 1]
            out += name if width > 3 else name[:3]
        elif kind == "E":
            name = _DAY_NAMES[moment.weekday()]
            out += name if width > 3 else name[:3]
        elif kind == "S":
            out += f"{moment.microsecond:06d}"[:width]
        elif kind == "Z":
            out += "+0000" if width == 1 else "+00:00"
        else:
            number = {
                "M": moment.month,
                "d": moment.day,
                "H": moment.hour,
                "m": moment.minute,
                "s": moment.second,
                "h": (moment.hour - 1) % 12 + 1,
                "D": moment.timetuple().tm_yday,
            }.get(kind, 0)
            out += f"{number:0{width}d}"
    return out
