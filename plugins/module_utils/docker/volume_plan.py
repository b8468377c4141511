# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The desired volume, compared with the actual one, and the users of a volume.

Docker cannot change a volume.  It can only remove it with its data and create another one of the
same name.  So a difference is only reported, unless the task permits the loss of the data, and a
volume in use is never removed.
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

# Marks the helper container that reads and sets owners of volumes. It does not count as a user.
HELPER_LABEL = "elk.swarm.volume"
# Names that Docker gives to anonymous volumes.
_ANONYMOUS_NAME = re.compile(r"^[0-9a-f]{64}$")
_ANONYMOUS_LABEL = "com.docker.volume.anonymous"
_COMPOSE_LABEL = "com.docker.compose.project"
# One "name=value" in a line of mount options, and the password in an address.
_PAIR = re.compile(r"([\w.-]+)=([^,;\s]*)")
_ADDRESS = re.compile(r"(://[^/:@\s]*:)([^/@\s]+)(@)")
_TEMPLATE = re.compile(r"\{\{\s*\.?([\w.]*)[^}]*\}\}")
# Options that an item of the list inherits from the task.
_SHARED = (
    *("driver", "driver_options", "labels", "recreate", "drift", "state"),
    *("owner", "group", "mode"),
)


class VolumeError(Exception):
    """The volumes are not in the desired state; ``result`` holds the return values."""

    def __init__(self, message: str, result: JsonDict | None = None) -> None:
        super().__init__(message)
        self.result = result or {}


@dataclass(frozen=True)
class Owner:
    """Owner, group and mode of a volume's root directory; None means any value."""

    owner: int | None = None
    group: int | None = None
    mode: int | None = None

    def __bool__(self) -> bool:
        return self != Owner()

    def over(self, other: Owner) -> Owner:
        """The other owner, with the values of this one where they are set."""
        return Owner(
            other.owner if self.owner is None else self.owner,
            other.group if self.group is None else self.group,
            other.mode if self.mode is None else self.mode,
        )

    def numbers(self) -> tuple[int, int, int]:
        """Owner, group and mode; an error if one is None."""
        if self.owner is None or self.group is None or self.mode is None:
            raise ValueError("only an owner that was read from a volume has all three values")
        return self.owner, self.group, self.mode

    def shown(self) -> dict[str, str]:
        parts = {
            "owner": None if self.owner is None else str(self.owner),
            "group": None if self.group is None else str(self.group),
            "mode": None if self.mode is None else f"{self.mode:04o}",
        }
        return {name: text for name, text in parts.items() if text is not None}


