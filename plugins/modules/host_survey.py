#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_survey
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Read all facts of a host that the checks and roles need
description:
  - Reads memory, addresses, routes, distribution, kernel features, packages, units and the state
    of Docker and Swarm from a Linux host.
  - Needs only Python on the host, so it also works before anything is installed.
  - Never starts Docker. It queries the Engine only if its process is already running.
options:
  packages:
    description: Packages whose installed version is returned.
    type: list
    elements: str
    default: []
  units:
    description: Systemd units whose state is returned, with their suffix.
    type: list
    elements: str
    default: []
  users:
    description: Users whose existence is checked.
    type: list
    elements: str
    default: []
  paths:
    description: Folders whose file system is returned. They need not exist yet.
    type: list
    elements: path
    default: []
  files:
    description:
      - Short text files whose content is returned, each of 64 KiB at most.
      - A file that is not a regular file is an error. A link that a user other than root could have
        created is also an error, anywhere in the path.
    type: list
    elements: path
    default: []
  ports:
    description: Ports whose listening processes are returned.
    type: list
    elements: int
    default: []
  platform:
    description:
      - What identifies a platform, to find what the host still has of it. Passwords and keys are
        returned only as fingerprints, which are keyed with C(salt).
    type: dict
    suboptions:
      config_dir:
        description: Folder of the platform's rendered files.
        type: path
        required: true
      stack:
        description: Name of the stack, which is a label of its services and containers.
        type: str
        required: true
      salt:
        description: A new value in each run, the same for all hosts.
        type: str
        required: true
  declared:
    description:
      - Values that are returned unchanged.
      - A play uses this to combine each host's own variables, with the defaults of roles, and the
        facts of that host.
    type: dict
    default: {}
  docker_socket:
    description: Socket of the Docker Engine.
    type: path
    default: /var/run/docker.sock
  timeout:
    description:
      - Seconds to wait for the response of a running Docker Engine.
      - A busy host may need longer, in particular a manager that rejoins the other managers.
    type: int
    default: 60
attributes:
  check_mode:
    description: The module only reads, so it does the same in check mode.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference to show.
    support: none
  idempotent:
    description: Never changes anything.
    support: full
"""

EXAMPLES = r"""
- name: Read the facts of the host
  elk.swarm.host_survey:
    packages: [docker.io]
    units: [docker.service]
  register: result

- name: Show how much memory there is
  ansible.builtin.debug:
    msg: "{{ result.survey.memory | human_readable }}"
