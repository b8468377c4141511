# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ServiceSpec of the options, and the differences between two of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.common.masking import MASK
from ansible_collections.elk.swarm.plugins.module_utils.swarm import configs_and_secrets
from ansible_collections.elk.swarm.plugins.module_utils.swarm import service_spec as spec_of
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_facts import SpecError
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_spec import Lookups

NOTHING = Lookups({}, {})
FULL: dict[str, Any] = {
    "name": "web",
    "image": "registry.example.com/web:1",
    "mode": "replicated",
    "replicas": 3,
    "command": "sh -c 'exec web'",
    "args": ["--fast"],
    "env": {"B": "2", "A": "x=y"},
    "hostname": "{{.Node.Hostname}}",
    "user": "1000:0",
    "groups": ["7", "3"],
    "working_dir": "/w",
    "tty": True,
    "read_only": True,
    "no_new_privileges": True,
    "init": True,
    "healthcheck": {
        "test": "true",
        "interval": "10s",
        "timeout": "1m30s",
        "retries": 3,
        "start_interval": "2s",
    },
    "mounts": [
        {"type": "volume", "source": "v", "target": "/v", "no_copy": True},
        {"type": "bind", "source": "/b", "target": "/b", "readonly": True},
        {"type": "tmpfs", "target": "/t", "tmpfs_size": "1m", "tmpfs_mode": "0700"},
    ],
    "ulimits": [{"name": "nofile", "soft": 1, "hard": 2}, {"name": "memlock", "soft": -1}],
    "sysctls": {"net.ipv4.tcp_keepalive_time": 300},
    "cap_add": ["net_admin"],
    "cap_drop": ["ALL"],
    "hosts": {"b": "192.0.2.2", "a": "192.0.2.1"},
    "dns": ["192.0.2.53"],
    "dns_search": ["example.com"],
    "dns_options": ["timeout:1"],
    "container_labels": {"x": "1"},
    "labels": {"y": 2},
    "stop_grace_period": "2m",
    "stop_signal": "SIGINT",
    "limits": {"cpus": 0.5, "memory": "1g", "pids": 200},
    "reservations": {"cpus": 0.25, "memory": "512m"},
    "restart_config": {"condition": "on-failure", "delay": "3s", "max_attempts": 4},
    "update_config": {"monitor": "10s", "order": "start-first"},
    "rollback_config": {"parallelism": 0},
    "placement": {
        "constraints": ["node.labels.zone == a", "node.role!=manager"],
        "preferences": [{"spread": "node.labels.zone"}],
        "replicas_max_per_node": 1,
    },
    "networks": ["front", {"name": "back", "aliases": ["web"]}],
    "logging": {"driver": "json-file", "options": {"max-size": "1m"}},
    "endpoint_mode": "vip",
    "publish": [
        {"target_port": 80, "published_port": 8080},
        {"target_port": 53, "published_port": 53, "protocol": "udp", "mode": "host"},
    ],
}


def build(actual: dict | None = None, **options: Any) -> dict[str, Any]:
    base = {"name": "web", "image": "web:1", "replicas": -1}
    return spec_of.build({**base, **options}, [], NOTHING, actual)


def changed(before: dict, after: dict) -> list[str]:
    return [difference.option for difference in spec_of.differences(before, after)]


def full(**options: Any) -> dict[str, Any]:
    lookups = Lookups({"front": "id-front", "back": "id-back"}, {})
    return spec_of.build({**FULL, **options}, [], lookups)


def container(spec: dict) -> dict[str, Any]:
    found: dict[str, Any] = spec["TaskTemplate"]["ContainerSpec"]
    return found


# -- building --------------------------------------------------------------------------------


