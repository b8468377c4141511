# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that go into the pipeline of Logstash, which knows no escaping."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ZONE = re.compile(r"[A-Za-z0-9/_+:-]+")
_DISTANCE = re.compile(r"[+-]\d{2}:?\d{2}")


def quoted(text: str) -> str:
    """A text in quotes; empty if a pipeline cannot hold it.

    >>> print(quoted("one text"), quoted('a "kind" of quotes'))
    "one text" 'a "kind" of quotes'
    >>> quoted("a${b}")
    ''
    """
    unfit = not text or "${" in text or text.endswith("\\") or _CONTROL.search(text)
    if unfit or ('"' in text and "'" in text):
        return ""
    quote = "'" if '"' in text else '"'
    return f"{quote}{text}{quote}"


def is_time_zone(zone: str, known: Collection[str]) -> bool:
    """Whether Logstash knows a zone: by its name, or as a distance from UTC.

    Without known names, whatever looks like one is good.

    >>> is_time_zone("Europe/Berlin", ["UTC"]), is_time_zone("+02:00", ["UTC"])
    (False, True)
    """
    if not _ZONE.fullmatch(zone):
        return False
    return not known or zone in known or bool(_DISTANCE.fullmatch(zone))


@functools.cache
def known_zones() -> frozenset[str]:
    """The time zones of this machine; none where it has no list of them."""
    try:
        from zoneinfo import available_timezones
    except ImportError:
        return frozenset()
    return frozenset(available_timezones())
