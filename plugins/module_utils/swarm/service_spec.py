# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the ServiceSpec of the Engine API from a task's options, and compares two of them.

Every option is a :class:`Field`: its paths in the ServiceSpec, and a view that reads it in the form
of the option, with all defaults of the Engine.  Two specifications differ if a view differs.  An
update changes only the parts that differ.  The rest stays byte for byte the same, so that Swarm has
no reason to restart tasks for it.
"""

from __future__ import annotations

import copy
import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.elk.swarm.plugins.module_utils.common.masking import MASK, SECRET_NAME
from ansible_collections.elk.swarm.plugins.module_utils.common.nested import dig
from ansible_collections.elk.swarm.plugins.module_utils.common.options import octal_mode
from ansible_collections.elk.swarm.plugins.module_utils.swarm.configs_and_secrets import (
    Reference,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_facts import (
    SpecError,
    constraint_parts,
    mode_of,
    replicas_of,
)

JsonDict = dict[str, Any]
Path = tuple[str, ...]

# -- values ----------------------------------------------------------------------------------

_DURATION_UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)")
_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*([bkmgtp]?)(?:i?b)?$", re.IGNORECASE)
_SIZE_UNITS = "bkmgtp"


def duration(value: Any, option: str) -> int:
    """Nanoseconds from a duration like 1m30s."""
    text = str(value).strip()
    if text == "0":
        return 0
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise SpecError(
            f"{option}: {value!r} is not a duration; write a number with its unit, like 10s or "
            "1m30s"
        )
    return int(sum(float(number) * _DURATION_UNITS[unit] for number, unit in parts))


def show_duration(nanoseconds: int) -> str:
    """The shortest exact way to write a duration."""
    if nanoseconds == 0:
        return "0s"
    text = ""
    rest = nanoseconds
    for unit in ("h", "m", "s", "ms", "us", "ns"):
        amount, rest = divmod(rest, _DURATION_UNITS[unit])
        if amount:
            text += f"{amount}{unit}"
    return text


def size(value: Any, option: str) -> int:
    """Bytes from a size like 512m."""
    match = _SIZE.match(str(value).strip())
    if not match:
        raise SpecError(
            f"{option}: {value!r} is not a size; write a number with its unit, like 512m or 1g"
        )
    factor = 1024 ** _SIZE_UNITS.index((match.group(2) or "b").lower())
    return int(float(match.group(1)) * factor)


def show_size(amount: int) -> str:
    for power in range(len(_SIZE_UNITS) - 1, 0, -1):
        if amount and amount % 1024**power == 0:
            return f"{amount // 1024**power}{_SIZE_UNITS[power]}"
    return str(amount)


def string_map(value: Any, option: str) -> dict[str, str]:
    """A mapping of strings; a value that YAML reads as another type must be quoted."""
    if value is not None and not isinstance(value, Mapping):
        raise SpecError(f"{option}: {value!r} is not a dictionary; write key: value pairs")
    found: dict[str, str] = {}
    for key, item in (value or {}).items():
        if isinstance(item, bool) or not isinstance(item, (str, int)):
            raise SpecError(
                f"{option}.{key}: the value {'is empty' if item is None else repr(item)} is not a "
                'string; quote it in YAML, like "true"'
            )
        found[str(key)] = str(item)
    return found


def environment(value: Any) -> dict[str, str]:
    """The option ``env`` as a mapping, from a mapping or a list of NAME=value."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return string_map(value, "env")
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise SpecError("env: must be a mapping or a list of NAME=value")
    found: dict[str, str] = {}
    for item in value:
        name, separator, content = item.partition("=") if isinstance(item, str) else ("", "", "")
        if not name or not separator:
            raise SpecError(f"env: {item!r} is not of the form NAME=value")
        found[name] = content
    return found