def test_the_whole_specification() -> None:
    spec = full()
    inner = container(spec)
    assert inner["Command"] == ["sh", "-c", "exec web"]
    assert inner["Ulimits"] == [
        {"Name": "memlock", "Soft": -1, "Hard": -1},
        {"Name": "nofile", "Soft": 1, "Hard": 2},
    ]
    assert sorted(inner["Env"]) == ["A=x=y", "B=2"]
    assert inner["Healthcheck"] == {
        "Test": ["CMD-SHELL", "true"],
        "Interval": 10_000_000_000,
        "Timeout": 90_000_000_000,
        "StartInterval": 2_000_000_000,
        "Retries": 3,
    }
    assert inner["Mounts"][2]["TmpfsOptions"] == {"SizeBytes": 1024**2, "Mode": 0o700}
    assert inner["CapabilityAdd"] == ["CAP_NET_ADMIN"]
    assert inner["CapabilityDrop"] == ["ALL"]
    assert inner["ReadOnly"] is True
    assert inner["Privileges"] == {"NoNewPrivileges": True}
    assert inner["Hosts"] == ["192.0.2.1 a", "192.0.2.2 b"]
    assert inner["Sysctls"] == {"net.ipv4.tcp_keepalive_time": "300"}
    assert inner["StopGracePeriod"] == 120_000_000_000
    task = spec["TaskTemplate"]
    assert task["Resources"] == {
        "Limits": {"NanoCPUs": 500_000_000, "MemoryBytes": 1024**3, "Pids": 200},
        "Reservations": {"NanoCPUs": 250_000_000, "MemoryBytes": 512 * 1024**2},
    }
    assert task["Networks"] == [
        {"Target": "id-front"},
        {"Target": "id-back", "Aliases": ["web"]},
    ]
    assert task["Placement"]["MaxReplicas"] == 1
    assert task["RestartPolicy"]["Delay"] == 3_000_000_000
    assert spec["Mode"] == {"Replicated": {"Replicas": 3}}
    # A block contains all keys: without parallelism, the Engine would update all tasks at once.
    assert spec["UpdateConfig"]["Parallelism"] == 1
    assert spec["RollbackConfig"]["Parallelism"] == 0
    assert spec["EndpointSpec"]["Ports"][0]["PublishMode"] == "ingress"


def test_only_the_options_of_the_task_are_sent() -> None:
    assert build() == {
        "Name": "web",
        "TaskTemplate": {"ContainerSpec": {"Image": "web:1"}},
        "Mode": {"Replicated": {"Replicas": 1}},
    }


def test_files_refer_to_hashed_objects_by_id() -> None:
    found = configs_and_secrets.references("configs", [{"config_name": "c", "data": "x"}], None)
    found += configs_and_secrets.references(
        "secrets", [{"secret_name": "s", "data": "y", "mode": "0400", "uid": 1000}], "key"
    )
    ids = {("configs", found[0].name): "c1", ("secrets", found[1].name): "s1"}
    options = {"name": "web", "image": "web"}
    inner = container(spec_of.build(options, found, Lookups({}, ids)))
    assert inner["Configs"] == [
        {
            "ConfigID": "c1",
            "ConfigName": found[0].name,
            "File": {"Name": "/c", "UID": "0", "GID": "0", "Mode": 0o444},
        }
    ]
    assert inner["Secrets"][0]["File"] == {"Name": "s", "UID": "1000", "GID": "0", "Mode": 0o400}


