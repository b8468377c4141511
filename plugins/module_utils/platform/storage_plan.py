# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a service keeps its data: turns the variable into a volume, a plugin and a mount.

A host keeps the data of a service in one place only, and notes which. While it has that note,
another place is a blocker: nothing here moves data.
"""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_plan import shown_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

JsonDict = dict[str, Any]

# What a volume name begins with, if it is not the name of the data; the name of the host follows.
# Hosts have volumes of these names.
PREFIXES = {"elasticsearch": "es", "logstash": "ls"}
# Swarm replaces this with the name of the host in the source of a mount.
NODE = "{{.Node.Hostname}}"
DOCS = "docs/storage.md"
BIND: JsonDict = {"kind": "bind"}

# For each kind its required and its optional fields.
FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "bind": ((), ()),
    "volume": ((), ()),
    "plugin": (
        ("plugin",),
        ("alias", "plugin_options", "privileges", "grant_all", "options"),
    ),
    "nfs": (("server", "path"), ("mount_options",)),
    "cifs": (("server", "path", "user", "password"), ("mount_options",)),
    "glusterfs": (("path",), ()),
    "cephfs": (("server", "path", "user", "password"), ("mount_options",)),
}
_KNOWN = {name for needed, optional in FIELDS.values() for name in (*needed, *optional)}
# The kernel's file system types for each kind that is not a disk of the host.
FILESYSTEMS: dict[str, tuple[str, ...]] = {
    "nfs": ("nfs", "nfs4"),
    "cifs": ("cifs", "smb3"),
    "glusterfs": ("fuse.glusterfs",),
    "cephfs": ("ceph",),
}
_MOUNT_OPTIONS = {"nfs": "nfsvers=4.2,hard", "cifs": "vers=3.1.1", "cephfs": ""}
# CIFS stores no owner and mode, so the mount sets those that the servers need.
_CIFS_OWNER = "uid=1000,gid=0,file_mode=0660,dir_mode=0770"
# Mount options that have their own field.
_OWN_OPTIONS = ("addr", "username", "user", "name", "password", "pass", "secret", "credentials")

_PATH = re.compile(r"/[A-Za-z0-9._/ -]*")
_PLAIN = re.compile(r"[^\s,]+")
_ALIAS = re.compile(r"[a-z0-9][a-z0-9._-]*")
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*")
_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_]*(=[^\s,=]*)?")


@dataclass(frozen=True)
class Problem:
    """What is wrong with a field of the variable, and how to fix it."""

    field: str
    wrong: str
    mend: str
    # Whether the argument specs of the role report it as well.
    in_specs: bool = False

    def as_dict(self, variable: str) -> JsonDict:
        where = f"{variable}.{self.field}" if self.field else variable
        return {
            "where": where,
            "wrong": self.wrong,
            "mend": self.mend,
            "in_specs": self.in_specs,
        }

    def sentence(self, variable: str) -> str:
        return f"{self.as_dict(variable)['where']}: {self.wrong} {self.mend}"


@dataclass(frozen=True)
class Storage:
    """Where one service keeps its data on one host."""

    service: str
    kind: str
    node: str = ""
    problems: tuple[Problem, ...] = ()
    # Driver and options of the volume; empty for a bind mount.
    driver: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    # Options of the module plugin.
    plugin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def variable(self) -> str:
        return f"{self.service}_storage"

    @property
    def volume(self) -> str:
        return _volume(self.service, self.node)

    def identity(self) -> JsonDict:
        """What must not change while there is data, with secrets masked."""
        if self.kind == "bind":
            return dict(BIND)
        return {
            "kind": self.kind,
            "volume": self.volume,
            "driver": self.driver,
            "options": shown_options(self.options),
        }

    def running(self) -> JsonDict:
        """The part that a running task depends on; the same for all hosts."""
        return {} if self.kind == "bind" else {"kind": self.kind, "driver": self.driver}

    def summary(self) -> JsonDict:
        """Everything that is not secret."""
        return {
            "kind": self.kind,
            "problems": [one.as_dict(self.variable) for one in self.problems],
            "identity": self.identity(),
            "running": self.running(),
        }

    def mount(self, path: str, target: str) -> JsonDict:
        """The mount of the service: a directory, or the volume of each host."""
        if self.kind == "bind":
            return {"type": "bind", "source": path, "target": target}
        return {
            "type": "volume",
            "source": _volume(self.service, NODE),
            "target": target,
            # Otherwise Docker copies what the image has at the target, with its owner.
            "no_copy": True,
            # This makes Docker refuse a volume of another driver instead of mounting it.
            "driver_config": {"name": self.driver},
        }

    def expected(self, path: str, target: str) -> JsonDict:
        """What a task on this host must mount, as an option of the module task_mount."""
        if self.kind == "bind":
            return {"type": "bind", "source": path, "target": target}
        return {
            "type": "volume",
            "source": self.volume,
            "target": target,
            "driver": self.driver,
            "filesystems": list(FILESYSTEMS.get(self.kind, ())),
        }

    def volume_item(self, *, never_formed: bool = False) -> JsonDict:
        """The volume, as an item for the module volume."""
        item = {
            "volume_name": self.volume,
            "driver": self.driver,
            "driver_options": dict(self.options),
        }
        return {**item, "recreate": "reference-changed"} if never_formed else item


def _volume(service: str, node: str) -> str:
    return f"{PREFIXES.get(service, service)}-{node}"


# -- the variable ------------------------------------------------------------------------------


def plan(service: str, value: Any, node: str) -> Storage:
    """Read the variable of a service for one host."""
    if not isinstance(value, dict):
        wrong = "is not a dictionary."
        return Storage(
            service, "bind", node, (Problem("", wrong, "Write kind: bind below it.", True),)
        )
    kind = value.get("kind", "bind")
    if kind not in FIELDS:
        fix = f"Use one of: {', '.join(FIELDS)}."
        problem = Problem("kind", f"{kind} is no kind of storage.", fix, in_specs=True)
        return Storage(service, "bind", node, (problem,))
    problems = list(_field_problems(kind, value))
    reader = _READERS.get(kind)
    if problems or reader is None:
        driver = "" if kind == "bind" else "local"
        return Storage(service, kind, node, tuple(problems), driver)
    return reader(Storage(service, kind, node, driver="local"), value)


def _field_problems(kind: str, value: Mapping[str, Any]) -> Iterable[Problem]:
    needed, optional = FIELDS[kind]
    takes = [*needed, *optional]
    for name, content in value.items():
        # The specs set each known field that the user has not set to None.
        if name != "kind" and name not in takes and content is not None:
            fix = f"It takes {', '.join(takes)}." if takes else "Remove it."
            wrong = f"does not belong to kind {kind}."
            yield Problem(str(name), wrong, fix, in_specs=name not in _KNOWN)
    for name in needed:
        if value.get(name) in (None, "", [], {}):
            yield Problem(name, f"is missing, and kind {kind} needs it.", f"See {DOCS}.")


def _with(storage: Storage, problems: Iterable[Problem | None], **more: Any) -> Storage:
    found = tuple(problem for problem in problems if problem)
    return Storage(storage.service, storage.kind, storage.node, found, **more)


def _plugin(storage: Storage, value: Mapping[str, Any]) -> Storage:
    reference = str(value["plugin"])
    name, _at, digest = reference.partition("@")
    short, _colon, tag = name.rpartition("/")[2].partition(":")
    problems: list[Problem | None] = []
    if not re.fullmatch(r"\S+", reference) or not short:
        problems.append(Problem("plugin", "is no plugin.", "Write it as registry/name:tag."))
    elif not digest and tag in ("", "latest"):
        wrong = "has the tag latest" if tag else "has no tag, which means latest"
        problems.append(
            Problem(
                "plugin",
                f"{reference} {wrong}: hosts would get different versions over time.",
                "Write it with the tag of a release, or with a digest.",
            )
        )
    alias = str(value.get("alias") or short)
    if not _ALIAS.fullmatch(alias) and not problems:
        fix = "Use small letters, digits and . _ -, without a tag."
        problems.append(Problem("alias", f"{alias!r} is no name for a plugin.", fix))
    if value.get("grant_all") and value.get("privileges"):
        fix = "Keep one of the two; privileges grants only what it lists."
        problems.append(Problem("grant_all", "is set together with privileges.", fix))
    options: dict[str, str] = {}
    given = value.get("options")
    for key, content in given.items() if isinstance(given, dict) else ():
        if isinstance(content, bool) or not isinstance(content, (str, int)):
            fix = "Put it in quotes, as the driver should get it."
            problems.append(Problem(f"options.{key}", "is not a string.", fix))
        else:
            options[str(key)] = str(content)
    plugin = {
        "plugin_name": reference,
        "alias": alias,
        "plugin_options": _plain_dict(value.get("plugin_options")),
        "privileges": _privileges(value.get("privileges")),
        "grant_all": bool(value.get("grant_all")),
    }
    return _with(storage, problems, driver=alias, options=options, plugin=plugin)


def _plain_dict(value: Any) -> JsonDict:
    """A plain dictionary, without Ansible's types; the specs report what is not a dictionary."""
    return {str(key): one for key, one in value.items()} if isinstance(value, dict) else {}


