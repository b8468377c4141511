# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts from the texts of the kernel and the system."""

from __future__ import annotations

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.host import survey as parse

MEMINFO = "MemTotal:        8101908 kB\nMemFree:          100 kB\n"

FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.20.0.0/24 2 0 2
        |-- 10.20.0.0
           /24 link UNICAST
        |-- 10.20.0.11
           /32 host LOCAL
        |-- 10.20.0.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
           |-- 127.0.0.1
              /32 host LOCAL
Local:
        |-- 10.20.0.11
           /32 host LOCAL
"""

IF_INET6 = """\
fe80000000000000004200fffe3c0b02 02 40 20 80     eth0
fd000000000000000000000000000011 02 40 00 80     eth0
00000000000000000000000000000001 01 80 10 80       lo
"""

ROUTE = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0100140A	0003	0	0	0	00000000	0	0	0
eth0	0000140A	00000000	0001	0	0	0	00FFFFFF	0	0	0
eth1	0008A8C0	0100140A	0003	0	0	0	00F8FFFF	0	0	0
"""


def test_memory_is_the_minimum_of_kernel_and_cgroups() -> None:
    assert parse.memory_total(MEMINFO) == 8101908 * 1024
    assert parse.memory_total(MEMINFO, ["max\n", "", "9223372036854771712\n"]) == 8101908 * 1024
    assert parse.memory_total(MEMINFO, ["1073741824\n"]) == 1 << 30
    assert parse.memory_total("") == 0


def test_addresses() -> None:
    assert parse.ipv4_addresses(FIB_TRIE) == ["10.20.0.11"]
    assert parse.ipv6_addresses(IF_INET6) == ["fd00::11"]


def test_routes_omit_the_default_route() -> None:
    assert parse.ipv4_routes(ROUTE) == [
        {"network": "10.20.0.0/24", "device": "eth0", "gateway": ""},
        {"network": "192.168.8.0/21", "device": "eth1", "gateway": "10.20.0.1"},
    ]


@pytest.mark.parametrize(
    ("text", "name", "family"),
    [
        ('ID=debian\nVERSION_ID="13"\n', "debian", "debian"),
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n', "ubuntu", "debian"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "rocky", "redhat"),
        ("ID=rhel\n", "rhel", "redhat"),
        ("ID=alpine\n", "alpine", "alpine"),
        ("", "", ""),
    ],
)
def test_distributions(text: str, name: str, family: str) -> None:
    found = parse.distribution(parse.os_release(text))
    assert (found["id"], found["family"]) == (name, family)


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ("kernel/net/netfilter/ipvs/ip_vs.ko.xz: kernel/net/nf.ko.xz\n", True),
        ("kernel/net/netfilter/ipvs/ip_vs.ko\n", True),
        ("kernel/net/netfilter/ipvs/ip_vs_rr.ko: kernel/net/netfilter/ipvs/ip_vs.ko\n", False),
        ("", False),
    ],
)
def test_kernel_modules(line: str, there: bool) -> None:
    assert parse.names_module("kernel/fs/a.ko:\n" + line, "ip_vs") is there


@pytest.mark.parametrize(
    ("depends", "blocked"),
    [
        ("install /bin/false \n", True),
        ("insmod /lib/modules/6.1/libcrc32c.ko \ninstall /usr/bin/true \n", True),
        ("insmod /lib/modules/6.1/ip_vs.ko \n", False),
        ("builtin ip_vs\n", False),
        ("install /sbin/modprobe --ignore-install ip_vs \n", False),
        ("", False),
    ],
)
def test_a_module_that_modprobe_does_not_load(depends: str, blocked: bool) -> None:
    assert parse.module_blocked(depends) is blocked


def test_dpkg_packages() -> None:
    output = (
        "docker.io\t26.1.5-1\thold ok installed\n"
        "runc\t1.1\tinstall ok installed\n"
        "old\t1\tdeinstall ok config-files\n"
        "never\t\tunknown ok not-installed\n"
    )
    assert parse.dpkg_packages(output) == {
        "docker.io": {"version": "26.1.5-1", "held": True},
        "runc": {"version": "1.1", "held": False},
    }


@pytest.mark.parametrize(
    ("journal", "audit", "interrupted"),
    [
        ([], "", False),
        # The file that dpkg writes before it gives it a number, and a file of the package.
        (["tmp.i", ".gitkeep"], "\n", False),
        (["0000", "0001"], "", True),
        ([], "The following packages have been unpacked but not yet configured.\n", True),
    ],
)
def test_interrupted_dpkg(journal: list[str], audit: str, interrupted: bool) -> None:
    assert parse.dpkg_interrupted(journal, audit) is interrupted


def test_rpm_packages() -> None:
    output = "docker-ce\t28.2.2-1.el9\npackage nope is not installed\n"
    assert parse.rpm_packages(output) == {"docker-ce": {"version": "28.2.2-1.el9", "held": False}}


def test_units() -> None:
    output = (
        "Id=docker.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\n"
        "Id=nope.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n"
    )
    assert parse.systemd_units(output) == {
        "docker.service": {"exists": True, "active": True, "enabled": True},
        "nope.service": {"exists": False, "active": False, "enabled": False},
    }


