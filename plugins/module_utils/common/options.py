# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option values with the same meaning in several modules."""

from __future__ import annotations

from typing import Any


class OptionError(ValueError):
    """An option has a value that cannot be used."""


def octal_mode(value: Any, option: str, default: int = 0o444) -> int:
    """File mode from an octal string like "0400"; a number is the mode itself."""
    if value is None:
        return default
    if isinstance(value, bool):
        raise OptionError(f"{option}: {value!r} is not a file mode; write it quoted, like '0400'")
    if isinstance(value, int):
        mode = value
    else:
        try:
            mode = int(str(value), 8)
        except ValueError:
            raise OptionError(
                f"{option}: {value!r} is not a file mode; write it quoted, like '0400'"
            ) from None
    if not 0 <= mode <= 0o7777:
        raise OptionError(f"{option}: {value!r} is not a file mode; write it quoted, like '0400'")
    return mode