def test_replicas_minus_one_keeps_the_number() -> None:
    actual = {"Mode": {"Replicated": {"Replicas": 7}}}
    assert build(actual)["Mode"] == actual["Mode"]
    assert build(actual, replicas=0)["Mode"] == {"Replicated": {"Replicas": 0}}
    assert build(actual, mode="global")["Mode"] == {"Global": {}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"env": {"A": True}}, r"env\.A.*quote"),
        ({"env": {"A": 1.1}}, r"env\.A"),
        ({"env": {"A": None}}, "is empty"),
        ({"env": ["=x"]}, "NAME=value"),
        ({"stop_grace_period": "10"}, "stop_grace_period.*unit"),
        ({"stop_grace_period": "10 seconds"}, "stop_grace_period"),
        ({"limits": {"memory": "1x"}}, r"limits\.memory"),
        ({"limits": {"pids": -1}}, r"limits\.pids.*no limit"),
        ({"mounts": [{"type": "bind", "source": "data", "target": "/d"}]}, "absolute"),
        ({"mounts": [{"type": "bind", "source": "/d", "target": "/d", "no_copy": True}]}, "volume"),
        ({"mounts": [{"type": "tmpfs", "source": "/d", "target": "/d"}]}, "no source"),
        ({"ulimits": [{"name": "nofile", "soft": 2, "hard": 1}]}, "above hard"),
        ({"ulimits": [{"name": "nofile", "soft": -1, "hard": 1}]}, "above hard"),
        ({"ulimits": [{"name": "a", "soft": 1}, {"name": "a", "soft": 1}]}, "twice"),
        ({"healthcheck": {"test": ["curl"]}}, "must begin"),
        ({"placement": {"constraints": ["node.role=manager"]}}, "key==value"),
        ({"placement": {"preferences": [{"pack": "x"}]}}, "spread"),
        ({"networks": [{"aliases": ["a"]}]}, "key name"),
        ({"networks": [{"name": "a", "alias": ["a"]}]}, "unknown key alias"),
        ({"endpoint_mode": "dnsrr", "publish": [{"target_port": 1}]}, "dnsrr"),
        ({"command": ["sleep", 1.5]}, "command"),
    ],
)
def test_wrong_options_are_named(options: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build(**options)


def test_dnsrr_with_host_ports_is_valid() -> None:
    build(endpoint_mode="dnsrr", publish=[{"target_port": 1, "mode": "host"}])


@pytest.mark.parametrize(
    ("text", "value"),
    [("0s", 0), ("0", 0), ("10s", 10_000_000_000), ("1h30m", 5400_000_000_000), ("1.5s", 1.5e9)],
)
def test_durations(text: str, value: float) -> None:
    assert spec_of.duration(text, "x") == value
    assert spec_of.duration(spec_of.show_duration(int(value)), "x") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("100", 100), ("1k", 1024), ("1G", 1024**3), ("1.5GiB", 1536 * 1024**2)],
)
def test_sizes(text: str, value: int) -> None:
    assert spec_of.size(text, "x") == value
    assert spec_of.size(spec_of.show_size(value), "x") == value


# -- comparing -------------------------------------------------------------------------------


def test_defaults_of_the_engine_are_no_difference() -> None:
    """The answer of Docker 20.10 for a service that was created with only an image."""
    actual = {
        "Name": "web",
        "Labels": {},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "web:1@sha256:" + "a" * 64,
                "Isolation": "default",
                # Docker 26 keeps this in a service that once had no_new_privileges.
                "Privileges": {"CredentialSpec": None, "SELinuxContext": None},
                "DNSConfig": {},
                "StopGracePeriod": 10_000_000_000,
                "Healthcheck": {},
            },
            "Resources": {"Limits": {}, "Reservations": {}},
            "RestartPolicy": {"Condition": "any", "Delay": 5_000_000_000, "MaxAttempts": 0},
            "Placement": {"Platforms": [{"Architecture": "amd64", "OS": "linux"}]},
            "ForceUpdate": 3,
            "Runtime": "container",
            "Networks": [],
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "UpdateConfig": {
            "Parallelism": 1,
            "FailureAction": "pause",
            "Monitor": 5_000_000_000,
            "MaxFailureRatio": 0,
            "Order": "stop-first",
        },
        "RollbackConfig": {"Parallelism": 1, "FailureAction": "pause", "MaxFailureRatio": 0},
        "EndpointSpec": {"Mode": "vip"},
    }
    assert changed(actual, build()) == []
    assert changed(actual, build(update_config={}, endpoint_mode="vip", env={}, mounts=[])) == []


def shuffled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(list(value))}
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return [shuffled(item) for item in reversed(value)]
    return copy.copy(value)


def test_order_is_no_difference() -> None:
    assert changed(shuffled(full()), full()) == []
    other = full(
        env=["B=2", "A=x=y"],
        cap_add=["CAP_NET_ADMIN"],
        groups=["3", "7"],
        placement={
            "constraints": ["node.role != manager", "node.labels.zone==a"],
            "preferences": [{"spread": "node.labels.zone"}],
            "replicas_max_per_node": 1,
        },
        healthcheck={
            "test": ["CMD-SHELL", "true"],
            "interval": "10000ms",
            "timeout": "90s",
            "retries": 3,
            "start_interval": "2000ms",
        },
        limits={"cpus": 0.5, "memory": "1024m", "pids": 200},
    )
    assert changed(full(), other) == []


