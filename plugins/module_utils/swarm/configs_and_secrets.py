# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Swarm configs and secrets with a hash of their content in their name.

Swarm cannot change a config or a secret.  So new content becomes a new object, the service is
changed to use it, and the old object is removed when no service uses it any more.  Anybody who can
list names could guess the content from a plain hash, so the hash of a secret is keyed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.common.options import (
    OptionError,
    octal_mode,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


KINDS = ("configs", "secrets")
NAME_OPTION = {"configs": "config_name", "secrets": "secret_name"}
ID_OPTION = {"configs": "config_id", "secrets": "secret_id"}

_HASH_LENGTH = 12
# Swarm accepts 64 characters, including the hash and its dash.
_MAX_NAME = 64
_MAX_BASE = _MAX_NAME - _HASH_LENGTH - 1
_NAME = re.compile(r"^[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?$")
# Limits of the Engine: a secret 500 KiB, a config 1000 KiB.
_MAX_BYTES = {"configs": 1000 * 1024, "secrets": 500 * 1024}


class ObjectError(OptionError):
    """The task describes a config or secret that Swarm cannot create."""


@dataclass(frozen=True)
class Reference:
    """One config or secret as a service mounts it."""

    kind: str
    base: str
    name: str
    filename: str
    uid: str
    gid: str
    mode: int
    # None: the object must already exist, with exactly this name.
    data: bytes | None = field(default=None, repr=False)
    # The id that the task gives; the object must exist with it.
    object_id: str | None = None

    @property
    def managed(self) -> bool:
        return self.data is not None


def hashed_name(kind: str, base: str, data: bytes, key: str | None) -> str:
    """The name under which content is stored."""
    if kind == "secrets":
        if not key:
            raise ObjectError(
                "secrets: a secret with data needs secret_hash_key, the key of the hash in its "
                "name; without it, the content could be guessed from the name"
            )
        # With the base name, two secrets of the same content have different hashes.
        message = base.encode("utf-8") + b"\0" + data
        digest = hmac.new(key.encode("utf-8"), message, hashlib.sha256).hexdigest()
    else:
        digest = hashlib.sha256(data).hexdigest()
    return f"{base}-{digest[:_HASH_LENGTH]}"


def _content(kind: str, item: Mapping[str, Any], label: str) -> bytes | None:
    data = item.get("data")
    if data is None:
        return None
    if item.get("data_is_b64"):
        try:
            content = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            raise ObjectError(f"{label}: data is not base64 although data_is_b64 is set") from None
    else:
        content = str(data).encode("utf-8")
    if kind == "secrets" and not content:
        raise ObjectError(f"{label}: data is empty, and Swarm refuses an empty secret")
    if len(content) > _MAX_BYTES[kind]:
        raise ObjectError(
            f"{label}: data has {len(content)} bytes, and Swarm accepts at most"
            f" {_MAX_BYTES[kind]}. Put it into a file on the hosts and mount that file as a bind"
        )
    return content


def references(
    kind: str, items: Iterable[Mapping[str, Any]] | None, key: str | None
) -> list[Reference]:
    """The option ``configs`` or ``secrets`` of the task, checked and named."""
    option = NAME_OPTION[kind]
    found: list[Reference] = []
    for position, item in enumerate(items or ()):
        base = item[option]
        label = f"{kind}[{position}] ({base})"
        content = _content(kind, item, label)
        object_id = item.get(ID_OPTION[kind]) or None
        if object_id and content is not None:
            raise ObjectError(
                f"{label}: {ID_OPTION[kind]} is for an existing object, and data creates one; "
                "leave out one of them"
            )
        limit = _MAX_NAME if content is None else _MAX_BASE
        if len(base) > limit or not _NAME.match(base):
            raise ObjectError(
                f"{label}: {option} must have 1 to {limit} characters of a-z A-Z 0-9 . _ - and "
                "start and end with a letter or digit"
            )
        name = base if content is None else hashed_name(kind, base, content, key)
        filename = item.get("filename") or base
        if kind == "configs" and not filename.startswith("/"):
            filename = f"/{filename}"
        found.append(
            Reference(
                kind=kind,
                base=base,
                name=name,
                filename=filename,
                uid=str(item.get("uid") if item.get("uid") is not None else "0"),
                gid=str(item.get("gid") if item.get("gid") is not None else "0"),
                mode=octal_mode(item.get("mode"), f"{label}.mode"),
                data=content,
                object_id=object_id,
            )
        )
    targets = [reference.filename for reference in found]
    for filename in targets:
        if targets.count(filename) > 1:
            raise ObjectError(f"{kind}: two of them have the filename {filename}")
    return found


@dataclass(frozen=True)
class Existing:
    """A config or secret as the Engine stores it."""

    kind: str
    id: str
    name: str
    labels: Mapping[str, str]
    data: bytes | None = field(default=None, repr=False)

    @property
    def managed(self) -> bool:
        """Whether this collection created it, with a hash in its name."""
        base = self.labels.get(label_names.BASE)
        return bool(base) and bool(
            re.fullmatch(re.escape(f"{base}-") + rf"[0-9a-f]{{{_HASH_LENGTH}}}", self.name)
        )


def existing(kind: str, raw: Mapping[str, Any]) -> Existing:
    spec = raw.get("Spec") or {}
    data = spec.get("Data")
    return Existing(
        kind=kind,
        id=raw["ID"],
        name=spec.get("Name", ""),
        labels=spec.get("Labels") or {},
        data=base64.b64decode(data) if data else None,
    )


@dataclass(frozen=True)
class Plan:
    """The objects to create before the service is changed, and those that are missing."""

    create: tuple[Reference, ...]
    ids: Mapping[tuple[str, str], str]
    missing: tuple[Reference, ...]


def plan(desired: Sequence[Reference], present: Iterable[Existing]) -> Plan:
    """Compare what the task refers to with what the swarm has."""
    found = list(present)
    by_name = {(item.kind, item.name): item for item in found}
    by_id = {(item.kind, item.id): item for item in found}
    create: list[Reference] = []
    missing: list[Reference] = []
    ids: dict[tuple[str, str], str] = {}
    for reference in desired:
        key = (reference.kind, reference.name)
        item = by_name.get(key)
        if reference.object_id:
            item = by_id.get((reference.kind, reference.object_id))
            if item is not None and item.name != reference.name:
                raise ObjectError(
                    f"{reference.kind}: id {reference.object_id} is that of {item.name}, not of "
                    f"{reference.name}; give the name and the id of the same object"
                )
        if item is None:
            if not reference.managed:
                missing.append(reference)
            elif key not in {(other.kind, other.name) for other in create}:
                create.append(reference)
            continue
        # Only configs can be read back.  Without this check, containers would get the other
        # content.
        readable = reference.kind == "configs" and reference.managed and item.data is not None
        if readable and item.data != reference.data:
            raise ObjectError(
                f"The config {item.name} exists, but has other content than its name says. Remove"
                f" it (docker config rm {item.name}) or choose another config_name"
            )
        ids[key] = item.id
    return Plan(create=tuple(create), ids=ids, missing=tuple(missing))


def referred_by(service_spec: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(kind, id) of every config and secret a service's specification refers to."""
    container = (service_spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}
    found: set[tuple[str, str]] = set()
    for item in container.get("Configs") or ():
        found.add(("configs", item.get("ConfigID", "")))
    for item in container.get("Secrets") or ():
        found.add(("secrets", item.get("SecretID", "")))
    return found


def labels_for(base: str, service: str) -> dict[str, str]:
    return {label_names.BASE: base, label_names.SERVICE: service}


def removable(
    service: str,
    desired: Sequence[Reference],
    former: Iterable[tuple[str, str]],
    present: Iterable[Existing],
    in_use: Iterable[tuple[str, str]] = (),
) -> list[Existing]:
    """Objects of this service that it does not use any more.

    ``former`` are the objects that it used before this run, ``in_use`` those that any service uses
    now.  Only objects that this collection created are returned.
    """
    keep = {(reference.kind, reference.name) for reference in desired}
    bases = {(reference.kind, reference.base) for reference in desired if reference.managed}
    before = set(former)
    used = set(in_use)
    found: list[Existing] = []
    for item in present:
        if not item.managed or (item.kind, item.name) in keep or (item.kind, item.id) in used:
            continue
        if (
            (item.kind, item.id) in before
            or (item.kind, item.labels.get(label_names.BASE)) in bases
            or item.labels.get(label_names.SERVICE) == service
        ):
            found.append(item)
    return sorted(found, key=lambda item: (item.kind, item.name))
