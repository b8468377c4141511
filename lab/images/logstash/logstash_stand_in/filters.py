# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters mutate, grok, date, syslog_pri and fingerprint."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from . import dates
from .errors import ConfigurationError
from .grok import Grok, to_python

if TYPE_CHECKING:
    from collections.abc import Callable

    from .event import Event


class Filter:
    """Base of all filters: after a success it adds and removes fields and tags."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.name = ""
        self.events_in = 0
        self._counting = threading.Lock()
        self.matches = 0
        self.failures = 0
        self._decorates = any(
            options.get(name) for name in ("add_field", "remove_field", "add_tag", "remove_tag")
        )

    def run(self, event: Event) -> None:
        with self._counting:
            self.events_in += 1
        self.apply(event)

    def matched(self, event: Event) -> None:
        self.matches += 1
        if not self._decorates:
            return
        for name, value in self.options["add_field"].items():
            for one in value if isinstance(value, list) else [value]:
                _append(event, event.sprintf(name), event.sprintf(str(one)))
        for name in self.options["remove_field"]:
            event.remove(event.sprintf(name))
        for tag in self.options["add_tag"]:
            event.add_tag(event.sprintf(tag))
        for tag in self.options["remove_tag"]:
            event.remove_tag(event.sprintf(tag))

    def apply(self, event: Event) -> None:
        raise NotImplementedError


def _append(event: Event, name: str, value: Any) -> None:
    old = event.get(name)
    if old is None:
        event.set(name, value)
    else:
        event.set(name, [*(old if isinstance(old, list) else [old]), value])


class GrokFilter(Filter):
    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        if options["patterns_dir"]:
            raise ConfigurationError("The stand-in does not read patterns_dir")
        self._rules = [
            (
                name,
                [
                    Grok(one, options["pattern_definitions"], options["named_captures_only"])
                    for one in (patterns if isinstance(patterns, list) else [patterns])
                ],
            )
            for name, patterns in options["match"].items()
        ]
        if not self._rules:
            raise ConfigurationError("grok needs match")
        self._overwrite = set(options["overwrite"])
        self._keep_empty = options["keep_empty_captures"]
        self._break = options["break_on_match"]

    def apply(self, event: Event) -> None:
        hit = False
        for name, groks in self._rules:
            value = event.get(name)
            for text in value if isinstance(value, list) else [value]:
                if text is None:
                    continue
                for grok in groks:
                    captures = grok.match(str(text))
                    if captures is None:
                        continue
                    hit = True
                    for field, found in captures:
                        self._store(event, field, found)
                    if self._break:
                        break
            if hit and self._break:
                break
        if hit:
            self.matched(event)
        else:
            self.failures += 1
            for tag in self.options["tag_on_failure"]:
                event.add_tag(tag)

    def _store(self, event: Event, field: str, value: Any) -> None:
        if value == "" and not self._keep_empty:
            return
        if field in self._overwrite or not event.include(field):
            event.set(field, value)
            return
        old = event.get(field)
        # As in Logstash, an existing number does not change.
        if isinstance(old, (list, str)):
            _append(event, field, value)


class DateFilter(Filter):
    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        if len(options["match"]) < 2:
            raise ConfigurationError(
                "The match setting should contains first a field name and at least one date format"
            )
        self._field = options["match"][0]
        self._parsers = [dates.parser_for(one) for one in options["match"][1:]]
        self._zone = dates.zone(options.get("timezone"))
        self._cache: dict[str, str] = {}

    def parse(self, text: str) -> Any:
        known = self._cache.get(text)
        if known is not None:
            return known
        for parser in self._parsers:
            try:
                moment = dates.to_timestamp(parser(text, self._zone))
            except (ValueError, OverflowError, KeyError, ConfigurationError):
                continue
            if len(self._cache) > 1000:
                self._cache.clear()
            self._cache[text] = moment
            return moment
        return None

    def apply(self, event: Event) -> None:
        value = event.get(self._field)
        if value is None:
            return
        moment = self.parse(str(value))
        if moment is None:
            self.failures += 1
            for tag in self.options["tag_on_failure"]:
                event.add_tag(tag)
            return
        event.set(self.options["target"], moment)
        self.matched(event)


class SyslogPriFilter(Filter):
    """Splits a syslog priority into facility and severity, with their names."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self._field = options.get("syslog_pri_field_name") or "[log][syslog][priority]"

    def apply(self, event: Event) -> None:
        value = event.get(self._field)
        if isinstance(value, list):
            value = value[0] if value else None
        try:
            priority = 13 if value is None else int(value)
        except ValueError:
            priority = 0
        facility, severity = priority >> 3, priority & 7
        event.set("[log][syslog][facility][code]", facility)
        event.set("[log][syslog][severity][code]", severity)
        if self.options["use_labels"]:
            labels = self.options["facility_labels"]
            if facility < len(labels):
                event.set("[log][syslog][facility][name]", labels[facility])
                event.set(
                    "[log][syslog][severity][name]", self.options["severity_labels"][severity]
                )
            else:
                event.add_tag("_syslogpriparsefailure")
        self.matched(event)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "integer": lambda v: int(float(v)),
    "integer_eu": lambda v: int(float(str(v).replace(".", "").replace(",", "."))),
    "float": float,
    "float_eu": lambda v: float(str(v).replace(".", "").replace(",", ".")),
    "string": str,
    "boolean": lambda v: str(v).lower() in ("true", "t", "yes", "y", "1", "1.0"),
}


def _replace_in(pattern: re.Pattern[str], text: str, value: Any) -> Any:
    return pattern.sub(text, value) if isinstance(value, str) else value