@pytest.mark.parametrize(
    ("option", "value", "name"),
    [
        ("image", "registry.example.com/web:2", "image"),
        ("replicas", 4, "replicas"),
        ("command", "web", "command"),
        ("args", [], "args"),
        ("env", {"B": "2"}, "env"),
        ("hostname", "x", "hostname"),
        ("user", None, "user"),
        ("groups", ["7"], "groups"),
        ("working_dir", "/", "working_dir"),
        ("tty", False, "tty"),
        ("read_only", None, "read_only"),
        ("no_new_privileges", False, "no_new_privileges"),
        ("init", False, "init"),
        ("healthcheck", {"test": "false"}, "healthcheck"),
        ("mounts", FULL["mounts"][:2], "mounts"),
        ("ulimits", [], "ulimits"),
        ("sysctls", {}, "sysctls"),
        ("cap_add", [], "cap_add"),
        ("cap_drop", [], "cap_drop"),
        ("hosts", {"a": "192.0.2.1"}, "hosts"),
        ("dns", [], "dns"),
        ("dns_search", None, "dns_search"),
        ("dns_options", None, "dns_options"),
        ("container_labels", {"x": "2"}, "container_labels"),
        ("labels", None, "labels"),
        ("stop_grace_period", "1m", "stop_grace_period"),
        ("stop_signal", None, "stop_signal"),
        ("limits", {"cpus": 0.5, "pids": 200}, "limits.memory"),
        ("limits", {"memory": "1g", "pids": 200}, "limits.cpus"),
        ("limits", {"cpus": 0.5, "memory": "1g"}, "limits.pids"),
        ("limits", {"cpus": 0.5, "memory": "1g", "pids": 100}, "limits.pids"),
        ("reservations", {"cpus": 0.25}, "reservations.memory"),
        ("reservations", {"memory": "512m"}, "reservations.cpus"),
        ("restart_config", {}, "restart_config"),
        ("update_config", {"monitor": "11s", "order": "start-first"}, "update_config"),
        ("rollback_config", None, "rollback_config"),
        (
            "placement",
            {**FULL["placement"], "constraints": ["node.role!=manager"]},
            "placement.constraints",
        ),
        ("placement", {**FULL["placement"], "preferences": []}, "placement.preferences"),
        (
            "placement",
            {**FULL["placement"], "replicas_max_per_node": 2},
            "placement.replicas_max_per_node",
        ),
        ("networks", ["front", "back"], "networks"),
        ("logging", {"driver": "local"}, "logging"),
        ("endpoint_mode", "dnsrr", "endpoint_mode"),
        ("publish", FULL["publish"][:1], "publish"),
    ],
)
def test_each_option_is_one_difference_and_the_patch_removes_it(
    option: str, value: Any, name: str
) -> None:
    before = full()
    if option == "endpoint_mode":
        before = full(publish=FULL["publish"][1:])
        after = full(publish=FULL["publish"][1:], endpoint_mode=value)
    else:
        after = full(**{option: value})
    found = spec_of.differences(before, after)
    assert [item.option for item in found] == [name]
    patched = spec_of.patched(before, after, found)
    assert changed(patched, after) == []
    assert patched != before


def test_every_option_of_the_field_table_is_tested() -> None:
    tested = test_each_option_is_one_difference_and_the_patch_removes_it.pytestmark[0].args[1]
    names = {name for _option, _value, name in tested} | {"mode", "configs", "secrets"}
    assert {field.option for field in spec_of.FIELDS} == names


def test_a_patch_keeps_everything_else_byte_for_byte() -> None:
    actual = full()
    actual["TaskTemplate"]["Placement"]["Platforms"] = [{"OS": "linux"}]
    actual["TaskTemplate"]["Resources"]["Limits"]["Swappiness"] = 100
    container(actual)["Privileges"]["Seccomp"] = {"Mode": "default"}
    container(actual)["Image"] += "@sha256:" + "b" * 64
    desired = full(limits={"cpus": 0.5, "memory": "2g", "pids": 200}, no_new_privileges=False)
    patched = spec_of.patched(actual, desired, spec_of.differences(actual, desired))
    expected = copy.deepcopy(actual)
    expected["TaskTemplate"]["Resources"]["Limits"]["MemoryBytes"] = 2 * 1024**3
    del container(expected)["Privileges"]["NoNewPrivileges"]
    assert patched == expected
    assert actual != expected


