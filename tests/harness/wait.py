"""Waiting for something that takes an unknown time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def wait_for(
    condition: Callable[[], Any],
    seconds: float,
    what: str,
    *,
    pause: float = 0.5,
    errors: type[Exception] | tuple[type[Exception], ...] = (),
) -> Any:
    """Wait until a condition is true, and return its value.

    Args:
        condition: Called repeatedly.
        seconds: The longest wait.
        what: A name for the condition in the error message.
        pause: Seconds between two calls.
        errors: Exceptions of the condition that mean "not yet".

    Raises:
        AssertionError: The condition did not become true in time; the message has the last error.
    """
    end = time.monotonic() + seconds
    while True:
        why = ""
        try:
            value = condition()
        except errors as error:
            value, why = None, f": {error!r}"
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come within {seconds:g} s{why}"
        time.sleep(pause)
