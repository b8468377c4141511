# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the body of an HTTP response, with a limit in bytes and in seconds.

The server may be compromised, or another program may use its port. It could send without end, or
one byte shortly before each socket timeout.
"""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE = 64 * 1024


class UnboundedAnswer(Exception):
    """The response is longer, or takes longer, than any that this collection expects."""


def read_body(
    response: http.client.HTTPResponse,
    limit: int,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> bytes:
    """The whole body. The connection can be used again afterwards, but not after an exception.

    Raises UnboundedAnswer, and IncompleteRead as HTTPResponse.read() does.
    """
    # read1() returns the available bytes; read() would wait until a piece is full. Before Python
    # 3.12, read1() does not count down the announced length, so this function counts it.
    announced = None if response.chunked else response.length
    if announced is not None and announced > limit:
        raise UnboundedAnswer(f"it announces {announced} bytes, the limit is {limit}")
    deadline = clock() + seconds
    pieces: list[bytes] = []
    received = 0
    while announced is None or received < announced:
        size = _PIECE if announced is None else min(_PIECE, announced - received)
        try:
            piece = response.read1(size)
        except http.client.IncompleteRead:
            raise http.client.IncompleteRead(b"".join(pieces)) from None
        if not piece:
            break
        pieces.append(piece)
        received += len(piece)
        if received > limit:
            raise UnboundedAnswer(f"it continues after {limit} bytes, which is the limit")
        if clock() > deadline:
            raise UnboundedAnswer(f"it continues after {seconds:g} s, which is the limit")
    body = b"".join(pieces)
    if announced is not None and received < announced:
        raise http.client.IncompleteRead(body, announced - received)
    response.close()
    return body