def test_networks_of_an_old_client_are_moved() -> None:
    actual = build()
    actual["Networks"] = [{"Target": "id-front"}]
    lookups = Lookups({"front": "id-front", "back": "id-back"}, {})
    options = {"name": "web", "image": "web:1"}
    same = spec_of.build({**options, "networks": ["front"]}, [], lookups)
    assert changed(actual, same) == []
    other = spec_of.build({**options, "networks": ["back"]}, [], lookups)
    patched = spec_of.patched(actual, other, spec_of.differences(actual, other))
    assert "Networks" not in patched
    assert patched["TaskTemplate"]["Networks"] == [{"Target": "id-back"}]


@pytest.mark.parametrize(
    ("actual", "desired", "differs"),
    [
        ("web", "web:latest", False),
        ("docker.io/library/web:1", "web:1", False),
        ("web:1@sha256:aa", "web:1", False),
        ("web:1@sha256:aa", "web:1@sha256:aa", False),
        ("web:1@sha256:aa", "web:1@sha256:bb", True),
        ("web:1", "web:1@sha256:bb", True),
        ("web:1@sha256:aa", "web:2", True),
        ("localhost:5000/web:1", "web:1", True),
        ("10.60.0.1:5000/lab/web:1", "10.60.0.1:5000/lab/web:1", False),
    ],
)
def test_images(actual: str, desired: str, differs: bool) -> None:
    assert (changed(build(image=actual), build(image=desired)) == ["image"]) is differs


def test_force_raises_the_counter() -> None:
    spec = build()
    assert spec_of.forced(spec)["TaskTemplate"]["ForceUpdate"] == 1
    assert spec_of.forced(spec_of.forced(spec))["TaskTemplate"]["ForceUpdate"] == 2
    assert "ForceUpdate" not in spec["TaskTemplate"]


def test_only_the_endpoint_replaces_tasks_with_the_same_template() -> None:
    port = spec_of.differences(full(), full(publish=[]))
    label = spec_of.differences(full(), full(labels={}))
    assert spec_of.restarts_tasks(port)
    assert not spec_of.restarts_tasks(label)


# -- showing ---------------------------------------------------------------------------------


def test_diff_shows_only_what_differs() -> None:
    found = spec_of.differences(full(), full(replicas=5))
    assert spec_of.trees(found) == ({"replicas": 3}, {"replicas": 5})


def test_secret_values_of_the_environment_are_masked_and_still_differ() -> None:
    before = build(env={"DB_PASSWORD": "old", "API_KEY": "same", "LEVEL": "info"})
    after = build(env={"DB_PASSWORD": "new", "API_KEY": "same", "LEVEL": "debug"})
    old, new = spec_of.trees(spec_of.differences(before, after))
    assert "old" not in str(old)
    assert "new" not in str(new)
    assert old["env"]["DB_PASSWORD"] != new["env"]["DB_PASSWORD"]
    assert old["env"]["API_KEY"] == new["env"]["API_KEY"] == MASK
    assert (old["env"]["LEVEL"], new["env"]["LEVEL"]) == ("info", "debug")


def test_networks_are_shown_by_name() -> None:
    found = spec_of.differences(full(), full(networks=["front"]))
    before, after = spec_of.trees(found, {"id-front": "front", "id-back": "back"})
    assert [item["name"] for item in before["networks"]] == ["back", "front"]
    assert [item["name"] for item in after["networks"]] == ["front"]


def test_a_new_service_shows_its_options_and_no_defaults() -> None:
    _before, after = spec_of.trees(spec_of.created(build(user="1000")))
    assert after == {"image": "docker.io/library/web:1", "replicas": 1, "user": "1000"}