def _privileges(value: Any) -> list[JsonDict]:
    found = value if isinstance(value, list) else []
    return [
        {"name": str(one.get("name")), "value": [str(part) for part in one.get("value") or ()]}
        for one in found
        if isinstance(one, dict)
    ]


def _server(text: str) -> Problem | None:
    if _is_address(text) or (_HOST.fullmatch(text) and not re.fullmatch(r"[\d.]+", text)):
        return None
    return Problem(
        "server", f"{text!r} is no name and no address.", "Write it like nas or 192.0.2.10."
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _path(path: str, what: str) -> Problem | None:
    if _PATH.fullmatch(path) and ".." not in path.split("/"):
        return None
    return Problem("path", f"{path!r} is no absolute path {what}.", "Write it like /export/elk.")


def _mount_options(value: Mapping[str, Any], kind: str) -> tuple[str, list[Problem | None]]:
    given = value.get("mount_options")
    text = _MOUNT_OPTIONS[kind] if given is None else str(given)
    problems: list[Problem | None] = []
    for one in text.split(",") if text else ():
        name = one.partition("=")[0]
        if name in _OWN_OPTIONS:
            wrong = f"holds {name}, which has its own field."
            problems.append(Problem("mount_options", wrong, "Set server, user and password."))
        elif not _OPTION.fullmatch(one):
            # Do not show the text: it may hold a password.
            wrong = "is no list of mount options."
            problems.append(Problem("mount_options", wrong, "Write it like nfsvers=4.2,hard."))
    return text, problems


def _plain(value: Mapping[str, Any], name: str) -> Problem | None:
    """A comma would end the mount option, and the rest would count as more options."""
    if _PLAIN.fullmatch(str(value[name])):
        return None
    wrong = "holds a comma or white space, which mount options cannot hold."
    return Problem(name, wrong, f"Use another {name}.")


def _home(storage: Storage, path: str) -> str:
    """The directory of this host below the path: two nodes in one would destroy their data."""
    return f"{path.rstrip('/')}/{storage.volume}"


def _joined(*parts: str) -> str:
    return ",".join(part for part in parts if part)


def _nfs(storage: Storage, value: Mapping[str, Any]) -> Storage:
    server, path = str(value["server"]), str(value["path"])
    text, problems = _mount_options(value, "nfs")
    options = {
        "type": "nfs",
        "o": _joined(f"addr={server}", text),
        "device": f":{_home(storage, path)}",
    }
    found = [_server(server), _path(path, "of the server"), *problems]
    return _with(storage, found, driver="local", options=options)


def _cifs(storage: Storage, value: Mapping[str, Any]) -> Storage:
    server, path = str(value["server"]), str(value["path"])
    text, problems = _mount_options(value, "cifs")
    if not _is_address(server):
        # The kernel resolves no names, and Docker 20.10 does so for NFS only.
        wrong = f"{server!r} is no address, and the kernel resolves no names for CIFS."
        problems.append(Problem("server", wrong, "Write it like 192.0.2.10."))
    options = {
        "type": "cifs",
        "o": _joined(
            f"addr={server}",
            f"username={value['user']}",
            f"password={value['password']}",
            _CIFS_OWNER,
            text,
        ),
        "device": f"//{server}{_home(storage, path)}",
    }
    found = [_path(path, "that begins with a share"), *problems]
    found += [_plain(value, "user"), _plain(value, "password")]
    return _with(storage, found, driver="local", options=options)


def _glusterfs(storage: Storage, value: Mapping[str, Any]) -> Storage:
    # A FUSE file system needs a mount helper, which Docker's local driver does not call. So the
    # host mounts it, and the volume is a directory in it.
    path = str(value["path"])
    options = {"type": "none", "o": "bind", "device": _home(storage, path)}
    return _with(storage, [_path(path, "of the host")], driver="local", options=options)


def _cephfs(storage: Storage, value: Mapping[str, Any]) -> Storage:
    server, path = str(value["server"]), str(value["path"])
    text, problems = _mount_options(value, "cephfs")
    for one in server.split(","):
        address, _colon, port = one.rpartition(":") if one.count(":") == 1 else (one, "", "")
        if not _is_address(address) or (port and not port.isdigit()):
            wrong = f"{one!r} is no address, and the kernel resolves no names for CephFS."
            fix = "Write the monitors like 192.0.2.10:6789,192.0.2.11:6789."
            problems.append(Problem("server", wrong, fix))
    options = {
        "type": "ceph",
        "o": _joined(f"name={value['user']}", f"secret={value['password']}", text),
        "device": f"{server}:{_home(storage, path)}",
    }
    found = [_path(path, "of the file system"), *problems]
    found += [_plain(value, "user"), _plain(value, "password")]
    return _with(storage, found, driver="local", options=options)


_READERS: dict[str, Callable[[Storage, Mapping[str, Any]], Storage]] = {
    "plugin": _plugin,
    "nfs": _nfs,
    "cifs": _cifs,
    "glusterfs": _glusterfs,
    "cephfs": _cephfs,
}


# -- the note of a host ------------------------------------------------------------------------


def read_note(text: str) -> dict[str, JsonDict]:
    """The note of a host: where the data of each service is."""
    if not text.strip():
        return {}
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("it is not a dictionary")
    return found


def note(before: str, stored: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """The new note of a host; entries of other services stay."""
    found = {**read_note(before), **dict(stored)}
    found = {name: dict(where) for name, where in found.items() if where.get("kind") != "bind"}
    # An existing note must say that no data is on volumes any more.
    return json.dumps(found, indent=2, sort_keys=True) if found or before.strip() else ""


def place_of(service: str, text: str, bound_empty: bool | None) -> JsonDict | None:
    """Where the data of a service is, from the note of its host; None if it has none."""
    before = read_note(text).get(service)
    return dict(BIND) if before is None and bound_empty is False else before


def move_blocker(
    service: str,
    text: str,
    bound_empty: bool | None,
    desired: Mapping[str, Any],
    *,
    never_formed: bool = False,
) -> str:
    """Why the data of a service cannot be where the variable wants it; empty if it can.

    ``bound_empty`` is whether the directory of kind bind is empty, None where there is none. With
    ``never_formed``, no host has ever been in a cluster. Then a volume that only says where data is
    may say it anew: an earlier run has tried the place, and nothing there is removed.
    """
    try:
        before = place_of(service, text, bound_empty)
    except ValueError as error:
        return _unreadable(error)
    if before is None or before == dict(desired):
        return ""
    if never_formed and _device(before) and (_device(desired) or desired.get("kind") == "bind"):
        return ""
    return (
        f"has its data on {in_words(before)}, and {service}_storage asks for {in_words(desired)}."
    )


def _unreadable(error: ValueError) -> str:
    return f"has a note of where its data is that cannot be read ({error})."


def _device(where: Mapping[str, Any]) -> str:
    return str((where.get("options") or {}).get("device") or "")


def in_words(where: Mapping[str, Any]) -> str:
    kind = str(where.get("kind"))
    options = where.get("options") or {}
    parts = [f"driver {where['driver']}"] if kind == "plugin" else []
    parts += [f"{key} {value}" for key, value in sorted(options.items())]
    return f"{kind} ({', '.join(parts)})" if parts else kind


def _same_reference(text: Any) -> str:
    """The reference of a plugin without the registry that Docker adds."""
    return re.sub(r"^docker\.io/(library/)?", "", str(text))


def node_work(
    storage: Storage, text: str, bound_empty: bool | None, plugins: Iterable[Mapping[str, Any]]
) -> JsonDict:
    """What a node is stopped for to reach its storage, and what forbids it.

    ``text`` is the note of its host, ``bound_empty`` is whether the directory of kind bind is
    empty, and ``plugins`` are those installed under the name of the driver.
    """
    desired = storage.identity()
    blockers = []
    try:
        before = place_of(storage.service, text, bound_empty) or desired
    except ValueError as error:
        before = desired
        blockers.append(f"{storage.service} {_unreadable(error)}")
    moves = before != desired
    reasons = [f"its data moves from {in_words(before)} to {in_words(desired)}"] if moves else []
    if moves and BIND["kind"] not in (before.get("kind"), desired["kind"]):
        blockers.append(
            f"From {before.get('kind')} to another volume, data moves by way of a directory,"
            " because both volumes have the same name: run playbooks/move_storage.yml with"
            f" {storage.variable} of kind bind first."
        )
    wanted = _same_reference(storage.plugin.get("plugin_name"))
    reasons += [
        f"plugin {storage.driver} {_same_reference(plugin['reference'])} becomes {wanted}"
        for plugin in plugins
        if storage.plugin and _same_reference(plugin["reference"]) != wanted
    ]
    bound = before.get("kind") == BIND["kind"]
    return {
        "reasons": reasons,
        "blockers": blockers,
        "moves_data": moves,
        "before": {} if bound else {name: before.get(name) for name in ("kind", "driver")},
    }


HOW_TO_MOVE = (
    "Set it back, or move the data of Elasticsearch, one node at a time:"
    f" playbooks/move_storage.yml, see {DOCS}#moving-data."
)


# -- one host ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class HostPlan:
    """What a host needs for the services that it may run, or the blockers."""

    blockers: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    plugins: tuple[JsonDict, ...] = ()
    volumes: tuple[JsonDict, ...] = ()
    # The new note of the host; empty for none.
    note: str = ""

    def as_dict(self) -> JsonDict:
        return {
            "errors": list(self.blockers),
            "directories": list(self.directories),
            "plugins": list(self.plugins),
            "volumes": list(self.volumes),
            "note": self.note,
        }


def plan_host(
    storages: Iterable[Storage],
    before: str,
    directories: Mapping[str, str],
    empty: Mapping[str, bool | None],
    moving: Iterable[str] = (),
    *,
    never_formed: bool = False,
) -> HostPlan:
    """Plan for one host; ``moving`` are services whose data has just left it.

    ``before`` is its note, ``directories`` are those of kind bind, by service, and ``empty`` is
    whether each of them is empty.
    """
    services, emptied = list(storages), set(moving)
    blockers = [one.sentence(storage.variable) for storage in services for one in storage.problems]
    for storage in services:
        reason = move_blocker(
            storage.service,
            before,
            empty.get(storage.service),
            storage.identity(),
            never_formed=never_formed,
        )
        if reason and not storage.problems and storage.service not in emptied:
            blockers.append(f"{storage.service} {reason} {HOW_TO_MOVE}")
        if (
            storage.service in emptied
            and storage.kind == "bind"
            and empty.get(storage.service) is False
        ):
            # What an earlier move left there is older than the data of the other nodes.
            blockers.append(
                f"{directories[storage.service]} is not empty, and data should move there. Empty"
                " it, and run this again."
            )
    plugins: dict[str, JsonDict] = {}
    for storage in services:
        if storage.plugin:
            alias = storage.plugin["alias"]
            if plugins.setdefault(alias, dict(storage.plugin)) != storage.plugin:
                blockers.append(
                    f"{storage.variable}: asks for another plugin {alias} than another service"
                    " does, or for other options of it. Give both the same, or one another alias."
                )
    if blockers:
        return HostPlan(tuple(blockers))
    return HostPlan(
        directories=tuple(directories[one.service] for one in services if one.kind == "bind"),
        plugins=tuple(plugins.values()),
        volumes=tuple(
            one.volume_item(never_formed=never_formed) for one in services if one.kind != "bind"
        ),
        note=note(before, ((one.service, one.identity()) for one in services)),
    )