@dataclass(frozen=True)
class Desired:
    """One volume as the task describes it."""

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
    """One option whose actual value is not the desired one; None means not set."""

    volume: str
    option: str
    desired: str
    actual: str | None

    def __str__(self) -> str:
        shown = self.shown()
        actual = "not set" if self.actual is None else shown["actual"]
        return f"{self.option} is {actual}, wanted {shown['wanted']}"

    def shown(self) -> JsonDict:
        desired, actual = masked(self.option, self.desired), self.actual
        if actual is not None:
            actual = masked(self.option, actual)
        if desired == actual:
            # Both values are masked, but must not look the same.
            desired = f"{desired} (changed)"
        return {
            "volume": self.volume,
            "option": self.option,
            "wanted": desired,
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
    """The changes to one volume."""

    desired: Desired
    actual: Mapping[str, Any] | None = None
    remove: bool = False
    create: bool = False
    # The owner before and after; both are empty if it does not change.
    owner_before: Owner = Owner()
    owner_after: Owner = Owner()
    differences: tuple[Difference, ...] = ()
    blocker: str = ""

    @property
    def sets_owner(self) -> bool:
        return bool(self.owner_after)

    @property
    def changed(self) -> bool:
        return self.remove or self.create or self.sets_owner

    @property
    def needs_references(self) -> bool:
        """Whether the users of the volume matter; to read them takes time."""
        return self.remove or (self.sets_owner and not self.create)


# -- the desired volumes ---------------------------------------------------------------------


def desired_volumes(params: Mapping[str, Any]) -> list[Desired]:
    """The volumes of a task: the one that it names, or those of its list."""
    items = params.get("volumes")
    if items is None:
        return [_desired(params, "")]
    found: list[Desired] = []
    for number, item in enumerate(items):
        own = {key: item.get(key) for key in _SHARED if item.get(key) is not None}
        merged = {**{key: params.get(key) for key in _SHARED}, **own}
        found.append(
            _desired({**merged, "volume_name": item["volume_name"]}, f"volumes[{number}].")
        )
    names = [one.name for one in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise VolumeError(f"volumes: {', '.join(twice)} is listed twice. List each volume once")
    return found


def _desired(options: Mapping[str, Any], prefix: str) -> Desired:
    name = str(options["volume_name"] or "")
    if not name:
        raise VolumeError(f"{prefix}volume_name is empty. Give the volume a name")
    mode = options.get("mode")
    for what in ("owner", "group"):
        number = options.get(what)
        if number is not None and number < 0:
            raise VolumeError(f"{prefix}{what} is {number}, which is no id. Write an id like 1000")
    try:
        bits = None if mode is None else octal_mode(mode, f"{prefix}mode")
    except ValueError as error:
        raise VolumeError(str(error)) from error
    return Desired(
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
    """A dictionary of strings, as the Engine requires."""
    found = {}
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            # The message omits the value, which may be a secret.
            kind = {"bool": "a boolean", "float": "a float"}.get(type(value).__name__, "no text")
            raise VolumeError(
                f"{option}: the value of {key} is {kind} in YAML, so Docker would get another text"
                " than you wrote. Put it in quotes"
            )
        found[str(key)] = str(value)
    return found


# -- secrets -----------------------------------------------------------------------------------


def secrets_of(options: Mapping[str, Any] | None) -> set[str]:
    """The secret parts of driver options."""
    found = set()
    for name, value in (options or {}).items():
        text = "" if value is None else str(value)
        if SECRET_NAME.search(str(name)):
            found.add(text)
        found.update(m.group(2) for m in _PAIR.finditer(text) if SECRET_NAME.search(m.group(1)))
        found.update(m.group(2) for m in _ADDRESS.finditer(text))
    return {text for text in found if text}


def masked(name: str, value: str) -> str:
    """The value of a driver option or label, with its secrets masked."""
    if not name or name.partition(".")[0] == "labels":
        return value
    if SECRET_NAME.search(name.rpartition(".")[2]):
        return MASK if value else value

    def pair(found: re.Match[str]) -> str:
        secret = SECRET_NAME.search(found.group(1)) and found.group(2)
        return f"{found.group(1)}={MASK}" if secret else found.group(0)

    return _ADDRESS.sub(rf"\g<1>{MASK}\g<3>", _PAIR.sub(pair, value))


def shown_options(options: Mapping[str, Any] | None) -> dict[str, str]:
    return {key: masked(key, str(value)) for key, value in sorted((options or {}).items())}


def shown_volume(volume: Mapping[str, Any] | None) -> JsonDict | None:
    """The Engine's volume, without the secrets in its options."""
    if volume is None:
        return None
    found = dict(volume)
    if found.get("Options"):
        found["Options"] = shown_options(found["Options"])
    return found


# -- the plan ----------------------------------------------------------------------------------


def same_driver(one: str, other: str) -> bool:
    """Whether two names mean one driver; Docker adds a tag to the name of a managed plugin."""
    return _with_tag(one) == _with_tag(other)


def _with_tag(driver: str) -> str:
    last = driver.rpartition("/")[2]
    return driver if ":" in last or "@" in last or driver == "local" else f"{driver}:latest"


def differences(desired: Desired, actual: Mapping[str, Any]) -> list[Difference]:
    """The options in which a volume differs; those that the task omits may have any value."""
    found = []
    driver = str(actual.get("Driver") or "")
    if not same_driver(desired.driver, driver):
        found.append(Difference(desired.name, "driver", desired.driver, driver))
    for option, expected, present in (
        ("driver_options", desired.options, actual.get("Options") or {}),
        ("labels", desired.labels, actual.get("Labels") or {}),
    ):
        found += [
            Difference(desired.name, f"{option}.{key}", value, present.get(key))
            for key, value in sorted(expected.items())
            if present.get(key) != value
        ]
    return found


def is_reference(actual: Mapping[str, Any]) -> bool:
    """Whether a volume only says where data is, as for NFS: Docker mounts its device."""
    return actual.get("Driver") == "local" and bool((actual.get("Options") or {}).get("device"))


def is_recreated(desired: Desired, actual: Mapping[str, Any]) -> bool:
    """Whether a volume is removed and created again."""
    if desired.recreate == "always":
        return True
    if desired.recreate == "never" or not differences(desired, actual):
        return False
    return desired.recreate == "options-changed" or is_reference(actual)


def make_plan(desired: Desired, actual: Mapping[str, Any] | None, owner: Owner = Owner()) -> Plan:
    """Plan the changes to one volume; ``owner`` is its present owner, if the task sets one."""
    if not desired.present:
        return Plan(desired, actual, remove=actual is not None)
    if actual is None:
        return Plan(desired, create=True, owner_after=desired.owner)
    found = differences(desired, actual)
    if is_recreated(desired, actual):
        return Plan(desired, actual, remove=True, create=True, owner_after=desired.owner)
    blocker = ""
    if any(one.option == "driver" for one in found):
        blocker = (
            f"Volume {desired.name} has the driver {actual.get('Driver')}, and {desired.driver} is"
            " asked for. Docker creates a local volume when a container or a service names a volume"
            " that does not exist, so its data may be on the wrong disk. Save its data, and remove"
            f" it: docker volume rm {desired.name}. Or set driver to {actual.get('Driver')}"
        )
    elif found and desired.drift_fails:
        blocker = (
            f"Volume {desired.name} differs from the task: {_list(found)}. Docker cannot change a"
            " volume. Set the options to its present values, or save its data and set recreate to"
            " options-changed once, which deletes the data"
        )
    after = desired.owner.over(owner)
    own = after != owner
    return Plan(
        desired,
        actual,
        owner_before=owner if own else Owner(),
        owner_after=after if own else Owner(),
        differences=tuple(found),
        blocker=blocker,
    )


def guard(plan: Plan, references: Sequence[Reference]) -> Plan:
    """Block the removal of a volume in use, and an owner's change under a running container."""
    name = plan.desired.name
    if plan.remove and references:
        what = "recreated" if plan.create else "removed"
        commands = [
            f"docker {'rm' if one.kind == 'container' else 'service rm'} {one.name}"
            for one in references
        ]
        return replace(
            plan,
            blocker=(
                f"Volume {name} cannot be {what}, because it is in use by:"
                f" {_list(references)}. Remove those that are not needed any more:"
                f" {'; '.join(commands)}"
            ),
        )
    users = [one for one in references if one.running]
    if plan.sets_owner and not plan.create and users:
        before, after = plan.owner_before.shown(), plan.owner_after.shown()
        found = tuple(
            Difference(name, part, after[part], before[part])
            for part in after
            if after[part] != before[part]
        )
        blocker = plan.blocker
        if plan.desired.drift_fails and not blocker:
            blocker = (
                f"Volume {name} differs from the task: {_list(found)}. It cannot be changed while"
                f" it is mounted by {_list(users)}. Stop the container, and run this again"
            )
        return replace(
            plan,
            owner_before=Owner(),
            owner_after=Owner(),
            differences=plan.differences + found,
            blocker=blocker,
        )
    return plan


def drift_warning(plan: Plan) -> str:
    """The warning for a volume that differs and is not changed."""
    owners = {"owner", "group", "mode"}
    reasons = []
    if any(one.option not in owners for one in plan.differences):
        reasons.append("Docker cannot change a volume.")
    if any(one.option in owners for one in plan.differences):
        reasons.append("Its owner is not changed while a running container mounts it.")
    return (
        f"Volume {plan.desired.name} stays as it is, though {_list(plan.differences)}."
        f" {' '.join(reasons)}"
    )


def sides(plan: Plan) -> tuple[JsonDict, JsonDict]:
    """(before, after) of the volume for the diff; both are empty if it does not change."""
    if plan.sets_owner and not plan.create:
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
            **_view(plan.desired.driver, plan.desired.options, plan.desired.labels),
            **plan.owner_after.shown(),
        }
        if plan.remove and plan.actual is not None:
            # Without this, the diff of a volume that is recreated with the same options is empty.
            old["created"], new["created"] = plan.actual.get("CreatedAt"), "now, without its data"
    return old, new


def _view(driver: str, options: Mapping[str, Any], labels: Mapping[str, Any]) -> JsonDict:
    view: JsonDict = {"driver": driver}
    if options:
        view["driver_options"] = shown_options(options)
    if labels:
        view["labels"] = dict(sorted(labels.items()))
    return view


def create_body(desired: Desired) -> JsonDict:
    return {
        "Name": desired.name,
        "Driver": desired.driver,
        "DriverOpts": dict(desired.options),
        "Labels": dict(desired.labels),
    }


def creation_error(desired: Desired, created: Mapping[str, Any] | None) -> str:
    """What is wrong with a volume that Docker has just created; empty if nothing is."""
    if created is None:
        return f"Docker reports that volume {desired.name} was created, but it does not exist"
    found = differences(desired, created)
    if not found:
        return ""
    return (
        f"Docker reports that volume {desired.name} was created, but it differs: {_list(found)}."
        " Another client may have created it at the same moment. Check its content, and remove it"
        f" if it is not needed: docker volume rm {desired.name}"
    )


def _list(parts: Iterable[Any]) -> str:
    return ", ".join(str(part) for part in parts)


# -- the users of a volume ---------------------------------------------------------------------


@dataclass(frozen=True)
class Users:
    """What may refer to volumes: the containers of this host and the services of the swarm."""

    containers: Sequence[Mapping[str, Any]] = ()
    # From service_mounts(); None if this host does not know the services.
    mounts: Sequence[Mapping[str, str]] | None = ()
    # Values of the templates in a service's mounts on this host, like Node.Hostname.
    known: Mapping[str, str] = field(default_factory=dict)


def service_mounts(services: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The volumes that services mount; a name may contain Swarm's templates."""
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
    """Whether the source of a mount may be this volume; an unknown template matches any text."""
    if not is_template(source):
        return source == name
    pattern, end = "", 0
    for found in _TEMPLATE.finditer(source):
        value = known.get(found.group(1))
        pattern += re.escape(source[end : found.start()])
        pattern += ".+" if value is None else re.escape(value)
        end = found.end()
    return re.fullmatch(pattern + re.escape(source[end:]), name) is not None


def references(volumes: Iterable[Mapping[str, Any]], users: Users) -> dict[str, list[Reference]]:
    """The users of each volume: containers in any state, and services."""
    mountpoints = {str(one.get("Name")): str(one.get("Mountpoint") or "") for one in volumes}
    found: dict[str, dict[Reference, None]] = {name: {} for name in mountpoints}
    for container in users.containers:
        if HELPER_LABEL in (container.get("Labels") or {}):
            continue
        names = container.get("Names") or [str(container.get("Id"))[:12]]
        reference = Reference("container", names[0].lstrip("/"), str(container.get("State") or ""))
        for mount in container.get("Mounts") or []:
            if mount.get("Type") == "volume":
                if mount.get("Name") in found:
                    found[mount["Name"]][reference] = None
                continue
            # A container can also bind the volume's directory on the host by its path.
            source = str(mount.get("Source") or "")
            for name, point in mountpoints.items():
                if point and (source == point or source.startswith(f"{point}/")):
                    found[name][reference] = None
    for mount in users.mounts or ():
        service, source = mount["service"], mount["source"]
        known = {**users.known, "Service.Name": service, "Service.ID": mount["service_id"]}
        for name in mountpoints:
            if _matches(source, name, known):
                found[name][Reference("service", service)] = None
    return {name: list(of_volume) for name, of_volume in found.items()}


# -- the audit ---------------------------------------------------------------------------------


def orphan(
    volume: Mapping[str, Any], references: Sequence[Reference], services_known: bool
) -> tuple[bool | None, str]:
    """Whether a volume is unused, or None if this host does not know, and the reason."""
    if references:
        verb = "refers" if len(references) == 1 else "refer"
        return False, f"{_list(references)} {verb} to it"
    if volume.get("ClusterVolume"):
        return None, "it is a volume of the swarm, and other hosts may use it, too"
    if not services_known:
        return None, (
            "no container here refers to it, but no manager reported whether a service refers to it"
        )
    labels = volume.get("Labels") or {}
    reason = "no container and no service refers to it"
    if _ANONYMOUS_LABEL in labels or _ANONYMOUS_NAME.match(str(volume.get("Name"))):
        return True, f"{reason}; it was created without a name for a container that is gone"
    for label, what in ((label_names.STACK, "stack"), (_COMPOSE_LABEL, "Compose project")):
        if labels.get(label):
            return True, f"{reason}; it was created for the {what} {labels[label]}"
    return True, reason


def age(created: Any, now: float) -> int | None:
    """Seconds since a volume was created; None if its driver does not report the time."""
    text = str(created or "")
    # fromisoformat() of Python 3.9 accepts no "Z" and no fraction of more than six digits.
    text = re.sub(r"\.\d+", "", text).replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.year == 1:
        # Docker reports year 1 if the driver reports no time.
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0, int(now - moment.timestamp()))


def entry(
    volume: Mapping[str, Any],
    references: Sequence[Reference],
    users: Users,
    now: float,
    size: int | None = None,
) -> JsonDict:
    """One volume as volume_info returns it."""
    is_orphan, reason = orphan(volume, references, users.mounts is not None)
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
            {"name": one.name, "state": one.state} for one in references if one.kind == "container"
        ],
        "services": [one.name for one in references if one.kind == "service"],
        "orphan": is_orphan,
        "reason": reason,
    }
