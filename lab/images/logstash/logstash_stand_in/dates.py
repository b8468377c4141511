# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The date formats that the pipelines use: Joda patterns, ISO8601, UNIX."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from .errors import ConfigurationError

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
# Joda's ISO parser needs T and colons. Logstash also tries four formats with a blank.
_ISO = (
    re.compile(
        r"(?P<y>\d{1,9})(?:-(?P<M>\d{1,2})(?:-(?P<d>\d{1,2}))?)?"
        r"(?:[Tt](?:(?P<H>\d{1,2})(?::(?P<m>\d{1,2})(?::(?P<s>\d{1,2})(?:[.,](?P<S>\d{1,9}))?)?)?)?"
        r"(?P<Z>[Zz]|[+-]\d{2}(?::?\d{2}(?::?\d{2})?)?)?)?\Z"
    ),
    re.compile(
        r"(?P<y>\d{1,9})-(?P<M>\d{1,2})-(?P<d>\d{1,2}) "
        r"(?P<H>\d{1,2}):(?P<m>\d{1,2}):(?P<s>\d{1,2})[.,](?P<S>\d{1,3})"
        r"(?P<Z>[+-]\d{2}:?\d{2})?\Z"
    ),
)
_PARTS = {
    "y": r"\d{1,9}",
    "d": r"\d{1,2}",
    "H": r"\d{1,2}",
    "m": r"\d{1,2}",
    "s": r"\d{1,2}",
    "S": r"\d{1,9}",
    "Z": r"[+-]\d{2}:?\d{2}",
    "ZZZ": r"[A-Za-z][A-Za-z0-9_/+-]*",
    "E": r"[A-Za-z]{3,9}",
}

Parser = Callable[[str, tzinfo], datetime]


class Shifted(datetime):
    """A moment that another zone can carry out of Python's years: so many years are to be added."""

    years = 0


# Multiples of 400 years, after which the calendar repeats.
_SHIFTS = {0: -2000, 1: -2000, 9999: 8000}


# Joda-Time knows these names; a machine knows them only with Debian's package tzdata-legacy.
# They are links in the time zone database (its file `backward`).
_LINKS = {
    "CET": "Europe/Brussels",
    "CST6CDT": "America/Chicago",
    "EET": "Europe/Athens",
    "EST": "America/Panama",
    "EST5EDT": "America/New_York",
    "HST": "Pacific/Honolulu",
    "MET": "Europe/Brussels",
    "MST": "America/Phoenix",
    "MST7MDT": "America/Denver",
    "PST8PDT": "America/Los_Angeles",
    "WET": "Europe/Lisbon",
}


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

        return ZoneInfo(_LINKS.get(name, name))
    except Exception as error:
        raise ConfigurationError(f"The datetime zone id '{name}' is not recognised") from error


def _offset(text: str) -> tzinfo:
    if text in ("Z", "z", "UTC", "GMT"):
        return UTC
    if text[0] not in "+-":
        return zone(text)
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "").ljust(6, "0")
    return timezone(
        sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:]))
    )


def guess_year(month: int, now: datetime) -> int:
    """The year for a date without one; around New Year this can be the next or the last year."""
    if now.month == 12 and month == 1:
        return now.year + 1
    if now.month == 1 and month == 12:
        return now.year - 1
    return now.year


def now(where: tzinfo) -> datetime:
    return datetime.now(where)


def _month(text: str) -> int:
    """The number of a month by its English name, short or whole."""
    for number, name in enumerate(_MONTH_NAMES, start=1):
        if text.lower() in (name.lower(), name[:3].lower()):
            return number
    raise ValueError(text)


def _build(found: dict[str, str], default_zone: tzinfo) -> datetime:
    where = _offset(found["Z"]) if found.get("Z") else default_zone
    month_text = found.get("M", "1")
    month = int(month_text) if month_text.isdigit() else _month(month_text)
    year = int(found["y"]) if found.get("y") else guess_year(month, now(where))
    micro = int((found.get("S") or "0").ljust(6, "0")[:6])
    years = _SHIFTS.get(year, 0)
    moment = Shifted(
        year - years,
        month,
        int(found.get("d") or 1),
        int(found.get("H") or 0),
        int(found.get("m") or 0),
        int(found.get("s") or 0),
        micro,
        tzinfo=where,
    )
    moment.years = years
    return moment


def _iso8601(text: str, default_zone: tzinfo) -> datetime:
    for form in _ISO:
        match = form.match(text)
        if match:
            return _build({k: v for k, v in match.groupdict().items() if v}, default_zone)
    raise ValueError(text)


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
                part = r"[^\W\d_]{3,9}" if len(token) > 2 else r"\d{1,2}"
            elif kind == "S":
                part = rf"\d{{1,{len(token)}}}"
            elif kind == "Z":
                part = _PARTS["ZZZ" if len(token) > 2 else "Z"]
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
    year = utc.year + (moment.years if isinstance(moment, Shifted) else 0)
    # As Java writes years of more than four digits, and those before year 0.
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    text = utc.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return f"{sign}{abs(year):04d}{text[4:]}Z"


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
