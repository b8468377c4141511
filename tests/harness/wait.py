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
    """Wait until a condition is true, and give its value.

    Args:
        condition: Is asked again and again.
        seconds: The longest wait.
        what: What is waited for, for the message.
        pause: Seconds between two questions.
        errors: What a condition may raise as long as it is not true.

    Raises:
        AssertionError: It did not become true in time; the message has the last error.
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