class MutateFilter(Filter):
    """Runs the operations in the fixed order of Logstash, not in the order of the file."""

    ORDER = (
        "coerce",
        "rename",
        "update",
        "replace",
        "convert",
        "gsub",
        "uppercase",
        "capitalize",
        "lowercase",
        "strip",
        "split",
        "join",
        "merge",
        "copy",
    )

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        for kind in (options.get("convert") or {}).values():
            if kind not in _CONVERTERS:
                raise ConfigurationError(
                    f"Invalid conversion type '{kind}', expected one of '{','.join(_CONVERTERS)}'"
                )
        gsub = options.get("gsub") or []
        if len(gsub) % 3:
            raise ConfigurationError(
                "Invalid gsub configuration [...]. gsub requires 3 elements per config entry"
            )
        self._gsub = [
            (
                gsub[i],
                re.compile(to_python(str(gsub[i + 1])), re.MULTILINE),
                re.sub(r"\\(?=[^\d\\]|$)", r"\\\\", str(gsub[i + 2])),
            )
            for i in range(0, len(gsub), 3)
        ]
        self._steps = [getattr(self, f"_do_{name}") for name in self.ORDER if options.get(name)]

    def apply(self, event: Event) -> None:
        try:
            for step in self._steps:
                step(event)
        except (ValueError, TypeError, AttributeError):
            self.failures += 1
            event.add_tag(self.options["tag_on_failure"])
            return
        self.matched(event)

    def _each(self, event: Event, name: str, change: Callable[[Any], Any]) -> None:
        value = event.get(name)
        if isinstance(value, list):
            event.set(name, [change(one) for one in value])
        elif value is not None:
            event.set(name, change(value))

    def _do_coerce(self, event: Event) -> None:
        for name, value in self.options["coerce"].items():
            if event.get(name) is None:
                event.set(name, event.sprintf(str(value)))

    def _do_rename(self, event: Event) -> None:
        for old, new in self.options["rename"].items():
            old = event.sprintf(old)
            if event.include(old):
                event.set(event.sprintf(new), event.remove(old))

    def _do_update(self, event: Event) -> None:
        for name, value in self.options["update"].items():
            if event.include(name):
                event.set(name, event.sprintf(str(value)))

    def _do_replace(self, event: Event) -> None:
        for name, value in self.options["replace"].items():
            event.set(name, event.sprintf(str(value)))

    def _do_convert(self, event: Event) -> None:
        for name, kind in self.options["convert"].items():
            self._each(event, name, _CONVERTERS[kind])

    def _do_gsub(self, event: Event) -> None:
        for name, pattern, text in self._gsub:
            self._each(event, name, partial(_replace_in, pattern, text))

    def _do_uppercase(self, event: Event) -> None:
        for name in self.options["uppercase"]:
            self._each(event, name, lambda v: v.upper())

    def _do_capitalize(self, event: Event) -> None:
        for name in self.options["capitalize"]:
            self._each(event, name, lambda v: v.capitalize())

    def _do_lowercase(self, event: Event) -> None:
        for name in self.options["lowercase"]:
            self._each(event, name, lambda v: v.lower())

    def _do_strip(self, event: Event) -> None:
        for name in self.options["strip"]:
            self._each(event, name, lambda v: v.strip() if isinstance(v, str) else v)

    def _do_split(self, event: Event) -> None:
        for name, separator in self.options["split"].items():
            value = event.get(name)
            if isinstance(value, str):
                event.set(name, value.split(separator))

    def _do_join(self, event: Event) -> None:
        for name, separator in self.options["join"].items():
            value = event.get(name)
            if isinstance(value, list):
                event.set(name, separator.join(str(one) for one in value))

    def _do_merge(self, event: Event) -> None:
        for name, sources in self.options["merge"].items():
            for source in sources if isinstance(sources, list) else [sources]:
                value = event.get(source)
                for one in value if isinstance(value, list) else [value]:
                    if one is not None:
                        _append(event, name, one)

    def _do_copy(self, event: Event) -> None:
        for source, target in self.options["copy"].items():
            value = event.get(source)
            if value is not None:
                event.set(event.sprintf(target), value)


class FingerprintFilter(Filter):
    """Writes a hash of one or more fields (SHA1 to SHA512 and MD5, without a key), or a UUID."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self._hash = options["method"].lower()
        known = {*hashlib.algorithms_guaranteed, "uuid"}
        if self._hash not in known or options.get("key"):
            raise ConfigurationError("The stand-in knows only hashes without a key, and UUID")
        if options["concatenate_all_fields"]:
            raise ConfigurationError("The stand-in does not know concatenate_all_fields")
        self._sources = sorted(options["source"])
        self._target = options.get("target") or "[event][hash]"

    def apply(self, event: Event) -> None:
        if self._hash == "uuid":
            event.set(self._target, str(uuid.uuid4()))
        elif self.options["concatenate_sources"]:
            pairs = (
                f"|{name}|{event.sprintf(f'%{{{name}}}') if event.include(name) else ''}"
                for name in self._sources
            )
            self._write(event, "".join(pairs) + "|")
        else:
            for name in self._sources:
                value = event.get(name)
                for one in value if isinstance(value, list) else [value]:
                    if one is not None:
                        self._write(event, str(one))
        self.matched(event)

    def _write(self, event: Event, text: str) -> None:
        digest = hashlib.new(self._hash, text.encode("utf-8", "surrogatepass"))
        if self.options["base64encode"]:
            event.set(self._target, base64.b64encode(digest.digest()).decode())
        else:
            event.set(self._target, digest.hexdigest())


FILTERS: dict[str, type[Filter]] = {
    "grok": GrokFilter,
    "date": DateFilter,
    "mutate": MutateFilter,
    "syslog_pri": SyslogPriFilter,
    "fingerprint": FingerprintFilter,
}