"""

RETURN = r"""
survey:
  description: The facts of the host.
  returned: always
  type: dict
  contains:
    memory:
      description: Bytes of memory, or the cgroup's limit if that is lower.
      type: int
      sample: 8296353792
    addresses:
      description: Addresses of the host, without loopback and link-local ones.
      type: list
      elements: str
      sample: [10.20.0.11]
    routes:
      description: IPv4 routes other than the default one.
      type: list
      elements: dict
      sample: [{network: 10.20.0.0/24, device: eth0, gateway: ""}]
    nodename:
      description: Name of the host, from its kernel.
      type: str
      sample: m1
    kernel:
      description: Release of the kernel.
      type: str
      sample: 6.12.48+deb13-amd64
    machine:
      description: Hardware name.
      type: str
      sample: x86_64
    distribution:
      description: Name, version and family of the distribution.
      type: dict
      sample:
        id: debian
        version: "13"
        codename: trixie
        family: debian
        name: Debian GNU/Linux 13 (trixie)
    ipvs_blocked:
      description: Whether the configuration of modprobe keeps IPVS from being loaded.
      type: bool
      sample: false
    ipvs:
      description: Whether the kernel has IPVS, which Swarm's routing mesh needs, or can load it.
      type: bool
      sample: true
    max_map_count:
      description: Current value of vm.max_map_count.
      type: int
      sample: 262144
    swappiness:
      description: Current value of vm.swappiness.
      type: int
      sample: 60
    swap:
      description: Bytes of active swap.
      type: int
      sample: 0
    transparent_huge_pages:
      description: Mode of transparent huge pages. Empty if the kernel does not support them.
      type: str
      sample: madvise
    clock:
      description:
        - Whether the kernel's clock is synchronized, null if unknown, and whether the host is a
          container, which uses the clock of the machine that runs it.
      type: dict
      sample: {is_set: true, container: false}
    cgroup:
      description: Version of the control groups.
      type: int
      sample: 2
    time:
      description: The host's clock in seconds since 1970.
      type: float
      sample: 1767225600.25
    features:
      description: Kernel features that containers need. Null if unknown.
      type: dict
      sample: {overlay: true, vxlan: null, memory_cgroup: true}
    disks:
      description: File system of each of O(paths), read from its nearest existing parent.
      type: dict
      sample:
        /srv/elk: {total: 105089261568, free: 92341796864, exists: true, empty: false}
    files:
      description: Content of each of O(files), empty if the file does not exist.
      type: dict
      sample: {/etc/elk/elasticsearch/cluster_uuid: 2f8Zbq9vTnW0qkR5cY3xLA}
    listeners:
      description:
        - What listens on O(ports). The process and its systemd unit are empty if they are not
          visible.
      type: list
      elements: dict
      sample:
        - {protocol: udp, port: 514, address: 0.0.0.0, process: rsyslogd, unit: rsyslog.service}
    docker:
      description: The Docker Engine. What only a running Engine knows is empty if none runs.
      type: dict
      contains:
        installed:
          description: Whether dockerd is installed.
          type: bool
          sample: true
        running:
          description: Whether the Engine answered.
          type: bool
          sample: true
        silent:
          description: Whether a running daemon did not answer in time. Its state is unknown.
          type: bool
          sample: false
        version:
          description: Version of the running Engine, otherwise of the installed one.
          type: str
          sample: 26.1.5+dfsg1
        root:
          description: Directory of the Engine's data.
          type: str
          sample: /var/lib/docker
        driver:
          description: Storage driver of the Engine. Empty if it does not run.
          type: str
          sample: overlay2
        containers:
          description: How many containers run.
          type: int
          sample: 0
        flags:
          description:
            - The options that C(docker.service) passes as flags, as C(daemon.json) names them. Null
              without that unit.
          type: list
          elements: str
          sample: [hosts, containerd]
        snap:
          description: Whether the snap C(docker) is installed.
          type: bool
          sample: false
        group_members:
          description: Members of the group docker.
          type: list
          elements: str
          sample: [ops]
        swarm:
          description: Membership in a swarm.
          type: dict
          sample:
            state: active
            node_id: u2cw1f7ahjp4pxw6qf6wb2m0u
            address: 10.20.0.11
            manager: true
            cluster_id: k1mp2o5ymxl2o0b3a7rzfqk7d
            managers: [u2cw1f7ahjp4pxw6qf6wb2m0u]
            error: ""
    packages:
      description: The O(packages) that are installed.
      type: dict
      sample: {docker.io: {version: 26.1.5+dfsg1-9+b12, held: true}}
    packages_interrupted:
      description:
        - Whether dpkg was interrupted, or is running now. False if O(packages) is empty or the host
          does not use dpkg.
      type: bool
      sample: false
    units:
      description: State of O(units).
      type: dict
      sample: {docker.service: {exists: true, active: true, enabled: true}}
    platform:
      description: What the host has of O(platform). Empty without that option.
      type: dict
      sample:
        services: [elk_elasticsearch-5f1c0b2a, kibana, logshipper]
        objects: [kibana-key-72bb0c733777, kibana-yml-cb835074a756]
        fingerprints: {elastic_password: 0f2b6f3f7f5d4a58a6c1f0f6f1b2c3d4}
    unknown_users:
      description: The O(users) that do not exist on the host.
      type: list
      elements: str
      sample: []
    declared:
      description: The value of O(declared), unchanged.
      type: dict
      sample: {address: 10.20.0.11}
