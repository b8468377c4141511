# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the Docker daemon does not start, from its log."""

from __future__ import annotations

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.controller.run_summary import (
    shortened as summary,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.start_failure import (
    CAUSES,
    LONGEST,
    explain,
    fatal_line,
    remedy,
    shortened,
)

NETWORK = (
    "failed to start daemon: Error initializing network controller: error obtaining controller "
    'instance: failed to register "bridge" driver: '
)
NFTABLES = (
    NETWORK + "failed to create NAT chain DOCKER: iptables failed: iptables --wait -t nat -N "
    "DOCKER: iptables v1.8.11 (nf_tables): TABLE_ADD failed (Operation not supported): table nat\n"
    " (exit status 4)"
)
LOG = f"""\
time="2026-11-30T05:00:00.1Z" level=info msg="Starting up"
time="2026-11-30T05:00:00.2Z" level=warning msg="failed to load plugin" error="no btrfs"
time="2026-11-30T05:00:00.3Z" level=info msg="stopping event stream following graceful shutdown"
{NFTABLES}
docker.service: Main process exited, code=exited, status=1/FAILURE
docker.service: Failed with result 'exit-code'.
Failed to start docker.service - Docker Application Container Engine.
docker.service: Scheduled restart job, restart counter is at 3.
docker.service: Start request repeated too quickly.
"""


def test_the_line_of_the_daemon_not_of_systemd() -> None:
    line = fatal_line(LOG)
    assert line.startswith("failed to start daemon: Error initializing network controller")
    assert line.endswith("TABLE_ADD failed (Operation not supported): table nat (exit status 4)")


def test_the_last_attempt_counts() -> None:
    log = "failed to start daemon: first\nsystemd\nfailed to start daemon: second\nsystemd\n"
    assert fatal_line(log) == "failed to start daemon: second"


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (
            (
                'time="2026-11-30T05:00:00Z" level=fatal msg="Error starting cluster component: '
                'could not find local IP address: dial udp \\"10.0.0.1\\": network is unreachable"'
            ),
            (
                "Error starting cluster component: could not find local IP address: dial udp "
                '"10.0.0.1": network is unreachable'
            ),
        ),
        (
            (
                "unable to configure the Docker daemon with file /etc/docker/daemon.json: the "
                "following directives are specified both as a flag and in the configuration file: "
                "hosts: (from flag: [fd://], from file: [tcp://0.0.0.0:2375])\nsystemd"
            ),
            (
                "unable to configure the Docker daemon with file /etc/docker/daemon.json: the "
                "following directives are specified both as a flag and in the configuration file: "
                "hosts: (from flag: [fd://], from file: [tcp://0.0.0.0:2375])"
            ),
        ),
        (
            "failed to load listeners: no sockets found",
            "failed to load listeners: no sockets found",
        ),
        ("docker.service: Failed with result 'exit-code'.\n", ""),
        ("", ""),
    ],
)
def test_every_form_of_last_words(log: str, line: str) -> None:
    assert fatal_line(log) == line


def test_of_a_long_line_beginning_and_end_are_kept() -> None:
    line = shortened(fatal_line(f"failed to start daemon: {'x' * 5000}: no route"))
    assert line.startswith("failed to start daemon: x")
    assert line.endswith("x: no route")
    assert len(line) < LONGEST + 10


def test_the_summary_of_a_run_shows_the_cause_and_the_remedy() -> None:
    why = "Job for docker.service failed because the control process exited with error code."
    shown = summary(explain("Docker does not start", why, LOG, "docker.service"))
    assert shown.startswith("Docker does not start: failed to start daemon: Error initializing")
    assert "TABLE_ADD failed" in shown
    assert "update-alternatives --set iptables /usr/sbin/iptables-legacy" in shown
    assert "systemctl status docker.service" in shown


def test_without_last_words_systemctl_has_its_say() -> None:
    text = explain("Docker does not start", "Unit docker.service is masked.", "", "docker.service")
    assert text.startswith("Docker does not start: Unit docker.service is masked.\nWhat to do: if")
    assert "it gives no reason" in explain("Docker does not start", "", "", "docker.service")


def test_an_older_failure_is_shown_and_is_no_reason() -> None:
    text = explain("Docker exited", "it is gone", "", "docker.service", shown=LOG)
    assert text.startswith("Docker exited: it is gone\n")
    assert "TABLE_ADD failed" in text


# From real logs: what the daemon says, and a word of the remedy that belongs to it.
KNOWN = [
    (NFTABLES, "iptables-legacy"),
    (
        NETWORK + "failed to create NAT chain DOCKER: iptables failed: iptables -t nat -N DOCKER: "
        "iptables v1.8.4 (legacy): can't initialize iptables table `nat': Table does not exist (do "
        "you need to insmod?)",
        "iptables-nft",
    ),
    (NETWORK + "failed to create NAT chain DOCKER: Iptables not found", "package iptables"),
    (
        NETWORK + "unable to add return rule: (iptables failed: iptables --wait -A X -j RETURN: "
        "iptables: No chain/target/match by that name. (exit status 1))",
        "iptables -t nat -L -n",
    ),
    ("failed to start daemon: Devices cgroup isn't mounted", "control groups"),
    (
        (
            "failed to start daemon: Error initializing network controller: error creating default "
            '"bridge" network: could not find an available, non-overlapping IPv4 address pool '
            "among the defaults to assign to the network"
        ),
        "docker_engine_address_pools",
    ),
    (
        "failed to start daemon: error initializing graphdriver: driver not supported: overlay2",
        "storage driver",
    ),
    (
        (
            "failed to start daemon: error initializing graphdriver: /var/lib/docker contains "
            "several valid graphdrivers: overlay2, vfs; cleanup or explicitly choose storage driver"
        ),
        "storage-driver",
    ),
    (
        "failed to load listeners: listen tcp 0.0.0.0:2375: bind: address already in use",
        "ss -ltnp",
    ),
    (
        "failed to start cluster component: x509: certificate has expired or is not yet valid",
        "certificate",
    ),
    (
        (
            "failed to load listeners: invalid TLS configuration: could not load X509 key pair: "
            "open /etc/docker/cert.pem: no such file or directory"
        ),
        "tlscert",
    ),
    (
        (
            "unable to configure the Docker daemon with file /etc/docker/daemon.json: the "
            "following directives don't match any configuration option: storage-drivr"
        ),
        "docker_engine_daemon_options",
    ),
    (
        (
            "failed to start daemon: --live-restore daemon configuration is incompatible with "
            "swarm mode"
        ),
        "live-restore",
    ),
    (
        (
            'failed to start daemon: failed to dial "/run/containerd/containerd.sock": '
            'failed to dial "/run/containerd/containerd.sock": context deadline exceeded'
        ),
        "containerd",
    ),
    (
        (
            "Error starting cluster component: could not find local IP address: dial udp "
            "10.0.0.1:2377: connect: network is unreachable"
        ),
        "ip address",
    ),
    ("failed to start daemon: mkdir /var/lib/docker/tmp: no space left on device", "df -h"),
    ("failed to start daemon: pid file found, ensure docker is not running", "docker.pid"),
]


@pytest.mark.parametrize(("line", "word"), KNOWN)
def test_every_known_cause_has_its_own_remedy(line: str, word: str) -> None:
    assert word in remedy(fatal_line(line))


def test_every_remedy_is_tested() -> None:
    assert {remedy(fatal_line(line)) for line, _word in KNOWN} == {one.remedy for one in CAUSES}


def test_an_unknown_cause_has_no_remedy() -> None:
    assert remedy("failed to start daemon: the moon is full") == ""
