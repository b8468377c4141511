# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flags of the daemon's unit."""

from __future__ import annotations

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.docker.unit_flags import (
    conflicts,
    daemon_flags,
    environment_files,
    flag_options,
    read_unit,
    variables,
)


def shown(command: str, *more: str) -> str:
    start = (
        f"{{ path={command.split()[0]} ; argv[]={command} ; ignore_errors=no ; "
        "start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }"
    )
    return "\n".join([f"ExecStart={start}", "LoadState=loaded", *more]) + "\n"


DEBIAN = shown(
    "/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS",
    "EnvironmentFiles=/etc/default/docker (ignore_errors=yes)",
)
FEDORA = shown(
    "/usr/bin/dockerd --host=fd:// --exec-opt native.cgroupdriver=systemd $OPTIONS "
    "--init-path=${INIT}",
    'Environment=INIT=/usr/libexec/docker-init "OTHER=a b"',
    "EnvironmentFiles=-/etc/sysconfig/docker (ignore_errors=yes)",
)


def test_debian_passes_hosts_and_containerd() -> None:
    flags = daemon_flags(DEBIAN, {})
    assert flags == ["-H", "fd://", "--containerd=/run/containerd/containerd.sock"]
    assert flag_options(flags) == ["hosts", "containerd"]
    assert conflicts(["hosts", "log-driver"], flags) == ["hosts"]
    assert environment_files(DEBIAN) == ["/etc/default/docker"]


def test_variables_of_the_unit_and_of_its_files() -> None:
    text = '# comment\nOPTIONS="--selinux-enabled \\\n--log-driver=journald --debug"\nX=1\n'
    environment = variables(FEDORA, [text.replace("\\\n", "")])
    assert environment["INIT"] == "/usr/libexec/docker-init"
    assert environment["OTHER"] == "a b"
    flags = daemon_flags(FEDORA, environment)
    assert flags is not None
    assert "--init-path=/usr/libexec/docker-init" in flags
    assert flag_options(flags) == [
        "hosts",
        "exec-opts",
        "selinux-enabled",
        "log-driver",
        "debug",
        "init-path",
    ]
    assert conflicts({"log-driver": "local", "mtu": 1450, "debug": True}, flags) == [
        "debug",
        "log-driver",
    ]


def test_a_drop_in_without_flags_leaves_the_file_free() -> None:
    flags = daemon_flags(shown("/usr/bin/dockerd"), {})
    assert flags == []
    assert conflicts(["hosts"], flags) == []


@pytest.mark.parametrize("words", ["--config-file /x.json", "--config-file=/x.json"])
def test_the_path_of_the_file_is_ours(words: str) -> None:
    assert daemon_flags(shown(f"/usr/bin/dockerd {words} -D"), {}) == ["-D"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "LoadState=not-found\n",
        shown("/usr/local/bin/start-docker --now"),
        DEBIAN.replace("LoadState=loaded", "LoadState=masked"),
    ],
)
def test_without_a_unit_of_the_daemon_nothing_is_known(text: str) -> None:
    assert daemon_flags(text, {}) is None


def test_the_daemon_joins_runtimes() -> None:
    assert conflicts(["runtimes"], ["--add-runtime", "x=/y"]) == []


@pytest.mark.parametrize(
    ("flag", "option"),
    [
        ("--insecure-registry=x", "insecure-registries"),
        ("--registry-mirror", "registry-mirrors"),
        ("--log-opt", "log-opts"),
        ("--default-address-pool", "default-address-pools"),
        ("-s", "storage-driver"),
        ("--dns", "dns"),
    ],
)
def test_the_names_of_options_in_the_file(flag: str, option: str) -> None:
    assert flag_options([flag, "value"]) == [option]


def test_the_unit_and_its_files_are_read() -> None:
    files = {"/etc/sysconfig/docker": "OPTIONS='--mtu 1400'\n"}
    flags = read_unit(lambda _properties: FEDORA, lambda path: files[path])
    assert flags is not None
    assert flag_options(flags)[2] == "mtu"
    assert read_unit(lambda _properties: "", lambda path: files[path]) is None