"""

import ctypes
import grp
import http.client
import json
import os
import pwd
import shutil
import socket
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.docker import unit_flags
from ansible_collections.elk.swarm.plugins.module_utils.host import survey as parse
from ansible_collections.elk.swarm.plugins.module_utils.platform import secrets_survey

# Largest size of a text in O(files).
NOTE_LIMIT = 64 * 1024


def read(path: str) -> str:
    """Text of a file; empty if it does not exist, because kernels offer different files."""
    try:
        return safe_path.read_text(path, errors="replace")
    except OSError:
        return ""


def read_note(path: str) -> str:
    """Text of a file in a place where another user may be able to write."""
    try:
        return safe_path.read_text(path, NOTE_LIMIT, errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        # Nothing is installed yet, or the user may not read it; a role reports that.
        return ""


# The response has some thousands of bytes; a longer one is cut and is then not valid JSON.
LONGEST_INFO = 4 * 1024 * 1024


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: int) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def daemon_pid() -> str:
    """The process of a running dockerd; empty if none runs.

    With socket activation, a connection would start a stopped one; a survey must not do that.
    """
    pid = read("/run/docker.pid").strip()
    return pid if pid.isdigit() and "dockerd" in read(f"/proc/{pid}/comm") else ""


def engine_info(path: str, timeout: int) -> dict[str, Any]:
    """The info of a running daemon; empty if it does not answer."""
    connection = UnixConnection(path, timeout)
    try:
        connection.request("GET", "/info")
        answer = connection.getresponse()
        body = answer.read(LONGEST_INFO)
        info = json.loads(body) if answer.status == http.client.OK else {}
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return info if isinstance(info, dict) else {}


def group_members(name: str) -> list[str]:
    try:
        return sorted(grp.getgrnam(name).gr_mem)
    except KeyError:
        return []


def unknown_users(names: list[str]) -> list[str]:
    missing = []
    for name in names:
        try:
            pwd.getpwnam(name)
        except KeyError:
            missing.append(name)
    return missing


def ipvs_blocked(module: AnsibleModule) -> bool:
    """Whether modprobe.d keeps ip_vs from being loaded, if not now then after the next boot."""
    modprobe = module.get_bin_path("modprobe", opt_dirs=["/usr/sbin", "/sbin"])
    if not modprobe:
        return False
    command = [modprobe, "--dry-run", "--show-depends", "ip_vs"]
    _rc, out, _err = module.run_command(command)
    return parse.module_blocked(out)


def has_ipvs(kernel: str) -> bool:
    if os.path.exists("/proc/net/ip_vs"):
        return True
    folder = f"/lib/modules/{kernel}"
    return any(
        parse.names_module(read(f"{folder}/{name}"), "ip_vs")
        for name in ("modules.builtin", "modules.dep")
    )


class Timex(ctypes.Structure):
    """The beginning of the kernel's struct timex, and room for the rest."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_char * 512),
    ]


def clock_error() -> int | None:
    """Maximum error of the kernel's clock in microseconds; the call changes nothing."""
    timex = Timex(modes=0)
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else int(timex.maxerror)


def in_container() -> bool:
    if any(map(os.path.exists, ("/run/systemd/container", "/.dockerenv", "/run/.containerenv"))):
        return True
    return "container=" in read("/proc/1/environ")


def text_or_none(path: str) -> str | None:
    """Text of a file, None if it does not exist."""
    return read(path) if os.path.exists(path) else None


def features(kernel: str) -> dict[str, bool | None]:
    folder = f"/lib/modules/{kernel}"
    builtin = text_or_none(f"{folder}/modules.builtin")
    loadable = text_or_none(f"{folder}/modules.dep")
    overlay = "overlay" in read("/proc/filesystems").split()
    vxlan = os.path.exists("/sys/module/vxlan")
    return {
        "overlay": parse.kernel_feature("overlay", overlay, builtin, loadable),
        "vxlan": parse.kernel_feature("vxlan", vxlan, builtin, loadable),
        "memory_cgroup": parse.memory_controller(
            text_or_none("/sys/fs/cgroup/cgroup.controllers"), read("/proc/cgroups")
        ),
    }