def environment_file(text: str, path: str) -> dict[str, str]:
    """The variables of a file of NAME=value lines, without empty lines and comments."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, separator, content = stripped.partition("=")
        if not name or not separator:
            # Without the line itself, which may hold a secret.
            raise SpecError(f"env_files: line {number} of {path} is not of the form NAME=value")
        found[name] = content
    return found


def words(value: Any, option: str) -> list[str]:
    """A command as a list, from a list or from one line."""
    if value is None:
        return []
    if isinstance(value, str):
        try:
            return shlex.split(value)
        except ValueError as error:
            raise SpecError(f"{option}: {value!r} cannot be split into words: {error}") from error
    if isinstance(value, Sequence):
        if any(isinstance(item, bool) or not isinstance(item, (str, int)) for item in value):
            raise SpecError(f"{option}: every word must be a string; quote it in YAML")
        return [str(item) for item in value]
    raise SpecError(f"{option}: must be a string or a list of strings")


def split_digest(image: str) -> tuple[str, str]:
    name, _at, digest = image.partition("@")
    return name, digest


def full_image(image: str) -> str:
    """An image reference with registry, repository and tag written out."""
    name, digest = split_digest(image)
    first, slash, _rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        name = f"docker.io/{name}" if slash else f"docker.io/library/{name}"
    elif first == "docker.io" and "/" not in _rest:
        name = f"docker.io/library/{_rest}"
    if ":" not in name.rsplit("/", 1)[-1] and not digest:
        name += ":latest"
    return f"{name}@{digest}" if digest else name


# -- building --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lookups:
    """Ids of the networks, configs and secrets that the task refers to by name."""

    networks: Mapping[str, str]
    object_ids: Mapping[tuple[str, str], str]


def _present(**values: Any) -> JsonDict:
    return {key: value for key, value in values.items() if value is not None}


def _healthcheck(options: Mapping[str, Any]) -> JsonDict:
    test = options.get("test")
    if isinstance(test, str):
        test = ["CMD-SHELL", test]
    elif test is not None:
        test = words(test, "healthcheck.test")
        if not test or test[0] not in ("NONE", "CMD", "CMD-SHELL"):
            raise SpecError(
                "healthcheck.test: a list must begin with NONE, CMD or CMD-SHELL; a string is run "
                "by the shell"
            )
    return _present(
        Test=test,
        Interval=_optional_duration(options, "interval", "healthcheck"),
        Timeout=_optional_duration(options, "timeout", "healthcheck"),
        StartPeriod=_optional_duration(options, "start_period", "healthcheck"),
        StartInterval=_optional_duration(options, "start_interval", "healthcheck"),
        Retries=options.get("retries"),
    )


def _optional_duration(options: Mapping[str, Any], key: str, parent: str) -> int | None:
    value = options.get(key)
    return None if value is None else duration(value, f"{parent}.{key}")


def _says_something(value: Any) -> bool:
    """Whether a value differs from leaving the option out: not false, empty or all empty inside."""
    return any(value.values()) if isinstance(value, Mapping) else bool(value)


def _mount(options: Mapping[str, Any], position: int) -> JsonDict:
    option = f"mounts[{position}]"
    kind = options.get("type") or "bind"
    source = options.get("source")
    if kind == "bind" and not str(source or "").startswith("/"):
        raise SpecError(f"{option}.source: a bind needs an absolute path, not {source!r}")
    if kind == "tmpfs" and source:
        raise SpecError(f"{option}.source: a tmpfs has no source")
    for name, only in (
        ("propagation", "bind"),
        ("no_copy", "volume"),
        ("labels", "volume"),
        ("driver_config", "volume"),
        ("tmpfs_size", "tmpfs"),
        ("tmpfs_mode", "tmpfs"),
    ):
        if _says_something(options.get(name)) and kind != only:
            raise SpecError(f"{option}.{name}: only a mount of type {only} has it, not {kind}")
    raw = _present(Type=kind, Source=source or None, Target=options["target"])
    if options.get("readonly"):
        raw["ReadOnly"] = True
    if options.get("propagation"):
        raw["BindOptions"] = {"Propagation": options["propagation"]}
    volume: JsonDict = {}
    if options.get("no_copy"):
        volume["NoCopy"] = True
    if options.get("labels"):
        volume["Labels"] = string_map(options["labels"], f"{option}.labels")
    driver = options.get("driver_config")
    if driver and _says_something(driver):
        volume["DriverConfig"] = _present(
            Name=driver.get("name"),
            Options=string_map(driver.get("options"), f"{option}.driver_config.options") or None,
        )
    if volume:
        raw["VolumeOptions"] = volume
    tmpfs: JsonDict = {}
    if options.get("tmpfs_size") is not None:
        tmpfs["SizeBytes"] = size(options["tmpfs_size"], f"{option}.tmpfs_size")
    if options.get("tmpfs_mode") is not None:
        tmpfs["Mode"] = octal_mode(options["tmpfs_mode"], f"{option}.tmpfs_mode")
    if tmpfs:
        raw["TmpfsOptions"] = tmpfs
    return raw


def _ulimits(items: Sequence[Mapping[str, Any]]) -> list[JsonDict]:
    found: list[JsonDict] = []
    for position, item in enumerate(items):
        soft = item["soft"]
        hard = item["hard"] if item.get("hard") is not None else soft
        # -1 means unlimited, so it is above every number.
        if hard != -1 and (soft == -1 or soft > hard):
            raise SpecError(f"ulimits[{position}] ({item['name']}): soft is above hard")
        found.append({"Name": item["name"], "Soft": soft, "Hard": hard})
    names = [item["Name"] for item in found]
    if len(set(names)) != len(names):
        raise SpecError("ulimits: a name is listed twice")
    return sorted(found, key=lambda item: str(item["Name"]))


def _rollout(options: Mapping[str, Any], option: str) -> JsonDict:
    # Without the block, the parallelism is 1.  With a block that lacks parallelism, the Engine uses
    # 0, all tasks at once.  So the block always contains all keys.
    parallelism = options.get("parallelism")
    ratio = options.get("max_failure_ratio")
    return {
        "Parallelism": 1 if parallelism is None else parallelism,
        "Delay": duration(options.get("delay") or "0s", f"{option}.delay"),
        "FailureAction": options.get("failure_action") or "pause",
        "Monitor": duration(options.get("monitor") or "5s", f"{option}.monitor"),
        "MaxFailureRatio": 0 if ratio is None else ratio,
        "Order": options.get("order") or "stop-first",
    }


def _restart(options: Mapping[str, Any], condition: str) -> JsonDict:
    return {
        "Condition": options.get("condition") or condition,
        "Delay": duration(options.get("delay") or "5s", "restart_config.delay"),
        "MaxAttempts": options.get("max_attempts") or 0,
        "Window": duration(options.get("window") or "0s", "restart_config.window"),
    }


def _resources(options: Mapping[str, Any], option: str) -> JsonDict:
    raw: JsonDict = {}
    if options.get("cpus"):
        if not 0 <= options["cpus"] < 1_000_000:
            raise SpecError(f"{option}.cpus: {options['cpus']} is not a number of CPUs, like 0.5")
        raw["NanoCPUs"] = round(float(options["cpus"]) * 1_000_000_000)
    if options.get("memory") is not None:
        amount = size(options["memory"], f"{option}.memory")
        if amount:
            raw["MemoryBytes"] = amount
    if options.get("pids"):
        if options["pids"] < 0:
            raise SpecError(f"{option}.pids: {options['pids']} is below 0; write 0 for no limit")
        raw["Pids"] = options["pids"]
    return raw


def network_names(items: Iterable[Any] | None) -> list[tuple[str, list[str], dict[str, str]]]:
    """(name, aliases, driver options) of each network of the task."""
    found = []
    for position, item in enumerate(items or ()):
        if isinstance(item, str):
            found.append((item, list[str](), dict[str, str]()))
            continue
        if (
            not isinstance(item, Mapping)
            or not isinstance(item.get("name"), str)
            or not item["name"]
        ):
            raise SpecError(f"networks[{position}]: must be a name or a mapping with the key name")
        unknown = sorted(map(str, set(item) - {"name", "aliases", "options"}))
        if unknown:
            raise SpecError(
                f"networks[{position}]: unknown key {unknown[0]}; known are name, aliases, options"
            )
        aliases = item.get("aliases") or []
        if not isinstance(aliases, list) or not all(isinstance(one, str) for one in aliases):
            raise SpecError(f"networks[{position}].aliases: {aliases!r} is not a list of strings")
        options = string_map(item.get("options"), f"networks[{position}].options")
        found.append((item["name"], list(aliases), options))
    return found


def _networks(items: Iterable[Any], ids: Mapping[str, str]) -> list[JsonDict]:
    return [
        _present(
            Target=ids.get(name, name), Aliases=sorted(aliases) or None, DriverOpts=options or None
        )
        for name, aliases, options in network_names(items)
    ]


def _ports(items: Iterable[Mapping[str, Any]]) -> list[JsonDict]:
    found = []
    for item in items:
        raw = {
            "Protocol": item.get("protocol") or "tcp",
            "TargetPort": item["target_port"],
            "PublishMode": item.get("mode") or "ingress",
        }
        if item.get("published_port"):
            raw["PublishedPort"] = item["published_port"]
        found.append(raw)
    return found


def _references(kind: str, references: Sequence[Reference], lookups: Lookups) -> list[JsonDict]:
    word = {"configs": "Config", "secrets": "Secret"}[kind]
    return [
        {
            f"{word}ID": lookups.object_ids.get((kind, item.name), ""),
            f"{word}Name": item.name,
            "File": {
                "Name": item.filename,
                "UID": item.uid,
                "GID": item.gid,
                "Mode": item.mode,
            },
        }
        for item in references
        if item.kind == kind
    ]


def _placement(options: Mapping[str, Any]) -> JsonDict:
    for expression in options.get("constraints") or ():
        constraint_parts(expression)
    preferences = []
    for position, item in enumerate(options.get("preferences") or ()):
        if set(item) != {"spread"} or not isinstance(item["spread"], str):
            raise SpecError(
                f"placement.preferences[{position}]: must be a mapping with the one key spread "
                "and a string, like spread: node.labels.zone"
            )
        preferences.append({"Spread": {"SpreadDescriptor": str(item["spread"])}})
    return _present(
        Constraints=list(options.get("constraints") or ()) or None,
        Preferences=preferences or None,
        MaxReplicas=options.get("replicas_max_per_node") or None,
    )


# What Docker's SDK for Python, and so community.docker, stores for keys that a task leaves out of a
# block. This is no difference if the task leaves out the same keys.
SDK_DEFAULTS: Mapping[str, Mapping[str, tuple[str, Any]]] = {
    "restart_config": {"condition": ("Condition", "none"), "delay": ("Delay", 0)},
    "update_config": {
        "parallelism": ("Parallelism", 0),
        "failure_action": ("FailureAction", "continue"),
    },
}


def _adopted(
    defaults: str,
    options: JsonDict | None,
    build_block: Callable[[JsonDict], JsonDict],
    actual: Any,
) -> JsonDict | None:
    """The block, with the SDK's default for each key that the task leaves out, if all have it.

    None if the task has no such block.
    """
    if not options:
        return None
    left_out = {
        key: value
        for option, (key, value) in SDK_DEFAULTS[defaults].items()
        if options.get(option) is None
    }
    made_by_sdk = isinstance(actual, Mapping) and all(
        actual.get(key) == value for key, value in left_out.items()
    )
    return {**build_block(options), **(left_out if made_by_sdk else {})}


# The keys of options that are compared as one: their names in the task and in the ServiceSpec.
_ROLLOUT_KEYS = {
    "parallelism": "Parallelism",
    "delay": "Delay",
    "failure_action": "FailureAction",
    "monitor": "Monitor",
    "max_failure_ratio": "MaxFailureRatio",
    "order": "Order",
}
_BLOCKS: Mapping[str, tuple[Path, Mapping[str, str]]] = {
    "restart_config": (
        ("TaskTemplate", "RestartPolicy"),
        {
            "condition": "Condition",
            "delay": "Delay",
            "max_attempts": "MaxAttempts",
            "window": "Window",
        },
    ),
    "update_config": (("UpdateConfig",), _ROLLOUT_KEYS),
    "rollback_config": (("RollbackConfig",), _ROLLOUT_KEYS),
    "healthcheck": (
        ("TaskTemplate", "ContainerSpec", "Healthcheck"),
        {
            "test": "Test",
            "interval": "Interval",
            "timeout": "Timeout",
            "start_period": "StartPeriod",
            "start_interval": "StartInterval",
            "retries": "Retries",
        },
    ),
    "logging": (("TaskTemplate", "LogDriver"), {"driver": "Name", "options": "Options"}),
}


def _keep(desired: JsonDict, options: Mapping[str, Any], actual: Mapping[str, Any]) -> None:
    """Give each block that the task names the present values of the keys that it does not name."""
    for option, (path, keys) in _BLOCKS.items():
        present = dig(actual, path)
        block = options.get(option)
        if block is None or not isinstance(present, Mapping):
            continue
        kept = {
            key: present[key]
            for name, key in keys.items()
            if block.get(name) is None and key in present
        }
        _put(desired, path, {**(dig(desired, path) or {}), **kept})


def unnamed(options: Mapping[str, Any]) -> set[str]:
    """The options of FIELDS that the task does not name."""
    found = set()
    for field in FIELDS:
        outer, _dot, inner = field.option.partition(".")
        value = options.get(outer)
        if value is None or (inner and value.get(inner) is None):
            found.add(field.option)
    return found


def build(
    options: Mapping[str, Any],
    references: Sequence[Reference],
    lookups: Lookups,
    actual: Mapping[str, Any] | None = None,
) -> JsonDict:
    """The ServiceSpec that the task asks for.

    ``actual`` is the present specification. ``replicas: -1`` looks at it, and blocks that leave out
    a key that another client has stored with its own default, and ``keep_unnamed``.
    """

    def given(name: str) -> Any:
        return options.get(name)

    if not options["name"]:
        raise SpecError("name: is empty; write the name of the service")
    grace = given("stop_grace_period")
    hosts = string_map(given("hosts"), "hosts")
    container = _present(
        Image=given("image"),
        Labels=string_map(given("container_labels"), "container_labels") or None,
        Command=words(given("command"), "command") or None,
        Args=words(given("args"), "args") or None,
        Hostname=given("hostname"),
        Env=[f"{name}={content}" for name, content in environment(given("env")).items()] or None,
        Dir=given("working_dir"),
        User=given("user"),
        Groups=given("groups") or None,
        TTY=given("tty") or None,
        Privileges={"NoNewPrivileges": True} if given("no_new_privileges") else None,
        ReadOnly=given("read_only") or None,
        Init=given("init"),
        StopSignal=given("stop_signal"),
        StopGracePeriod=None if grace is None else duration(grace, "stop_grace_period"),
        Healthcheck=_healthcheck(given("healthcheck") or {}) or None,
        Hosts=[f"{address} {name}" for name, address in sorted(hosts.items())] or None,
        DNSConfig=_present(
            Nameservers=given("dns") or None,
            Search=given("dns_search") or None,
            Options=given("dns_options") or None,
        )
        or None,
        Mounts=[_mount(item, index) for index, item in enumerate(given("mounts") or ())] or None,
        Configs=_references("configs", references, lookups) or None,
        Secrets=_references("secrets", references, lookups) or None,
        Sysctls=string_map(given("sysctls"), "sysctls") or None,
        CapabilityAdd=sorted(capability(item) for item in given("cap_add") or ()) or None,
        CapabilityDrop=sorted(capability(item) for item in given("cap_drop") or ()) or None,
        Ulimits=_ulimits(given("ulimits") or ()) or None,
    )
    logging = given("logging") or {}
    # Docker's own client, too, lets only the tasks of a job that fail start again.
    job = str(given("mode")).endswith("-job")
    task = _present(
        ContainerSpec=container,
        Resources=_present(
            Limits=_resources(given("limits") or {}, "limits") or None,
            Reservations=_resources(given("reservations") or {}, "reservations") or None,
        )
        or None,
        RestartPolicy=_adopted(
            "restart_config",
            given("restart_config"),
            lambda options: _restart(options, "on-failure" if job else "any"),
            dig(actual, ("TaskTemplate", "RestartPolicy")),
        ),
        Placement=_placement(given("placement") or {}) or None,
        Networks=_networks(given("networks") or (), lookups.networks) or None,
        LogDriver=_present(
            Name=logging.get("driver"),
            Options=string_map(logging.get("options"), "logging.options") or None,
        )
        or None,
    )
    endpoint_mode = given("endpoint_mode")
    ports = _ports(given("publish") or ())
    if endpoint_mode == "dnsrr" and any(port["PublishMode"] == "ingress" for port in ports):
        raise SpecError(
            "publish: endpoint_mode dnsrr cannot be combined with a port published by ingress; "
            "set mode: host on the port, or endpoint_mode: vip"
        )
    if job and _says_something(given("update_config")):
        raise SpecError("update_config: Swarm accepts none for a job; leave it out")

    def rollout(block: str, option: str) -> JsonDict | None:
        return _adopted(
            "update_config",
            given(option),
            lambda options: _rollout(options, option),
            dig(actual, (block,)),
        )

    desired = _present(
        Name=options["name"],
        Labels=string_map(given("labels"), "labels") or None,
        TaskTemplate=task,
        Mode=_mode(options, actual),
        UpdateConfig=None if job else rollout("UpdateConfig", "update_config"),
        RollbackConfig=rollout("RollbackConfig", "rollback_config"),
        EndpointSpec=_present(Mode=endpoint_mode, Ports=ports or None) or None,
    )
    if given("keep_unnamed") and actual:
        _keep(desired, options, actual)
    return desired


def _mode(options: Mapping[str, Any], actual: Mapping[str, Any] | None) -> JsonDict:
    mode = options.get("mode")
    if mode in ("global", "global-job"):
        return {"Global": {}} if mode == "global" else {"GlobalJob": {}}
    replicas = options.get("replicas")
    if replicas is None or replicas < 0:
        current = replicas_of(actual or {})
        replicas = 1 if current is None else current
    if mode == "replicated-job":
        # There is no option for it: 1 as in community.docker, or what another client has set.
        concurrent = dig(actual, ("Mode", "ReplicatedJob", "MaxConcurrent"))
        return {
            "ReplicatedJob": {
                "MaxConcurrent": 1 if concurrent is None else concurrent,
                "TotalCompletions": replicas,
            }
        }
    return {"Replicated": {"Replicas": replicas}}


def capability(name: str) -> str:
    upper = name.upper()
    return upper if upper == "ALL" or upper.startswith("CAP_") else f"CAP_{upper}"


# -- views -----------------------------------------------------------------------------------


def _container(spec: Mapping[str, Any], *path: str) -> Any:
    return dig(spec, ("TaskTemplate", "ContainerSpec", *path))


def _view_env(spec: Mapping[str, Any]) -> Any:
    found: dict[str, str | None] = {}
    for item in _container(spec, "Env") or ():
        # Other clients may store a name without a value.
        name, separator, content = item.partition("=")
        found[name] = content if separator else None
    return dict(sorted(found.items()))


def _view_healthcheck(spec: Mapping[str, Any]) -> Any:
    raw = _container(spec, "Healthcheck") or {}
    view: JsonDict = {}
    if raw.get("Test"):
        view["test"] = raw["Test"]
    for key, name in (
        ("Interval", "interval"),
        ("Timeout", "timeout"),
        ("StartPeriod", "start_period"),
        ("StartInterval", "start_interval"),
    ):
        if raw.get(key):
            view[name] = show_duration(raw[key])
    if raw.get("Retries"):
        view["retries"] = raw["Retries"]
    return view


def _view_mounts(spec: Mapping[str, Any]) -> Any:
    found = []
    for raw in _container(spec, "Mounts") or ():
        kind = raw.get("Type") or "volume"
        view: JsonDict = {
            "target": raw.get("Target", ""),
            "type": kind,
            "source": raw.get("Source") or "",
            "readonly": bool(raw.get("ReadOnly")),
        }
        if kind == "bind":
            view["propagation"] = dig(raw, ("BindOptions", "Propagation")) or "rprivate"
        elif kind == "volume":
            view["no_copy"] = bool(dig(raw, ("VolumeOptions", "NoCopy")))
            view["labels"] = dig(raw, ("VolumeOptions", "Labels")) or {}
            driver = dig(raw, ("VolumeOptions", "DriverConfig")) or {}
            view["driver_config"] = {
                "name": driver.get("Name") or "local",
                "options": driver.get("Options") or {},
            }
        elif kind == "tmpfs":
            view["tmpfs_size"] = show_size(dig(raw, ("TmpfsOptions", "SizeBytes")) or 0)
            view["tmpfs_mode"] = format(dig(raw, ("TmpfsOptions", "Mode")) or 0o1777, "04o")
        found.append(view)
    return sorted(found, key=lambda view: str(view["target"]))


def _absolute(filename: str, word: str) -> str:
    """The path at which Docker mounts the file; clients may store it relative to a folder."""
    folder = "/" if word == "Config" else "/run/secrets/"
    return filename if filename.startswith("/") or not filename else f"{folder}{filename}"


def _view_references(spec: Mapping[str, Any], word: str) -> Any:
    found = []
    for raw in _container(spec, f"{word}s") or ():
        file = raw.get("File") or {}
        found.append(
            {
                "name": raw.get(f"{word}Name", ""),
                "filename": _absolute(file.get("Name", ""), word),
                "uid": file.get("UID") or "0",
                "gid": file.get("GID") or "0",
                "mode": format(file.get("Mode", 0o444), "04o"),
            }
        )
    return sorted(found, key=lambda view: (view["filename"], view["name"]))


def _view_ulimits(spec: Mapping[str, Any]) -> Any:
    return {
        raw.get("Name", ""): {"soft": raw.get("Soft", 0), "hard": raw.get("Hard", 0)}
        for raw in sorted(_container(spec, "Ulimits") or (), key=lambda raw: str(raw.get("Name")))
    }


def _view_rollout(spec: Mapping[str, Any], key: str) -> Any:
    raw = spec.get(key)
    parallelism = 1 if raw is None else raw.get("Parallelism", 0)
    raw = raw or {}
    return {
        "parallelism": parallelism,
        "delay": show_duration(raw.get("Delay") or 0),
        "failure_action": raw.get("FailureAction") or "pause",
        "monitor": show_duration(raw.get("Monitor") or 5_000_000_000),
        "max_failure_ratio": float(raw.get("MaxFailureRatio") or 0),
        "order": raw.get("Order") or "stop-first",
    }


def _view_restart(spec: Mapping[str, Any]) -> Any:
    raw = dig(spec, ("TaskTemplate", "RestartPolicy")) or {}
    delay = raw.get("Delay")
    return {
        "condition": raw.get("Condition") or "any",
        "delay": show_duration(5_000_000_000 if delay is None else delay),
        "max_attempts": raw.get("MaxAttempts") or 0,
        "window": show_duration(raw.get("Window") or 0),
    }


def _view_networks(spec: Mapping[str, Any]) -> Any:
    raw_list = dig(spec, ("TaskTemplate", "Networks")) or spec.get("Networks") or ()
    found = [
        {
            "name": raw.get("Target", ""),
            "aliases": sorted(raw.get("Aliases") or ()),
            "options": raw.get("DriverOpts") or {},
        }
        for raw in raw_list
    ]
    return sorted(found, key=lambda view: str(view["name"]))


def _view_logging(spec: Mapping[str, Any]) -> Any:
    raw = dig(spec, ("TaskTemplate", "LogDriver")) or {}
    return {"driver": raw.get("Name") or "", "options": raw.get("Options") or {}}


def _view_publish(spec: Mapping[str, Any]) -> Any:
    found = [
        {
            "published_port": raw.get("PublishedPort") or 0,
            "target_port": raw.get("TargetPort") or 0,
            "protocol": raw.get("Protocol") or "tcp",
            "mode": raw.get("PublishMode") or "ingress",
        }
        for raw in dig(spec, ("EndpointSpec", "Ports")) or ()
    ]
    return sorted(
        found,
        key=lambda view: (view["target_port"], view["protocol"], view["published_port"]),
    )


def _view_constraints(spec: Mapping[str, Any]) -> Any:
    found = []
    for expression in dig(spec, ("TaskTemplate", "Placement", "Constraints")) or ():
        try:
            found.append("".join(constraint_parts(expression)))
        except SpecError:
            found.append(expression)
    return sorted(found)


def _view_preferences(spec: Mapping[str, Any]) -> Any:
    return [
        {"spread": dig(raw, ("Spread", "SpreadDescriptor")) or ""}
        for raw in dig(spec, ("TaskTemplate", "Placement", "Preferences")) or ()
    ]


def _view_hosts(spec: Mapping[str, Any]) -> Any:
    found = []
    for line in _container(spec, "Hosts") or ():
        address, *names = line.split()
        found += [f"{name} {address}" for name in names]
    return sorted(found)


# -- fields ----------------------------------------------------------------------------------

View = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Field:
    """One option: its view and its paths in the ServiceSpec."""

    option: str
    view: View
    paths: tuple[Path, ...]


def _plain(option: str, path: Path, default: Any) -> Field:
    def view(spec: Mapping[str, Any]) -> Any:
        return dig(spec, path) or default

    return Field(option, view, (path,))


def _in_container(option: str, key: str, default: Any) -> Field:
    return _plain(option, ("TaskTemplate", "ContainerSpec", key), default)


def _resource(option: str, block: str, key: str, show: Callable[[int], Any]) -> Field:
    path = ("TaskTemplate", "Resources", block, key)
    return Field(option, lambda spec: show(dig(spec, path) or 0), (path,))


def _sorted(option: str, key: str, convert: Callable[[str], str] = str) -> Field:
    path = ("TaskTemplate", "ContainerSpec", key)
    return Field(option, lambda spec: sorted(convert(i) for i in dig(spec, path) or ()), (path,))


def _cpus(nano: int) -> float:
    return nano / 1_000_000_000


_CS = ("TaskTemplate", "ContainerSpec")

FIELDS: tuple[Field, ...] = (
    Field("image", lambda spec: full_image(_container(spec, "Image") or ""), ((*_CS, "Image"),)),
    Field("mode", mode_of, (("Mode",),)),
    Field("replicas", replicas_of, (("Mode",),)),
    _in_container("command", "Command", []),
    _in_container("args", "Args", []),
    Field("env", _view_env, ((*_CS, "Env"),)),
    _in_container("hostname", "Hostname", ""),
    _in_container("user", "User", ""),
    _sorted("groups", "Groups"),
    _in_container("working_dir", "Dir", ""),
    _in_container("tty", "TTY", False),
    _in_container("read_only", "ReadOnly", False),
    _plain("no_new_privileges", (*_CS, "Privileges", "NoNewPrivileges"), False),
    Field("init", lambda spec: _container(spec, "Init"), ((*_CS, "Init"),)),
    Field("healthcheck", _view_healthcheck, ((*_CS, "Healthcheck"),)),
    Field("mounts", _view_mounts, ((*_CS, "Mounts"),)),
    Field("configs", lambda spec: _view_references(spec, "Config"), ((*_CS, "Configs"),)),
    Field("secrets", lambda spec: _view_references(spec, "Secret"), ((*_CS, "Secrets"),)),
    Field("ulimits", _view_ulimits, ((*_CS, "Ulimits"),)),
    _in_container("sysctls", "Sysctls", {}),
    _sorted("cap_add", "CapabilityAdd", capability),
    _sorted("cap_drop", "CapabilityDrop", capability),
    Field("hosts", _view_hosts, ((*_CS, "Hosts"),)),
    _plain("dns", (*_CS, "DNSConfig", "Nameservers"), []),
    _plain("dns_search", (*_CS, "DNSConfig", "Search"), []),
    # The order of name servers and search domains counts, that of the resolver's options does not.
    Field(
        "dns_options",
        lambda spec: sorted(_container(spec, "DNSConfig", "Options") or ()),
        ((*_CS, "DNSConfig", "Options"),),
    ),
    _in_container("container_labels", "Labels", {}),
    Field(
        "stop_grace_period",
        lambda spec: show_duration(
            10_000_000_000
            if _container(spec, "StopGracePeriod") is None
            else _container(spec, "StopGracePeriod")
        ),
        ((*_CS, "StopGracePeriod"),),
    ),
    _in_container("stop_signal", "StopSignal", ""),
    _resource("limits.cpus", "Limits", "NanoCPUs", _cpus),
    _resource("limits.memory", "Limits", "MemoryBytes", show_size),
    _resource("limits.pids", "Limits", "Pids", int),
    _resource("reservations.cpus", "Reservations", "NanoCPUs", _cpus),
    _resource("reservations.memory", "Reservations", "MemoryBytes", show_size),
    Field("restart_config", _view_restart, (("TaskTemplate", "RestartPolicy"),)),
    Field(
        "placement.constraints", _view_constraints, (("TaskTemplate", "Placement", "Constraints"),)
    ),
    Field(
        "placement.preferences", _view_preferences, (("TaskTemplate", "Placement", "Preferences"),)
    ),
    _plain("placement.replicas_max_per_node", ("TaskTemplate", "Placement", "MaxReplicas"), 0),
    # Old clients write networks to the top-level list; the Engine refuses both lists together.
    Field("networks", _view_networks, (("TaskTemplate", "Networks"), ("Networks",))),
    Field("logging", _view_logging, (("TaskTemplate", "LogDriver"),)),
    Field("update_config", lambda spec: _view_rollout(spec, "UpdateConfig"), (("UpdateConfig",),)),
    Field(
        "rollback_config",
        lambda spec: _view_rollout(spec, "RollbackConfig"),
        (("RollbackConfig",),),
    ),
    _plain("endpoint_mode", ("EndpointSpec", "Mode"), "vip"),
    Field("publish", _view_publish, (("EndpointSpec", "Ports"),)),
    _plain("labels", ("Labels",), {}),
)


# -- comparing -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    option: str
    before: Any
    after: Any
    paths: tuple[Path, ...]


def differences(
    actual: Mapping[str, Any], desired: Mapping[str, Any], kept: Collection[str] = ()
) -> list[Difference]:
    """Every option that differs between the two specifications, in the order of FIELDS.

    Options in ``kept`` stay as they are, so they never differ.
    """
    found: list[Difference] = []
    for field in FIELDS:
        if field.option in kept:
            continue
        before, after = field.view(actual), field.view(desired)
        # If the task has no digest, a digest that another client pinned is no difference.
        if field.option == "image" and not split_digest(after)[1]:
            before = full_image(split_digest(before)[0])
        if before != after:
            found.append(Difference(field.option, before, after, field.paths))
    return found


def _unknown_option(difference: Difference) -> str | None:
    """The option that an older Engine has dropped, if the difference is nothing else."""
    before, after = difference.before, difference.after
    if difference.option == "no_new_privileges" and after:
        return difference.option
    if (
        difference.option == "healthcheck"
        and "start_interval" not in before
        and before == {key: value for key, value in after.items() if key != "start_interval"}
    ):
        return "healthcheck.start_interval"
    return None


def unknown_options(found: Iterable[Difference]) -> list[str]:
    """Options that the service lacks because an older Engine created it."""
    return [option for option in map(_unknown_option, found) if option]


def without_unknown(found: Iterable[Difference]) -> list[Difference]:
    """The differences, except those of :func:`unknown_options`."""
    return [difference for difference in found if not _unknown_option(difference)]


def created(desired: Mapping[str, Any]) -> list[Difference]:
    """The options of a new service that differ from the Engine's defaults."""
    found = differences({}, desired)
    if not any(difference.option == "replicas" for difference in found):
        replicas = replicas_of(desired)
        if replicas is not None:
            found.insert(1, Difference("replicas", None, replicas, (("Mode",),)))
    return found


