"""What a process in one of the platform's containers may do, read in the container itself."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest

from server_name import KIBANA

testinfra_hosts = ["ansible://all?sudo=True"]

# Lines of /proc that show the rights of a process.
LIMITED = ("Uid:", "Cap", "NoNewPrivs:")
# The default pids limit, by the beginning of the container's name.
LIMITS = {"elk_elasticsearch-": 8192, "logshipper.": 8192, "kibana.": 2048}


def containers(host: Any) -> dict[str, int]:
    """Containers of the platform on this host, and the limit that each has."""
    names = host.check_output("docker ps --format '{{.Names}}'").split()
    return {
        name: limit for name in names for start, limit in LIMITS.items() if name.startswith(start)
    }


def test_every_host_has_a_container_of_elasticsearch(host: Any) -> None:
    assert any(name.startswith("elk_elasticsearch-") for name in containers(host))


def test_no_process_has_or_can_gain_a_capability(host: Any) -> None:
    for name in containers(host):
        processes = host.check_output(
            # A process may end while it is read.
            "docker exec %s sh -c 'cat /proc/[0-9]*/status 2>/dev/null || true'",
            name,
        )
        program, seen = "", set()
        for key, *values in (line.split() for line in processes.splitlines()):
            if key == "Name:":
                program = values[0]
            # Docker's own process, which drops its rights before it becomes a health check.
            elif key.startswith(LIMITED) and not program.startswith("runc:"):
                expected = {"Uid:": "1000", "NoNewPrivs:": "1"}.get(key, "0" * 16)
                assert set(values) == {expected}, (name, program, key, values)
                seen.add(key)
        assert len(seen) >= 7, name


def test_each_container_has_a_limit_of_processes(host: Any) -> None:
    for name, limit in containers(host).items():
        # Version 1 of control groups has a separate tree for pids.
        found = host.check_output(
            "docker exec %s sh -c 'cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max"
            " 2>/dev/null || true'",
            name,
        )
        assert found.split() == [str(limit)], name


def handshake(address: str, port: int, ca: str, version: str, ciphers: str, name: str) -> str:
    """The cipher suite that a client with this offer gets."""
    context = ssl.create_default_context(cafile=ca)
    context.set_ciphers(ciphers)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    with (
        socket.create_connection((address, port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        agreed = wrapped.cipher()
        assert agreed
        return str(agreed[0])


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(("service", "port"), [("elasticsearch", 9200), ("kibana", 5601)])
def test_suites_with_cbc_are_refused(platform: Any, serving: Any, service: str, port: int) -> None:
    addresses = (
        [platform.address(name) for name in platform.hosts]
        if service == "elasticsearch"
        else serving("kibana")
    )
    ca = str(platform.ca)
    for address in addresses:
        name = KIBANA if service == "kibana" else address
        assert handshake(address, port, ca, "TLSv1_3", "DEFAULT", name).startswith("TLS_")
        for suite in ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"):
            assert handshake(address, port, ca, "TLSv1_2", suite, name) == suite
        for suite in ("AES256-SHA384", "AES128-SHA256", "AES256-SHA", "AES128-SHA"):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                handshake(address, port, ca, "TLSv1_2", f"ECDHE-ECDSA-{suite}:@SECLEVEL=0", name)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            handshake(address, port, ca, "TLSv1_1", "DEFAULT:@SECLEVEL=0", name)