def disk(path: str) -> dict[str, Any]:
    """The file system of a folder, also of one that does not exist yet."""
    with safe_path.find(path) as place:
        usage = os.statvfs(place.folder.fd)
        status = place.status()
        is_folder = not place.rest
        try:
            empty = not (is_folder and place.folder.names())
        except OSError:
            empty = True
    return {
        "total": usage.f_blocks * usage.f_frsize,
        # Without the blocks reserved for root, as Elasticsearch counts it.
        "free": usage.f_bavail * usage.f_frsize,
        "exists": status is not None and len(place.rest) < 2,
        "empty": empty,
    }


def processes(inodes: set[str]) -> dict[str, dict[str, str]]:
    """The processes that hold sockets, with their units, by the socket's inode."""
    sockets = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, dict[str, str]] = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            links = [os.readlink(handle) for handle in (process / "fd").iterdir()]
        except OSError:
            # It has exited, or belongs to a user whose processes we may not read.
            continue
        for link in links:
            if link in sockets:
                name = read(str(process / "comm")).strip()
                unit = parse.unit_of(read(str(process / "cgroup")))
                found.setdefault(sockets[link], {"process": name, "unit": unit})
        if len(found) == len(inodes):
            break
    return found


def listeners(ports: list[int]) -> list[dict[str, Any]]:
    if not ports:
        return []
    found = [
        entry
        for name in ("tcp", "tcp6", "udp", "udp6")
        for entry in parse.listeners(read(f"/proc/net/{name}"), name[:3], ports)
    ]
    holders = processes({entry["inode"] for entry in found}) if found else {}
    return [
        {
            "protocol": entry["protocol"],
            "port": entry["port"],
            "address": entry["address"],
            **holders.get(entry["inode"], {"process": "", "unit": ""}),
        }
        for entry in found
    ]


def engine_version(module: AnsibleModule, dockerd: str | None, info: dict[str, Any]) -> str:
    if info.get("ServerVersion"):
        return str(info["ServerVersion"])
    if not dockerd:
        return ""
    _rc, out, _err = module.run_command([dockerd, "--version"])
    return parse.engine_version(out)


def packages(module: AnsibleModule, names: list[str], family: str) -> dict[str, dict[str, Any]]:
    """Ask the package manager; a package that is not installed makes it exit with an error."""
    if not names:
        return {}
    dpkg = module.get_bin_path("dpkg-query")
    # A host may also have the other family's tool, which does not know the installed packages.
    if dpkg and family != "redhat":
        layout = "${Package}\t${Version}\t${Status}\n"
        _rc, out, _err = module.run_command([dpkg, "-W", "-f", layout, *names])
        return parse.dpkg_packages(out)
    rpm = module.get_bin_path("rpm")
    if rpm:
        layout = "%{NAME}\t%{VERSION}-%{RELEASE}\n"
        _rc, out, _err = module.run_command([rpm, "-q", "--qf", layout, *names])
        return parse.rpm_packages(out)
    return {}


def packages_interrupted(module: AnsibleModule, enabled: bool) -> bool:
    dpkg = module.get_bin_path("dpkg")
    if not enabled or not dpkg:
        return False
    try:
        journal = os.listdir("/var/lib/dpkg/updates")
    except OSError:
        journal = []
    _rc, audit, _err = module.run_command([dpkg, "--audit"])
    return parse.dpkg_interrupted(journal, audit)


def units(module: AnsibleModule, names: list[str]) -> dict[str, dict[str, Any]]:
    systemctl = module.get_bin_path("systemctl")
    if not names or not systemctl:
        return {}
    properties = "Id,LoadState,ActiveState,UnitFileState"
    _rc, out, _err = module.run_command([systemctl, "show", "-p", properties, "--", *names])
    return parse.systemd_units(out)