def patched(
    actual: Mapping[str, Any], desired: Mapping[str, Any], found: Iterable[Difference]
) -> JsonDict:
    """The actual specification, with only the differing parts replaced."""
    spec: JsonDict = copy.deepcopy(dict(actual))
    for difference in found:
        for path in difference.paths:
            _put(spec, path, dig(desired, path))
    return spec


def _put(tree: JsonDict, path: Path, value: Any) -> None:
    for key in path[:-1]:
        if not isinstance(tree.get(key), dict):
            if value is None:
                return
            tree[key] = {}
        tree = tree[key]
    if value is None:
        tree.pop(path[-1], None)
    else:
        tree[path[-1]] = copy.deepcopy(value)


def forced(spec: Mapping[str, Any]) -> JsonDict:
    """The same specification with a higher ForceUpdate, so that every task restarts."""
    result: JsonDict = copy.deepcopy(dict(spec))
    task = result.setdefault("TaskTemplate", {})
    task["ForceUpdate"] = int(task.get("ForceUpdate") or 0) + 1
    return result


def restarts_tasks(found: Iterable[Difference]) -> bool:
    """Whether Swarm may replace tasks although their TaskTemplate stays the same."""
    return any(path[0] == "EndpointSpec" for item in found for path in item.paths)


# -- showing ---------------------------------------------------------------------------------


def _masked(value: Any, other: Any) -> Any:
    """Environment with masked values of secret-looking names; a changed one is marked."""
    if not isinstance(value, Mapping):
        return value
    before = other if isinstance(other, Mapping) else {}
    shown: JsonDict = {}
    for name, content in value.items():
        if content is not None and SECRET_NAME.search(name):
            same = name not in before or before[name] == content
            shown[name] = MASK if same else f"{MASK} (changed)"
        else:
            shown[name] = content
    return shown


def trees(
    found: Iterable[Difference], network_by_id: Mapping[str, str] | None = None
) -> tuple[JsonDict, JsonDict]:
    """(before, after) with only the options that differ, and with masked secrets."""
    names = network_by_id or {}
    before: JsonDict = {}
    after: JsonDict = {}
    for item in found:
        old, new = item.before, item.after
        if item.option == "env":
            old, new = _masked(old, {}), _masked(new, old)
        elif item.option == "networks":
            old, new = (
                [{**view, "name": names.get(view["name"], view["name"])} for view in side or ()]
                for side in (old, new)
            )
        before[item.option] = old
        after[item.option] = new
    return before, after
