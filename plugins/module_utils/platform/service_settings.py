# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What variables give to the services, unchecked, with the names of these variables.

A wrong value is an error where a service is described as `services` reads it. Preflight needs it as
it is, to report it together with everything else that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    ALL,
    ALWAYS,
    CHECKED,
    ENTRIES,
    INGRESS,
    REPLICATED,
    SECRETS,
    SPECS,
    TEXTS,
    Certificate,
    Check,
    Credential,
    Names,
    ServiceError,
    names_of,
    runs_one_per_host,
    unit_of,
    unknown_names,
)

JsonDict = dict[str, Any]

# A value that is one variable.
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True)
class Setting:
    """A value of a service as it is given, and what gives it: a variable in most cases."""

    variable: str
    value: Any = None

    @property
    def text(self) -> str:
        return "" if self.value is None else str(self.value).strip()

    @property
    def number(self) -> int:
        """The number, 0 for what is none."""
        return int(self.text) if self.text.isdigit() else 0


@dataclass(frozen=True)
class PortSettings:
    """A port that a service publishes."""

    name: str
    protocols: tuple[str, ...]
    port: Setting
    publish: Setting
    networks: Setting

    @property
    def on_every_host(self) -> bool:
        """Whether the routing mesh answers on every member of the swarm."""
        return self.publish.text == INGRESS


@dataclass(frozen=True)
class ServiceSettings:
    """A service with the values that variables give it."""

    name: str
    title: str
    kind: str
    group: str
    replicas: Setting
    image: Setting
    memory: Setting
    role: str = ""
    service: str = ""
    purpose: str = ""
    labels: tuple[str, ...] = ()
    ports: tuple[PortSettings, ...] = ()
    data: tuple[str, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    credentials: tuple[Credential, ...] = ()
    # By the name of the credential, what gives the path of its file.
    files: Mapping[str, Setting] = field(default_factory=dict)
    # Whether each condition is met; none where it cannot be evaluated.
    checks: tuple[Check, ...] = ()

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> ServiceSettings:
        """A service from `as_given`; what is missing is empty."""
        credentials = facts.get("credentials") or ()
        return cls(
            **{key: facts[key] for key in ("name", "title", "kind", "group")},
            service=str(facts.get("service") or facts["name"]),
            role=str(facts.get("role") or ""),
            purpose=facts.get("purpose") or "",
            labels=tuple(str(label) for label in facts.get("labels") or ()),
            replicas=_setting(facts, "replicas"),
            image=_setting(facts, "image"),
            memory=_setting(facts, "memory"),
            ports=tuple(
                PortSettings(
                    name=one["name"],
                    protocols=tuple(one["protocols"]),
                    port=_setting(one, "port"),
                    publish=_setting(one, "publish"),
                    networks=_setting(one, "networks"),
                )
                for one in facts.get("ports") or ()
            ),
            data=tuple(one["name"] for one in facts.get("data") or ()),
            certificates=tuple(
                Certificate(one["name"], (), one["config"] or "", one["secret"] or "")
                for one in facts.get("certificates") or ()
            ),
            credentials=tuple(Credential.from_dict(one) for one in credentials),
            files={one["name"]: _setting(one, "file") for one in credentials if one["file"]},
            checks=tuple(Check(**one) for one in facts.get("checks") or ()),
        )

    @property
    def names(self) -> Names:
        return names_of(self, self.data)

    @property
    def replicated(self) -> bool:
        return self.kind == REPLICATED

    @property
    def one_per_host(self) -> bool:
        """Whether a host runs at most one task."""
        return runs_one_per_host(self.kind, self.data, [port.publish.text for port in self.ports])

    @property
    def unit(self) -> str:
        """The systemd unit of a service of kind host."""
        return unit_of(self.kind, self.service or self.name)

    @property
    def moves(self) -> bool:
        """Whether Swarm chooses the hosts of its tasks, because no data keeps a task on one."""
        return self.replicated and not self.data

    def hosts(self, places: Sequence[str]) -> Sequence[str]:
        """Those of its hosts that may run a task: data keeps it on the first ones."""
        keeps = self.replicated and self.data
        return places[: self.replicas.number] if keeps else places


def _setting(facts: Mapping[str, Any], key: str) -> Setting:
    return Setting(facts["variables"].get(key, key), facts.get(key))


def as_given(
    raw: Any,
    source: Any,
    role: str,
    file: str,
    fields: frozenset[str] = ALL,
    *,
    secrets: bool = False,
) -> list[JsonDict]:
    """The services that the file of a role describes, as plain lists and dictionaries.

    Args:
        raw: The evaluated content of the file.
        source: The same content before it was evaluated, which has the names of the variables.
        role: The name of the role.
        file: The path of the file.
        fields: The fields to return.
        secrets: Whether to return values that can contain credentials.

    Raises:
        ServiceError: The file has another form. That is an error of the role, not of a variable.
    """
    if not isinstance(raw, Mapping) or not raw:
        raise ServiceError(f"Role {role}, {file}: it must be a dictionary of services by name.")
    problems: list[str] = []
    services = []
    for name, description in raw.items():
        keys = ALWAYS | fields
        given = source[name] if isinstance(source[name], Mapping) else {}
        found = _with_variables(name, "service", description, given, role, problems, keys)
        for kind in ENTRIES.keys() & found.keys():
            before = given.get(kind)
            found[kind] = [
                _with_variables(
                    f"{name}.{kind}[{number}]",
                    kind,
                    entry,
                    before[number] if isinstance(before, (list, tuple)) else {},
                    role,
                    problems,
                )
                for number, entry in enumerate(found[kind] or ())
            ]
            secret = () if secrets else SECRETS.get(kind, ())
            # No variable gives a check.
            nobody = ("variables",) if kind == "checks" else ()
            for key in (*secret, *CHECKED.get(kind, ()), *nobody):
                for entry in found[kind]:
                    entry.pop(key, None)
        if "service" in found:
            found["service"] = found["service"] or name
        services.append({**found, "name": name, "role": role, "group": found["group"] or name})
    if problems:
        raise ServiceError(f"Role {role}, {file}: {'; '.join(problems)}.")
    return services


def _given(value: Mapping[str, Any], key: str, default: Any) -> Any:
    """A value of a description; one that is there and empty differs from one that is left out."""
    return "" if key in TEXTS and key in value and value[key] is None else value.get(key, default)


def _with_variables(
    path: str,
    kind: str,
    value: Any,
    source: Any,
    role: str,
    problems: list[str],
    fields: Iterable[str] | None = None,
) -> JsonDict:
    """A dictionary with its defaults, and with the variable that each value comes from."""
    spec = {key: one for key, one in SPECS[kind].items() if fields is None or key in fields}
    if not isinstance(value, Mapping):
        problems.append(f"{path}: must be a dictionary with {', '.join(sorted(SPECS[kind]))}")
        return {"group": None}
    problems += unknown_names(path, kind, value)
    problems += [
        f"{path}: missing required arguments: {key}"
        for key, one in spec.items()
        if one.get("required") and key not in value
    ]
    # A variable may also give all of it.
    given = source if isinstance(source, Mapping) else {}
    sources = {key: _VARIABLE.fullmatch(str(given.get(key, "")).strip()) for key in spec}
    return {
        **{key: _given(value, key, one.get("default")) for key, one in spec.items()},
        "variables": {
            key: found[1] if found else f"{path}.{key} of role {role}"
            for key, found in sources.items()
            if key not in ENTRIES
        },
    }
