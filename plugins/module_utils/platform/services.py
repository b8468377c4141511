# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the platform knows about its services: the descriptions in meta/service.yml of their roles.

Shared roles loop over these descriptions and name no service. docs/services.md explains each field.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.elk.swarm.plugins.module_utils.common.label_names import (
    FROM_INVENTORY,
    JOINING,
    RESTARTED,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.secrets import (
    ELASTIC,
    HASH_KEY,
)

JsonDict = dict[str, Any]
Spec = dict[str, dict[str, Any]]

REPLICATED, GLOBAL, PER_HOST, HOST = KINDS = ("replicated", "global", "per_host", "host")
# Fields that only a service of the swarm can have: what it runs, is placed by and logs in with.
OF_SWARM = ("image", "labels", "credentials")
INGRESS = "ingress"
ON_HOST = "host"
# The words of -e rotate= with which credentials of services are renewed.
PASSWORDS, ENCRYPTION_KEYS = ROTATIONS = ("passwords", "encryption_keys")
UPGRADE_ORDER = 50
# What the status shows of one service only, because no other service has it.
CLUSTER, QUEUE, KIBANA = SECTIONS = ("elasticsearch_cluster", "logstash_queue", "kibana_status")

PORT: Spec = {
    "name": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "protocols": {
        "type": "list",
        "elements": "str",
        "choices": ["tcp", "udp"],
        "default": ["tcp"],
    },
    "publish": {"type": "str", "choices": [ON_HOST, INGRESS], "default": ON_HOST},
    "tls": {"type": "bool", "default": False},
    "networks": {"type": "list", "elements": "str", "default": []},
}
DATA: Spec = {
    "name": {"type": "str", "required": True},
    "storage": {"type": "raw", "required": True},
}
CERTIFICATE: Spec = {
    "name": {"type": "str", "required": True},
    "names": {"type": "list", "elements": "str", "required": True},
    "config": {"type": "str"},
    "secret": {"type": "str"},
}
CREDENTIAL: Spec = {
    "name": {"type": "str", "required": True},
    "variable": {"type": "str"},
    "file": {"type": "str"},
    "user": {"type": "str"},
    "token": {"type": "bool", "default": False},
    "secret": {"type": "str", "required": True},
    "renewal": {"type": "str", "required": True},
    "rotate": {"type": "str", "choices": list(ROTATIONS), "default": PASSWORDS},
}
CHECK: Spec = {
    "name": {"type": "str", "required": True},
    "where": {"type": "str", "required": True},
    "that": {"type": "bool", "required": True},
    "wrong": {"type": "str", "required": True},
    "fix": {"type": "str", "required": True},
}
SERVICE: Spec = {
    "title": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": list(KINDS), "required": True},
    "group": {"type": "str"},
    "service": {"type": "str"},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "replicas": {"type": "int"},
    "purpose": {"type": "str", "default": ""},
    "image": {"type": "str"},
    "memory": {"type": "str"},
    "labels": {"type": "list", "elements": "str", "default": []},
    "ports": {"type": "list", "elements": "dict", "default": []},
    "data": {"type": "list", "elements": "dict", "default": []},
    "certificates": {"type": "list", "elements": "dict", "default": []},
    "credentials": {"type": "list", "elements": "dict", "default": []},
    "checks": {"type": "list", "elements": "dict", "default": []},
    "status": {"type": "list", "elements": "str", "choices": list(SECTIONS), "default": []},
    "upgrade": {
        "type": "dict",
        "options": {"order": {"type": "int", "default": UPGRADE_ORDER}},
        "default": {},
    },
}
# The fields with entries of their own, and the spec of an entry.
ENTRIES: dict[str, Spec] = {
    "ports": PORT,
    "data": DATA,
    "certificates": CERTIFICATE,
    "credentials": CREDENTIAL,
    "checks": CHECK,
}
SPECS: dict[str, Spec] = {"service": SERVICE, **ENTRIES}
# Fields that every answer has; they cost nothing to evaluate.
ALWAYS = frozenset({"title", "kind", "group"})
ALL = frozenset(SERVICE)
TEXTS = ("service", "purpose", "image", "memory")
# Fields that are there only for who asks for them: to evaluate them may need secrets.
UNASKED = frozenset({"checks"})
# The fields of an entry that can contain credentials.
SECRETS: dict[str, tuple[str, ...]] = {"data": ("storage",)}
# The fields of an entry that nobody reads unchecked.
CHECKED: dict[str, tuple[str, ...]] = {"certificates": ("names",)}

# Names become the names of variables, directories, volumes and rules. Shorter ones are taken: the
# volumes of Elasticsearch and Logstash begin with es and ls.
_SERVICE_NAME = re.compile(r"[a-z][a-z0-9_]{2,}")
_PORT_NAME = re.compile(r"[a-z]+")
_FILE_NAME = re.compile(r"[a-z][a-z0-9_]*")
# What the collection's labels of nodes begin with; Swarm compares them in constraints.
_LABEL = re.compile(r"elk(\.[a-z0-9_-]+)+")
# What the platform itself uses: labels of nodes, and files of the controller.
_TAKEN = {
    "label": frozenset({FROM_INVENTORY, JOINING, RESTARTED}),
    "credential": frozenset({ELASTIC, HASH_KEY}),
}


class ServiceError(ValueError):
    """A description that cannot be used."""


@dataclass(frozen=True)
class Port:
    """A port that a service publishes."""

    name: str
    port: int
    protocols: tuple[str, ...] = ("tcp",)
    publish: str = ON_HOST
    networks: tuple[str, ...] = ()
    # Whether clients connect with TLS.
    tls: bool = False


@dataclass(frozen=True)
class Data:
    """Data that a service keeps on each of its hosts."""

    name: str
    # The value of its variable; none where secrets are left out.
    storage: Any = None

    @property
    def variable(self) -> str:
        return f"{self.name}_storage"


@dataclass(frozen=True)
class Certificate:
    """A certificate that all tasks of a service share."""

    name: str
    # The names and addresses under which clients reach the service.
    names: tuple[str, ...] = ()
    # What the names of the Swarm config with it, and of the Swarm secret with its key, begin with.
    config: str = ""
    secret: str = ""


@dataclass(frozen=True)
class Credential:
    """A password, key or token of a service, which the controller keeps."""

    # The name of its file in elk_local_dir, and of the check that compares it with the hosts.
    name: str
    # What the name of the Swarm secret that holds it begins with.
    secret: str
    # What happens when a new one is made.
    renewal: str
    # The variable with its value; empty if only the file has it.
    variable: str = ""
    # Another path of the file; empty for the one in elk_local_dir.
    file: str = ""
    # How the service logs in to Elasticsearch with it.
    user: str = ""
    token: bool = False
    # The word of -e rotate= with which it is renewed.
    rotate: str = PASSWORDS

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Credential:
        texts = ("name", "secret", "renewal", "variable", "file", "user")
        return cls(
            **{key: str(facts.get(key) or "") for key in texts},
            token=facts.get("token") is True,
            rotate=str(facts.get("rotate") or PASSWORDS),
        )

    def path(self, folder: str) -> str:
        """Its file; `folder` is elk_local_dir."""
        return self.file or f"{folder}/{self.name}"


@dataclass(frozen=True)
class Upgrade:
    """How the service is upgraded."""

    # Services with a smaller number come first.
    order: int = UPGRADE_ORDER


@dataclass(frozen=True)
class Check:
    """A condition that the values of a service must meet, and the message where they do not."""

    # What preflight_accept calls it. Several conditions may share a name.
    name: str
    where: str
    that: bool
    # Empty where the condition is met.
    wrong: str = ""
    fix: str = ""


@dataclass(frozen=True)
class Names:
    """What one service calls its parts. The platform uses each name of a kind once."""

    role: str
    service: str
    # What Swarm calls the service; empty where that is not evaluated.
    swarm_service: str = ""
    # A service that leaves a host removes its labels there.
    labels: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()

    def by_kind(self) -> list[tuple[str, str]]:
        """Each name with what it is the name of, as messages call that."""
        entries = {
            "service": (self.service,),
            "Swarm service": (self.swarm_service,) if self.swarm_service else (),
            "label": self.labels,
            "port": self.ports,
            "data": self.data,
            "certificate": self.certificates,
            "credential": self.credentials,
        }
        return [(kind, name) for kind, names in entries.items() for name in names]


def names_of(service: Any, data: Iterable[str]) -> Names:
    """The names of a `Service`, or of one whose values are unchecked, and of its data."""
    return Names(
        role=service.role,
        service=service.name,
        swarm_service=service.service,
        labels=service.labels,
        ports=tuple(str(one.name) for one in service.ports),
        data=tuple(str(name) for name in data),
        certificates=tuple(str(one.name) for one in service.certificates),
        credentials=tuple(str(one.name) for one in service.credentials),
    )


@dataclass(frozen=True)
class Service:
    """A service of the platform."""

    name: str
    role: str
    title: str
    kind: str
    group: str
    hosts: tuple[str, ...] = ()
    replicas: int = 0
    # What Swarm calls the service; of kind host, its systemd unit without .service.
    service: str = ""
    purpose: str = ""
    image: str = ""
    memory: str = ""
    labels: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    data: tuple[Data, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    credentials: tuple[Credential, ...] = ()
    checks: tuple[Check, ...] = ()
    # The sections of the status that are about this service only.
    status: tuple[str, ...] = ()
    upgrade: Upgrade = Upgrade()

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Service:
        """A service from `as_dict`, or from a validated description; what is missing is empty."""
        return cls(
            **{
                **{key: facts[key] for key in ("name", "role", "title", "kind", "group")},
                "hosts": tuple(facts.get("hosts") or ()),
                "replicas": int(facts.get("replicas") or 0),
                **{key: str(facts.get(key) or "") for key in TEXTS},
                "labels": tuple(facts.get("labels") or ()),
                "ports": tuple(
                    Port(
                        name=one["name"],
                        port=int(one["port"]),
                        protocols=tuple(one["protocols"]),
                        publish=one["publish"],
                        networks=tuple(one["networks"]),
                        tls=bool(one["tls"]),
                    )
                    for one in facts.get("ports") or ()
                ),
                "data": tuple(
                    Data(one["name"], one.get("storage")) for one in facts.get("data") or ()
                ),
                "certificates": tuple(
                    Certificate(
                        one["name"],
                        tuple(one["names"]),
                        one.get("config") or "",
                        one.get("secret") or "",
                    )
                    for one in facts.get("certificates") or ()
                ),
                "credentials": tuple(
                    Credential.from_dict(one) for one in facts.get("credentials") or ()
                ),
                "checks": tuple(Check(**one) for one in facts.get("checks") or ()),
                "status": tuple(facts.get("status") or ()),
                "upgrade": Upgrade(int((facts.get("upgrade") or {}).get("order", UPGRADE_ORDER))),
            }
        )

    def as_dict(self, fields: frozenset[str] = ALL, *, secrets: bool = False) -> JsonDict:
        """These fields as plain lists and dictionaries."""
        every: JsonDict = _plain(asdict(self))
        found = {name: one for name, one in every.items() if name not in ALL - ALWAYS - fields}
        for field, names in SECRETS.items():
            for entry in [] if secrets else found.get(field, []):
                for name in names:
                    del entry[name]
        return found

    @property
    def names(self) -> Names:
        return names_of(self, (one.name for one in self.data))

    @property
    def one_per_host(self) -> bool:
        return runs_one_per_host(self.kind, self.data, [port.publish for port in self.ports])

    @property
    def unit(self) -> str:
        """The systemd unit of a service of kind host."""
        return f"{self.service}.service" if self.kind == HOST else ""

    def places(self, groups: Mapping[str, Sequence[str]], hosts: Sequence[str]) -> Sequence[str]:
        """The hosts of its group, or all hosts if the inventory has no such group."""
        return groups.get(self.group, hosts)


def runs_one_per_host(kind: str, data: Sequence[Any], publishes: Sequence[Any]) -> bool:
    """Whether a host runs at most one task: two would share its data or one of its ports."""
    return kind != REPLICATED or bool(data) or ON_HOST in publishes


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


# -- reading a description -----------------------------------------------------------------------


def reduced(
    raw: Any, fields: frozenset[str] = ALL, *, secrets: bool = False, unchecked: bool = False
) -> Any:
    """The content of a file without what nobody asks for.

    It is reduced before anything is evaluated: evaluation takes time, and may ask a vault.
    """
    if not isinstance(raw, Mapping):
        return raw
    unread = {**({} if secrets else SECRETS), **(CHECKED if unchecked else {})}
    return {name: _reduced_service(one, ALL - ALWAYS - fields, unread) for name, one in raw.items()}


def _reduced_service(raw: Any, unasked: frozenset[str], unread: Mapping[str, Sequence[str]]) -> Any:
    if not isinstance(raw, Mapping):
        return raw
    return {
        field: [_without_values(entry, unread[field]) for entry in value]
        if field in unread and isinstance(value, (list, tuple))
        else value
        for field, value in raw.items()
        if field not in unasked
    }


def split_checks(raw: Any) -> tuple[Any, dict[str, list[Any]]]:
    """The content of a file without its checks, and these by service.

    Their texts are evaluated only where a condition is not met.
    """
    if not isinstance(raw, Mapping):
        return raw, {}
    checks = {
        name: list(one["checks"])
        for name, one in raw.items()
        if isinstance(one, Mapping) and isinstance(one.get("checks"), (list, tuple))
    }
    rest = {
        name: {key: value for key, value in one.items() if key != "checks"}
        if name in checks
        else one
        for name, one in raw.items()
    }
    return rest, checks


def _without_values(entry: Any, names: Sequence[str]) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    return {key: {} if key in names else value for key, value in entry.items()}


def parse(raw: Any, role: str, file: str, fields: frozenset[str] = ALL) -> list[Service]:
    """The services that the file of a role describes, from its evaluated content."""
    problems, services = [], []
    if not isinstance(raw, Mapping) or not raw:
        problems = ["it must be a dictionary of services by name"]
    else:
        for name, description in raw.items():
            params, found = _validated_service(str(name), description, fields)
            if not found:
                # A field that is not asked for stays empty.
                defaulted = frozenset({"group", "service"}) & (ALWAYS | fields)
                given = {key: params[key] or name for key in defaulted}
                service = Service.from_dict({**params, **given, "name": name, "role": role})
                services.append(service)
                found += _meaning_problems(service)
                if QUEUE in service.status and "data" in fields and not service.data:
                    found.append(f"{name}.status: {QUEUE} needs an entry of data with the queue")
                if "replicas" in fields:
                    found += _replica_problems(service, description)
            problems += found
        if len({service.upgrade for service in services}) > 1:
            problems.append("a role is upgraded at once, so its services need one upgrade.order")
    if problems:
        raise ServiceError(f"Role {role}, {file}: {'; '.join(problems)}.")
    return services


def _validated_service(
    name: str, description: Any, fields: frozenset[str]
) -> tuple[JsonDict, list[str]]:
    """The fields with their defaults, and what is wrong with them."""
    params, problems = _validated(name, "service", description, ALWAYS | fields)
    for field in ENTRIES if not problems else ():
        entries = [
            _validated(f"{name}.{field}[{number}]", field, entry)
            for number, entry in enumerate(params.get(field) or ())
        ]
        params[field] = [entry for entry, _problems in entries]
        problems += [problem for _entry, found in entries for problem in found]
    return params, problems


def _validated(
    path: str, kind: str, value: Any, fields: frozenset[str] | None = None
) -> tuple[JsonDict, list[str]]:
    """Check a dictionary; each problem begins with its path in the file."""
    spec = SPECS[kind]
    allowed = ", ".join(sorted(spec))
    if not isinstance(value, Mapping):
        return {}, [f"{path}: must be a dictionary with {allowed}"]
    problems = unknown_names(path, kind, value)
    known = {key: one for key, one in value.items() if key in spec}
    # The validator takes a field without a value for one that is left out.
    problems += [f"{path}.{key}: has no value" for key, one in known.items() if one is None]
    result = _validator(kind, fields).validate(known)
    problems += [f"{path}: {message}" for message in result.error_messages]
    return result.validated_parameters, problems


def unknown_names(path: str, kind: str, value: Mapping[str, Any]) -> list[str]:
    """A problem for each name that no field has."""
    spec = SPECS[kind]
    allowed = ", ".join(sorted(spec))
    return [f"{path}.{key}: unknown, allowed are {allowed}" for key in value if key not in spec]


@functools.cache
def _validator(kind: str, fields: frozenset[str] | None) -> Any:
    """Kept, because it copies its spec."""
    spec = SPECS[kind]
    asked = spec if fields is None else {name: spec[name] for name in spec if name in fields}
    return ArgumentSpecValidator(asked)


def _meaning_problems(service: Service) -> Iterator[str]:
    name = service.name
    yield from wrong_names(service.names)
    for number, port in enumerate(service.ports):
        path = f"{name}.ports[{number}]"
        if not 0 < port.port < 65536:
            yield f"{path}.port: {port.port} is not between 1 and 65535"
        if service.kind == HOST and port.publish == INGRESS:
            yield f"{path}.publish: {INGRESS} needs a service of the swarm, and the kind is {HOST}"
    for field in OF_SWARM if service.kind == HOST else ():
        if getattr(service, field):
            yield f"{name}.{field}: needs a service of the swarm, and the kind is {HOST}"


def _replica_problems(service: Service, description: Mapping[str, Any]) -> Iterator[str]:
    given, path = "replicas" in description, f"{service.name}.replicas"
    if service.kind == REPLICATED and not given:
        yield f"{path}: is missing, and kind {REPLICATED} needs it"
    elif service.kind != REPLICATED and given:
        yield f"{path}: only kind {REPLICATED} has it, and the kind is {service.kind}"


def wrong_names(names: Names) -> Iterator[str]:
    """Names of one service that cannot be used, each with its path in the file."""
    name = names.service
    if not _SERVICE_NAME.fullmatch(name):
        yield f"{name}: must be three or more small letters, digits and _, and begin with a letter"
    for label in names.labels:
        if not _LABEL.fullmatch(label):
            yield f"{name}.labels: {label} must begin with elk. and have small letters and digits"
    for number, port in enumerate(names.ports):
        if not _PORT_NAME.fullmatch(port):
            yield f"{name}.ports[{number}].name: {port} must have small letters only"
    for number, credential in enumerate(names.credentials):
        if not _FILE_NAME.fullmatch(credential):
            yield (
                f"{name}.credentials[{number}].name: {credential} must have small letters, digits "
                "and _, and begin with a letter"
            )
    for field, entries in (("data", names.data), ("certificates", names.certificates)):
        for number, entry in enumerate(entries):
            if not re.fullmatch(rf"{re.escape(name)}(_[a-z0-9_]+)?", entry):
                yield f"{name}.{field}[{number}].name: {entry} must be {name} or begin with {name}_"
    for kind, name in names.by_kind():
        if name in _TAKEN.get(kind, ()):
            yield f"{names.service}: the platform itself uses the {kind} {name}"


def shared_names(services: Iterable[Names]) -> list[str]:
    """Names that several services use: they would share rules, labels, directories or files."""
    holders: dict[tuple[str, str], list[str]] = {}
    for service in services:
        for key in service.by_kind():
            holders.setdefault(key, []).append(service.role)
    return [
        f"{' and '.join(roles)} describe the same {kind} {name}"
        for (kind, name), roles in holders.items()
        if len(roles) > 1
    ]


def check_names(services: Iterable[Service]) -> None:
    """Raise ServiceError for names that several services use."""
    problems = shared_names(service.names for service in services)
    if problems:
        raise ServiceError(f"{'; '.join(problems)}. Each name can be used once.")


# -- what shared roles ask -----------------------------------------------------------------------


def published_on(services: Iterable[Service], host: str) -> list[Port]:
    """The ports that are published on a host, by name.

    With the routing mesh, each host of the swarm publishes the port.
    """
    found = [
        port
        for service in services
        for port in service.ports
        if port.publish == INGRESS or host in service.hosts
    ]
    return sorted(found, key=lambda port: port.name)


def staying(hosts: Iterable[str], leaving: Iterable[str]) -> list[str]:
    """The hosts of a service without those that leave the platform."""
    gone = set(leaving)
    return [host for host in hosts if host not in gone]