def built(actual: dict | None = None, references: tuple = (), **options: Any) -> dict:
    given = {"name": "web", "image": "web:1", **options}
    return spec_of.build(given, references, NOTHING, actual)


@pytest.mark.parametrize(
    "options",
    [
        {"networks": [{"name": "n", "options": [1, 2, 3]}]},
        {"networks": [{"name": "n", "aliases": [[1, 2]]}]},
        {"networks": [{"name": "n", "aliases": "web"}]},
        {"networks": [{"name": ["n"]}]},
        {"networks": [{"name": "n", "x": 1}]},
        {"env": ["TEST2"]},
        {"env": [["A=1"]]},
        {"env": {"A": ["1"]}},
        {"command": "sh -c 'open"},
        {"command": ["sh", ["-c"]]},
        {"command": ["sh", {"a": "b"}]},
        {"placement": {"preferences": [{"spread": ["a"]}]}},
        {"labels": {"a": {"b": "c"}}},
        {"hosts": {"a": ["192.0.2.1"]}},
        {"logging": {"options": {"a": [1]}}},
    ],
    ids=str,
)
def test_wrong_shapes_are_refused_with_the_option(options: dict) -> None:
    with pytest.raises(SpecError, match=next(iter(options))):
        built(**options)


@pytest.mark.parametrize(
    ("kind", "nothing"),
    [
        ("bind", {"no_copy": False}),
        ("bind", {"labels": {}}),
        ("bind", {"driver_config": {"name": None, "options": None}}),
        ("tmpfs", {"no_copy": False}),
        ("volume", {"driver_config": {"name": None, "options": None}}),
    ],
)
def test_an_option_of_another_mount_that_says_nothing_is_taken(kind: str, nothing: dict) -> None:
    mount = {"type": kind, "target": "/t", **({"source": "/s"} if kind != "tmpfs" else {})}
    assert built(mounts=[{**mount, **nothing}]) == built(mounts=[mount])


def test_the_order_of_resolver_options_does_not_count() -> None:
    one, other = (built(dns_options=list(order)) for order in ("ab", "ba"))
    assert spec_of.differences(one, other) == []
    for option in ("dns", "dns_search"):
        one, other = (built(**{option: list(order)}) for order in ("ab", "ba"))
        assert [found.option for found in spec_of.differences(one, other)] == [option]


@pytest.mark.parametrize(
    ("options", "stored"),
    [
        (
            {"restart_config": {"condition": "any"}},
            {"RestartPolicy": {"Condition": "any", "Delay": 0, "MaxAttempts": 0, "Window": 0}},
        ),
        (
            {"restart_config": {"delay": "3s"}},
            {"RestartPolicy": {"Condition": "none", "Delay": 3_000_000_000}},
        ),
        (
            {"update_config": {"order": "start-first"}},
            {
                "UpdateConfig": {
                    "Parallelism": 0,
                    "FailureAction": "continue",
                    "Order": "start-first",
                }
            },
        ),
        (
            {"rollback_config": {"parallelism": 2}},
            {"RollbackConfig": {"Parallelism": 2, "FailureAction": "continue"}},
        ),
    ],
)
def test_defaults_that_community_docker_stores_are_no_difference(
    options: dict, stored: dict
) -> None:
    """Its task leaves these keys out, and Docker's SDK for Python stores its own defaults."""
    actual = built()
    for key, value in stored.items():
        (actual["TaskTemplate"] if key == "RestartPolicy" else actual)[key] = value
    assert spec_of.differences(actual, built(actual, **options)) == []


def test_other_values_of_a_block_still_return_to_the_default() -> None:
    actual = built(restart_config={"condition": "any", "delay": "9s"})
    found = spec_of.differences(actual, built(actual, restart_config={"condition": "any"}))
    assert [one.option for one in found] == ["restart_config"]
    assert found[0].after["delay"] == "5s"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"restart_config": {"condition": "none", "max_attempts": 3}}, "any"),
        ({"update_config": {"failure_action": "continue", "order": "start-first"}}, "pause"),
        ({"rollback_config": {"parallelism": 0, "delay": "1s"}}, 1),
    ],
)
def test_one_value_of_the_sdk_is_not_enough_to_keep_it(before: dict, after: Any) -> None:
    """A key that a task of ours named once returns to the Engine's default."""
    [(block, keys)] = before.items()
    key, *others = keys
    without = {block: {other: keys[other] for other in others}}
    actual = built(**before)
    [found] = spec_of.differences(actual, built(actual, **without))
    assert found.after[key] == after


