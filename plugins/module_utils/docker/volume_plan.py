# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume as it was asked for, compared with the one that is there, and who refers to it.

Docker cannot change a volume, only remove it with all that is in it and make another one of the
same name.  So a difference is told and left alone unless the task permits the loss, and nothing is
removed that something else still needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.common.masking import MASK, SECRET_NAME
from ansible_collections.elk.swarm.plugins.module_utils.common.options import octal_mode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

JsonDict = dict[str, Any]

# On the container through which owners of volumes are read and set. It counts as nobody's.
HELPER_LABEL = "elk.swarm.volume"
# Names that Docker gives to volumes which have none.
_ANONYMOUS_NAME = re.compile(r"^[0-9a-f]{64}$")
_ANONYMOUS_LABEL = "com.docker.volume.anonymous"
_COMPOSE_LABEL = "com.docker.compose.project"
# One "name=value" in a line of mount options, and the user in an address.
_PAIR = re.compile(r"([\w.-]+)=([^,;\s]*)")
_ADDRESS = re.compile(r"(://[^/:@\s]*:)([^/@\s]+)(@)")
_TEMPLATE = re.compile(r"\{\{\s*\.?([\w.]*)[^}]*\}\}")
# What an item of a list takes from the task when it does not say it itself.
_SHARED = (
    *("driver", "driver_options", "labels", "recreate", "drift", "state"),
    *("owner", "group", "mode"),
)


class VolumeError(Exception):
    """The volumes are not as asked for; ``result`` says what was done and what differs."""

    def __init__(self, message: str, result: JsonDict | None = None) -> None:
        super().__init__(message)
        self.result = result or {}


@dataclass(frozen=True)
class Owner:
    """Who owns the root directory of a volume; what is None does not matter."""

    owner: int | None = None
    group: int | None = None
    mode: int | None = None

    def __bool__(self) -> bool:
        return self != Owner()

    def over(self, other: Owner) -> Owner:
        """What another one becomes where this one says something."""
        return Owner(
            other.owner if self.owner is None else self.owner,
            other.group if self.group is None else self.group,
            other.mode if self.mode is None else self.mode,
        )

    def numbers(self) -> tuple[int, int, int]:
        """All three, of an owner that has them."""
        if self.owner is None or self.group is None or self.mode is None:
            raise ValueError("only what was read from a volume has them all")
        return self.owner, self.group, self.mode

    def shown(self) -> dict[str, str]:
        parts = {
            "owner": None if self.owner is None else str(self.owner),
            "group": None if self.group is None else str(self.group),
            "mode": None if self.mode is None else f"{self.mode:04o}",
        }
        return {name: text for name, text in parts.items() if text is not None}


@dataclass(frozen=True)
class Wanted:
    """One volume as the task asks for it."""

    name: str
    present: bool = True
    driver: str = "local"
    options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    recreate: str = "never"
    drift_fails: bool = False
    owner: Owner = Owner()


@dataclass(frozen=True)
class Difference:
    """One thing in which a volume is not the wanted one; None is absent."""

    volume: str
    option: str
    wanted: str
    actual: str | None

    def __str__(self) -> str:
        shown = self.shown()
        actual = "not set" if self.actual is None else shown["actual"]
        return f"{self.option} is {actual}, wanted {shown['wanted']}"

    def shown(self) -> JsonDict:
        wanted, actual = hidden(self.option, self.wanted), self.actual
        if actual is not None:
            actual = hidden(self.option, actual)
        if wanted == actual:
            # Both are hidden, and must not look the same.
            wanted = f"{wanted} (changed)"
        return {
            "volume": self.volume,
            "option": self.option,
            "wanted": wanted,
            "actual": actual,
        }


@dataclass(frozen=True)
class Reference:
    """A container or a service that needs a volume."""

    kind: str
    name: str
    state: str = ""

    def __str__(self) -> str:
        state = f" ({self.state})" if self.state else ""
        return f"{self.kind} {self.name}{state}"

    @property
    def running(self) -> bool:
        return self.kind == "container" and self.state in ("running", "paused", "restarting")


