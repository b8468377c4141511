# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a refused Elasticsearch password comes from, and how to log in again.

The text follows "Check" in an error, so it begins with the name of the variable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.elk.swarm.plugins.module_utils.controller.local_secret import (
    SecretError,
    read,
)
from ansible_collections.elk.swarm.plugins.module_utils.controller.secret_rotation import next_of

if TYPE_CHECKING:
    from pathlib import Path

MISSING, GIVEN, RENEWED, KEPT = "missing", "given", "renewed", "kept"


@dataclass(frozen=True)
class Place:
    """Where the password is kept, and where a new one can be set."""

    variable: str
    path: Path
    host: str
    host_file: str
    stack: str

    @property
    def reset(self) -> str:
        container = f"$(docker ps -q -f name=^{self.stack}_elasticsearch- | head -n 1)"
        return f"docker exec {container} bin/elasticsearch-reset-password -u elastic -b"


def state_of(path: Path, value: str) -> str:
    """Where the value comes from, and whether a rotation of it was interrupted."""
    try:
        current = read(path)
    except SecretError:
        # The file is empty, so the password is lost as well.
        return MISSING
    if current is None:
        return MISSING
    if current != value:
        return GIVEN
    return RENEWED if next_of(path).exists() else KEPT


def hint(place: Place, value: str, *, renewing: bool = False) -> str:
    """What to check. With `renewing`, the next password of a rotation was tried as well."""
    path, state = place.path, state_of(place.path, value)
    source = f"{place.variable}, which comes from {path} on the controller"
    if state == GIVEN:
        return (
            f"{place.variable}, which one of your variables sets: {path} on the controller has "
            f"another value. Set the variable to the right password. "
            f"{_new_password(place, 'set the variable to the password that it prints')}"
        )
    if state == MISSING:
        return (
            f"{place.variable}: there is no password in {path} on the controller, and none of "
            f"your variables sets the right one. {_how_to_fix(place)}"
        )
    if state == KEPT:
        return f"{source}. {_how_to_fix(place)}"
    if renewing:
        return (
            f"{place.variable}: neither {path} nor {next_of(path)} on the controller contains "
            f"the right password. {_how_to_fix(place)}"
        )
    return (
        f"{source}. Its rotation was interrupted, and {next_of(path)} holds the next password. "
        "Run playbooks/rotate.yml -e rotate=passwords: it finds out which of the two is right, and "
        "finishes the rotation"
    )


def _how_to_fix(place: Place) -> str:
    then = f"write the password that it prints into {place.path}"
    return (
        f"Write the right password into {place.path}: from your copy of that file, or from "
        f"{place.host_file} on {place.host}. {_new_password(place, then)}"
    )


def _new_password(place: Place, then: str) -> str:
    return f"If it is lost, run `{place.reset}` as root on {place.host}, {then}, and run this again"