def daemon_flags(module: AnsibleModule) -> list[str] | None:
    systemctl = module.get_bin_path("systemctl")
    if not systemctl:
        return None

    def show(properties: str) -> str:
        command = [systemctl, "show", "-p", properties, "--", "docker.service"]
        _rc, out, _err = module.run_command(command)
        return str(out)

    flags = unit_flags.read_unit(show, read)
    return None if flags is None else unit_flags.flag_options(flags)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "list", "elements": "str", "default": []},
            "units": {"type": "list", "elements": "str", "default": []},
            "users": {"type": "list", "elements": "str", "default": []},
            "paths": {"type": "list", "elements": "path", "default": []},
            "files": {"type": "list", "elements": "path", "default": []},
            "ports": {"type": "list", "elements": "int", "default": []},
            "platform": {
                "type": "dict",
                "options": {
                    "config_dir": {"type": "path", "required": True},
                    "stack": {"type": "str", "required": True},
                    "salt": {"type": "str", "required": True},
                },
            },
            "declared": {"type": "dict", "default": {}},
            "docker_socket": {"type": "path", "default": "/var/run/docker.sock"},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    # First of all, so that the time of the survey does not count as a clock difference.
    now = time.time()
    params = module.params
    uname = os.uname()
    try:
        disks = {path: disk(path) for path in params["paths"]}
        notes = {path: read_note(path) for path in params["files"]}
    except OSError as error:
        module.fail_json(
            msg=f"Nothing was changed. On {uname.nodename}, {error.filename}: {error.strerror}."
        )
    daemon = daemon_pid()
    info = engine_info(params["docker_socket"], params["timeout"]) if daemon else {}
    dockerd = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    release = parse.os_release(read("/etc/os-release") or read("/usr/lib/os-release"))
    distribution = parse.distribution(release)
    limits = [
        read("/sys/fs/cgroup/memory.max"),
        read("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
    ]
    max_map_count = read("/proc/sys/vm/max_map_count").strip()
    swappiness = read("/proc/sys/vm/swappiness").strip()
    survey = {
        "memory": parse.memory_total(read("/proc/meminfo"), limits),
        "addresses": parse.ipv4_addresses(read("/proc/net/fib_trie"))
        + parse.ipv6_addresses(read("/proc/net/if_inet6")),
        "routes": parse.ipv4_routes(read("/proc/net/route")),
        "nodename": uname.nodename,
        "kernel": uname.release,
        "machine": uname.machine,
        "distribution": distribution,
        "ipvs": has_ipvs(uname.release),
        "ipvs_blocked": ipvs_blocked(module),
        "max_map_count": int(max_map_count) if max_map_count.isdigit() else 0,
        "swappiness": int(swappiness) if swappiness.isdigit() else 0,
        "swap": parse.swap_total(read("/proc/meminfo")),
        "transparent_huge_pages": parse.chosen(read("/sys/kernel/mm/transparent_hugepage/enabled")),
        "clock": {"is_set": parse.clock_is_set(clock_error()), "container": in_container()},
        "cgroup": 2 if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else 1,
        "time": now,
        "features": features(uname.release),
        "disks": disks,
        "files": notes,
        "listeners": listeners(params["ports"]),
        "docker": {
            "installed": dockerd is not None,
            "running": bool(info),
            "silent": parse.is_silent(daemon, info, "" if info else daemon_pid()),
            "version": engine_version(module, dockerd, info),
            "root": info.get("DockerRootDir", ""),
            "driver": info.get("Driver", ""),
            "containers": int(info.get("ContainersRunning") or 0),
            "flags": daemon_flags(module),
            "snap": os.path.exists("/snap/docker/current"),
            "group_members": group_members("docker"),
            "swarm": parse.swarm_state(info),
        },
        "packages": packages(module, params["packages"], distribution["family"]),
        "packages_interrupted": packages_interrupted(module, bool(params["packages"])),
        "units": units(module, params["units"]),
        "platform": secrets_survey.survey(
            socket=params["docker_socket"],
            timeout=params["timeout"],
            info=info,
            **params["platform"],
        )
        if params["platform"]
        else {},
        "unknown_users": unknown_users(params["users"]),
        "declared": params["declared"],
    }
    module.exit_json(changed=False, survey=survey)


if __name__ == "__main__":
    main()