@dataclass(frozen=True)
class Plan:
    """What is to be done about one volume."""

    wanted: Wanted
    actual: Mapping[str, Any] | None = None
    remove: bool = False
    create: bool = False
    # The owner before, and that to be set.
    owner_before: Owner = Owner()
    owner_after: Owner = Owner()
    differences: tuple[Difference, ...] = ()
    error: str = ""

    @property
    def own(self) -> bool:
        return bool(self.owner_after)

    @property
    def changed(self) -> bool:
        return self.remove or self.create or self.own

    @property
    def needs_references(self) -> bool:
        """Whether it matters who refers to the volume; asking costs time."""
        return self.remove or (self.own and not self.create)


# -- what is asked for -----------------------------------------------------------------------


def wanted_volumes(params: Mapping[str, Any]) -> list[Wanted]:
    """The volumes of a task: the one it names, or those of its list."""
    items = params.get("volumes")
    if items is None:
        return [_wanted(params, "")]
    found: list[Wanted] = []
    for number, item in enumerate(items):
        said = {key: item.get(key) for key in _SHARED if item.get(key) is not None}
        merged = {**{key: params.get(key) for key in _SHARED}, **said}
        found.append(_wanted({**merged, "volume_name": item["volume_name"]}, f"volumes[{number}]."))
    names = [one.name for one in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise VolumeError(f"volumes: {', '.join(twice)} is there more than once. Name each once")
    return found


def _wanted(options: Mapping[str, Any], prefix: str) -> Wanted:
    name = str(options["volume_name"] or "")
    if not name:
        raise VolumeError(f"{prefix}volume_name is empty, and a volume needs a name")
    mode = options.get("mode")
    for what in ("owner", "group"):
        number = options.get(what)
        if number is not None and number < 0:
            raise VolumeError(f"{prefix}{what} is {number}, which is no id; write it like 1000")
    try:
        bits = None if mode is None else octal_mode(mode, f"{prefix}mode")
    except ValueError as error:
        raise VolumeError(str(error)) from error
    return Wanted(
        name=name,
        present=options.get("state") != "absent",
        driver=options.get("driver") or "local",
        options=_texts(options.get("driver_options") or {}, f"{prefix}driver_options"),
        labels=_texts(options.get("labels") or {}, f"{prefix}labels"),
        recreate=options.get("recreate") or "never",
        drift_fails=options.get("drift") == "fail",
        owner=Owner(options.get("owner"), options.get("group"), bits),
    )


def _texts(values: Mapping[str, Any], option: str) -> dict[str, str]:
    """A dictionary of texts, as the Engine wants them."""
    found = {}
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            # Not the value itself, which may be a secret.
            kind = {"bool": "a boolean", "float": "a float"}.get(type(value).__name__, "no text")
            raise VolumeError(
                f"{option}: the value of {key} is {kind} to YAML, and what Docker would get is"
                " not what you see. Put it in quotes"
            )
        found[str(key)] = str(value)
    return found


# -- secrets -----------------------------------------------------------------------------------


def secrets_of(options: Mapping[str, Any] | None) -> set[str]:
    """The parts of driver options that nobody may see."""
    found = set()
    for name, value in (options or {}).items():
        text = "" if value is None else str(value)
        if SECRET_NAME.search(str(name)):
            found.add(text)
        found.update(m.group(2) for m in _PAIR.finditer(text) if SECRET_NAME.search(m.group(1)))
        found.update(m.group(2) for m in _ADDRESS.finditer(text))
    return {text for text in found if text}


def hidden(name: str, value: str) -> str:
    """A driver option's value fit to be shown."""
    if not name or name.partition(".")[0] == "labels":
        return value
    if SECRET_NAME.search(name.rpartition(".")[2]):
        return MASK if value else value

    def pair(found: re.Match[str]) -> str:
        secret = SECRET_NAME.search(found.group(1)) and found.group(2)
        return f"{found.group(1)}={MASK}" if secret else found.group(0)

    return _ADDRESS.sub(rf"\g<1>{MASK}\g<3>", _PAIR.sub(pair, value))


def shown_options(options: Mapping[str, Any] | None) -> dict[str, str]:
    return {key: hidden(key, str(value)) for key, value in sorted((options or {}).items())}


def shown_volume(volume: Mapping[str, Any] | None) -> JsonDict | None:
    """A volume as the Engine has it, without the secrets in its options."""
    if volume is None:
        return None
    found = dict(volume)
    if found.get("Options"):
        found["Options"] = shown_options(found["Options"])
    return found


# -- the plan ----------------------------------------------------------------------------------


def same_driver(one: str, other: str) -> bool:
    """Whether two names are of one driver; Docker adds the tag to that of a managed plugin."""
    return _with_tag(one) == _with_tag(other)


def _with_tag(driver: str) -> str:
    last = driver.rpartition("/")[2]
    return driver if ":" in last or "@" in last or driver == "local" else f"{driver}:latest"


def differences(wanted: Wanted, actual: Mapping[str, Any]) -> list[Difference]:
    """In what a volume differs. What the task does not name may be as it is."""
    found = []
    driver = str(actual.get("Driver") or "")
    if not same_driver(wanted.driver, driver):
        found.append(Difference(wanted.name, "driver", wanted.driver, driver))
    for option, named, there in (
        ("driver_options", wanted.options, actual.get("Options") or {}),
        ("labels", wanted.labels, actual.get("Labels") or {}),
    ):
        found += [
            Difference(wanted.name, f"{option}.{key}", value, there.get(key))
            for key, value in sorted(named.items())
            if there.get(key) != value
        ]
    return found


def make_plan(wanted: Wanted, actual: Mapping[str, Any] | None, owner: Owner = Owner()) -> Plan:
    """Decide about one volume; ``owner`` is that of the existing one, where it matters."""
    if not wanted.present:
        return Plan(wanted, actual, remove=actual is not None)
    if actual is None:
        return Plan(wanted, create=True, owner_after=wanted.owner)
    found = differences(wanted, actual)
    if wanted.recreate == "always" or (wanted.recreate == "options-changed" and found):
        return Plan(wanted, actual, remove=True, create=True, owner_after=wanted.owner)
    error = ""
    if any(one.option == "driver" for one in found):
        error = (
            f"Volume {wanted.name} has the driver {actual.get('Driver')}, and {wanted.driver} is"
            " asked for. Docker makes a local volume wherever a container or a service names one"
            " that is not there yet, so what was written to it may be on the wrong disk. Look into"
            f" it, save what is in it, and remove it: docker volume rm {wanted.name}. Or set driver"
            " to what is there"
        )
    elif found and wanted.drift_fails:
        error = (
            f"Volume {wanted.name} is not as asked for: {_list(found)}. Docker cannot change a"
            " volume. Set the options to what is there, or save what is in it and set recreate to"
            " options-changed once, which loses it"
        )
    after = wanted.owner.over(owner)
    own = after != owner
    return Plan(
        wanted,
        actual,
        owner_before=owner if own else Owner(),
        owner_after=after if own else Owner(),
        differences=tuple(found),
        error=error,
    )


def guard(plan: Plan, references: Sequence[Reference]) -> Plan:
    """Keep from what would take a volume away from somebody."""
    name = plan.wanted.name
    if plan.remove and references:
        what = "made anew" if plan.create else "removed"
        commands = [
            f"docker {'rm' if one.kind == 'container' else 'service rm'} {one.name}"
            for one in references
        ]
        return replace(
            plan,
            error=(
                f"Volume {name} cannot be {what}, because this refers to it:"
                f" {_list(references)}. Remove what is not needed any more:"
                f" {'; '.join(commands)}"
            ),
        )
    users = [one for one in references if one.running]
    if plan.own and not plan.create and users:
        before, after = plan.owner_before.shown(), plan.owner_after.shown()
        found = tuple(
            Difference(name, part, after[part], before[part])
            for part in after
            if after[part] != before[part]
        )
        error = plan.error
        if plan.wanted.drift_fails and not error:
            error = (
                f"Volume {name} is not as asked for: {_list(found)}. It is not changed while this"
                f" runs with it: {_list(users)}. Stop that, and run this again"
            )
        return replace(
            plan,
            owner_before=Owner(),
            owner_after=Owner(),
            differences=plan.differences + found,
            error=error,
        )
    return plan


def drift_warning(plan: Plan) -> str:
    """What is to be said of a volume that stays as it is though it differs."""
    return (
        f"Volume {plan.wanted.name} stays as it is, though {_list(plan.differences)}. Docker cannot"
        " change a volume, and an owner is not changed under a running container."
    )


def sides(plan: Plan) -> tuple[JsonDict, JsonDict]:
    """(before, after) of the volume, both empty when it stays as it is."""
    if plan.own and not plan.create:
        before, after = plan.owner_before.shown(), plan.owner_after.shown()
        parts = [part for part in after if after[part] != before.get(part)]
        return {part: before[part] for part in parts}, {part: after[part] for part in parts}
    old: JsonDict = {}
    new: JsonDict = {}
    if plan.remove and plan.actual is not None:
        old = _view(
            str(plan.actual.get("Driver") or ""),
            plan.actual.get("Options") or {},
            plan.actual.get("Labels") or {},
        )
    if plan.create:
        new = {
            **_view(plan.wanted.driver, plan.wanted.options, plan.wanted.labels),
            **plan.owner_after.shown(),
        }
        if plan.remove and plan.actual is not None:
            # Otherwise nothing would be seen of a volume that is made anew as it was.
            old["created"], new["created"] = plan.actual.get("CreatedAt"), "now, without its data"
    return old, new


def _view(driver: str, options: Mapping[str, Any], labels: Mapping[str, Any]) -> JsonDict:
    view: JsonDict = {"driver": driver}
    if options:
        view["driver_options"] = shown_options(options)
    if labels:
        view["labels"] = dict(sorted(labels.items()))
    return view


def create_body(wanted: Wanted) -> JsonDict:
    return {
        "Name": wanted.name,
        "Driver": wanted.driver,
        "DriverOpts": dict(wanted.options),
        "Labels": dict(wanted.labels),
    }


def made_wrong(wanted: Wanted, made: Mapping[str, Any] | None) -> str:
    """Say in what a volume that Docker has just made is not the one asked for."""
    if made is None:
        return f"Docker says that volume {wanted.name} is made, and it is not there"
    found = differences(wanted, made)
    if not found:
        return ""
    return (
        f"Docker says that volume {wanted.name} is made, and it is another one: {_list(found)}."
        " Somebody else may have made it at the same moment. Look into it, and remove it if it is"
        f" not needed: docker volume rm {wanted.name}"
    )


def _list(parts: Iterable[Any]) -> str:
    return ", ".join(str(part) for part in parts)


# -- who refers to a volume --------------------------------------------------------------------


@dataclass(frozen=True)
class Surroundings:
    """What may refer to volumes: the containers of this host and the services of the swarm."""

    containers: Sequence[Mapping[str, Any]] = ()
    # Of service_mounts(). None: this host cannot tell.
    mounts: Sequence[Mapping[str, str]] | None = ()
    # What templates in a service's mounts stand for on this host, like Node.Hostname.
    known: Mapping[str, str] = field(default_factory=dict)


def service_mounts(services: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The named volumes that services mount, with Swarm's templates in them."""
    found = []
    for service in services:
        spec = service.get("Spec") or {}
        container = (spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}
        for mount in container.get("Mounts") or []:
            if mount.get("Type") == "volume" and mount.get("Source"):
                found.append(
                    {
                        "service": str(spec.get("Name") or ""),
                        "service_id": str(service.get("ID") or ""),
                        "source": str(mount["Source"]),
                    }
                )
    return found


def is_template(source: str) -> bool:
    return _TEMPLATE.search(source) is not None


def _matches(source: str, name: str, known: Mapping[str, str]) -> bool:
    """Whether the source of a mount may be this volume; what is not known may be anything."""
    if not is_template(source):
        return source == name
    pattern, end = "", 0
    for found in _TEMPLATE.finditer(source):
        value = known.get(found.group(1))
        pattern += re.escape(source[end : found.start()])
        pattern += ".+" if value is None else re.escape(value)
        end = found.end()
    return re.fullmatch(pattern + re.escape(source[end:]), name) is not None


def references(
    volumes: Iterable[Mapping[str, Any]], around: Surroundings
) -> dict[str, list[Reference]]:
    """Who refers to each volume: containers in any state, and services."""
    points = {str(one.get("Name")): str(one.get("Mountpoint") or "") for one in volumes}
    found: dict[str, dict[Reference, None]] = {name: {} for name in points}
    for container in around.containers:
        if HELPER_LABEL in (container.get("Labels") or {}):
            continue
        names = container.get("Names") or [str(container.get("Id"))[:12]]
        reference = Reference("container", names[0].lstrip("/"), str(container.get("State") or ""))
        for mount in container.get("Mounts") or []:
            if mount.get("Type") == "volume":
                if mount.get("Name") in found:
                    found[mount["Name"]][reference] = None
                continue
            # A volume's directory on the host can be bound past Docker's own book-keeping.
            source = str(mount.get("Source") or "")
            for name, point in points.items():
                if point and (source == point or source.startswith(f"{point}/")):
                    found[name][reference] = None
    for mount in around.mounts or ():
        service, source = mount["service"], mount["source"]
        known = {**around.known, "Service.Name": service, "Service.ID": mount["service_id"]}
        for name in points:
            if _matches(source, name, known):
                found[name][Reference("service", service)] = None
    return {name: list(those) for name, those in found.items()}


# -- what an audit says ------------------------------------------------------------------------


def orphan(
    volume: Mapping[str, Any], those: Sequence[Reference], services_known: bool
) -> tuple[bool | None, str]:
    """Whether nobody needs a volume, or None if this host cannot tell, and why."""
    if those:
        return False, f"{_list(those)} {'refers' if len(those) == 1 else 'refer'} to it"
    if volume.get("ClusterVolume"):
        return None, "it is a volume of the swarm, whose users are on other hosts, too"
    if not services_known:
        return None, (
            "no container here refers to it, and only a manager that answers knows what services"
            " refer to"
        )
    labels = volume.get("Labels") or {}
    who = "no container and no service refers to it"
    if _ANONYMOUS_LABEL in labels or _ANONYMOUS_NAME.match(str(volume.get("Name"))):
        return True, f"{who}; it was made for a container, without a name, and that is gone"
    for label, what in ((label_names.STACK, "stack"), (_COMPOSE_LABEL, "Compose project")):
        if labels.get(label):
            return True, f"{who}; it was made for the {what} {labels[label]}"
    return True, who


def age(created: Any, now: float) -> int | None:
    """Seconds since a volume was made; drivers need not tell when that was."""
    text = str(created or "")
    # Python 3.9 reads no "Z", and no fraction of more than six digits.
    text = re.sub(r"\.\d+", "", text).replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.year == 1:
        # What Docker makes of a driver's silence.
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0, int(now - moment.timestamp()))


def entry(
    volume: Mapping[str, Any],
    those: Sequence[Reference],
    around: Surroundings,
    now: float,
    size: int | None = None,
) -> JsonDict:
    """One volume in the words of an audit."""
    alone, reason = orphan(volume, those, around.mounts is not None)
    return {
        "name": volume.get("Name"),
        "driver": volume.get("Driver"),
        "driver_options": shown_options(volume.get("Options")),
        "labels": dict(volume.get("Labels") or {}),
        "scope": volume.get("Scope"),
        "mountpoint": volume.get("Mountpoint"),
        "created": volume.get("CreatedAt"),
        "age": age(volume.get("CreatedAt"), now),
        "size": size,
        "containers": [
            {"name": one.name, "state": one.state} for one in those if one.kind == "container"
        ],
        "services": [one.name for one in those if one.kind == "service"],
        "orphan": alone,
        "reason": reason,
    }
