# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether this machine reaches hosts directly, and not only by ssh through a bastion."""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass

# A host that refuses the connection is there, only its service is not.
ANSWERS = (0, errno.ECONNREFUSED)


@dataclass(frozen=True)
class Reachability:
    """Whether any host answers; if none does, the problem of the first."""

    reached: bool
    problem: str = ""


def reachability(endpoints: Iterable[tuple[str, int]], timeout: float) -> Reachability:
    """Connect to all endpoints at once; the first answer ends the wait."""
    problems: list[str] = []
    waiting: dict[int, tuple[socket.socket, str]] = {}
    with ExitStack() as stack:
        for address, port in endpoints:
            try:
                family, kind, number, _name, where = socket.getaddrinfo(
                    address, port, type=socket.SOCK_STREAM
                )[0]
                attempt = stack.enter_context(socket.socket(family, kind, number))
            except OSError as error:
                problems.append(f"{address}: {error.strerror or error}")
                continue
            attempt.setblocking(False)
            code = attempt.connect_ex(where)
            if code in ANSWERS:
                return Reachability(True)
            if code == errno.EINPROGRESS:
                waiting[attempt.fileno()] = (attempt, address)
            else:
                problems.append(f"{address}: {os.strerror(code)}")
        poll = select.poll()
        for number in waiting:
            poll.register(number, select.POLLOUT)
        deadline = time.monotonic() + timeout
        while waiting and time.monotonic() < deadline:
            for number, _event in poll.poll(max(0, deadline - time.monotonic()) * 1000):
                attempt, address = waiting.pop(number)
                poll.unregister(number)
                code = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code in ANSWERS:
                    return Reachability(True)
                problems.append(f"{address}: {os.strerror(code)}")
        silent = [address for _attempt, address in waiting.values()]
        problems += [f"{address}: no answer within {timeout:g} s" for address in silent]
    return Reachability(False, problems[0] if problems else "no address was given")
