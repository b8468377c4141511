# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the controller reaches hosts, by connections on this machine."""

from __future__ import annotations

import errno
import socket
import time
from typing import TYPE_CHECKING

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.controller.reachability import (
    Reachability,
    reachability,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_host_that_listens_is_reached(listener: socket.socket) -> None:
    assert reachability([listener.getsockname()], 3) == Reachability(True)


def test_a_host_that_refuses_is_reached() -> None:
    assert reachability([("127.0.0.1", 1)], 3) == Reachability(True)


def test_one_host_is_enough(listener: socket.socket) -> None:
    endpoints = [("host.invalid", 514), listener.getsockname()]
    assert reachability(endpoints, 3) == Reachability(True)


def test_names_that_only_the_hosts_know() -> None:
    found = reachability([("host.invalid", 514)], 3)
    assert not found.reached
    assert found.problem.startswith("host.invalid: ")


class Unreachable(socket.socket):
    """A socket of a controller that has no route to the hosts."""

    def connect_ex(self, _address: object) -> int:
        return errno.ENETUNREACH


class Silent(socket.socket):
    """A socket whose packets are dropped on their way."""

    def connect_ex(self, _address: object) -> int:
        self.bind(("127.0.0.1", 0))
        # Until somebody connects, which nobody does, this socket cannot be written to.
        self.listen()
        return errno.EINPROGRESS


def test_a_network_without_a_route(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", Unreachable)
    found = reachability([("10.60.0.11", 514), ("10.60.0.12", 514)], 3)
    assert found == Reachability(False, "10.60.0.11: Network is unreachable")


def test_hosts_that_drop_packets_take_one_timeout_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", Silent)
    start = time.monotonic()
    found = reachability([("10.60.0.11", 514), ("10.60.0.12", 514)], 0.2)
    assert found == Reachability(False, "10.60.0.11: no answer within 0.2 s")
    assert time.monotonic() - start < 2


def test_no_host_at_all() -> None:
    assert reachability([], 3) == Reachability(False, "no address was given")