@pytest.mark.parametrize(("kind", "folder"), [("Config", "/"), ("Secret", "/run/secrets/")])
def test_a_file_name_relative_to_its_folder_is_the_same_file(kind: str, folder: str) -> None:
    one, other = built(), built()
    for spec, name in ((one, "x"), (other, f"{folder}x")):
        spec["TaskTemplate"]["ContainerSpec"][f"{kind}s"] = [
            {f"{kind}Name": "x", "File": {"Name": name, "UID": "0", "GID": "0", "Mode": 0o444}}
        ]
    assert spec_of.differences(one, other) == []


# -- jobs and options that stay ----------------------------------------------------------------


def test_jobs() -> None:
    assert build(mode="replicated-job", replicas=3)["Mode"] == {
        "ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 3}
    }
    assert build(mode="global-job", replicas=3)["Mode"] == {"GlobalJob": {}}
    present = {"Mode": {"ReplicatedJob": {"MaxConcurrent": 4, "TotalCompletions": 9}}}
    # As with other services, -1 keeps the number, and what has no option stays.
    assert build(present, mode="replicated-job")["Mode"] == present["Mode"]
    assert changed(present, build(mode="replicated-job", replicas=9)) == ["image"]
    assert "mode" in changed(present, build(mode="replicated"))
    with pytest.raises(SpecError, match="update_config: Swarm accepts none for a job"):
        build(mode="replicated-job", update_config={"parallelism": 1})
    assert "UpdateConfig" not in build(mode="global-job", update_config={"parallelism": None})
    restart = build(mode="global-job", restart_config={"max_attempts": 3})
    assert restart["TaskTemplate"]["RestartPolicy"]["Condition"] == "on-failure"


def kept(actual: dict, **options: Any) -> list[str]:
    options["keep_unnamed"] = True
    desired = build(actual, **options)
    base = {"name": "web", "image": "web:1", "replicas": -1, "mode": "replicated", **options}
    skipped = spec_of.unnamed(base)
    found = spec_of.differences(actual, desired, skipped)
    after = spec_of.patched(actual, desired, found)
    assert not spec_of.differences(after, build(after, **options), skipped)
    return [difference.option for difference in found]


def test_options_that_the_task_does_not_name_stay() -> None:
    actual = full(name="web", image="web:1")
    assert kept(actual) == []
    assert kept(actual, labels={"y": "3"}) == ["labels"]
    assert kept(actual, labels={}, env={}, command=[], mounts=[], user="") == [
        "command",
        "env",
        "user",
        "mounts",
        "labels",
    ]
    every = [difference.option for difference in spec_of.differences(actual, build(actual))]
    assert len(every) > 35


@pytest.mark.parametrize(
    ("option", "block"),
    [
        ("restart_config", {"condition": "any"}),
        ("update_config", {"order": "start-first"}),
        ("rollback_config", {"monitor": "9s"}),
        ("healthcheck", {"retries": 9}),
        ("logging", {"driver": "journald"}),
        ("limits", {"cpus": 9.0}),
        ("placement", {"replicas_max_per_node": 9}),
    ],
)
def test_keys_that_the_task_does_not_name_stay(option: str, block: dict) -> None:
    actual = full(name="web", image="web:1")
    after = build(actual, keep_unnamed=True, **{option: block})
    named = {"name": "web", "image": "web:1", option: block}
    found = spec_of.differences(actual, after, spec_of.unnamed(named))
    patched = spec_of.patched(actual, after, found)
    [key] = block
    for difference in spec_of.differences(actual, patched):
        assert difference.option.split(".")[0] == option
        if isinstance(difference.before, dict):
            differing = {
                name
                for name in {*difference.before, *difference.after}
                if difference.before.get(name) != difference.after.get(name)
            }
            assert differing == {key}
