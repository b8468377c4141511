# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the body of an HTTP answer, with a limit in bytes and in seconds.

What answers may be a server that somebody else has taken over, or another program on the same port:
it could send without end, or one byte whenever the timeout of the socket is nearly over.
"""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE = 64 * 1024


class UnboundedAnswer(Exception):
    """The answer is longer, or takes longer, than any that this collection asks for."""


def read_body(
    response: http.client.HTTPResponse,
    limit: int,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> bytes:
    """The whole body, after which the connection can be used again.

    Raises UnboundedAnswer, after which it cannot, and IncompleteRead as HTTPResponse.read() does.
    """
    # read1() takes what is there; read() would wait until a piece is full. In Python before 3.12 it
    # does not count down the length that the server has announced, so that is done here.
    announced = None if response.chunked else response.length
    if announced is not None and announced > limit:
        raise UnboundedAnswer(f"it announces {announced} bytes, and {limit} are the limit")
    deadline = clock() + seconds
    pieces: list[bytes] = []
    got = 0
    while announced is None or got < announced:
        wanted = _PIECE if announced is None else min(_PIECE, announced - got)
        try:
            piece = response.read1(wanted)
        except http.client.IncompleteRead:
            raise http.client.IncompleteRead(b"".join(pieces)) from None
        if not piece:
            break
        pieces.append(piece)
        got += len(piece)
        if got > limit:
            raise UnboundedAnswer(f"it goes on after {limit} bytes, which are the limit")
        if clock() > deadline:
            raise UnboundedAnswer(f"it goes on after {seconds:g} s, which are the limit")
    body = b"".join(pieces)
    if announced is not None and got < announced:
        raise http.client.IncompleteRead(body, announced - got)
    response.close()
    return body