def test_swarm_state_of_an_engine_without_swarm() -> None:
    assert parse.swarm_state({}) == {
        "state": "inactive",
        "node_id": "",
        "address": "",
        "manager": False,
        "cluster_id": "",
        "managers": [],
        "error": "",
    }


def test_swarm_state_of_a_manager() -> None:
    found = parse.swarm_state(
        {
            "Swarm": {
                "NodeID": "n1",
                "NodeAddr": "10.20.0.11",
                "LocalNodeState": "active",
                "ControlAvailable": True,
                "Cluster": {"ID": "c1"},
            }
        }
    )
    assert (found["state"], found["manager"], found["cluster_id"]) == ("active", True, "c1")


@pytest.mark.parametrize(
    ("loaded", "builtin", "loadable", "there"),
    [
        (True, None, None, True),
        (False, None, None, None),
        (False, "", None, None),
        (False, "", "", False),
        (False, "kernel/drivers/net/vxlan/vxlan.ko\n", "", True),
        (False, "", "kernel/drivers/net/vxlan/vxlan.ko.zst: kernel/net/udp.ko\n", True),
    ],
)
def test_a_feature_is_absent_only_if_that_is_certain(
    loaded: bool, builtin: str | None, loadable: str | None, there: bool | None
) -> None:
    assert parse.kernel_feature("vxlan", loaded, builtin, loadable) is there


@pytest.mark.parametrize(
    ("controllers", "cgroups", "there"),
    [
        ("cpuset cpu io memory pids\n", "", True),
        ("cpuset cpu io pids\n", "memory 0 90 1\n", False),
        (None, "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t4\t479\t1\n", True),
        (None, "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t0\t1\t0\n", False),
        (None, "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t1\t1\n", False),
        (None, "", None),
    ],
)
def test_the_memory_controller(controllers: str | None, cgroups: str, there: bool | None) -> None:
    assert parse.memory_controller(controllers, cgroups) is there


TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:23F0 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0   0 111 1 0 100 0
   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0   0 112 1 0 100 0
   2: 0B00140A:23F0 0C00140A:A1B2 01 00000000:00000000 00:00000000 00000000  0   0 113 1 0 100 0
"""
# Local address and port, remote address and port, state, inode.
UDP6 = "  sl  local_address remote_address st\n" + "".join(
    f"10: {'0' * 24}01000000:0202 {'0' * 24}{peer} {state} 0:0 00:0 0 0 0 {inode} 2 0\n"
    for peer, state, inode in (("00000000:0000", "07", 114), ("01000000:0035", "01", 115))
)


def test_connections_are_not_listeners() -> None:
    assert parse.listeners(TCP, "tcp", [9200]) == [
        {"protocol": "tcp", "port": 9200, "address": "0.0.0.0", "inode": "111"}
    ]
    assert parse.listeners(TCP, "tcp", [22]) == []
    assert parse.listeners("", "tcp", [22]) == []


def test_listeners_on_udp_and_ipv6() -> None:
    (found,) = parse.listeners(UDP6, "udp", [514])
    assert (found["address"], found["inode"]) == ("::1", "114")


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("Docker version 20.10.24+dfsg1, build 297e128", "20.10.24+dfsg1"),
        ("Docker version 28.2.2, build e6534b4", "28.2.2"),
        ("no such option", ""),
    ],
)
def test_the_version_of_a_stopped_engine(output: str, version: str) -> None:
    assert parse.engine_version(output) == version


def test_swap() -> None:
    assert parse.swap_total("MemTotal: 8 kB\nSwapTotal:       2097148 kB\n") == 2147479552
    assert parse.swap_total("MemTotal: 8 kB\n") == 0


@pytest.mark.parametrize(
    ("words", "choice"),
    [("always [madvise] never\n", "madvise"), ("never\n", "never"), ("", "")],
)
def test_the_selected_value_of_a_kernel_file(words: str, choice: str) -> None:
    assert parse.chosen(words) == choice


@pytest.mark.parametrize(
    ("error", "is_set"), [(None, None), (2_000, True), (15_999_999, True), (16_000_000, False)]
)
def test_whether_a_program_synchronizes_the_clock(error: int | None, is_set: bool | None) -> None:
    assert parse.clock_is_set(error) is is_set


@pytest.mark.parametrize(
    ("before", "info", "after", "silent"),
    [
        ("17", {"ID": "x"}, "", False),
        ("17", {}, "17", True),
        # It cannot start, and systemd tries again and again.
        ("17", {}, "31", False),
        ("17", {}, "", False),
        ("", {}, "", False),
    ],
)
def test_a_daemon_that_is_started_in_vain_is_not_silent(
    before: str, info: dict[str, str], after: str, silent: bool
) -> None:
    assert parse.is_silent(before, info, after) is silent


@pytest.mark.parametrize(
    ("cgroups", "unit"),
    [
        ("0::/system.slice/ticker.service/worker\n", "ticker.service"),
        ("0::/system.slice/system-ticker.slice/ticker@1.service\n", "ticker@1.service"),
        # Units of a user, whose manager can have a slice of this name too.
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/ticker.service\n", ""),
        ("0::/user.slice/user-1000.slice/user@1000.service/system.slice/ticker.service\n", ""),
        ("0::/system.slice/docker-5f69.scope/system.slice/ticker.service\n", ""),
    ],
)
def test_only_units_of_the_system_count(cgroups: str, unit: str) -> None:
    assert parse.unit_of(cgroups) == unit
